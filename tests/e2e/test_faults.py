"""What can be wrong with a machine when guiado starts or while it runs: two lines that say what and what to do, and no traceback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from clusters import wheel_binaries
from secret_keys import BOX

from guiado import clock
from guiado.agent import close_engines
from guiado.cli import main
from guiado.store import migrate as migrations
from guiado.store import schedule
from guiado.store.database import Database
from guiado.store.embedded import EmbeddedPostgres, postmaster
from guiado.store.embedded.cluster_paths import find_folder

AS_ROOT = os.geteuid() == 0
NOBODY = 65534
FOREIGN = re.compile(r"Traceback|Errno|No such|denied|Address already|Input should|must be|could not parse|failed")
"""Words of the system, of the libraries and of Python, which no Spanish sentence of ours may hold."""
PROBLEM = {"problem_description": "no puedo instalar el programa", "customer_email": "ana@example.com"}
DEADLINE_S = 40


def wait_for(condition, what, deadline_s=DEADLINE_S):
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {deadline_s} s: {what}")


def two_lines(code, out, err, *, quotes=False):
    """The two lines of an error, after making sure that they are all there is."""
    lines = err.splitlines()
    assert (code, len(lines)) == (1, 2), f"code {code}:\n{out}{err}"
    assert quotes or not FOREIGN.search(err), err
    assert all(line.endswith((".", ";")) or "/" in line for line in lines), lines
    return lines


@pytest.fixture
def fails(capfd, monkeypatch, tmp_path):
    """Runs a command that must fail, in an empty folder; gives the two lines."""
    monkeypatch.chdir(tmp_path)

    def call(*words, quotes=False, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        with pytest.raises(SystemExit) as ended:
            main(words or ("db", "migrate"))
        said = capfd.readouterr()
        return two_lines(ended.value.code, said.out, said.err, quotes=quotes)

    yield call
    close_engines()


# ------------------------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("text", "named", "remedy"),
    [
        (b"PORT=3000\nesto no es nada\n", "La línea 2 de .env", "NOMBRE=valor"),
        (b'PORT="30\n', "La línea 1 de .env", "NOMBRE=valor"),
        (b"GUIADO_LOG_LEVEL=loud\n", "GUIADO_LOG_LEVEL tiene un valor no válido: elige uno de estos: DEBUG, INFO", ".env"),
        (b"PORT=abc\n", "PORT tiene un valor no válido: debe ser un número entero.", ".env"),
        (b"\xef\xbb\xbfPORT=abc\n", "PORT tiene un valor", ".env"),
        (b"PORT=99999\n", "PORT tiene un valor no válido: debe ser 65535 como máximo.", ".env"),
        (
            b"GUIADO_DETECTION_THRESHOLD=x\n",
            "GUIADO_DETECTION_THRESHOLD tiene un valor no válido: debe ser un número.",
            ".env",
        ),
        (b"GUIADO_TENANT=" + b"x" * 65, "GUIADO_TENANT tiene un valor no válido: debe tener 64 caracteres", ".env"),
        (b"\xff\xfeP\x00O\x00", "No se puede leer el archivo .env", "UTF-8"),
        (b"GUIADO_KB_PATH=a\x00b\n", "No se puede leer el archivo .env", "UTF-8"),
        (b"DATABASE_URL=postgresql://user:pass@host:5432/db\n", "DATABASE_URL todavía tiene el valor de ejemplo.", "borra"),
    ],
)
def test_a_broken_env_file_is_explained(fails, tmp_path, text, named, remedy):
    (tmp_path / ".env").write_bytes(text)
    what, to_do = fails("kb", "show")
    assert what.startswith(named)
    assert remedy in to_do


def test_an_env_file_with_the_mark_of_windows_editors_is_read(tmp_path, monkeypatch, capfd):
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfGUIADO_KB_PATH=nada.json\r\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUIADO_KB_PATH")
    with pytest.raises(SystemExit) as ended:
        main(["kb", "lint"])
    assert ended.value.code == 1
    assert "nada.json" in capfd.readouterr().out


def test_an_env_file_that_is_a_folder_is_explained(fails, tmp_path):
    (tmp_path / ".env").mkdir()
    assert "es una carpeta" in fails("kb", "show")[0]


def test_what_nobody_foresaw_is_two_lines_too(fails, monkeypatch):
    monkeypatch.setattr("guiado.cli.knowledge.path_in_use", lambda: 1 / 0)
    assert fails("kb", "show")[0].startswith("Error interno: ZeroDivisionError")
    monkeypatch.setenv("GUIADO_LOG_LEVEL", "debug")
    with pytest.raises(ZeroDivisionError):
        main(["kb", "show"])


# ----------------------------------------------------------------------------------------------------------------- addresses


def test_a_taken_port_is_explained(fails, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        what, to_do = fails("serve", PORT=port, GUIADO_HOME=tmp_path / "home")
    assert what == f"No se puede abrir 127.0.0.1:{port} (lo está usando otro programa)."
    assert "PORT" in to_do
    assert not (tmp_path / "home").exists(), "nothing was started for it"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://a@no.existe.invalid/x", "no se conoce ese servidor"),
        ("postgresql://a@127.0.0.1:1/x", "ningún programa responde en esa dirección"),
        ("postgresql://a@localhost:1/x", "ningún programa responde en esa dirección"),
        ("postgresql://a@/x?host=/no/existe", "no existe"),
        ("postgresql://a@h:abc/x", "la dirección está mal escrita"),
        ("mysql://a@h/x", "la dirección está mal escrita"),
        ("hola", "la dirección está mal escrita"),
    ],
)
def test_a_wrong_database_address_is_explained(fails, url, named):
    what, to_do = fails(DATABASE_URL=url)
    assert what.startswith("No se puede conectar con PostgreSQL: " + named)
    assert "DATABASE_URL" in to_do


async def _execute(dsn, *statements):
    connection = await migrations.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def with_database(dsn, name, user="guiado"):
    return re.sub(r"^postgresql://[^@]*@/[^?]*", f"postgresql://{user}@/{name}", dsn)


def test_a_database_that_cannot_be_used_is_explained(fails, pg_server, monkeypatch):
    statements = (
        "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
        "CREATE ROLE mirona LOGIN",
        "CREATE DATABASE ajena TEMPLATE template0",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )
    asyncio.run(_execute(pg_server, *statements))
    asyncio.run(_execute(with_database(pg_server, "ajena"), "REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    try:
        what, to_do = fails(DATABASE_URL=with_database(pg_server, "ascii"))
        assert "SQL_ASCII" in what
        assert "ENCODING 'UTF8'" in to_do
        what, to_do = fails(DATABASE_URL=with_database(pg_server, "ajena", "mirona"), quotes=True)
        assert "permission denied for schema public" in what
        assert "crear tablas" in to_do
        assert "esa base de datos no existe" in fails(DATABASE_URL=with_database(pg_server, "nada"))[0]
        assert "ese usuario no existe" in fails(DATABASE_URL=with_database(pg_server, "ajena", "quien"))[0]
        with monkeypatch.context() as older:
            older.setattr(migrations, "_OLDEST", 990000)
            assert "es anterior" in fails(DATABASE_URL=pg_server)[0]
    finally:
        asyncio.run(_execute(pg_server, "DROP DATABASE ascii", "DROP DATABASE ajena", "DROP ROLE mirona"))


def test_a_wrong_password_is_explained(fails, home):
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries(), use_tcp=True)
    try:
        wrong = re.sub(r":[^:@]+@", ":otra@", server.join())
        assert "el usuario o la contraseña no son correctos" in fails(DATABASE_URL=wrong)[0]
    finally:
        server.leave()


# ------------------------------------------------------------------------------------------------------------- data and home


def test_a_home_that_cannot_be_one_is_explained(fails, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    assert "ya hay un archivo" in fails(GUIADO_HOME=tmp_path / "file")[0]
    assert "ya hay un archivo" in fails(GUIADO_HOME=tmp_path / "file/home")[0]
    assert "el nombre es demasiado largo" in fails(GUIADO_HOME=tmp_path / ("x" * 300))[0]
    what, to_do = fails(GUIADO_HOME="~nadie-de-aquí/guiado")
    assert "~nadie-de-aquí/guiado" in what
    assert "GUIADO_HOME" in to_do
    fails(GUIADO_HOME=tmp_path / "circle")


def test_data_that_cannot_be_used_is_explained(fails, home):
    data = home / "postgres/data"
    (data / "PG_VERSION").write_text("99\n")
    assert "Instala PostgreSQL 99" in fails()[1]
    (data / "PG_VERSION").write_text("11\n")
    assert "Instala PostgreSQL 11" in fails()[1]
    (data / "PG_VERSION").write_text("no\n")
    assert "no contiene una base de datos" in fails()[0]
    (data / "PG_VERSION").write_text("18\n")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = muchas\n")
    what, to_do = fails(quotes=True)
    assert "max_connections" in what
    assert "postgresql.conf" in to_do


def test_damaged_data_is_explained(fails, home):
    (home / "postgres/data/global/pg_control").write_bytes(b"\0" * 8192)
    what, to_do = fails(quotes=True)
    assert str(home) in what + to_do


@pytest.mark.long
def test_more_memory_than_the_machine_has_is_explained(fails, home):
    with (home / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = 8000GB\n")
    what, to_do = fails(quotes=True)
    assert "memoria" in what or "shared_buffers" in what
    assert "postgresql.conf" in to_do


@pytest.mark.skipif(not AS_ROOT, reason="only root may forbid shared memory to a namespace")
def test_no_shared_memory_is_not_taken_for_a_full_disk(home):
    program = f"echo 0 > /proc/sys/kernel/shmmni && exec {sys.executable} -m guiado db migrate"
    done = subprocess.run(["unshare", "--ipc", "sh", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    if "unshare failed" in done.stderr or "shmmni" in done.stderr:
        pytest.skip("this machine gives root no namespaces")
    what, to_do = two_lines(done.returncode, done.stdout, done.stderr)
    assert "memoria compartida" in what
    assert "shared_buffers" in to_do


@pytest.mark.skipif(not AS_ROOT, reason="only root may give a folder away")
def test_data_that_belongs_to_root_are_explained(fails, home):
    os.chown(home / "postgres/data", 0, 0)
    what, to_do = fails()
    assert "pertenece a root" in what
    assert "chown" in to_do


def test_broken_programs_are_explained(fails, tmp_path):
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'error while loading shared libraries: libfoo.so' >&2\nexit 127\n")
        (tmp_path / name).chmod(0o755)
    what, to_do = fails(GUIADO_HOME=tmp_path / "home", PG_BIN=tmp_path)
    assert what.startswith("PG_BIN: en ")
    assert "PG_BIN" in to_do


def test_programs_that_break_at_the_start_are_explained(fails, home, tmp_path):
    real = wheel_binaries()
    (tmp_path / "initdb").symlink_to(real / "initdb")
    said = "postgres: error while loading shared libraries: libssl.so.9: cannot open shared object file"
    (tmp_path / "postgres").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real}/postgres --version\necho "{said}" >&2\nexit 127\n'
    )
    (tmp_path / "postgres").chmod(0o755)
    tmp_path.chmod(0o755)
    what, to_do = fails(PG_BIN=tmp_path, quotes=True)
    assert "libssl.so.9" in what or "no puede ejecutar PostgreSQL" in what
    assert "PostgreSQL" in to_do


def as_user(number, *words, cwd="/", **settings):
    """Runs guiado as another user, who has no HOME, with a Python that such a user can execute."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings,
    }
    identity = {"user": number, "group": number, "extra_groups": []}
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        with contextlib.suppress(OSError):
            return subprocess.run(
                [python, "-m", "guiado", *words],
                capture_output=True, text=True, check=False, timeout=60, cwd=cwd, env=environment, **identity,
            )  # fmt: skip
    return None


