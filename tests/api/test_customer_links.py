"""Customer links: one session and nothing else, opened by a button, dead within a second, and never in a log."""

from __future__ import annotations

import hashlib
import logging
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

BASE = "/api/support/troubleshooting"
WORDS = "no me deja instalar el programa"
GONE = "Este enlace ya no abre."
FORM = {"content-type": "application/x-www-form-urlencoded"}


def start(http: httpx2.Client, email: str = "ana@example.com", words: str = WORDS, **more: object) -> dict[str, Any]:
    return http.post("/start", json={"problem_description": words, "customer_email": email, **more}).json()


def link_to(http: httpx2.Client, session_id: str) -> dict[str, Any]:
    answer = http.post(f"/{session_id}/links")
    assert answer.status_code == 200, answer.text
    return answer.json()["link"]


@pytest.fixture
def case(http: httpx2.Client) -> tuple[str, dict[str, Any]]:
    """A session and a link to it."""
    session_id = start(http)["session_id"]
    return session_id, link_to(http, session_id)


def bearer(link: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {link['token']}"}


def page_of(link: dict[str, Any]) -> str:
    return f"/ayuda/{link['token']}"


def send(root: httpx2.Client, path: str, **form: Any) -> httpx2.Response:
    """Send a form as a browser does, and follow to the page that it leads to."""
    answer = root.post(path, **form)
    assert answer.status_code == 303, answer.text
    return root.get(answer.headers["location"])


def test_a_link_is_shown_once_and_only_its_hash_is_stored(
    http: httpx2.Client, case: tuple[str, dict[str, Any]], module_dsn: str
) -> None:
    session_id, link = case
    assert re.fullmatch(r"gl_[0-9A-Za-z]{43}", link["token"])
    assert link["url"].endswith(f"/ayuda/{link['token']}")
    (listed,) = http.get(f"/{session_id}/links").json()["links"]
    assert (listed["url"], listed["token"], listed["status"], listed["opened_at"]) == (None, None, "live", None)
    again = {"idempotency-key": f"k-{session_id}"}
    first, second = (http.post(f"/{session_id}/links", headers=again).json()["link"] for _ in range(2))
    assert (first["link_id"], second["token"], second["url"]) == (second["link_id"], None, None)


def test_the_button_opens_and_nothing_before_it_does(
    root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]]
) -> None:
    session_id, link = case
    for method in ("GET", "HEAD", "GET"):  # a mail scanner
        answer = root.request(method, page_of(link))
        assert answer.status_code == 200
        assert "instalar" not in answer.text.lower()
        assert "ana@" not in answer.text
    assert http.get(f"/{session_id}/links").json()["links"][0]["opened_at"] is None
    opened = send(root, page_of(link))
    assert opened.status_code == 200
    assert "Paso 1 de" in opened.text
    assert root.get(f"{page_of(link)}/caso").text == opened.text, "loading it again does no harm"
    assert http.get(f"/{session_id}/links").json()["links"][0]["opened_at"]
    assert http.get(f"/{session_id}").json()["session"]["current_step"] == 0


def test_headers_of_the_customers_pages(root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]]) -> None:
    door = page_of(case[1])
    for answer in (root.get(door), root.post(door), root.get(f"{door}/caso"), root.get("/ayuda/gl_nada")):
        told = answer.headers
        assert (told["referrer-policy"], told["cache-control"], told["x-robots-tag"]) == ("no-referrer", "no-store", "noindex")
        policy = told["content-security-policy"]
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
        assert "set-cookie" not in told
    assert http.get("/sessions").headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert root.get("/healthz").headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_steps_by_the_page_and_buttons_that_are_pressed_twice(
    root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]]
) -> None:
    session_id, link = case
    # A form on a page that tells nobody its address comes with the origin "null".
    for _ in range(2):
        shown = send(root, f"{page_of(link)}/step", data={"step_number": "1", "answer": "not_helped"}, headers={"origin": "null"})
        assert shown.status_code == 200
        assert "Paso 2 de" in shown.text
    state = http.get(f"/{session_id}").json()
    assert [(each["step_number"], each["outcome"], each["source"]) for each in state["attempts"]] == [
        (1, "not_helped", "customer")
    ]
    old = send(root, f"{page_of(link)}/step", data={"step_number": "1", "answer": "solved"})
    assert (old.status_code, "Paso 2 de" in old.text) == (200, True)
    done = send(root, f"{page_of(link)}/step", data={"step_number": "2", "answer": "solved"})
    assert "Damos el problema por resuelto" in done.text
    assert http.get(f"/{session_id}").json()["session"]["status"] == "resolved"
    assert send(root, f"{page_of(link)}/person").status_code == 200


