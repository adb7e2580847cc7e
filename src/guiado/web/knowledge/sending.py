"""Responses of the knowledge-base pages, which caches keep for minutes; the digest of the content tells whether it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from litestar import MediaType, Response
from litestar.exceptions import NotFoundException

from guiado.http.request import Http, runtime_of
from guiado.web.render import answer
from guiado.web.wizard.door import Page, headers_of

_MINUTES = "public, max-age=300"
_TEXT = {"X-Content-Type-Options": "nosniff"}


def is_on(request: Http) -> bool:
    """Whether the knowledge base is shown as public pages."""
    return runtime_of(request).settings.kb_pages == "on"


def require_on(request: Http) -> None:
    """Answer as for any unknown address where the pages are off.

    Raises:
        NotFoundException: they are.
    """
    if not is_on(request):
        raise NotFoundException


def public_headers(request: Http) -> dict[str, str]:
    """The headers of a page that search engines may keep; a form on it still tells its origin."""
    headers = headers_of(request, secret_path=False)
    headers.pop("X-Robots-Tag", None)
    return {**headers, "Cache-Control": _MINUTES}


def send_page(request: Http, html: str, language: str) -> Page:
    """Answer with a page, or with 304 where the caller has this very content."""
    return _send(request, html, language, public_headers(request), MediaType.HTML)


def send_text(request: Http, content: str, media_type: str) -> Page:
    """Answer with a text for programs, or with 304."""
    return _send(request, content, "", {**_TEXT, "Cache-Control": _MINUTES}, media_type)


def _send(request: Http, content: str, language: str, headers: Mapping[str, str], media_type: str) -> Page:
    # Weak: the compressed copy has the same tag.
    tag = f'W/"{hashlib.sha256(content.encode()).hexdigest()[:20]}"'
    told = {**headers, "ETag": tag, "Vary": "Accept-Encoding"}
    known = {each.strip() for each in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, tag[2:], "*"}:
        return Response(b"", status_code=304, headers=told, media_type=media_type)
    return answer(request, content, language, 200, told, media_type)
