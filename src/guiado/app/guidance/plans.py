"""Plans of a process: what was learned of each guide version, by tenant, as the database says now.

A plan that was published is built aside and planned ahead, then swapped in; at the start of a process plans are taken as they are
stored and built with their first session, or aside, whichever comes first.

Source: ADR 0046.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from guiado.app.background import Stopped, run_aside
from guiado.app.context import AppContext, GuidanceSetting
from guiado.app.guidance.facts_of import facts_of
from guiado.app.guidance.policy import LearningPolicy, PlanInUse
from guiado.app.guidance.rules import GuideRules, author_rules, read_rules
from guiado.domain.guide import Guide
from guiado.guidance.compiled import compile_guide
from guiado.guidance.plan import STEP_ACTION, GuidePlan, Progress
from guiado.guidance.posterior import Posterior
from guiado.logs import get_logger
from guiado.store import guidance_plans
from guiado.store.guidance_plans import StoredPlan

POLL_S = 0.5
_OTHERS_POLLS = 3
"""Polls of the process's own tenant to one of the others that are open."""
_MOST_WARMED = 200
"""Most plans that are built aside at once; those of fewer sessions are built with their first session."""
_MOST_AHEAD = 8
"""Most choices of a session that are planned ahead."""
log = get_logger()


def order_in_use(rules: GuideRules, setting: str, automatic: str) -> str:
    """The order that is in use: author, learned or shadow.

    Args:
        setting: of the installation: auto, author, learned or shadow.
        automatic: the order where both leave it open.
    """
    return rules.order or (automatic if setting == "auto" else setting)


def plan_of(guide: Guide, posterior: Posterior, rules: GuideRules, setting: GuidanceSetting) -> GuidePlan:
    """The plan of a guide version by what was learned of it.

    Raises:
        ValueError: what was learned is of other steps.
    """
    compiled = compile_guide(facts_of(guide, rules.costs_over(setting.costs)))
    causes, size = posterior.removes.shape[1:]
    if (causes, size) != (compiled.causes, compiled.size) or posterior.shares.shape[1] != compiled.variants:
        raise ValueError("the posterior is of other steps")
    return GuidePlan(compiled, posterior, author_rules(guide, rules))


class HeldPlan:
    """A plan as it was stored, built when it is first needed."""

    def __init__(self, stored: StoredPlan, setting: GuidanceSetting) -> None:
        self.stored, self._setting = stored, setting
        self._rules = read_rules(stored.rules)
        self._order = order_in_use(self._rules, setting.order, str(stored.figures.get("automatic", "shadow")))
        self._built: PlanInUse | None = None
        self._is_broken = False

    def in_use(self, guide: Guide) -> PlanInUse | None:
        """The plan; None where it cannot be used."""
        if self._built is None and not self._is_broken:
            try:
                posterior = Posterior.from_bytes(self.stored.posterior)
                plan = plan_of(guide, posterior, self._rules, self._setting)
                self._built = PlanInUse(self.stored.plan_version, self._order, plan)
            except Exception as error:  # noqa: BLE001 of another version of guiado, or damaged: the author's order is left
                self._is_broken = True
                why = f"{type(error).__name__}: {error}"[:500]
                log.error("plan_unusable", problem=self.stored.problem_id, version=self.stored.guide_version_id, error=why)
        return self._built

    def warm(self, guide: Guide) -> None:
        """Build it, and plan the choices ahead that most sessions come to: those of customers whom nothing helps, to the end."""
        found = self.in_use(guide)
        if found is None or found.order == "author":
            return
        for variant in found.plan.guide.variant_place:
            done = list[str]()
            for _ in range(min(len(guide.steps), _MOST_AHEAD)):
                choice = found.plan.choose(Progress(variant, done=tuple(done)))
                if not choice.scores:
                    break
                done.append(choice.target if choice.action == STEP_ACTION and choice.target else choice.scores[0].step_id)


