"""The checker of the storm (tests/checker.py) finds nothing in a sound history, and names every fault that a hand puts there."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import asking
import asyncpg
import pytest
from checker import check, inconsistencies_seen_by
from orders import Curious
from seven_guides import SEVEN_GUIDES

from guiado import clock
from guiado.app import commands
from guiado.app.context import Scope
from guiado.app.outbound import webhooks
from guiado.app.sessions import answer, clarify, escalate, feedback, guide_question, start, undo
from guiado.domain.events import EventKind
from guiado.domain.session import Outcome
from guiado.settings import read_settings
from guiado.wiring import Runtime

CALLER = Scope(channel="api")
KINDS = ["solved", "all_done", "no_use", "failures", "requested", "reopened", "closed", "unknown", "went_away", "abandoned",
         "chosen", "none_of_them", "rejected", "rejected_twice", "asked", "passed_over", "asked_no_more", "corrected"]  # fmt: skip


async def tell_histories(dsn: str, kb: Path) -> dict[str, str]:
    """One session of every kind that there can be; name -> id."""
    runtime = await Runtime.open(read_settings(DATABASE_URL=dsn, GUIADO_ACCEPT_THRESHOLD="1", GUIADO_KB_PATH=str(kb)))
    parts, ids = runtime.parts, {}

    async def play(name: str, *wishes: commands.Command) -> None:
        unknown = name in {"unknown", "went_away"}
        words = "xyzzy plugh" if unknown else "No puedo instalar el software"
        asks = name in {"chosen", "none_of_them"}
        command = commands.Start(problem_description=words, customer_email="a@example.com", ticket_id=name, clarify=asks)
        verbs = {
            commands.AnswerStep: answer.answer,
            commands.Rate: feedback.rate,
            commands.Escalate: escalate.escalate,
            commands.Resolve: escalate.resolve,
            commands.AnswerGuideQuestion: guide_question.answer_question,
            commands.Undo: undo.undo,
        }
        async with parts.db.connection() as connection:
            session = (await start.start(parts.work(connection, CALLER), runtime.knowledge, command)).session
            one, asked = session.session_id, session.open_clarification
            ids[name] = one
            for wish in wishes:
                if isinstance(wish, commands.Clarify) and wish.answer and not (asked and asked.question):
                    continue  # how sure detection is decides whether anything is asked
                if isinstance(wish, commands.Clarify):
                    await clarify.clarify(parts.work(connection, CALLER), runtime.knowledge, one, wish)
                elif isinstance(wish, commands.Reject):
                    await clarify.reject(parts.work(connection, CALLER), runtime.knowledge, one, wish)
                else:
                    await verbs[type(wish)](parts.work(connection, CALLER), one, wish)

    done, solved, could_not, no_use = (
        commands.AnswerStep(success=outcome is not Outcome.COULD_NOT, outcome=outcome)
        for outcome in (Outcome.DONE, Outcome.SOLVED, Outcome.COULD_NOT, Outcome.NOT_HELPED)
    )
    try:
        async with parts.db.connection() as connection:
            url = "https://example.com/hook"
            hook = commands.Webhook(url=url, events=[EventKind.STEP_COMPLETED, EventKind.SESSION_RESOLVED], webhook_id="oyente")
            await webhooks.register(parts.work(connection), hook, make_secret=True)
        await play("abandoned", done)
        async with parts.db.connection() as connection:
            # A day ago in every row, so that the worker takes it for left alone.
            back = clock.now() - timedelta(days=2)
            await _set_back(connection, ids["abandoned"], back)
        assert await escalate.abandon_idle(parts) == 1
        await play("solved", done, no_use, solved, commands.Rate(rating=4), commands.Rate(rating=5))
        await play("all_done", *[done] * 6)
        await play("no_use", *[done] * 5, no_use)
        await play("failures", could_not, could_not, could_not, done)
        await play("requested", could_not, commands.Escalate(), commands.Escalate(reason="Prisa"))
        await play("reopened", solved, commands.Escalate())
        await play("closed", could_not, could_not, commands.Escalate(), commands.Resolve(minutes=3))
        await play("unknown")
        await play("went_away", solved)
        unsure, other = commands.Clarify(answer="unknown"), commands.Reject(problem_id="recuperar_cuenta")
        await play("chosen", unsure, commands.Clarify(problem_id="instalacion_software"), done, solved)
        await play("none_of_them", commands.Clarify(none=True))
        await play("rejected", done, could_not, other, done, could_not, done)
        once = commands.Reject(problem_id="conexion_internet", text="no es la instalación")
        await play("rejected_twice", done, once, no_use, other, solved)
        parts.policy = Curious(after=1)
        coffee = commands.Reject(problem_id="cafetera")
        light = commands.AnswerGuideQuestion(question_id="luz", answer_id="roja")
        await play("asked", coffee, no_use, light, light, done, commands.Undo(), commands.Undo(), no_use, solved)
        green = commands.AnswerGuideQuestion(question_id="luz", answer_id="verde")
        since = commands.AnswerGuideQuestion(question_id="cuando", answer_id="hoy")
        await play("corrected", coffee, no_use, light, green, no_use, since, light, commands.Undo(), green, solved)
        await play("passed_over", coffee, no_use, could_not, no_use, commands.Resolve())
        await play("asked_no_more", coffee, no_use, light, other, done)
    finally:
        await runtime.close()
    return ids


async def _set_back(connection: asyncpg.Connection, one: str, to: object) -> None:
    places = {
        "sessions": ("session_id", "started_at", "updated_at"),
        "attempts": ("session_id", "attempted_at"),
    }
    for table, (key, *columns) in places.items():
        sets = ", ".join(f"{column} = $2" for column in columns)
        await connection.execute(f"UPDATE support_troubleshooting_{table} SET {sets} WHERE {key}::text = $1", one, to)
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE support_troubleshooting_audit_log SET at = $2 WHERE object_id = $1", one, to)


@pytest.fixture(scope="module")
def histories(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Told with seven guides, and one that has questions."""
    kb = tmp_path_factory.mktemp("kb") / "kb.json"
    kb.write_text(json.dumps(json.loads(SEVEN_GUIDES.read_text("utf-8")) | asking.entries()), "utf-8")
    return module_dsn, asyncio.run(tell_histories(module_dsn, kb))


