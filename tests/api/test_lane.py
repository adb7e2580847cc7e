"""An answer to a step has two ways in; nobody can tell them apart."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from guiado.api.step_fast_path import StepFastPath

# The first header is taken by the short way, the second by the framework's.
SHORT, LONG = {"content-type": "application/json"}, {"content-type": "application/json; charset=utf-8"}
CHANGING = frozenset(
    ("request_id", "id", "session_id", "attempted_at", "duration_seconds", "started_at", "updated_at", "ended_at")
)


def told(answer: Any) -> tuple[int, str, Any]:
    kind = answer.headers["content-type"]
    return answer.status_code, kind, _without(answer.json(), CHANGING | {"reference", "resolved_at", "escalated_at"})


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(part, names) for name, part in value.items() if name not in names}
    return [_without(part, names) for part in value] if isinstance(value, list) else value


def begin(http: Any) -> str:
    body = {"problem_description": "no puedo instalar el programa", "customer_email": "ana@example.com"}
    return http.post("/start", json=body).json()["session_id"]


@pytest.mark.parametrize(
    "bodies",
    [
        [
            b'{"success": true}',
            b'{"success": true, "notes": "ya"}',
            b'{"success": true, "outcome": "solved"}',
            b'{"success": true}',
        ],
        [b'{"success": false, "notes": "no pude"}'] * 4,
        [b'{"success": true, "step_number": 1}', b'{"success": true, "step_number": 1}', b'{"success": false, "step_number": 1}'],
        [
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"{}",
            b'{"success": "si"}',
            b'{"success": true, "nada": 1}',
            b'{"success": true, "success": 1}',
        ],
        [b'{"success": true, "notes": "\\ud83d"}', b'{"success": NaN}', b"\xff\xfe", b"\xef\xbb\xbf" + b'{"success": true}'],
        [json.dumps({"success": True, "notes": "ñ" * 6_000}).encode(), b'{"success": true, "outcome": "could_not"}'],
    ],
    ids=["solved", "failed", "repeated", "wrong", "broken", "long"],
)
@pytest.mark.parametrize("language", ["es", "en"])
def test_both_ways_tell_the_same(http: Any, bodies: list[bytes], language: str) -> None:
    ways = [(header, begin(http)) for header in (SHORT, LONG)]
    for body in bodies:
        short, long = (
            told(http.post(f"/{session}/step", content=body, headers={**header, "accept-language": language}))
            for header, session in ways
        )
        assert short == long


@pytest.mark.parametrize("session", ["00000000-0000-7000-8000-000000000000", "nada", "%20", "a%2Fb", "ñ"])
def test_sessions_that_do_not_exist_are_told_the_same(http: Any, session: str) -> None:
    short, long = (told(http.post(f"/{session}/step", content=b'{"success": true}', headers=way)) for way in (SHORT, LONG))
    assert short == long
    assert short[0] == 404


def test_a_refused_caller_is_refused_on_both(http: Any) -> None:
    session = begin(http)
    for way in (SHORT, LONG):
        answer = http.post(f"/{session}/step", content=b'{"success": true}', headers={**way, "x-forwarded-for": "1.2.3.4"})
        assert answer.status_code == 403


def test_a_body_that_is_too_large_is_refused_on_both(http: Any) -> None:
    session = begin(http)
    body = json.dumps({"success": True, "notes": "x" * 2_000_000}).encode()
    answers = [http.post(f"/{session}/step", content=body, headers=way) for way in (SHORT, LONG)]
    assert [answer.status_code for answer in answers] == [413, 413]


@pytest.mark.parametrize(
    ("path", "headers", "short"),
    [
        ("/base/s/step", SHORT, True),
        ("/base/s/step", LONG, False),
        ("/base/s/step", {**SHORT, "idempotency-key": "k"}, False),
        ("/base/s/step", {**SHORT, "content-length": "65537"}, False),
        ("/base/s/step", {**SHORT, "content-encoding": "gzip"}, False),
        ("/base/s/t/step", SHORT, False),
        ("/base//step", SHORT, False),
        ("/base/s/step/", SHORT, False),
    ],
)
def test_only_the_plain_request_takes_the_short_way(path: str, headers: dict[str, str], short: bool) -> None:
    taken: list[str] = []

    async def framework(*_: object) -> None:
        taken.append("long")

    async def receive() -> dict[str, Any]:
        taken.append("short")
        return {"type": "http.request", "body": b"["}

    async def send(_message: object) -> None:
        return

    named = {"content-length": "1", **headers}
    scope = {"type": "http", "method": "POST", "path": path, "headers": [(k.encode(), v.encode()) for k, v in named.items()]}
    asyncio.run(StepFastPath(framework, "/base")(scope, receive, send))  # type: ignore[arg-type]
    assert taken == (["short"] if short else ["long"])
