"""Refit of plans: from the recorded sessions of each guide in use to what is published of the order of its steps.

One process at a time does it, every few seconds, aside. What was learned of the steps of an earlier version counts for those of a
later one that mean the same.

Source: ADR 0046.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from guiado import clock
from guiado.app.background import Stopped, run_aside
from guiado.app.context import AppContext, GuidanceSetting
from guiado.app.guidance.facts_of import facts_of
from guiado.app.guidance.lineage import meanings_of, same_steps, translated
from guiado.app.guidance.plans import order_in_use, plan_of
from guiado.app.guidance.rules import GuideRules, read_rules
from guiado.app.tenants import served_tenants
from guiado.domain.guide import Guide, GuideKind
from guiado.guidance.compiled import compile_guide
from guiado.guidance.patterns import PatternCount, StepTime
from guiado.guidance.posterior import Posterior
from guiado.logs import get_logger
from guiado.store import guidance_evidence, guidance_plans
from guiado.store.guidance_evidence import TimedStep
from guiado.store.guidance_plans import NewPlan, UsedGuide

if TYPE_CHECKING:
    from guiado.guidance.off_policy import Comparison

GROWTH = 0.04
"""Share of new sessions, and of customers who came back, from which on a guide is fitted anew."""
FEWEST_FITTED = 5
"""Sessions from which on a guide is fitted where nobody asked for it."""
FEWEST = 50
"""Sessions from which on the learned order may be used."""
SURE, DOUBTFUL = 0.95, 0.5
"""Probability of being no worse from which on the learned order is used, and below which it no longer is."""
_ENGINE = "2"
"""Version of what is fitted; another one fits every guide anew."""
MOST_STEPS = 60
"""Most steps of a guide whose order is learned: a fit of more takes seconds, and a choice that was not planned ahead 20 ms."""
_LEAST_MINUTES = 0.1
"""Least minutes of a step, however fast it was answered."""
_MOST_SECONDS = 10.0
"""Seconds after which a run begins no further guide; the next run goes on."""
_FIRST_REST_S, _LONGEST_REST_S = 10.0, 3_600.0
_MOST_RESTING = 10_000
log = get_logger()


class _Rests:
    """Rests of guide versions whose fit failed: each failure in a row doubles the rest, so that one guide cannot take a core."""

    def __init__(self) -> None:
        self._until_s = dict[tuple[str, str], tuple[float, float]]()

    def is_resting(self, tenant: str, version_id: str) -> bool:
        """Whether a version is to be left alone for now."""
        return clock.monotonic_s() < self._until_s.get((tenant, version_id), (0.0, 0.0))[0]

    def failed(self, tenant: str, version_id: str) -> float:
        """Begin a rest, and return its seconds."""
        if len(self._until_s) >= _MOST_RESTING:
            self._until_s.clear()
        before_s = self._until_s.get((tenant, version_id), (0.0, 0.0))[1]
        rest_s = min(max(2 * before_s, _FIRST_REST_S), _LONGEST_REST_S)
        self._until_s[tenant, version_id] = clock.monotonic_s() + rest_s, rest_s
        return rest_s

    def worked(self, tenant: str, version_id: str) -> None:
        """Forget the failures of a version."""
        self._until_s.pop((tenant, version_id), None)


_rests = _Rests()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The recorded sessions of one guide version.

    Args:
        counts: with the step ids of this version.
        times: step_id -> how long it took.
    """

    counts: Sequence[PatternCount]
    times: Mapping[str, StepTime]


async def refit_guidance(parts: AppContext) -> int:
    """Fit the plans of the guides that are due, of every served tenant.

    Returns:
        Number of plans published.
    """
    deadline, published = clock.monotonic_s() + _MOST_SECONDS, 0
    for tenant in await served_tenants(parts):
        published += await refit_tenant(parts.of_tenant(tenant), deadline)
    return published


async def refit_tenant(parts: AppContext, deadline_s: float = float("inf")) -> int:
    """Fit the plans of a tenant's guides that are due.

    Args:
        deadline_s: monotonic second from which on no further guide is begun.
    """
    async with parts.connection() as connection:
        counted = await guidance_evidence.ended_counts(connection, parts.tenant)
        used = await guidance_plans.used(connection, parts.tenant, list(counted))
    basis, wanted = basis_of(parts.guidance), parts.guidance.order == "learned"
    due = [each for each in used if is_due(each, counted.get(each.problem_id, 0), basis, is_wanted=wanted)]
    published = 0
    for each in due:
        if clock.monotonic_s() >= deadline_s:
            break
        if _rests.is_resting(parts.tenant, each.guide_version_id):
            continue
        try:
            published += await _refit(parts, each, counted.get(each.problem_id, 0))
            _rests.worked(parts.tenant, each.guide_version_id)
        except Stopped:
            break
        except Exception as error:  # noqa: BLE001 one guide's fault must not keep the others from learning
            rest_s = _rests.failed(parts.tenant, each.guide_version_id)
            why = f"{type(error).__name__}: {error}"[:500]
            log.error("refit_fails", problem=each.problem_id, error=why, again_in_s=round(rest_s))
    return published


