"""Variants, answers and guides for a person, as callers and customers get them over HTTP, in the facade and in the chat."""

from __future__ import annotations

import asyncio
import hashlib
import html
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import content
import httpx2
import pytest
from PIL import Image
from statements import rows
from talk import begin, say

from guiado.agent import TroubleshootingAgent
from guiado.app.knowledge import media

BASE = "/api/support/troubleshooting"
ANA = "ana@example.com"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
Server = Any


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return content.write(tmp_path_factory.mktemp("kb") / "kb.json")


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Server], module_dsn: str, kb: Path) -> Server:
    return serve_module(module_dsn, GUIADO_KB_PATH=str(kb), GUIADO_ENCODER="lexical", GUIADO_KB_PAGES="on")


@pytest.fixture
def root(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as client:
        yield client


def chosen(http: httpx2.Client, session: dict[str, Any], variant: object) -> httpx2.Response:
    return http.put(f"/{session['session_id']}/variant", json={"variant": variant})


def shown(answer: httpx2.Response) -> str:
    """A page's text, without its marks."""
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", answer.text)).split())


def case_of(root: httpx2.Client, words: str, agent: str = "") -> str:
    answer = root.post("/ayuda", data={"words": words}, headers={"user-agent": agent} if agent else None)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


# ------------------------------------------------------------------------------------------------------------- variants


@pytest.mark.parametrize(
    ("device", "variant", "told"),
    [
        ("Portátil con Windows 11", "windows", ["Enciende la impresora.", content.SHOWN_OF_WINDOWS]),
        ("Mac", "mac", ["Enciende la impresora.", content.SHOWN_OF_MAC]),
        ("MacBook Air", "mac", ["Enciende la impresora.", content.SHOWN_OF_MAC]),
        ("una tableta", "tablet", ["Enciende la impresora."]),
        ("un Mac con Windows, macOS", None, None),
        (None, None, None),
    ],
)
def test_the_device_decides_where_it_is_known(
    http: httpx2.Client, device: str | None, variant: str | None, told: list[str] | None
) -> None:
    step = begin(http, content.PRINTER, **({"device": device} if device else {}))["first_step"]
    assert step["variant"] == variant
    assert [each["title"] for each in step["variants"]] == ["Windows", "Mac", "Una tableta"]
    everybody = ["Enciende la impresora.", f"Windows: {content.SHOWN_OF_WINDOWS}", f"Mac: {content.SHOWN_OF_MAC}"]
    assert step["instructions"] == (told or everybody)
    assert step["expected_result"] == ("La lista está vacía." if variant == "mac" else "La cola está vacía.")


def test_a_customer_says_it_once_and_may_change_it(http: httpx2.Client, module_dsn: str) -> None:
    session = begin(http, content.PRINTER)
    said = chosen(http, session, "windows").json()
    assert said["session"]["next_step"]["instructions"][-1] == content.SHOWN_OF_WINDOWS
    again = chosen(http, session, "windows").json()
    assert again["session"]["version"] == said["session"]["version"], "the same again changes nothing"
    changed = chosen(http, session, "mac").json()["session"]["next_step"]
    assert (changed["variant"], changed["instructions"][-1]) == ("mac", content.SHOWN_OF_MAC)
    audits = rows(
        module_dsn,
        f"SELECT detail FROM support_troubleshooting_audit_log WHERE action = 'variant' AND object_id = '{session['session_id']}' ORDER BY at",
    )
    assert [json.loads(detail) for (detail,) in audits] == [
        {"before": None, "after": "windows"},
        {"before": "windows", "after": "mac"},
    ]
    following = say(http, session, "step", success=True, step_number=1)["session"]["next_step"]
    assert (following["variant"], following["variants"]) == ("mac", []), "this step is the same for all"


@pytest.mark.parametrize("value", ["linux", "", "Windows", 7, None])
def test_a_variant_that_the_guide_has_not_is_refused_by_name(http: httpx2.Client, value: object) -> None:
    session = begin(http, content.PRINTER)
    refused = chosen(http, session, value)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "variant"
    if value in {"linux", "Windows"}:
        assert "windows, mac, tablet" in refused.json()["error"]
    assert http.get(f"/{session['session_id']}").json()["session"]["next_step"]["variant"] is None


def test_an_ended_session_and_one_without_variants_take_none(http: httpx2.Client) -> None:
    session = begin(http, content.PRINTER)
    say(http, session, "resolve", source="customer")
    refused = chosen(http, session, "mac")
    assert (refused.status_code, refused.json()["code"]) == (409, "session_ended")
    assert chosen(http, begin(http, content.HOURS), "mac").status_code == 400
    assert chosen(http, {"session_id": "00000000-0000-0000-0000-000000000000"}, "mac").status_code == 404


def test_it_goes_along_to_another_guide_where_it_fits(http: httpx2.Client) -> None:
    session = begin(http, f"{content.PRINTER} y además la cámara no se ve en la videollamada", clarify=True)
    picked = say(http, session, "clarify", problem_id="impresora") if session["options"] else session
    assert picked["problem_detected"] == "impresora"
    chosen(http, session, "mac")
    following = say(http, session, "next", problem_id="camara")
    assert (following["first_step"]["variant"], following["first_step"]["instructions"][-1]) == ("mac", "Abre «Privacidad».")
    other = begin(http, content.PRINTER)
    chosen(http, other, "mac")
    rejected = say(http, other, "reject", problem_id="camara")
    assert rejected["first_step"]["variant"] == "mac"


def test_labels_speak_the_language_of_the_session(http: httpx2.Client) -> None:
    step = begin(http, content.PRINTER, language="en")["first_step"]
    assert [each["title"] for each in step["variants"]] == ["Windows", "Mac", "A tablet"]
    assert step["instructions"][1] == "Windows: Open “Settings” and go to “Printers”."
    camera = begin(http, "la cámara no se ve en la videollamada", language="pt")["first_step"]
    assert [each["title"] for each in camera["variants"]] == ["Wi-Fi", "Windows", "Mac"]


def test_the_browser_decides_on_the_pages(root: httpx2.Client, module_dsn: str) -> None:
    case = case_of(root, content.PRINTER, WINDOWS)
    page = shown(root.get(case))
    assert content.SHOWN_OF_WINDOWS in page
    assert content.SHOWN_OF_MAC not in page
    assert "Windows · Cambiar" in page
    kept = rows(module_dsn, "SELECT device, variant FROM support_troubleshooting_sessions ORDER BY started_at DESC LIMIT 1")
    assert kept == [("windows", "windows")], "nothing more of the browser is kept"


def test_a_page_asks_what_the_customer_uses(root: httpx2.Client) -> None:
    case = case_of(root, content.PRINTER, "curl/8")
    page = shown(root.get(case))
    assert "¿Qué usas?" in page
    assert "Enciende la impresora." not in page
    every = shown(root.get(f"{case}?todo=cola"))
    assert f"Mac: {content.SHOWN_OF_MAC}" in every
    assert "¿Cómo te fue?" in every
    sent = root.post(case.replace("caso", "variant"), data={"variant": "mac"})
    assert sent.headers["location"] == case
    assert content.SHOWN_OF_MAC in shown(root.get(case))
    for bad in ("linux", "", "'; --"):
        assert root.post(case.replace("caso", "variant"), data={"variant": bad}).headers["location"] == case
    assert "Mac · Cambiar" in shown(root.get(case))


# -------------------------------------------------------------------------------------------------- answers and persons


def test_an_answer_is_read_and_not_followed(http: httpx2.Client, root: httpx2.Client) -> None:
    session = begin(http, content.HOURS)
    step = session["first_step"]
    assert session["message"] == "Parece que preguntas esto: «¿A qué hora abren?». Si no es eso, dínoslo."
    assert (step["type"], step["instructions"][1]) == ("answer", "Los festivos cerramos.")
    solved = say(http, session, "step", success=True, outcome="solved")
    assert solved["next_action"] == "resolved"
    case = case_of(root, content.HOURS)
    page = shown(root.get(case))
    assert "Paso 1 de 1" not in page
    assert "Esto responde mi pregunta" in page
    handed = root.post(case.replace("caso", "step"), data={"step_number": "1", "answer": "not_helped"})
    assert handed.status_code == 303
    assert "Tu caso pasa a una persona" in shown(root.get(case))
    public = shown(root.get("/problemas/horario"))
    assert "Los festivos cerramos." in public
    listed = shown(root.get("/problemas"))
    assert "Respuesta" in listed
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', root.get("/problemas/horario").text, re.DOTALL)
    assert json.loads(data[1])["mainEntity"][0]["acceptedAnswer"]["text"].startswith("Abrimos de lunes")


def test_an_answer_that_does_not_serve_tells_the_person_so(http: httpx2.Client) -> None:
    session = begin(http, content.HOURS)
    handed = say(http, session, "step", success=True, outcome="not_helped")
    assert handed["session"]["status"] == "needs_escalation"
    assert handed["session"]["escalation_reason"] == "El cliente leyó la respuesta y no era lo que buscaba."
    undone = say(http, session, "undo")
    assert undone["message"] == "Quitamos tu última respuesta."


def test_a_guide_for_a_person_calls_one_at_once(http: httpx2.Client, root: httpx2.Client, module_dsn: str) -> None:
    session = begin(http, content.INHERITANCE, ticket_id="T-9")
    assert (session["status"], session["urgent"], session["first_step"]) == ("needs_escalation", False, None)
    assert session["message"].endswith("Ten esto a mano:\n- El certificado de defunción.\n- El número de la cuenta.")
    state = http.get(f"/{session['session_id']}").json()["session"]
    assert state["escalation_reason"] == "Falleció el titular de la cuenta"
    events = rows(module_dsn, f"SELECT event FROM support_troubleshooting_outbox WHERE session_id = '{session['session_id']}'")
    assert ("session_escalated",) in events
    page = shown(root.get(root.post("/ayuda", data={"problem_id": "herencia"}).headers["location"]))
    assert "Ten esto a mano" in page
    assert page.count("El certificado de defunción.") == 1
    public = shown(root.get("/problemas/herencia"))
    assert "El certificado de defunción." in public
    assert "Te atiende una persona" in shown(root.get("/problemas"))


def test_variants_on_the_public_page_stand_apart(root: httpx2.Client) -> None:
    page = root.get("/problemas/impresora")
    assert "<h3>Windows</h3>" in page.text
    assert "<h3>Una tableta</h3>" not in page.text, "it has nothing of its own"
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.DOTALL)
    first = json.loads(data[1])["step"][0]["itemListElement"]
    assert [each["text"] for each in first][1:] == [f"Windows: {content.SHOWN_OF_WINDOWS}", f"Mac: {content.SHOWN_OF_MAC}"]


