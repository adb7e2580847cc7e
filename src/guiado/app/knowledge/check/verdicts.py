"""Verdicts on guides: their structural defects, and what their sessions cost, compared with the version before.

Source: ADR 0045.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from guiado.app.guidance.facts_of import facts_of
from guiado.app.knowledge.check.defects import defects_of
from guiado.app.knowledge.differences import is_same
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.guide_versions import carry_step_ids
from guiado.errors import FieldProblem, Message
from guiado.guidance.facts import Costs
from guiado.guidance.patterns import PatternCount
from guiado.guidance.replay import FEWEST, MOST_WORSE, ReplayResult, replay

COSTLIER = "costlier"
"""Kind of a refusal because sessions would cost more."""
_COMPARED = {GuideKind.GUIDE.value, GuideKind.ANSWER.value}
Recorded = Mapping[str, Sequence[PatternCount]]
"""Guide id -> patterns of its sessions."""


class GuideChange(StrEnum):
    """Change of a guide against the version before."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class CheckTerms:
    """Terms of a check.

    Args:
        sessions: that each changed guide is replayed on.
        costs: of what may end a session.
        recorded: sessions that happened; they go before drawn ones.
    """

    sessions: int = FEWEST
    costs: Costs = field(default_factory=Costs)
    recorded: Recorded | None = None


USUAL_TERMS = CheckTerms()


@dataclass(frozen=True, slots=True)
class GuideVerdict:
    """Verdict on a guide.

    Args:
        guide_id: of the guide.
        change: against the version before.
        refusals: why it should not be published, each with kind, JSON path and remedy; none for one that may be.
        replayed: what its sessions cost; None where there was nothing to compare it with.
    """

    guide_id: str
    change: GuideChange
    refusals: tuple[FieldProblem, ...] = ()
    replayed: ReplayResult | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it should not be published."""
        return bool(self.refusals)


def check_guides(
    guides: Mapping[str, Guide], before: Mapping[str, Guide], terms: CheckTerms = USUAL_TERMS
) -> dict[str, GuideVerdict]:
    """The verdict on each guide.

    Args:
        guides: id -> guide, with or without the step ids that publishing gives.
        before: id -> the version that it would take over from; guides that are missing here are new.
    """
    return {key: check_guide(guide, before.get(key), terms) for key, guide in guides.items()}


def check_guide(guide: Guide, before: Guide | None, terms: CheckTerms = USUAL_TERMS) -> GuideVerdict:
    """The verdict on a guide.

    Args:
        before: the version that it would take over from; None for a new guide.
    """
    if before is not None and not all(step.step_id for step in before.steps):  # of a file, and never published
        before = carry_step_ids(before, None)
    named = carry_step_ids(guide, before)
    defects = tuple(defects_of(named))
    if before is None:
        return GuideVerdict(guide.problem_id, GuideChange.ADDED, defects)
    if is_same(named, before):
        return GuideVerdict(guide.problem_id, GuideChange.UNCHANGED, defects)
    if not _can_compare(named, before):
        return GuideVerdict(guide.problem_id, GuideChange.CHANGED, defects)
    replayed = _replay(named, before, terms)
    worse = (_costlier(guide.problem_id, replayed),) if replayed.is_worse else ()
    return GuideVerdict(guide.problem_id, GuideChange.CHANGED, (*defects, *worse), replayed)


def _can_compare(guide: Guide, before: Guide) -> bool:
    """Whether the costs of both say anything about the change: who is in danger gets a person whatever that costs."""
    return guide.kind == before.kind and guide.kind in _COMPARED and not guide.urgent and not before.urgent


def _replay(guide: Guide, before: Guide, terms: CheckTerms) -> ReplayResult:
    renamed = {step.step_id: step.replaces for step in guide.steps if step.replaces}
    recorded = (terms.recorded or {}).get(guide.problem_id, ())
    old, new = facts_of(before, terms.costs), facts_of(guide, terms.costs)
    return replay(old, new, sessions=max(terms.sessions, FEWEST), renamed=renamed, recorded=recorded)


def _costlier(guide_id: str, found: ReplayResult) -> FieldProblem:
    told = (
        "Una sesión costaría {new} minutos en lugar de {old}: {share} % más (entre {low} y {high} minutos, al 95 %), y se admite "
        "hasta un {most} %. Revisa el orden de los pasos, sus minutos, y los que quitaste."
    )
    figures: dict[str, object] = {
        "old": f"{found.old_minutes:.1f}",
        "new": f"{found.new_minutes:.1f}",
        "share": f"{found.share * 100:.0f}",
        "low": f"{found.low:+.1f}",
        "high": f"{found.high:+.1f}",
        "most": f"{MOST_WORSE * 100:.0f}",
    }
    return FieldProblem(f"$.{guide_id}.steps", Message(told, figures), COSTLIER)
