"""Learning: corrections by agents, review and withdrawal of examples, and gaps in the knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from guiado import clock
from guiado.app import commands
from guiado.app.access.audit import act, audited_read, note_access
from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import load, telling_state
from guiado.app.sessions.escalate import refuse_unknown
from guiado.app.sessions.start import pseudonym
from guiado.app.sessions.views import View
from guiado.detection.clustering import NEAR, NEAR_IN_WORDS, group, word_vectors
from guiado.domain import decide
from guiado.domain.guide import Guide
from guiado.domain.learning_signal import fit_to_learn, text_key
from guiado.domain.session import Session
from guiado.errors import NotFound, StaleSession, printable
from guiado.store import learning, schedule, sessions
from guiado.store.learning import ExampleFilter, StoredExample, Unrecognised
from guiado.store.sessions import Change

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
REFIT_JOB = "refit_detector"
_TRIES = 50
_MOST_TEXTS = 10_000
_SHOWN_EXAMPLES = 5


async def correct(work: UnitOfWork, session_id: object, command: commands.Correct) -> tuple[Session, Guide | None]:
    """Correct the problem of a session, on an agent's word. The same correction again changes nothing.

    Raises:
        SessionNotFound: no session has this id.
        InvalidInput: there is no such problem.
        StaleSession: others kept changing the session.
    """
    async with telling_state(work, session_id):
        for _ in range(_TRIES):
            loaded, guide = await load(work, session_id)
            if loaded.session.true_problem_id == command.problem_id:
                return loaded.session, guide
            await refuse_unknown(work, loaded.session, guide, command.problem_id)
            if corrected := await _correct(work, loaded.session, command):
                return corrected, guide
        raise StaleSession


async def _correct(work: UnitOfWork, session: Session, command: commands.Correct) -> Session | None:
    decision = decide.correct(session, command.problem_id, command.notes)
    now, after = clock.now(), decision.session
    audit = work.scope.audit("correct", before=session.true_problem_id, after=after.true_problem_id, detected=session.problem_id)
    change = Change(after, session.version, now, audit, lessons=decision.lessons)
    return after if await sessions.commit(work.connection, work.tenant, change) else None


# ------------------------------------------------------------------------------------------------------------- the examples


async def status(work: UnitOfWork) -> View:
    """Counts of the examples of each kind, and time and fault of the last refit: `examples last_refit last_problem`."""
    finished_at, problem = await schedule.last_run(work.connection, work.tenant, REFIT_JOB)
    return {"examples": await learning.counts(work.connection, work.tenant), "last_refit": finished_at, "last_problem": problem}


@audited_read
async def waiting(work: UnitOfWork, limit: int) -> list[StoredExample]:
    """The examples that wait for review, oldest first.

    Args:
        limit: so many at most.
    """
    found = await learning.listed(work.connection, work.tenant, ExampleFilter(status="pending"), limit)
    await note_access(work, "example", [each.id for each in found])
    return found


async def review(work: UnitOfWork, example_id: object, *, accept: bool) -> bool:
    """Accept or reject an example.

    Returns:
        False when that was done before.

    Raises:
        NotFound: there is no such example.
    """
    key = sessions.uuid_or_none(example_id)
    found = await learning.listed(work.connection, work.tenant, ExampleFilter(key), 1) if key else []
    if not found:
        raise NotFound("No hay ningún ejemplo {id}. Mira la lista con: guiado learn review", id=printable(example_id))
    word = "accepted" if accept else "rejected"
    audit = work.scope.audit("review", status=word)
    return await learning.judge(work.connection, work.tenant, ExampleFilter(key), word, "review", audit, clock.now()) > 0


async def review_all(work: UnitOfWork, accepted: Sequence[str], rejected: Sequence[str]) -> int:
    """Accept and reject examples: all of them, or none.

    Returns:
        How many changed.

    Raises:
        NotFound: one of them does not exist.
    """
    verdicts = [(each, True) for each in accepted] + [(each, False) for each in rejected]
    return sum([await review(work, each, accept=accept) for each, accept in verdicts])


async def undo(work: UnitOfWork, choice: ExampleFilter) -> int:
    """Withdraw examples for good, both accepted ones and those that wait for review.

    Returns:
        How many were withdrawn.
    """
    audit = work.scope.audit("undo", since=choice.since, customer=choice.customer_id)
    return await learning.judge(work.connection, work.tenant, choice, "rejected", "undo", audit, clock.now())


@audited_read
async def accepted(work: UnitOfWork) -> list[View]:
    """The examples that count for the knowledge base of everybody: `problem_id text negative weight source`."""
    found = await learning.examples(work.connection, work.tenant, "")
    await note_access(work, "example", [each.example_id for each in found])
    return [
        {"problem_id": e.problem_id, "text": e.text, "negative": e.negative, "weight": e.weight, "source": e.source}
        for e in found
    ]


def as_common_issues(found: Sequence[View]) -> View:
    """Examples in the shape of a knowledge base, to be pasted into one: id -> `common_issues`."""
    problems: dict[str, list[str]] = {}
    for example in found:
        if not example["negative"]:
            problems.setdefault(example["problem_id"], []).append(example["text"])
    return {problem_id: {"common_issues": texts} for problem_id, texts in problems.items()}


async def request_refit(work: UnitOfWork) -> None:
    """Have detection fitted anew by the workers as soon as they can: of the public knowledge base and of every private one."""
    async with act(work, "refit", "detector"):
        await schedule.hasten(work.connection, work.tenant, REFIT_JOB)


# ----------------------------------------------------------------------------------------------------------------- the gaps


@audited_read
async def unrecognised(work: UnitOfWork, days: int) -> list[Unrecognised]:
    """The sessions of the last days in which nothing known was found, 10,000 at most."""
    found = await learning.unrecognised(work.connection, work.tenant, clock.now() - timedelta(days=days), _MOST_TEXTS)
    await note_access(work, "session", [each.session_id for each in found])
    return found


def gaps(found: Sequence[Unrecognised], encode: Encode | None, fewest: int = 2) -> list[View]:
    """Gaps in the knowledge base: groups of unrecognised texts, as candidates for new problems, the largest first.

    Args:
        found: sessions, oldest first.
        encode: texts to rows of length 1; None where words alone decide.
        fewest: sessions that make a candidate.

    Returns:
        `size typical examples first_seen last_seen sessions` of each; texts are without personal data.
    """
    told = {each.session_id: fit_to_learn(each.text, each.known) for each in found}
    known = [(each, text) for each in found if (text := told[each.session_id])]
    texts = [text for _, text in known]
    if not texts:
        return []
    vectors = encode(texts) if encode else word_vectors(texts)
    groups = group(texts, vectors, fewest, near=NEAR if encode else NEAR_IN_WORDS)
    return [_gap([known[i] for i in members]) for members in groups]


def _gap(members: Sequence[tuple[Unrecognised, str]]) -> View:
    distinct = {text_key(text): text for _, text in reversed(members)}
    moments = [each.at for each, _ in members]
    typical = members[0][1]
    others = [text for text in reversed(distinct.values()) if text_key(text) != text_key(typical)]
    return {
        "size": len(members),
        "typical": typical,
        "examples": others[:_SHOWN_EXAMPLES],
        "first_seen": min(moments),
        "last_seen": max(moments),
        "sessions": [each.session_id for each, _ in members],
    }


def choice_of(
    example_id: str | None, session_id: str | None, email: str | None, since: datetime | None, tenant: str
) -> ExampleFilter:
    """The filter for the examples that fit all of these.

    Raises:
        NotFound: no example or session can have such an id.
    """
    keys: list[UUID | None] = []
    for given in (example_id, session_id):
        key = None if given is None else sessions.uuid_or_none(given)
        if given is not None and key is None:
            raise NotFound("No hay nada con el identificador {id}. Revísalo.", id=printable(given))
        keys.append(key)
    return ExampleFilter(keys[0], keys[1], None if email is None else pseudonym(tenant, email.strip().lower()), since)
