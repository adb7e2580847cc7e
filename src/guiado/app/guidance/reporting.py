"""Reports on the order of a guide: its plan as it was learned last, or as its author's numbers alone say."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guiado.app.background import run_aside
from guiado.app.context import GuidanceSetting, UnitOfWork
from guiado.app.guidance.facts_of import facts_of
from guiado.app.guidance.models import GuidanceOut, GuidanceStepOut, MeasuredOut, OrderRulesOut, RuleCostOut, SavedOut
from guiado.app.guidance.plans import order_in_use, plan_of
from guiado.app.guidance.refit import MOST_STEPS
from guiado.app.guidance.rules import CostRules, GuideRules, author_rules, get_rules, set_rules
from guiado.domain.guide import Guide
from guiado.errors import FieldProblem, InvalidInput, Message, NotFound, printable
from guiado.guidance.compiled import compile_guide
from guiado.guidance.learning import fit
from guiado.guidance.plan import GuidePlan
from guiado.guidance.posterior import Posterior
from guiado.guidance.report import GuideReport, RuleReport, StepReport, report_on
from guiado.store import guidance_plans, guides
from guiado.store.guidance_plans import StoredPlan

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class PlannedGuide:
    """A guide in use with its plan.

    Args:
        stored: the plan as it was learned last; None where the author's numbers are all that is known.
    """

    guide: Guide
    version_id: str
    rules: GuideRules
    setting: GuidanceSetting
    stored: StoredPlan | None
    plan: GuidePlan

    @property
    def is_ordered(self) -> bool:
        """Whether its steps are ordered at all; a guide of very many keeps its author's order."""
        return len(self.guide.steps) <= MOST_STEPS

    @property
    def order_in_use(self) -> str | None:
        """The order that sessions follow now: author, learned or shadow; None where nothing was learned."""
        if self.stored is None:
            return None
        return order_in_use(self.rules, self.setting.order, str(self.stored.figures.get("automatic", "shadow")))


async def planned(work: UnitOfWork, problem_id: str) -> PlannedGuide:
    """The guide in use with this id, with its plan.

    Raises:
        NotFound: no guide that is in use has this id.
    """
    current = (await guides.current(work.connection, work.tenant, "", [problem_id])).get(problem_id)
    if current is None:
        raise NotFound(
            "Guía no encontrada: {problem_id}. Mira las que hay con: guiado kb versions", problem_id=printable(problem_id)
        )
    rules = await get_rules(work, problem_id)
    plans = await guidance_plans.of_problem(work.connection, work.tenant, problem_id)
    stored = next((each for each in plans if each.guide_version_id == current.version_id), None)
    setting = work.app.guidance
    plan, is_learned = await run_aside(lambda _pause: _built(current.guide, rules, setting, stored))
    return PlannedGuide(current.guide, current.version_id, rules, setting, stored if is_learned else None, plan)


def _built(guide: Guide, rules: GuideRules, setting: GuidanceSetting, stored: StoredPlan | None) -> tuple[GuidePlan, bool]:
    """The plan of a guide, and whether it was learned; what cannot be used counts as nothing learned, as in a session."""
    if stored is not None:
        with contextlib.suppress(ValueError, OSError, KeyError):
            return plan_of(guide, Posterior.from_bytes(stored.posterior), rules, setting), True
    compiled = compile_guide(facts_of(guide, rules.costs_over(setting.costs)))
    return GuidePlan(compiled, fit(compiled, (), {}), author_rules(guide, rules)), False


async def ordered(work: UnitOfWork, problem_id: str) -> PlannedGuide:
    """The guide in use with this id, to try its plan.

    Raises:
        NotFound: no guide that is in use has this id.
        InvalidInput: it has too many steps to be ordered.
    """
    found = await planned(work, problem_id)
    if not found.is_ordered:
        why = Message("La guía tiene más de {count} pasos: sigue siempre el orden de su autor.", {"count": MOST_STEPS})
        raise InvalidInput([FieldProblem("problem_id", why)])
    return found


