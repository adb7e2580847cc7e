"""Misuse of the command line: no traceback, at most two lines that say what and what to do, the right exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Ran

from guiado.agent import close_engines

GUIADO = str(Path(sys.executable).with_name("guiado"))
DEADLINE_S = 60
WIFI = "no me funciona el wifi"
HUGE = "x" * 100_000


@pytest.fixture(scope="module")
def base(module_dsn: str) -> Iterator[str]:
    yield module_dsn
    close_engines()


@pytest.fixture
def in_base(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", base)


def polite(ran: Ran, code: int) -> None:
    """An error as a user may see it: short, in words, and with something to do."""
    assert ran.code == code, ran
    assert "Traceback" not in ran.err + ran.out
    assert 1 <= len(ran.err.strip().splitlines()) <= 2, ran.err
    assert len(ran.err) < 1_000, ran.err
    assert not any(c < " " and c != "\n" for c in ran.err), ascii(ran.err)
    assert not {"unexpected", "argument", "invalid", "expected", "Error:", "Usage:"} & set(ran.err.split()), ran.err


GROUPS = ("", "sessions", "kb", "db")
COMMANDS = ("serve", "worker", "chat", "version", "sessions list", "sessions show", "kb lint", "kb show", "kb export",
            "db url", "db migrate", "db status", "db stop")  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_words_and_options_that_nobody_knows_are_refused(here, command: str) -> None:
    words = command.split()
    for surplus in (
        ["--nada"],
        ["--nada=1"],
        ["-z"],
        ["a", "b", "c"],
        ["\x1b[31m", "b", "\ud800"],
        [HUGE, HUGE, HUGE],
        ["a", "--", "--b"],
    ):
        polite(here(*words, *surplus), 2)


@pytest.mark.parametrize("group", GROUPS)
def test_commands_that_do_not_exist_are_refused(here, group: str) -> None:
    for name in ("nada", "", " ", "\x1b[31m", "\ud800", HUGE, "../../etc", "--", "'; DROP TABLE x", "{7*7}", "-", "🙂"):
        polite(here(*filter(None, [group]), name), 2) if name != "--" else None


@pytest.mark.parametrize(
    "words",
    [
        ["sessions", "list", "--limit"],
        ["sessions", "list", "--limit", "0"],
        ["sessions", "list", "--limit", "-1"],
        ["sessions", "list", "--limit", "1000000000"],
        ["sessions", "list", "--limit", "2.5"],
        ["sessions", "list", "--limit", "nan"],
        ["sessions", "list", "--limit", ""],
        ["sessions", "list", "--limit", "9" * 5_000],
        ["sessions", "list", "--status", ""],
        ["sessions", "list", "--status", "\x1b[31m"],
        ["sessions", "list", "--status", HUGE],
        ["sessions", "list", "--json=5"],
        ["sessions", "show"],
        ["serve", "--port", "0"],
        ["serve", "--port", "99999"],
        ["serve", "--port", "x"],
        ["serve", "--host"],
        ["--lang", "fr", "version"],
        ["--lang", "", "version"],
        ["--lang", "\ud800", "kb", "show"],
        ["--lang", HUGE, "kb", "show"],
    ],
    ids=lambda words: " ".join(words)[:40].encode("ascii", "replace").decode(),
)
def test_values_that_make_no_sense_are_refused(here, in_base, words: list[str]) -> None:
    polite(here(*words), 2)


@pytest.mark.parametrize(
    "given", ["", " ", "nope", "5", "\x1b[31m", "\ud800", HUGE, "'; DROP TABLE x", "{7*7}", "../../etc/passwd", "🙂"]
)
def test_what_does_not_exist_is_said(here, in_base, tmp_path: Path, given: str) -> None:
    polite(here("sessions", "show", given), 1)
    if given.strip():
        polite(here("chat", given), 1)
    polite(here("kb", "show", given), 1)
    if given not in {"", " ", "nope", "5", "\x1b[31m", "'; DROP TABLE x", "{7*7}", "🙂"}:
        polite(here("kb", "export", given), 2 if given == "\ud800" else 1)
    if given == "\ud800":
        polite(here("kb", "lint", given), 2)
        return
    linted = here("kb", "lint", str(tmp_path / given) if given.strip() else str(tmp_path))
    assert linted.code == 1
    assert "Traceback" not in linted.err + linted.out
    assert "✗" in linted.out
    assert not any(c < " " and c != "\n" for c in linted.out), ascii(linted.out)


def test_a_language_of_the_environment_that_nobody_knows_is_spanish(here, monkeypatch) -> None:
    for given in ("", "fr", "\x1b", HUGE, "es_ES.UTF-8"):
        monkeypatch.setenv("GUIADO_LANG", given)
        assert "Sobra" in here("version", "a").err


def test_lint_tells_errors_and_warnings_together(here, tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    step = {"title": "T"}
    path.write_text(
        json.dumps({"a": {"problem_title": 5, "steps": [step]}, "b": {"problem_title": "B", "stepz": 1, "steps": [step]}})
    )
    said = here("kb", "lint", str(path))
    assert said.code == 1
    assert "✗ $.a.problem_title: Debe ser un texto" in said.out
    assert "! $.b.stepz: Este campo no se usa" in said.out
    assert "! $.b.steps[0].instructions" in said.out
    assert said.out.splitlines()[-1].startswith("✗ kb.json no se puede usar. Errores: 1")


def test_an_export_that_cannot_be_written_says_why(here, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "hay.json", Path("/dev/full"), tmp_path / HUGE[:300]):
        said = here("kb", "export", str(path), "--force")
        polite(said, 1)
        assert "No se puede escribir" in said.err


# ---------------------------------------------------------------------------------------------- streams and surroundings


def run(*words: str, typed: bytes = b"", shell: str = "", **given: str) -> Ran:
    """Run the real command, in a shell that does something to its streams if wanted."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "COLUMNS"))}
    command = ["bash", "-c", f'set -o pipefail; "$0" "$@" {shell}', GUIADO, *words] if shell else [GUIADO, *words]
    done = subprocess.run(command, input=typed, env={**kept, **given}, capture_output=True, timeout=DEADLINE_S, check=False)
    return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


