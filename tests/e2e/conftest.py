"""Commands run in this process, and installations that a test may break: a home with a finished cluster, copied for each."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clusters import clean_up, open_folder, wheel_binaries
from terminal import Ran

from guiado.cli import main
from guiado.store.embedded import EmbeddedPostgres
from guiado.store.migrate import migrate


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs a command in this process, for what does not depend on how the process begins or ends."""

    def call(*words: str, typed: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capfd.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture(scope="session")
def seed() -> Iterator[Path]:
    """A home with a stopped cluster that has the schema, to copy: initdb is most of the time."""
    home = open_folder()
    try:
        server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
        asyncio.run(migrate(server.join()))
        server.leave()
        yield home
    finally:
        clean_up(home)


@pytest.fixture
def home(seed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """GUIADO_HOME with a stopped cluster."""
    made = open_folder()
    subprocess.run(["cp", "-a", f"{seed}/.", made], check=True)
    monkeypatch.setenv("GUIADO_HOME", str(made))
    monkeypatch.setenv("PG_BIN", str(wheel_binaries()))
    yield made
    clean_up(made)
