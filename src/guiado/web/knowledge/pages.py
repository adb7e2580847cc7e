"""The pages of the knowledge base: the list of problems with its search, and a page for each problem."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from litestar import HttpMethod, Response, route
from litestar.params import FromPath

from guiado.app.access.customer_links import PATH as START_PATH
from guiado.app.knowledge import media
from guiado.app.sessions.labels import labels_of
from guiado.domain.guide import Guide, GuideKind, ProblemCategory, Step
from guiado.domain.media import path_of
from guiado.domain.variants import step_for
from guiado.errors import GuiadoError, Message
from guiado.http.request import Http, runtime_of
from guiado.i18n import DEFAULT_LANGUAGE, text, text_for, translate
from guiado.web.figures import Figure, figures_of
from guiado.web.knowledge.addresses import (
    WORDS_FIELD,
    Place,
    base_url,
    known_id,
    language_at,
    place_of,
    place_of_list,
    prefix_of,
)
from guiado.web.knowledge.search import LONGEST_WORDS, find_problems
from guiado.web.knowledge.sending import public_headers, require_on, send_page
from guiado.web.knowledge.structured_data import JsonLd, how_to, questions
from guiado.web.render import LANGUAGE_FIELD, PROBLEMS_PATH, answer, html_of
from guiado.web.wizard import door
from guiado.web.wizard.door import NOT_LISTED, Page, headers_of

READ = [HttpMethod.GET, HttpMethod.HEAD]
_LONGEST_DESCRIPTION = 160
_OTHERS_SHOWN = 3
_CATEGORIES: Mapping[str, Message] = {
    ProblemCategory.INSTALLATION: Message("Instalación"),
    ProblemCategory.CONFIGURATION: Message("Configuración"),
    ProblemCategory.CONNECTIVITY: Message("Conexión"),
    ProblemCategory.PERFORMANCE: Message("Lentitud"),
    ProblemCategory.ERROR: Message("Errores"),
    ProblemCategory.BILLING: Message("Cobros y facturas"),
    ProblemCategory.ACCOUNT: Message("Tu cuenta"),
    ProblemCategory.FEATURE: Message("Cómo se usa"),
    ProblemCategory.SECURITY: Message("Seguridad"),
    ProblemCategory.OTHER: Message("Otros"),
}
_LIST_TITLE = Message("Problemas y soluciones")
_LIST_DESCRIPTION = Message("Encuentra tu problema y resuélvelo paso a paso.")


class ListedProblem:
    """A problem as the list shows it.

    Args:
        guide: of the knowledge base.
        language: of the list.
        prefix: of the service.
    """

    def __init__(self, guide: Guide, language: str, prefix: str) -> None:
        spoken = guide.in_language(language)
        self.title, self.description, self.urgent = spoken.problem_title, spoken.problem_description, guide.urgent
        self.address = place_of(guide, language).to(prefix)
        self.facts = " · ".join(filter(None, (_kind_of(guide, language), spoken.estimated_time)))
        self.said = " ".join(filter(None, (spoken.problem_description, f"{self.facts}.")))
        self.written = language if spoken is not guide else DEFAULT_LANGUAGE


def _kind_of(guide: Guide, language: str) -> str:
    """Outcome of a guide for a customer: its steps, counted, an answer, or a person."""
    match guide.kind:
        case GuideKind.ANSWER:
            return text(language, "Respuesta")
        case GuideKind.PERSON:
            return text(language, "Te atiende una persona")
        case _:
            return text_for(language, "{n} paso", "{n} pasos", len(guide.steps))


@route(PROBLEMS_PATH, http_method=READ, include_in_schema=False)
async def list_problems(request: Http) -> Page:
    """Show every problem by category, or those that words are about."""
    require_on(request)
    language, words = language_at(request), request.query_params.get(WORDS_FIELD, "").strip()[:LONGEST_WORDS]
    if words:
        return await _show_found(request, language, words)
    # 2,000 problems take 0.2 s: not in the event loop.
    return send_page(request, await asyncio.to_thread(_all_as_html, request, language), language)


@route(PROBLEMS_PATH + "/{problem_id:path}", http_method=READ, include_in_schema=False)
async def show_problem(request: Http, problem_id: FromPath[str]) -> Page:
    """Show a problem with its steps."""
    require_on(request)
    guides, language = runtime_of(request).knowledge.snapshot.guides, language_at(request)
    known = known_id(guides, written := problem_id.removeprefix("/"))  # an id may hold a slash
    if known is None:
        return _show_missing(request, language)
    guide = guides[known]
    place, base = place_of(guide, language), base_url(request)
    if known != written:
        headers = {**public_headers(request), "Location": place.to("")}  # the prefix is added to every answer
        return Response(b"", status_code=301, headers=headers, media_type="text/html")
    spoken = _for_everybody(guide.in_language(language))
    sizes = await _sizes(request, guide)
    prefix = prefix_of(request)
    content_language = language if language in place.languages else DEFAULT_LANGUAGE
    html = html_of(
        request,
        "knowledge/problem.html",
        language,
        **_head(request, place, spoken.problem_title, spoken.problem_description or spoken.problem_title),
        structured=_structured(spoken, place.canonical(base), content_language, sizes, base),
        varied=[_by_variant(step, labels_of(spoken, content_language), sizes, prefix) for step in spoken.steps],
        figures=[figures_of(step.media, sizes, prefix) for step in spoken.steps],
        guide=spoken,
        written=content_language,
        problem_id=known,
        category=_category(guide, language),
        list_address=place_of_list(language).to(prefix_of(request)),
        links=[_links(step.resources) for step in spoken.steps],
        others=[ListedProblem(each, language, prefix_of(request)) for each in _others(guides, guide)],
        start=_start(request, language),
    )
    return send_page(request, html, language)


async def _sizes(request: Http, guide: Guide) -> Mapping[str, tuple[int, int]]:
    """The sizes of the stored pictures that a guide shows; none while the database does not answer."""
    named = media.addresses_of(guide)
    if not named:
        return {}
    try:
        return await runtime_of(request).parts.run_read(runtime_of(request).parts.scope(), media.sizes, named)
    except GuiadoError:
        return {}


def _structured(spoken: Guide, address: str, language: str, sizes: Mapping[str, object], base: str) -> JsonLd:
    """The structured data of a problem's page: its steps, or a question with its answer where it has none to follow.

    Args:
        sizes: by the addresses of the stored pictures that are there.
        base: whole address of the service.
    """
    if spoken.kind == GuideKind.GUIDE:
        labels = labels_of(spoken, language)
        told = replace(spoken, steps=tuple(step_for(step, None, labels) for step in spoken.steps))
        urls = ([str(each.get("url", "")) for each in step.media] for step in told.steps)
        images = [[f"{base}{path_of(url)}" for url in found if url in sizes] for found in urls]
        return how_to(told, address, language, images)
    lines = [line for step in spoken.steps for line in step.instructions]
    said = " ".join(lines) or spoken.problem_description or spoken.problem_title
    return questions([(spoken.problem_title, said)], address, language)


def _by_variant(
    step: Step, labels: Mapping[str, str], sizes: Mapping[str, tuple[int, int]], prefix: str
) -> list[tuple[str, Step, list[Figure]]]:
    """The variants of a step by their labels, each with its own texts and figures alone."""
    common = replace(step, instructions=(), warnings=(), resources=(), media=())
    own = {name: step_for(common, name, labels) for name in step.variants}
    return [(labels.get(name) or name, each, figures_of(each.media, sizes, prefix)) for name, each in own.items()]


def _all_as_html(request: Http, language: str) -> str:
    place = place_of_list(language)
    groups = _grouped(request, runtime_of(request).knowledge.snapshot.guides.values(), language)
    entries = [(each.title, each.said) for _, listed in groups for each in listed]
    structured = questions(entries, place.canonical(base_url(request)), language) if entries else None
    values = _list(request, place, structured)
    return html_of(request, "knowledge/list.html", language, **values, groups=groups, found=(), words="")


async def _show_found(request: Http, language: str, words: str) -> Page:
    """Show the results of a search, which no search engine is to keep and no cache either: they are a customer's words."""
    found = await find_problems(runtime_of(request).knowledge.snapshot, words, language)
    entries = [ListedProblem(each, language, prefix_of(request)) for each in found]
    headers = {**headers_of(request, secret_path=False), **NOT_LISTED}
    values = _list(request, place_of_list(language, words), None)
    html = html_of(request, "knowledge/list.html", language, **values, groups=(), found=entries, words=words)
    return answer(request, html, language, 200, headers)


