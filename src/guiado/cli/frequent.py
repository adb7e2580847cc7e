"""Reads for the chat: the most frequent problems, and steps already passed."""

from __future__ import annotations

from typing import Any

from guiado.app.analytics.report import analytics
from guiado.app.context import UnitOfWork
from guiado.app.models import plain
from guiado.app.sessions import answer, views
from guiado.domain.guide import Guide
from guiado.sync import engine

_SHOWN = 5
_DAYS = 30


def is_known(description: str) -> bool:
    """Whether detection finds a possible problem for this description."""
    running = engine()
    snapshot = running.portal.call(running.runtime.knowledge_of, None).snapshot
    best = snapshot.index.rank(description, 1)
    return bool(best) and best[0].confidence >= running.runtime.parts.threshold


def frequent_problems(language: str) -> list[dict[str, Any]]:
    """The problems that most sessions of the last days were about, then the others in the order of the knowledge base.

    Args:
        language: es, en or pt, of what is shown.

    Returns:
        At most five: `problem_id title example`.
    """

    async def run(work: UnitOfWork) -> list[str]:
        found = await analytics(work, _DAYS)
        return [row.detected_problem_id for row in found.problem_distribution]

    running = engine()
    guides = running.portal.call(running.runtime.knowledge_of, None).snapshot.guides
    ordered = dict.fromkeys((*(known for known in running.do_read(run) if known in guides), *guides))
    return [_shown(guides[problem_id].in_language(language)) for problem_id in [*ordered][:_SHOWN]]


def _shown(guide: Guide) -> dict[str, Any]:
    example = guide.common_issues[0] if guide.common_issues else None
    return {"problem_id": guide.problem_id, "title": guide.problem_title, "example": example}


def passed_step(session_id: str, number: int) -> dict[str, Any] | None:
    """A step of the session's guide, to read again.

    Args:
        number: from 1.
    """

    async def run(work: UnitOfWork) -> dict[str, Any] | None:
        loaded, guide = await answer.load(work, session_id)
        return plain(views.step_view(loaded.session, guide, number)) if guide and number <= len(guide.steps) else None

    return engine().do_read(run)