async def report(work: UnitOfWork, problem_id: str, variant: str = "") -> GuidanceOut:
    """The report on the order of a guide, in the caller's language.

    Args:
        variant: for whose customers; "" for those of whom nobody knows it.

    Raises:
        NotFound: no guide that is in use has this id.
        InvalidInput: the guide has no such variant.
    """
    found = await planned(work, problem_id)
    require_variant(found.guide, variant)
    made = await run_aside(lambda _pause: report_on(found.plan, variant, orders=found.is_ordered))
    return view(found, made, work.scope.language or "es")


async def change(work: UnitOfWork, problem_id: str, rules: GuideRules) -> GuidanceOut:
    """Replace the rules of a guide, and report what follows from them.

    Raises:
        NotFound, InvalidInput: see `set_rules`.
    """
    await set_rules(work, problem_id, rules)
    return await report(work, problem_id)


def require_variant(guide: Guide, variant: str) -> None:
    """Check that a guide has a variant.

    Raises:
        InvalidInput: it has not.
    """
    if variant and variant not in guide.variants:
        known = ", ".join(guide.variants)
        why = (
            Message("La guía no tiene esa variante. Usa una de estas: {known}.", {"known": known})
            if known
            else Message("La guía no tiene variantes. Quita el campo.")
        )
        raise InvalidInput([FieldProblem("variant", why)])


def view(found: PlannedGuide, made: GuideReport, language: str) -> GuidanceOut:
    """The read model of a report."""
    spoken = found.guide.in_language(language)
    titles = {step.step_id: step.title for step in spoken.steps}
    return GuidanceOut(
        problem_id=found.guide.problem_id,
        title=spoken.problem_title,
        guide_version=found.version_id,
        variant=made.variant,
        variants=list(found.guide.variants),
        order_in_use=found.order_in_use,
        sessions=made.sessions,
        learned_at=found.stored.fitted_at if found.stored else None,
        steps=[_step(each, titles) for each in made.steps],
        order=list(made.order),
        questions=list(made.asks),
        author_minutes=round(made.author_minutes, _DIGITS),
        learned_minutes=round(made.learned_minutes, _DIGITS),
        saved=SavedOut(**{name: round(value, _DIGITS) for name, value in made.saved._asdict().items()}),
        measured=_measured(found.stored.figures) if found.stored else None,
        person_minutes=found.plan.guide.facts.costs.person,
        rules=rules_view(found.rules),
        rule_costs=[_rule(each) for each in made.rules],
    )


def _measured(figures: Mapping[str, Any]) -> MeasuredOut | None:
    """The figures of both orders by the sessions, as they were computed with the plan; None where they were not."""
    names = ("author", "learned", "mean", "low", "high", "not_worse", "effective_sessions")
    if not all(isinstance(figures.get(name), int | float) for name in names):
        return None
    return MeasuredOut(
        author_minutes=figures["author"],
        learned_minutes=figures["learned"],
        saved=SavedOut(minutes=-figures["mean"], low=-figures["high"], high=-figures["low"]),
        not_worse=figures["not_worse"],
        effective_sessions=figures["effective_sessions"],
    )


def rules_view(rules: GuideRules) -> OrderRulesOut:
    """The read model of the rules of a guide."""
    costs = rules.costs or CostRules()
    return OrderRulesOut(
        order=rules.order,
        pinned=list(rules.pinned),
        kept=[list(pair) for pair in rules.kept],
        floor=rules.floor,
        explores=rules.explores,
        person_minutes=costs.person,
        leaving_minutes=costs.leaving,
        recontact_minutes=costs.recontact,
    )


def _step(each: StepReport, titles: dict[str, str]) -> GuidanceStepOut:
    chance, low, high = (round(value, _DIGITS) for value in each.chance)
    return GuidanceStepOut(
        step_id=each.step_id,
        title=titles.get(each.step_id, each.step_id),
        chance=chance,
        low=low,
        high=high,
        minutes=round(each.minutes, _DIGITS),
        sessions=each.sessions,
        author_place=each.author_place,
        place=each.place,
        moved=each.moved,
        too_few=each.too_few,
    )


def _rule(each: RuleReport) -> RuleCostOut:
    minutes, without = round(each.minutes, _DIGITS), round(each.minutes_without, _DIGITS)
    return RuleCostOut(
        kind=each.kind,
        steps=list(each.steps),
        floor=each.floor,
        known=each.known,
        minutes=minutes,
        minutes_without=without,
        cost=round(minutes - without, _DIGITS),
    )