def test_the_facade_says_the_same(facade: str, tmp_path: Path) -> None:
    agent = TroubleshootingAgent(content.write(tmp_path / "kb.json"))
    session = agent.start_troubleshooting(content.PRINTER, ANA)
    step = agent.get_current_step(session.session_id)
    assert f"2. Windows: {content.SHOWN_OF_WINDOWS}" in agent.format_step_response(step)
    step = agent.set_variant(session.session_id, "mac")
    assert (step["variant"], step["instructions"][-1]) == ("mac", content.SHOWN_OF_MAC)
    assert "windows, mac, tablet" in agent.set_variant(session.session_id, "linux")["error"]
    hours = agent.get_current_step(agent.start_troubleshooting(content.HOURS, ANA).session_id)
    told = agent.format_step_response(hours)
    assert told == "¿A qué hora abren?\n\nAbrimos de lunes a viernes, de 9:00 a 18:00.\n\nLos festivos cerramos."
    person = agent.get_current_step(agent.start_troubleshooting(content.INHERITANCE, ANA).session_id)
    assert (person["status"], person["suggest_escalation"]) == ("needs_escalation", True)
    assert "El certificado de defunción." in person["message"]


# ------------------------------------------------------------------------------------------------- steps that are for good


def at_the_reset(root: httpx2.Client) -> str:
    """A case whose open step cannot be undone."""
    case = case_of(root, content.PRINTER, WINDOWS)
    root.post(case.replace("caso", "step"), data={"step_number": "1", "answer": "not_helped"})
    return case


