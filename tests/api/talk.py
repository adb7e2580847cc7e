"""What tests of conversations say to the API, and what they see: one line each."""

from __future__ import annotations

from typing import Any

import httpx2


def begin(http: httpx2.Client, words: str, email: str = "ana@example.com", **more: object) -> dict[str, Any]:
    """Start a session in Spanish."""
    answer = http.post("/start", json={"problem_description": words, "customer_email": email, "language": "es", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def say(http: httpx2.Client, session: dict[str, Any], verb: str, **body: object) -> dict[str, Any]:
    """Send a command about a session."""
    answer = http.post(f"/{session['session_id']}/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()