def _show_missing(request: Http, language: str) -> Page:
    headers, values = {**headers_of(request, secret_path=False), **NOT_LISTED}, _list(request, place_of_list(language), None)
    return answer(request, html_of(request, "knowledge/missing.html", language, **values, words=""), language, 404, headers)


def _list(request: Http, place: Place, structured: JsonLd | None) -> dict[str, object]:
    """The values that every page with the search has."""
    title, about = (translate(each, place.language) for each in (_LIST_TITLE, _LIST_DESCRIPTION))
    return {
        **_head(request, place, title, about),
        "structured": structured,
        "search": f"{prefix_of(request)}{PROBLEMS_PATH}",
        "start": _start(request, place.language),
    }


def _head(request: Http, place: Place, title: str, about: str) -> dict[str, object]:
    """The values of a page's head, and its language switch."""
    base = base_url(request)
    return {
        "title": title,
        "about": shortened(about),
        "canonical": place.canonical(base),
        "alternates": place.alternates(base),
        "switch": place.switch(prefix_of(request)),
    }


def shortened(text: str, longest: int = _LONGEST_DESCRIPTION) -> str:
    """A text cut after a word, with an ellipsis, where it is longer than search engines show."""
    plain = " ".join(text.split())
    return plain if len(plain) <= longest else plain[: longest - 1].rpartition(" ")[0].rstrip(" ,;:.") + "…"


