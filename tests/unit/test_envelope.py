"""What travels to a webhook is never longer than receivers take, and the same for every attempt."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from guiado.delivery.signing import body_signature
from guiado.delivery.webhook_message import MAX_BODY_BYTES, write_body

THEN = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "left"),
    [
        ({"session_id": "s", "notes": "ñ" * 10_000}, {"session_id": "s", "notes": "ñ" * 10_000}),
        ({"session_id": "s", "step_number": 2, "notes": "ñ" * 50_000}, {"session_id": "s", "step_number": 2, "truncated": True}),
        ({"session_id": "s" * 300_000}, {"truncated": True}),
        ({f"n{i}_id": "x" * 10 for i in range(20_000)}, {"truncated": True}),
    ],
    ids=["long", "too long", "an id too long", "too many ids"],
)
def test_what_is_too_long_arrives_as_identifiers_and_says_so(data: dict[str, object], left: dict[str, object]) -> None:
    raw = write_body("step_failed", THEN, data, "crm", "secreto")
    body = json.loads(raw)
    assert body["data"] == left
    assert len(raw) <= MAX_BODY_BYTES
    assert body["signature"] == body_signature(body, "secreto")
    assert write_body("step_failed", THEN, data, "crm", "secreto") == raw
