"""The pages: what a lead and an engineer find there, in their language."""

from __future__ import annotations

import re

import httpx2
import pytest

START = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}


def page(root: httpx2.Client, path: str, language: str = "es", status: int = 200) -> str:
    answer = root.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": language})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-language"] == language
    return answer.text


def test_the_first_page_asks_what_is_wrong_and_leads_everywhere(root: httpx2.Client) -> None:
    shown = page(root, "/")
    assert "¿Qué te pasa?" in shown
    assert '<textarea id="words" name="words"' in shown
    assert shown.count('name="problem_id"') == 5
    for link in re.findall(r'href="(/[^"#]*)"', shown):
        assert root.get(link).status_code == 200, link
    plain = [re.sub(r'name="vez" value="\w+"', "", each) for each in (root.get("/ayuda").text, shown)]
    assert plain[0] == plain[1].replace('href="/?idioma', 'href="/ayuda?idioma')


@pytest.mark.parametrize(("language", "words"), [("en", "What is wrong?"), ("pt", "O que está acontecendo?")])
def test_the_first_page_in_other_languages(root: httpx2.Client, language: str, words: str) -> None:
    assert words in page(root, "/", language)
    assert words in root.get(f"/?idioma={language}").text
    assert "¿" not in page(root, "/", language)


def test_the_page_of_the_api_shows_everything(root: httpx2.Client) -> None:
    shown, document = page(root, "/schema"), root.get("/schema/openapi.json").json()
    assert "`" not in shown
    anchors = set(re.findall(r'id="([^"]+)"', shown))
    linked = set(re.findall(r'href="#([^"]+)"', shown))
    assert linked <= anchors
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert {operation["operationId"] for operation in operations} <= linked
    assert set(document["webhooks"]) <= anchors
    for name in ("Start", "StartOut", "Webhook", "SessionRow"):
        for field in document["components"]["schemas"][name]["properties"]:
            assert f"<code>{field}</code>" in shown or name == "SessionRow", f"{name}.{field}"


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["The API", "Fields of the body", "required"]), ("pt", ["Campos do corpo", "obrigatório"])]
)
def test_the_page_of_the_api_in_other_languages(root: httpx2.Client, language: str, words: list[str]) -> None:
    shown = page(root, "/schema", language)
    assert all(word in shown for word in words)
    assert "obligatorio" not in shown


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "Esta página no existe."), ("en", "This page does not exist."), ("pt", "Esta página não existe.")],
)
@pytest.mark.parametrize("path", ["/nada", "/schema/nada", "/static/nada.css", "/api/nada"])
def test_an_unknown_address_is_a_page_for_people_and_json_for_programs(
    root: httpx2.Client, path: str, language: str, words: str
) -> None:
    assert words in page(root, path, language, 404)
    told = root.get(path, headers={"accept": "application/json"})
    assert (told.status_code, told.json()["code"]) == (404, "route_not_found")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html;q=0", "application/problem+json"),
        ("application/json, text/html;q=0.5", "application/problem+json"),
        ("application/problem+json, text/html;q=0.9", "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("text/html, application/json;q=0.8", "text/html"),
        ("TEXT/HTML", "text/html"),
    ],
)
def test_who_likes_json_better_gets_it(root: httpx2.Client, accept: str, kind: str) -> None:
    answer = root.get("/nada", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, kind)
    assert "accept" in answer.headers["vary"].lower()


