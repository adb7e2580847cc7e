"""Commands run in this process, and installations that a test may break: a home with a finished cluster, copied for each."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clusters import wheel_binaries
from terminal import Ran

from guiado.cli import main
from guiado.store.embedded import EmbeddedPostgres, postmaster
from guiado.store.embedded.placement import find_folder
from guiado.store.migrate import migrate

# In memory where there is such a place: copying and removing many small files is what takes the time here.
BASE = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108


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


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="guiado-home-", dir=BASE))
    folder.chmod(0o755)  # unlike pytest's own: the server's user can pass through
    return folder


def _clean_up(home: Path) -> None:
    folder = find_folder(home)
    postmaster.stop(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def seed() -> Iterator[Path]:
    """A home with a stopped cluster that has the schema, to copy: initdb is most of the time."""
    home = _open_folder()
    try:
        server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
        asyncio.run(migrate(server.join()))
        server.leave()
        yield home
    finally:
        _clean_up(home)


@pytest.fixture
def home(seed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """GUIADO_HOME with a stopped cluster."""
    made = _open_folder()
    subprocess.run(["cp", "-a", f"{seed}/.", made], check=True)
    monkeypatch.setenv("GUIADO_HOME", str(made))
    monkeypatch.setenv("PG_BIN", str(wheel_binaries()))
    yield made
    _clean_up(made)
