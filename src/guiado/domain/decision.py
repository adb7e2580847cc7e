"""What a command to a session comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from guiado.domain.clarification import Considered
from guiado.domain.events import Event
from guiado.domain.guide import Guide, Step
from guiado.domain.learning_signal import Lesson
from guiado.domain.session import Attempt, NextAction, Offer, Session


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command comes to.

    Args:
        session: the new state.
        events: what others are told, in order.
        attempt: the attempt to record, if the command was an answer.
        offers: what the customer is offered next, in order.
        next_action: how it goes on for the customer.
        lessons: what detection learns from it, in order.
    """

    session: Session
    events: tuple[Event, ...] = ()
    attempt: Attempt | None = None
    offers: tuple[Offer, ...] = ()
    next_action: NextAction = NextAction.CONTINUE
    lessons: tuple[Lesson, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """The same answer to a step that is already passed: tell the recorded answer again, change nothing.

    Args:
        step_number: the step that it was about.
        next_action: what was answered then.
    """

    step_number: int
    next_action: NextAction


def order_rule(session: Session, step: Step | None) -> str:
    """Why a step is the next one; what the customer said they did is offered to be skipped."""
    return "already-tried" if step and step.step_id in session.said_tried else "author-order"


def is_shown(session: Session, guide: Guide) -> bool:
    """Whether the customer is shown the steps of this guide.

    An urgent session shows those of an urgent guide alone: others would keep the customer busy with something else.
    """
    return guide.urgent or not session.urgent


def first_offers(
    session: Session, guide: Guide, now: datetime, considered: Considered = (), *, waits: bool = False
) -> tuple[Offer, ...]:
    """What is offered at the beginning of a guide: its first step, after a person where the session waits for one."""
    if not waits:
        return (offer_of(session, guide.steps[0], now, order_rule(session, guide.steps[0]), considered),)
    person = offer_of(session, None, now, "urgent" if session.urgent else "criterion", considered)
    if not is_shown(session, guide):
        return (person,)
    return person, offer_of(replace(session, decisions=person.number), guide.steps[0], now, "still-open")


def offer_of(session: Session, step: Step | None, now: datetime, rule: str, considered: Considered = ()) -> Offer:
    """The next thing that is offered to a customer.

    Args:
        step: a step of the guide; None means a person.
        rule: what made it the next one.
        considered: the problems that were weighed just before.
    """
    number = session.decisions + 1
    if step is None:
        return Offer(number, "escalation", now, rule, candidates=considered)
    steps: Considered = ({"step_id": step.step_id, "position": step.step_number},)
    return Offer(number, "step", now, rule, step.step_number, step.step_id, step.revision, (*considered, *steps))
