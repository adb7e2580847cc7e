"""Doubts about the texts of a guide as its readers see them: markup that is shown raw, tags that are no customers' phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from guiado.app.knowledge.entry_reader import Findings
from guiado.domain.guide import Guide
from guiado.text.json_shapes import items_in, object_in

_HTML = re.compile(
    r"</?(?=[a-z])(?:a|abbr|b|big|blockquote|br|button|center|code|div|em|font|h[1-6]|hr|i|img|input|kbd|li|mark|ol|p|pre|q|s|script|small|"
    r"span|strong|style|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul|video)(?:\s[^<>]{0,300})?/?>|<!--"
    r"|&(?:nbsp|lt|gt|amp|quot|apos|[aeiounAEIOUN](?:acute|tilde|uml|grave|circ)|iquest|iexcl|hellip|mdash|ndash|#\d{2,6});",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(
    r"\*\*[^\s*][^*\n]{0,200}\*\*|(?<!\w)__[^\s_][^_\n]{0,200}__(?!\w)|!?\[[^\[\]\n]{1,200}\]\([^)\[\s]{1,500}\)|`[^`\n]{1,200}`"
    r"|(?<![\w*\\])\*[^\W\d_][^*\n]{0,100}[\w.!?)]\*(?![\w*])|(?<![\w_/\\])_[^\W\d_][^_\n]{0,100}[\w.!?)]_(?![\w_])"
    r"|^\|[^|\n]{1,200}\|[^\n]*\|\s*$|^#{1,6} \S[^\n]{0,40}|^> \S[^\n]{0,40}|^[*+-] \S[^\n]{0,40}|~~[^~\n]{1,200}~~",
    re.MULTILINE,
)
_VARIABLE = re.compile(r"\{\{[^{}\n]{1,80}\}\}|\{%[^{}\n]{1,80}%\}|\$\{[\w.-]{1,80}\}|<%[^<>\n]{1,80}%>|%\([\w.-]{1,40}\)[sd]\b")
_MOST_QUOTED = 60
_TEXTS = ("problem_title", "problem_description", "estimated_time")
_STEP_TEXTS = ("title", "description", "expected_result")
_OWN_LISTS = ("prerequisites", "common_issues", "escalation_criteria")
"""Lists of a guide that are shown: the phrases as examples of an option, the criteria where a person takes over."""
_LISTS = ("instructions", "warnings")


def doubt_markup(guide: Guide, findings: Findings) -> None:
    """Name each text whose markup its readers would see as it was typed."""
    for path, text in _shown(guide):
        for pattern, template in _KINDS:
            if found := pattern.search(text):
                findings.warn(path, template, found=_shortened(found[0]))


_KINDS = (
    (_HTML, "Lleva HTML, «{found}», que se muestra tal cual. Escribe solo el texto."),
    (_MARKDOWN, "Lleva Markdown, «{found}», que se muestra tal cual. Escribe solo el texto."),
    (_VARIABLE, "Lleva la variable «{found}», que solo cambian las plantillas. Escribe el texto."),
)


def doubt_tags(guide: Guide, findings: Findings) -> None:
    """Name phrases of one word together: they are tags, and no customer writes so."""
    places: dict[str, tuple[object, ...]] = {f"$.{guide.problem_id}.common_issues": guide.common_issues}
    for language, texts in guide.translations.items():
        places[f"$.{guide.problem_id}.translations.{language}.common_issues"] = tuple(items_in(texts.get("common_issues")))
    for path, phrases in places.items():
        tags = [str(phrase).strip() for phrase in phrases if len(str(phrase).split()) == 1]
        if tags:
            named = ", ".join(f"«{_shortened(tag)}»" for tag in tags)
            findings.warn(
                path,
                "Son etiquetas de una palabra, no frases de clientes: {tags}. Escribe cómo lo diría un cliente.",
                tags=named,
            )


def _shown(guide: Guide) -> Iterator[tuple[str, str]]:
    """Path and text of everything of a guide that is shown."""
    steps = [{key: getattr(step, key) for key in (*_STEP_TEXTS, *_LISTS, "resources")} for step in guide.steps]
    own = {key: getattr(guide, key) for key in (*_TEXTS, *_OWN_LISTS)} | {"steps": steps}
    yield from _shown_of(f"$.{guide.problem_id}", own)
    for language, texts in guide.translations.items():
        yield from _shown_of(f"$.{guide.problem_id}.translations.{language}", texts)


def _shown_of(path: str, texts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    yield from ((f"{path}.{key}", str(texts[key])) for key in _TEXTS if texts.get(key))
    for key in _OWN_LISTS:
        for number, item in enumerate(items_in(texts.get(key))):
            if isinstance(item, str):
                yield f"{path}.{key}[{number}]", item
    for place, step in enumerate(map(object_in, items_in(texts.get("steps")))):
        yield from ((f"{path}.steps[{place}].{key}", str(step[key])) for key in _STEP_TEXTS if step.get(key))
        for key in _LISTS:
            for number, item in enumerate(items_in(step.get(key))):
                yield f"{path}.steps[{place}].{key}[{number}]", str(item)
        for number, item in enumerate(map(object_in, items_in(step.get("resources")))):
            if item.get("title"):
                yield f"{path}.steps[{place}].resources[{number}].title", str(item["title"])


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED].rstrip()}…"
