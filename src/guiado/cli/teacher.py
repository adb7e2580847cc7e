"""Learning operations of the terminal."""

from __future__ import annotations

from datetime import datetime

from guiado.app import commands
from guiado.app.context import Scope, UnitOfWork
from guiado.app.learning import example_drafts, examples
from guiado.app.sessions.views import View
from guiado.app.validation import check
from guiado.store.learning import Unrecognised
from guiado.sync import engine

_CALLER = Scope(actor="agent", channel="terminal")


def status() -> View:
    """See `learn.status`; with `detector`, the version in use."""

    async def run(work: UnitOfWork) -> View:
        return await examples.status(work)

    running = engine()
    return {"detector": running.runtime.knowledge.snapshot.index.version, **running.do_read(run)}


def waiting(limit: int) -> list[View]:
    """See `learn.waiting`."""

    async def run(work: UnitOfWork) -> list[View]:
        return await examples.waiting(work, limit)

    return engine().do_read(run)


def review(accepted: list[str], rejected: list[str]) -> int:
    """Accept and reject examples; all of them, or none.

    Returns:
        How many changed.

    Raises:
        NotFound: one of them does not exist.
    """

    async def run(work: UnitOfWork) -> int:
        words = [(each, True) for each in accepted] + [(each, False) for each in rejected]
        return sum([await examples.review(work.called_by(_CALLER), each, accept=accept) for each, accept in words])

    return engine().do_write(run)


def correct(session_id: str, problem_id: str, notes: str | None) -> View:
    """See `learn.correct`; answers `session_id status problem_id detected_problem_id`.

    Raises:
        InvalidInput: there is no such problem.
        SessionNotFound: there is no such session.
    """
    command = check(commands.Correct, {"problem_id": problem_id, "notes": notes})

    async def run(work: UnitOfWork) -> View:
        session, _ = await examples.correct(work.called_by(_CALLER), session_id, command)
        return {
            "session_id": session.session_id,
            "status": session.status.value,
            "problem_id": session.true_problem_id,
            "detected_problem_id": session.problem_id,
        }

    return engine().do_write(run)


def undo(example_id: str | None, session_id: str | None, email: str | None, since: datetime | None) -> int:
    """Withdraw the examples that match all given conditions.

    Returns:
        How many were withdrawn.

    Raises:
        NotFound: no example or session can have such an id.
    """

    async def run(work: UnitOfWork) -> int:
        choice = examples.choice_of(example_id, session_id, email, since, work.tenant)
        return await examples.undo(work.called_by(_CALLER), choice)

    return engine().do_write(run)


def draft(problem_id: str) -> list[str]:
    """See `drafting.draft_examples`.

    Raises:
        NotFound: there is no such problem.
        SettingsInvalid: no language model is in use.
    """
    running = engine()
    snapshot = running.portal.call(running.runtime.knowledge_of, None).snapshot
    return running.portal.call(example_drafts.draft_examples, running.runtime.parts, snapshot, problem_id)


def accepted() -> list[View]:
    """See `learn.accepted`."""

    async def run(work: UnitOfWork) -> list[View]:
        return await examples.accepted(work)

    return engine().do_read(run)


def refit() -> None:
    """See `learn.request_refit`."""

    async def run(work: UnitOfWork) -> None:
        await examples.request_refit(work)

    engine().do_write(run)


def gaps(days: int) -> list[View]:
    """See `learn.gaps`, for the sessions of the last days.

    Raises:
        EncoderUnavailable: the configured encoder cannot be used now.
    """

    async def run(work: UnitOfWork) -> list[Unrecognised]:
        return await examples.unrecognised(work, days)

    running = engine()
    found = running.do_read(run)
    encoder = running.runtime.knowledge.senses.encoder
    return examples.gaps(found, encoder.encode if encoder else None) if found else []
