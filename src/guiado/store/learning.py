"""Examples that detection learns from sessions, accepted and pending ones, and sessions without a known problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, convert

from guiado import clock
from guiado.domain.clarification import Clarification
from guiado.domain.learning_signal import CustomerWord, Taught, latest_words, text_key
from guiado.store.connection import Connection, Row, converted
from guiado.store.log_rows import Audit, audit_row
from guiado.store.queries import sql

MOST_EXAMPLES = 200
"""Number of texts used for each problem and label: more would cost every process and teach it next to nothing."""
_MOST_OF_MAILBOX = 3
"""Texts that count of one customer, for each problem and label."""
_VOTES_LAST = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class ExampleFilter:
    """Filter of examples; every given condition must hold.

    Args:
        example_id: one example.
        session_id: all of one session.
        customer_id: all of one customer, by pseudonym.
        since: those made from then on.
        status: pending, accepted or rejected.
    """

    example_id: UUID | None = None
    session_id: UUID | None = None
    customer_id: str | None = None
    since: datetime | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A session in which no known problem was found.

    Args:
        known: personal data of its customer.
    """

    session_id: str
    text: str
    at: datetime
    known: tuple[str, ...] = ()


async def examples(connection: Connection, tenant: str, scope: str) -> list[Taught]:
    """The accepted examples of a knowledge base, each text once per problem and label, the newest 200 of each, in a fixed order.

    How far customers may be trusted beside the author is for `detection.learned_examples.teach` to say. Votes are left out.

    Args:
        scope: "" for the knowledge base that is published for everybody.
    """
    rows = await connection.fetch(sql("learning", "examples"), tenant, scope, MOST_EXAMPLES, _MOST_OF_MAILBOX)
    return [_taught(row) for row in rows]


async def votes(connection: Connection, tenant: str, scope: str, fewest: int) -> list[CustomerWord]:
    """Votes of customers on the problems about which several of them spoke against detection in the last 180 days.

    Args:
        scope: as in `examples`.
        fewest: customers who make a problem worth a look.
    """
    rows = await connection.fetch(sql("learning", "votes"), tenant, scope, MOST_EXAMPLES, fewest, _VOTES_LAST)
    return [CustomerWord(_taught(row), row["is_vote"], row["mailbox"], row["day"]) for row in rows]


class StoredExample(Struct, frozen=True):
    """A stored example with its label, source, status and text."""

    id: str
    session_id: str | None
    scope: str
    problem_id: str
    label: str
    source: str
    status: str
    weight: float
    text: str
    created_at: datetime
    doubt: str | None


class ExampleCount(Struct, frozen=True):
    """Number of examples of a kind."""

    scope: str
    problem_id: str
    label: str
    source: str
    status: str
    examples: int


async def listed(connection: Connection, tenant: str, choice: ExampleFilter, limit: int) -> list[StoredExample]:
    """The examples that match a filter, oldest first.

    Args:
        limit: rows at most.
    """
    rows = await connection.fetch(sql("learning", "listed"), tenant, *_values(choice), limit)
    return [converted(row, StoredExample) for row in rows]


async def counts(connection: Connection, tenant: str) -> list[ExampleCount]:
    """Number of examples by scope, problem, label, source and status; see `votes` for the status "vote"."""
    return [converted(row, ExampleCount) for row in await connection.fetch(sql("learning", "counts"), tenant)]


async def judge(
    connection: Connection, tenant: str, choice: ExampleFilter, status: str, reason: str, audit: Audit, now: datetime
) -> int:
    """Accept or reject examples on a person's decision, with a row in the log of lessons for each.

    Args:
        status: accepted or rejected.
        reason: the reason, for the log.

    Returns:
        Number of examples that changed; those that had this status already did not.
    """
    audits = [audit_row(tenant, _text(choice.example_id or choice.session_id), audit, now, "example")]
    values = (tenant, *_values(choice), status, reason, now, audits)
    changed: int = await connection.fetchval(sql("learning", "judge"), *values)
    return changed


async def keep_drafts(
    connection: Connection, tenant: str, problem_id: str, texts: Sequence[str], audit: Audit, now: datetime
) -> list[str]:
    """Store machine-written examples for a problem, pending a person's decision.

    Args:
        texts: without personal data.

    Returns:
        The texts that are new for the problem, in the given order.
    """
    drafts = [{"id": clock.new_id(), "text": text, "text_key": text_key(text)} for text in texts]
    audits = [audit_row(tenant, problem_id, audit, now, "example")]
    rows = await connection.fetch(sql("learning", "keep_drafts"), tenant, problem_id, drafts, now, audits)
    kept = {row["text"] for row in rows}
    return [text for text in texts if text in kept]


async def unrecognised(connection: Connection, tenant: str, since: datetime, limit: int) -> list[Unrecognised]:
    """The newest sessions in which no known problem was found, or an agent said that it was none, oldest first.

    Of each come the words that say what the problem is; sessions without any are left out.

    Args:
        limit: rows at most.
    """
    rows = await connection.fetch(sql("learning", "unrecognised"), tenant, since, limit)
    told = [(row, latest_words(row["text"], convert(row["clarifications"], list[Clarification]))) for row in reversed(rows)]
    return [
        Unrecognised(str(row["session_id"]), words, row["started_at"], tuple(filter(None, row["known"])))
        for row, words in told
        if words
    ]


def _taught(row: Row) -> Taught:
    return Taught(str(row["id"]), row["problem_id"], row["text"], row["weight"], row["negative"], row["source"])


def _values(choice: ExampleFilter) -> tuple[object, ...]:
    return choice.example_id, choice.session_id, choice.customer_id, choice.since, choice.status


def _text(value: object) -> str | None:
    return None if value is None else str(value)
