"""Audit of administrative acts and of operators' access to customers' data: the rows that use cases write.

Source: contract.md §6.11; ADR 0030.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from guiado import clock
from guiado.app.context import Scope, UnitOfWork
from guiado.store import audit
from guiado.store.log_rows import Audit, audit_row

P = ParamSpec("P")
T = TypeVar("T")


def actor_of(scope: Scope) -> str:
    """The name of a caller in the log, where not a customer but somebody who runs the service acts or reads.

    As long as the API has no keys, nobody knows the caller: "anonymous". A program that uses the facade is "facade".
    """
    if scope.caller.startswith("key:"):
        return scope.caller
    if scope.actor != "customer" or scope.caller.startswith("link:"):
        return scope.actor
    return "facade" if scope.channel == "facade" else "anonymous"


def is_operator(scope: Scope) -> bool:
    """Whether a caller reads the data of others: neither a customer at the own session, nor the process or its program."""
    is_customer = scope.caller.startswith("link:") or (scope.actor == "customer" and scope.channel != "api")
    return not is_customer and scope.actor != "machine"


async def note(work: UnitOfWork, action: str, object_type: str, object_id: str | None = None, **detail: object) -> None:
    """Write the row of an act, in the transaction of the act: call it inside of one.

    Args:
        detail: ids and settings, no texts and no addresses.
    """
    noted = Audit(actor_of(work.scope), action, work.scope.request_id, detail)
    await audit.write(work.connection, work.tenant, [audit_row(work.tenant, object_id, noted, clock.now(), object_type)])


@asynccontextmanager
async def act(
    work: UnitOfWork, action: str, object_type: str, object_id: str | None = None, **detail: object
) -> AsyncGenerator[dict[str, object]]:
    """A transaction for one administrative act, with its row in the log; an error undoes both.

    Yields:
        The row's detail, to which the act may add.
    """
    async with work.connection.transaction():
        yield detail
        await note(work, action, object_type, object_id, **detail)


async def note_access(work: UnitOfWork, object_type: str, object_ids: Iterable[str], **detail: object) -> None:
    """Write the row of an operator's access to customers' data; none for a customer's access to the own data.

    Call it before the data leave the use case, which is an `audited_read`: what could not be noted is not shown.

    Args:
        object_ids: what is shown; one of them is the row's object, several are in its detail.
    """
    if not is_operator(work.scope):
        return
    ids = list(object_ids)
    if len(ids) == 1:
        await note(work, "read", object_type, ids[0], **detail)
    else:
        await note(work, "read", object_type, None, **detail, ids=ids)


def audited_read(
    action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]],
) -> Callable[Concatenate[UnitOfWork, P], Awaitable[T]]:
    """Make an operator's read and its row one transaction; a customer's read leaves no row, and needs none."""

    @wraps(action)
    async def run(work: UnitOfWork, *args: P.args, **kwargs: P.kwargs) -> T:
        if not is_operator(work.scope):
            return await action(work, *args, **kwargs)
        async with work.connection.transaction():
            return await action(work, *args, **kwargs)

    return run
