"""POST /detect: the ranking with its reasons, and nothing stored."""

from __future__ import annotations

import httpx2
import pytest
from rows import rows_of

WORDS = "Hola, se me cae el WIFI a cada rato"


def detect(http: httpx2.Client, text: str = WORDS, **more: object) -> dict:
    answer = http.post("/detect", json={"problem_description": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_ranking_says_why(http: httpx2.Client) -> None:
    found = detect(http)
    assert found["success"] is True
    assert found["verdict"] == "accept"
    assert found["language"] == "es"
    assert found["detector"]
    best = found["candidates"][0]
    assert (best["problem_id"], best["problem_title"]) == ("conexion_internet", "No puedo conectarme a internet")
    assert best["category"] == "conectividad"
    assert found["threshold"] <= best["confidence"] <= 1
    assert "wifi" in best["evidence"]["words"]
    assert set(best["evidence"]) == {"words", "example", "codes", "other_codes", "not_this"}
    assert sum(each["confidence"] for each in found["candidates"]) <= 1.001 or "lexical" in found["detector"]


def test_candidates_come_best_first_and_no_more_than_asked(http: httpx2.Client) -> None:
    text = "no puedo entrar a internet porque olvidé la contraseña de la aplicación que instalé y me cobraron"
    many = detect(http, text, limit=20)["candidates"]
    assert len(many) > 1
    assert [c["confidence"] for c in many] == sorted((c["confidence"] for c in many), reverse=True)
    assert len(detect(http, text)["candidates"]) == min(3, len(many))
    one = detect(http, text, limit=1)
    assert one["candidates"] == many[:1]
    assert one["verdict"] == detect(http, text, limit=20)["verdict"]


@pytest.mark.parametrize("text", ["quiero una pizza con anchoas", "😀😀😀", "Привет мир"])
def test_what_is_none_of_them_is_not_accepted(http: httpx2.Client, text: str) -> None:
    assert detect(http, text)["verdict"] != "accept"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no es la factura, es que el código para entrar nunca me llega", "recuperar_cuenta"),
        ("con la factura todo bien, lo que no abre es la app", "error_aplicacion"),
        ("el wifi va de lujo pero no me llega el código", "recuperar_cuenta"),
    ],
)
def test_what_is_denied_does_not_take_the_complaint_with_it(http: httpx2.Client, text: str, problem: str) -> None:
    found = detect(http, text)
    assert found["candidates"][0]["problem_id"] == problem
    assert found["verdict"] != "none"


def test_titles_speak_the_callers_language(http: httpx2.Client) -> None:
    spanish = detect(http)["candidates"][0]["problem_title"]
    english = detect(http, language="en")["candidates"][0]["problem_title"]
    assert spanish != english
    header = http.post("/detect", json={"problem_description": WORDS}, headers={"accept-language": "en"}).json()
    assert header["candidates"][0]["problem_title"] == english
    assert detect(http, "my wifi keeps dropping all the time")["candidates"][0]["problem_title"] == english


def test_nothing_is_stored(http: httpx2.Client, server) -> None:
    before = rows_of(server)
    detect(http, "me cobraron dos veces")
    detect(http, "nada de nada")
    assert rows_of(server) == before


@pytest.mark.parametrize(("text", "language"), [("card declined", "en"), ("o app fecha sozinho", "pt"), ("la app crashea", "es")])
def test_a_short_text_is_answered_in_its_own_language(http: httpx2.Client, text: str, language: str) -> None:
    assert detect(http, text)["language"] == language
    began = http.post("/start", json={"problem_description": text, "customer_email": "ana@example.com"}).json()
    assert began["language"] == language


def test_a_language_of_the_region_is_the_language_of_the_session(http: httpx2.Client) -> None:
    body = {"problem_description": "se me cae el wifi a cada rato", "customer_email": "ana@example.com"}
    for header, language in (("pt-PT", "pt"), ("en-GB; q=0.9, fr", "en"), ("fr, *;q=0.1", "es"), ("es-AR", "es")):
        assert http.post("/start", json=body, headers={"Accept-Language": header}).json()["language"] == language
    for given, language in (("es-MX", "es"), ("pt_PT", "pt"), ("en-gb", "en")):
        assert http.post("/start", json={**body, "language": given}).json()["language"] == language


