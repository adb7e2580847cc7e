"""The knowledge base as public pages: what a customer finds there, what a search engine reads, and what neither may see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest
from injections import attacks
from seven_guides import SEVEN_GUIDES

HOME = "https://ayuda.example.com/soporte"
PREFIX = "/soporte"
HTML = {"accept": "text/html", "accept-language": "en"}
SHIPPED: dict[str, Any] = json.loads(SEVEN_GUIDES.read_text("utf-8"))
LANGUAGES = ("es", "en", "pt")
MARKUP = '</title></script><script>alert(1)</script><img src=x onerror="alert(1)">'
HOSTILE = [
    MARKUP,
    "{{ 7 * 7 }} {% raw %}",
    "--> <![CDATA[ <!-- </textarea>",
    '"><svg onload=alert(1)>',
    *attacks("http://127.0.0.1:9"),
]
XHTML, SITEMAP = "{http://www.w3.org/1999/xhtml}", "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def problem(title: str, steps: list[dict[str, Any]], **more: object) -> dict[str, Any]:
    numbered = [{"step_number": place, "description": "", "instructions": [], **step} for place, step in enumerate(steps, 1)]
    return {"problem_title": title, "problem_description": title, "category": "otro", "steps": numbered, **more}


HOSTILE_STEPS = [
    {
        "title": f"{MARKUP} {place}",
        "description": MARKUP,
        "instructions": HOSTILE[place * 10 : place * 10 + 10],
        "warnings": [MARKUP],
        "expected_result": MARKUP,
        "resources": [{"title": MARKUP, "url": 'https://example.com/"onmouseover="alert(1)'}],
    }
    for place in range(len(HOSTILE) // 10 + 1)
]
KNOWN = {
    **SHIPPED,
    "hostil": problem(MARKUP, HOSTILE_STEPS, category=MARKUP, prerequisites=[MARKUP], estimated_time=MARKUP),
    "100% raro/¿sí?": problem(
        "La cafetera pierde agua", [{"title": "Mira la junta", "instructions": ["Busca el tornillo ñandú."]}]
    ),
}


class Page(HTMLParser):
    """A page as a browser reads it.

    Args:
        html: the page.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.by_tag: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)
        self.by_tag.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.by_tag[tag][-1] += data

    def all(self, tag: str, **attrs: str) -> list[dict[str, str]]:
        return [found for name, found in self.tags if name == tag and found.items() >= attrs.items()]

    def one(self, tag: str, **attrs: str) -> dict[str, str]:
        (found,) = self.all(tag, **attrs)
        return found

    def data(self) -> dict[str, Any]:
        """The structured data."""
        assert self.one("script") == {"type": "application/ld+json"}
        return json.loads(self.by_tag["script"][0])


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("kb") / "kb.json"
    file.write_text(json.dumps(KNOWN, ensure_ascii=False), "utf-8")
    return file


@pytest.fixture(scope="module")
def pages(serve_module: Callable[..., Any], module_dsn: str, knowledge: Path) -> Iterator[httpx2.Client]:
    """A client of a service with the pages on, below a prefix of a public address."""
    url = serve_module(
        module_dsn,
        GUIADO_KB_PAGES="on",
        GUIADO_PUBLIC_URL=HOME,
        GUIADO_KB_PATH=str(knowledge),
        GUIADO_SUPPORT_PHONE="+57 601 000 0000",
    ).url
    with httpx2.Client(base_url=url, headers=HTML, timeout=30) as client:
        yield client


def shown(pages: httpx2.Client, path: str, status: int = 200) -> Page:
    answer = pages.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    return Page(answer.text)


def local(address: str) -> str:
    """The path of a whole address of the service, as the service itself gets it from its proxy."""
    assert address.startswith(HOME), address
    return address.removeprefix(HOME)


