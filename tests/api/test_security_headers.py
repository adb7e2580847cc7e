"""Security headers of every answer of the whole application."""

from __future__ import annotations

import httpx2

HTML = {"accept": "text/html"}
BASE = "/api/support/troubleshooting"
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def test_every_answer_has_the_security_headers(root: httpx2.Client, session_id: str) -> None:
    """On the whole application: pages, files, the fast path of steps, errors, refusals."""
    foreign = {"host": "evil.example"}
    answers = [
        *(root.get(path) for path in ("/schema", "/static/guiado.css", "/healthz", "/metrics", "/nada", "/api/nada")),
        root.get("/nada", headers=HTML),
        root.get("/healthz", headers=foreign),
        root.post(f"{BASE}/start", content=b"{"),
        root.post(f"{BASE}/{session_id}/step", json={"success": False}),
        root.post(f"{BASE}/{session_id}/step", json={"success": 7}),
        root.request("TRACE", "/healthz"),
        root.options(f"{BASE}/start"),
        root.head("/schema"),
    ]
    assert {403, 404, 400, 405, 200, 204} <= {answer.status_code for answer in answers}
    start = root.get("/")
    assert start.headers.get("referrer-policy") == "same-origin", "its form says which page it is from"
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY, answer.request
        assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
        assert "strict-transport-security" not in answer.headers
    assert "content-security-policy" in answers[0].headers
