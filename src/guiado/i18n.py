"""Languages: Spanish is the source text, English and Portuguese come from the catalogues under `locales/`.

The `.po` files are read as they are, once per language: there is no compiled copy that could be out of date.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, Problems

LANGUAGES = ("es", "en", "pt")
DEFAULT_LANGUAGE = "es"
_LOCALES = Path(__file__).parent / "locales"
_LITERAL = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_ENTRY = re.compile(rf"^msgid ((?:{_LITERAL.pattern}\s*)+)^msgstr ((?:{_LITERAL.pattern}\s*)+)", re.MULTILINE)
_LOCALE = re.compile(r"([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*)(?:\.[\w-]+)?(?:@\w+)?", re.ASCII)
"""Locale as browsers and contact records write it (es-MX), or an operating system (es_MX.UTF-8)."""
_RANGE = re.compile(r"\s*(?P<tag>[\w*-]+)\s*(?:;\s*[qQ]\s*=\s*(?P<quality>0(?:\.\d*)?|1(?:\.0*)?)\s*)?", re.ASCII)
"""One range of an `Accept-Language` header: a tag, and how much it is wanted."""


@lru_cache
def _catalogue(language: str) -> dict[str, str]:
    path = _LOCALES / language / "LC_MESSAGES" / "guiado.po"
    if not path.is_file():
        return {}
    pairs = ((_said(entry[1]), _said(entry[2])) for entry in _ENTRY.finditer(path.read_text("utf-8")))
    return {spanish: translated for spanish, translated in pairs if spanish and translated}


def _said(literals: str) -> str:
    """The text of adjacent literals, which the format writes as JSON does."""
    return "".join(map(json.loads, _LITERAL.findall(literals)))


def text(language: str, template: str, /, **params: object) -> str:
    """The template in this language, filled in.

    Args:
        language: es, en or pt; anything else reads as Spanish.
        template: Spanish text with named placeholders; the key of the catalogues.
        params: values of the placeholders.
    """
    spoken = {
        name: translate(value, language) if isinstance(value, Message | Problems) else value for name, value in params.items()
    }
    return _catalogue(language).get(template, template).format(**spoken)


def translate(what: Message | FieldProblem | Problems | GuiadoError, language: str) -> str:
    """A message or error in this language."""
    match what:
        case Message():
            return text(language, what.template, **what.params)
        case FieldProblem():
            return f"{what.field}: {translate(what.message, language)}"
        case Problems():
            return "; ".join(translate(problem, language) for problem in what)
        case InvalidInput():
            return "; ".join(translate(problem, language) for problem in what.problems)
        case _:
            return translate(what.message, language)


def negotiate(accept_language: str | None) -> str | None:
    """The caller's preferred language among those of guiado, or None when the header names none of them.

    Args:
        accept_language: an `Accept-Language` header, for example `pt-BR,pt;q=0.9,en;q=0.8`. `*` is no wish.

    Source: RFC 9110, section 12.5.4.
    """
    if not accept_language:
        return None
    wished = sorted(_weighted(accept_language[:500]), key=lambda pair: -pair[1])
    spoken = (re.split("[-_]", tag.lower(), maxsplit=1)[0] for tag, weight in wished if weight > 0)
    return next((language for language in spoken if language in LANGUAGES), None)


def locale_language(locale: str) -> str | None:
    """The language of one locale among ours, by the same negotiation; None for a language that guiado does not speak.

    Args:
        locale: for example es, es-MX, pt_BR or en_GB.UTF-8, in any case.
    """
    written = _LOCALE.fullmatch(locale.strip())
    return negotiate(written[1].replace("_", "-")) if written else None


def _weighted(header: str) -> list[tuple[str, float]]:
    """Tags with their quality, 0..1; what is written otherwise is left out."""
    parts = (_RANGE.fullmatch(part) for part in header.split(","))
    return [(part["tag"], float(part["quality"] or 1)) for part in parts if part]
