"""Channels, by which messages reach people: one file each, which registers itself and is imported where it is used.

A new channel is a new file in this folder: its name is the channel's, and a function under `@channel` makes it. Every list of
channels (names in the API, the facade and the terminal, console channels, checks of `doctor`) asks here. Importing such a
file must be cheap: the libraries that it sends with are imported when it first sends.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from guiado.delivery.channels.common.address import normal_url
from guiado.delivery.channels.common.base import Button, Channel, Outgoing, Receipt
from guiado.errors import DeliveryFailed, FieldProblem, Message, printable

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient
    from guiado.delivery.ip_policy import TargetPolicy
    from guiado.settings import Settings

__all__ = ["Button", "Channel", "ChannelKind", "Outgoing", "Receipt", "Tools", "channel", "kind_of", "make_channel", "names"]

Address = Literal["none", "optional", "needed", "recipient"]
"""Whether each message has an address of its own, `webhook_url`: never, unless the operator's account is set up, always, or
unless its recipient is one."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Dependencies of a channel.

    Args:
        settings: the operator's accounts and servers.
        client: for everything that travels over HTTP.
        policy: which addresses may be called, for what does not.
    """

    settings: Settings = field(repr=False)
    client: GuardedClient
    policy: TargetPolicy


Maker = Callable[[Tools], Channel]
Show = Callable[[Outgoing, "Settings"], tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """Description of a channel, known without making it.

    Args:
        name: of the channel and of its file.
        make: makes it; raises SettingsInvalid or DeliveryFailed where something is missing, and names it.
        show: a message as the channel would write it, for the console channel, and what is known of its size.
        needs: what is missing of the operator's account; None where nothing is.
        address: whether each message has an address of its own.
        missing_address: what to say where it has none.
        check_recipient: what is wrong with a recipient, if anything.
        normal_form: the one way in which a recipient is stored and compared.
        spellings: how older versions may have stored the same recipient, from what was given and its normal form.
        own_words: the words of guiado itself, in letters that the channel has.
    """

    name: str
    make: Maker
    show: Show
    needs: Callable[[Settings], str | None]
    address: Address
    missing_address: str
    check_recipient: Callable[[str], FieldProblem | None]
    normal_form: Callable[[str], str]
    spellings: Callable[[str, str], list[str]]
    own_words: Callable[[str], str]


_kinds: dict[str, ChannelKind] = {}


def channel(
    name: str,
    *,
    show: Show,
    needs: Callable[[Settings], str | None] = lambda _settings: None,
    address: Address = "none",
    missing_address: str = "Falta la dirección del canal. Indícala.",
    check_recipient: Callable[[str], FieldProblem | None] = lambda _recipient: None,
    normal_form: Callable[[str], str] = normal_url,
    spellings: Callable[[str, str], list[str]] = lambda _given, _normal: [],
    own_words: Callable[[str], str] = str,
) -> Callable[[Maker], Maker]:
    """Register the function that makes a channel, with the channel's description; see `ChannelKind`."""

    def register(make: Maker) -> Maker:
        _kinds[name] = ChannelKind(
            name, make, show, needs, address, missing_address, check_recipient, normal_form, spellings, own_words
        )
        return make

    return register


@cache
def names() -> tuple[str, ...]:
    """Return the names of all channels, in alphabetical order; imports none of them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def kind_of(name: object) -> ChannelKind | None:
    """Return the description of a channel; None where there is none of this name."""
    if not isinstance(name, str) or name not in names():
        return None
    if name not in _kinds:
        import_module(f"{__name__}.{name}")
    return _kinds[name]


def addressed() -> list[str]:
    """Return the names of the channels whose messages may have an address of their own."""
    return [kind.name for kind in map(kind_of, names()) if kind and kind.address != "none"]


def normal_form(name: str, recipient: str) -> str:
    """Normalise a recipient for storing and comparing; one that cannot be read stays as it is, without outer blanks."""
    kind = kind_of(name)
    return (kind.normal_form if kind else normal_url)(recipient.strip())


def spellings(name: str, recipient: str) -> list[str]:
    """Return the normal form of a recipient, and the forms in which older versions may have stored it."""
    kind, given, normal = kind_of(name), recipient.strip(), normal_form(name, recipient)
    return list(dict.fromkeys([normal, given, *(kind.spellings(given, normal) if kind else [])]))


def has_account(name: object, settings: Settings) -> bool:
    """Whether messages of a channel can leave without an address of their own."""
    kind = kind_of(name)
    return settings.notifications == "console" or (kind is not None and kind.needs(settings) is None)


def setup_problem(name: str, settings: Settings) -> Message | None:
    """Return what a channel's setup lacks; None where nothing is missing, or each message brings its own address."""
    kind = kind_of(name)
    if kind is None or kind.address != "none" or settings.notifications == "console":
        return None
    missing = kind.needs(settings)
    return Message(missing) if missing else None


def make_channel(name: str, settings: Settings, client: GuardedClient, policy: TargetPolicy) -> Channel:
    """Make the channel of this name; with `GUIADO_NOTIFICATIONS=console`, one that only shows what would be sent.

    Any number of messages may be sent through one at a time.

    Args:
        name: one of `names`.
        settings: the operator's accounts and servers.
        client: for everything that travels over HTTP.
        policy: which addresses may be called, for what does not.

    Raises:
        SettingsInvalid: a setting of this channel is missing or wrong; names it.
        DeliveryFailed: there is no such channel, or its package is not installed.
    """
    kind = kind_of(name)
    if kind is None:
        raise DeliveryFailed(
            "No hay canal «{kind}». Elige uno de estos: {kinds}.",
            permanent=True,
            kind=printable(name),
            kinds=", ".join(names()),
        )
    if settings.notifications == "console":
        from guiado.delivery.channels.common.console import ConsoleChannel

        return ConsoleChannel(name, settings)
    return kind.make(Tools(settings, client, policy))