@pytest.fixture
def needs_nobody():
    if not AS_ROOT:
        pytest.skip("only root can become somebody else")
    tried = as_user(NOBODY, "version")
    if tried is None or tried.returncode != 0:
        pytest.skip("the user nobody cannot run Python here")


@pytest.mark.usefixtures("needs_nobody")
def test_missing_rights_are_explained(home, tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    env = tmp_path / ".env"
    env.write_text("PORT=3000\n")
    env.chmod(0o600)
    done = as_user(NOBODY, "kb", "show", cwd=tmp_path)
    assert "falta permiso" in two_lines(done.returncode, done.stdout, done.stderr)[0]
    closed = as_user(NOBODY, "db", "migrate", GUIADO_HOME=str(home / "nuevo"))
    assert "falta permiso" in two_lines(closed.returncode, closed.stdout, closed.stderr)[0]
    foreign = as_user(NOBODY, "db", "migrate", GUIADO_HOME=str(home))
    assert "falta permiso" in two_lines(foreign.returncode, foreign.stdout, foreign.stderr)[0]


@pytest.mark.usefixtures("needs_nobody")
def test_a_user_without_a_home_is_told_to_name_a_folder():
    done = as_user(54321, "db", "migrate")
    assert "GUIADO_HOME" in two_lines(done.returncode, done.stdout, done.stderr)[1]
    doctor = as_user(54321, "doctor")
    assert (doctor.returncode, doctor.stderr) == (1, "")
    assert "GUIADO_HOME" in doctor.stdout


def _migrate(where, value, **settings):
    return subprocess.run(
        [sys.executable, "-m", "guiado", "db", "migrate"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=where,
        env={**os.environ, "GUIADO_HOME": value, "PG_BIN": str(wheel_binaries()), **settings},
    )


@pytest.mark.parametrize("kind", ["relative", "spaces", "link", "long"])
@pytest.mark.long
def test_unusual_homes_work(home, kind):
    folder = {"relative": "mis datos", "spaces": "casa de ñandú, S.A.", "link": "verdadera", "long": "carpeta larga " * 10}[kind]
    place = home / "sitio" / folder.strip()
    place.mkdir(parents=True)
    for each in (home / "sitio", place):
        each.chmod(0o755)
    (home / "postgres").rename(place / "postgres")
    given = {"relative": folder, "spaces": str(place), "link": str(home / "enlace"), "long": str(place)}[kind]
    (home / "enlace").symlink_to(place)
    done = _migrate(home / "sitio", given, LC_ALL="xx_XX", LANG="nada")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not AS_ROOT, reason="only root may mount a folder for reading only")
def test_a_read_only_home_is_explained(home):
    program = f"mount --bind {home} {home} && mount -o remount,ro,bind {home} && exec {sys.executable} -m guiado db migrate"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 32 or "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine lets root mount nothing")
    what, to_do = two_lines(done.returncode, done.stdout, done.stderr)
    assert "el disco es de solo lectura" in what
    assert "GUIADO_HOME" in to_do


