"""Languages: Spanish is the source text, English and Portuguese come from the catalogues under `locales/`.

The `.po` files are read as they are, once per language: there is no compiled copy that could be out of date. A variety of Spanish
(es_AR, es_ES) has a catalogue of its own that holds what it says otherwise.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, Problems

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LANGUAGES = ("es", "en", "pt")
DEFAULT_LANGUAGE = "es"
VARIETIES = ("es", "es-AR", "es-ES")
"""Varieties of Spanish that a team may choose."""
_LOCALES = {"es": "es_419", "en": "en_GB", "pt": "pt_BR"}
_CATALOGUES = Path(__file__).parent / "locales"
_LOCALE = re.compile(r"([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*)(?:\.[\w-]+)?(?:@\w+)?", re.ASCII)
"""Locale as browsers and contact records write it (es-MX), or an operating system (es_MX.UTF-8)."""
_RANGE = re.compile(r"\s*(?P<tag>[\w*-]+)\s*(?:;\s*[qQ]\s*=\s*(?P<quality>0(?:\.\d*)?|1(?:\.0*)?)\s*)?", re.ASCII)
"""One range of an `Accept-Language` header: a tag, and how much it is wanted."""


_varieties: dict[str, str] = {}
"""A language -> the variety of it that this process speaks, where one is chosen."""


def speak(variety: str) -> None:
    """Choose the variety of Spanish in which this process speaks to people, for as long as it runs.

    Args:
        variety: es (tú, for everybody), es-AR (voseo) or es-ES.
    """
    language, _, territory = variety.partition("-")
    _varieties.clear()
    if territory:
        _varieties[language] = f"{language}_{territory}"


def locale_of(language: str) -> str:
    """The locale of a language, for dates and numbers: es_419, en_GB, pt_BR, or the variety that this process speaks."""
    return _varieties.get(language) or _LOCALES.get(language, _LOCALES[DEFAULT_LANGUAGE])


@contextmanager
def _in_any_zone() -> Generator[None]:
    """Import Babel as if TZ were not set: it reads it once, and fails where that names no zone; no time of ours depends on it."""
    zone = os.environ.pop("TZ", None)
    try:
        yield
    finally:
        if zone is not None:
            os.environ["TZ"] = zone


@lru_cache
def _catalogue(name: str) -> Catalog | None:
    path = _CATALOGUES / name / "LC_MESSAGES" / "guiado.po"
    if not path.is_file():
        return None
    with _in_any_zone():
        from babel.messages.pofile import read_po  # takes a tenth of a second, which Spanish does not need

    with path.open("rb") as file:
        return read_po(file)


def _forms(language: str, one: str, many: str | None = None, context: str | None = None) -> tuple[str, ...]:
    """The texts of the catalogue for a Spanish one: one, or one for each form of the plural; the Spanish where it has none."""
    spanish = (one,) if many is None else (one, many)
    catalogue = _catalogue(_varieties.get(language, language))
    found = catalogue.get(one if many is None else spanish, context) if catalogue else None
    if found is None or not found.string:
        return spanish
    forms = (found.string,) if isinstance(found.string, str) else tuple(found.string)
    return forms if all(forms) and len(forms) == len(spanish) else spanish


def text(language: str, template: str, /, **params: object) -> str:
    """The template in this language, filled in.

    Args:
        language: es, en or pt; anything else reads as Spanish.
        template: Spanish text with named placeholders; the key of the catalogues.
        params: values of the placeholders.
    """
    return _forms(language, template)[0].format(**_spoken(language, params))


def text_in(language: str, context: str, template: str, /, **params: object) -> str:
    """The template in this language where the same Spanish words are said otherwise elsewhere.

    Args:
        language: as for `text`.
        context: where the words stand, as "answer".
        template: as for `text`.
        params: values of the placeholders.
    """
    return _forms(language, template, context=context)[0].format(**_spoken(language, params))


def text_for(language: str, one: str, many: str, number: int, /, **params: object) -> str:
    """The template for a number of things in this language, filled in; its `{n}` is the number.

    Args:
        language: as for `text`.
        one: the Spanish text for one thing.
        many: the Spanish text for any other number.
        number: of the things.
        params: values of other placeholders.
    """
    with _in_any_zone():
        from babel.core import Locale

    form = 0 if Locale.parse(locale_of(language)).plural_form(number) == "one" else 1
    return _forms(language, one, many)[form].format(n=number, **_spoken(language, params))


def hour_of(at: time) -> str:
    """A time of day, in all our languages the same: 8:00, 17:30."""
    return f"{at.hour}:{at.minute:02}"


def day_of(at: date, language: str) -> str:
    """A date with its year: 29 de diciembre de 2026."""
    with _in_any_zone():
        from babel.dates import format_date

    return format_date(at, "long", locale=locale_of(language))


def weekday_of(at: date, language: str) -> str:
    """A date of these weeks: lunes 30 de noviembre."""
    with _in_any_zone():
        from babel.dates import format_date, format_skeleton

    locale = locale_of(language)
    return f"{format_date(at, 'EEEE', locale=locale)} {format_skeleton('MMMMd', at, locale=locale)}"


def short_weekday(day: int, language: str) -> str:
    """A day of the week in short: lun, Mon, seg.

    Args:
        day: 0 is Monday.
    """
    with _in_any_zone():
        from babel.dates import get_day_names

    return get_day_names("abbreviated", locale=locale_of(language))[day].rstrip(".")


def _spoken(language: str, params: Mapping[str, object]) -> dict[str, object]:
    """The values of placeholders, with the messages among them in this language."""
    return {
        name: translate(value, language) if isinstance(value, Message | Problems) else value for name, value in params.items()
    }


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
