"""PostgreSQL's client programs: choice by server version, execution and progress.

Only this module starts them. They run as the user of this process: only the server must not run as root.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, quote, unquote, urlencode

from guiado.errors import DatabaseUnavailable, GuiadoError, Message
from guiado.store.address import read_address
from guiado.store.embedded.binaries import Binaries, client_folders
from guiado.store.embedded.os_account import environment

Report = Callable[[Message, float], None]
"""Callback for progress: the current stage, and the share of it that is done (0..1)."""

_TABLE = re.compile(r'^[^"]*(?:contents of table|data for table|creating INDEX) "(.+)"$')
_CONSTRAINT = re.compile(r'^[^"]*creating CONSTRAINT "([^.]++)\.\S++ (.+)"$')
_NO_SPACE = re.compile(r"No space left on device|File (too large|size limit exceeded)|Disk quota exceeded")
_LONGEST_ANSWER = 500


class Tracker:
    """Progress of a program, derived from its `--verbose` output.

    Args:
        stage: name of the work.
        weights: qualified name of a table or index -> its share of the work, in any unit.
        report: receives the progress.
    """

    def __init__(self, stage: Message, weights: Mapping[str, int], report: Report) -> None:
        self._stage, self._weights, self._report = stage, weights, report
        self._total = sum(weights.values()) or 1
        self._done = self._current = 0
        report(stage, 0.0)

    def hear(self, line: str) -> None:
        """Update the progress from one line of output: a new item means that the one before is finished."""
        if found := _TABLE.search(line):
            name = found[1]
        elif found := _CONSTRAINT.search(line):
            name = f"{found[1]}.{found[2]}"
        else:
            return
        self._done, self._current = self._done + self._current, self._weights.get(name, 0)
        self._report(self._stage, min(self._done / self._total, 1.0))


@dataclass(frozen=True, slots=True)
class Clients:
    """Client programs in one folder, for one installation's database.

    Args:
        binaries: folder and version of the programs.
        is_embedded: whether the server is guiado's own, so that no `PG…` variable of the caller concerns it.
    """

    binaries: Binaries
    is_embedded: bool

    async def run(
        self,
        name: str,
        *arguments: str | Path,
        dsn: str | None = None,
        text_in: str = "",
        held: Sequence[int] = (),
        hear: Callable[[str], None] | None = None,
    ) -> str:
        """Run one program to its end.

        Args:
            name: for example "pg_dump".
            arguments: its arguments; the address is no part of them.
            dsn: address of the database that it works on.
            text_in: what it reads from its standard input.
            held: descriptors of locks that it holds with us.
            hear: receives every line of its standard error.

        Returns:
            What it printed.

        Raises:
            DatabaseUnavailable: the program failed; carries its error output.
        """
        process = await self.start(name, *arguments, dsn=dsn, stdin=PIPE, stdout=PIPE, held=held)
        return await finish(process, name, text_in=text_in, hear=hear)

    async def start(
        self,
        name: str,
        *arguments: str | Path,
        dsn: str | None = None,
        stdin: int = DEVNULL,
        stdout: int = DEVNULL,
        held: Sequence[int] = (),
    ) -> Process:
        """Start one program, to be ended with `finish`; for `run`, and for two programs joined by a pipe."""
        address, password = split_password(_for_libpq(dsn)) if dsn else ("", None)
        return await asyncio.create_subprocess_exec(
            self.binaries.program(name),
            *([f"--dbname={address}"] if dsn else []),
            *arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=PIPE,
            cwd="/",
            pass_fds=held,
            start_new_session=True,  # Ctrl-C is for us: we end it and clear up
            env={**self._environment(), **({"PGPASSWORD": password} if password else {})},  # other users can read arguments
        )

    def _environment(self) -> dict[str, str]:
        return environment() if self.is_embedded else {**os.environ, "LC_ALL": "C"}


def _for_libpq(dsn: str) -> str:
    address = read_address(dsn)
    return dsn if address.is_for_libpq else address.for_libpq


async def run_sql(clients: Clients, dsn: str, sql: str) -> None:
    """Run a script of `pg_dump`, `pg_dumpall` or `pg_restore` with psql, up to its first error.

    Raises:
        DatabaseUnavailable: a statement failed.
    """
    options = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    await clients.run("psql", *options, dsn=dsn, text_in=sql)


async def finish(
    process: Process, name: str, *, text_in: str = "", hear: Callable[[str], None] | None = None, tolerant: bool = False
) -> str:
    """Wait for a program to end, killing it when interrupted, and return its standard output.

    Args:
        process: of `Clients.start`.
        name: for the error.
        text_in: what it reads, when its standard input is a pipe of ours.
        hear: receives every line of its standard error.
        tolerant: whether an exit code other than 0 is no error.

    Raises:
        DatabaseUnavailable: the program failed.
    """
    said: list[str] = []
    try:
        answer = await asyncio.gather(_feed(process, text_in), _read(process), _listen(process, said, hear), process.wait())
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode and not tolerant:
        raise _failed(name, said, process.returncode)
    return answer[1]


def _failed(name: str, said: Sequence[str], code: int) -> DatabaseUnavailable:
    lines = [line for line in said if re.search(r"(error|fatal|detail):", line, re.IGNORECASE)]
    if code < 0:
        lines.append(signal.strsignal(-code) or str(code))
    text = " ".join(" ".join(lines).split())[:_LONGEST_ANSWER]
    if _NO_SPACE.search(text):
        return DatabaseUnavailable(
            "No queda espacio en el disco ({said}).\nLibera espacio o elige otra carpeta. La base de datos sigue como estaba.",
            said=text,
        )
    return DatabaseUnavailable(
        "{name} terminó con un error: {said}\nCorrige lo que indica y vuelve a intentarlo. La base de datos sigue como estaba.",
        name=name,
        said=text or code,
    )


def choose_clients(own: Path | None, pg_bin: Path | None, server_major: int, *, exact: bool) -> Clients:
    """Choose client programs: those beside an embedded server, else of the server's version, else the next newer ones.

    Args:
        own: folder of the embedded server's programs, None for a server that is not ours.
        pg_bin: folder that the operator named, None when there is none.
        server_major: version of the server.
        exact: whether newer ones do not fit: pg_restore says things that an older server does not understand.

    Raises:
        GuiadoError: there are none.
    """
    found = list(client_folders([folder for folder in (own, pg_bin) if folder]))
    fitting = [one for one in found if one.major == server_major or (one.major > server_major and not exact)]
    if not fitting:
        raise GuiadoError(
            "No encuentro los programas pg_dump y pg_restore de PostgreSQL {major} en este equipo.\n"
            "Instala el cliente de PostgreSQL {major} o indica su carpeta con PG_BIN.",
            major=server_major,
        )
    return Clients(min(fitting, key=lambda one: one.major), own is not None)


def with_database(dsn: str, name: str) -> str:
    """Return an address with another database name, but the same server and role."""
    head, _, query = dsn.partition("?")
    scheme, _, rest = head.partition("://")
    kept = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key not in {"dbname", "database"}]
    tail = f"?{urlencode(kept, quote_via=quote, safe='/')}" if kept else ""
    return f"{scheme}://{rest.partition('/')[0]}/{quote(name, safe='')}{tail}"


def split_password(dsn: str) -> tuple[str, str | None]:
    """Split an address into the address without its password, and the password."""
    head, _, query = dsn.partition("?")
    scheme, _, rest = head.partition("://")
    place, slash, name = rest.partition("/")
    account, at, host = place.rpartition("@")
    user, _, password = account.partition(":")
    options = parse_qsl(query, keep_blank_values=True)
    kept = urlencode([pair for pair in options if pair[0] != "password"], quote_via=quote, safe="/")
    address = f"{scheme}://{user}{at}{host}{slash}{name}{'?' if kept else ''}{kept}"
    return address, unquote(password) or dict(options).get("password")


async def _feed(process: Process, text: str) -> None:
    if process.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended without reading: its exit code says why
        process.stdin.write(text.encode())
        await process.stdin.drain()
        process.stdin.close()


async def _read(process: Process) -> str:
    return (await process.stdout.read()).decode(errors="replace") if process.stdout else ""


async def _listen(process: Process, said: list[str], hear: Callable[[str], None] | None) -> None:
    stream = cast("asyncio.StreamReader", process.stderr)  # `Clients.start` always makes one
    rest = b""
    while chunk := await stream.read(65536):  # by chunks: a line may be longer than the reader's limit
        *lines, rest = (rest + chunk).split(b"\n")
        for line in (each.decode(errors="replace") for each in lines):
            said.append(line)
            if hear:
                hear(line)
        del said[:-200]
    said.append(rest.decode(errors="replace"))