def test_a_step_that_cannot_be_undone_is_shown_to_who_knows_that(root: httpx2.Client) -> None:
    case = at_the_reset(root)
    page = shown(root.get(case))
    assert "Deja la impresora como nueva." in page
    assert "Se borran las redes guardadas." in page
    assert "Mantén pulsado" not in page
    assert "¿Cómo te fue?" not in page
    for other in ("entiendo=cola", "entiendo=", "entiendo=FABRICA"):
        assert "Mantén pulsado" not in shown(root.get(f"{case}?{other}"))
    known = shown(root.get(f"{case}?entiendo=fabrica"))
    assert "Mantén pulsado el botón diez segundos." in known
    assert "¿Cómo te fue?" in known
    root.post(case.replace("caso", "step"), data={"step_number": "2", "answer": "could_not"})
    assert "Mantén pulsado" in shown(root.get(case)), "who tried it is not asked again"


def test_the_form_keeps_what_the_address_says(root: httpx2.Client) -> None:
    case = case_of(root, content.PRINTER, WINDOWS)
    for answer in ("could_not", "could_not", "not_helped"):  # two failures call a person, and the steps go on
        root.post(case.replace("caso", "step"), data={"step_number": "1", "answer": answer})
    waits = root.get(f"{case}?pasos=1&idioma=en").text
    assert "Show the steps" in waits
    assert 'name="pasos" value="1"' in waits
    assert 'name="idioma" value="en"' in waits
    assert "Hold the button." in shown(root.get(f"{case}?pasos=1&idioma=en&entiendo=fabrica"))


# ---------------------------------------------------------------------------------------------------------------- variables


