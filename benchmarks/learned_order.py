"""The learned order: what a choice and a refit cost, and `POST /{id}/step` with learning and without, in turn.

The rates are of one server process each, over the same guide of 60 steps, the longest whose order is learned; its plan is of
200 recorded sessions.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation
from step_route import CONNECTIONS, http_rate, long_guide, start_session

from guiado.app.context import GuidanceSetting
from guiado.app.guidance.plans import HeldPlan
from guiado.app.guidance.policy import LearningPolicy
from guiado.app.guidance.refit import MOST_STEPS, Evidence, basis_of, fitted
from guiado.app.guidance.rules import GuideRules
from guiado.domain.guide import Guide, Step
from guiado.domain.guide_versions import guide_from_json
from guiado.domain.session import Session
from guiado.guidance.facts import Costs
from guiado.guidance.patterns import ESCALATED, SOLVED, STEP, Pattern, PatternCount, PatternEvent
from guiado.guidance.posterior import Posterior
from guiado.store.guidance_plans import NewPlan, StoredPlan, UsedGuide

SESSIONS, STEPS, ROUNDS, SECONDS, SESSIONS_EACH, SOLVES = 10_000, 6, 3, 4, 8, 0.8
LEARNED = GuidanceSetting("learned", Costs())


def recorded(step_ids: list[str], sessions: int, days: int = 60) -> list[PatternCount]:
    """Patterns of invented sessions over some days: a few steps each, most of them solved."""
    draws, found = random.Random(1), dict[tuple[Pattern, int], int]()  # noqa: S311 no secret
    for _ in range(sessions):
        count, end = min(int(draws.expovariate(0.5)) + 1, len(step_ids)), SOLVED if draws.random() < SOLVES else ESCALATED
        results = ["not_helped"] * (count - 1) + ["solved" if end == SOLVED else "not_helped"]
        events = tuple(PatternEvent(STEP, step_id, result) for step_id, result in zip(step_ids, results, strict=False))
        key = (Pattern(events, end), draws.randrange(days))
        found[key] = found.get(key, 0) + 1
    return [PatternCount(pattern, day, number) for (pattern, day), number in sorted(found.items(), key=lambda each: each[0][1])]


def plan_for(guide: Guide, counts: list[PatternCount], before: bytes | None = None) -> NewPlan:
    """A plan, fitted anew or from the one before."""
    used = UsedGuide(guide.problem_id, "", "00000000-0000-7000-8000-000000000001", {}, 0, None, None, None, None, None, 0)
    known = Posterior.from_bytes(before) if before is not None else None
    return fitted(guide, Evidence(counts, {}), known, GuideRules(), LEARNED, used, SESSIONS)


def _refit_and_choice() -> tuple[float, float, float]:
    """Seconds of the first fit, of a refit, and of a choice that is planned ahead."""
    steps = tuple(Step(n, f"Paso {n}", step_id=f"p{n}", minutes=3) for n in range(1, STEPS + 1))
    guide = Guide("g", "Un problema", steps=steps)
    counts = recorded([step.step_id for step in steps], SESSIONS)
    begun = time.perf_counter()
    plan = plan_for(guide, counts)
    first = time.perf_counter() - begun
    again = list[float]()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        plan_for(guide, counts, plan.posterior)
        again.append(time.perf_counter() - begun)
    policy, session = _policy_of(plan), _new_session(guide)
    policy.next(session, guide)
    choices = list[float]()
    for _ in range(2_000):
        begun = time.perf_counter()
        policy.next(session, guide)
        choices.append(time.perf_counter() - begun)
    return first, statistics.median(again), statistics.median(choices)


def _policy_of(plan: NewPlan) -> LearningPolicy:
    """A policy that has the plan, and nothing planned ahead."""
    stored = StoredPlan("g", "v", 1, datetime.now(UTC), SESSIONS, "learned", plan.posterior, plan.figures, {})
    held = HeldPlan(stored, LEARNED)
    return LearningPolicy(lambda _version, of: held.in_use(of))


def _new_session(guide: Guide) -> Session:
    now = datetime.now(UTC)
    return Session("s", "a@example.com", "No va", now, now, guide_version_id="v", total_steps=len(guide.steps))


def _cold_choice(count: int) -> float:
    """Seconds of the first choice with a plan that was just read, for a guide of so many steps."""
    steps = tuple(Step(n, f"Paso {n}", step_id=f"p{n}", minutes=1 + n % 7) for n in range(1, count + 1))
    guide = Guide("g", "Un problema", steps=steps)
    plan = plan_for(guide, recorded([step.step_id for step in steps], SESSIONS))
    took = list[float]()
    for _ in range(ROUNDS):
        policy, session = _policy_of(plan), _new_session(guide)
        begun = time.perf_counter()
        policy.next(session, guide)
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


async def _teach(dsn: str) -> None:
    """Publish a plan for the guide in use."""
    connection = await asyncpg.connect(dsn)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    row = await connection.fetchrow(
        "SELECT p.guide_version_id, v.content FROM support_guide_publications p JOIN support_troubleshooting_guide_versions v"
        " USING (tenant_id, guide_version_id) WHERE p.state = 'in_use' AND p.guide_id = 'aparato'"
    )
    guide = guide_from_json(row["content"])
    plan = plan_for(guide, recorded([step.step_id for step in guide.steps], 200))
    await connection.execute(
        "INSERT INTO support_troubleshooting_guidance_plans (tenant_id, problem_id, guide_version_id, plan_version, sessions,"
        " counted, order_in_use, posterior, figures, basis)"
        " VALUES ('default', 'aparato', $1, 1, 200, 0, 'learned', $2, $3, 'bench')",
        row["guide_version_id"], plan.posterior, plan.figures,
    )  # fmt: skip
    await connection.close()


async def _made_with(dsn: str, order: str) -> None:
    """Mark the plan as made with a setting, so that no refit runs beside what is measured."""
    connection = await asyncpg.connect(dsn)
    basis = basis_of(GuidanceSetting(order, Costs()))
    await connection.execute("UPDATE support_troubleshooting_guidance_plans SET basis = $1", basis)
    await connection.close()


def _rates() -> list[tuple[float, float]]:
    """Answers a second with the learned order and with the author's, in turn."""
    with Installation(GUIADO_LOG_LEVEL="INFO", GUIADO_GUIDANCE_ORDER="learned") as made:
        content = long_guide()
        content["aparato"]["steps"] = content["aparato"]["steps"][:MOST_STEPS]  # pyright: ignore[reportIndexIssue]
        guide = made.home / "guide.json"
        guide.write_text(json.dumps(content), "utf-8")
        made.environment["GUIADO_KB_PATH"] = str(guide)
        dsn, found = made.database.join(), list[tuple[float, float]]()
        made.start()
        asyncio.run(_teach(dsn))
        for number in range(ROUNDS):
            pair = dict[str, float]()
            for order in ("learned", "author") if number % 2 else ("author", "learned"):
                made.stop()
                made.environment["GUIADO_GUIDANCE_ORDER"] = order
                asyncio.run(_made_with(dsn, order))
                made.start()
                sessions = [start_session(made.port) for _ in range(CONNECTIONS * SESSIONS_EACH)]
                http_rate(made.port, sessions, 1)
                pair[order] = http_rate(made.port, sessions, SECONDS)
            found.append((pair["learned"], pair["author"]))
        return found


def main() -> list[tuple[str, float, str, str]]:
    """Times and rates."""
    first, again, choice = _refit_and_choice()
    cold = [(steps, _cold_choice(steps), limit) for steps, limit in ((12, 50), (50, 200))]
    pairs = _rates()
    share = f"{statistics.median(learned / author for learned, author in pairs):.0%} del del autor"
    learned, author = (statistics.median(each) for each in zip(*pairs, strict=True))
    return [
        ("Elegir el paso, ya planeado", choice * 1000, "ms", "límite 0,2 ms; sin consultas"),
        *(
            (f"Elegir el paso sin plan a mano, {steps} pasos", took * 1000, "ms", f"límite {limit} ms")
            for steps, took, limit in cold
        ),
        ("Aprender de nuevo de 10.000 sesiones", again * 1000, "ms", "límite 200 ms"),
        ("Aprender por primera vez de 10.000 sesiones", first * 1000, "ms", "una vez por versión de la guía"),
        ("`POST /{id}/step`, con el orden aprendido", learned, "req/s", share),
        ("`POST /{id}/step`, con el del autor", author, "req/s", "100%"),
    ]


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for row in main():
        print(*row)
