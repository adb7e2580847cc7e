"""Commands with which a session begins, by a caller of the API or on the service's own pages.

Source: contract.md §3.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from msgspec import Meta

from guiado.app.validation import Command, Description, Email, Label, Line, Name
from guiado.text.url_credentials import masked_url

Language = Annotated[Literal["es", "en", "pt"], Meta(extra={"kind": "language"})]
"""A language of guiado; a locale such as es-MX is read as its language."""
TicketNumber = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Secretive:
    """Base of commands that hold keys: `repr` leaves the keys out and masks addresses, since it may end in a log."""

    __slots__ = ()
    __struct_fields__: ClassVar[tuple[str, ...]]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self._shown(name)!r}" for name in self.__struct_fields__ if name not in _KEYS)
        return f"{type(self).__name__}({shown})"

    def _shown(self, name: str) -> object:
        value: object = getattr(self, name)
        return masked_url(value) if name in _ADDRESSES and isinstance(value, str) else value


_KEYS = frozenset({"secret", "headers", "webhook_url", "customer_token"})
_ADDRESSES = frozenset({"url", "recipient"})


SignedToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4_096,
        description="Los datos del cliente, firmados por tu sitio (JWT, HS256). Van por delante de los del cuerpo.",
        extra={"kind": "line"},
    ),
]


Address = TypeVar("Address", bound=str | None)


class Beginning(Secretive, Command, Generic[Address]):
    """The fields with which a session begins."""

    problem_description: Description
    customer_email: Address
    customer_name: Name | None = None
    ticket_id: Line | TicketNumber | None = None
    source: Label | None = None
    language: Language | None = None
    device: Label | None = None
    product: Label | None = None
    clarify: Annotated[bool, Meta(description="Si se puede preguntar al cliente cuando no está claro qué problema es.")] = False
    customer_token: SignedToken | None = None


class Start(Beginning[str]):
    """A customer's description of a problem, which begins a session."""

    customer_email: Email


class StartHere(Beginning[str | None]):
    """A description that begins a session on the service's own pages, where the address may come later, or never.

    Or the problem that the customer chose there; the description is its title then.
    """

    customer_email: Email | None = None
    problem_id: Annotated[Line, Meta(description="El problema que el cliente eligió de la lista.")] | None = None