def test_who_writes_in_another_language_is_told_so_and_the_person_sees_it(http: httpx2.Client) -> None:
    text = "je n'arrive pas à me connecter au wifi"
    found = detect(http, text)
    assert (found["language"], found["written_in"]) == (None, "fr")
    began = http.post("/start", json={"problem_description": text, "customer_email": "ana@example.com"}).json()
    assert began["language"] == "es"
    assert began["message"].endswith("\nguiado answers in Spanish, English and Portuguese.")
    assert http.get(f"/{began['session_id']}").json()["understood"]["written_in"] == "fr"
    mine = http.post("/start", json={"problem_description": "se me cae el wifi", "customer_email": "ana@example.com"}).json()
    assert "guiado answers" not in mine["message"]
    assert http.get(f"/{mine['session_id']}").json()["understood"]["written_in"] is None


def test_examples_are_in_the_language_of_the_caller_or_are_not_shown(http: httpx2.Client) -> None:
    from guiado.text.language import detect_language

    for language in ("es", "en", "pt"):
        found = detect(http, "tengo dos problemas: no puedo entrar a mi cuenta y la app se cierra", language=language, limit=5)
        shown = [each["evidence"]["example"] for each in found["candidates"] if each["evidence"]["example"]]
        assert {detect_language(example) for example in shown} <= {language, None}


def test_the_way_to_the_verdict_is_told_in_the_readers_language(http: httpx2.Client) -> None:
    text = "ya no tengo problema con el wifi, ahora no puedo entrar a mi cuenta"
    found = detect(http, text)
    wrong, denied = "Algo falla: «ahora no puedo entrar a mi cuenta».", "Niega que sea: No puedo conectarme a internet."
    assert {wrong, denied} <= set(found["explanation"])
    assert found["explanation"][-1] == f"Se reconoce: {found['candidates'][0]['problem_title']}."
    english = detect(http, text, language="en")["explanation"]
    assert "Something is wrong: “ahora no puedo entrar a mi cuenta”." in english
    header = http.post("/detect", json={"problem_description": text}, headers={"accept-language": "en"}).json()
    assert header["explanation"] == english


def test_problems_that_are_named_together_are_told(http: httpx2.Client) -> None:
    found = detect(http, "se me cae el wifi a cada rato y además me cobraron dos veces")
    assert sorted(found["several"]) == ["conexion_internet", "problema_facturacion"]
    assert found["explanation"][-1] == "Cuenta varios problemas: conviene preguntar por cuál empezar."


CODE = "al instalar me sale el error 0x8024AB99"


def test_a_code_that_no_guide_has_is_told_to_the_caller_and_to_the_person(http: httpx2.Client) -> None:
    found = detect(http, CODE)
    assert found["unknown_codes"] == ["0x8024AB99"]
    assert "Código desconocido: 0x8024AB99." in found["explanation"]
    assert detect(http, WORDS)["unknown_codes"] == []

    unknown = http.post("/start", json={"problem_description": "error 0x8024AB99", "customer_email": "ana@example.com"}).json()
    assert unknown["unknown_codes"] == ["0x8024AB99"]
    handed = http.post(f"/{unknown['session_id']}/escalate").json()["escalation_info"]
    assert handed["understood"]["unknown_codes"] == ["0x8024AB99"]
    assert "Código desconocido: 0x8024AB99." in handed["reason"]


def test_a_code_in_what_the_customer_adds_is_told_to_the_person(http: httpx2.Client) -> None:
    begun = http.post("/start", json={"problem_description": WORDS, "customer_email": "eva@example.com"}).json()
    path = f"/{begun['session_id']}"
    assert http.post(f"{path}/reject", json={"text": "me sale el código de error 7319"}).status_code == 200
    assert http.post(f"{path}/escalate").json()["escalation_info"]["understood"]["unknown_codes"] == ["7319"]