def _start(request: Http, language: str) -> str | None:
    """Address that the form of a new session is sent to, in the language of the page; None where customers may not start one."""
    return f"{prefix_of(request)}{START_PATH}?{LANGUAGE_FIELD}={language}" if door.is_on(request) else None


def _grouped(request: Http, guides: Iterable[Guide], language: str) -> list[tuple[str, list[ListedProblem]]]:
    """The problems by category, those first that cannot wait; else in the order of the knowledge base."""
    groups: dict[str, list[ListedProblem]] = {}
    for guide in sorted(guides, key=lambda each: not each.urgent):
        groups.setdefault(_category(guide, language), []).append(ListedProblem(guide, language, prefix_of(request)))
    return list(groups.items())


def _category(guide: Guide, language: str) -> str:
    known = _CATEGORIES.get(guide.category)
    return translate(known, language) if known else str(guide.category)[:1].upper() + str(guide.category)[1:]


def _others(guides: Mapping[str, Guide], guide: Guide) -> list[Guide]:
    """The next problems of the same category, in a ring, so that every page is led to; then the next ones of all."""
    ids = list(guides)
    at = ids.index(guide.problem_id)
    ring = [guides[each] for each in (*ids[at + 1 :], *ids[:at])]
    near = list(islice((each for each in ring if each.category == guide.category), _OTHERS_SHOWN))
    rest = (each for each in ring if each.category != guide.category)
    return near or list(islice(rest, _OTHERS_SHOWN))


def _for_everybody(guide: Guide) -> Guide:
    """The guide as it is shown outside a session.

    What the first step of an urgent one says before its instructions is for a customer whose case a person already has.
    """
    if not (guide.urgent and guide.steps and guide.steps[0].instructions):
        return guide
    first, *rest = guide.steps
    return replace(guide, steps=(replace(first, description=""), *rest))


def _links(resources: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return [each for each in resources if each.get("url", "").startswith(("https://", "http://"))]


HANDLERS = [list_problems, show_problem]