def test_a_person_by_the_page(root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]]) -> None:
    session_id, link = case
    shown = send(root, f"{page_of(link)}/person").text
    assert "Tu caso pasa a una persona" in shown
    assert "te atenderá" not in shown, "nobody is told, so nobody is promised"
    assert http.get(f"/{session_id}").json()["session"]["status"] == "escalated"


def test_a_clarification_by_the_page(root: httpx2.Client, http: httpx2.Client) -> None:
    begun = start(http, words="hola", clarify=True)
    assert begun["options"]
    link = link_to(http, begun["session_id"])
    assert begun["options"][0]["title"] in send(root, page_of(link)).text
    assert "Elige una respuesta" in send(root, f"{page_of(link)}/clarify", data={}).text
    chosen = send(root, f"{page_of(link)}/clarify", data={"problem_id": begun["options"][0]["problem_id"]})
    assert "Paso 1 de" in chosen.text


def test_a_link_reaches_its_session_and_nothing_else(http: httpx2.Client, case: tuple[str, dict[str, Any]]) -> None:
    session_id, link = case
    other = start(http, "luis@example.com")["session_id"]
    by_link = bearer(link)
    assert http.get(f"/{session_id}", headers=by_link).status_code == 200
    assert http.get("", params={"session_id": session_id}, headers=by_link).status_code == 200
    for answer in (
        http.get(f"/{other}", headers=by_link),
        http.get("", params={"session_id": other}, headers=by_link),
        http.get("", headers=by_link),
        http.get("/nada", headers=by_link),
        http.post(f"/{other}/step", json={"success": True}, headers=by_link),
        http.post(f"/{other}/resolve", json={"source": "customer"}, headers=by_link),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    for method, path in (
        ("GET", "/sessions"),
        ("POST", "/start"),
        ("POST", f"/{session_id}/next"),
        ("POST", f"/{session_id}/links"),
        ("GET", f"/{session_id}/links"),
        ("POST", f"/{session_id}/correct"),
        ("GET", "/webhooks"),
        ("GET", "/keys"),
    ):
        answer = http.request(method, path, json={} if method == "POST" else None, headers=by_link)
        assert (answer.status_code, answer.json()["code"]) == (403, "link_not_enough"), path
    both = http.get("", params=[("session_id", session_id), ("session_id", other)], headers=by_link)
    assert both.status_code in {400, 404}


def test_a_link_speaks_as_the_customer(http: httpx2.Client, case: tuple[str, dict[str, Any]]) -> None:
    session_id, link = case
    for path, body in (
        ("step", {"success": True, "source": "agent"}),
        ("resolve", {"source": "agent"}),
        ("escalate", {"source": "machine"}),
    ):
        answer = http.post(f"/{session_id}/{path}", json=body, headers=bearer(link))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "source")
    assert http.post(f"/{session_id}/resolve", json={"problem_id": "x"}, headers=bearer(link)).status_code == 400
    done = http.post(f"/{session_id}/resolve", headers=bearer(link))
    assert done.status_code == 200
    assert done.json()["session"]["status"] == "resolved"