def test_the_page_of_the_api_shows_objects_permissions_errors_and_events(root: httpx2.Client) -> None:
    shown, document = page(root, "/schema"), root.get("/schema/openapi.json").json()
    schemas = document["components"]["schemas"]
    linked = set(re.findall(r'href="#objeto-(\w+)"', shown))
    described = set(re.findall(r'<section class="card" id="objeto-(\w+)"', shown))
    assert linked - described == set()
    assert {"StepOut", "SessionOut", "AlternativeOut", "ResourceRow"} <= described
    for name in ("StepOut", "SessionOut", "ResourceRow"):
        part = shown.partition(f'id="objeto-{name}"')[2].partition("</section>")[0]
        assert all(f"<code>{field}</code>" in part for field in schemas[name]["properties"]), name
    start = shown.partition('<section class="card" id="start"')[2].partition("</section>")[0]
    assert "<code>sessions:write</code>" in start
    assert '<a href="#error-409">409</a>' in start
    assert 'href="#objeto-StepOut"' in start
    event = shown.partition('<section class="card" id="step_failed"')[2].partition("</section>")[0]
    assert "<code>timestamp</code>" in event
    assert "No pide clave de API." in shown.partition('<section class="card" id="healthz"')[2].partition("</section>")[0]


def test_the_page_of_the_api_in_the_language_that_its_address_names(root: httpx2.Client) -> None:
    answers = [root.get(f"/schema?idioma={language}", headers={"accept": "text/html"}) for language in ("pt", "en", "pt")]
    assert [answer.headers["content-language"] for answer in answers] == ["pt", "en", "pt"]
    assert "Campos do corpo" in answers[0].text
    assert "Fields of the body" in answers[1].text
    assert answers[2].text == answers[0].text
    assert 'href="/schema?idioma=es"' in answers[0].text


def test_the_page_of_the_api_is_packed(root: httpx2.Client) -> None:
    asked = {"accept": "text/html", "accept-encoding": "gzip"}
    with root.stream("GET", "/schema", headers=asked) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert sum(map(len, answer.iter_raw())) < 60_000


def test_the_page_of_an_unknown_address_leads_to_the_start(root: httpx2.Client) -> None:
    shown = page(root, "/nada?idioma=xx", "en", 404)
    assert 'class="button" href="/"' in shown
    assert 'href="/nada?idioma=pt"' in shown
    assert "Esta página não existe." in root.get("/nada?idioma=pt", headers={"accept": "text/html"}).text


def test_what_goes_wrong_on_a_customers_page_is_a_page(root: httpx2.Client) -> None:
    large = root.post("/ayuda", content=b"words=" + b"x" * 1_100_000, headers={"accept": "text/html"})
    assert (large.status_code, large.headers["content-type"].split(";")[0]) == (413, "text/html")
    assert "Eso es demasiado grande." in large.text


def test_what_a_form_cannot_take_is_a_page_that_says_what_to_do(root: httpx2.Client) -> None:
    answer = root.post(
        "/ayuda", content=b"words=" + b"a" * 1_200_000, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (413, "text/html")
    assert "Eso es demasiado grande." in answer.text
    assert "Cuéntalo con menos palabras" in answer.text


def test_search_engines_may_list_the_start_and_nothing_of_a_session(root: httpx2.Client) -> None:
    start, session = root.get("/"), root.get(f"/ayuda/gl_{'a' * 43}")
    assert ("x-robots-tag" in start.headers, 'content="noindex"' in start.text) == (False, False)
    assert '<meta name="description" content="' in start.text
    assert (session.headers["x-robots-tag"], 'content="noindex"' in session.text) == ("noindex", True)


def test_a_form_that_is_sent_twice_starts_one_session(root: httpx2.Client, http: httpx2.Client) -> None:
    (name, *_) = re.findall(r'name="vez" value="(\w+)"', page(root, "/"))
    form = {"words": "no me deja instalar el programa", "vez": name}
    before = http.get("/sessions").json()["sessions"]
    for _ in range(2):
        assert root.post("/ayuda", data=form).status_code == 303
    started = [each for each in http.get("/sessions").json()["sessions"] if each not in before]
    assert len(started) == 1
    assert root.post("/ayuda", data={**form, "words": "no tengo internet"}).status_code == 303
    assert len(http.get("/sessions").json()["sessions"]) == len(before) + 2
