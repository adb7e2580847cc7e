"""What every handler needs of a request: the caller, the parts, the body as a command, and one effect per Idempotency-Key."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.exceptions import HTTPException
from litestar.typing import FieldDefinition

from guiado.app.context import Scope, UnitOfWork
from guiado.app.idempotency import once, request_hash
from guiado.app.validation import Command, check
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.http.body import decode
from guiado.i18n import DEFAULT_LANGUAGE, negotiate
from guiado.store.database import Connection
from guiado.wiring import Runtime

C = TypeVar("C", bound=Command)
Http = Request[Any, Any, Any]
_KEY_HEADER = "idempotency-key"
_MAX_KEY = 255
_UTF_8 = frozenset(("utf-8", "utf8", "utf_8"))
_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0{1,18})?")
NOT_JSON = "El cuerpo debe ser JSON. Envía la cabecera Content-Type: application/json."
PACKED = "El cuerpo no puede ir comprimido. Envíalo sin la cabecera Content-Encoding."


class Refused(HTTPException):
    """A request that is not taken, with a Spanish text that says why.

    Args:
        status_code: HTTP status.
        template: Spanish text; the key of the catalogues.
    """

    def __init__(self, status_code: int, template: str) -> None:
        super().__init__(status_code=status_code, detail=template)


def runtime_of(request: Http) -> Runtime:
    """The running parts of this process."""
    return request.app.state["runtime"]


def request_id_of(request: Http) -> str:
    """The id that joins the log lines of this request."""
    return str(cast("dict[str, Any]", request.scope).get("guiado_request_id", ""))


def language_of(request: Http) -> str:
    """The language to answer in."""
    return negotiate(request.headers.get("accept-language")) or DEFAULT_LANGUAGE


def caller_of(request: Http, channel: str = "api") -> Scope:
    """Who calls."""
    return Scope(
        actor="customer",
        channel=channel,
        request_id=request_id_of(request),
        language=negotiate(request.headers.get("accept-language")),
    )


def require_json(request: Any) -> None:  # noqa: ANN401
    """Refuse a body that says that it is something else.

    Raises:
        Refused: 415.
    """
    content_type = request.headers.get("content-type", "application/json")
    if content_type != "application/json" and not _is_json(content_type):
        raise Refused(415, NOT_JSON)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, PACKED)


def _is_json(content_type: str) -> bool:
    kind, *parameters = (part.strip() for part in content_type.lower().split(";"))
    named = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip().strip('"') for name, _, value in pairs if name.strip() == "charset"]
    return named and all(charset in _UTF_8 for charset in charsets)


class Checked(AbstractDTO[C]):
    """Reads a JSON body as a command, with our own checks and texts in place of the framework's."""

    def decode_bytes(self, value: bytes) -> C:
        """The command."""
        require_json(self.asgi_connection)  # pyright: ignore[reportUnknownMemberType]
        return decode(value, self.model_type)

    def decode_builtins(self, value: dict[str, Any]) -> C:
        """The command."""
        return check(self.model_type, value)

    @classmethod
    def create_for_field_definition(cls, *_args: object, **_kwargs: object) -> None:
        """Nothing to prepare."""

    @classmethod
    def create_openapi_schema(cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any) -> Any:  # noqa: ANN401, ARG003
        """The schema of the command itself, which knows no other fields."""
        described = schema_creator.for_field_definition(field_definition)
        command = FieldDefinition.from_annotation(cls.model_type)
        schema_creator.schema_registry.get_schema_for_field_definition(command).additional_properties = False
        return described

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:  # noqa: ARG003
        """None: the command describes itself."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        """Never."""
        return False


async def answer(
    request: Http,
    action: Callable[[UnitOfWork], Awaitable[Any]],
    keep: Callable[[Any], Any] = lambda answer: answer,
) -> Any:  # noqa: ANN401
    """Do `action` and give its answer; with an `Idempotency-Key` once, however often the request comes.

    Args:
        keep: what of the answer may be stored and told again.

    Raises:
        InvalidInput: the key cannot be used.
        KeyReused: the key came with another request before.
    """
    parts = runtime_of(request).parts
    key = request.headers.get(_KEY_HEADER)
    if key is None:
        async with parts.db.connection() as connection:
            done = await action(parts.work(connection))
        parts.wrote()
        return done
    if not 1 <= len(key) <= _MAX_KEY or not key.isprintable() or not key.isascii():
        why = Message("Usa de 1 a 255 caracteres visibles, distintos en cada petición.")
        raise InvalidInput([FieldProblem("Idempotency-Key", why)])

    async def run(connection: Connection) -> object:
        return msgspec.to_builtins(await action(parts.work(connection)))

    fingerprint = request_hash(request.method.encode(), request.url.path.encode(), await request.body())
    return await once(parts, f"http-{key}", fingerprint, run, keep)


async def read(request: Http, action: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:  # noqa: ANN401
    """Do `action`, which changes nothing."""
    parts = runtime_of(request).parts
    async with parts.db.connection() as connection:
        return await action(parts.work(connection))


def numbers(query: Mapping[str, str], *names: str) -> dict[str, object]:
    """The named query parameters as whole numbers, as far as they are given and are some; else as they came."""
    given = {name: query[name] for name in names if name in query}
    return {name: int(whole[1]) if (whole := _WHOLE.fullmatch(value)) else value for name, value in given.items()}
