"""Addresses of the knowledge-base pages. The address alone says the language, so that a search engine keeps one page under each.

Spanish has the plain address, which is also the one for readers of any other language (`x-default`).

Source: https://developers.google.com/search/docs/specialty/international/localized-versions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from guiado.domain.guide import Guide
from guiado.http.request import Http, base_of
from guiado.i18n import DEFAULT_LANGUAGE, LANGUAGES
from guiado.web.render import LANGUAGE_FIELD, PROBLEMS_PATH

WORDS_FIELD = "q"
_ANY_LANGUAGE = "x-default"


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the knowledge base in one language, and its address in every other.

    Args:
        path: below the service's own base, as it stands in addresses.
        language: of this page.
        languages: that its content is written in.
        query: other parameters of the address.
    """

    path: str
    language: str
    languages: Sequence[str] = LANGUAGES
    query: Mapping[str, str] | None = None

    def to(self, base: str, language: str | None = None) -> str:
        """The address of this page.

        Args:
            base: the service's prefix, or its whole base.
            language: that the page is to be in; by default as this one.
        """
        spoken = language or self.language
        named = {} if spoken == DEFAULT_LANGUAGE else {LANGUAGE_FIELD: spoken}
        query = urlencode({**(self.query or {}), **named})
        return f"{base}{self.path}" + (f"?{query}" if query else "")

    def switch(self, prefix: str) -> Callable[[str], str]:
        """The address of this page in another language, as a function of the language."""
        return lambda language: self.to(prefix, language)

    def canonical(self, base: str) -> str:
        """The address that search engines keep: in the language that the content is written in."""
        return self.to(base, self.language if self.language in self.languages else DEFAULT_LANGUAGE)

    def alternates(self, base: str) -> dict[str, str]:
        """Language -> the address of this page in it, for `hreflang`."""
        written = {language: self.to(base, language) for language in LANGUAGES if language in self.languages}
        return {**written, _ANY_LANGUAGE: self.to(base, DEFAULT_LANGUAGE)}


def language_at(request: Http) -> str:
    """The language of a page: what its address says, else Spanish."""
    wished = request.query_params.get(LANGUAGE_FIELD, "")
    return wished if wished in LANGUAGES else DEFAULT_LANGUAGE


def place_of_list(language: str, words: str = "") -> Place:
    """The place of the list of problems.

    Args:
        words: that it is searched for.
    """
    return Place(PROBLEMS_PATH, language, query={WORDS_FIELD: words} if words else None)


def place_of(guide: Guide, language: str) -> Place:
    """The place of a problem's page."""
    written = tuple(each for each in LANGUAGES if each == DEFAULT_LANGUAGE or each in guide.translations)
    return Place(f"{PROBLEMS_PATH}/{quote(guide.problem_id, safe='')}", language, written)


def known_id(guides: Mapping[str, Guide], written: str) -> str | None:
    """The id of the problem that an address means, as `recuperar-cuenta` means recuperar_cuenta; None where there is none."""
    plain = _plain(written)
    return written if written in guides else next((each for each in guides if _plain(each) == plain), None)


def _plain(problem_id: str) -> str:
    return problem_id.strip().casefold().replace("-", "_").replace(" ", "_")


def base_url(request: Http) -> str:
    """The base of whole addresses, without a slash at its end."""
    return base_of(request).url


def prefix_of(request: Http) -> str:
    """The path prefix of addresses within the service."""
    return base_of(request).prefix
