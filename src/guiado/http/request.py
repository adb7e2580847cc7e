"""Requests as handlers use them: scope, running parts, the body as a command, one effect per Idempotency-Key."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from litestar import Litestar, Request
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.exceptions import HTTPException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from guiado.app.access.link_register import LinkRegister
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.app.idempotency import key_of, once, request_hash
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.validation import Command, check
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.http.body import decode
from guiado.http.incoming import PublicBase, incoming
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.wiring import Runtime

C = TypeVar("C", bound=Command)
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
Http = Request[Any, Any, Any]
_KEY_HEADER = "idempotency-key"
_MAX_KEY = 255
_UTF_8 = frozenset(("utf-8", "utf8", "utf_8"))
_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0{1,18})?")
NOT_JSON = "El cuerpo debe ser JSON. Envía la cabecera Content-Type: application/json."
PACKED = "El cuerpo no puede ir comprimido. Envíalo sin la cabecera Content-Encoding."


class Refused(HTTPException):
    """Error of a request that is refused, with a Spanish text that says why.

    Args:
        status_code: HTTP status.
        template: Spanish text; the key of the catalogues.
        headers: of the answer, as `Retry-After`.
    """

    def __init__(self, status_code: int, template: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status_code=status_code, detail=template, headers=headers)


def runtime_of(request: Http) -> Runtime:
    """The running parts of this process."""
    return request.app.state["runtime"]


def parts_of(request: Http) -> AppContext:
    """The running parts of this process, for the tenant of a request."""
    return runtime_of(request).parts.of_tenant(scope_of(request).tenant)


async def knowledge_of(request: Http) -> KnowledgeBase:
    """The knowledge base that the tenant of a request publishes for everybody."""
    return await runtime_of(request).knowledge_in(scope_of(request).tenant)


async def knowledge_of_session(request: Http, session_id: str) -> KnowledgeBase:
    """The knowledge base that a session of the request's tenant was begun with."""
    return await runtime_of(request).knowledge_of_session(scope_of(request).tenant, session_id)


def links_of(app: Litestar) -> LinkRegister:
    """The customer links that an application knows."""
    return app.state["links"]


def request_id_of(request: Http) -> str:
    """The id that joins the log lines of this request."""
    return incoming(request.scope).request_id


def scope_of(request: Http) -> Scope:
    """The tenant and the caller of a request."""
    return incoming(request.scope).scope


def base_of(request: Http) -> PublicBase:
    """The address under which the caller reaches the service; links in pages begin with its prefix."""
    return incoming(request.scope).base


def language_of(request: Http) -> str:
    """The language to answer in."""
    return scope_of(request).language or DEFAULT_LANGUAGE


def require_json(headers: Mapping[str, str]) -> None:
    """Refuse a body that is compressed or declared as anything but JSON.

    Raises:
        Refused: 415.
    """
    content_type = headers.get("content-type", "application/json")
    if content_type != "application/json" and not _is_json(content_type):
        raise Refused(415, NOT_JSON)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, PACKED)


def _is_json(content_type: str) -> bool:
    kind, *parameters = (part.strip() for part in content_type.lower().split(";"))
    named = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip().strip('"') for name, _, value in pairs if name.strip() == "charset"]
    return named and all(charset in _UTF_8 for charset in charsets)


class Checked(AbstractDTO[C]):
    """Decoder of JSON bodies into commands, with our own checks and texts in place of the framework's."""

    def decode_bytes(self, value: bytes) -> C:
        """Decode a JSON body into the command."""
        require_json(self.asgi_connection.headers)  # pyright: ignore[reportUnknownMemberType]
        return decode(value, self.model_type)

    def decode_builtins(self, value: Mapping[str, object]) -> C:
        """Check plain values, and convert them into the command."""
        return check(self.model_type, value)

    @classmethod
    def create_for_field_definition(cls, *_args: object, **_kwargs: object) -> None:
        """Prepare nothing: the command needs no transfer model."""

    @classmethod
    def create_openapi_schema(cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any) -> Reference | Schema:  # noqa: ANN401, ARG003
        """Return the schema of the command itself, which allows no other fields."""
        described = schema_creator.for_field_definition(field_definition)
        command = FieldDefinition.from_annotation(cls.model_type)
        schema_creator.schema_registry.get_schema_for_field_definition(command).additional_properties = False
        return described

    @classmethod
    def generate_field_definitions(cls, model_type: type[object]) -> Generator[DTOFieldDefinition, None, None]:  # noqa: ARG003
        """Yield nothing: the command describes its own fields."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        """Return False: the command describes its own nested fields."""
        return False


async def run_read(
    request: Http, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a reading use case in the request's scope."""
    return await runtime_of(request).parts.run_read(scope_of(request), action, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Write(Generic[T, R]):
    """A writing use case; with an `Idempotency-Key` it is done once, however often the request comes.

    Args:
        shape: makes the answer of what the use case returns. Without a key it runs after the connection was given back.
        keep: what of the answer is stored with the key; by default all of it.
        scope: the caller, where it is not the request's own: an agent, a workflow.
        content: what makes two requests the same, where that is not the whole body: a form has another boundary each time.
    """

    request: Http
    shape: Callable[[T], R]
    keep: Callable[[R], R] | None = None
    scope: Scope | None = None
    content: bytes | None = None

    async def run(self, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the use case.

        Returns:
            The answer. Of a request that came twice it is what was stored: plain JSON values of the same form.

        Raises:
            InvalidInput: the key cannot be used.
            KeyReused: the key came with another request before.
        """
        request, scope = self.request, self.scope or scope_of(self.request)
        app, key = runtime_of(request).parts, request.headers.get(_KEY_HEADER)
        if key is None:
            return self.shape(await app.run_write(scope, action, *args, **kwargs))
        if not 1 <= len(key) <= _MAX_KEY or not key.isprintable() or not key.isascii():
            why = Message("Usa de 1 a 255 caracteres visibles, distintos en cada petición.")
            raise InvalidInput([FieldProblem("Idempotency-Key", why)])

        async def shaped(work: UnitOfWork) -> R:
            return self.shape(await action(work, *args, **kwargs))

        content = await request.body() if self.content is None else self.content
        fingerprint = request_hash(request.method.encode(), request.url.path.encode(), content)
        return await once(app, scope, key_of(scope, key), fingerprint, shaped, self.keep)


def numbers(query: Mapping[str, str], *names: str) -> dict[str, object]:
    """Convert those of the named query parameters that are whole numbers; others stay as they came."""
    given = {name: query[name] for name in names if name in query}
    return {name: int(whole[1]) if (whole := _WHOLE.fullmatch(value)) else value for name, value in given.items()}
