"""Lessons of a session for detection: examples, negative examples, corrections, and withdrawals of earlier lessons.

A decision carries its lessons; they are written with the session's change or not at all. `guiado_learn` in the schema, which
knows the earlier lessons, decides whether a lesson counts at once or waits for review.

Source: detection-method.md, what to build, 2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from guiado.domain.clarification import Clarification
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Actor, Resolution, Session, Status
from guiado.text.fold import fold_accents
from guiado.text.privacy import remove_personal_data
from guiado.text.tokenize import mail_of

NO_KNOWN_PROBLEM = "otro"
"""Problem id in an agent's correction when the true problem has no guide."""
_FEWEST_WORDS = 2
_LONGEST = 600
_WORD = re.compile(r"\w+")


class LessonKind(StrEnum):
    """Kind of a lesson."""

    EXAMPLE = "example"
    """The words are about this problem."""
    NEGATIVE = "negative"
    """The words are not about this problem."""
    CORRECTION = "correction"
    """The words are about this problem, as an agent says; the earlier lessons of the session do not hold."""
    UNDO = "undo"
    """The lessons from customers' answers in the session do not hold, or the example of one problem alone."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson of a session for detection.

    Args:
        problem_id: of the knowledge base; `NO_KNOWN_PROBLEM` in a correction to none of them; in an undo the one whose
            example does not hold, None for all lessons.
        text: the customer's words as written; what is kept of them is without personal data.
        known: personal data of the customer, such as their name, which goes from the words too.
        source: the author of the lesson.
        session_id: the session that it comes from, where that is not the one that is written.
        reason: why, for readers of the log of lessons.
    """

    kind: LessonKind
    problem_id: str | None = None
    text: str | None = None
    source: Actor = Actor.CUSTOMER
    session_id: str | None = None
    reason: str | None = None
    known: tuple[str, ...] = ()

    @property
    def weight(self) -> float:
        """Weight of the lesson, 0..1; the author's own texts weigh 1."""
        return 0.9 if self.source is Actor.AGENT else 0.6


def confirmed(session: Session) -> tuple[Lesson, ...]:
    """The lesson of a session that was just solved: its description is an example of its problem.

    A solution that is only assumed teaches nothing: nobody judged it, and detection would learn its own guess. Words about
    several problems are no example of one.
    """
    if session.status is not Status.RESOLVED or session.resolution is not Resolution.CONFIRMED or session.problem_id is None:
        return ()
    words = words_of(session)
    if words is None or len(session.also_named) > 1:
        return ()
    # Whoever answers steps may call himself an agent: only what agents alone can do is trusted as theirs.
    source = Actor.MACHINE if session.ended_by is Actor.MACHINE else Actor.CUSTOMER
    return (_lesson(LessonKind.EXAMPLE, session.problem_id, words, session, "solved", source),)


def words_of(session: Session, *, by_agent: bool = False) -> str | None:
    """The customer's words about the problem of a session; None where they wrote none.

    What they wrote first is about another problem where they rejected that one in new words, and about none where it said
    nothing, or only that all is well, or asked for a person or something else.

    Args:
        by_agent: whether an agent read the words: then what they were taken for does not count, unless they name nothing at all.
    """
    reporting = {MessageKind.PROBLEM, *({MessageKind.OTHER, MessageKind.SOLVED} if by_agent else ())}
    reports = session.message_kind in reporting or bool(session.rejected)
    return latest_words(session.problem_description if reports else None, session.clarifications)


def latest_words(first: str | None, clarifications: Sequence[Clarification]) -> str | None:
    """The words that say what the problem is: the first, or the last ones where the first are about another or about none."""
    told = [each for each in clarifications if each.words]
    if any(each.rejected for each in told) or (clarifications and clarifications[0].asks_openly):
        return told[-1].words if told else None
    return first


def rejected(session: Session, problem_id: str, *, told: bool) -> tuple[Lesson, ...]:
    """The lesson of a rejected problem: the customer's words are not about it.

    Args:
        told: whether they said what it is instead; a bare "that is not it" counts for their session only.
    """
    words = words_of(session)
    return (_lesson(LessonKind.NEGATIVE, problem_id, words, session, "replaced" if told else "rejected"),) if words else ()


def corrected(session: Session, problem_id: str) -> tuple[Lesson, ...]:
    """The lessons of an agent's correction of a session's problem.

    Args:
        problem_id: the true problem, or `NO_KNOWN_PROBLEM`.
    """
    text = words_of(session, by_agent=True)
    right = _lesson(LessonKind.CORRECTION, problem_id, text, session, "corrected", Actor.AGENT)
    if text is None or session.problem_id in {None, problem_id}:
        return (right,)
    return (right, _lesson(LessonKind.NEGATIVE, session.problem_id, text, session, "corrected", Actor.AGENT))


def _lesson(
    kind: LessonKind, problem_id: str | None, words: str | None, session: Session, reason: str, source: Actor = Actor.CUSTOMER
) -> Lesson:
    known = tuple(filter(None, (session.customer_name, session.customer_email)))
    return Lesson(kind, problem_id, words, source, reason=reason, known=known)


def withdrawn(reason: str, session_id: str | None = None) -> Lesson:
    """The lesson that withdraws the lessons from customers' answers in a session.

    Args:
        reason: recontact, escalated, rated.
        session_id: which session; by default the one that is written.
    """
    return Lesson(LessonKind.UNDO, source=Actor.MACHINE, session_id=session_id, reason=reason)


def taken_back(session: Session) -> Lesson:
    """The lesson that withdraws the example of a session whose customer takes back that it is solved."""
    return Lesson(LessonKind.UNDO, session.problem_id, source=Actor.MACHINE, reason="undone")


def fit_to_learn(said: str, known: Iterable[str] = ()) -> str | None:
    """The part of a text that makes an example: of a mail the customer's own words, without personal data.

    Args:
        said: as it was written.
        known: personal data of the customer; see `privacy.remove_personal_data`.

    Returns:
        None where too little is left.
    """
    words = " ".join(remove_personal_data(mail_of(said).body, known).split())
    if len(words) > _LONGEST:
        words = words[:_LONGEST].rpartition(" ")[0] or words[:_LONGEST]
    return words if len(_WORD.findall(words)) >= _FEWEST_WORDS else None


def text_key(text: str) -> str:
    """Key of a text, 128 bits of SHA-256; case, accents, punctuation, repeated words and the order of words do not change it."""
    words = " ".join(sorted({*_WORD.findall(fold_accents(text))}))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Taught:
    """An accepted example for detection.

    Args:
        example_id: of its row.
        text: a customer's words, without personal data.
        weight: see `Lesson`.
        negative: whether the words are *not* about the problem.
        source: customer, machine, agent or author.
    """

    example_id: str
    problem_id: str
    text: str
    weight: float
    negative: bool
    source: str


@dataclass(frozen=True, slots=True)
class CustomerWord:
    """Vote of one customer on a text.

    Args:
        taught: the example; it counts by itself unless it is a vote.
        is_vote: whether it counts only together with those of others.
        mailbox: whose it is, as in "anaperez@example.com".
        day: when it was said, in UTC.
    """

    taught: Taught
    is_vote: bool
    mailbox: str
    day: date


@dataclass(frozen=True, slots=True)
class Dispute:
    """Words of which customers agree that they are not about a problem.

    Args:
        text: the words, without personal data.
        loss: the share of the problem's confidence that they lose, 0..1.
    """

    problem_id: str
    text: str
    loss: float
