"""A database from before sessions knew their step: sessions go on where they stood, and old figures keep counting."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
from checker import check

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.store.migrate import migrate

WORDS = "No puedo instalar el software"
NAME = "migrations/0065_step_identity.sql"
BEFORE = """
ALTER TABLE support_troubleshooting_sessions DROP COLUMN offered_step_id, DROP COLUMN answers;
UPDATE support_troubleshooting_sessions SET policy = 'author-order', policy_version = '1';
ALTER TABLE support_troubleshooting_sessions ALTER COLUMN policy SET NOT NULL, ALTER COLUMN policy SET DEFAULT 'author-order',
    ALTER COLUMN policy_version SET NOT NULL, ALTER COLUMN policy_version SET DEFAULT '1';
ALTER TABLE support_troubleshooting_decisions DROP COLUMN policy, DROP COLUMN policy_version;
ALTER TABLE support_troubleshooting_attempts DROP COLUMN author_position;
UPDATE support_troubleshooting_attempts SET step_id = NULL WHERE step_number = 2;
"""
ROLLED_UP = """
UPDATE {table} SET step_id = '' WHERE step_number = 2;
ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY (tenant_id, day, problem_id, guide_version, step_number, step_id);
INSERT INTO {table} SELECT tenant_id, day, problem_id, '', n, '', 'Viejo', 4, 1, 0, 0, 0
  FROM (SELECT * FROM {table} WHERE step_id <> '' LIMIT 1) x, generate_series(1, 2) n;
"""
STEPS = ("support_troubleshooting_rollup_steps", "support_troubleshooting_rollup_steps_kept")


def on(dsn: str, *statements: str) -> list[Any]:
    """The rows of the last statement."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
            for statement in statements[:-1]:
                await connection.execute(statement)
            return [tuple(row) for row in await connection.fetch(statements[-1])]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_old_sessions_go_on_at_their_step_and_old_figures_count_by_it(facade: str) -> None:
    agent = TroubleshootingAgent()
    told: dict[str, list[tuple[bool, str | None]]] = {
        "new": [], "two": [(True, None), (True, "not_helped")], "failed": [(True, None), (False, None)],
        "called": [(False, None), (False, None)], "all": [(True, None)] * 6, "no use": [(True, "not_helped")] * 6,
        "solved": [(True, "solved")],
    }  # fmt: skip
    ids = {}
    for name, answers in told.items():
        ids[name] = agent.start_troubleshooting(WORDS, "ana@example.com").session_id
        for success, outcome in answers:
            agent.complete_step(ids[name], success, outcome=outcome)
    state = "SELECT session_id, offered_step_id, answers FROM support_troubleshooting_sessions ORDER BY session_id"
    figures = """SELECT problem_id, step_id, sum(total_attempts), sum(failed), min(step_number)
                   FROM support_troubleshooting_rollup_steps WHERE guide_version <> '' GROUP BY 1, 2 ORDER BY 1, 2"""
    close_engines()
    kept = on(facade, "SELECT guiado_roll_up()", state)
    counted = on(facade, figures)
    assert [row[2] for row in counted] != []

    older = [ROLLED_UP.format(table=table) for table in STEPS]
    on(facade, BEFORE, f"INSERT INTO {STEPS[1]} SELECT * FROM {STEPS[0]}", *older,
       f"DELETE FROM support_schema_migrations WHERE name = '{NAME}' OR name NOT LIKE 'migrations%'", "SELECT 1")  # fmt: skip
    assert NAME in asyncio.run(migrate(facade))

    # «solved» ended in the middle: nothing is on offer there, and nobody asks.
    after = {row[0]: row[1:] for row in on(facade, state)}
    assert [(row[0], *after[row[0]]) for row in kept if str(row[0]) != ids["solved"]] == [
        row for row in kept if str(row[0]) != ids["solved"]
    ]
    assert after[next(row[0] for row in kept if str(row[0]) == ids["solved"])][1][0]["action"] == "resolved"
    for table in STEPS:
        again = on(facade, figures.replace(STEPS[0], table))
        # What was kept of deleted sessions counts in the roll-up too: it is made anew of both.
        assert [row[:2] for row in again] == [row[:2] for row in counted], table
        (old,) = on(facade, f"SELECT array_agg(step_id ORDER BY step_id) FROM {table} WHERE guide_version = ''")
        assert old[0] == ["#1", "#2"], table

    agent = TroubleshootingAgent()
    assert agent.get_current_step(ids["two"])["step_number"] == 3
    assert agent.complete_step(ids["two"], True)["next_step"]["step_number"] == 4
    assert agent.complete_step(ids["failed"], True)["next_step"]["step_number"] == 3
    assert agent.get_current_step(ids["new"])["step_id"] == "revisar-espacio-y-version"


def test_a_process_of_an_older_version_leaves_a_session_that_goes_on(facade: str) -> None:
    """While processes are replaced one after another, the older ones write what they know: numbers."""
    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting(WORDS, "ana@example.com").session_id
    on(
        facade,
        f"""SELECT guiado_commit('default', jsonb_build_object('expected', 1, 'session', to_jsonb(s) - 'offered_step_id' - 'answers'
                || '{{"version": 2, "current_step": 1, "attempts": 1}}', 'attempts', jsonb_build_array(jsonb_build_object(
                'id', gen_random_uuid(), 'tenant_id', 'default', 'session_id', s.session_id, 'step_number', 1, 'success', true,
                'outcome', 'done', 'source', 'customer', 'attempted_at', now(), 'step_id', s.offered_step_id)),
                'decisions', '[]'::jsonb, 'events', '[]'::jsonb, 'audits', '[]'::jsonb))
              FROM support_troubleshooting_sessions s WHERE s.session_id = '{session_id}'""",
    )
    assert agent.get_current_step(session_id)["step_number"] == 2
    assert agent.complete_step(session_id, True)["next_step"]["step_number"] == 3
    kept = on(facade, "SELECT answers FROM support_troubleshooting_sessions")[0][0]
    assert [each["outcome"] for each in kept] == ["done", "done"]
    assert len(check(facade)) > 0, "the book-keeper sees that no audited command did it"