@pytest.fixture(scope="module")
def other(serve_module: Callable[..., Any], module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service of another tenant in the same database, with the pages off."""
    file = tmp_path_factory.mktemp("otra") / "kb.json"
    file.write_text(json.dumps({"de_otra": problem("El secreto de otra casa", [{"title": "Mira"}])}), "utf-8")
    return serve_module(module_dsn, GUIADO_TENANT="otra", GUIADO_KB_PATH=str(file))


def test_off_there_is_nothing_and_crawlers_may_read_nothing(other: Any, pages: httpx2.Client) -> None:
    for path in ("/problemas", "/problemas/de_otra", "/sitemap.xml", "/problemas?q=secreto"):
        answer, unknown = (httpx2.get(f"{other.url}{each}", headers=HTML) for each in (path, "/nada"))
        texts = [re.sub(r'href="[^"]*idioma=\w+"', "", each.text) for each in (answer, unknown)]
        assert (answer.status_code, texts[0]) == (404, texts[1]), path
    assert httpx2.get(f"{other.url}/robots.txt").text == "User-agent: *\nDisallow: /\n"
    assert "/problemas" not in httpx2.get(other.url, headers=HTML).text
    assert 'href="/soporte/problemas?idioma=en"' in pages.get("/").text


def test_the_list_has_every_problem_and_its_questions(pages: httpx2.Client) -> None:
    page = shown(pages, "/problemas")
    data = page.data()
    assert (data["@type"], data["url"], data["inLanguage"]) == ("FAQPage", f"{HOME}/problemas", "es")
    assert {each["name"] for each in data["mainEntity"]} == {each["problem_title"] for each in KNOWN.values()}
    for each in data["mainEntity"]:
        assert each["@type"] == "Question"
        assert each["acceptedAnswer"]["@type"] == "Answer"
        assert "".join(each["acceptedAnswer"]["text"].removesuffix(".").split()) in "".join(page.by_tag["main"][0].split())
    for link in {each["href"] for each in page.all("a") if "/problemas/" in each["href"]}:
        assert shown(pages, link.removeprefix(PREFIX)).by_tag["h1"]


def test_the_urgent_come_first_in_the_list(pages: httpx2.Client) -> None:
    names = [each["name"] for each in shown(pages, "/problemas").data()["mainEntity"]]
    urgent = {each["problem_title"] for each in KNOWN.values() if each.get("urgent")}
    assert set(names[: len(urgent)]) == urgent


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("problem_id", SHIPPED)
def test_a_page_says_what_the_guide_says(pages: httpx2.Client, problem_id: str, language: str) -> None:
    """What a customer reads and what the structured data says are both the guide, in the language of the address."""
    guide = SHIPPED[problem_id]
    texts = guide if language == "es" else guide["translations"][language]
    address = f"/problemas/{problem_id}" + ("" if language == "es" else f"?idioma={language}")
    page = shown(pages, address)
    data, base = page.data(), f"{HOME}/problemas/{problem_id}"
    assert page.one("html")["lang"] == language
    assert page.by_tag["h1"] == [texts["problem_title"]] == [data["name"]]
    assert data["description"] == texts["problem_description"]
    assert (data["@context"], data["@type"], data["inLanguage"]) == ("https://schema.org", "HowTo", language)
    assert data["totalTime"] == f"PT{round(sum(step['minutes'] for step in guide['steps']))}M"
    assert [each["name"] for each in data["tool"]] == texts["prerequisites"]
    assert data["url"] == f"{HOME}{address}"
    items = page.by_tag["li"]
    for place, (said, step) in enumerate(zip(data["step"], texts["steps"], strict=True), 1):
        assert (said["@type"], said["position"], said["name"]) == ("HowToStep", place, step["title"])
        assert said["url"] == f"{HOME}{address}#paso-{place}"
        assert page.one("section", id=f"paso-{place}")
        assert [each["text"] for each in said["itemListElement"]] == [*step["warnings"], *step["instructions"]]
        assert {*step["warnings"], *step["instructions"]} <= set(items)
    assert page.one("link", rel="canonical")["href"] == f"{HOME}{address}"
    assert {each["hreflang"]: each["href"] for each in page.all("link", rel="alternate")} == {
        "es": base, "en": f"{base}?idioma=en", "pt": f"{base}?idioma=pt", "x-default": base,
    }  # fmt: skip
    assert 0 < len(page.one("meta", name="description")["content"]) <= 160
    assert page.one("meta", property="og:title")["content"] == texts["problem_title"]
    assert not page.all("meta", name="robots")


def test_a_problem_that_is_not_translated_is_kept_under_its_own_language(pages: httpx2.Client) -> None:
    page = shown(pages, "/problemas/hostil?idioma=pt")
    assert page.one("html")["lang"] == "pt"
    assert page.one("article")["lang"] == "es"
    assert page.one("link", rel="canonical")["href"] == f"{HOME}/problemas/hostil" == page.data()["url"]
    assert {each["hreflang"] for each in page.all("link", rel="alternate")} == {"es", "x-default"}


def test_the_button_at_the_top_starts_the_session(pages: httpx2.Client) -> None:
    page = shown(pages, "/problemas/conexion_internet?idioma=en")
    names = [name for name, _ in page.tags]
    assert names.index("form") < names.index("ol"), "the way in comes before the steps"
    form = page.all("form")[0]
    assert (form["method"], form["action"]) == ("post", "/soporte/ayuda?idioma=en")
    field = page.all("input", name="problem_id")[0]
    sent = pages.post(
        "/ayuda?idioma=en", data={field["name"]: field["value"]}, headers={"origin": str(pages.base_url).rstrip("/")}
    )
    assert sent.status_code == 303
    led = shown(pages, sent.headers["location"].removeprefix(PREFIX))
    assert led.one("html")["lang"] == "en"
    assert SHIPPED["conexion_internet"]["translations"]["en"]["problem_title"] in led.by_tag["main"][0]


def test_an_urgent_problem_says_first_what_to_do_and_whom_to_call(pages: httpx2.Client) -> None:
    page = shown(pages, "/problemas/tarjeta_comprometida")
    before = page.by_tag["article"][0].partition(SHIPPED["tarjeta_comprometida"]["prerequisites"][0])[0]
    assert before.index("Es urgente") < before.index("+57 601 000 0000") < before.index("Empezar la ayuda guiada")
    assert all(each in before for each in SHIPPED["tarjeta_comprometida"]["steps"][0]["instructions"])
    assert "ya tiene tu caso" not in before, "nobody has the case of somebody who only reads"
    assert "Es urgente" not in pages.get("/problemas/conexion_internet").text


@pytest.mark.parametrize(
    ("words", "problem_id"),
    [("no tengo wiffi", "conexion_internet"), ("FATCURA", "problema_facturacion"), ("contrasena", "recuperar_cuenta"),
     ("me clonaron la targeta", "tarjeta_comprometida"), ("winver", "instalacion_software"), ("nandu", "100% raro/¿sí?")],
)  # fmt: skip
def test_sloppy_words_find_the_problem(pages: httpx2.Client, words: str, problem_id: str) -> None:
    answer = pages.get("/problemas", params={"q": words})
    page = Page(answer.text)
    links = [each["href"] for each in page.all("a") if each["href"].startswith("/soporte/problemas/")]
    assert shown(pages, links[0].removeprefix(PREFIX)).by_tag["h1"] == [KNOWN[problem_id]["problem_title"]]
    assert page.one("input", name="q")["value"] == words
    assert (answer.headers["x-robots-tag"], answer.headers["cache-control"]) == ("noindex", "no-store")
    assert page.one("link", rel="canonical")["href"].startswith(f"{HOME}/problemas")
    assert not page.all("script")


@pytest.mark.parametrize("words", ["pizza", "<script>alert(1)</script>", "qwertz " * 200, "\x00", "🙂"])
def test_where_nothing_is_found_the_words_are_filled_in(pages: httpx2.Client, words: str) -> None:
    page = Page(pages.get("/problemas", params={"q": words, "idioma": "en"}).text)
    assert page.all("form")[-1]["action"] == "/soporte/ayuda?idioma=en"
    assert page.by_tag["textarea"][-1].replace("�", "\x00") == words.strip()[:200]
    assert page.one("input", type="hidden", name="idioma")["value"] == "en"


def test_a_page_is_kept_and_told_unchanged(pages: httpx2.Client) -> None:
    for path in (
        "/problemas",
        "/problemas/conexion_internet",
        "/problemas/conexion_internet?idioma=en",
        "/sitemap.xml",
        "/robots.txt",
    ):
        first = pages.get(path)
        assert first.headers["cache-control"] == "public, max-age=300"
        assert "x-robots-tag" not in first.headers
        assert first.headers["vary"] == "Accept-Encoding"
        assert "set-cookie" not in first.headers
        tag = first.headers["etag"]
        for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            again = pages.get(path, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert pages.get(path, headers={"if-none-match": '"other"'}).status_code == 200
        head = pages.head(path)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
        plain = pages.get(path, headers={"accept-encoding": "identity"})
        assert (plain.text, plain.headers["etag"]) == (first.text, tag)
        assert pages.get(path, headers={"accept-language": "pt"}).text == first.text, "the address alone says the language"
    tags = {pages.get(f"/problemas/{each}").headers["etag"] for each in SHIPPED}
    assert len(tags) == len(SHIPPED)


def test_the_sitemap_lists_every_page_in_every_language(pages: httpx2.Client) -> None:
    answer = pages.get("/sitemap.xml")
    assert answer.headers["content-type"].startswith("application/xml")
    listed = ET.fromstring(answer.content)  # noqa: S314 our own
    addresses = [each.findtext(f"{SITEMAP}loc", "") for each in listed]
    assert len(addresses) == len(set(addresses)) == (len(SHIPPED) + 1) * len(LANGUAGES) + 2
    for entry in listed:
        address = entry.findtext(f"{SITEMAP}loc", "")
        page = shown(pages, local(address))
        alternates = {each.get("hreflang"): each.get("href") for each in entry.findall(f"{XHTML}link")}
        assert page.one("link", rel="canonical")["href"] == address
        assert {each["hreflang"]: each["href"] for each in page.all("link", rel="alternate")} == alternates
        assert address in alternates.values()
        assert entry.findtext(f"{SITEMAP}lastmod", "").startswith("20")


def test_robots_are_led_to_the_pages_and_kept_from_the_rest(pages: httpx2.Client) -> None:
    lines = pages.get("/robots.txt").text.splitlines()
    assert lines[0] == "User-agent: *"
    assert {"Allow: /soporte/problemas", "Disallow: /soporte/api/", "Disallow: /soporte/ayuda/gl_"} <= set(lines)
    assert lines[-1] == f"Sitemap: {HOME}/sitemap.xml"
    assert pages.get("/ayuda").headers["x-robots-tag"] == "noindex"


def test_an_address_in_another_spelling_leads_to_the_one_that_counts(pages: httpx2.Client) -> None:
    for written in ("conexion-internet", "Conexion_Internet", "CONEXION%20INTERNET"):
        led = pages.get(f"/problemas/{written}?idioma=en")
        assert (led.status_code, led.headers["location"]) == (301, "/soporte/problemas/conexion_internet?idioma=en")


@pytest.mark.parametrize("path", ["nada", "..%2Fayuda", "%00", "conexion_internet%0D%0AX: 1", "a" * 3_000, "{{7*7}}"])
def test_a_problem_that_is_not_there_leads_to_the_search(pages: httpx2.Client, path: str) -> None:
    answer = pages.get(f"/problemas/{path}?idioma=pt")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    page = Page(answer.text)
    assert page.one("meta", name="robots")["content"] == "noindex"


@pytest.mark.parametrize("path", ["/problemas", "/problemas/hostil", "/problemas?q=alert"])
def test_texts_of_guides_stay_texts(pages: httpx2.Client, path: str) -> None:
    """Markup, templates and orders to a machine in every text of a guide."""
    page = shown(pages, path)
    assert {name for name, _ in page.tags} <= {
        "html", "head", "meta", "title", "link", "script", "body", "a", "header", "img", "nav", "span", "main", "p", "svg", "path",
        "article", "section", "h1", "h2", "ul", "ol", "li", "form", "input", "button", "label", "textarea", "div", "strong", "br",
        "footer", "rect", "circle", "line",
    }  # fmt: skip
    assert not [attrs for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert all(each == {"type": "application/ld+json"} for each in page.all("script"))
    assert {each["src"].partition("?")[0] for each in page.all("img")} == {"/soporte/static/mark.svg"}
    if path.endswith("hostil"):
        told = [
            each["text"] for step in page.data()["step"] for each in step["itemListElement"] if each["@type"] == "HowToDirection"
        ]
        assert [each.strip() for each in told] == [each.strip() for each in HOSTILE]
        assert page.by_tag["h1"] == [MARKUP]
        assert [each["href"] for each in page.all("a", target="_blank")] == [HOSTILE_STEPS[0]["resources"][0]["url"]] * len(
            HOSTILE_STEPS
        )


def test_other_tenants_guides_are_on_no_page(pages: httpx2.Client, other: Any) -> None:
    assert "de_otra" in other.runtime.knowledge.snapshot.guides
    assert "secreto" not in "".join(pages.get(each).text for each in ("/problemas", "/sitemap.xml"))
    assert "El secreto" not in pages.get("/problemas?q=secreto").text
    assert pages.get("/problemas/de_otra").status_code == 404
