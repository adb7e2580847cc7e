"""Rendering of pages: templates in the reader's language, with a content-security policy for each kind of page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

from guiado import __version__
from guiado.http.request import Http, base_of, language_of
from guiado.i18n import text, translate

HERE = Path(__file__).parent
_OWN = "style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'"
PLAIN = {
    "Content-Security-Policy": f"default-src 'none'; {_OWN}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of a page that no other page may show in a frame."""


def customer_headers(origins: Sequence[str], *, secret_path: bool) -> dict[str, str]:
    """Headers of a customer's page, which pages of the allowed origins may show in a frame.

    Args:
        origins: the allowed ones.
        secret_path: whether the page's path is a credential. Then nobody is told the path, not even by the page's own forms.
    """
    ancestors = " ".join(["'self'", *origins])
    return {
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; {_OWN}; frame-ancestors {ancestors}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer" if secret_path else "same-origin",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
    }


@lru_cache(maxsize=1)
def _pages() -> Environment:
    pages = Environment(loader=FileSystemLoader(HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    pages.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    return pages


def render(
    request: Http,
    name: str,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] = PLAIN,
    language: str | None = None,
    **values: object,
) -> Response[str]:
    """Render a page.

    Args:
        name: of its template.
        headers: of its kind of page.
        language: of its texts; by default what the reader asked for.
        values: for the template.
    """
    spoken = language or language_of(request)

    def translated(template: str, /, **params: object) -> str:
        return text(spoken, template, **params)

    html = (
        _pages()
        .get_template(name)
        .render(
            _=translated,
            tell=partial(translate, language=spoken),
            language=spoken,
            version=__version__,
            prefix=base_of(request).prefix,
            **values,
        )
    )
    told = {**headers, "Content-Language": spoken, "Vary": "Accept, Accept-Language"}
    return Response(html, status_code=status_code, media_type=MediaType.HTML, headers=told)
