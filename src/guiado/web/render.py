"""Rendering of pages: templates in the reader's language, with a content-security policy for each kind of page."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response
from markupsafe import Markup

from guiado import __version__
from guiado.app.support_hours import hours_in_words
from guiado.errors import Message
from guiado.http.request import Http, base_of, language_of, runtime_of
from guiado.i18n import LANGUAGES, locale_of, text, text_for, text_in, translate
from guiado.settings import DEFAULT_BRAND, Settings
from guiado.web.assets import COLOR, Assets, accepts_gzip, assets_of

HERE = Path(__file__).parent
_OWN = "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'"
PLAIN = {
    "Content-Security-Policy": f"default-src 'none'; {_OWN}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of a page that no other page may show in a frame."""
LANGUAGE_FIELD = "idioma"
"""Parameter of an address that names the language of a page."""
_FRAMED_FIELD = "marco"
PROBLEMS_PATH = "/problemas"
"""Path of the public pages of the knowledge base."""
_LEAST_PACKED = 1_000
_ICONS = HERE / "icons"
_ICON = '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{shapes}</svg>'


def customer_headers(origins: Sequence[str], *, secret_path: bool) -> dict[str, str]:
    """Headers of a customer's page, which pages of the allowed origins may show in a frame.

    Args:
        origins: the allowed ones.
        secret_path: whether the page's path is a credential. Then nobody is told the path, not even by the page's own forms.
    """
    hidden = {"X-Robots-Tag": "noindex"} if secret_path else {}
    ancestors = " ".join(["'self'", *origins])
    return {
        "Content-Security-Policy": f"default-src 'none'; {_OWN}; frame-ancestors {ancestors}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer" if secret_path else "same-origin",
        "Cache-Control": "no-store",
        **hidden,
    }


@dataclass(frozen=True, slots=True)
class Brand:
    """The support team as its customers know it.

    Args:
        name: of the team or company.
        is_own: whether the name is guiado's own.
        email: to write to; empty where there is none.
        phone: to call; empty where there is none.
        hours: the office hours, in the language of the page.
    """

    name: str
    is_own: bool
    email: str
    phone: str
    hours: str


def brand_of(settings: Settings, language: str) -> Brand:
    """The brand that the settings describe, on a page in this language."""
    own, hours = settings.brand_name == DEFAULT_BRAND, hours_in_words(settings.support_hours, language)
    return Brand(settings.brand_name, own, settings.support_email, settings.support_phone, hours)


@lru_cache
def icon(name: str) -> Markup:
    """An icon, as SVG for the page itself; it says nothing to screen readers.

    Args:
        name: in Lucide.
    """
    shapes = (_ICONS / f"{name}.svg").read_text("utf-8").strip()
    return Markup(_ICON.format(shapes=shapes))  # noqa: S704 a file of ours


@lru_cache(maxsize=1)
def pages() -> Environment:
    """The templates."""
    made = Environment(
        loader=FileSystemLoader(HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    made.globals["icon"] = icon
    # Structured data keeps its order and its letters; `tojson` escapes <, >, & and ' in any case.
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return made


def page_language(request: Http, otherwise: str | None = None) -> str:
    """The language of a page: what its address says, else the given one, else what the reader asked for."""
    return named_language(request) or otherwise or language_of(request)


def named_language(request: Http) -> str:
    """The language that the address of a page names; empty where it names none of ours."""
    wished = request.query_params.get(LANGUAGE_FIELD, "")
    return wished if wished in LANGUAGES else ""


def words(language: str) -> dict[str, object]:
    """Functions with which templates say texts in one language."""

    def said(template: str, /, **params: object) -> str:
        return text(language, template, **params)

    def counted(one: str, many: str, number: int, /, **params: object) -> str:
        return text_for(language, one, many, number, **params)

    def placed(context: str, template: str, /, **params: object) -> str:
        return text_in(language, context, template, **params)

    def tell(message: Message | str) -> str:
        return message if isinstance(message, str) else translate(message, language)

    locale = locale_of(language)
    return {
        "_": said,
        "_n": counted,
        "_p": placed,
        "tell": tell,
        "language": language,
        "locale": locale.replace("_", "-") if language == "es" and locale != "es_419" else language,
    }


def _address(prefix: str, assets: Assets, name: str) -> str:
    return prefix + assets.path(name)


def frame(request: Http, assets: Assets, language: str) -> dict[str, object]:
    """Values for the frame of every page, around its content."""
    prefix, settings = base_of(request).prefix, runtime_of(request).settings
    color = request.query_params.get("color", "")
    return {
        "prefix": prefix,
        "static": partial(_address, prefix, assets),
        "logo": prefix + assets.path(assets.logo),
        "has_color": assets.has_color,
        "brand": brand_of(settings, language),
        "all_problems": f"{prefix}{PROBLEMS_PATH}" if settings.kb_pages == "on" else "",
        "version": __version__,
        "languages": LANGUAGES,
        "framed": request.query_params.get(_FRAMED_FIELD) == "1" or request.headers.get("sec-fetch-dest") == "iframe",
        "host_color": color if COLOR.fullmatch(color) else "",
        "origins": " ".join(settings.origins),
    }


def render(
    request: Http,
    name: str,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] = PLAIN,
    language: str | None = None,
    **values: object,
) -> Response[bytes]:
    """Render a page.

    Args:
        name: of its template.
        headers: of its kind of page.
        language: of its texts; by default what the reader asked for.
        values: for the template.
    """
    spoken = language or page_language(request)
    return answer(request, html_of(request, name, spoken, **values), spoken, status_code, headers)


def html_of(request: Http, name: str, language: str, **values: object) -> str:
    """A page as HTML; the arguments as for `render`."""
    return pages().get_template(name).render(**words(language), **frame(request, assets_of(request), language), **values)


def answer(
    request: Http,
    html: str,
    language: str,
    status_code: int,
    headers: Mapping[str, str],
    media_type: str = MediaType.HTML,
) -> Response[bytes]:
    """The response with a page, compressed where the reader takes it.

    Args:
        html: the page, or another text.
        language: of it; empty where it has none.
    """
    content = html.encode()
    spoken = {"Content-Language": language} if language else {}
    told = {"Vary": "Accept, Accept-Language, Accept-Encoding", **headers, **spoken}
    if len(content) >= _LEAST_PACKED and accepts_gzip(request.headers.get("accept-encoding", "")):
        content, told["Content-Encoding"] = gzip.compress(content, 5, mtime=0), "gzip"
    return Response(content, status_code=status_code, media_type=media_type, headers=told)