def test_a_sound_history_of_every_kind_has_no_fault(histories: tuple[str, dict[str, str]]) -> None:
    dsn, ids = histories
    assert sorted(ids) == sorted(KINDS)
    assert check(dsn) == []


SESSION = "UPDATE support_troubleshooting_sessions SET {} WHERE session_id = $1"
ATTEMPT = "UPDATE support_troubleshooting_attempts SET {} WHERE session_id = $1 AND decision_number = 1"
FAULTS = [
    ("solved", SESSION.format("status = 'in_progress'"), "status is 'in_progress', the history says 'resolved'"),
    (
        "asked",
        SESSION.format("asked_question_id = 'luz'"),
        "asked_question_id is 'luz', the history says None",
    ),
    ("asked", SESSION.format("guide_answers = '[]'"), "of questions it keeps []"),
    (
        "passed_over",
        SESSION.format("guide_answers = jsonb_set(guide_answers, '{0,answer_id}', '\"roja\"')"),
        "of questions it keeps",
    ),
    ("solved", SESSION.format("answers = '[]'"), "the answers kept are []"),
    ("solved", SESSION.format("current_step = 2"), "current_step is 2, the history says 3"),
    ("all_done", SESSION.format("total_steps = 7"), "total_steps is 7, the history says 6"),
    ("failures", SESSION.format("failures = 2"), "failures is 2, the history says 3"),
    ("failures", SESSION.format("attempts = 5"), "attempts is 5, the history says 4"),
    ("failures", SESSION.format("version = version - 1"), "version is 4, the history says 5"),
    ("no_use", SESSION.format("decisions = 6"), "decisions is 6, the history says 7"),
    ("no_use", SESSION.format("escalated_at = NULL"), "escalated_at is None"),
    ("all_done", SESSION.format("resolution = 'confirmed'"), "resolution is 'confirmed', the history says 'assumed'"),
    ("solved", SESSION.format("resolved_at = resolved_at - interval '1 ms'"), "resolved_at is"),
    ("solved", SESSION.format("ended_at = NULL"), "ended_at is None"),
    ("closed", SESSION.format("ended_by = 'customer'"), "ended_by is 'customer', the history says 'agent'"),
    ("reopened", SESSION.format("recontact_until = now()"), "recontact_until is"),
    ("requested", SESSION.format("escalation_reason = NULL"), "escalation_reason is None"),
    ("unknown", SESSION.format("started_at = started_at - interval '1 s'"), "started_at is"),
    ("solved", SESSION.format("updated_at = updated_at + interval '1 s'"), "updated_at is"),
    ("abandoned", SESSION.format("ended_at = started_at - interval '1 s'"), "before its last activity"),
    ("solved", SESSION.format("tenant_id = 'otro'"), "attempts belong to another tenant"),
    ("solved", ATTEMPT.format("decision_number = 2"), "decision 2 was answered 2 times"),
    ("solved", ATTEMPT.format("outcome = 'could_not'"), "success is True, outcome could_not"),
    ("solved", ATTEMPT.format("step_id = 'ajeno'"), "the history says (1, 1, "),
    ("solved", ATTEMPT.format("attempted_at = now()"), "the history says (1, 1, "),
    (
        "solved",
        (
            "INSERT INTO support_troubleshooting_attempts SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).*"
            " FROM support_troubleshooting_attempts a WHERE session_id = $1 AND decision_number = 3"
        ),
        "rows that no audited command left: 1 attempts",
    ),
    (
        "solved",
        "DELETE FROM support_troubleshooting_attempts WHERE session_id = $1 AND decision_number = 3",
        "2 attempts are there",
    ),
    (
        "solved",
        "DELETE FROM support_troubleshooting_decisions WHERE session_id = $1 AND number = 2",
        "decision 3 (author-order) is missing",
    ),
    ("solved", "UPDATE support_troubleshooting_decisions SET rule = 'x' WHERE session_id = $1 AND number = 2", "decision 2 is "),
    (
        "solved",
        "DELETE FROM support_troubleshooting_outbox WHERE session_id = $1 AND event = 'session_resolved'",
        "event missing: ('session_resolved'",
    ),
    (
        "failures",
        "DELETE FROM support_troubleshooting_outbox WHERE session_id = $1 AND event = 'retry_attempt'",
        "event missing: ('retry_attempt'",
    ),
    (
        "solved",
        (
            "INSERT INTO support_troubleshooting_outbox SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', gen_random_uuid()))).*"
            " FROM support_troubleshooting_outbox e WHERE session_id = $1 AND event = 'step_completed' LIMIT 1"
        ),
        "event too many: ('step_completed'",
    ),
    (
        "solved",
        "UPDATE support_troubleshooting_feedback SET is_current = false WHERE session_id = $1",
        "0 of 2 ratings are the valid one",
    ),
    (
        "solved",
        "DELETE FROM support_troubleshooting_feedback WHERE session_id = $1 AND NOT is_current",
        "1 ratings, 2 of them audited",
    ),
    (
        "closed",
        "DELETE FROM support_troubleshooting_audit_log WHERE object_id = $1::uuid::text AND action = 'resolve'",
        "status is 'resolved'",
    ),
    (
        "closed",
        "UPDATE support_troubleshooting_audit_log SET detail = '{}' WHERE object_id = $1::uuid::text AND action = 'resolve'",
        "resolve was audited as {}",
    ),
    (
        "closed",
        "DELETE FROM support_troubleshooting_audit_log WHERE object_id = $1::uuid::text AND action = 'start'",
        "does not begin with",
    ),
    ("rejected", SESSION.format("current_step = 3"), "current_step is 3, the history says 2"),
    (
        "rejected",
        (
            "UPDATE support_troubleshooting_sessions s SET guide_version_id = (SELECT guide_version_id FROM"
            " support_troubleshooting_guide_versions v WHERE guide_id = 'instalacion_software') WHERE session_id = $1"
        ),
        "guide_version_id is ",
    ),
    ("rejected_twice", ATTEMPT.format("guide_version_id = NULL"), "belongs to guide None"),
    ("rejected_twice", SESSION.format("clarifications = '[]'"), "clarification 1 of 0 was not answered"),
    ("chosen", SESSION.format("clarifications = clarifications - 0"), "was not answered"),
    ("none_of_them", SESSION.format("status = 'started'"), "status is 'started', the history says 'needs_escalation'"),
    (
        "rejected",
        (
            "DELETE FROM support_troubleshooting_outbox WHERE event_id = (SELECT max(event_id::text)::uuid FROM"
            " support_troubleshooting_outbox WHERE session_id = $1 AND event = 'problem_detected')"
        ),
        "event missing: ('problem_detected'",
    ),
    ("solved", "DELETE FROM support_troubleshooting_sessions WHERE session_id = $1", "audits of session"),
    (
        "solved",
        (
            "UPDATE support_troubleshooting_deliveries SET delivery_id = gen_random_uuid()"
            " WHERE event_id IN (SELECT event_id FROM support_troubleshooting_outbox WHERE session_id = $1)"
        ),
        "its id is not that of its event",
    ),
    (
        "solved",
        (
            "INSERT INTO support_troubleshooting_deliveries SELECT (jsonb_populate_record(d, jsonb_build_object('delivery_id', gen_random_uuid()))).*"
            " FROM support_troubleshooting_deliveries d JOIN support_troubleshooting_outbox e USING (event_id) WHERE session_id = $1"
        ),
        "goes to oyente 2 times",
    ),
    (
        "solved",
        "UPDATE support_troubleshooting_deliveries SET state = 'delivered' WHERE $1::uuid IS NOT NULL",
        "state delivered, finished_at None",
    ),
    ("solved", "DELETE FROM support_troubleshooting_outbox WHERE session_id = $1 AND event = 'step_completed'", "does not exist"),
]


def test_what_a_hand_corrupts_is_named(histories: tuple[str, dict[str, str]]) -> None:
    dsn, ids = histories

    async def corrupt() -> list[tuple[str, list[str]]]:
        connection = await asyncpg.connect(dsn)
        # As a torn disk would: no foreign key tidies up behind us.
        await connection.execute("SET session_replication_role = replica")
        unseen = []
        for kind, statement, named in FAULTS:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(statement, ids[kind])
            found = await inconsistencies_seen_by(connection)
            await transaction.rollback()
            if not any(named in fault for fault in found):
                unseen.append((statement, found))
        await connection.close()
        return unseen

    assert asyncio.run(corrupt()) == []
    assert check(dsn) == []
