"""Messages that report no problem: what follows instead, and what the customer may choose from.

Source: contract.md §6.16.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from guiado import clock
from guiado.app.context import UnitOfWork
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.clarifying_question import option_of
from guiado.detection import Candidate
from guiado.detection.message_reader import clauses_by_words
from guiado.detection.reading import PERSON_FROM, Reading
from guiado.detection.roles.role import Role
from guiado.domain import escalation
from guiado.domain.clarification import Clarification, Declared
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import NamedProblem
from guiado.domain.session_commands import Alarm
from guiado.errors import Message
from guiado.i18n import translate
from guiado.store import reports

_SHOWN = 5
_PERIOD = timedelta(days=30)
_MOST_NAMED = 3
MOST_CODES_TOLD = 5
"""Unknown codes that a session keeps: who names more pastes a log."""
_REASONS: Mapping[Role, Message] = {
    Role.WISH: escalation.WISH,
    Role.THANKS: escalation.PRAISE,
    Role.AUTOMATIC: escalation.AUTOMATIC,
}


async def instead_of_problem(
    work: UnitOfWork, snapshot: Snapshot, kind: MessageKind, reading: Reading, language: str
) -> Declared | Clarification | None:
    """Turn after a message that reports no problem; None for one that does.

    Args:
        kind: of the message, as those who act on it take it.
        language: of the session.
    """
    match kind:
        case MessageKind.PROBLEM:
            return None
        case MessageKind.NOTHING_SAID:
            return await frequent_options(work, snapshot, language)
        case MessageKind.OTHER:
            return Declared(kind, _reason(reading))
        case _:
            return Declared(kind)


def _reason(reading: Reading) -> Message:
    """Reason for the person of a message that is neither a problem nor a request for a person."""
    told = [clause for clause in reading.clauses if clause.role in _REASONS]
    best = max(told, key=lambda clause: clause.chance, default=None)
    return _REASONS[best.role] if best else escalation.NO_PROBLEM


async def frequent_options(work: UnitOfWork, snapshot: Snapshot, language: str) -> Clarification:
    """The most frequent problems of the last days, then others of the knowledge base, for a customer who named none."""
    now = clock.now()
    known = await reports.frequent_problems(work.connection, work.tenant, now - _PERIOD, now + timedelta(seconds=1), _SHOWN)
    ids = dict.fromkeys((*(each for each in known if each in snapshot.guides), *snapshot.guides))
    options = tuple(option_of(snapshot, Candidate(each, 0.0, ()), language) for each in [*ids][:_SHOWN])
    return Clarification(options)


def named_problems(reading: Reading, guides: Mapping[str, Guide], language: str) -> tuple[NamedProblem, ...]:
    """The problems that a message names side by side, with their titles."""
    ids = [each for each in reading.several if each in guides][:_MOST_NAMED]
    return tuple(NamedProblem(each, guides[each].in_language(language).problem_title) for each in ids)


def person_alarm(words: str | None, language: str) -> Alarm | None:
    """A request for a person in what a customer writes beside something else, such as the note to a step."""
    told = clauses_by_words(words) if words else ()
    is_asked = any(clause.role is Role.PERSON and clause.chance >= PERSON_FROM for clause in told)
    return Alarm(translate(escalation.REQUESTED, language)) if is_asked else None
