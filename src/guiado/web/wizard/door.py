"""The way into one session: its link, the language of its pages, and their addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, urlencode

from litestar import Response

from guiado.app.access import customer_links
from guiado.app.access.customer_links import PATH, scope_of_link
from guiado.app.context import Scope
from guiado.http.incoming import incoming
from guiado.http.request import Http, base_of, language_of, links_of, runtime_of, scope_of
from guiado.store.customer_links import CustomerLink
from guiado.web.render import LANGUAGE_FIELD, customer_headers, named_language, page_language, render

CHANNEL = "web"
_MOST_FIELDS = 50
NOT_LISTED = {"X-Robots-Tag": "noindex"}
"""Header of a page that search engines are not to list."""
_FORM = "application/x-www-form-urlencoded"
_KEPT, _MOST_KEPT_BYTES = "form", 65_536
Form = Mapping[str, str]
Page = Response[bytes]


@dataclass(frozen=True, slots=True)
class CaseDoor:
    """A customer link as the pages use it.

    Args:
        token: of the link, which is in the path of every page.
        link: what is stored of it.
        prefix: of the service, before every path.
        wished: the language that the address names; empty where it names none.
        shown: the path of this page below the token; empty at the door itself.
    """

    token: str
    link: CustomerLink
    prefix: str
    wished: str
    shown: str = ""

    @property
    def here(self) -> str:
        """The address of the link itself."""
        return self.to("")

    def to(self, place: str, language: str | None = None) -> str:
        """The address of a page or an action of this session.

        Args:
            place: its path below the token.
            language: that the page is to be in; by default as this one.
        """
        path = f"{self.prefix}{PATH}/{self.token}" + (f"/{place}" if place else "")
        wished = language or self.wished
        return f"{path}?{urlencode({LANGUAGE_FIELD: wished})}" if wished else path

    def case_with(self, parameters: Mapping[str, str]) -> str:
        """The address of the page that shows where the session stands, with these parameters alone."""
        path = self.to("caso").partition("?")[0]
        return f"{path}?{urlencode(parameters)}" if parameters else path

    def switch(self, language: str) -> str:
        """The address of this page in another language."""
        return self.to(self.shown, language)


async def door_of(request: Http, token: str, shown: str = "") -> CaseDoor | None:
    """The door that a token opens; None where it opens nothing."""
    link = await links_of(request.app).find(token)
    if link is None:
        return None
    return CaseDoor(token, link, base_of(request).prefix, named_language(request), shown)


async def new_door(request: Http, scope: Scope, session_id: str, place: str) -> str:
    """Make a link to a session; the address of one of its pages, in the language of this one.

    Args:
        scope: of its customer.
        place: the page's path below the token.
    """
    runtime = runtime_of(request)
    days = runtime.settings.link_days
    made = await runtime.parts.run_read(scope, customer_links.create, session_id, base_of(request).url, days)
    return in_same_language(request, f"{PATH}/{made.token}/{place}")


def scope_at(request: Http, door: CaseDoor) -> Scope:
    """The scope of a request at a door: the session's customer."""
    return replace(scope_of_link(door.link, scope_of(request)), channel=CHANNEL)


def page(request: Http, door: CaseDoor, name: str, *, language: str | None = None, **values: object) -> Page:
    """Render a page of a session.

    Args:
        language: of the session; the one that the address names goes before it.
    """
    spoken = door.wished or language or language_of(request)
    return render(
        request,
        f"wizard/{name}.html",
        status_code=200,
        headers=headers_of(request, secret_path=True),
        language=spoken,
        door=door,
        switch=door.switch,
        **values,
    )


def unknown(request: Http, *, renew: str | None = None, asked_new: bool = False) -> Page:
    """The page of a link that opens nothing; it does not say why, so that nobody learns which links there were.

    Args:
        renew: where a new link can be asked for.
        asked_new: whether it was.
    """
    return render(
        request,
        "wizard/unknown.html",
        status_code=404,
        headers=headers_of(request, secret_path=True),
        switch=switch_here(request),
        start=start_path(request) if is_on(request) else None,
        renew=renew,
        asked_new=asked_new,
    )


def start_path(request: Http) -> str:
    """Address at which a customer starts, in the language of this page."""
    return in_same_language(request, "/")


def in_same_language(request: Http, path: str) -> str:
    """The address of a path, in the language that the address of this page names; with none, where it names none."""
    wished = named_language(request)
    query = f"?{urlencode({LANGUAGE_FIELD: wished})}" if wished else ""
    return f"{base_of(request).prefix}{path}{query}"


def switch_here(request: Http) -> Callable[[str], str]:
    """The address of this page in another language, as a function of the language."""
    path, query = f"{base_of(request).prefix}{quote(request.url.path)}", dict(request.query_params)
    return lambda language: f"{path}?{urlencode({**query, LANGUAGE_FIELD: language})}"


def headers_of(request: Http, *, secret_path: bool) -> dict[str, str]:
    """The headers of a customer's page."""
    return customer_headers(runtime_of(request).settings.origins, secret_path=secret_path)


def see(request: Http, address: str) -> Page:
    """Lead to a page, after a form was sent.

    Args:
        address: with the service's prefix, which `Forwarded` adds to a `Location` by itself.
    """
    place = address.removeprefix(base_of(request).prefix)
    headers = {**headers_of(request, secret_path=True), "Location": place, "Content-Language": page_language(request)}
    return Response(b"", status_code=303, headers=headers, media_type="text/html")


def is_on(request: Http) -> bool:
    """Whether customers may start a session on the service's own pages."""
    return runtime_of(request).settings.wizard == "on"


def is_own(request: Http) -> bool:
    """Whether a form was sent by one of the service's own pages; a browser says which page it was."""
    asked = incoming(request.scope)
    origin = asked.header(b"origin")
    return not origin or origin.partition("://")[2] in {asked.header(b"host"), asked.base.host}


async def form_of(request: Http) -> Form:
    """The fields of a form; of what is no form, none."""
    return _fields(await request.body())


async def keep_form(request: Http) -> None:
    """Keep what a form of usual size says, so that the page of an error that comes before it is read can send it again."""
    declared = request.headers.get("content-length", "")
    is_form = request.method == "POST" and request.headers.get("content-type", "").lower().startswith(_FORM)
    if is_form and declared.isascii() and declared.isdigit() and int(declared[:9]) <= _MOST_KEPT_BYTES:
        request.state[_KEPT] = _fields(await request.body())


def kept_form(request: Http) -> Form:
    """The fields that `keep_form` kept; none for any other request."""
    kept: Form = request.state.get(_KEPT, {})
    return kept


def _fields(body: bytes) -> Form:
    try:
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


Action = Callable[[Http, CaseDoor, Form], Awaitable[str | None]]
"""Handler of a form; it returns the place to lead to, or None for where the session stands."""
