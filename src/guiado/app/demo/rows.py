"""Rows of a synthetic session, as `guiado_commit` leaves those of a real one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from uuid import UUID

import msgspec

from guiado.app.demo import phrases
from guiado.app.demo.behaviour import Told
from guiado.app.demo.courses import Node, WrittenOffer, depth_of
from guiado.app.demo.customers import SyntheticCustomer
from guiado.app.demo.draws import Draws
from guiado.app.demo.openings import Opening
from guiado.domain.learning_signal import NO_KNOWN_PROBLEM
from guiado.domain.session import Outcome, Session, Status
from guiado.domain.step_answer import RECONTACT_WINDOW
from guiado.store.demo import SOURCE, Batch, StoredDecision, StoredRating, StoredSession, StoredTicket, StoredTry

_NOTED = {Outcome.COULD_NOT: 0.6, Outcome.NOT_HELPED: 0.18, Outcome.SOLVED: 0.25, Outcome.DONE: 0.0}
_SAID = {
    Outcome.COULD_NOT: phrases.BOOK.could_not,
    Outcome.NOT_HELPED: phrases.BOOK.not_helped,
    Outcome.SOLVED: phrases.BOOK.solved,
}
_TRUE_STEP, _OTHER_PROBLEM = 0.7, 0.08
_SEEN_S = 4.0
_EMPTY = b"[]"


@dataclass(frozen=True, slots=True)
class Frame:
    """Facts that the sessions of a load share: detection as it is now.

    Args:
        metadata: of every session, as JSON.
    """

    detector_version: str
    metadata: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Party:
    """The customer and the way of a session.

    Args:
        customer: None for one who gave no address.
        recontact_of: the solved session that this one calls into doubt.
    """

    session_id: UUID
    customer: SyntheticCustomer | None
    channel: str
    ticket_id: str | None
    recontact_of: UUID | None


class SyntheticSession:
    """A synthetic session with its moments.

    Args:
        began: when the customer wrote.
        told: how it went.
    """

    def __init__(self, party: Party, opening: Opening, told: Told, began: datetime) -> None:
        self.party, self.opening, self.told = party, opening, told
        self.session: Session = told.last.session
        self.moments = [began + timedelta(seconds=round(passed, 3)) for passed in accumulate(told.gaps_s)]

    def at(self, moment: datetime | None) -> datetime | None:
        """The real moment for one of the course."""
        depth = depth_of(moment)
        return None if depth is None else self.moments[depth]

    @property
    def ended_at(self) -> datetime:
        """Moment of the last thing that happened."""
        return self.moments[-1]

    @property
    def is_resolved(self) -> bool:
        """Whether it counts as solved."""
        return self.session.status is Status.RESOLVED


def write_story(story: SyntheticSession, frame: Frame, batch: Batch, draws: Draws) -> None:
    """Add the rows of a session, but for its rating."""
    batch.sessions.append(_session_row(story, frame, draws))
    for node, moment in zip(story.told.nodes, story.moments, strict=True):
        batch.decisions.extend(_decision_row(story, written, moment) for written in node.offers)
        if node.attempt is not None:
            batch.attempts.append(_attempt_row(story, node, moment, draws))
    if story.party.ticket_id is not None and story.session.escalation_reason is not None:
        batch.tickets.append(_ticket_row(story, story.party.ticket_id))


def rating_row(story: SyntheticSession, rating: int, words: str | None, at: datetime, draws: Draws) -> StoredRating:
    """A rating of a session that ended."""
    session, customer = story.session, story.party.customer
    return StoredRating(
        id=draws.new_id(at),
        session_id=story.party.session_id,
        ticket_id=story.party.ticket_id,
        customer_email=customer.email if customer else None,
        rating=rating,
        feedback_text=words,
        was_helpful=rating > 2 if draws.happens(0.8) else None,  # noqa: PLR2004 of five
        problem_detected_id=session.problem_id,
        total_steps=session.total_steps,
        completed_steps=session.current_step,
        resolved=story.is_resolved,
        collected_at=at,
    )


def _session_row(story: SyntheticSession, frame: Frame, draws: Draws) -> StoredSession:
    session, party, customer, told = story.session, story.party, story.party.customer, story.told
    resolved_at = story.at(session.resolved_at)
    true_problem, true_step = _truth(story, draws)
    policy = next((each.offer for node in told.nodes for each in node.offers if each.offer.policy), None)
    return StoredSession(
        session_id=party.session_id,
        ticket_id=party.ticket_id,
        customer_email=customer.email if customer else None,
        customer_name=customer.name if customer else None,
        problem_description=story.opening.text,
        detected_problem_id=session.problem_id,
        detected_problem_title=session.problem_title,
        status=session.status.value,
        current_step=session.current_step,
        total_steps=session.total_steps,
        started_at=story.moments[0],
        resolved_at=resolved_at,
        escalated_at=story.at(session.escalated_at),
        updated_at=story.at(session.updated_at) or story.moments[0],
        notes=_agents_note(told, session, draws),
        metadata=frame.metadata,
        version=session.version,
        failures=session.failures,
        attempts=session.attempts,
        decisions=session.decisions,
        guide_version_id=_uuid(session.guide_version_id),
        customer_id=customer.customer_id if customer else None,
        language=session.language,
        channel=party.channel,
        source=SOURCE,
        device=customer.device if customer else None,
        product=customer.product if customer else None,
        detector_version=frame.detector_version,
        detection_confidence=story.opening.confidence,
        alternatives=story.opening.alternatives,
        clarifications=session.clarifications,
        already_tried=session.facts.get("already_tried") or (),
        policy=policy.policy if policy else None,
        policy_version=policy.policy_version if policy else None,
        resolution=session.resolution.value if session.resolution else None,
        ended_at=story.at(session.ended_at),
        ended_how=session.ended_how,
        ended_by=session.ended_by.value if session.ended_by else None,
        escalation_reason=session.escalation_reason,
        recontact_until=resolved_at + RECONTACT_WINDOW if resolved_at and session.recontact_until else None,
        recontact_of=party.recontact_of,
        true_problem_id=true_problem,
        true_step_id=true_step,
        agent_minutes=told.agent_minutes,
        urgent=session.urgent,
        offered_step_id=session.offered_step_id,
        answers=told.last.answers,
        message_kind=session.message_kind.value,
    )


def _truth(story: SyntheticSession, draws: Draws) -> tuple[str | None, str | None]:
    """The true problem and step as the agent who closed the session said, if one did."""
    if story.told.agent_minutes is None:
        return None, None
    if story.session.problem_id is None:
        return NO_KNOWN_PROBLEM, None
    if draws.happens(_OTHER_PROBLEM):
        others = msgspec.json.decode(story.opening.alternatives, type=list[dict[str, object]])
        return (str(draws.one_of(others)["problem_id"]) if others else story.session.problem_id), None
    return story.session.problem_id, story.told.cause if draws.happens(_TRUE_STEP) else None


def _agents_note(told: Told, session: Session, draws: Draws) -> str | None:
    has_note = told.agent_minutes is not None and draws.happens(0.6)
    return draws.one_of(phrases.of(phrases.BOOK.agent, session.language)) if has_note else None


def _decision_row(story: SyntheticSession, written: WrittenOffer, moment: datetime) -> StoredDecision:
    offer = written.offer
    candidates = _joined(story.opening.considered, written.steps) if written.weighed else written.steps
    return StoredDecision(
        session_id=story.party.session_id,
        number=offer.number,
        offered_at=moment,
        kind=offer.kind,
        step_number=offer.step_number,
        step_id=offer.step_id,
        step_revision=offer.step_revision,
        candidates=candidates,
        rule=offer.rule,
        explored=offer.explored,
        probability=offer.probability,
        policy=offer.policy,
        policy_version=offer.policy_version,
    )


@lru_cache(maxsize=4_000)
def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _joined(first: msgspec.Raw, then: msgspec.Raw) -> msgspec.Raw:
    """Two JSON lists as one."""
    one, other = bytes(first), bytes(then)
    if _EMPTY in {one, other}:
        return then if one == _EMPTY else first
    return msgspec.Raw(one[:-1] + b"," + other[1:])


def _attempt_row(story: SyntheticSession, node: Node, moment: datetime, draws: Draws) -> StoredTry:
    attempt = node.attempt
    if attempt is None:
        raise LookupError(node.depth)
    offered_at, outcome, language = story.moments[node.since], attempt.outcome, story.session.language
    passed_s = (moment - offered_at).total_seconds()
    has_page = story.party.channel == "web"
    noted = draws.happens(_NOTED[outcome])
    words = draws.one_of(phrases.of(_SAID[outcome], language)) if noted else None
    return StoredTry(
        id=draws.new_id(moment),
        session_id=story.party.session_id,
        step_number=attempt.step_number,
        step_title=attempt.step_title,
        success=attempt.success,
        notes=words,
        attempted_at=moment,
        duration_seconds=passed_s,
        step_type=attempt.step_type,
        step_id=attempt.step_id,
        step_revision=attempt.step_revision,
        outcome=outcome.value,
        decision_number=attempt.decision_number,
        first_seen_at=offered_at + timedelta(seconds=min(_SEEN_S, passed_s) * draws.fraction()) if has_page else None,
        active_seconds=round(passed_s * (0.25 + 0.7 * draws.fraction()), 1) if has_page else None,
        source=attempt.source.value,
        reason=words if outcome is Outcome.COULD_NOT else None,
        guide_version_id=_uuid(attempt.guide_version_id),
        author_position=attempt.author_position,
    )


def _ticket_row(story: SyntheticSession, ticket_id: str) -> StoredTicket:
    session, customer = story.session, story.party.customer
    escalated_at = story.at(session.escalated_at) or story.ended_at
    return StoredTicket(
        ticket_id=ticket_id,
        customer_email=customer.email if customer else None,
        customer_name=customer.name if customer else None,
        subject=session.problem_title or story.opening.text[:120],
        description=story.opening.text,
        status="resolved" if story.is_resolved else "escalated",
        notes=session.escalation_reason,
        session_id=story.party.session_id,
        created_at=escalated_at,
        updated_at=story.at(session.updated_at) or escalated_at,
        resolved_at=story.at(session.resolved_at),
        metadata={"demo": True, "language": session.language, "message_kind": session.message_kind.value},
    )
