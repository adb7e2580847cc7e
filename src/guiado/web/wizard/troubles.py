"""Errors on the customer's pages: a page that says what happened and what to do, in place of a problem document."""

from __future__ import annotations

from guiado.app.access import key_format
from guiado.app.access.customer_links import PATH
from guiado.errors import Message
from guiado.http.problems import respond
from guiado.http.request import Http, base_of
from guiado.i18n import text
from guiado.web.render import page_language, render
from guiado.web.wizard.door import Page, headers_of, is_on, kept_form, start_path, switch_here

_SERVER = 500
_PASSING = frozenset((408, 429, 500, 502, 503, 504))
"""Status of errors that pass: the same request may succeed later."""
_SAID = {
    404: (Message("Esta página no existe."), Message("Revisa la dirección, o empieza de nuevo.")),
    413: (Message("Eso es demasiado grande."), Message("Cuéntalo con menos palabras, o elige un archivo más pequeño.")),
    429: (Message("Vas muy rápido."), Message("Espera un momento y vuelve a intentarlo. No se perdió nada.")),
    503: (Message("Ahora mismo no podemos responder."), Message("Vuelve a intentarlo en unos segundos. No se perdió nada.")),
}
_OURS = Message("Algo falló de nuestro lado."), Message("Vuelve a intentarlo. Si sigue igual, escríbenos. No se perdió nada.")
_YOURS = Message("No pudimos hacer eso."), Message("Vuelve atrás e inténtalo otra vez.")


def is_of_customer(request: Http) -> bool:
    """Whether an address is one of the customer's pages, or below them."""
    return request.url.path == PATH or request.url.path.startswith(f"{PATH}/")


def show_trouble(request: Http, error: Exception) -> Page:
    """Render the page for an error; it is logged as every other."""
    problem = respond(request, error)
    status, language = problem.status_code or _SERVER, page_language(request)
    heading, told = _SAID.get(status, _OURS if status >= _SERVER else _YOURS)
    can_come_again = status in _PASSING
    retry = {name: value for name, value in problem.headers.items() if name.lower() in {"retry-after", "allow"}}
    return render(
        request,
        "wizard/trouble.html",
        status_code=status,
        headers={**headers_of(request, secret_path=request.url.path.startswith(f"{PATH}/")), **retry},
        language=language,
        switch=switch_here(request),
        heading=text(language, heading.template),
        told=text(language, told.template),
        send_again=_address(request, request.url.path) if can_come_again and request.method == "POST" else None,
        kept=kept_form(request),
        again=_place(request, status),
        is_again=can_come_again and request.method == "GET",
    )


def _place(request: Http, status: int) -> str | None:
    """Address to go on at: the same page, the case that its address names, or the start."""
    if request.method == "GET" and status in _PASSING:
        return _address(request, request.url.path)
    token = request.url.path.removeprefix(f"{PATH}/").partition("/")[0]
    if key_format.is_link_token(token):
        return _address(request, f"{PATH}/{token}/caso")
    return start_path(request) if is_on(request) else None


def _address(request: Http, path: str) -> str:
    query = f"?{request.url.query}" if request.url.query and path == request.url.path else ""
    return f"{base_of(request).prefix}{path}{query}"
