"""Start: from the customer's words to the first step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from guiado import clock
from guiado.app.commands import Start, StartHere
from guiado.app.context import Scope, UnitOfWork
from guiado.app.knowledge.knowledge_base import KnowledgeBase, Snapshot
from guiado.app.sessions.alarms import hear
from guiado.app.sessions.already_tried import already_tried
from guiado.app.sessions.clarifying_question import considered_of, inquire
from guiado.app.sessions.language import message_language
from guiado.app.sessions.llm_choice import Opinion, heed
from guiado.app.sessions.no_problem import MOST_CODES_TOLD, instead_of_problem, named_problems
from guiado.app.sessions.ranking import Ranking, log_ranking, rank, verdict_on
from guiado.app.sessions.running import says_it_is_over, to_close
from guiado.detection import Candidate, Index
from guiado.detection.verdict import Verdict
from guiado.domain.decide import begin
from guiado.domain.decision import Decision
from guiado.domain.guide import Guide
from guiado.domain.learning_signal import withdrawn
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Session
from guiado.errors import StaleSession
from guiado.i18n import DEFAULT_LANGUAGE, translate
from guiado.store import sessions
from guiado.store.sessions import RunningSession
from guiado.text.tokenize import mail_of

_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Started:
    """A session that begins, or goes on after a clarification or rejection.

    Args:
        guide: the guide version that it follows, or None when nothing was recognised.
        alternatives: other problems that it could be, best first.
        verdict: of detection; where nothing could be asked, the best one was taken even if it is unclear.
        running: the customer's session that is offered to be closed, where they write that all is well.
    """

    session: Session
    guide: Guide | None
    alternatives: tuple[Candidate, ...]
    verdict: Verdict = Verdict.ACCEPT
    running: RunningSession | None = None


async def start(
    work: UnitOfWork,
    knowledge: KnowledgeBase,
    command: Start | StartHere,
    opinion: Opinion | None = None,
    ranking: Ranking | None = None,
) -> Started:
    """Begin a session and offer its first step; a clarification where the problem is unclear and may be asked; or a person.

    Args:
        knowledge: where to look the problem up.
        command: checked input.
        opinion: of a language model, from `second_opinion`; it counts where detection wavers.
        ranking: of the description, made before the connection was taken.
    """
    now = clock.now()
    ranking = ranking or await rank(knowledge.snapshot, command.problem_description)
    snapshot, candidates = ranking.snapshot, ranking.candidates
    log_ranking(ranking, work.app.threshold)
    known, words = knowledge.snapshot.guides, (command.problem_description,)
    is_heard = hear(words, None, known.values(), DEFAULT_LANGUAGE) is not None
    judged = await _judge(work, ranking, command, opinion, is_heard=is_heard)
    candidates, verdict = judged.candidates, judged.verdict
    # Who needs a person at once is asked nothing first.
    asks = command.clarify and verdict is Verdict.UNCLEAR and not is_heard
    taken = None if asks or verdict is Verdict.NONE else candidates[0]
    session, guide = await _prepare(work, knowledge, snapshot, command, candidates, taken)
    named = named_problems(ranking.reading, snapshot.guides, session.language)
    codes = ranking.reading.unknown_codes[:MOST_CODES_TOLD]
    session = replace(session, message_kind=judged.kind, also_named=named, unknown_codes=codes)
    instead = await instead_of_problem(work, snapshot, judged.kind, ranking.reading, session.language)
    asked = inquire(snapshot, candidates, session.language) if asks else None
    # What the problem is must be known first.
    recontact_of = None if asks else await doubted(work, session, now)
    session = replace(session, started_at=now, updated_at=now, facts={**session.facts, "recontact_of": recontact_of})
    alarm = None if asks else hear(words, guide, known.values(), session.language)
    considered, policy = considered_of(candidates), work.policy
    decision = begin(
        session, guide, now, asked=asked, considered=considered, speak=translate, alarm=alarm, policy=policy, instead=instead
    )
    await store_new(work, decision, opinion, recontact_of, now)
    others = tuple(c for c in candidates if c.problem_id != session.problem_id)[:_ALTERNATIVES]
    return Started(decision.session, guide, others, verdict, judged.running)


@dataclass(frozen=True, slots=True)
class _Judged:
    candidates: tuple[Candidate, ...]
    verdict: Verdict
    kind: MessageKind
    running: RunningSession | None = None


async def _judge(
    work: UnitOfWork, ranking: Ranking, command: Start | StartHere, opinion: Opinion | None, *, is_heard: bool
) -> _Judged:
    """The verdict on a description and its kind; with the running session that the customer says is over."""
    reading, candidates = ranking.reading, ranking.candidates
    wished = command.problem_id if isinstance(command, StartHere) else None
    if wished is not None and wished in ranking.snapshot.guides:
        chosen = Candidate(wished, 1.0, ())
        others = (each for each in candidates if each.problem_id != wished)
        return _Judged((chosen, *others), Verdict.ACCEPT, MessageKind.PROBLEM)
    thresholds = work.app.threshold, work.app.accept_from
    verdict, kind = verdict_on(reading, ranking.snapshot.guides, *thresholds, is_problem=is_heard)
    may_close = not is_heard and verdict is not Verdict.ACCEPT and kind is not MessageKind.PERSON
    if kind is MessageKind.SOLVED or (may_close and says_it_is_over(reading, command.problem_description)):
        named = candidates if reading.kind is MessageKind.SOLVED else ()
        running = await to_close(work, command.customer_email, named)
        if running or kind is MessageKind.SOLVED:
            return _Judged(candidates, Verdict.NONE, MessageKind.SOLVED, running)
    if opinion is not None and verdict is Verdict.UNCLEAR:
        candidates, verdict = _heed(opinion, candidates, can_ask=command.clarify)
    return _Judged(candidates, verdict, kind)


async def doubted(work: UnitOfWork, session: Session, now: datetime) -> str | None:
    """Id of the solved session that this one calls into doubt; a customer who does not complain doubts none."""
    if session.message_kind not in {MessageKind.PROBLEM, MessageKind.PERSON}:
        return None
    return await solved_before(work, session.customer_email, session.problem_id, now)


async def solved_before(work: UnitOfWork, email: str | None, problem_id: str | None, now: datetime) -> str | None:
    """Id of the latest solved session of a customer about a problem that a new contact calls into doubt.

    Args:
        email: None where nobody knows who the customer is; then no session is theirs.
    """
    customer_id = customer_id_of(work.tenant, email)
    if customer_id is None or not work.scope.knows_customers:
        return None
    return await sessions.solved_before(work.connection, work.tenant, customer_id, now, problem_id)


async def store_new(
    work: UnitOfWork, decision: Decision, opinion: Opinion | None, recontact_of: str | None, now: datetime
) -> None:
    """Write the new session; a customer who comes back withdraws the lessons of the solved session."""
    lessons = (*decision.lessons, *((withdrawn("recontact", recontact_of),) if recontact_of else ()))
    audit = work.scope.audit("start", guide_version_id=decision.session.guide_version_id)
    offers = opinion.sign(decision.offers) if opinion else decision.offers
    also = (opinion.audit(work.scope),) if opinion else ()
    change = sessions.Change(
        decision.session, None, now, audit, events=decision.events, offers=offers, lessons=lessons, also=also
    )
    if not await sessions.commit(work.connection, work.tenant, change):  # a session with this very id was there already
        raise StaleSession


def _heed(opinion: Opinion, candidates: tuple[Candidate, ...], *, can_ask: bool) -> tuple[tuple[Candidate, ...], Verdict]:
    """Candidates and verdict with a model's opinion; where it chose none, a customer who can be asked is asked."""
    if opinion.chosen is None:
        return candidates, Verdict.UNCLEAR if can_ask else Verdict.NONE
    chosen_first = heed(opinion, candidates)
    if chosen_first[0].problem_id != opinion.chosen:  # another knowledge base meanwhile
        return candidates, Verdict.UNCLEAR
    return chosen_first, Verdict.ACCEPT


