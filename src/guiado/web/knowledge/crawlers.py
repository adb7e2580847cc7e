"""Files that crawlers ask for: the sitemap with every page in every language, and robots.txt.

Source: https://www.sitemaps.org/protocol.html (50,000 addresses a file), RFC 9309 (robots.txt).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from xml.sax.saxutils import escape, quoteattr

from litestar import route

from guiado.app.access.customer_links import PATH as HELP_PATH
from guiado.app.access.key_format import LINK_PREFIX
from guiado.app.knowledge import publications
from guiado.domain.guide import Guide
from guiado.errors import GuiadoError
from guiado.http.request import Http, runtime_of, scope_of
from guiado.web.knowledge.addresses import WORDS_FIELD, Place, base_url, place_of, place_of_list, prefix_of
from guiado.web.knowledge.pages import READ
from guiado.web.knowledge.sending import is_on, require_on, send_text
from guiado.web.render import PROBLEMS_PATH
from guiado.web.wizard.door import Page

_MOST_ADDRESSES = 50_000
_IN_USE = "in_use"
_OPENING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
)


@route("/sitemap.xml", http_method=READ, include_in_schema=False)
async def sitemap(request: Http) -> Page:
    """List every page in every language that it is written in, with the day of its publication."""
    require_on(request)
    guides, since = runtime_of(request).knowledge.snapshot.guides, await _published(request)
    # 10,000 problems in three languages take a third of a second: not in the event loop.
    xml = await asyncio.to_thread(_sitemap, guides, since, base_url(request))
    return send_text(request, xml, "application/xml")


@route("/robots.txt", http_method=READ, include_in_schema=False)
async def robots(request: Http) -> Page:
    """Tell crawlers what they may read: the knowledge-base pages where these are on, else nothing."""
    if not is_on(request):
        return send_text(request, "User-agent: *\nDisallow: /\n", "text/plain")
    prefix = prefix_of(request)
    closed = ("/api/", f"{HELP_PATH}/{LINK_PREFIX}", f"{PROBLEMS_PATH}?{WORDS_FIELD}=")
    lines = [
        "User-agent: *",
        f"Allow: {prefix}{PROBLEMS_PATH}",
        *(f"Disallow: {prefix}{path}" for path in closed),
        "",
        f"Sitemap: {base_url(request)}/sitemap.xml",
    ]
    return send_text(request, "\n".join(lines) + "\n", "text/plain")


async def _published(request: Http) -> Mapping[str, datetime]:
    """Problem id -> when its text came into use; empty while the database does not answer."""
    runtime = runtime_of(request)
    scope = replace(scope_of(request), tenant=runtime.settings.tenant)
    try:
        found = await runtime.parts.run_read(scope, publications.versions, "")
    except GuiadoError:
        return {}
    return {each["guide"]: each["since"] for each in found if each["state"] == _IN_USE}


def _sitemap(guides: Mapping[str, Guide], since: Mapping[str, datetime], base: str) -> str:
    listed = _entries(place_of_list("es"), max(since.values(), default=None), base)
    for problem_id, guide in guides.items():
        listed += _entries(place_of(guide, "es"), since.get(problem_id), base)
        if len(listed) >= _MOST_ADDRESSES:
            break
    return _OPENING + "".join(islice(listed, _MOST_ADDRESSES)) + "</urlset>\n"


def _entries(place: Place, since: datetime | None, base: str) -> list[str]:
    """One entry for each language of a page, each with the addresses of all."""
    alternates = "".join(
        f'<xhtml:link rel="alternate" hreflang="{language}" href={quoteattr(address)}/>'
        for language, address in place.alternates(base).items()
    )
    changed = f"<lastmod>{since.isoformat(timespec='seconds')}</lastmod>" if since else ""
    addresses: Sequence[str] = [place.to(base, language) for language in place.languages]
    return [f"<url><loc>{escape(address)}</loc>{changed}{alternates}</url>\n" for address in addresses]


HANDLERS = [sitemap, robots]
