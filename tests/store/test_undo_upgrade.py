"""Undo in a database from before it: old answers are taken back as well, and figures follow, also of a day that is closed."""

from __future__ import annotations

import asyncio

from statements import rows

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.store.migrate import migrate

WORDS = "No puedo instalar el software"
FIGURES = "SELECT sum(total_attempts)::int, sum(failed)::int FROM guiado_steps_daily('default', now() - interval '5 days', now())"
OLDER = """
DROP VIEW vw_troubleshooting_sessions_summary;
ALTER TABLE support_troubleshooting_attempts DROP COLUMN retracted_at;
DELETE FROM support_schema_migrations WHERE name NOT LIKE 'migrations%';
"""
OF_YESTERDAY = """
UPDATE support_troubleshooting_attempts SET attempted_at = attempted_at - interval '2 days';
UPDATE support_troubleshooting_decisions SET offered_at = offered_at - interval '2 days';
UPDATE support_troubleshooting_sessions SET started_at = started_at - interval '2 days', updated_at = updated_at - interval '2 days';
SELECT guiado_roll_up(now(), true);
"""


def test_an_answer_from_before_the_update_is_taken_back(facade: str) -> None:
    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting(WORDS, "ana@example.com").session_id
    agent.complete_step(session_id, True)
    agent.complete_step(session_id, False)
    close_engines()
    rows(facade, OLDER, "SELECT 1")
    assert "support_troubleshooting_schema.sql" in asyncio.run(migrate(facade))

    agent = TroubleshootingAgent()
    assert rows(facade, FIGURES) == [(2, 1)]
    assert agent.undo_last_answer(session_id, 2)["step_number"] == 2
    assert rows(facade, FIGURES) == [(1, 0)]
    assert agent.complete_step(session_id, True)["next_step"]["step_number"] == 3


def test_the_figures_of_a_closed_day_follow(facade: str) -> None:
    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting(WORDS, "ana@example.com").session_id
    for success in (True, False):
        agent.complete_step(session_id, success)
    rows(facade, OF_YESTERDAY, "SELECT 1")
    closed = "SELECT count(*)::int FROM support_troubleshooting_rollup_days"
    assert (rows(facade, closed), rows(facade, FIGURES)) == ([(1,)], [(2, 1)])
    agent.undo_last_answer(session_id)
    assert rows(facade, FIGURES) == [(1, 0)]
    rows(facade, "SELECT guiado_roll_up()", "SELECT 1")
    rolled = "SELECT sum(total_attempts)::int, sum(failed)::int FROM support_troubleshooting_rollup_steps"
    assert (rows(facade, rolled), rows(facade, FIGURES)) == ([(1, 0)], [(1, 0)])