async def _prepare(
    work: UnitOfWork,
    knowledge: KnowledgeBase,
    snapshot: Snapshot,
    command: Start | StartHere,
    candidates: tuple[Candidate, ...],
    taken: Candidate | None,
) -> tuple[Session, Guide | None]:
    problem_id = taken.problem_id if taken else None
    version_id = snapshot.version_ids.get(problem_id) if problem_id else None
    guide = await work.guide_version(version_id)
    said = command.problem_description
    language = command.language or work.scope.language or message_language(said, candidates, snapshot.guides).language
    language = language or DEFAULT_LANGUAGE
    now = clock.now()
    session = Session(
        session_id=str(clock.new_id()),
        ticket_id=None if command.ticket_id is None else str(command.ticket_id),
        customer_email=command.customer_email,
        customer_name=command.customer_name,
        problem_description=command.problem_description,
        started_at=now,
        updated_at=now,
        total_steps=len(guide.steps) if guide else 0,
        problem_id=guide.problem_id if guide else None,
        problem_title=guide.in_language(language).problem_title if guide else None,
        guide_version_id=version_id,
        language=language,
        facts={
            **_facts(work.tenant, work.app.threshold, knowledge.scope, snapshot.index, work.scope, command, candidates),
            "alternatives": considered_of([candidate for candidate in candidates if candidate is not taken]),
            "already_tried": already_tried(guide, command.problem_description, language),
        },
    )
    return session, guide


def _facts(
    tenant: str,
    threshold: float,
    scope: str,
    index: Index,
    caller: Scope,
    command: Start | StartHere,
    candidates: tuple[Candidate, ...],
) -> dict[str, object]:
    best = candidates[0] if candidates else None
    return {
        "channel": caller.channel,
        "source": command.source,
        "device": command.device,
        "product": command.product,
        "detector_version": index.version,
        "detection_confidence": best.confidence if best else 0.0,
        "metadata": {
            "detection_threshold": threshold,
            "detection_intercept": index.intercept,
            "scope": scope,
            **_forwarded_by(command),
        },
        "customer_id": customer_id_of(tenant, command.customer_email),
    }


def _forwarded_by(command: Start | StartHere) -> dict[str, str]:
    """Facts of the original sender of a forwarded mail; none where it is the customer's own."""
    sender, email = mail_of(command.problem_description).original_sender, command.customer_email
    return {"original_sender": sender} if sender and (email is None or email not in sender.lower()) else {}


def customer_id_of(tenant: str, email: str | None) -> str | None:
    """The pseudonym of a session's customer; None while the session has no address."""
    return None if email is None else pseudonym(tenant, email)


def pseudonym(tenant: str, email: str) -> str:
    """A stable name for a customer that does not show the address: 128 bits of SHA-256."""
    return hashlib.sha256(f"{tenant}\n{email}".encode()).hexdigest()[:32]
