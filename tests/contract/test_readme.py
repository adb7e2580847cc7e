"""The READMEs keep their word: their commands and code run, their links lead somewhere, their pictures ask no other host."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from seven_guides import SEVEN_GUIDES

from guiado.cli.root import run

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("README.md", "README.es.md")
PROSE = (*NAMES, "CONTRIBUTING.md", "SECURITY.md", "docs/README.md", "docs/architecture.md", "docs/production.md")
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in PROSE}
both = pytest.mark.parametrize("name", NAMES)


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXTS[name], re.DOTALL | re.MULTILINE)


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ ", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)


def test_both_languages_tell_the_same() -> None:
    english, spanish = (TEXTS[name] for name in NAMES)
    assert headings(english) == headings(spanish)
    for language in ("bash", "python", "text"):
        counts = [[block.count("\n") for block in blocks(name, language)] for name in NAMES]
        assert counts[0] == counts[1], language


@pytest.mark.parametrize("name", PROSE)
def test_links_and_pictures_lead_somewhere(name: str) -> None:
    targets = re.findall(r'\]\(([^)\s]+)\)|<img src="([^"]+)"', TEXTS[name])
    files = [(plain or picture).partition("#")[0] for plain, picture in targets]
    missing = [file for file in files if file and "://" not in file and not (ROOT / name).parent.joinpath(file).exists()]
    assert missing == []


@pytest.mark.parametrize("picture", ["chat.es.svg", "chat.en.svg", "architecture.svg"])
def test_pictures_are_whole_and_load_nothing(picture: str) -> None:
    text = (ROOT / "docs/images" / picture).read_text("utf-8")
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 our own file
    assert re.findall(r"https?://[^\"')<\s]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|@import|@font-face|url\((?!#)", text)


@pytest.mark.parametrize(("picture", "language"), [("chat.es.svg", "es"), ("chat.en.svg", "en")])
def test_the_picture_shows_what_the_terminal_says_today(picture: str, language: str) -> None:
    from guiado.i18n import text

    drawn = "".join(ET.parse(ROOT / "docs/images" / picture).getroot().itertext()).replace("\xa0", " ")  # noqa: S314 our own file
    said = (
        "Hola, soy guiado.", "Cuéntame con tus palabras qué pasa:", "¿A qué correo podemos escribirte?", "Qué hacer",
        "Resultado esperado", "¿Cómo te fue?",
    )  # fmt: skip
    missing = [line for line in said if text(language, line) not in drawn]
    assert missing == [], "dibújala otra vez con: .venv/bin/python scripts/picture.py"


def test_the_python_example_runs_and_prints_what_it_says(in_contract: str, tmp_path: Path) -> None:
    (code,) = blocks("README.md", "python")
    assert blocks("README.es.md", "python") == [code]
    assert len([line for line in code.splitlines() if line]) <= 10
    (tmp_path / "example.py").write_text(code, "utf-8")
    environment = {**os.environ, "DATABASE_URL": in_contract, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    promised = re.findall(r"# «(.*?)»", code)
    assert promised
    assert [words for words in promised if words not in done.stdout] == []
    assert re.search(r"^resolved \d+\.\d+$", done.stdout, re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="los ejemplos usan curl y aquí no está")
@both
def test_the_curl_example_runs_as_written(name: str, service: str, tmp_path: Path) -> None:
    (script,) = [block for block in blocks(name, "bash") if "curl" in block]
    here = script.replace("localhost:3000", service.removeprefix("http://")).replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", here], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    started = (tmp_path / "start.json").read_text("utf-8")
    assert json.loads(started)["problem_detected"] == "error_aplicacion"
    assert json.loads(done.stdout.removeprefix(started))["next_action"] == "resolved"


def commands(name: str) -> list[str]:
    """The lines that call guiado, without their remarks."""
    lines = [line.partition("  #")[0].strip() for block in blocks(name, "bash") for line in block.splitlines()]
    return [line for line in lines if ".venv/bin/guiado " in line]


def test_the_guiado_commands_run_as_written(in_contract: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = commands("README.md")
    assert lines == commands("README.es.md")
    assert len(lines) >= 5
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUIADO_LANG", "es")
    monkeypatch.setenv("GUIADO_KB_PATH", str(SEVEN_GUIDES))  # fitting all that ships several times takes minutes
    judged = "text,problem_id\nse me cae el wifi,conexion_internet\nla receta de la paella,\n"
    (tmp_path / "juzgadas.csv").write_text(judged, "utf-8")  # what the reader is to bring
    for line in lines:
        words = shlex.split(line)
        # In this process where that is the same: eight interpreters would take longer than all the rest.
        code = run(words[1:]) if words[0] == ".venv/bin/guiado" else call(line)
        assert code == 0, line
    assert (tmp_path / "fiabilidad.png").exists()
    assert list(tmp_path.glob("*.dump")), "la copia"


def call(line: str) -> int:
    guiado = str(Path(sys.executable).with_name("guiado"))
    shell = ["bash", "-eu", "-c", line.replace(".venv/bin/guiado", guiado)]
    return subprocess.run(shell, stdin=subprocess.DEVNULL, check=False).returncode


@both
def test_the_words_about_files_are_true(name: str) -> None:
    named = re.findall(r"^([a-z]+/[a-z/]*) ", "\n".join(blocks(name, "text")), re.MULTILINE)
    assert len(named) >= 5
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
