"""The five schema files: they install quietly, hold the contract's objects, and their analytics are exact."""

from __future__ import annotations

import asyncio
import random
import subprocess
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from guiado.store.migrate import migrate

FOLDER = Path(__file__).parents[2] / "data" / "db"
FILES = [
    "support_troubleshooting_schema.sql",
    "support_troubleshooting_feedback_schema.sql",
    "support_webhooks_schema.sql",
    "support_troubleshooting_advanced_schema.sql",
    "support_troubleshooting_performance_schema.sql",
    "support_access_schema.sql",
]
T = TypeVar("T")
DAY = timedelta(days=1)
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def on(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Run `work` on one connection."""

    async def run() -> T:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def add_session(db: asyncpg.Connection, **fields: Any) -> uuid.UUID:
    """Insert a session with one row of plausible values, changed by `fields`."""
    row = {
        "session_id": uuid.uuid4(),
        "customer_email": "ana@example.com",
        "problem_description": "No puedo entrar",
        "detected_problem_id": "recuperar_cuenta",
        "detected_problem_title": "Recuperar cuenta",
        "total_steps": 4,
        **fields,
    }
    row.setdefault("updated_at", row.get("started_at", MIDNIGHT))
    await insert(db, "support_troubleshooting_sessions", row)
    return row["session_id"]


async def insert(db: asyncpg.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())


async def add_attempt(db: asyncpg.Connection, session_id: uuid.UUID, **fields: Any) -> uuid.UUID:
    row = {"id": uuid.uuid4(), "session_id": session_id, "step_number": 1, "success": True, **fields}
    await insert(db, "support_troubleshooting_attempts", row)
    return row["id"]


async def add_feedback(db: asyncpg.Connection, session_id: uuid.UUID, **fields: Any) -> uuid.UUID:
    row = {"id": uuid.uuid4(), "session_id": session_id, "customer_email": "ana@example.com", "rating": 5, **fields}
    await insert(db, "support_troubleshooting_feedback", row)
    return row["id"]


def psql(dsn: str, name: str) -> str:
    """Run one file as the guide says and return everything that psql printed."""
    with (FOLDER / name).open() as file:
        done = subprocess.run(["psql", "-q", dsn], stdin=file, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


# --- Installation -----------------------------------------------------------------------------------------------------


def test_the_files_run_twice_without_a_word(empty_dsn: str) -> None:
    for _ in range(2):
        for name in FILES:
            assert psql(empty_dsn, name) == "", name


def test_every_file_is_one_transaction_without_psql_commands() -> None:
    for name in FILES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("--")]
        assert lines[0] == "BEGIN;", name
        assert lines[-1] == "COMMIT;", name
        assert not [line for line in lines if line.startswith("\\")], name


def test_views_have_content_when_the_database_already_had_data(dsn: str) -> None:
    async def prepare(db: asyncpg.Connection) -> None:
        await db.execute("DROP MATERIALIZED VIEW mv_top_problems")
        await add_session(db, started_at=MIDNIGHT - 3 * DAY)

    async def read(db: asyncpg.Connection) -> str:
        return await db.fetchval("SELECT detected_problem_id FROM mv_top_problems")  # pyright: ignore[reportReturnType]

    on(dsn, prepare)
    assert psql(dsn, FILES[4]) == ""
    assert on(dsn, read) == "recuperar_cuenta"


COLUMNS = {
    "support_tickets": "ticket_id",
    "support_troubleshooting_sessions": "session_id ticket_id customer_email customer_name problem_description "
    "detected_problem_id detected_problem_title status current_step total_steps started_at resolved_at escalated_at "
    "updated_at notes metadata",
    "support_troubleshooting_attempts": "id session_id step_number step_title success notes attempted_at "
    "duration_seconds step_type",
    "support_troubleshooting_learning": "id",
    "support_troubleshooting_feedback": "session_id rating feedback_text was_helpful",
    "support_webhooks": "webhook_id url events secret headers timeout retry_attempts enabled",
    "support_webhook_events": "response_status response_body error_message sent_at",
    "support_troubleshooting_notifications": "session_id notification_type recipient subject message",
    "support_troubleshooting_ml_training": "id",
    "support_troubleshooting_reports": "id",
    "support_troubleshooting_config": "config_key config_value",
    "support_troubleshooting_audit_log": "audit_id",
    "support_troubleshooting_cache": "cache_key expires_at",
    "support_troubleshooting_rate_limits": "identifier",
    "support_troubleshooting_performance_metrics": "metric_name",
    "vw_troubleshooting_sessions_summary": "session_id status total_attempts successful_attempts failed_attempts duration_minutes",
    "vw_troubleshooting_active_sessions": "session_id status minutes_since_last_activity",
    "vw_troubleshooting_common_problems": "detected_problem_id detected_problem_title total_sessions",
    "vw_troubleshooting_feedback_summary": "problem_detected_id total_feedback avg_rating",
    "vw_webhook_stats": "webhook_id pending delivered exhausted success_rate avg_duration_ms last_success_at "
    "last_failure_at last_error",
}
ORDERED = {
    "vw_troubleshooting_realtime_metrics": "active_sessions resolved_last_hour escalated_last_hour "
    "avg_resolution_time_minutes unique_problems_24h avg_rating_24h tenant_id",
    "mv_daily_troubleshooting_summary": "date total_sessions resolved escalated active avg_duration_minutes "
    "unique_problems unique_customers tenant_id",
    "mv_top_problems": "detected_problem_id detected_problem_title total_sessions resolved_count escalated_count "
    "resolution_rate avg_duration_minutes last_occurrence tenant_id",
    "mv_feedback_summary": "problem_detected_id total_feedback avg_rating positive_count negative_count helpful_count "
    "helpful_percentage last_feedback tenant_id",
}
CALLS = [
    "get_troubleshooting_stats(current_date - 7, current_date)",
    "get_feedback_by_problem(current_date - 7, current_date)",
    "get_troubleshooting_metrics_by_period(current_date - 7, current_date, 'week')",
    "cleanup_old_troubleshooting_data(90)",
    "refresh_troubleshooting_views()",
    "cleanup_expired_cache()",
    "check_rate_limit('1.2.3.4', 'ip', 10, 1)",
    "get_performance_stats(NULL, 24)",
    "maintenance_troubleshooting_tables()",
    "search_troubleshooting_sessions('contraseña', 5)",
]
DEFAULTS = {
    "auto_escalate_after_failures": "2",
    "default_timeout_minutes": "30",
    "enable_llm_enhancement": "true",
    "feedback_collection_enabled": "true",
    "notification_channels": '["email"]',
    "max_session_duration_hours": "24",
    "waiting_days": "30",
}


def test_every_object_of_the_contract_exists(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for name, columns in (COLUMNS | ORDERED).items():
            statement = await db.prepare(f"SELECT * FROM {name}")
            names = [attribute.name for attribute in statement.get_attributes()]
            assert set(columns.split()) <= set(names), name
            if name in ORDERED:
                assert names == columns.split()
        for call in CALLS:
            await db.fetch(f"SELECT * FROM {call}")
        rows = await db.fetch("SELECT config_key, config_value FROM support_troubleshooting_config")
        assert {row["config_key"]: row["config_value"] for row in rows} == DEFAULTS

    on(dsn, check)


def test_no_index_has_what_every_answer_changes(dsn: str) -> None:
    changing = ["version", "updated_at", "current_step", "attempts", "failures", "decisions", "notes"]
    named = on(
        dsn,
        lambda db: db.fetch(
            """SELECT indexrelid::regclass::text FROM pg_index
                WHERE indrelid = 'support_troubleshooting_sessions'::regclass
                  AND pg_get_indexdef(indexrelid) ~ ('\\m(' || array_to_string($1::text[], '|') || ')\\M')""",
            changing,
        ),
    )
    assert named == []  # such a column would make PostgreSQL touch every index of the table with each answer


def test_the_live_metrics_have_one_row_before_the_first_session(dsn: str) -> None:
    rows = on(dsn, lambda db: db.fetch("SELECT * FROM vw_troubleshooting_realtime_metrics"))
    assert [(row["active_sessions"], row["tenant_id"]) for row in rows] == [(0, "default")]


# --- Analytics: exact to the moment ---------------------------------------------------------------------------------

STATUSES = ["started", "in_progress", "resolved", "needs_escalation", "escalated", "abandoned"]
MEASURES = [
    "total_sessions",
    "resolved",
    "resolved_confirmed",
    "escalated",
    "abandoned",
    "active",
    "duration_seconds",
    "duration_count",
    "steps_to_resolution",
    "unique_customers",
    "unique_problems",
    "last_started_at",
    "feedback",
    "rating_sum",
    "positive",
    "negative",
    "helpful",
    "helpful_answers",
    "last_feedback_at",
]
STEP_MEASURES = ["total_attempts", "failed", "solved", "not_helped", "active_seconds"]


def expected_days(sessions: list[Any], feedback: dict[uuid.UUID, Any]) -> dict[tuple[Any, ...], list[Any]]:
    """The rows that guiado_daily should give, counted one by one."""
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for session in sessions:
        day = session["started_at"].astimezone(UTC).date()
        groups[day, session["detected_problem_id"] or "", str(session["guide_version_id"] or "")].append(session)
        groups[day, "*", ""].append(session)
    return {
        key: measure(rows, [feedback[r["session_id"]] for r in rows if r["session_id"] in feedback])
        for key, rows in groups.items()
    }


def measure(rows: list[Any], given: list[Any]) -> list[Any]:
    status = Counter(row["status"] for row in rows)
    solved = [row for row in rows if row["status"] == "resolved"]
    seconds = [(row["resolved_at"] - row["started_at"]).total_seconds() for row in solved if row["resolved_at"]]
    return [
        len(rows),
        len(solved),
        sum(row["resolution"] == "confirmed" for row in solved),
        status["escalated"] + status["needs_escalation"],
        status["abandoned"],
        status["started"] + status["in_progress"],
        pytest.approx(sum(seconds), abs=1e-3),
        len(seconds),
        sum(row["current_step"] for row in solved),
        len({row["customer_email"] for row in rows}),
        len({row["detected_problem_id"] for row in rows} - {None}),
        max(row["started_at"] for row in rows),
        len(given),
        sum(f["rating"] for f in given),
        sum(f["rating"] >= 4 for f in given),
        sum(f["rating"] <= 2 for f in given),
        sum(f["was_helpful"] is True for f in given),
        sum(f["was_helpful"] is not None for f in given),
        max((f["collected_at"] for f in given), default=None),
    ]


def expected_steps(sessions: list[Any], attempts: list[Any]) -> dict[tuple[Any, ...], list[Any]]:
    """The rows that guiado_steps_daily should give; an attempt that a later one of the same session corrects does not count, nor
    one that its customer took back.
    """
    by_id = {session["session_id"]: session for session in sessions}
    corrected = {(attempt["corrects"], attempt["session_id"]) for attempt in attempts}
    rows: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    places: dict[tuple[Any, ...], int] = {}
    for attempt in attempts:
        session = by_id.get(attempt["session_id"])
        if session is None or attempt["retracted_at"] or (attempt["id"], attempt["session_id"]) in corrected:
            continue
        day = session["started_at"].astimezone(UTC).date()
        version = str(session["guide_version_id"] or "")
        place = attempt["author_position"] or attempt["step_number"]
        key = (day, session["detected_problem_id"] or "", version, attempt["step_id"] or f"#{attempt['step_number']}")
        places[key] = min(place, places.get(key, place))
        found = [1, not attempt["success"], attempt["outcome"] == "solved", attempt["outcome"] == "not_helped"]
        rows[key] = [a + b for a, b in zip(rows[key], [*found, attempt["active_seconds"] or 0], strict=True)]
    return {(*key, places[key]): [*row[:4], pytest.approx(row[4], abs=1e-3)] for key, row in rows.items()}


async def check_exact(db: asyncpg.Connection, start: datetime, end: datetime) -> None:
    """Compare the analytics of [start, end) with the raw rows."""
    sessions = await db.fetch(
        "SELECT * FROM support_troubleshooting_sessions WHERE tenant_id = guiado_tenant() AND started_at >= $1 AND started_at < $2",
        start,
        end,
    )
    feedback = await db.fetch("SELECT * FROM support_troubleshooting_feedback WHERE is_current")
    attempts = await db.fetch("SELECT * FROM support_troubleshooting_attempts")
    days = await db.fetch("SELECT * FROM guiado_daily($1, $2)", start, end)
    found = {(row["day"], row["problem_id"], row["guide_version"]): [row[name] for name in MEASURES] for row in days}
    assert len(found) == len(days)
    assert found == expected_days(sessions, {row["session_id"]: row for row in feedback})
    steps = await db.fetch("SELECT * FROM guiado_steps_daily($1, $2)", start, end)
    keys = ("day", "problem_id", "guide_version", "step_id", "step_number")
    found = {tuple(row[key] for key in keys): [row[name] for name in STEP_MEASURES] for row in steps}
    assert len(found) == len(steps)
    assert found == expected_steps(sessions, attempts)


class World:
    """A seeded stream of changes to a database, as customers, imports and people in psql make them."""

    def __init__(self, db: asyncpg.Connection, seed: int) -> None:
        self.db = db
        self.dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.versions = [uuid.UUID(int=n) for n in (1, 2)]
        self.sessions: list[uuid.UUID] = []
        self.tenants: dict[uuid.UUID, str] = {}

    async def publish(self) -> None:
        for tenant in ("default", "otro"):
            for number, version in enumerate(self.versions, 1):
                row = {"guide_id": "a", "version": number, "content_hash": str(number), "content": "{}"}
                row |= {"tenant_id": tenant, "guide_version_id": version}
                await insert(self.db, "support_troubleshooting_guide_versions", row)

    def new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.dice.getrandbits(128))

    def moment(self) -> datetime:
        """Some moment of the last six days or of today, sometimes exactly at midnight."""
        day = MIDNIGHT - self.dice.randrange(7) * DAY
        return day + timedelta(seconds=self.dice.choice([0, self.dice.randrange(86_400)]))

    def state(self, started: datetime) -> dict[str, Any]:
        status = self.dice.choice(STATUSES)
        solved = status == "resolved"
        return {
            "status": status,
            "current_step": self.dice.randrange(5),
            "started_at": started,
            "resolved_at": started + timedelta(seconds=self.dice.randrange(5000)) if solved else None,
            "resolution": self.dice.choice(["confirmed", "assumed"]) if solved else None,
            "detected_problem_id": self.dice.choice(["a", "b", None]),
            "guide_version_id": self.dice.choice([*self.versions, None]),
            "customer_email": f"c{self.dice.randrange(6)}@example.com",
        }

    async def start(self) -> None:
        tenant = self.dice.choice(["default", "default", "otro"])
        session_id = await add_session(self.db, session_id=self.new_id(), tenant_id=tenant, **self.state(self.moment()))
        self.sessions.append(session_id)
        self.tenants[session_id] = tenant

    async def change(self) -> None:
        fields = self.state(self.moment())
        if self.dice.random() < 0.8:
            del fields["started_at"]
        changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(fields, 2))
        query = f"UPDATE support_troubleshooting_sessions SET {changes}, version = version + 1 WHERE session_id = $1"
        await self.db.execute(query, self.dice.choice(self.sessions), *fields.values())

    async def delete(self) -> None:
        session_id = self.sessions.pop(self.dice.randrange(len(self.sessions)))
        await self.db.execute("DELETE FROM support_troubleshooting_sessions WHERE session_id = $1", session_id)

    async def rate(self) -> None:
        session_id = self.dice.choice(self.sessions)
        await self.db.execute(
            "UPDATE support_troubleshooting_feedback SET is_current = false WHERE session_id = $1 AND is_current", session_id
        )
        helpful = self.dice.choice([True, False, None])
        tenant = self.tenants[session_id]
        await add_feedback(self.db, session_id, tenant_id=tenant, rating=self.dice.randint(1, 5), was_helpful=helpful)

    async def attempt(self) -> None:
        """An answer: the attempt and the session change together, as guiado_commit does it."""
        session_id = self.dice.choice(self.sessions)
        outcome = self.dice.choice(["solved", "done", "not_helped", "could_not"])
        before = await self.db.fetchval(
            "SELECT id FROM support_troubleshooting_attempts WHERE session_id = $1 ORDER BY id LIMIT 1", session_id
        )
        async with self.db.transaction():
            await self.db.execute(
                "UPDATE support_troubleshooting_sessions SET attempts = attempts + 1 WHERE session_id = $1", session_id
            )
            await add_attempt(
                self.db,
                session_id,
                tenant_id=self.tenants[session_id],
                id=self.new_id(),
                step_number=self.dice.randint(1, 3),
                author_position=self.dice.choice([1, 2, None]),
                step_id=self.dice.choice(["x", None]),
                outcome=outcome,
                success=outcome != "could_not",
                active_seconds=self.dice.choice([None, 2.5]),
                corrects=before if self.dice.random() < 0.3 else None,
            )

    async def import_attempt(self) -> None:
        """Only the attempt, with the date of its session, as an import writes it."""
        session_id = self.dice.choice(self.sessions)
        started = await self.db.fetchval(
            "SELECT started_at FROM support_troubleshooting_sessions WHERE session_id = $1", session_id
        )
        own = {"tenant_id": self.tenants[session_id], "id": self.new_id()}
        await add_attempt(self.db, session_id, **own, attempted_at=started, outcome="not_helped")

    async def correct_attempt(self) -> None:
        session_id = self.dice.choice(self.sessions)
        await self.db.execute(
            "UPDATE support_troubleshooting_attempts SET success = NOT success, session_id = $1, tenant_id = $2 "
            "WHERE id = (SELECT id FROM support_troubleshooting_attempts ORDER BY id LIMIT 1)",
            session_id,
            self.tenants[session_id],
        )

    async def retract_attempt(self) -> None:
        """The customer takes back an answer, of today or of a day that is closed."""
        await self.db.execute(
            "UPDATE support_troubleshooting_attempts SET retracted_at = now() WHERE id = (SELECT id FROM"
            " support_troubleshooting_attempts WHERE session_id = $1 AND retracted_at IS NULL ORDER BY id DESC LIMIT 1)",
            self.dice.choice(self.sessions),
        )

    async def step(self) -> None:
        acts = [self.start, self.change, self.change, self.delete, self.rate, self.attempt, self.attempt]
        await self.dice.choice([*acts, self.import_attempt, self.correct_attempt, self.retract_attempt])()


@pytest.mark.parametrize("seed", [1, 2])
def test_analytics_equal_the_raw_rows_whatever_changes(dsn: str, seed: int) -> None:
    async def check(db: asyncpg.Connection) -> None:
        world = World(db, seed)
        await world.publish()
        for _ in range(60):
            await world.start()
        ranges = [
            (MIDNIGHT - 30 * DAY, MIDNIGHT + 2 * DAY),
            (MIDNIGHT - 3.4 * DAY, MIDNIGHT - 0.6 * DAY),
            (MIDNIGHT - 4 * DAY, MIDNIGHT - 2 * DAY),
            (MIDNIGHT - 2.4 * DAY, MIDNIGHT - 2.3 * DAY),
        ]
        for turn in range(40):
            for start, end in ranges:
                await check_exact(db, start, end)
            if turn % 2 == 0:
                await db.execute("SELECT guiado_roll_up()")
            else:
                for _ in range(6):
                    await world.step()
        await db.execute("TRUNCATE support_troubleshooting_sessions CASCADE")
        await check_exact(db, *ranges[0])

    on(dsn, check)


def test_a_day_is_read_from_the_rollup_once_closed(dsn: str) -> None:
    """Proves that the test above compares the rollup and not only the live reading."""

    async def check(db: asyncpg.Connection) -> None:
        await add_session(db, started_at=MIDNIGHT - 2 * DAY)
        await db.execute("SELECT guiado_roll_up()")
        await db.execute("UPDATE support_troubleshooting_rollup_daily SET total_sessions = 77 WHERE problem_id = '*'")
        query = "SELECT total_sessions FROM guiado_daily($1, $2) WHERE problem_id = '*'"
        assert await db.fetchval(query, MIDNIGHT - 3 * DAY, MIDNIGHT) == 77

    on(dsn, check)


def test_a_day_closes_ten_minutes_after_it_ends(dsn: str) -> None:
    async def closed(db: asyncpg.Connection, minutes: int) -> int:
        await db.execute("SELECT guiado_roll_up($1)", MIDNIGHT - 2 * DAY + timedelta(minutes=minutes))
        return await db.fetchval("SELECT count(*) FROM support_troubleshooting_rollup_days")  # pyright: ignore[reportReturnType]

    async def check(db: asyncpg.Connection) -> None:
        await add_session(db, started_at=MIDNIGHT - 3 * DAY)
        assert await closed(db, 9) == 0
        assert await db.fetchval("SELECT total_sessions FROM support_troubleshooting_rollup_daily WHERE problem_id = '*'") == 1
        assert await closed(db, 10) == 1

    on(dsn, check)


def test_a_change_that_commits_during_a_roll_up_is_not_lost(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        first, second = [await add_session(db, started_at=MIDNIGHT - 2 * DAY) for _ in range(2)]
        writer = await asyncpg.connect(dsn)
        update = "UPDATE support_troubleshooting_sessions SET status = 'abandoned' WHERE session_id = $1"
        try:
            await db.execute(update, first)  # the day is already dirty …
            late = writer.transaction()
            await late.start()
            await writer.execute(update, second)  # … when another change marks it again
            await asyncio.wait_for(db.execute("SELECT guiado_roll_up()"), 20)
            await late.commit()
        finally:
            await writer.close()
        for _ in range(2):
            await check_exact(db, MIDNIGHT - 3 * DAY, MIDNIGHT)
            await db.execute("SELECT guiado_roll_up()")
        summary = await db.fetchval("SELECT abandoned FROM support_troubleshooting_rollup_daily WHERE problem_id = '*'")
        assert summary == 2

    on(dsn, check)


def test_roll_ups_at_the_same_time_agree(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for n in range(20):
            await add_session(db, started_at=MIDNIGHT - (n % 5) * DAY)
        async with asyncpg.create_pool(dsn, min_size=4, max_size=4) as pool:
            await asyncio.gather(*(pool.fetchval("SELECT refresh_troubleshooting_views()") for _ in range(8)))
        await check_exact(db, MIDNIGHT - 9 * DAY, MIDNIGHT + DAY)
        rows = await db.fetch("SELECT total_sessions FROM mv_daily_troubleshooting_summary")
        assert sorted(row["total_sessions"] for row in rows) == [4] * 5

    on(dsn, check)


def test_the_materialized_views_show_today_after_a_refresh(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        noon = MIDNIGHT - 1.5 * DAY
        solved = await add_session(db, status="resolved", started_at=noon, resolved_at=noon + timedelta(minutes=6))
        await add_feedback(db, solved, rating=4, was_helpful=True, collected_at=noon)
        await add_session(db, started_at=MIDNIGHT, status="needs_escalation", customer_email="luis@example.com")
        await add_session(db, started_at=MIDNIGHT, detected_problem_id=None)
        await db.execute("SELECT refresh_troubleshooting_views()")
        daily = await db.fetch("SELECT * FROM mv_daily_troubleshooting_summary ORDER BY date")
        assert [tuple(row) for row in daily] == [
            (noon.date(), 1, 1, 0, 0, 6.0, 1, 1, "default"),
            (MIDNIGHT.date(), 2, 0, 1, 1, None, 1, 2, "default"),
        ]
        top = await db.fetchrow("SELECT * FROM mv_top_problems")
        assert tuple(top) == ("recuperar_cuenta", "Recuperar cuenta", 2, 1, 1, 50.0, 6.0, MIDNIGHT, "default")
        rated = await db.fetchrow("SELECT * FROM mv_feedback_summary")
        assert tuple(rated) == ("recuperar_cuenta", 1, 4.0, 1, 0, 1, 100.0, noon, "default")

    on(dsn, check)


def test_stats_and_periods_count_the_same_sessions(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        world = World(db, 3)
        await world.publish()
        for _ in range(40):
            await world.start()
        for _ in range(10):
            await world.attempt()
        await db.execute("SELECT guiado_roll_up()")
        window = (MIDNIGHT - 8.5 * DAY, MIDNIGHT + DAY)
        stats = await db.fetchrow("SELECT * FROM get_troubleshooting_stats($1, $2)", *window)
        rows = await db.fetch("SELECT status FROM support_troubleshooting_sessions WHERE tenant_id = 'default'")
        status = Counter(row["status"] for row in rows)
        assert (stats["total_sessions"], stats["resolved"]) == (len(rows), status["resolved"])
        assert stats["escalated"] == status["escalated"] + status["needs_escalation"]
        assert stats["confirmed"] + stats["assumed"] == stats["resolved"]
        assert stats["resolution_rate"] == pytest.approx(100 * status["resolved"] / len(rows), abs=0.01)
        for period, expected in (("hour", 9.5 * 24), ("day", 10), ("week", None)):
            query = "SELECT * FROM get_troubleshooting_metrics_by_period($1, $2, $3)"
            found = await db.fetch(query, *window, period)
            assert sum(row["total_sessions"] for row in found) == len(rows), period
            assert sum(row["resolved"] for row in found) == status["resolved"], period
            assert len({row["period_start"] for row in found}) == len(found)
            assert expected in (None, len(found)), period

    on(dsn, check)


def test_an_unknown_period_is_refused_with_the_allowed_ones(dsn: str) -> None:
    query = "SELECT * FROM get_troubleshooting_metrics_by_period(now(), now(), 'mes')"
    with pytest.raises(asyncpg.InvalidParameterValueError, match=r"'mes'.*'hour'.*'day'.*'week'"):
        on(dsn, lambda db: db.fetch(query))


def test_only_the_current_rating_counts(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        session_id = await add_session(db)
        await add_feedback(db, session_id, rating=1, is_current=False, problem_detected_id="recuperar_cuenta")
        await add_feedback(db, session_id, rating=5, problem_detected_id="recuperar_cuenta", was_helpful=True)
        view = await db.fetchrow("SELECT total_feedback, avg_rating FROM vw_troubleshooting_feedback_summary")
        assert tuple(view) == (1, 5.0)
        row = await db.fetchrow("SELECT * FROM get_feedback_by_problem(now() - interval '1 day', now() + interval '1 day')")
        assert (row["problem_title"], row["total_feedback"], row["helpful_percentage"]) == ("Recuperar cuenta", 1, 100.0)

    on(dsn, check)


# --- Cleanup and maintenance ------------------------------------------------------------------------------------------

OLD = MIDNIGHT - 100 * DAY
CHILDREN = ["attempts", "decisions", "feedback", "notifications", "outbox", "search"]


async def add_history(db: asyncpg.Connection, number: int, **fields: Any) -> uuid.UUID:
    """A session of the day OLD with one row in each table that hangs on it."""
    session_id = await add_session(db, started_at=OLD, customer_email=f"c{number % 3}@example.com", **fields)
    common = {"session_id": session_id}
    await add_attempt(db, session_id, attempted_at=OLD)
    await add_feedback(db, session_id, collected_at=OLD)
    await insert(db, "support_troubleshooting_decisions", {**common, "number": 1, "kind": "step", "rule": "x"})
    note = {**common, "id": uuid.uuid4(), "notification_type": "x", "recipient": "r", "created_at": OLD}
    await insert(db, "support_troubleshooting_notifications", note)
    event = {**common, "event_id": session_id, "event": "session_started", "data": "{}", "occurred_at": OLD}
    await insert(db, "support_troubleshooting_outbox", event)
    return session_id


async def add_delivery(db: asyncpg.Connection, event_id: uuid.UUID, state: str) -> None:
    row = {"delivery_id": uuid.uuid4(), "event_id": event_id, "destination": "w", "state": state}
    await insert(db, "support_troubleshooting_deliveries", row)
    sent = {"id": uuid.uuid4(), "webhook_id": "w", "event_id": event_id, "event": "e", "success": True}
    await insert(db, "support_webhook_events", sent)


async def sessions_in(db: asyncpg.Connection, table: str) -> set[uuid.UUID]:
    return {row[0] for row in await db.fetch(f"SELECT session_id FROM support_troubleshooting_{table}")}


async def history(db: asyncpg.Connection) -> list[list[tuple[Any, ...]]]:
    """What the analytics say of the old days."""
    window = (OLD - DAY, OLD + 5 * DAY)
    found = []
    for source in ("guiado_daily", "guiado_steps_daily"):
        rows = await db.fetch(f"SELECT * FROM {source}($1, $2)", *window)
        found.append(sorted(tuple(row) for row in rows))
    await db.execute("SELECT refresh_troubleshooting_views()")
    for view in ("mv_daily_troubleshooting_summary", "mv_top_problems", "mv_feedback_summary"):
        found.append([tuple(row) for row in await db.fetch(f"SELECT * FROM {view} ORDER BY 1")])
    return found


def test_cleanup_deletes_what_is_over_and_keeps_the_analytics(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        gone = {await add_history(db, n, status=s) for n, s in enumerate(["resolved", "escalated", "abandoned"])}
        sent = await add_history(db, 3, status="resolved", resolved_at=OLD + timedelta(hours=1), resolution="confirmed")
        stuck = await add_history(db, 4, status="resolved")
        await add_delivery(db, sent, "delivered")
        await add_delivery(db, stuck, "pending")
        gone |= {sent, stuck}
        living = [
            await add_history(db, n, status=s)
            for n, s in enumerate(STATUSES)
            if s in {"started", "in_progress", "needs_escalation"}
        ]
        recent = await add_history(db, 9, status="resolved", updated_at=MIDNIGHT)
        kept = {*living, recent}
        before = await history(db)

        async with db.transaction():
            rows = await db.fetch("SELECT * FROM cleanup_old_troubleshooting_data(90)")
        deleted = {row["table_name"].removeprefix("support_"): row["deleted"] for row in rows}

        assert await sessions_in(db, "sessions") == kept
        for table in CHILDREN:
            assert await sessions_in(db, table) == kept | ({stuck} if table == "outbox" else set()), table
        for table in ("attempts", "decisions", "feedback", "notifications", "sessions"):
            assert deleted[f"troubleshooting_{table}"] == len(gone), table
        assert (deleted["troubleshooting_outbox"], deleted["troubleshooting_deliveries"], deleted["webhook_events"]) == (4, 1, 1)
        assert await db.fetchval("SELECT event_id FROM support_troubleshooting_deliveries") == stuck
        assert await history(db) == before

        # A late change on that day is counted on top of what was deleted.
        update = "UPDATE support_troubleshooting_sessions SET status = 'abandoned', updated_at = now() WHERE session_id = $1"
        await db.execute(update, living[0])
        query = "SELECT total_sessions, abandoned, active, unique_customers FROM guiado_daily($1, $2) WHERE problem_id = '*'"
        for _ in range(2):
            assert tuple(await db.fetchrow(query, OLD - DAY, OLD + DAY)) == (9, 2, 1, 3)
            await db.execute("SELECT guiado_roll_up()")
        again = await db.fetch("SELECT * FROM cleanup_old_troubleshooting_data(90)")
        assert {row["deleted"] for row in again} == {0}

    on(dsn, check)


def test_cleanup_in_two_rounds_still_keeps_the_analytics(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for n in range(12):
            await add_history(db, n, status="resolved", updated_at=OLD + n * 5 * DAY)
        before = await history(db)
        for days, left in ((70, 5), (60, 3), (1, 0)):
            await db.execute("SELECT cleanup_old_troubleshooting_data($1)", days)
            assert len(await sessions_in(db, "sessions")) == left
            assert await history(db) == before
            await db.execute("INSERT INTO support_troubleshooting_dirty_days (day) VALUES ($1)", OLD.date())
            assert await history(db) == before  # recomputed, too

    on(dsn, check)


def test_cleanup_removes_old_log_rows_only(dsn: str) -> None:
    logs = {
        "support_troubleshooting_audit_log": {
            "audit_id": uuid.uuid4,
            "actor": "a",
            "action": "a",
            "object_type": "o",
            "at": None,
        },
        "support_troubleshooting_performance_metrics": {
            "id": uuid.uuid4,
            "metric_name": "m",
            "metric_value": 1.0,
            "recorded_at": None,
        },
        "support_troubleshooting_idempotency": {"key": uuid.uuid4, "request_hash": "h", "created_at": None},
    }

    async def check(db: asyncpg.Connection) -> None:
        await db.execute("INSERT INTO support_tickets (ticket_id, created_at, updated_at) VALUES ('T', $1, $1)", OLD)
        for table, fields in logs.items():
            for moment in (OLD, MIDNIGHT):
                row = {k: moment if v is None else (v() if callable(v) else v) for k, v in fields.items()}
                row |= {"key": str(row["key"])} if "key" in row else {}
                await insert(db, table, row)
        await db.execute("SELECT cleanup_old_troubleshooting_data(90)")
        for table in (*logs, "support_tickets"):
            assert await db.fetchval(f"SELECT count(*) FROM {table}") == 1, table

    on(dsn, check)


@pytest.mark.parametrize("days", [0, -3, None])
def test_cleanup_needs_a_day_at_least(dsn: str, days: int | None) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError, match="1 en adelante"):
        on(dsn, lambda db: db.execute("SELECT cleanup_old_troubleshooting_data($1)", days))


TASKS = ["cleanup_expired_cache", "cleanup_rate_limits", "cleanup_idempotency", "roll_up", "refresh_views", "analyze"]


def test_maintenance_reports_each_task_and_one_failure_stops_no_other(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for key, hours in (("gone", -1), ("kept", 1)):
            row = {"cache_key": key, "value": "1", "expires_at": datetime.now(UTC) + timedelta(hours=hours)}
            await insert(db, "support_troubleshooting_cache", row)
        rows = await db.fetch("SELECT * FROM maintenance_troubleshooting_tables()")
        assert [(row["task"], row["result"]) for row in rows] == [(task, "ok") for task in TASKS]
        assert rows[0]["rows_affected"] == 1
        assert await db.fetchval("SELECT cache_key FROM support_troubleshooting_cache") == "kept"

        await db.execute("DROP MATERIALIZED VIEW mv_top_problems")
        rows = await db.fetch("SELECT * FROM maintenance_troubleshooting_tables()")
        failed = {row["task"]: row["result"] for row in rows if row["result"] != "ok"}
        assert list(failed) == ["refresh_views"]
        assert "mv_top_problems" in failed["refresh_views"]

    on(dsn, check)


# --- Limits, search, metrics, tenants ---------------------------------------------------------------------------------


def test_the_rate_limit_is_exact_under_concurrency(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        # A window of a year, so that the test does not cross into the next one.
        query = "SELECT check_rate_limit('k', 'key', 25, 525600)"
        async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as pool:
            answers = await asyncio.gather(*(pool.fetchval(query) for _ in range(80)))
        assert Counter(answers) == {True: 25, False: 55}
        assert await db.fetchval("SELECT requests FROM support_troubleshooting_rate_limits") == 26
        assert await db.fetchval("SELECT check_rate_limit('other', 'key', 25, 525600)") is True
        assert await db.fetchval("SELECT check_rate_limit('k', 'ip', 0, 525600)") is False

    on(dsn, check)


@pytest.mark.parametrize("text", ["contraseña", "contrasena", "CONTRASEÑAS", '"la contraseña" or factura'])
def test_search_ignores_case_accents_and_number(dsn: str, text: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        found = await add_session(db, problem_description="Olvidé la contraseña de mi cuenta")
        await add_session(db, problem_description="La impresora no responde")
        await add_session(db, problem_description="Olvidé la contraseña", tenant_id="otro")
        rows = await db.fetch("SELECT * FROM search_troubleshooting_sessions($1)", text)
        assert [row["session_id"] for row in rows] == [found]
        await db.execute(
            "UPDATE support_troubleshooting_sessions SET problem_description = 'Otra cosa' WHERE session_id = $1", found
        )
        assert await db.fetch("SELECT * FROM search_troubleshooting_sessions($1)", text) == []

    on(dsn, check)


def test_search_ranks_limits_and_takes_any_text(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        await add_session(db, problem_description="Una factura entre otras muchas cosas que no vienen al caso")
        best = await add_session(db, problem_description="Factura: la factura de esta factura")
        await add_session(db, problem_description="ruido " * 300_000)  # too long for one tsvector's limits
        rows = await db.fetch("SELECT * FROM search_troubleshooting_sessions('facturas')")
        assert (len(rows), rows[0]["session_id"]) == (2, best)
        assert len(await db.fetch("SELECT * FROM search_troubleshooting_sessions('factura', -5)")) == 1
        for text in ("", "' & | ! (( <-> :* a:b -", "%_\\", '"', "de la que", "x" * 100_000, None):
            await db.fetch("SELECT * FROM search_troubleshooting_sessions($1, 5)", text)

    on(dsn, check)


def test_performance_stats_give_percentiles_by_name(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for value in range(1, 102):
            row = {"id": uuid.uuid4(), "metric_name": "start", "metric_value": float(value)}
            await insert(db, "support_troubleshooting_performance_metrics", row)
        row = await db.fetchrow("SELECT * FROM get_performance_stats(NULL, 1)")
        assert tuple(row) == ("start", 101, 51.0, 51.0, 96.0, 100.0, 1.0, 101.0)
        assert await db.fetch("SELECT * FROM get_performance_stats('other', 1)") == []

    on(dsn, check)


def test_webhook_stats_count_deliveries_and_attempts(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        await insert(db, "support_webhooks", {"webhook_id": "w", "url": "http://w.test", "events": ["e"], "secret": "s"})
        session_id = await add_history(db, 1)
        await add_delivery(db, session_id, "delivered")
        failed = {
            "id": uuid.uuid4(),
            "webhook_id": "w",
            "event": "e",
            "success": False,
            "response_status": 503,
            "duration_ms": 8.0,
        }
        await insert(db, "support_webhook_events", failed)
        row = await db.fetchrow("SELECT * FROM vw_webhook_stats")
        found = (row["delivered"], row["pending"], row["total_attempts"], row["success_rate"], row["avg_duration_ms"])
        assert found == (1, 0, 2, 50.0, 8.0)
        assert row["last_error"] == "HTTP 503"
        assert "secret" not in row.keys()  # noqa: SIM118 - a Record has no keys of its own in `in`

    on(dsn, check)


VIEWS = ["sessions_summary", "active_sessions", "common_problems", "feedback_summary"]


def test_the_application_role_sees_and_writes_only_its_tenant(dsn: str) -> None:
    async def check(db: asyncpg.Connection) -> None:
        for tenant in ("a", "b"):
            session_id = await add_session(db, tenant_id=tenant, started_at=MIDNIGHT - DAY)
            await add_feedback(db, session_id, tenant_id=tenant)
        await db.execute("SELECT guiado_roll_up()")
        await db.execute("SET ROLE guiado_app")
        await db.execute("SELECT set_config('guiado.tenant', 'a', false)")
        for source in (
            "support_troubleshooting_sessions",
            "support_troubleshooting_feedback",
            "support_troubleshooting_rollup_daily",
            "support_troubleshooting_search",
            *(f"vw_troubleshooting_{name}" for name in VIEWS),
            "guiado_daily(now() - interval '9 days', now())",
        ):
            assert {row["tenant_id"] for row in await db.fetch(f"SELECT tenant_id FROM {source}")} == {"a"}, source
        assert len(await db.fetch("SELECT * FROM search_troubleshooting_sessions('entrar')")) == 1
        await add_session(db, tenant_id="a", started_at=MIDNIGHT - DAY)
        await check_exact(db, MIDNIGHT - 9 * DAY, MIDNIGHT)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await add_session(db, tenant_id="b")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.fetch("SELECT * FROM mv_top_problems")

    on(dsn, check)


def test_an_older_database_loses_the_columns_that_were_never_used(dsn: str) -> None:
    table, name = "support_troubleshooting_deliveries", "migrations/0040_deliveries_without_leases.sql"

    async def go_back(db: asyncpg.Connection) -> None:
        await db.execute(f"ALTER TABLE {table} ADD COLUMN leased_until timestamptz, ADD COLUMN leased_by text")
        await db.execute("ALTER TABLE support_webhooks DROP COLUMN older_secrets")
        await db.execute("DELETE FROM support_schema_migrations WHERE name = ANY ($1)", [name, "support_webhooks_schema.sql"])

    async def columns(db: asyncpg.Connection) -> set[str]:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name IN ($1, 'support_webhooks')"
        return {row["column_name"] for row in await db.fetch(query, table)}

    on(dsn, go_back)
    assert name in asyncio.run(migrate(dsn))
    found = on(dsn, columns)
    assert "older_secrets" in found

    async def of_deliveries(db: asyncpg.Connection) -> int:
        query = "SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND column_name LIKE 'leased%'"
        return await db.fetchval(query, table)  # pyright: ignore[reportReturnType]

    assert on(dsn, of_deliveries) == 0


def test_an_older_database_gets_the_columns_that_views_read_before_them(dsn: str) -> None:
    new = {"message_kind", "also_named", "unknown_codes"}

    async def go_back(db: asyncpg.Connection) -> None:
        await db.execute(
            "ALTER TABLE support_troubleshooting_sessions"
            + ",".join(f" DROP COLUMN {name} CASCADE" for name in sorted(new))
            + "; DELETE FROM support_schema_migrations WHERE name NOT LIKE 'migrations/%'"
        )

    async def columns(db: asyncpg.Connection) -> set[str]:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'support_troubleshooting_sessions'"
        return {row["column_name"] for row in await db.fetch(query)}

    on(dsn, go_back)
    assert not new & on(dsn, columns)
    asyncio.run(migrate(dsn))
    assert new <= on(dsn, columns)

    async def views(db: asyncpg.Connection) -> None:
        await db.fetch("SELECT * FROM vw_troubleshooting_message_kinds")
        await db.fetch("SELECT * FROM vw_troubleshooting_realtime_metrics")

    on(dsn, views)
