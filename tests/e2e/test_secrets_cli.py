"""The key of the stored secrets, as an operator meets it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from secret_keys import BOX, SECRET_KEY
from terminal import GUIADO, Ran

from guiado.agent import close_engines
from guiado.store.key_file import new_key

Run = Callable[..., subprocess.CompletedProcess[str]]


def execute(dsn: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def guiado(dsn: str, tmp_path: Path, here: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the test's database with a key; what stays, in a process of its own."""

    def call(*words: str, key: str = SECRET_KEY) -> subprocess.CompletedProcess[str]:
        if words[0] not in {"serve", "worker"}:
            for name, value in {"DATABASE_URL": dsn, "GUIADO_SECRET_KEY": key, "GUIADO_ENCODER": "lexical"}.items():
                monkeypatch.setenv(name, value)
            said = here(*words)
            close_engines()
            return subprocess.CompletedProcess(words, said.code, said.out, said.err)
        given = {
            **os.environ,
            "DATABASE_URL": dsn,
            "GUIADO_HOME": str(tmp_path),
            "GUIADO_SECRET_KEY": key,
            "GUIADO_ENCODER": "lexical",
            "PORT": str(free_port()),
        }
        return subprocess.run([GUIADO, *words], env=given, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return call


def test_with_another_key_nothing_starts_and_the_way_out_helps(guiado: Run) -> None:
    added = guiado("webhooks", "add", "https://example.com/a", "--id", "crm", "--event", "step_completed", "--secret", "propio")
    assert added.returncode == 0, added.stderr
    wrong = new_key()
    for words in (("webhooks", "list"), ("serve",), ("worker",)):
        said = guiado(*words, key=wrong)
        lines = said.stderr.strip().splitlines()
        assert (said.returncode, len(lines)) == (1, 2), said.stderr
        assert BOX.key.id in lines[0]
        assert "guiado secrets forget" in lines[1]
    checks = {one["check"]: one for one in json.loads(guiado("doctor", "--json", key=wrong).stdout)["checks"]}
    assert (checks["secrets"]["state"], "guiado secrets forget" in checks["secrets"]["remedy"]) == ("bad", True)
    lost = json.loads(guiado("secrets", "forget", "--json", key=wrong).stdout)["lost"]
    assert [(one["kind"], one["key_id"], one["names"]) for one in lost] == [("webhooks", BOX.key.id, ["crm"])]
    assert guiado("webhooks", "list", key=wrong).returncode == 0
    # Nothing was destroyed: with both keys it can be read, and rotated.
    assert "propio" not in guiado("secrets", "status", key=f"{wrong},{SECRET_KEY}").stdout
    rotated = guiado("secrets", "rotate", "--json", key=f"{wrong},{SECRET_KEY}")
    assert json.loads(rotated.stdout)["rows"] == 1
    status = json.loads(guiado("secrets", "status", "--json", key=wrong).stdout)
    assert {one["key_id"] for one in status["secrets"]} == set(status["keys"]) == set(status["database_keys"])


def test_a_lost_key_is_told_and_left_behind(guiado: Run) -> None:
    guiado("webhooks", "add", "https://example.com/a", "--id", "crm", "--event", "step_completed", "--secret", "propio")
    wrong = new_key()
    guiado("secrets", "forget", key=wrong)
    told = guiado("doctor", "--json", key=wrong)
    (check,) = (one for one in json.loads(told.stdout)["checks"] if one["check"] == "secrets")
    assert (check["state"], "crm" in check["what"]) == ("doubtful", True)
    assert "guiado webhooks rotate" in check["remedy"]
    assert guiado("webhooks", "rotate", "crm", "--overlap", "0", key=wrong).returncode == 0
    (check,) = (one for one in json.loads(guiado("doctor", "--json", key=wrong).stdout)["checks"] if one["check"] == "secrets")
    assert check["state"] == "good", check