def test_the_settings_give_guides_their_variables(serve: Callable[..., Server], dsn: str, tmp_path: Path) -> None:
    entries = content.entries()
    entries["$variables"] = {"marca": "Nadie", "telefono": "000", "producto": {"es": "Cafetera", "en": "Kettle"}}
    entries["horario"]["answer"] = ["{{marca}}: {{telefono}}, {{correo}}, {{horario}}. {{producto}}. {{otra}}"]
    entries["horario"]["translations"] = {"en": {"problem_title": "Opening hours", "answer": ["{{horario}}. {{producto}}"]}}
    path = tmp_path / "kb.json"
    path.write_text(json.dumps(entries), "utf-8")
    given = {
        "GUIADO_BRAND_NAME": "Acme",
        "GUIADO_SUPPORT_EMAIL": "hola@acme.co",
        "GUIADO_SUPPORT_HOURS": "lun-vie 9:00-18:00",
    }
    running = serve(dsn, GUIADO_KB_PATH=str(path), GUIADO_ENCODER="lexical", **given)
    guide = running.runtime.knowledge.snapshot.guides["horario"]
    assert guide.steps[0].instructions == ("Acme: 000, hola@acme.co, lun–vie 9:00–18:00. Cafetera. {{otra}}",)
    assert guide.in_language("en").steps[0].instructions == ("Mon–Fri 9:00–18:00. Kettle",)


# -------------------------------------------------------------------------------------------------------------------- media


def picture(place: str = "bogota") -> bytes:
    """A JPEG with a place in its metadata."""
    made, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = place
    noise = Image.effect_noise((64, 48), 90)
    noise.convert("RGB").save(made, "JPEG", exif=exif)
    return made.getvalue()


def stored(server: Server, content_bytes: bytes, name: str = "boton.jpg") -> str:
    """Store a picture as `guiado kb media add` does; its address."""

    async def run() -> str:
        scope = server.runtime.parts.scope("operator", "terminal")
        added = await server.runtime.parts.run_write(scope, media.add, name, media.prepared(content_bytes))
        return added.address

    return asyncio.run_coroutine_threadsafe(run(), server.loop).result(30)


def test_a_stored_picture_is_served_for_ever_and_to_everybody(server: Server, root: httpx2.Client) -> None:
    sent = picture()
    address = stored(server, sent)
    assert stored(server, sent, "otra.jpg") == address, "the same picture is stored once"
    path = f"/media/{address.removeprefix('media:')}"
    answer = root.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"bogota" not in answer.content
    assert f"media:{hashlib.sha256(answer.content).hexdigest()}.png" == address
    assert root.head(path).content == b""
    for bad in (
        path.replace(".png", ".jpg"),
        path[:-5],
        "/media/x",
        "/media/" + "0" * 64 + ".jpg",
        "/media/..%2F..%2Fetc%2Fpasswd",
    ):
        assert root.get(bad).status_code == 404, bad


def test_pages_and_callers_get_the_picture(serve: Callable[..., Server], dsn: str, tmp_path: Path) -> None:
    path = content.write(tmp_path / "kb.json", "media:" + "0" * 64 + ".png")
    running = serve(dsn, GUIADO_KB_PATH=str(path), GUIADO_ENCODER="lexical", GUIADO_KB_PAGES="on", works=True)
    with httpx2.Client(base_url=running.url, timeout=30) as root:
        case = case_of(root, content.PRINTER, WINDOWS)
        assert "<figure>" not in root.get(case).text, "one that is not stored is left out"
        address = stored(running, picture())
        entries = content.entries(address)
        video = {"type": "video", "url": "https://example.com/v", "alt": "", "caption": "Cómo se hace"}
        outside = {"type": "image", "url": "https://example.com/i.png", "alt": "Un botón", "caption": ""}
        entries["impresora"]["steps"][0]["media"] += [video, outside]
        path.write_text(json.dumps(entries), "utf-8")
        http = httpx2.Client(base_url=f"{running.url}{BASE}", timeout=30)
        deadline = time.monotonic() + 30
        while len(begin(http, content.PRINTER)["first_step"]["media"]) < 3:
            assert time.monotonic() < deadline, "the edited guide is not in use"
            time.sleep(0.05)
        told = begin(http, content.PRINTER)["first_step"]["media"]
        assert told[0] == {
            "type": "image",
            "url": f"/media/{address.removeprefix('media:')}",
            "alt": "El botón de encendido",
            "caption": "Está atrás.",
        }
        public = root.get("/problemas/impresora").text
        for page in (root.get(case_of(root, content.PRINTER, WINDOWS)).text, public):
            assert f'<img class="picture" src="{told[0]["url"]}" alt="El botón de encendido" width="64" height="48"' in page
            assert "<figcaption>Está atrás.</figcaption>" in page
            assert '<a href="https://example.com/v"' in page
            assert 'src="https://' not in page
        data = re.search(r'<script type="application/ld\+json">(.*?)</script>', public, re.DOTALL)
        assert json.loads(data[1])["step"][0]["image"] == [f"{running.url}{told[0]['url']}"]
        http.close()
