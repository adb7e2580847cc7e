"""Messages that report no problem, and those that report several: what each door makes of them, on a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

STARTED = {
    "puedo entrar a mi cuenta sin problema": "solved",
    "quiero hablar con una persona": "person",
    "buenas tardes": "nothing_said",
    "quiero contratar internet": "other",
    "se me cae el wifi a cada rato": "problem",
}


def begin(http: httpx2.Client, words: str, **more: object) -> dict[str, Any]:
    answer = http.post(
        "/start", json={"problem_description": words, "customer_email": "ana@example.com", "language": "es", **more}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def say(http: httpx2.Client, session: dict[str, Any], verb: str, **body: object) -> dict[str, Any]:
    answer = http.post(f"/{session['session_id']}/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def look(http: httpx2.Client, session: dict[str, Any]) -> dict[str, Any]:
    return http.get(f"/{session['session_id']}").json()


@pytest.mark.parametrize(("words", "kind"), STARTED.items())
def test_the_kind_is_told_by_every_answer(http, words, kind) -> None:
    started = begin(http, words)
    assert started["message_kind"] == kind
    assert look(http, started)["session"]["message_kind"] == kind
    assert look(http, started)["understood"]["message_kind"] == kind
    assert http.post("/detect", json={"problem_description": words}).json()["message_kind"] == kind
