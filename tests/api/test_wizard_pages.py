"""The customer's pages against what goes wrong: errors come as pages that say what to do, and nothing of the words is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from payloads import PRODUCT, packed, payloads
from statements import execute

from guiado.store.backup.pg_programs import with_database

BASE = "/api/support/troubleshooting"
WORDS = "no me deja instalar el programa"
FORM = {"content-type": "application/x-www-form-urlencoded"}
PEOPLE = {"accept": "text/html"}


def case_of(root: httpx2.Client, words: str = WORDS) -> str:
    """Begin on the first page; the address of the case."""
    answer = root.post("/ayuda", data={"words": words})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def heading(answer: httpx2.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    assert found, answer.text[:500]
    return html.unescape(found[1])


def latest(http: httpx2.Client) -> str:
    return http.get("/sessions?limit=1").json()["sessions"][0]["session_id"]


@pytest.mark.parametrize(
    "place", ["paso/0", "paso/-1", "paso/9999999999999", "paso/" + "9" * 40, "paso/1", "nada", "step", "enlace", "%00"]
)
def test_a_place_that_is_none_leads_to_the_case(root: httpx2.Client, place: str) -> None:
    case = case_of(root)
    answer = root.get(case.replace("caso", place))
    assert (answer.status_code, answer.headers["location"]) == (303, case)
    assert "Paso 1 de" in root.get(case).text


@pytest.mark.parametrize("place", ["caso", "nada", "enlace", "cerrar", "%00"])
def test_an_action_that_is_none_changes_nothing(root: httpx2.Client, place: str) -> None:
    case = case_of(root)
    answer = root.post(case.replace("caso", place), data={"answer": "solved", "step_number": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, case)
    assert "Paso 1 de" in root.get(case).text


@pytest.mark.parametrize("language", ["xx", "", "%00", "es-CO", "EN", "en%0d%0aX: y"])
def test_a_language_that_is_none_is_left_out(root: httpx2.Client, language: str) -> None:
    case = case_of(root)
    for page in ("/", "/ayuda", case):
        shown = root.get(f"{page}?idioma={language}")
        assert (shown.status_code, shown.headers["content-language"]) == (200, "es")
        assert 'lang="es"' in shown.text


def test_a_page_in_another_language_names_the_problem_in_it(root: httpx2.Client) -> None:
    case = case_of(root)
    for language, title, other in (
        ("en", "I can't install the software", "No puedo instalar"),
        ("es", "No puedo instalar", "I can't"),
    ):
        shown = html.unescape(root.get(f"{case}?idioma={language}").text)
        assert title in shown
        assert other not in shown


def test_the_choices_are_named_in_the_language_of_the_page(root: httpx2.Client) -> None:
    case = case_of(root, "hola")
    spanish, english = (html.unescape(root.get(f"{case}?idioma={language}").text) for language in ("es", "en"))
    assert "No puedo instalar el software" in spanish
    assert "I can't install the software" in english
    assert "No puedo" not in english


def test_an_expired_link_is_renewed_by_mail_from_its_page(serve: Callable[..., Any], dsn: str) -> None:
    mail = {"SMTP_HOST": "mail.example.com", "SMTP_FROM": "soporte@example.com", "GUIADO_SUPPORT_HOURS": "lun-vie 9-18, sab 9-13"}
    running = serve(dsn, **mail, GUIADO_ENCODER="lexical")
    with httpx2.Client(base_url=running.url, timeout=30) as root:
        begun = root.post(f"{BASE}/start", json={"problem_description": WORDS, "customer_email": "ana@example.com"}).json()
        link = root.post(f"{BASE}/{begun['session_id']}/links").json()["link"]
        execute(
            dsn, "UPDATE support_customer_links SET created_at = now() - interval '9 days', expires_at = now() - interval '1 day'"
        )
        closed = root.get(f"/ayuda/{link['token']}/caso?idioma=en")
        assert "Send me a new link" in closed.text
        assert "Mon–Fri 9:00–18:00, Sat 9:00–13:00" in closed.text, "the hours are in the page's language"
        (form,) = re.findall(r'<form method="post" action="([^"]*/enlace[^"]*)"', closed.text)
        asked = root.post(html.unescape(form))
        assert "Send me a new link" not in asked.text, "asked for once"
        told = root.get(f"{BASE}/notifications?session_id={begun['session_id']}").json()["notifications"]
        assert [each["recipient"] for each in told if each["notification_type"] == "new_link"] == ["ana@example.com"]


def test_every_error_is_a_page_that_no_cache_keeps(root: httpx2.Client) -> None:
    case = case_of(root)
    for method, path, status in (
        ("GET", case.replace("caso", "paso/abc"), 404),
        ("GET", case.replace("caso", "a/b/c"), 404),
        ("GET", case.replace("caso", "imagen"), 405),
        ("POST", case.replace("caso", "paso/1"), 405),
        ("PUT", case, 405),
        ("DELETE", "/ayuda", 405),
        ("GET", case.replace("caso", "imagen/nada"), 404),
    ):
        for accept in ("text/html", "*/*"):
            shown = root.request(method, path, headers={"accept": accept})
            assert (shown.status_code, shown.headers["content-type"]) == (status, "text/html; charset=utf-8"), path
            assert heading(shown)
            assert shown.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]
            assert shown.headers["referrer-policy"] == ("no-referrer" if "gl_" in path else "same-origin")
    assert root.get("/healthz/nada", headers={"accept": "application/json"}).json()["code"] == "route_not_found"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "Cuéntanos qué te pasa"),
        (b"\xff\xfe", 400, "Cuéntanos qué te pasa"),
        (b"words=%20%0a", 400, "Cuéntanos qué te pasa"),
        (b"words=%00%01", 400, "Cuéntanos qué te pasa"),
        (b"problem_id=nada", 400, "Cuéntanos qué te pasa"),
        (b"&" * 5_000, 400, "Cuéntanos qué te pasa"),
        (b"words=" + b"x" * 60_000, 400, "Es demasiado largo"),
        (b"words=" + b"x" * 1_100_000, 413, "Eso es demasiado grande."),
    ],
)
def test_a_start_that_says_nothing_or_too_much(root: httpx2.Client, body: bytes, status: int, told: str) -> None:
    shown = root.post("/ayuda", content=body, headers=FORM)
    assert (shown.status_code, told in shown.text) == (status, True), shown.text[:2000]
    if status == 400 and b"x" in body:
        assert "x" * 60_000 in shown.text, "what was written stays in the box"


@pytest.mark.parametrize("words", ["🙂🙂🙂", "\u200b\u202e", "💥", "ñ" * 4_000, "?!…", "a"])
def test_words_that_say_little_have_their_page(root: httpx2.Client, words: str) -> None:
    assert heading(root.get(case_of(root, words)))


def test_the_corpus_is_shown_as_text_on_every_page(root: httpx2.Client, http: httpx2.Client) -> None:
    for attack in packed(payloads("script", "template"), 3_900):
        case = case_of(root, attack)
        for place in ("caso", "seguir", "cerrar"):
            shown = root.get(case.replace("caso", place)).text
            assert PRODUCT not in shown
            assert set(re.findall(r"<script[^>]*>", shown)) == {
                tag for tag in re.findall(r"<script[^>]*>", shown) if "/static/" in tag
            }
        note = {"notes": attack, "step_number": "1", "answer": "not_helped", "active_seconds": attack[:20]}
        for action, form in (
            ("step", note),
            ("clarify", {"text": attack}),
            ("contact", {"email": attack}),
            ("person", {}),
            ("rate", {"rating": "5", "feedback_text": attack}),
        ):
            sent = root.post(case.replace("caso", action), data=form)
            assert sent.status_code == 303
            shown = root.get(sent.headers["location"]).text
            assert PRODUCT not in shown
            assert not [
                tag for tag in re.findall(r"<(?:script|img|svg|iframe)[^>]*>", shown) if "onerror" in tag or "onload" in tag
            ]
    assert http.get("/sessions?limit=1").status_code == 200


def test_a_database_that_is_down_loses_nothing(root: httpx2.Client, module_dsn: str, http: httpx2.Client) -> None:
    case, name = case_of(root), module_dsn.partition("?")[0].rpartition("/")[2]
    admin = with_database(module_dsn, "postgres")
    close = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", close)
    note = 'no encuentro "eso" <b>\nni aquello'
    try:
        pages = [
            root.post("/ayuda", data={"words": note}, headers={"accept-language": "pt-BR"}),
            root.get(case),
            root.post(case.replace("caso", "step"), data={"step_number": "1", "answer": "not_helped", "notes": note}),
        ]
        first = root.get("/")
    finally:
        execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert first.status_code == 200, "the first page needs no database"
    for shown in pages:
        assert (shown.status_code, shown.headers["content-type"]) == (503, "text/html; charset=utf-8"), shown.text[:300]
        assert shown.headers["retry-after"]
    assert pages[0].headers["content-language"] == "pt"
    assert pages[1].headers["content-language"] == "es"
    assert f'href="{case}"' in pages[1].text
    again = re.search(r'<form method="post" action="([^"]*)">', pages[2].text)
    assert again
    fields = re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', pages[2].text, re.DOTALL)
    sent = root.post(again[1], data={key: html.unescape(value) for key, value in fields})
    assert "Paso 2 de" in root.get(sent.headers["location"]).text
    assert http.get(f"/{latest(http)}").json()["attempts"][0]["notes"] == note


def test_too_many_requests_are_a_page_that_sends_the_words_again(serve: Callable[..., Any], module_dsn: str) -> None:
    running = serve(module_dsn, GUIADO_RATE_PER_IP_MINUTE="1", GUIADO_ENCODER="lexical")
    with httpx2.Client(base_url=running.url, timeout=30) as root:
        answers = [root.post("/ayuda", data={"words": WORDS}) for _ in range(3)]
    (refused, *_) = [each for each in answers if each.status_code == 429]
    assert (heading(refused), refused.headers["content-type"]) == ("Vas muy rápido.", "text/html; charset=utf-8")
    assert int(refused.headers["retry-after"]) > 0
    assert WORDS in refused.text
    assert refused.headers["referrer-policy"] == "same-origin", "its form says which page it is of"


def test_links_that_expired_or_were_revoked(root: httpx2.Client, http: httpx2.Client, module_dsn: str) -> None:
    begun = http.post("/start", json={"problem_description": WORDS, "customer_email": "ana@example.com"}).json()["session_id"]
    expired, revoked = (http.post(f"/{begun}/links").json()["link"] for _ in range(2))
    http.delete(f"/{begun}/links/{revoked['link_id']}")
    table = "support_customer_links"
    execute(module_dsn, f"UPDATE {table} SET created_at = created_at - interval '9 years', expires_at = now() - interval '1 day' "
            f"WHERE link_id = '{expired['link_id']}'")  # fmt: skip
    for link in (expired, revoked):
        for shown in (root.get(f"/ayuda/{link['token']}"), root.get(f"/ayuda/{link['token']}/caso")):
            assert (shown.status_code, heading(shown)) == (404, "Este enlace ya no abre.")
            assert "Enviarme un enlace nuevo" not in shown.text, "without a mail account nobody is promised a mail"
            assert 'href="/"' in shown.text
        assert root.post(f"/ayuda/{link['token']}/enlace").status_code == 404


def test_a_session_that_was_erased_meanwhile(root: httpx2.Client, module_dsn: str, http: httpx2.Client) -> None:
    case = case_of(root)
    execute(module_dsn, f"DELETE FROM support_troubleshooting_sessions WHERE session_id = '{latest(http)}'")
    for shown in (root.get(case), root.post(case.replace("caso", "step"), data={"answer": "solved", "step_number": "1"})):
        assert (shown.status_code, heading(shown)) == (404, "Este enlace ya no abre.")


def test_without_the_wizard_links_still_work(serve: Callable[..., Any], module_dsn: str) -> None:
    running = serve(module_dsn, GUIADO_WIZARD="off", GUIADO_ENCODER="lexical")
    with httpx2.Client(base_url=running.url, timeout=30) as root:
        assert 'name="words"' not in root.get("/").text
        assert root.get("/ayuda").status_code == 404
        assert root.post("/ayuda", data={"words": WORDS}).status_code == 404
        begun = root.post(f"{BASE}/start", json={"problem_description": WORDS, "customer_email": "a@example.com"}).json()
        link = root.post(f"{BASE}/{begun['session_id']}/links").json()["link"]
        assert heading(root.get(f"/ayuda/{link['token']}")) == "Tu ayuda está lista."
        solved = root.post(f"/ayuda/{link['token']}/step", data={"answer": "solved", "step_number": "1"})
        assert "Tengo otro problema" not in root.get(solved.headers["location"]).text, "nothing starts here"


PREFIXED = {"GUIADO_ROOT_PATH": "/soporte", "GUIADO_PUBLIC_URL": "https://ayuda.example.com/soporte", "GUIADO_ENCODER": "lexical"}


def test_every_address_behind_a_proxy(serve: Callable[..., Any], dsn: str) -> None:
    running = serve(dsn, **PREFIXED)
    own = {"origin": "https://ayuda.example.com"}
    with httpx2.Client(base_url=running.url, timeout=30) as root:
        made = root.post(f"{BASE}/keys", json={"name": "proxy", "scopes": ["sessions:read", "keys:admin"]})
        root.get(f"{BASE}/sessions", headers={"authorization": f"Bearer {made.json()['key']['key']}"}).raise_for_status()
        sent = root.post("/soporte/ayuda?idioma=es", data={"words": WORDS}, headers=own)
        assert sent.status_code == 303, sent.text
        case = sent.headers["location"].partition("?")[0]
        assert case.startswith("/soporte/ayuda/gl_")
        pages = [root.get(path) for path in ("/soporte", "/soporte/ayuda", case, case.replace("caso", "seguir"), "/soporte/ayuda/gl_x",
                                             case.replace("caso", "x/y"))]  # fmt: skip
        pages += [root.get(root.post(case.replace("caso", "person")).headers["location"])]
        assert [each.status_code for each in pages] == [200, 200, 200, 200, 404, 404, 200]
        for shown in pages:
            addresses = re.findall(r'(?:href|src|action)="([^"#]+)"', shown.text)
            wrong = [each for each in addresses if not each.startswith(("/soporte", "https://", "mailto:", "tel:"))]
            assert not wrong, shown.url
            doubled = [each for each in addresses if "/soporte/soporte" in each]
            assert not doubled, shown.url
        assert f'value="https://ayuda.example.com{case.removesuffix("/caso")}"' in pages[3].text


def _answers(*answers: dict[str, object]) -> Callable[[httpx2.Client, str], None]:
    def act(http: httpx2.Client, session_id: str) -> None:
        for body in answers:
            assert http.post(f"/{session_id}/step", json=body).status_code == 200

    return act


def _post(place: str, **body: object) -> Callable[[httpx2.Client, str], None]:
    return lambda http, session_id: http.post(f"/{session_id}/{place}", json=body).raise_for_status() and None


_NO, _YES = {"success": False}, {"success": True, "outcome": "not_helped"}


@pytest.mark.parametrize(
    ("words", "act", "state", "seen"),
    [
        (WORDS, None, "step", "Paso 1 de"),
        (WORDS, _answers(_YES), "step", "Paso 2 de"),
        (WORDS, _answers(_NO), "step", "No hay problema."),
        (WORDS, _answers(_YES, _NO, _NO), "handed", "Guardamos tu caso"),
        ("asdfgh qwerty zxcvb", None, "handed", "Guardamos tu caso"),
        (WORDS, _post("escalate", source="agent"), "handed", "Guardamos tu caso"),
        (WORDS, _post("resolve", source="agent"), "solved", "¡Qué bueno!"),
        ("me robaron la cuenta y están usando mi tarjeta", None, "handed", "Llama ya a tu banco"),
        ("hola", None, "asked", "Cuéntanos un poco más"),
    ],
    ids=["started", "in progress", "tried", "waits, with a step", "waits, no guide", "escalated", "resolved", "urgent", "asked"],
)
def test_a_link_of_an_agent_opens_a_session_as_it_stands(
    root: httpx2.Client,
    http: httpx2.Client,
    words: str,
    act: Callable[[httpx2.Client, str], None] | None,
    state: str,
    seen: str,
) -> None:
    start = {"problem_description": words, "customer_email": "ana@example.com", "clarify": words == "hola"}
    session_id = http.post("/start", json=start).json()["session_id"]
    if act:
        act(http, session_id)
    link = http.post(f"/{session_id}/links").json()["link"]
    opened = root.post(f"/ayuda/{link['token']}")
    shown = root.get(opened.headers["location"]).text
    assert re.findall(r'data-state="(\w+)"', shown) == [state]
    assert seen in shown
    assert "¿A qué correo te escribimos?" not in shown, "the address is known"


def test_an_abandoned_session_is_opened_again(root: httpx2.Client, http: httpx2.Client, module_dsn: str) -> None:
    case = case_of(root)
    change = "status = 'abandoned', ended_at = now()"
    execute(module_dsn, f"UPDATE support_troubleshooting_sessions SET {change} WHERE session_id = '{latest(http)}'")
    assert heading(root.get(case)) == "Te estábamos esperando"
    resumed = root.post(case.replace("caso", "resume"))
    assert "Paso 1 de" in root.get(resumed.headers["location"]).text
