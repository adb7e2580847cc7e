"""Figures of a knowledge base: what it holds, and how the sessions of the last days went with each guide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from guiado import clock
from guiado.app.context import UnitOfWork
from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE, LANGUAGES
from guiado.store import publications, reports
from guiado.store.publications import Publication, PublicationState
from guiado.text.json_shapes import items_in

_OTHERS = tuple(language for language in LANGUAGES if language != DEFAULT_LANGUAGE)
_WITH_STEPS = "guide"
"""Kind of a guide with steps of its own."""
_DRAFTS = {PublicationState.DRAFT, PublicationState.APPROVED}


@dataclass(frozen=True, slots=True)
class GuideFigures:
    """Figures of one guide in use.

    Args:
        guide: its id.
        kind: guide, answer or person.
        phrases: number of the customers' phrases in all languages.
        languages: codes of those that it is written in.
        versions: number of its versions.
        drafts: number of those that wait for publication.
        changed_at: time of the last change of a version's state.
        sessions: number of sessions about it in the period.
        resolved: number of those that were resolved.
        resolved_share: share of them, 0..1; None without sessions.
    """

    guide: str
    title: str
    category: str
    kind: str
    steps: int
    phrases: int
    languages: Sequence[str]
    versions: int
    drafts: int
    conflict: bool
    changed_at: datetime | None
    changed_by: str
    sessions: int
    resolved: int
    resolved_share: float | None


@dataclass(frozen=True, slots=True)
class BaseFigures:
    """Figures of a knowledge base.

    Args:
        days: period of the sessions.
        by_category: category -> number of guides.
        by_kind: kind -> number of guides.
        by_language: language code -> number of guides written in it.
        without_translation: language code -> ids of the guides that lack it.
        each: of every guide in use, by id.
    """

    days: int
    guides: int
    steps: int
    phrases: int
    by_category: Mapping[str, int]
    by_kind: Mapping[str, int]
    by_language: Mapping[str, int]
    without_translation: Mapping[str, Sequence[str]]
    versions: int
    drafts: int
    conflicts: int
    changed_at: datetime | None
    each: Sequence[GuideFigures]


async def statistics(work: UnitOfWork, scope: str, guides: Mapping[str, Guide], days: int) -> BaseFigures:
    """Count what a knowledge base holds, and the sessions of the last days.

    Args:
        guides: those in use.
        days: period of the sessions, 1..3650, up to now.
    """
    listed = await publications.listed(work.connection, work.tenant, scope)
    until = clock.now()
    rows = await reports.daily(work.connection, work.tenant, until - timedelta(days=days), until + timedelta(seconds=1))
    sessions, resolved = Counter[str](), Counter[str]()
    for row in rows:
        sessions[row["problem_id"]] += int(row["total_sessions"])
        resolved[row["problem_id"]] += int(row["resolved"])
    each = [_of_guide(guides[key], listed.get(key, []), sessions[key], resolved[key]) for key in sorted(guides)]
    return _sum(each, listed, days)


def _of_guide(guide: Guide, versions: Sequence[Publication], sessions: int, resolved: int) -> GuideFigures:
    newest = max(versions, key=lambda each: each.changed_at, default=None)
    spoken = [texts.get("common_issues") for texts in guide.translations.values()]
    kind = str(getattr(guide, "kind", _WITH_STEPS))
    return GuideFigures(
        guide=guide.problem_id,
        title=guide.problem_title,
        category=str(guide.category),
        kind=kind,
        steps=len(guide.steps) if kind == _WITH_STEPS else 0,
        phrases=len(guide.common_issues) + sum(len(items_in(phrases)) for phrases in spoken),
        languages=[DEFAULT_LANGUAGE, *sorted(guide.translations)],
        versions=len(versions),
        drafts=sum(each.state in _DRAFTS for each in versions),
        conflict=any(each.conflict for each in versions),
        changed_at=newest.changed_at if newest else None,
        changed_by=newest.changed_by if newest else "",
        sessions=sessions,
        resolved=resolved,
        resolved_share=round(resolved / sessions, 3) if sessions else None,
    )


def _sum(each: Sequence[GuideFigures], listed: Mapping[str, Sequence[Publication]], days: int) -> BaseFigures:
    versions = [version for of_guide in listed.values() for version in of_guide]
    return BaseFigures(
        days=days,
        guides=len(each),
        steps=sum(found.steps for found in each),
        phrases=sum(found.phrases for found in each),
        by_category=_counted(found.category for found in each),
        by_kind=_counted(found.kind for found in each),
        by_language=_counted(language for found in each for language in found.languages),
        without_translation={code: [found.guide for found in each if code not in found.languages] for code in _OTHERS},
        versions=len(versions),
        drafts=sum(version.state in _DRAFTS for version in versions),
        conflicts=len({version.guide_id for version in versions if version.conflict}),
        changed_at=max((version.changed_at for version in versions), default=None),
        each=each,
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())