def test_a_revoked_link_is_dead_within_a_second(
    root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]]
) -> None:
    session_id, link = case
    assert http.get(f"/{session_id}", headers=bearer(link)).status_code == 200
    assert root.get(page_of(link)).status_code == 200
    ended = http.delete(f"/{session_id}/links/{link['link_id']}").json()["link"]
    assert ended["status"] == "revoked"
    limit = time.monotonic() + 1.0
    while http.get(f"/{session_id}", headers=bearer(link)).status_code != 401:
        assert time.monotonic() < limit, "still taken after a second"
    gone = root.get(page_of(link))
    assert (gone.status_code, GONE in gone.text) == (404, True)
    assert root.post(page_of(link)).status_code == 404
    assert root.post(f"{page_of(link)}/step", data={"step_number": "1", "answer": "solved"}).status_code == 404
    assert http.delete(f"/{session_id}/links/nada").json()["code"] == "link_not_found"


@pytest.mark.parametrize(
    "token",
    [
        "gl_",
        "nada",
        "gl_" + "a" * 43,
        "gl_" + "ñ" * 43,
        "gl_" + "a" * 4_096,
        "%00",
        "%ff%fe",
        "..%2f..%2fetc",
        "<script>",
        "gl_a%0d%0ab",
    ],
)
def test_a_link_that_is_none_gets_one_kind_page(root: httpx2.Client, token: str) -> None:
    pages = [root.get(f"/ayuda/{token}"), root.post(f"/ayuda/{token}"), root.post(f"/ayuda/{token}/step", data={"a": "b"})]
    for answer in pages:
        assert answer.status_code == 404, answer.text
        assert GONE in answer.text or "Esta página no existe." in answer.text or "%2f" in token
        assert "<script>" not in answer.text
    for language, words in (("en", "This link no longer opens."), ("pt", "Este link não abre mais.")):
        assert words in root.get("/ayuda/gl_nada", headers={"accept-language": language}).text


def test_bodies_that_are_no_forms_change_nothing(
    root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]]
) -> None:
    session_id, link = case
    for body in (
        b"",
        b"\xff\xfe",
        b"&" * 500 + b"a=1",
        b"a=1&" * 500,
        b'{"answer": "solved"}',
        b"step_number=%D9%A1&answer=solved",
        b"step_number=99999999999999999999&answer=solved",
    ):
        for action in ("step", "clarify"):
            assert send(root, f"{page_of(link)}/{action}", content=body, headers=FORM).status_code == 200
    assert http.get(f"/{session_id}").json()["session"]["current_step"] == 0


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, loggers = Lines(), [logging.getLogger("guiado"), logging.getLogger("uvicorn.error")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler.lines
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_no_token_is_in_a_log_an_error_or_a_dump(
    root: httpx2.Client, http: httpx2.Client, case: tuple[str, dict[str, Any]], lines: list[str], module_dsn: str
) -> None:
    session_id, link = case
    token = link["token"]
    root.get(page_of(link))
    root.post(page_of(link))
    root.post(f"{page_of(link)}/step", data={"step_number": "1", "answer": "not_helped"})
    http.get(f"/{session_id}", headers=bearer(link))
    root.get("/ayuda/un-enlace-mal-copiado")
    told = [http.get(f"/{token}").text, root.get(f"/{token}").text, root.get("/metrics").text, http.get("/sessions").text]
    assert any("/ayuda/" in line for line in lines)
    assert not [line for line in lines if token[3:] in line or "mal-copiado" in line]
    assert not [text for text in told if token[3:] in text]
    dump = subprocess.run(["pg_dump", module_dsn], capture_output=True, check=False)
    if dump.returncode == 0:
        assert hashlib.sha256(token.encode()).hexdigest().encode() in dump.stdout
        assert token[3:].encode() not in dump.stdout


def test_links_go_to_the_configured_address_and_end_in_time(module_dsn: str, serve: Callable[..., Any]) -> None:
    running = serve(module_dsn, GUIADO_PUBLIC_URL="https://ayuda.example.com/", GUIADO_LINK_DAYS="2")
    with httpx2.Client(base_url=f"{running.url}{BASE}", timeout=30) as http:
        link = link_to(http, start(http)["session_id"])
    assert link["url"] == f"https://ayuda.example.com/ayuda/{link['token']}"
    assert link["expires_at"][:10] > link["created_at"][:10]
