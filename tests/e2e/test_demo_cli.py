"""`guiado demo`: what it says and refuses, and what is left of one that was killed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from terminal import DEADLINE_S, GUIADO, Ran, at_a_terminal, environment, plain

from guiado.agent import close_engines

SYNTHETIC = "SELECT count(*) FROM support_troubleshooting_sessions WHERE source = 'demo'"


@pytest.fixture(autouse=True)
def _by_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    monkeypatch.setenv("GUIADO_HOME", str(tmp_path))


def count(dsn: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(SYNTHETIC)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_load_says_what_it_did_and_clear_takes_it_away(facade: str, here: Callable[..., Ran]) -> None:
    loaded = json.loads(here("demo", "load", "--sessions", "40", "--days", "30", "--seed", "4", "--json").out)
    assert (loaded["sessions"], loaded["seed"], count(facade)) == (40, 4, 40)
    assert loaded["decisions"] > loaded["attempts"] > 40
    again = here("demo", "load", "--sessions", "40")
    assert again.code == 1
    assert "40 sesiones" in again.err
    assert "guiado demo clear" in again.err
    assert "Sesiones de muestra quitadas: 40" in here("demo", "clear").out
    assert json.loads(here("demo", "clear", "--json").out)["sessions"] == 0
    assert "No hay datos de muestra" in here("demo", "clear").out
    assert here("demo", "load", "--sessions", "0").code == 2
    assert here("demo", "load", "--sessions", "5", "--days", "1").code == 2
    assert here("demo", "load").code == 2
    assert count(facade) == 0


def test_a_load_that_was_killed_is_cleared(facade: str, here: Callable[..., Ran]) -> None:
    surroundings = environment(DATABASE_URL=facade)
    loading = subprocess.Popen([GUIADO, "demo", "load", "--sessions", "1000000"], env=surroundings)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not count(facade) and loading.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        loading.kill()
        loading.wait(10)
    left = count(facade)
    assert left > 0
    assert "guiado demo clear" in here("demo", "load", "--sessions", "10").err
    assert json.loads(here("demo", "clear", "--json").out)["sessions"] == left
    assert count(facade) == 0
    assert json.loads(here("demo", "load", "--sessions", "10", "--json").out)["sessions"] == 10
    close_engines()


@pytest.mark.long
def test_ctrl_c_at_a_terminal_says_how_to_remove_what_is_there(facade: str, here: Callable[..., Ran]) -> None:
    words = ("demo", "load", "--sessions", "1000000")
    said = at_a_terminal(facade, *words, keys=[b"\x03"], waits=lambda shown: "500/1000000" in shown)
    assert said.code == 130
    assert "Interrumpido" in plain(said)
    left = count(facade)
    assert json.loads(here("demo", "clear", "--json").out)["sessions"] == left < 1_000_000
    close_engines()