def may_learn(guide: Guide) -> bool:
    """Whether an order of the guide's steps is learned: not of one that is urgent, is no list of steps, or is very long."""
    return not guide.urgent and guide.kind == GuideKind.GUIDE and 1 <= len(guide.steps) <= MOST_STEPS


def basis_of(setting: GuidanceSetting) -> str:
    """Fingerprint of the settings that a plan is made with."""
    costs = setting.costs
    return f"{_ENGINE} {setting.order} {costs.person:g} {costs.leaving:g} {costs.recontact:g}"


def is_due(used: UsedGuide, counted: int, basis: str, *, is_wanted: bool = False) -> bool:
    """Whether a guide version is to be fitted.

    Args:
        counted: sessions of the problem by now.
        basis: see `basis_of`.
        is_wanted: whether the installation goes by what is learned, however little it is.
    """
    if used.plan_version is None or used.counted is None:
        # Of a handful of sessions nothing is told yet, unless somebody wants to go by it.
        return counted >= FEWEST_FITTED or used.revision > 0 or (counted > 0 and is_wanted)
    if used.rules_revision != used.revision or used.basis != basis:
        return True
    news = abs(counted - used.counted) + used.amended
    return news >= max(1.0, GROWTH * used.counted)


async def _refit(parts: AppContext, used: UsedGuide, counted: int) -> int:
    tenant, version_id = parts.tenant, used.guide_version_id
    begun = clock.monotonic_s()
    async with parts.connection() as connection:
        guide = await parts.guide_version(connection, tenant, version_id)
        if guide is None or not may_learn(guide):
            return 0
        rows = await guidance_evidence.patterns_of(connection, tenant, used.problem_id)
        times = await guidance_evidence.times_of(connection, tenant, used.problem_id)
        versions = await guidance_plans.lineage(connection, tenant, used.scope, used.problem_id)
        meanings = meanings_of(versions)
        packed = await guidance_plans.posterior(connection, tenant, used.problem_id, same_steps(meanings, version_id))
    rules = read_rules(used.rules)

    def work(_pause: object) -> NewPlan:
        evidence = Evidence(translated(rows, meanings, version_id), _usable(times))
        return fitted(guide, evidence, _before(packed), rules, parts.guidance, used, counted)

    plan = await run_aside(work)
    async with parts.connection() as connection:
        number = await guidance_plans.publish(connection, tenant, plan)
    took = round(clock.monotonic_s() - begun, 3)
    log.info(
        "plan_published", problem=used.problem_id, plan=number, sessions=plan.sessions, order=plan.order_in_use, seconds=took
    )
    return 1


def _usable(times: Mapping[str, TimedStep]) -> dict[str, StepTime]:
    """The times of steps; programs that answer at once make no step free."""
    return {step: StepTime(time.attempts, max(time.minutes, _LEAST_MINUTES * time.attempts)) for step, time in times.items()}


def _before(packed: bytes | None) -> Posterior | None:
    try:
        return Posterior.from_bytes(packed) if packed is not None else None
    except (ValueError, OSError, KeyError, TypeError):
        return None


def fitted(
    guide: Guide,
    evidence: Evidence,
    before: Posterior | None,
    rules: GuideRules,
    setting: GuidanceSetting,
    used: UsedGuide,
    counted: int,
) -> NewPlan:
    """The plan of a guide version, fitted to its evidence.

    Args:
        before: of the same version, if there is one.
        used: the version, with what its plan was made from.
        counted: sessions of the problem by now.
    """
    from guiado.guidance.learning import fit  # most programs that use the facade never fit
    from guiado.guidance.off_policy import compare

    compiled = compile_guide(facts_of(guide, rules.costs_over(setting.costs)))
    if before is not None and before.shares.shape[1] != compiled.variants:
        before = None
    posterior = fit(compiled, evidence.counts, evidence.times, before, seed=counted + 1)
    found = compare(plan_of(guide, posterior, rules, setting), evidence.counts)
    automatic = automatic_order(found, posterior.sessions, was_learned=used.order_in_use == "learned")
    figures: dict[str, object] = {"automatic": automatic, **{name: round(value, 4) for name, value in asdict(found).items()}}
    return NewPlan(
        used.problem_id,
        used.guide_version_id,
        posterior.sessions,
        counted,
        used.revision,
        basis_of(setting),
        order_in_use(rules, setting.order, automatic),
        posterior.to_bytes(),
        figures,
    )


def automatic_order(found: Comparison, sessions: int, *, was_learned: bool) -> str:
    """The order to use where nobody decided: learned or shadow.

    Args:
        found: the learned order against the author's.
        sessions: that were learned from.
        was_learned: whether the learned order is in use.
    """
    if sessions < FEWEST:
        return "shadow"
    return "learned" if found.not_worse >= (DOUBTFUL if was_learned else SURE) else "shadow"
