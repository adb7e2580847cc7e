"""Detect: which known problem a text may be about, and why. Nothing is stored, and no database is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.language import example_in, message_language
from guiado.app.sessions.models import CandidateOut, EvidenceOut
from guiado.app.sessions.ranking import candidates_for, rank
from guiado.detection import Candidate, Index
from guiado.detection.verdict import Verdict, verdict_of
from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Detected:
    """What detection says of a text.

    Args:
        verdict: take the first, ask which one, or call a person.
        candidates: best first.
        language: es, en or pt; None where nothing tells.
        foreign: another language that the text is written in, by its ISO 639 code.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...]
    language: str | None
    foreign: str | None = None


async def detected_in(snapshot: Snapshot, text: str, none_below: float, accept_from: float, limit: int = 3) -> Detected:
    """As `detect`, for an event loop that serves others too."""
    ranking = await rank(snapshot, text, limit)
    return _with_verdict(ranking.candidates, snapshot.guides, text, none_below, accept_from)


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
    return _with_verdict(candidates_for(index, guides, text, limit), guides, text, none_below, accept_from)


def _with_verdict(
    candidates: tuple[Candidate, ...], guides: Mapping[str, Guide], text: str, none_below: float, accept_from: float
) -> Detected:
    spoken = message_language(text, candidates, guides)
    return Detected(verdict_of(candidates, none_below, accept_from), candidates, spoken.language, spoken.foreign)


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
        evidence=EvidenceOut(words=list(candidate.evidence), example=example_in(guide, candidate, language)),
    )
