"""PgBouncer in front of PostgreSQL, both Debian's, for tests: real processes, and stock settings but for the pool mode.

`apt-get install postgresql pgbouncer` brings both; tests that need them say so where they are missing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from clusters import clean_up, open_folder
from installation import wait_for

from guiado.store.embedded import EmbeddedPostgres

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
POSTGRESQL = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int("0" + path.parent.name), default=None)
MISSING = "needs Debian's PostgreSQL and PgBouncer: apt-get install postgresql pgbouncer"
HAS_BOTH = PGBOUNCER is not None and POSTGRESQL is not None
_STOCK = """[databases]
{database} = host={host} port={port} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = {mode}
"""


class Cluster:
    """A PostgreSQL of Debian's, with full durability, in a folder of its own."""

    def __init__(self) -> None:
        self.home = open_folder()
        self.server = EmbeddedPostgres(self.home, pg_bin=POSTGRESQL)
        self.dsn = self.server.join()

    def close(self) -> None:
        """Stop it, and leave no file."""
        self.server.leave()
        clean_up(self.home)


class PgBouncer:
    """One PgBouncer for one database.

    Args:
        direct: address of the database without it.
        mode: its `pool_mode`.
    """

    def __init__(self, direct: str, mode: str) -> None:
        self._folder = open_folder()
        parts, options = urlsplit(direct), dict(parse_qsl(urlsplit(direct).query))
        self._database, user, password = parts.path[1:], unquote(parts.username or ""), "secreta"  # the socket asks for none
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._host, self._host_port = options.get("host") or parts.hostname, options.get("port") or parts.port or 5432
        (self._folder / "users").write_text(f'"{user}" "{password}"\n')
        self.dsn = f"postgresql://{user}:{password}@127.0.0.1:{self._port}/{self._database}"
        self.configure(mode)
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, mode: str) -> None:
        """Write its file; it is read at the start, and with `reload`."""
        places = {"host": self._host, "port": self._host_port, "listen": self._port, "folder": self._folder}
        (self._folder / "pgbouncer.ini").write_text(_STOCK.format(database=self._database, mode=mode, **places))

    def start(self) -> None:
        """Start it, and wait until it listens."""
        # It refuses to run as root, as PostgreSQL does.
        user = ["-u", next(name for name in ("postgres", "nobody") if _exists(name))] if os.geteuid() == 0 else []
        with (self._folder / "log").open("ab") as log:
            command = [str(PGBOUNCER), *user, str(self._folder / "pgbouncer.ini")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._listens, "PgBouncer listens", 10)

    def kill(self) -> None:
        """SIGKILL: all its connections are gone at once."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """Have it end as `systemctl stop` does; safe to call twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)

    def close(self) -> None:
        """End it, and leave no file."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def log(self) -> str:
        """All that it said."""
        return (self._folder / "log").read_text(errors="replace")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
