"""Errors on the customer's pages: a page that says what happened and what to do, in place of a problem document."""

from __future__ import annotations

from guiado.errors import Message
from guiado.http.problems import respond
from guiado.http.request import Http
from guiado.i18n import text
from guiado.web.render import page_language, render
from guiado.web.wizard.door import Page, headers_of, start_path, switch_here

_SERVER = 500
_SAID = {
    404: (Message("Esta página no existe."), Message("Revisa la dirección, o empieza de nuevo.")),
    413: (Message("Eso es demasiado grande."), Message("Cuéntalo con menos palabras, o elige un archivo más pequeño.")),
    429: (Message("Vas muy rápido."), Message("Espera un momento y vuelve a intentarlo. No se perdió nada.")),
    503: (Message("Ahora mismo no podemos responder."), Message("Vuelve a intentarlo en unos segundos. No se perdió nada.")),
}
_OURS = Message("Algo falló de nuestro lado."), Message("Vuelve a intentarlo. Si sigue igual, escríbenos. No se perdió nada.")
_YOURS = Message("No pudimos hacer eso."), Message("Vuelve atrás e inténtalo otra vez.")


def show_trouble(request: Http, error: Exception) -> Page:
    """Render the page for an error; it is logged as every other."""
    problem = respond(request, error)
    status, language = problem.status_code or _SERVER, page_language(request)
    heading, told = _SAID.get(status, _OURS if status >= _SERVER else _YOURS)
    retry = {name: value for name, value in problem.headers.items() if name.lower() in {"retry-after", "allow"}}
    return render(
        request,
        "wizard/trouble.html",
        status_code=status,
        headers={**headers_of(request, secret_path=True), **retry},
        language=language,
        switch=switch_here(request),
        heading=text(language, heading.template),
        told=text(language, told.template),
        again=request.url.path if request.method == "GET" else start_path(request),
    )