# ----------------------------------------------------------------------------------------------------------------- full disk


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 200 MB."""
    folder = Path(tempfile.mkdtemp(prefix="guiado-disk-"))
    done = AS_ROOT and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "none", folder], check=False)
    if not done or done.returncode:
        folder.rmdir()
        pytest.skip("only root may mount a small disk")
    folder.chmod(0o755)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def fill(disk):
    with (disk / "filler").open("wb", buffering=0) as filler:
        size = 1 << 20
        while size:
            try:
                filler.write(b"x" * size)
            except OSError:
                size >>= 1


def test_a_disk_that_is_full_at_the_start_is_explained(small_disk, seed, fails):
    (small_disk / "home").mkdir()
    fill(small_disk)
    what, to_do = fails(GUIADO_HOME=small_disk / "home", PG_BIN=wheel_binaries())
    assert "No queda espacio en el disco" in what
    assert "Libera espacio" in to_do
    (small_disk / "filler").unlink()
    subprocess.run(["cp", "-a", f"{seed}/.", small_disk / "home"], check=True)
    fill(small_disk)
    what, to_do = fails(GUIADO_HOME=small_disk / "home")
    assert "No queda espacio en el disco" in what
    assert "Libera espacio" in to_do


def test_a_disk_that_gets_full_stops_the_service_until_there_is_room_and_no_step_is_lost(small_disk, seed, tmp_path):
    home = small_disk / "home"
    home.mkdir(mode=0o755)
    subprocess.run(["cp", "-a", f"{seed}/.", home], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"GUIADO_HOME": str(home), "PORT": str(port), "PG_BIN": str(wheel_binaries())}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "guiado", "serve"], env={**os.environ, **settings}, cwd=tmp_path, stdout=log, stderr=log
        )
    database = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    api = httpx2.Client(base_url=f"http://127.0.0.1:{port}/api/support/troubleshooting", timeout=30)

    def answer(path, **body):
        try:
            return api.post(path, json=body)
        except httpx2.TransportError:
            return None

    def starts():
        """Begins a session with so many words that they need room of their own."""
        words = clock.token(3000).replace("-", " ")
        return answer("/start", **{**PROBLEM, "problem_description": f"no puedo instalar el programa {words}"})

    try:
        wait_for(lambda: (begun := answer("/start", **PROBLEM)) is not None and begun.status_code < 300, "the service answers")
        acknowledged = {starts().json()["session_id"] for _ in range(3)}
        fill(small_disk)
        full = wait_for(lambda: (said := starts()) is not None and said.status_code >= 300 and said, "the disk is full")
        assert full.status_code == 503
        assert int(full.headers["retry-after"]) >= 1
        # The log of transactions has no room either: now PostgreSQL itself ends.
        subprocess.run(
            [wheel_binaries() / "psql", database.dsn(), "-qXc", "SELECT pg_switch_wal()"], capture_output=True, check=False
        )
        for _ in range(3):
            assert starts().status_code == 503
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        doctor = subprocess.run(
            [sys.executable, "-m", "guiado", "doctor", "--json"],
            env={**os.environ, **settings}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        states = {check["check"]: check["state"] for check in json.loads(doctor.stdout)["checks"]}
        assert (doctor.returncode, states["disk"], states["port"]) == (1, "bad", "good"), doctor.stdout
        (small_disk / "filler").unlink()
        begun = wait_for(lambda: (said := starts()) is not None and said.status_code < 300 and said, "it recovers by itself")
        acknowledged.add(begun.json()["session_id"])
        assert all(api.get(f"/{session_id}").status_code == 200 for session_id in acknowledged)
        assert process.poll() is None
        assert "Traceback" not in (tmp_path / "log").read_text()
    finally:
        process.terminate()
        process.wait(30)
        api.close()
        postmaster.stop(find_folder(home) / "data")


# ------------------------------------------------------------------------------------------------------- what is left behind


@pytest.mark.long
def test_a_server_whose_last_user_was_killed_stops_and_its_log_stays_short(home):
    program = (
        "import sys, time; from pathlib import Path; from guiado.store.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), pg_bin=Path(sys.argv[2])).join(); print('ready', flush=True); time.sleep(60)"
    )
    user = subprocess.Popen([sys.executable, "-c", program, home, wheel_binaries()], stdout=subprocess.PIPE)
    with user.stdout as told:
        assert told.readline() == b"ready\n"
    log = home / "postgres/postgres.log"
    with log.open("ab") as file:
        file.write(b"x" * 10_000_001)
    wait_for(lambda: log.stat().st_size < 1_000_000, "the log is set aside")
    user.send_signal(signal.SIGKILL)
    user.wait()
    server = EmbeddedPostgres(home)
    assert server.status().running, "whoever comes back at once finds it running"
    wait_for(lambda: not server.status().running, "the server stops by itself")


# --------------------------------------------------------------------------------------------------------------------- clock


def test_a_clock_that_is_set_back_does_not_hold_up_periodic_work(dsn):
    async def run():
        async def find():
            return dsn

        database = Database(find, box=BOX)
        try:
            async with database.connection() as connection:
                assert await schedule.take(connection, "default", "job", "one", 60, 300)
                # The clock was set back by a day while somebody held the job, and that one died.
                await connection.execute(
                    "UPDATE support_troubleshooting_schedule SET next_at = next_at + $1::interval, leased_until = leased_until + $1::interval",
                    timedelta(days=1),
                )
                return await schedule.take(connection, "default", "job", "two", 60, 300)
        finally:
            await database.close()

    assert asyncio.run(run())


def test_ids_keep_their_order_when_the_clock_is_set_back(monkeypatch):
    before = clock.new_id()
    monkeypatch.setattr("guiado.clock.time.time_ns", lambda: 1_000_000_000_000_000_000)  # the year 2001
    after = [clock.new_id() for _ in range(1000)]
    assert [before, *after] == sorted([before, *after])
