"""`guiado detect` and `guiado detect eval`, as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from prepared import Prepared

from guiado.cli.root import run as guiado
from guiado.detection import Index

ROWS = [
    {"text": "se me cae el wifi a cada rato", "problem_id": "conexion_internet"},
    {"text": "m sale q la contraseña esta mal", "problem_id": "recuperar_cuenta"},
    {"text": "me cobraron dos veces la cuota", "problem_id": "problema_facturacion"},
    {"text": "la receta de la paella", "problem_id": None},
]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Exit code, what was printed, and what was complained of; in a home that was used before."""
    monkeypatch.setenv("GUIADO_HOME", str(prepared.warm(tmp_path / "home", "use")))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = guiado(["detect", *map(str, words)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_a_text_is_explained(command) -> None:
    code, said, _ = command("olvidÃ© mi contraseÃ±a", "--json")
    found = json.loads(said)
    assert (code, found["verdict"], found["candidates"][0]["problem_id"]) == (0, "accept", "recuperar_cuenta")
    assert found["candidates"][0]["evidence"]["example"]
    code, said, _ = command("olvidÃ© mi contraseÃ±a", "--explain")
    assert code == 0
    assert "contraseña" in said
    assert "Ortografía corregida" not in said


GUIDES = {
    "setup": ("Error 2503 al instalar", ["error 2503", "me sale 2503 al instalar", "setup stops with 2503"], []),
    "account": ("No puedo entrar a mi cuenta", ["olvidé mi contraseña", "no me llega el código"], ["quiero eliminar mi cuenta"]),
}


@pytest.fixture
def own_guides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A knowledge base with exact words: a code, and a phrase that is something else."""
    step = {"step_number": 1, "title": "Reinicia", "instructions": ["Reinicia el equipo."]}
    guides = {
        problem_id: {"problem_title": title, "common_issues": phrases, "not_this": others, "steps": [step]}
        for problem_id, (title, phrases, others) in GUIDES.items()
    }
    (tmp_path / "kb.json").write_text(json.dumps(guides))
    monkeypatch.setenv("GUIADO_KB_PATH", str(tmp_path / "kb.json"))


@pytest.mark.usefixtures("own_guides")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "me sale el error 2503",
            ["Algo falla: «me sale el error 2503»", "   A favor: la guía trata de 2503", "✓ Se reconoce: Error"],
        ),
        ("me sale el error 2504", ["Código desconocido: 2504", "   En contra: la guía no trata de 2504", "✗ No es ninguno"]),
        (
            "quiero eliminar mi cuenta",
            ["   En contra: se parece más a «quiero eliminar mi cuenta», que según la guía es otra cosa"],
        ),
        ("me sale el error 2503. " * 20, ["Otras partes: 8"]),
    ],
)
def test_what_speaks_for_and_against_a_guide_is_told(command, text: str, told: list[str]) -> None:
    _, said, _ = command(text, "--file-only", "--explain")
    for line in told:
        assert line in said, said
    counted = [line for line in said.splitlines() if "Palabras que cuentan" in line]
    assert not any("2504" in line for line in counted), "a code that the guide has not is no evidence for it"


@pytest.mark.usefixtures("own_guides")
def test_an_unknown_code_is_told_without_explaining_too(command) -> None:
    assert "Código desconocido: 2504." in command("me sale el error 2504", "--file-only")[1]
    found = json.loads(command("me sale el error 2504", "--file-only", "--json")[1])
    assert (found["unknown_codes"], found["candidates"][0]["evidence"]["other_codes"]) == (["2504"], ["2504"])
    assert "Código desconocido: 2504." in found["explanation"]


def test_what_was_fitted_is_kept_and_says_the_same(command, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUIADO_HOME", str(tmp_path / "new"))
    before = command("no puedo entrar al correo", "--json")
    monkeypatch.setattr(Index, "fit", lambda *_: pytest.fail("fitted again"))
    assert command("no puedo entrar al correo", "--json") == before


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("es", "Ortografía corregida: contrsaeña → contraseña, ruter → router"),
        ("en", "Spelling corrected: contrsaeña → contraseña, ruter → router"),
        ("pt", "Ortografia corrigida: contrsaeña → contraseña, ruter → router"),
    ],
)
def test_slips_of_the_finger_are_told(command, monkeypatch: pytest.MonkeyPatch, language: str, told: str) -> None:
    monkeypatch.setenv("GUIADO_LANG", language)
    _, said, _ = command("no veo la contrsaeña del ruter", "--explain")
    assert told in said
    assert "la contraseña del router\n" in said


def test_judged_phrases_are_measured_and_drawn(command, tmp_path: Path) -> None:
    file, plot = tmp_path / "frases.jsonl", tmp_path / "curva.png"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), "utf-8")
    code, said, _ = command("eval", file, "--plot", plot, "--json")
    figures = json.loads(said)
    assert code == 0
    assert figures["accuracy"] == 1.0
    assert figures["in_scope"] == 3
    assert figures["out_of_scope"] == 1
    with Image.open(plot) as image:
        assert min(image.size) >= 300
        assert len(image.convert("RGB").getcolors(1 << 20) or ()) > 10


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "frases"),
        ('{"text": "hola"', "1"),
        ('{"text": "hola", "problem_id": "no_existe"}', "no_existe"),
        ('{"problem_id": null}', "text"),
    ],
)
def test_a_bad_file_is_refused_with_the_place_and_the_remedy(command, tmp_path: Path, content: str, named: str) -> None:
    file = tmp_path / "frases.jsonl"
    file.write_text(content, "utf-8")
    code, said, complaint = command("eval", file)
    assert code != 0
    assert named in complaint + said
    assert "Traceback" not in complaint
