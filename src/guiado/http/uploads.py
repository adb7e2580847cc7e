"""Uploads: a file as the body of a request or as a field of a form, within a size and within so many at once.

Source: RFC 7578 (multipart/form-data); OWASP File Upload Cheat Sheet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.http.request import PACKED, Http, Refused

FORM_BYTES = 16_384
"""Size of what a form has around its file, at most."""
_FORM = "multipart/form-data"
_RAW = ("image/", "application/octet-stream")
_TOO_LARGE = "El archivo es demasiado grande: 10 MB como máximo. Envía uno más pequeño."
_OTHER_KIND = (
    "El cuerpo debe ser una imagen, con su Content-Type (por ejemplo image/png), o un formulario multipart/form-data "
    "con la imagen en el campo file."
)
_BUSY = "Hay demasiados archivos llegando a la vez. Espera los segundos de Retry-After y vuelve a intentarlo."
_BAD_FORM = Message("El formulario no se entiende. Envíalo entero, como multipart/form-data.")
_NO_FILE = Message("Falta el archivo. Envíalo en el campo file del formulario.")
_SEVERAL = Message("Este campo viene repetido. Envíalo una sola vez.")
_EXTRA = Message("Este campo no existe. Quítalo o corrige su nombre.")
_MOST, _MOST_OF_ONE = 16, 3
_PAUSE_S = "3"
_RETRY = {"Retry-After": _PAUSE_S}
_FIELD = "file"
_MOST_TOLD, _MAX_SHOWN = 5, 64
_under_way: Counter[str] = Counter()


@contextmanager
def upload_slot(owner: str) -> Generator[None]:
    """Count an upload while it lasts, so that those under way do not fill the memory.

    Args:
        owner: what may have few of them at once, as a session.

    Raises:
        Refused: 429, there are enough.
    """
    if _under_way.total() >= _MOST or _under_way[owner] >= _MOST_OF_ONE:
        raise Refused(429, _BUSY, _RETRY)
    _under_way[owner] += 1
    try:
        yield
    finally:
        _under_way[owner] -= 1
        if not _under_way[owner]:
            del _under_way[owner]


def require_upload(request: Http) -> None:
    """Refuse a body that is declared as anything but a form with a file, or an image.

    Raises:
        Refused: 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM and not kind.startswith(_RAW):
        raise Refused(415, _OTHER_KIND)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, PACKED)


async def read_upload(request: Http, max_bytes: int) -> bytes:
    """Read the file that a request brings.

    Args:
        max_bytes: its size at most, which the route's own limit of a body holds too.

    Raises:
        Refused: 413, it is larger.
        InvalidInput: the form is broken, or has no file or several.
    """
    try:
        body = await request.body()
        is_form = request.headers["content-type"].lower().startswith(_FORM)
        content = await _file_of(request) if is_form else body
    except RequestEntityTooLarge:
        raise Refused(413, _TOO_LARGE) from None
    if len(content) > max_bytes:
        raise Refused(413, _TOO_LARGE)
    return content


async def _file_of(request: Http) -> bytes:
    try:
        form = await request.form()
    except (ClientException, UnicodeError, ValueError):
        raise InvalidInput([FieldProblem("$", _BAD_FORM, "invalid")]) from None
    fields = [*form.multi_items()]
    files = [value for name, value in fields if name == _FIELD and isinstance(value, UploadFile)]
    try:
        if problems := [*_problems([name for name, _ in fields], len(files))]:
            raise InvalidInput(problems)
        return await files[0].read()
    finally:
        await form.close()


def _problems(names: list[str], files: int) -> Iterator[FieldProblem]:
    yield from (FieldProblem(_shown(name), _EXTRA, "unknown_field") for name in sorted({*names} - {_FIELD})[:_MOST_TOLD])
    if names.count(_FIELD) > 1:
        yield FieldProblem(_FIELD, _SEVERAL, "repeated")
    elif not files:
        yield FieldProblem(_FIELD, _NO_FILE, "missing")


def _shown(name: str) -> str:
    short = name[:_MAX_SHOWN]
    return short if short.isprintable() else ascii(short)[1:-1]
