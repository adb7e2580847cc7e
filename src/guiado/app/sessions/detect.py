"""Detection of the problem of a text, with evidence. Nothing is stored, and no database is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.models import CandidateOut, EvidenceOut
from guiado.app.sessions.ranking import candidates_for, rank
from guiado.detection import Candidate, Index, detect_language
from guiado.detection.verdict import Verdict, verdict_of
from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Detected:
    """Result of detection on a text.

    Args:
        verdict: take the first, ask which one, or call a person.
        candidates: best first.
        language: es, en or pt; None where the text does not tell.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...]
    language: str | None


async def detected_in(snapshot: Snapshot, text: str, none_below: float, accept_from: float, limit: int = 3) -> Detected:
    """Rank the known problems for a text as `detect` does, without holding up the event loop."""
    ranking = await rank(snapshot, text, limit)
    return _with_verdict(ranking.candidates, text, none_below, accept_from)


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
    return _with_verdict(candidates_for(index, guides, text, limit), text, none_below, accept_from)


def _with_verdict(candidates: tuple[Candidate, ...], text: str, none_below: float, accept_from: float) -> Detected:
    return Detected(verdict_of(candidates, none_below, accept_from), candidates, detect_language(text))


def view(detected: Detected, guides: Mapping[str, Guide], language: str | None) -> list[CandidateOut]:
    """The candidates as the API and the terminal show them.

    Args:
        guides: of the knowledge base that was searched.
        language: of the titles; by default that of the text.
    """
    spoken = language or detected.language or DEFAULT_LANGUAGE
    return [_candidate(each, guides[each.problem_id].in_language(spoken)) for each in detected.candidates]


def _candidate(candidate: Candidate, guide: Guide) -> CandidateOut:
    return CandidateOut(
        problem_id=candidate.problem_id,
        problem_title=guide.problem_title,
        category=str(guide.category),
        confidence=round(candidate.confidence, 4),
        evidence=EvidenceOut(words=list(candidate.evidence), example=candidate.example),
    )
