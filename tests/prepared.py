"""What detection prepares for seconds and is the same for every test: made once, for all processes of a run."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
from base64 import b64decode, b64encode
from pathlib import Path

import asyncpg
import pytest
from seven_guides import SEVEN_GUIDES

from guiado.cli.detection_setup import open_workbench

_KEEP = """INSERT INTO support_troubleshooting_detectors (tenant_id, scope, contents, version, model, fit_seconds)
VALUES ('default', '', $1, $2, $3, 0)"""


class Prepared:
    """Homes in which something was detected before, one for each encoder: the fits, the vectors, the model of meaning.

    Args:
        folder: shared by all processes of a run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def warm(self, home: Path, encoder: str = "lexical") -> Path:
        """Make a home one that was used before."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(self._made(encoder) / "cache", home / "cache", copy_function=_link, dirs_exist_ok=True)
        return home

    def fit(self, dsn: str, encoder: str = "lexical") -> str:
        """Make a database one whose service has fitted the shipped guides already; the database's address."""

        async def keep() -> None:
            contents, version, model = json.loads((self._made(encoder) / "fit.json").read_text())
            connection = await asyncpg.connect(dsn)
            try:
                await connection.execute(_KEEP, contents, version, b64decode(model))
            finally:
                await connection.close()

        asyncio.run(keep())
        return dsn

    def _made(self, encoder: str) -> Path:
        home = self._folder / encoder
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (home / "fit.json").exists():
                self._make(home, encoder)
        return home

    def _make(self, home: Path, encoder: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GUIADO_HOME", str(home))
            patch.setenv("GUIADO_ENCODER", encoder)
            patch.setenv("GUIADO_KB_PATH", str(SEVEN_GUIDES))
            index = open_workbench().index
        assert index.model is not None
        fit = index.contents, index.model.version, b64encode(index.model.to_bytes()).decode()
        (home / "fit.json").write_text(json.dumps(fit))


def _link(source: str, target: str) -> None:
    """A hard link keeps the time of the file, which is how its reader knows that it is whole."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
