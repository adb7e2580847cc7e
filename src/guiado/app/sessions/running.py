"""Running sessions of a customer who writes that all is well: the words that say so, and the session to offer to be closed.

Source: contract.md §6.16.
"""

from __future__ import annotations

from collections.abc import Sequence

from guiado.app.context import UnitOfWork
from guiado.detection import Candidate
from guiado.detection.message_reader import clauses_by_words
from guiado.detection.reading import Reading
from guiado.detection.roles.role import Clause, MessageKind, Role
from guiado.domain.session import Session
from guiado.store import sessions
from guiado.store.sessions import RunningSession
from guiado.text.closing_words import calms, closes_case
from guiado.text.tokenize import meaningful_part

_MOST = 5
_SURE_OF_TROUBLE = 0.7
_ASKS = {Role.PERSON, Role.WISH, Role.AUTOMATIC}
_NAMED_FROM = 0.5
"""Share of the confidences from which a problem is the one that a customer says is over."""


def says_it_is_over(reading: Reading, words: str) -> bool:
    """Whether a message, or its last clause, says in so many words that the case is over."""
    last = reading.clauses[-1].text if reading.clauses else ""
    is_told = closes_case(meaningful_part(words)) or closes_case(last)
    return is_told and (reading.kind is MessageKind.SOLVED or not _objects(reading.clauses))


def says_solved(words: str | None) -> bool:
    """Whether words beside something else, such as the note to a step, say that the problem is over."""
    return bool(words) and closes_case(meaningful_part(words)) and not _objects(clauses_by_words(words))


def _objects(clauses: Sequence[Clause]) -> bool:
    """Whether a clause clearly says that something is wrong, or asks for something."""
    told = [each for each in clauses if each.chance >= _SURE_OF_TROUBLE and not closes_case(each.text) and not calms(each.text)]
    return any(each.role is Role.WRONG or each.role in _ASKS for each in told)


async def to_close(
    work: UnitOfWork, customer_email: str | None, candidates: Sequence[Candidate], without: str | None = None
) -> RunningSession | None:
    """The running session of a customer that a message which says that all is well is about; None where there is none.

    Args:
        customer_email: None where the session has no address: then it is not known which others are the customer's.
        candidates: the problems that the message may be about, best first.
        without: id of the session that the message belongs to.
    """
    if customer_email is None or not work.scope.knows_customers:
        return None
    found = await sessions.running(work.connection, work.tenant, customer_email, _MOST)
    others = [each for each in found if each.session_id != without]
    # What works keeps hardly any confidence: its share in what is left tells which problem it was.
    whole = sum(each.confidence for each in candidates)
    named = next((each.problem_id for each in candidates if each.confidence >= _NAMED_FROM * whole > 0), None)
    return min(others, key=lambda each: each.problem_id != named, default=None)


def as_running(session: Session) -> RunningSession | None:
    """A session as one that can be closed; None once it ended."""
    if session.status.ended:
        return None
    return RunningSession(session.session_id, session.problem_id, session.problem_title, session.status.value)
