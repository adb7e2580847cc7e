"""Help, suggestions and completion of the command line."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from terminal import GUIADO, Ran, at_a_terminal

from guiado.cli.root import app

Run = Callable[..., Ran]


def commands(path: list[str], command: Any) -> Iterator[list[str]]:
    yield path
    for name, each in (getattr(command, "commands", None) or {}).items():
        if not each.hidden:
            yield from commands([*path, name], each)


TO_PSQL = ["db", "psql"]
"""Hands all options on, -h too: there it is the host."""
ALL = [words for words in commands([], typer.main.get_command(app)) if words != TO_PSQL]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_its_help_under_both_options(here: Run, words: list[str]) -> None:
    short, long = here(*words, "-h"), here(*words, "--help")
    assert short == long
    assert (short.code, short.err) == (0, "")
    assert f"Uso: {' '.join(['guiado', *words])}" in short.out
    assert "-h, --help" in short.out
    assert not {"{", "}"} & set(short.out.partition("Argumentos")[0].splitlines()[1]), "brackets that say nothing"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("sesions",), "sessions"), (("sessions", "lst"), "list"), (("kb", "lnit"), "lint"), (("docter",), "doctor"),
        (("sessions", "list", "--limite", "3"), "--limit"), (("detect", "eval", "x", "--plto", "y"), "--plot"),
        (("learn", "gaps", "--dyas", "3"), "--days"), (("--land", "en"), "--lang"),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(here: Run, words: tuple[str, ...], meant: str) -> None:
    said = here(*words)
    assert said.code == 2
    assert f"¿Quisiste decir {meant}?" in said.err
    assert len(said.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "range_"),
    [
        (("sessions", "list", "--limit", "0"), "de 1 a 10000"), (("sessions", "list", "--limit", "x"), "de 1 a 10000"),
        (("learn", "gaps", "--days", "99999"), "de 1 a 3650"), (("serve", "--port", "0"), "de 1 a 65535"),
        (("detect", "hola", "--limit", "21"), "de 1 a 20"),
    ],
)  # fmt: skip
def test_a_number_out_of_its_range_is_answered_with_the_range(here: Run, words: tuple[str, ...], range_: str) -> None:
    said = here(*words)
    assert said.code == 2
    assert range_ in said.err


def test_an_option_without_a_value_is_not_said_to_need_one(here: Run) -> None:
    assert "--json no lleva ningún valor" in here("sessions", "list", "--json=5").err
    assert "--limit necesita un valor" in here("sessions", "list", "--limit").err


def test_completion_is_installed_and_completes(tmp_path: Path) -> None:
    surroundings = {**os.environ, "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)}

    def run(*words: str, **given: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([GUIADO, *words], env={**surroundings, **given}, capture_output=True, text=True, check=False)

    installed = run("--install-completion", "bash")
    assert (installed.returncode, installed.stderr) == (0, "")
    assert "Autocompletado instalado" in installed.stdout
    assert "_GUIADO_COMPLETE" in (tmp_path / ".bash_completions" / "guiado.sh").read_text("utf-8")
    completed = run(_GUIADO_COMPLETE="complete_bash", COMP_WORDS="guiado se", COMP_CWORD="1")
    assert completed.stdout.split() == ["serve", "sessions", "secrets"]
    assert run("--lang", "en", "--install-completion", "tcsh").returncode == 2


def test_a_pipe_gets_one_row_a_line(here: Run) -> None:
    shown = here("kb", "show").out.splitlines()
    assert all(line == line.rstrip() for line in shown)
    long = here("kb", "show", "conexion_internet").out
    assert max(map(len, long.splitlines())) > 80, "a sentence is one line"
    assert not any(line.endswith("  ") for line in long.splitlines())


def test_serve_at_a_terminal_ends_its_few_lines_with_the_address(module_dsn: str, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = {"GUIADO_HOME": str(tmp_path), "GUIADO_ENCODER": "lexical", "PORT": str(port)}
    said = at_a_terminal(module_dsn, "serve", keys=[b"\x03"], waits=lambda shown: "Nadie recibe avisos" in shown, **home)
    assert said.code == 0
    before, _, after = said.out.partition("guiado está en marcha")
    assert f"http://127.0.0.1:{port}" in after.splitlines()[0]
    assert "usa otra para lo demás" in after
    assert "Nadie recibe avisos" in after
    assert len(before.strip().splitlines()) <= 3, before


NO_JSON = {"serve", "worker", "chat", "kb new", "kb export", "learn export", "customers export", "db psql", "db url"}
"""Stay, talk, or write what is no report: an address, a file, JSON as it is."""
GROUPS = {
    "guidance",
    "demo",
    "tenants",
    "secrets",
    "audit",
    "customers",
    "keys",
    "kb",
    "kb media",
    "learn",
    "notifications",
    "recipients",
}
OTHERS = ("webhooks", "events", "db", "doctor", "sessions")
MINE = [words for words in ALL if words and words[0] not in OTHERS and " ".join(words) not in {*NO_JSON, *GROUPS}]


@pytest.mark.parametrize("words", MINE, ids=" ".join)
def test_every_report_can_be_had_as_json(here: Run, words: list[str]) -> None:
    assert "--json" in here(*words, "-h").out