@dataclass(slots=True)
class _TenantPlans:
    mark: int = 0
    plans: dict[str, HeldPlan] = field(default_factory=dict[str, HeldPlan])
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class PlanRegistry:
    """The plans that this process goes by, for each tenant that it answers for.

    Args:
        parts: of this process.
        others: tells the other tenants that are open.
    """

    def __init__(self, parts: AppContext, others: Callable[[], Iterable[str]] = list) -> None:
        self._parts, self._others = parts, others
        self._tenants: dict[str, _TenantPlans] = {}
        self._policies: dict[str, LearningPolicy] = {}

    def policy(self, tenant: str) -> LearningPolicy:
        """The policy of a tenant."""
        if tenant not in self._policies:
            self._policies[tenant] = LearningPolicy(partial(self._find, tenant))
        return self._policies[tenant]

    def _find(self, tenant: str, version_id: str, guide: Guide) -> PlanInUse | None:
        known = self._tenants.get(tenant)
        held = known.plans.get(version_id) if known is not None else None
        return held.in_use(guide) if held is not None else None

    def held(self, tenant: str, version_id: str) -> StoredPlan | None:
        """The stored plan that a guide version goes by in this process; None where there is none."""
        known = self._tenants.get(tenant)
        held = known.plans.get(version_id) if known is not None else None
        return held.stored if held is not None else None

    async def load(self) -> None:
        """Take the plans of the process's own tenant as they are stored; they are built later."""
        await self._refresh(self._parts.tenant, builds=False)

    async def refresh(self, tenant: str) -> bool:
        """Take in the plans and rules that are new.

        Returns:
            Whether there were any.
        """
        return await self._refresh(tenant, builds=True)

    async def _refresh(self, tenant: str, *, builds: bool) -> bool:
        known = self._tenants.setdefault(tenant, _TenantPlans())
        parts = self._parts.of_tenant(tenant)
        async with known.lock:
            async with parts.connection() as connection:
                mark = await guidance_plans.read_mark(connection, tenant)
                if mark == known.mark:
                    return False
                is_older = mark < known.mark  # another copy of the database: nothing that is known need be in it
                stored = await guidance_plans.changed(connection, tenant, 0 if is_older else known.mark)
            held = {each.guide_version_id: HeldPlan(each, parts.guidance) for each in stored}
            if builds:
                await self._build(parts, held)
            known.plans = held if is_older else known.plans | held
            known.mark = mark
        return bool(held)

    async def _build(self, parts: AppContext, held: dict[str, HeldPlan]) -> None:
        built: list[tuple[HeldPlan, Guide]] = []
        async with parts.connection() as connection:
            for version_id, each in [*held.items()][:_MOST_WARMED]:
                guide = await parts.guide_version(connection, parts.tenant, version_id)
                if guide is not None:
                    built.append((each, guide))

        def build(pause: Callable[[], None]) -> None:
            for each, guide in built:
                pause()
                each.warm(guide)

        if built:
            await run_aside(build)

    async def watch(self) -> None:
        """Take in what is published, for ever: the own tenant's within a second, that of the others that are open within two."""
        await self._warm_loaded()
        polls = 0
        while True:
            await asyncio.sleep(POLL_S)
            polls += 1
            tenants = [self._parts.tenant, *(self._others() if polls % _OTHERS_POLLS == 0 else ())]
            for tenant in tenants:
                try:
                    await self.refresh(tenant)
                except Exception as error:  # noqa: BLE001 the next plan must still be seen
                    log.error("plans_wait", tenant=tenant, error=f"{type(error).__name__}: {error}"[:500])
            for gone in [tenant for tenant in self._tenants if tenant not in {self._parts.tenant, *self._others()}]:
                del self._tenants[gone]

    async def _warm_loaded(self) -> None:
        own = self._tenants.get(self._parts.tenant)
        try:
            await self._build(self._parts, own.plans if own is not None else {})
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 they are built with their first session
            log.error("plans_wait", tenant=self._parts.tenant, error=f"{type(error).__name__}: {error}"[:500])