@pytest.mark.parametrize(
    ("words", "shell", "codes"),
    [
        ("version", ">/dev/full", {1}),
        ("kb show", "<&- >&- 2>&-", {0}),
        ("kb show", ">/dev/full", {1}),
        ("kb show", "| head -1", {0, 1}),
        ("chat", "<&-", {0}),
    ],
)
def test_closed_and_full_streams_end_a_command_quietly(base: str, words: str, shell: str, codes: set[int]) -> None:
    ran = run(*words.split(), shell=shell, DATABASE_URL=base)
    assert ran.code in codes, ran
    assert "Traceback" not in ran.out + ran.err
    assert "Exception ignored" not in ran.err
    assert len(ran.err.splitlines()) <= 2, ran.err


def test_a_terminal_that_can_do_nothing_is_served(base: str) -> None:
    surroundings = {"COLUMNS": "0", "TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    surroundings["GUIADO_ACCEPT_THRESHOLD"] = "0"
    ran = run("chat", typed=f"{WIFI}\nana@example.com\nh\nq\n".encode(), DATABASE_URL=base, **surroundings)
    assert (ran.code, ran.err) == (0, "")
    assert "Paso" in ran.out
    assert "guiado chat " in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("columns", ["0", "1", "9", "-5", "x", "", "999999999999999999999", "3"])
def test_any_width_shows_a_guide(here, monkeypatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for words in (["kb", "show"], ["kb", "show", "conexion_internet"], ["--help"], ["sessions", "list", "--help"]):
        said = here(*words)
        assert (said.code, said.err) == (0, "")
        assert said.out.strip()


@pytest.mark.parametrize(
    "typed",
    [
        b"",
        b"\n" * 50,
        bytes(range(256)) * 20,
        b"x" * 1_000_000,
        b"\xff\xfe" * 1_000 + b"\n" + b"ana@example.com\n" * 3,
        f"{WIFI}\n{'@' * 1_000_000}\nana\n".encode(),
        f"{WIFI}\nana@example.com\n".encode() + b"\x00\x1b[A\n" * 30 + b"p\n" + b"\x00" * 10_000 + b"\np\nnada\nq\n",
    ],
    ids=["nothing", "blanks", "binary", "huge", "no text", "huge address", "keys"],
)
def test_whatever_is_typed_a_chat_ends_well(here, in_base, monkeypatch, typed: bytes) -> None:
    ran = here("chat", typed=typed.decode("utf-8", "replace"))
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.out + ran.err
    assert ran.err == ""


def test_ctrl_c_at_any_moment_of_the_beginning_is_quiet(base: str) -> None:
    for after_s in (0.3, 0.8):
        environment = {**os.environ, "DATABASE_URL": base}
        process = subprocess.Popen(
            [GUIADO, "chat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
        )
        deadline = time.monotonic() + after_s
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_S)
        # Once the chat greets, leaving by Ctrl-C is an end like any other.
        assert process.returncode in {130, -signal.SIGINT} or (process.returncode == 0 and "Hola" in out)
        # Before the first line of ours the end is the interpreter's own.
        assert "guiado/cli" not in err, err
        assert "Guardamos todo" not in out


def test_doubt_is_shown_with_what_else_it_could_be(here, in_base, monkeypatch) -> None:
    monkeypatch.setenv("GUIADO_ACCEPT_THRESHOLD", "0")
    monkeypatch.setenv("GUIADO_DETECTION_THRESHOLD", "0.02")
    said = here("chat", typed="me cobraron dos veces y olvidé mi contraseña\nana@example.com\nq\n")
    assert said.code == 0
    assert "Si no es eso, quizá sea" in said.out
