"""Registry of the kinds of outbound work: each is a module of this package whose name ends in `_sender`.

A new kind is a new file: a handler (`queue.Handler`) with its queries, and a function under `@handles` that makes it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from guiado.app import outbound
from guiado.app.context import AppContext
from guiado.app.outbound.queue import Handler
from guiado.settings import Settings

if TYPE_CHECKING:
    from guiado.delivery.channels import Channel
    from guiado.delivery.guarded_client import GuardedClient


@dataclass(frozen=True, slots=True)
class HandlerDependencies:
    """Dependencies of a handler, as its maker gets them.

    Args:
        parts: of this process.
        worker: name that tells this worker from others.
        settings: of this process.
        client: gives the guarded client; asked when there is something to send.
        channel_of: gives the channel of a name; raises where it is not set up here.
        own: id -> address of the endpoints whose address this process has in its environment.
    """

    parts: AppContext
    worker: str
    settings: Settings = field(repr=False)
    client: Callable[[], GuardedClient]
    channel_of: Callable[[str], Channel]
    own: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


Maker = Callable[[HandlerDependencies], Handler]
_SUFFIX = "_sender"
_makers: dict[str, Maker] = {}


def handles(kind: str) -> Callable[[Maker], Maker]:
    """Register the function that makes the handler of a kind."""

    def register(maker: Maker) -> Maker:
        _makers[kind] = maker
        return maker

    return register


def make_handlers(tools: HandlerDependencies) -> list[Handler]:
    """Make a handler of every kind."""
    for module in pkgutil.iter_modules(outbound.__path__):
        if module.name.endswith(_SUFFIX):
            import_module(f"{outbound.__name__}.{module.name}")
    return [make(tools) for make in _makers.values()]
