"""What HTTP itself asks for, on every route: HEAD, Allow, parameters by name, charsets, codes and titles."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guiado import errors
from guiado.errors import FIELD_CODES, GuiadoError
from guiado.http.problems import CODES

DOCS = Path(__file__).resolve().parents[2] / "docs/API_TROUBLESHOOTING.md"
START = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}
PAGES = ["/", "/schema", "/schema/openapi.json", "/static/guiado.css"]
KESTRA = "/api/v1/executions/webhook/workflows/workflows/support-troubleshooting-automation/support-troubleshooting"


@pytest.fixture(scope="module")
def document(root: httpx2.Client) -> dict[str, Any]:
    return root.get("/schema/openapi.json").json()


def filled(path: str, session_id: str) -> str:
    return re.sub(r"\{\w+\}", "x", path.replace("{session_id}", session_id))


def operations(document: dict[str, Any], session_id: str) -> list[tuple[str, str]]:
    return [(method.upper(), filled(path, session_id)) for path, methods in document["paths"].items() for method in methods]


def test_head_is_get_without_a_body(root: httpx2.Client, document: dict[str, Any], session_id: str) -> None:
    paths = [path for method, path in operations(document, session_id) if method == "GET"] + PAGES
    assert len(paths) > 15
    for path in paths:
        for accept in ("*/*", "text/html"):
            get, head = (root.request(method, path, headers={"accept": accept}) for method in ("GET", "HEAD"))
            assert (head.status_code, head.content) == (get.status_code, b""), path
            assert head.headers["content-type"] == get.headers["content-type"]
            if path.rsplit("/", 1)[-1] not in {"realtime", "analytics", "metrics"} and get.status_code == 200:
                assert head.headers["content-length"] == str(len(get.content)), path


def test_every_405_says_what_is_allowed(root: httpx2.Client, document: dict[str, Any], session_id: str) -> None:
    known: dict[str, set[str]] = {}
    for method, path in operations(document, session_id):
        known.setdefault(path, set()).add(method)
    known |= {path: {"GET"} for path in PAGES}
    for path, methods in known.items():
        wanted = methods | ({"HEAD"} if "GET" in methods else set())
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - wanted:
            answer = root.request(method, path)
            if answer.status_code == 404 and method in {"GET", "HEAD"}:
                continue  # the last part is taken for a session
            assert answer.status_code == 405, (method, path)
            allowed = set(answer.headers["allow"].split(", "))
            assert wanted <= allowed, (method, path, allowed)
            assert method not in allowed
            if method != "HEAD":
                assert answer.json()["code"] == "method_not_allowed"
        assert wanted <= set(root.options(path).headers["allow"].split(", ")), path


def test_an_unknown_parameter_is_refused_by_name_on_every_route(
    root: httpx2.Client, document: dict[str, Any], session_id: str
) -> None:
    for method, path in operations(document, session_id):
        for query, names in (("foo=1", ["foo"]), ("foo", ["foo"]), ("foo=&b%C3%A1r=2", ["foo", "bár"])):
            answer = root.request(method, f"{path}?{query}", json=START)
            assert answer.status_code == 400, (method, path, answer.text)
            assert answer.json()["code"] == "invalid_input"
            assert [(item["field"], item["code"]) for item in answer.json()["errors"]] == [
                (name, "unknown_parameter") for name in names
            ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/sessions?customer_mail=a@b.com", "customer_mail"),
        ("/sessions?limits=5", "limit"),
        ("/sessions?Status=resolved", "status"),
        ("/analytics?day=5", "days"),
        ("/analytics?zzz=5", "days"),
        ("/templates?id=x", "template_id"),
        ("/realtime?x=5", "ninguno"),
    ],
)
def test_the_refusal_names_what_was_meant(http: httpx2.Client, path: str, said: str) -> None:
    assert said in http.get(path).json()["error"]


@pytest.mark.parametrize("path", ["/sessions?limit=1&limit=2", "/analytics?days=5&days=5", "/?session_id=a&session_id=b"])
def test_a_parameter_comes_once(http: httpx2.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "repeated")


def test_a_blank_parameter_is_left_out(http: httpx2.Client) -> None:
    for blank, plain in [
        ("/sessions?status=&limit=&cursor=", "/sessions"),
        ("/sessions?status=%20%20", "/sessions"),
        ("/analytics?days=", "/analytics"),
        ("/templates?category=&template_id=", "/templates"),
        ("/notifications?session_id=&status=", "/notifications"),
    ]:
        found, wanted = http.get(blank), http.get(plain)
        assert found.status_code == 200, found.text
        assert found.json().keys() == wanted.json().keys()
    assert http.get("/?session_id=").json()["errors"][0]["field"] == "session_id"
    gone = http.delete("/recipients/email?recipient=")
    assert (gone.status_code, gone.json()["errors"][0]["field"], gone.json()["errors"][0]["code"]) == (
        400,
        "recipient",
        "missing",
    )


def test_a_query_is_judged_before_the_key_is_taken(http: httpx2.Client) -> None:
    headers = {"idempotency-key": "con-parametro"}
    assert http.post("/start?dry_run=true", json=START, headers=headers).status_code == 400
    assert http.post("/start", json=START, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "kind",
    ["application/json; charset=UTF8", 'application/json; charset="utf-8"', "application/json;charset=utf-8", "APPLICATION/JSON; Charset=UTF-8",
     "application/vnd.api+json; charset=utf8", "application/json; charset=utf-8; profile=x", "application/json;"],
)  # fmt: skip
def test_utf_8_has_many_names(root: httpx2.Client, session_id: str, kind: str) -> None:
    content = json.dumps(START).encode()
    for path in ("/api/support/troubleshooting/start", KESTRA):
        assert root.post(path, content=content, headers={"content-type": kind}).status_code == 200, path
    step = f"/api/support/troubleshooting/{session_id}/step"
    assert root.post(step, content=b'{"success": false}', headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-8x", "x-utf-8", "iso-8859-1; x=utf-8", "utf-8; charset=latin-1"])
def test_other_charsets_are_refused(http: httpx2.Client, charset: str) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    answer = http.post("/start", content=json.dumps(START).encode(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


# ------------------------------------------------------------------------------------------------------------------- codes


def classes(of: type[GuiadoError] = GuiadoError) -> list[type[GuiadoError]]:
    return [of, *(found for child in of.__subclasses__() if child.__module__ == errors.__name__ for found in classes(child))]


def documented(title: str) -> set[str]:
    section = re.split(r"^#+ ", DOCS.read_text("utf-8").split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return {code for row in re.findall(r"^\| (`(?!code`).*?) \|", section, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}


def test_the_table_of_codes_is_the_code() -> None:
    assert documented("Códigos de error") == {kind.code for kind in classes()} | set(CODES.values())
    assert documented("Códigos de un campo") == FIELD_CODES
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in documented("Códigos de error") | FIELD_CODES)


def test_errors_bear_their_code(http: httpx2.Client, root: httpx2.Client) -> None:
    started = http.post("/start", json=START, headers={"idempotency-key": "codigos"}).json()["session_id"]
    ended = http.post("/start", json=START).json()["session_id"]
    http.post(f"/{ended}/resolve", json={})
    found = {
        "session_not_found": http.get("/nada"),
        "webhook_not_found": http.get("/webhooks/nada/stats"),
        "template_not_found": http.get("/templates?template_id=nada"),
        "invalid_input": http.post("/start", json={}),
        "session_ended": http.post(f"/{ended}/step", json={"success": True}),
        "wrong_step": http.post(f"/{started}/step", json={"success": True, "step_number": 3}),
        "nothing_to_clarify": http.post(f"/{started}/clarify", json={"none": True}),
        "nothing_to_reject": http.post(f"/{started}/reject", json={"rejected": "otro"}),
        "nothing_to_undo": http.post(f"/{started}/undo"),
        "no_other_problem": http.post(f"/{started}/next"),
        "key_reused": http.post("/start", json={**START, "ticket_id": "2"}, headers={"idempotency-key": "codigos"}),
        "body_too_large": http.post("/start", content=b" " * 2_000_000, headers={"content-type": "application/json"}),
        "unsupported_media_type": http.post("/start", content=b"{}", headers={"content-type": "text/plain"}),
        "route_not_found": root.get("/nada"),
        "forbidden": root.get("/", headers={"x-forwarded-for": "10.0.0.1"}),
        "loop_detected": http.post("/start", json=START, headers={"x-webhook-attempt": "1", "webhook-id": "x"}),
    }
    assert {code: answer.json()["code"] for code, answer in found.items()} == {code: code for code in found}
    assert all(answer.json()["status"] == answer.status_code for answer in found.values())
    assert found["body_too_large"].json()["title"] == "Content Too Large"
    assert found["key_reused"].json()["title"] == "Unprocessable Content"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"customer_email": "a@b.com"}', "missing"),
        (b'{"problem_description": " ", "customer_email": "a@b.com"}', "empty"),
        (json.dumps({**START, "customer_name": "x" * 201}).encode(), "too_long"),
        (json.dumps({**START, "clarify": "no"}).encode(), "wrong_type"),
        (json.dumps({**START, "language": "fr"}).encode(), "not_an_option"),
        (json.dumps({**START, "ticket_id": "a\x1bb"}).encode(), "control_characters"),
        (json.dumps({**START, "customer_email": "nadie"}).encode(), "invalid_email"),
        (json.dumps({**START, "customer_nam": "x"}).encode(), "unknown_field"),
        (b'{"problem_description": "a", "problem_description": "b"}', "repeated"),
        (b"{", "invalid_json"),
        (b"[" * 100_000, "too_deep"),
        (b"\xff", "invalid_encoding"),
        (b"[]", "wrong_type"),
        (b"", "missing"),
    ],
)
def test_each_field_bears_its_code(http: httpx2.Client, body: bytes, code: str) -> None:
    answer = http.post("/start", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert [item["code"] for item in answer.json()["errors"]] == [code]
    assert {"field", "code", "message"} == answer.json()["errors"][0].keys()


@pytest.mark.parametrize(
    ("status", "title", "code"),
    [(401, "Unauthorized", "unauthorized"), (406, "Not Acceptable", "not_acceptable"), (408, "Request Timeout", "request_timeout"),
     (429, "Too Many Requests", "too_many_requests"), (431, "Request Header Fields Too Large", "headers_too_large"),
     (499, "Client Closed Request", "client_closed_request"), (418, "I'm a Teapot", "i_m_a_teapot")],
)  # fmt: skip
def test_every_status_has_its_own_title_and_words(status: int, title: str, code: str) -> None:
    from litestar import Litestar
    from litestar.exceptions import HTTPException
    from litestar.testing import RequestFactory

    from guiado.http.problems import respond

    error = HTTPException(
        status_code=status, detail="in English", headers={"Retry-After": "7", "WWW-Authenticate": "Bearer", "X-Other": "no"}
    )
    answer = respond(RequestFactory(Litestar(logging_config=None)).get("/"), error)
    assert (answer.content.title, answer.content.code) == (title, code)
    assert "cuerpo y los parámetros" not in answer.content.error
    assert answer.headers == {"Retry-After": "7", "WWW-Authenticate": "Bearer"}
