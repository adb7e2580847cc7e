"""Next problem: a session about another problem that the customer named together with the one of an earlier session.

Source: contract.md §6.16.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from guiado import clock
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.sessions.alarms import hear
from guiado.app.sessions.already_tried import already_tried
from guiado.app.sessions.answer import load, telling_state
from guiado.app.sessions.start import Started, customer_id_of, doubted, store_new
from guiado.domain.decide import begin
from guiado.domain.guide import Guide
from guiado.domain.session import NamedProblem, Session
from guiado.errors import FieldProblem, InvalidInput, Message, NoOtherProblem
from guiado.i18n import translate
from guiado.store import sessions
from guiado.store.sessions import RunningSession

_MOST = 20


async def start_next(work: UnitOfWork, knowledge: KnowledgeBase, session_id: object, command: commands.StartNext) -> Started:
    """Begin with another problem that the customer named in a session; one that they began with already goes on.

    Args:
        knowledge: of that session.

    Raises:
        SessionNotFound: no session has this id.
        InvalidInput: the problem is none of those that are left.
        NoOtherProblem: none is left, or none has a guide any more.
    """
    async with telling_state(work, session_id):
        loaded, _ = await load(work, session_id)
        before = loaded.session
        wanted = _wanted(before, command.problem_id)
        begun = await _begun(work, before)
        again = next((each for each in begun if each.problem_id == wanted.problem_id), None)
        if again is not None:
            found, guide = await load(work, again.session_id)
            return Started(found.session, guide, ())
        version_id = knowledge.snapshot.version_ids.get(wanted.problem_id)
        guide = await work.guide_version(version_id)
        if guide is None or version_id is None:
            raise NoOtherProblem
        return await _start(work, knowledge, before, guide, version_id)


async def _begun(work: UnitOfWork, before: Session) -> list[RunningSession]:
    """The running sessions of the same customer; of one without an address, those that began from this session."""
    if before.customer_email is None:
        return await sessions.continued(work.connection, work.tenant, before.session_id, _MOST)
    return await sessions.running(work.connection, work.tenant, before.customer_email, _MOST)


def _wanted(before: Session, problem_id: str | None) -> NamedProblem:
    """The problem to begin with: the one that is named, by default the first that is left."""
    left = before.other_problems
    if not left:
        raise NoOtherProblem
    found = next((each for each in left if problem_id in {None, each.problem_id}), None)
    if found is None:
        why = Message("No es ninguno de los otros problemas que nombró el cliente. Elige uno de other_problems.")
        raise InvalidInput([FieldProblem("problem_id", why)])
    return found


async def _start(work: UnitOfWork, knowledge: KnowledgeBase, before: Session, guide: Guide, version_id: str) -> Started:
    now, words = clock.now(), before.problem_description
    session = _session(work, knowledge, before, guide, version_id, now)
    recontact_of = await doubted(work, session, now)
    session = replace(session, facts={**session.facts, "recontact_of": recontact_of})
    # What is urgent about the words was heard when they came; this guide's own criteria were not.
    alarm = hear((words,), guide, (), session.language)
    decision = begin(session, guide, now, speak=translate, alarm=alarm, policy=work.policy)
    await store_new(work, decision, None, recontact_of, now)
    return Started(decision.session, guide, ())


def _session(
    work: UnitOfWork, knowledge: KnowledgeBase, before: Session, guide: Guide, version_id: str, now: datetime
) -> Session:
    """The new session: of the same customer, ticket and words. Nothing was detected: its confidence counts nowhere."""
    return Session(
        session_id=str(clock.new_id()),
        ticket_id=before.ticket_id,
        customer_email=before.customer_email,
        customer_name=before.customer_name,
        problem_description=before.problem_description,
        started_at=now,
        updated_at=now,
        total_steps=len(guide.steps),
        problem_id=guide.problem_id,
        problem_title=guide.in_language(before.language).problem_title,
        guide_version_id=version_id,
        language=before.language,
        also_named=tuple(_handled(each, before) for each in before.also_named),
        variant=before.variant,
        facts={
            "device": before.facts.get("device"),
            "channel": work.scope.channel,
            "detector_version": knowledge.snapshot.index.version,
            "detection_confidence": 0.0,
            "metadata": {"scope": knowledge.scope, "continues": before.session_id},
            "customer_id": customer_id_of(work.tenant, before.customer_email),
            "already_tried": already_tried(guide, before.problem_description, before.language),
        },
    )


def _handled(named: NamedProblem, before: Session) -> NamedProblem:
    return replace(named, handled=named.handled or named.problem_id == before.problem_id)
