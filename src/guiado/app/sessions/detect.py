"""Detection of the problem of a text, with evidence. Nothing is stored, and no database is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.language import example_in, message_language
from guiado.app.sessions.models import CandidateOut, ClauseOut, EvidenceOut
from guiado.app.sessions.ranking import CONSIDERED, rank, reading_of, verdict_on
from guiado.detection import Candidate, Index
from guiado.detection.reading import Reading
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.i18n import DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Detected:
    """Result of detection on a text.

    Args:
        verdict: take the first, ask which one, or call a person.
        candidates: best first.
        language: es, en or pt; None where nothing tells.
        kind: what the text is as a whole.
        reading: its clauses, and the problems that it denies.
        foreign: another language that the text is written in, by its ISO 639 code.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...]
    language: str | None
    kind: MessageKind
    reading: Reading
    foreign: str | None = None


async def detected_in(snapshot: Snapshot, text: str, none_below: float, accept_from: float, limit: int = 3) -> Detected:
    """Rank the known problems for a text as `detect` does, without holding up the event loop."""
    ranking = await rank(snapshot, text, max(limit, CONSIDERED))
    return _with_verdict(ranking.reading, snapshot.guides, text, none_below, accept_from, limit)


def detect(
    index: Index, guides: Mapping[str, Guide], text: str, none_below: float, accept_from: float, limit: int = 3
) -> Detected:
    """Rank the known problems for a text.

    Args:
        guides: of the knowledge base that the index is of; those of problems without one are left out.
        none_below: a best candidate under this confidence, 0..1, is none.
        accept_from: from this confidence on it is taken without asking.
        limit: most candidates wanted.
    """
    reading = reading_of(index, guides, text, max(limit, CONSIDERED))
    return _with_verdict(reading, guides, text, none_below, accept_from, limit)


def _with_verdict(
    reading: Reading, guides: Mapping[str, Guide], text: str, none_below: float, accept_from: float, limit: int
) -> Detected:
    """The verdict, which is the same however many candidates are wanted."""
    verdict, kind = verdict_on(reading, guides, none_below, accept_from)
    spoken = message_language(text, reading.candidates, guides)
    return Detected(verdict, reading.candidates[:limit], spoken.language, kind, reading, spoken.foreign)


def clauses_view(detected: Detected) -> list[ClauseOut]:
    """The clauses of the text and their roles, as the API and the terminal show them."""
    return [ClauseOut(text=each.text, role=each.role.value) for each in detected.reading.clauses]


def view(detected: Detected, guides: Mapping[str, Guide], language: str | None) -> list[CandidateOut]:
    """The candidates as the API and the terminal show them.

    Args:
        guides: of the knowledge base that was searched.
        language: of the titles; by default that of the text.
    """
    spoken = language or detected.language or DEFAULT_LANGUAGE
    return [_candidate(each, guides[each.problem_id], spoken) for each in detected.candidates]


def _candidate(candidate: Candidate, guide: Guide, language: str) -> CandidateOut:
    return CandidateOut(
        problem_id=candidate.problem_id,
        problem_title=guide.in_language(language).problem_title,
        category=str(guide.category),
        confidence=round(candidate.confidence, 4),
        evidence=EvidenceOut(
            words=list(candidate.evidence),
            example=example_in(guide, candidate, language),
            codes=list(candidate.codes),
            other_codes=list(candidate.other_codes),
            not_this=candidate.not_this,
        ),
    )
