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
    assert set(best["evidence"]) == {"words", "example"}
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
