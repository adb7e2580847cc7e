"""Doubts about the texts of a guide as its readers see them: markup that is shown raw, tags that are no customers' phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import ShownText, shortened
from guiado.domain.guide import Guide
from guiado.text.json_shapes import items_in

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


def doubt_markup(texts: Iterable[ShownText], findings: Findings) -> None:
    """Name each text whose markup its readers would see as it was typed."""
    for shown in texts:
        for pattern, kind, template in _KINDS:
            if found := pattern.search(shown.text):
                findings.of(kind).warn(shown.path, template, found=shortened(found[0], _MOST_QUOTED))


_KINDS = (
    (_HTML, "html", "Lleva HTML, «{found}», que se muestra tal cual. Escribe solo el texto."),
    (_MARKDOWN, "markdown", "Lleva Markdown, «{found}», que se muestra tal cual. Escribe solo el texto."),
    (_VARIABLE, "variable", "Lleva la variable «{found}», que solo cambian las plantillas. Escribe el texto."),
)


def doubt_tags(guide: Guide, findings: Findings) -> None:
    """Name phrases of one word together: they are tags, and no customer writes so."""
    places: dict[str, tuple[object, ...]] = {f"$.{guide.problem_id}.common_issues": guide.common_issues}
    for language, texts in guide.translations.items():
        places[f"$.{guide.problem_id}.translations.{language}.common_issues"] = tuple(items_in(texts.get("common_issues")))
    for path, phrases in places.items():
        tags = [str(phrase).strip() for phrase in phrases if len(str(phrase).split()) == 1]
        if tags:
            named = ", ".join(f"«{shortened(tag, _MOST_QUOTED)}»" for tag in tags)
            findings.of("tags").warn(
                path,
                "Son etiquetas de una palabra, no frases de clientes: {tags}. Escribe cómo lo diría un cliente.",
                tags=named,
            )
