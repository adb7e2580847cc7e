"""«Primeros pasos» keeps its word: its commands run in their order, and it speaks without a programmer's words."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from guiado.cli.root import run
from guiado.resources import data_path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "primeros-pasos.md").read_text("utf-8")
AT_A_TERMINAL = {"make run", "make chat", ".venv/bin/guiado kb new"}
"""Talk with somebody: test_chat_terminal.py, test_manual.py and test_new_problem.py do."""
FOREIGN = (
    "curl",
    "JSON",
    "REST",
    "webhook ",
    "endpoint",
    "venv de",
    "commit",
    "root",
    "PostgreSQL",
    "síncron",
    "worker",
    "tenant",
)


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [line for block in found for line in block.splitlines()]


def test_its_commands_run_as_written_and_in_their_order(
    in_contract: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "guias.json"
    base.write_bytes(data_path("integrations", "support_troubleshooting_kb.json").read_bytes())
    shutil.copy(ROOT / ".env.example", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUIADO_KB_PATH", str(base))
    for line in blocks("bash"):
        words = shlex.split(line)
        code = run(words[1:]) if words[0] == ".venv/bin/guiado" else subprocess.run(words, check=False).returncode
        # `doctor` finds that nobody set this database up for service, which is true of the tests' own.
        assert code in ((0, 1) if line.endswith("doctor") else (0,)), (line, capsys.readouterr())
    assert "la_impresora_no_imprime" in base.read_text("utf-8")
    assert (tmp_path / "mis-guias.json").exists()
    assert list(tmp_path.glob("*.dump"))


def test_what_talks_with_somebody_is_tried_at_a_terminal_and_make_knows_it() -> None:
    assert set(blocks("text")) == AT_A_TERMINAL
    for target in ("run", "chat"):
        assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("word", FOREIGN)
def test_no_word_of_a_programmer(word: str) -> None:
    prose = re.sub(r"`[^`]+`|«[^»]+»|\]\([^)]+\)", "", re.sub(r"^```.*?^```$", "", TEXT, flags=re.DOTALL | re.MULTILINE))
    assert word not in prose


def test_it_is_linked_from_where_people_begin() -> None:
    for name in ("README.md", "README.es.md", "docs/README.md", "zensical.toml"):
        assert "primeros-pasos.md" in (ROOT / name).read_text("utf-8"), name
    for target in re.findall(r"\]\(([\w./-]+)", TEXT):
        assert (ROOT / "docs" / target).exists(), target


def test_the_sample_of_judged_phrases_can_be_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    assert run(["detect", "eval", str(ROOT / "data/integrations/examples/juzgadas.csv"), "--json"]) == 0
    assert '"in_scope": 15' in capsys.readouterr().out
