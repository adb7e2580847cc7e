"""Start: from the customer's words to the first step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from guiado import clock
from guiado.app.commands import Start
from guiado.app.knowledge import KnowledgeBase, Snapshot
from guiado.app.parts import Caller, Parts
from guiado.detection import Candidate, detect_language
from guiado.domain.decide import begin
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.i18n import DEFAULT_LANGUAGE, translate
from guiado.logs import get_logger
from guiado.store import sessions
from guiado.store.database import Connection

_ALTERNATIVES = 3
log = get_logger()


@dataclass(frozen=True, slots=True)
class Started:
    """A new session.

    Args:
        guide: the guide version that it follows, or None when nothing was recognised.
        alternatives: other problems that it could be, best first.
    """

    session: Session
    guide: Guide | None
    alternatives: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Detected:
    """What detection says of a text.

    Args:
        problem: the best candidate, if it is above the threshold.
        candidates: all that were considered, best first.
    """

    problem: Candidate | None
    candidates: tuple[Candidate, ...]


def detect(snapshot: Snapshot, text: str, threshold: float) -> Detected:
    """Which known problem a text is about.

    Args:
        threshold: a candidate below this confidence, 0..1, counts as none.
    """
    candidates = snapshot.index.rank(text, _ALTERNATIVES + 1)
    best = candidates[0] if candidates else None
    accepted = best if best and best.confidence >= threshold else None
    # The text itself stays out of the log: it may hold personal data.
    log.info(
        "problem_detection",
        problem=best.problem_id if best else None,
        score=round(best.confidence, 3) if best else 0.0,
        threshold=threshold,
        accepted=accepted is not None,
        detector=snapshot.index.version,
    )
    return Detected(accepted, candidates)


async def start(parts: Parts, connection: Connection, knowledge: KnowledgeBase, caller: Caller, command: Start) -> Started:
    """Begin a session and offer its first step, or a person when nothing is recognised.

    Args:
        knowledge: where to look the problem up.
        command: checked input.
    """
    now = clock.now()
    detected = detect(knowledge.snapshot, command.problem_description, parts.threshold)
    session, guide = await _prepare(parts, connection, knowledge.snapshot, caller, command, detected)
    customer_id = str(session.facts["customer_id"])
    recontact_of = await sessions.solved_before(connection, parts.tenant, customer_id, now, session.problem_id)
    session = replace(session, started_at=now, updated_at=now, facts={**session.facts, "recontact_of": recontact_of})
    decision = begin(session, guide, now, speak=translate)
    change = sessions.Change(decision.session, None, now, caller.audit("start"), events=decision.events, offers=decision.offers)
    await sessions.commit(connection, parts.tenant, change)
    accepted = detected.problem.problem_id if detected.problem else None
    others = tuple(c for c in detected.candidates if c.problem_id != accepted)[:_ALTERNATIVES]
    return Started(decision.session, guide, others)


async def _prepare(
    parts: Parts, connection: Connection, snapshot: Snapshot, caller: Caller, command: Start, detected: Detected
) -> tuple[Session, Guide | None]:
    problem_id = detected.problem.problem_id if detected.problem else None
    version_id = snapshot.version_ids.get(problem_id) if problem_id else None
    guide = await parts.guide_version(connection, version_id)
    language = command.language or caller.language or detect_language(command.problem_description) or DEFAULT_LANGUAGE
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
        facts=_facts(parts.tenant, parts.threshold, snapshot, caller, command, detected),
    )
    return session, guide


def _facts(
    tenant: str, threshold: float, snapshot: Snapshot, caller: Caller, command: Start, detected: Detected
) -> dict[str, object]:
    best = detected.candidates[0] if detected.candidates else None
    return {
        "channel": caller.channel,
        "source": command.source,
        "device": command.device,
        "product": command.product,
        "detector_version": snapshot.index.version,
        "detection_confidence": best.confidence if best else 0.0,
        "alternatives": [
            {"problem_id": c.problem_id, "confidence": round(c.confidence, 4)}
            for c in detected.candidates
            if c is not detected.problem
        ],
        "metadata": {"detection_threshold": threshold},
        "customer_id": pseudonym(tenant, command.customer_email),
    }


def pseudonym(tenant: str, email: str) -> str:
    """A stable name for a customer that does not show the address: 128 bits of SHA-256."""
    return hashlib.sha256(f"{tenant}\n{email}".encode()).hexdigest()[:32]
