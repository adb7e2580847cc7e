"""Decisions about a session whose customer reports no problem: it is solved, wants a person, says nothing, or is something else.

Source: contract.md §6.16.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from guiado.domain import escalation, events
from guiado.domain.clarification import Clarification, Considered, Declared
from guiado.domain.decision import Decision, offer_of
from guiado.domain.escalation import Speak
from guiado.domain.message_kind import MessageKind
from guiado.domain.policy import Rationale
from guiado.domain.session import Actor, NextAction, Offer, Resolution, Session
from guiado.domain.session_commands import Alarm
from guiado.domain.step_answer import resolved


def begin_without_problem(
    session: Session, turn: Declared | Clarification, now: datetime, considered: Considered, speak: Speak
) -> Decision:
    """The first decision of a session whose message reports no problem.

    Args:
        turn: what the message says instead, or what is asked where it says nothing.
        considered: the problems that were weighed.
    """
    if isinstance(turn, Clarification):
        decided = ask_what_is_wrong(session, turn, now, considered)
    else:
        decided = take_declared(session, turn, now, considered, speak)
    return replace(decided, events=(events.session_started(session), *decided.events))


def ask_what_is_wrong(session: Session, asked: Clarification, now: datetime, considered: Considered) -> Decision:
    """Ask what is wrong, with the most frequent problems to choose from."""
    offered = Offer(session.decisions + 1, "options", now, "nothing-said", candidates=considered)
    waiting = replace(session, decisions=offered.number, clarifications=(*session.clarifications, asked))
    return Decision(waiting, offers=(offered,))


def take_declared(session: Session, said: Declared, now: datetime, considered: Considered, speak: Speak) -> Decision:
    """Close a session whose customer says that it is solved; call a person for everything else."""
    if said.kind is MessageKind.SOLVED:
        # It was not this session that solved it: nothing is to be doubted later.
        closed = replace(resolved(session, Resolution.CONFIRMED, Actor.CUSTOMER, now), recontact_until=None)
        return Decision(closed, (events.session_resolved(closed),), next_action=NextAction.RESOLVED)
    reason = said.reason or escalation.REQUESTED
    asked, called = escalation.sound(session, Alarm(speak(reason, session.language)), now)
    rule = "requested" if said.kind is MessageKind.PERSON else "no-problem"
    offered = offer_of(asked, None, now, Rationale(rule), considered)
    return Decision(replace(asked, decisions=offered.number), called, offers=(offered,), next_action=NextAction.ESCALATE)
