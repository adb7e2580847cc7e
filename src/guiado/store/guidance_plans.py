"""Plans of guides: what was learned of the order of their steps, and the rules that their authors and operators made for it.

Plans and rules are numbered together, by tenant, so that one number tells whether anything is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from guiado.store.advisory_locks import GUIDANCE
from guiado.store.connection import Connection, Row
from guiado.store.queries import sql

_MOST_PLANS = 2_000
_MOST_VERSIONS = 50
_KEPT = 3


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it is stored.

    Args:
        guide_version_id: of the version that it belongs to.
        plan_version: its number; a later plan of any guide has a higher one.
        sessions: that it was learned from.
        order_in_use: author, learned or shadow, as decided when it was fitted.
        posterior: for `Posterior.from_bytes`.
        figures: what is told about it.
        rules: of the guide, as plain values; empty where nobody made any.
    """

    problem_id: str
    guide_version_id: str
    plan_version: int
    fitted_at: datetime
    sessions: int
    order_in_use: str
    posterior: bytes
    figures: Mapping[str, Any]
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan to publish.

    Args:
        counted: sessions of the problem that were counted by then.
        rules_revision: number of the rules that it was made with; 0 for none.
        basis: fingerprint of the settings that it was made with.
    """

    problem_id: str
    guide_version_id: str
    sessions: int
    counted: int
    rules_revision: int
    basis: str
    order_in_use: str
    posterior: bytes
    figures: Mapping[str, object]


class UsedGuide(NamedTuple):
    """A guide version in use, with what its plan was made from.

    Args:
        scope: of its knowledge base.
        revision: number of its rules; 0 where there are none.
        plan_version: of its plan; None where there is none yet, and the three after it too.
        amended: customers who came back since that plan.
    """

    problem_id: str
    scope: str
    guide_version_id: str
    rules: Mapping[str, Any]
    revision: int
    plan_version: int | None
    counted: int | None
    rules_revision: int | None
    basis: str | None
    order_in_use: str | None
    amended: int


class LineageVersion(NamedTuple):
    """A guide version with its parent and its steps, as plain values."""

    guide_version_id: str
    parent_id: str | None
    steps: Sequence[Mapping[str, Any]]


async def read_mark(connection: Connection, tenant: str) -> int:
    """The number of the last plan or rule; 0 where there is none."""
    return int(await connection.fetchval(sql("guidance_plans", "mark"), tenant))


async def changed(connection: Connection, tenant: str, since: int) -> list[StoredPlan]:
    """The plans that changed after a number, or whose rules did; those of the most sessions first, 2,000 at most."""
    return list(map(_plan, await connection.fetch(sql("guidance_plans", "changed"), tenant, since, _MOST_PLANS)))


async def of_problem(connection: Connection, tenant: str, problem_id: str) -> list[StoredPlan]:
    """The plans of the versions of a guide, the newest first."""
    return list(map(_plan, await connection.fetch(sql("guidance_plans", "of_problem"), tenant, problem_id)))


def _plan(row: Row) -> StoredPlan:
    return StoredPlan(
        row["problem_id"], str(row["guide_version_id"]), row["plan_version"], row["fitted_at"], row["sessions"],
        row["order_in_use"], row["posterior"], row["figures"], row["rules"],
    )  # fmt: skip


async def used(connection: Connection, tenant: str, problem_ids: Sequence[str]) -> list[UsedGuide]:
    """The versions in use of these guides, and of those with rules."""
    rows = await connection.fetch(sql("guidance_plans", "used"), tenant, list(problem_ids))
    return [UsedGuide(**{**dict(row), "guide_version_id": str(row["guide_version_id"])}) for row in rows]  # pyright: ignore[reportArgumentType]


async def lineage(connection: Connection, tenant: str, scope: str, problem_id: str) -> list[LineageVersion]:
    """The last 50 versions of a guide in a knowledge base, oldest first."""
    rows = await connection.fetch(sql("guidance_plans", "lineage"), tenant, scope, problem_id, _MOST_VERSIONS)
    return [
        LineageVersion(str(row["guide_version_id"]), str(row["parent_id"]) if row["parent_id"] else None, row["steps"])
        for row in rows
    ]


async def posterior(connection: Connection, tenant: str, problem_id: str, version_ids: Sequence[str]) -> bytes | None:
    """What was learned last for the first of these versions that has a plan, for `Posterior.from_bytes`; None where none has."""
    wanted = list(map(UUID, version_ids))
    found: bytes | None = await connection.fetchval(sql("guidance_plans", "posterior"), tenant, problem_id, wanted)
    return found


async def publish(connection: Connection, tenant: str, plan: NewPlan) -> int:
    """Publish a plan, all or nothing; plans of versions that nobody uses any more are deleted, but for the last few.

    Returns:
        Its number.
    """
    async with connection.transaction():
        number = await _next_number(connection, tenant)
        await connection.execute(
            sql("guidance_plans", "publish"), tenant, plan.problem_id, UUID(plan.guide_version_id), number, plan.sessions,
            plan.counted, plan.rules_revision, plan.basis, plan.order_in_use, plan.posterior, plan.figures,
        )  # fmt: skip
        await connection.execute(sql("guidance_plans", "forget"), tenant, plan.problem_id, _KEPT)
    return number


async def rules_of(connection: Connection, tenant: str, problem_id: str) -> Mapping[str, Any]:
    """The rules of a guide as plain values; empty where nobody made any."""
    found: Mapping[str, Any] | None = await connection.fetchval(sql("guidance_plans", "rules"), tenant, problem_id)
    return found or {}


async def put_rules(
    connection: Connection, tenant: str, problem_id: str, rules: Mapping[str, object], by: str, now: datetime
) -> int:
    """Store the rules of a guide.

    Args:
        by: author of the change.

    Returns:
        Their number.
    """
    async with connection.transaction():
        number = await _next_number(connection, tenant)
        await connection.execute(sql("guidance_plans", "put_rules"), tenant, problem_id, rules, number, now, by)
    return number


async def _next_number(connection: Connection, tenant: str) -> int:
    await connection.execute(sql("guidance_plans", "lock"), tenant, GUIDANCE)
    return await read_mark(connection, tenant) + 1
