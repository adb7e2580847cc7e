"""What `guiado kb show` and `guiado chat` say of answers, variants, steps for good, questions and media."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import content
import pytest
from PIL import Image
from terminal import Ran, at_a_terminal

from guiado.agent import close_engines

Run = Callable[..., Ran]


@pytest.fixture
def kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "content.json"
    entries = content.entries()
    answers = [{"id": "roja", "text": "Roja", "weights": {"cola": 3}}, {"id": "verde", "text": "Verde"}]
    printer = entries["impresora"]
    printer["questions"] = [{"id": "luz", "text": "¿De qué color es la luz?", "minutes": 0.3, "answers": answers}]
    printer["steps"][0] |= {"preparation": True, "chance": 0}
    printer["steps"][1]["risk"] = 12
    printer["steps"][1]["media"] = [{"type": "video", "url": "https://example.com/v", "alt": "", "caption": "Cómo se hace"}]
    path.write_text(json.dumps(entries), "utf-8")
    monkeypatch.setenv("GUIADO_KB_PATH", str(path))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    return path


def test_a_guide_is_shown_with_all_that_it_has(kb: Path, here: Run) -> None:
    told = here("kb", "show", "impresora").out
    for each in (
        "tablet: Una tableta",
        "Pregunta: ¿De qué color es la luz? (0.3 min)",
        "Roja · cola × 3",
        "Prepara otros pasos",
        "No se puede deshacer · Riesgo: 12 min",
        "Video · Cómo se hace",
        "https://example.com/v",
        content.SHOWN_OF_MAC,
    ):
        assert each in told, told
    assert "Respuesta, sin pasos" in (hours := here("kb", "show", "horario").out)
    assert "Los festivos cerramos." in hours
    assert "Paso 1" not in hours
    person = here("kb", "show", "herencia").out
    assert "Pasa a una persona enseguida" in person
    assert "Qué debe tener a mano el cliente" in person
    raw = json.loads(here("kb", "show", "impresora", "--json").out)
    assert raw["variants"] == {"windows": "", "mac": "", "tablet": "Una tableta"}
    assert (raw["steps"][1]["risk_minutes"], raw["questions"][0]["answers"][0]["weights"]) == (12, {"cola": 3})


def test_the_chat_asks_what_one_uses_and_whether_one_knows(kb: Path, facade: str) -> None:
    keys = [b"la impresora no imprime\r", b"ana@example.com\r", b"2\r", b"n\r", b"n\r", b"q\r"]
    seen = at_a_terminal(facade, "chat", keys=keys, lines=60, GUIADO_KB_PATH=str(kb), GUIADO_ENCODER="lexical").out
    assert "¿Qué usas?" in seen
    assert seen.count("¿Qué usas?") == 1
    assert "Qué hacer (Mac)" in seen
    assert content.SHOWN_OF_MAC in seen
    assert content.SHOWN_OF_WINDOWS not in seen
    assert "Este paso no se puede deshacer." in seen
    assert "Mantén pulsado" not in seen


def test_a_script_gets_every_variant_and_is_asked_nothing(kb: Path, facade: str, here: Run) -> None:
    told = here("chat", typed="la impresora no imprime\nana@example.com\nn\nq\n").out
    words = " ".join(told.split())
    assert "¿Qué usas?" not in words
    assert f"Mac: {content.SHOWN_OF_MAC}" in words
    assert "Mantén pulsado el botón diez segundos." in words


def test_the_chat_reads_an_answer_out(kb: Path, facade: str, here: Run) -> None:
    told = here("chat", typed="a qué hora abren la tienda\nana@example.com\ns\n\n").out
    assert "Paso 1 de 1" not in told
    assert "[s] Esto responde mi pregunta" in told
    assert "Damos el problema por resuelto" in told
    person = here("chat", typed="falleció el titular de la cuenta\nana@example.com\n1\n\n").out
    assert "Ten esto a mano:" in person


def test_pictures_of_guides_are_added_listed_and_removed(facade: str, here: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "botón.png", tmp_path / "texto.png"
    Image.effect_noise((30, 20), 90).save(good)
    bad.write_text("no soy una imagen")
    done = here("kb", "media", "add", str(good), str(bad), str(tmp_path / "nada.png"), "--json")
    told = json.loads(done.out)
    assert done.code == 1
    assert [each["file"] for each in told["errors"]] == [str(bad), str(tmp_path / "nada.png")]
    medium = told["added"][0]["medium"]
    assert (medium["width"], medium["height"], medium["name"]) == (30, 20, "botón.png")
    assert medium["address"].startswith("media:")
    assert medium["address"] in here("kb", "media", "list").out
    assert here("kb", "media", "remove", "media:0").code == 1
    assert here("kb", "media", "remove", medium["address"][:20]).code == 0
    assert json.loads(here("kb", "media", "list", "--json").out) == []


def test_a_picture_that_is_missing_is_said_and_added_as_told(
    facade: str, here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    file = tmp_path / "boton.png"
    Image.effect_noise((30, 20), 90).save(file)
    address = json.loads(here("kb", "media", "add", str(file), "--json").out)["added"][0]["medium"]["address"]
    path = content.write(tmp_path / "kb.json", address)
    monkeypatch.setenv("GUIADO_KB_PATH", str(path))
    close_engines()
    here("kb", "versions")  # publishes the file
    refused = here("kb", "media", "remove", address)
    assert refused.code == 1
    assert "impresora" in refused.out + refused.err
    assert here("kb", "media", "remove", address, "--force").code == 0
    close_engines()
    found = [each for each in json.loads(here("doctor", "--json").out)["checks"] if each["check"] == "media"]
    assert found[0]["state"] == "doubtful"
    assert address in json.dumps(found)
    assert here("kb", "media", "add", str(file)).code == 0
    close_engines()
    assert "Están todas las imágenes" in here("doctor", "--json").out
