"""Variant of a session: which of a guide's variants its customer uses, as they say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guiado import clock
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import load, telling_state
from guiado.domain.guide import Guide
from guiado.domain.guide_questions import with_known_answers
from guiado.domain.session import Session
from guiado.errors import FieldProblem, InvalidInput, Message, SessionEnded, StaleSession
from guiado.store import sessions
from guiado.store.sessions import Change

_TRIES = 20


async def set_variant(work: UnitOfWork, session_id: object, command: commands.SetVariant) -> tuple[Session, Guide | None]:
    """Note the variant of the guide that a session's customer uses; the same one again changes nothing.

    Raises:
        SessionNotFound: no session has this id.
        InvalidInput: the guide has no such variant.
        SessionEnded: the session takes no more answers; with its present state.
        StaleSession: others kept changing the session.
    """
    async with telling_state(work, session_id):
        for _ in range(_TRIES):
            loaded, guide = await load(work, session_id)
            before = loaded.session
            if before.status.ended:
                raise SessionEnded(before.status.value)
            _refuse_unknown(guide, command.variant)
            if before.variant == command.variant:
                return before, guide
            moment = max(clock.now(), before.updated_at)
            after = replace(before, variant=command.variant, version=before.version + 1, updated_at=moment)
            after = with_known_answers(after, guide) if guide else after
            if await _commit(work, before, after):
                return after, guide
        raise StaleSession


def _refuse_unknown(guide: Guide | None, variant: str) -> None:
    known: Mapping[str, str] = guide.variants if guide else dict[str, str]()
    if variant in known:
        return
    if not known:
        why = Message("La guía de esta sesión no tiene variantes: no hay nada que elegir.")
    else:
        why = Message("Debe ser uno de estos: {allowed}.", {"allowed": ", ".join(known)})
    raise InvalidInput([FieldProblem("variant", why, "not_an_option")])


async def _commit(work: UnitOfWork, before: Session, after: Session) -> bool:
    audit = work.scope.audit("variant", before=before.variant, after=after.variant)
    return await sessions.commit(work.connection, work.tenant, Change(after, before.version, after.updated_at, audit))
