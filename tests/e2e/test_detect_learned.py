"""`guiado detect` says what the service says: with what was learned, and with the last good knowledge base."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient
from prepared import Prepared
from seven_guides import SEVEN_GUIDES
from terminal import Ran

from guiado.agent import close_engines
from guiado.server import BASE_PATH, create_routes
from guiado.settings import read_settings
from guiado.wiring import Runtime

Run = Callable[..., Ran]
WORDS = "el cacharro hace plof y se queda tieso"


@pytest.fixture
def base(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A knowledge base of one's own, with detection by words alone: nothing waits for a model of meaning."""
    file = tmp_path / "kb.json"
    file.write_bytes(SEVEN_GUIDES.read_bytes())
    monkeypatch.setenv("GUIADO_KB_PATH", str(file))
    monkeypatch.setenv("GUIADO_HOME", str(prepared.warm(tmp_path / "home")))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    return file


def served(text: str) -> dict[str, object]:
    """What `POST /detect` answers."""

    async def ask() -> dict[str, object]:
        runtime = await Runtime.open(read_settings())
        try:
            async with AsyncTestClient(create_routes(runtime)) as client:
                answer = await client.post(f"{BASE_PATH}/detect", json={"problem_description": text, "language": "es"})
                return answer.json()
        finally:
            await runtime.close()

    return asyncio.run(ask())


def detected(here: Run, *options: str) -> dict[str, Any]:
    said = here("detect", WORDS, "--json", *options)
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


def test_the_command_and_the_api_answer_the_same_after_something_was_learned(facade: str, here: Run, base: Path) -> None:
    session = here("chat", typed=f"{WORDS}\nana@example.com\n0\n\n")
    assert session.code == 0, session.err
    (row,) = json.loads(here("sessions", "list", "--json").out)
    assert here("learn", "correct", row["session_id"], "error_aplicacion").code == 0
    close_engines()  # with their worker, which would fit the detector anew in between
    answer = served(WORDS)
    found = detected(here)
    assert found == {name: value for name, value in answer.items() if name != "success"}
    assert found["candidates"][0]["problem_id"] == "error_aplicacion"
    assert detected(here, "--file-only")["candidates"] != found["candidates"]
    explained = here("detect", WORDS, "--explain").out
    assert f"Detector: {found['detector']}" in explained
    assert not [line for line in explained.splitlines() if " 0 %" in line and line[0].isdigit()]


def test_a_broken_edit_leaves_the_last_good_version_in_use(facade: str, here: Run, base: Path) -> None:
    before = detected(here)
    base.write_text('{"a": ', "utf-8")
    said = here("detect", WORDS, "--json")
    assert said.code == 0
    assert "se usa la última versión buena" in said.err
    assert json.loads(said.out)["candidates"] == before["candidates"]
    assert here("detect", WORDS, "--file-only").code == 1


def test_a_database_that_is_away_leaves_the_file_and_says_so(here: Run, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nadie@127.0.0.1:1/nada")
    said = here("detect", "no tengo internet", "--json")
    assert said.code == 0
    assert "se usa solo el archivo" in said.err
    assert json.loads(said.out)["candidates"][0]["problem_id"] == "conexion_internet"


def test_without_a_database_none_is_made(here: Run, base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert here("detect", "no tengo internet").code == 0
    assert not (tmp_path / "home" / "postgres").exists()
