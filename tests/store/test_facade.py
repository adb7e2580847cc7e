"""The facade, as the guide uses it, on a real database."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from seven_guides import SEVEN_GUIDES

from guiado import agent as facade_names
from guiado.agent import (
    NotificationChannel,
    NotificationConfig,
    TemplateVariable,
    TroubleshootingAgent,
    TroubleshootingNotificationManager,
    TroubleshootingStatus,
    TroubleshootingTemplateManager,
    TroubleshootingWebhookManager,
    WebhookConfig,
    WebhookEvent,
    close_engines,
)
from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.parse import read_entry
from guiado.errors import KnowledgeBaseInvalid

WORDS = "No puedo instalar el software"
MAIL = "cliente@example.com"
UNKNOWN = "0197f000-0000-7000-8000-000000000000"
KEYS_OF_A_STEP = {
    "session_id", "step_number", "title", "description", "instructions", "expected_result", "warnings", "resources",
    "total_steps", "current_step", "estimated_time", "difficulty",
}  # fmt: skip


def rows(dsn: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(run())


def value(dsn: str, query: str, *arguments: object) -> Any:
    return next(iter(rows(dsn, query, *arguments)[0].values()))


def events(dsn: str, session_id: str) -> list[str]:
    found = rows(
        dsn, "SELECT event FROM support_troubleshooting_outbox WHERE session_id = $1 ORDER BY occurred_at, event_id", session_id
    )
    return [row["event"] for row in found]


def knowledge(path: Path, steps: int = 2, **changes: object) -> Path:
    made = [{"step_number": n, "title": f"Paso propio {n}", "instructions": [f"Haz {n}"]} for n in range(1, steps + 1)]
    entry = {"problem_title": "La cafetera no calienta", "common_issues": ["la cafetera está fría"], "steps": made, **changes}
    path.write_text(json.dumps({"cafetera": entry}, ensure_ascii=False), "utf-8")
    return path


COFFEE = "mi cafetera está fría y no calienta"


# ------------------------------------------------------------------------------------------------------------ the main job


def test_the_main_job_of_the_guide(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(
        problem_description=WORDS, customer_email=" Cliente@Example.com ", customer_name="Juan Pérez", ticket_id="TKT-12345"
    )
    assert session.status is TroubleshootingStatus.STARTED
    assert (session.customer_email, session.ticket_id, session.current_step) == (MAIL, "TKT-12345", 0)
    assert session.detected_problem.problem_id == "instalacion_software"

    step = agent.get_current_step(session.session_id)
    assert step.keys() >= KEYS_OF_A_STEP
    assert (step["step_number"], step["current_step"], step["total_steps"]) == (1, 0, 6)
    text = agent.format_step_response(step)
    assert text.startswith("Paso 1 de 6: ")
    assert f"1. {step['instructions'][0]}" in text
    assert "Resultado esperado:" in text

    for number in range(1, 6):
        result = agent.complete_step(session.session_id, success=True, notes=f"Paso {number} completado")
        assert result["status"] == "next_step"
        assert result["next_step"].keys() >= KEYS_OF_A_STEP
        assert result["next_step"] == agent.get_current_step(session.session_id)
        assert result["next_step"]["step_number"] == number + 1
    result = agent.complete_step(session.session_id, success=True)
    assert result.keys() == {"status", "message", "suggest_escalation", "next_action"}
    assert (result["status"], result["suggest_escalation"]) == ("resolved", False)

    after = agent.get_current_step(session.session_id)
    assert (after["status"], after["suggest_escalation"]) == ("completed", False)
    assert agent.format_step_response(after) == after["message"]
    summary = agent.get_session_summary(session.session_id)
    assert (summary["status"], summary["problem_detected"]) == ("resolved", session.detected_problem.problem_title)
    assert (summary["attempted_steps"], summary["successful_steps"], summary["current_step"], summary["total_steps"]) == (
        6,
        6,
        6,
        6,
    )
    assert summary["resolved_at"]
    stored = rows(facade, "SELECT resolution, notes, channel FROM support_troubleshooting_sessions")[0]
    assert (stored["resolution"], stored["channel"]) == ("assumed", "facade")
    assert events(facade, session.session_id)[:2] == ["session_started", "problem_detected"]
    assert events(facade, session.session_id)[-1] == "session_resolved"
    json.dumps([step, result, after, summary])


def test_two_failures_call_a_person_and_the_session_goes_on(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL, ticket_id="T-9")
    first = agent.complete_step(session.session_id, success=False, notes="No me deja")
    assert first.keys() == {"status", "message", "suggest_escalation", "current_step", "common_issues"}
    assert (first["status"], first["suggest_escalation"]) == ("step_failed", False)
    assert first["current_step"]["step_number"] == 1
    assert first["common_issues"] == list(session.detected_problem.common_issues)
    assert "Paso 1 de 6" in agent.format_step_response(first)

    second = agent.complete_step(session.session_id, success=False, notes="Sigue sin dejarme")
    assert second.keys() == {"status", "message", "suggest_escalation", "escalation_reason"}
    assert (second["status"], second["escalation_reason"]) == ("needs_escalation", "2 intentos fallidos.")
    assert agent.get_session(session.session_id).status is TroubleshootingStatus.NEEDS_ESCALATION
    assert agent.get_current_step(session.session_id)["step_number"] == 1

    handover = agent.escalate_ticket(session.session_id, "Tengo prisa")
    assert (handover["attempted_steps"], handover["failed_steps"]) == (2, 2)
    assert handover["reason"] == "2 intentos fallidos.\nTengo prisa"
    assert handover["notes"] == ["No me deja", "Sigue sin dejarme"]
    assert (handover["detected_problem"], handover["ticket_id"], handover["customer_email"]) == (
        "instalacion_software",
        "T-9",
        MAIL,
    )
    assert events(facade, session.session_id).count("session_escalated") == 1
    ticket = rows(facade, "SELECT status, notes, customer_email FROM support_tickets")
    assert ticket == [{"status": "escalated", "notes": handover["reason"], "customer_email": MAIL}]
    assert "error" in agent.complete_step(session.session_id, success=True)
    assert agent.escalate_ticket(session.session_id)["session_id"] == session.session_id


def test_steps_that_do_not_help_lead_to_a_person(facade: str, tmp_path: Path) -> None:
    agent = TroubleshootingAgent(knowledge(tmp_path / "kb.json"))
    session = agent.start_troubleshooting(COFFEE, MAIL)
    assert agent.complete_step(session.session_id, True, outcome="not_helped")["status"] == "next_step"
    result = agent.complete_step(session.session_id, True, outcome="not_helped")
    assert (result["status"], result["suggest_escalation"]) == ("needs_escalation", True)
    assert result["escalation_reason"]
    assert agent.get_current_step(session.session_id)["status"] == "completed"
    assert "error" in agent.complete_step(session.session_id, True)
    assert agent.complete_step(session.session_id, True, outcome="solved")["status"] == "resolved"


def test_solved_early_is_confirmed(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL)
    assert agent.complete_step(session.session_id, True, outcome="solved")["status"] == "resolved"
    assert value(facade, "SELECT resolution FROM support_troubleshooting_sessions") == "confirmed"
    assert "error" in agent.complete_step(session.session_id, True)


def test_an_answer_that_makes_no_sense_changes_nothing(facade: str) -> None:
    cases = [(False, "solved"), (True, "could_not"), (True, "nada"), (None, None), ("sí", None)]
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL)
    for success, outcome in cases:
        assert agent.complete_step(session.session_id, success, outcome=outcome)["error"]
        assert agent.get_session(session.session_id).attempted_steps == []


def test_what_nobody_knows_leads_to_a_person(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting("xyzzy plugh qwrtp", MAIL)
    assert session.detected_problem is None
    assert session.status is TroubleshootingStatus.NEEDS_ESCALATION
    step = agent.get_current_step(session.session_id)
    assert (step["status"], step["suggest_escalation"]) == ("no_problem_detected", True)
    assert step["message"] in agent.format_step_response(step)
    summary = agent.get_session_summary(session.session_id)
    assert (summary["problem_detected"], summary["total_steps"]) == (None, 0)


def test_feedback_in_any_state_and_the_latest_counts(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL, ticket_id=7)
    first = agent.collect_feedback(session.session_id, rating=1, feedback_text="Mal", was_helpful=False)
    assert first.keys() >= {
        "session_id", "ticket_id", "customer_email", "rating", "feedback_text", "was_helpful", "problem_detected", "total_steps",
        "completed_steps", "resolved", "collected_at",
    }  # fmt: skip
    assert (first["resolved"], first["completed_steps"], first["problem_detected"]) == (False, 0, "instalacion_software")
    agent.complete_step(session.session_id, True, outcome="solved")
    second = agent.collect_feedback(session.session_id, rating=5, was_helpful=True)
    assert (second["resolved"], second["completed_steps"], second["ticket_id"]) == (True, 1, "7")
    agent.escalate_ticket(session.session_id)
    agent.collect_feedback(session.session_id, rating=4, was_helpful=True)
    found = agent.get_analytics()["feedback_summary"]
    assert found == {"total_feedback": 1, "average_rating": 4.0, "helpful_percentage": 100.0}
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_feedback") == 3
    json.dumps([first, second])


def test_a_bad_rating_is_refused(facade: str) -> None:
    cases = [0, 6, 3.5, None, "5", True, 10**30]
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL)
    for rating in cases:
        assert "rating" in agent.collect_feedback(session.session_id, rating)["error"]
        assert value(facade, "SELECT count(*) FROM support_troubleshooting_feedback") == 0


def test_unknown_sessions(facade: str) -> None:
    agent = TroubleshootingAgent()
    for session_id in (UNKNOWN, "no-es-un-id", "", "' OR 1=1 --", "\x00", "\ud800", None, 5):
        assert agent.get_current_step(session_id) is None
        assert agent.get_session_summary(session_id) is None
        assert "error" in agent.complete_step(session_id, True)
        assert "error" in agent.escalate_ticket(session_id)
        assert "error" in agent.collect_feedback(session_id, 5)
    assert agent.format_step_response(None) == ""


def test_bad_input_names_every_bad_field(facade: str) -> None:
    agent = TroubleshootingAgent()
    for validate in (True, False):
        with pytest.raises(ValueError, match=r"problem_description: .*; customer_email: .*; customer_name: ") as caught:
            agent.start_troubleshooting("  ", "no-es-correo", customer_name="x" * 201, validate=validate)
        assert "ticket_id" not in str(caught.value)
    for bad in ("\x00", "\ud800", None, 5, "x" * 10_001):
        with pytest.raises(ValueError, match=r"^problem_description: "):
            agent.start_troubleshooting(bad, MAIL)
    for ticket in ("x" * 129, "a\nb", 10**5000):
        with pytest.raises(ValueError, match=r"^ticket_id: "):
            agent.start_troubleshooting(WORDS, MAIL, ticket_id=ticket)
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_sessions") == 0


def test_a_ticket_id_that_is_no_text_is_made_one(facade: str) -> None:
    session = TroubleshootingAgent().start_troubleshooting(WORDS, MAIL, ticket_id=12345)
    assert session.ticket_id == "12345"


def test_use_llm_without_a_key_warns_and_works(facade: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        agent = TroubleshootingAgent(use_llm=True)
    assert agent.use_llm is False
    assert "llm_off" in caplog.text
    assert agent.detect_problem(WORDS).problem_id == "instalacion_software"
    assert agent.detect_problem("") is None
    assert agent.detect_problem(None) is None
    assert len(agent.knowledge_base) == 7
    assert TroubleshootingAgent(openai_api_key="k").use_llm is False


# --------------------------------------------------------------------------------------------------------------- analytics

FLAT = {
    "total_sessions": int,
    "resolved_sessions": int,
    "escalated_sessions": int,
    "resolution_rate": float,
    "average_steps_to_resolution": float,
    "average_rating": float,
}


def check_analytics(found: Mapping[str, Any]) -> None:
    assert {name: type(found[name]) for name in FLAT} == FLAT
    assert {k: type(v) for k, v in found["feedback_summary"].items()} == {
        "total_feedback": int,
        "average_rating": float,
        "helpful_percentage": float,
    }


def test_analytics_of_an_empty_database(facade: str) -> None:
    found = TroubleshootingAgent().get_analytics()
    check_analytics(found)
    assert (found["period_days"], found["total_sessions"], found["resolution_rate"]) == (30, 0, 0.0)
    assert (found["problem_distribution"], found["common_failed_steps"]) == ({}, {})


def test_analytics_are_exact_to_the_moment(facade: str) -> None:
    agent = TroubleshootingAgent()
    ids = [agent.start_troubleshooting(words, MAIL).session_id for words in (WORDS, WORDS, "Error al conectarme", "xyzzy plugh")]
    agent.complete_step(ids[0], True)
    agent.complete_step(ids[0], True, outcome="solved")
    for _ in range(2):
        agent.complete_step(ids[1], False)
    found = agent.get_analytics(days=7)
    check_analytics(found)
    assert (found["period_days"], found["total_sessions"], found["resolved_sessions"], found["escalated_sessions"]) == (
        7,
        4,
        1,
        2,
    )
    assert (found["resolution_rate"], found["average_steps_to_resolution"]) == (25.0, 2.0)
    assert found["problem_distribution"] == {"instalacion_software": 2, "conexion_internet": 1}
    assert found["common_failed_steps"] == {1: 2}
    for days in (0, -1, 3_651, "30", True, 1.5):
        with pytest.raises(ValueError, match="days"):
            agent.get_analytics(days=days)


# --------------------------------------------------------------------------------------------------------------- templates


def test_the_templates_that_ship(facade: str) -> None:
    manager = TroubleshootingTemplateManager()
    listed = {row["template_id"]: row for row in manager.list_templates()}
    assert listed.keys() >= {"reset_password_template", "api_integration_template"}
    assert listed["reset_password_template"].keys() == {
        "template_id", "name", "description", "category", "variables_count", "steps_count",
    }  # fmt: skip
    assert [row["template_id"] for row in manager.list_templates(category="cuenta")] == ["reset_password_template"]
    assert manager.list_templates(category="nada") == []

    made = manager.render_template("reset_password_template", {"product_name": "Mi App", "reset_url": "https://ejemplo.com/r"})
    assert made.keys() >= {"problem_title", "problem_description", "category", "steps", "metadata"}
    assert "Mi App" in made["problem_title"]
    assert "{{" not in json.dumps(made)
    assert [step["step_number"] for step in made["steps"]] == list(range(1, len(made["steps"]) + 1))
    missing = manager.render_template("reset_password_template", {"product_name": "Mi App"})
    assert "reset_url" in missing["error"]
    assert "product_name" not in missing["error"]
    assert "no_existe" in manager.render_template("no_existe", {})["error"]
    assert manager.render_template("reset_password_template", None)["error"]
    assert manager.get_template("no_existe") is None


def test_every_template_that_ships_becomes_a_guide(facade: str) -> None:
    manager = TroubleshootingTemplateManager()
    listed = manager.list_templates()
    assert len(listed) >= 10
    for template_id in (row["template_id"] for row in listed):
        template = manager.get_template(template_id)
        assert template is not None
        values = {
            each.name: f"https://ayuda.example.com/{each.name}" if each.name.endswith("_url") else f"<{each.name}>"
            for each in template.variables if each.required
        }  # fmt: skip
        made, findings = manager.render_template(template_id, values), Findings()
        assert "{{" not in json.dumps(made)
        assert all(value in json.dumps(made, ensure_ascii=False) for value in values.values()), (
            f"{template_id} uses its variables"
        )
        entry = {key: value for key, value in made.items() if key not in {"metadata", "template_id"}} | {
            "common_issues": ["no me sirve lo que tengo"]
        }
        guide = read_entry("prueba", entry, findings)
        assert guide is not None, findings.errors
        assert not findings.warnings, template_id
        assert all(step.expected_result and step.instructions for step in guide.steps)


def test_a_created_template_is_kept_and_replaced(facade: str) -> None:
    manager = TroubleshootingTemplateManager()
    variables = [
        {"name": "variable1", "description": "Descripción", "required": True, "type": "string"},
        TemplateVariable("v2", default="dos"),
    ]
    steps = [
        {
            "step_number": 1,
            "title": "Paso con {{variable1}}",
            "instructions": ["{{ v2 }}", "Nota: {{variable1}}"],
            "resources": [{"title": "{{v2}}", "url": "https://{{v2}}.example/"}],
        }
    ]
    made = manager.create_template("mi_template", "Mi Plantilla", "Descripción", "general", variables, steps, {"autor": "yo"})
    assert made.variables[0].required is True

    other = TroubleshootingTemplateManager()
    assert other.get_template("mi_template") == made
    rendered = other.render_template("mi_template", {"variable1": "{{v2}} {{7*7}} {% raw %}"})
    # Plain text, once: what a customer writes is never looked at again.
    assert rendered["steps"][0]["title"] == "Paso con {{v2}} {{7*7}} {% raw %}"
    assert rendered["steps"][0]["instructions"] == ["dos", "Nota: {{v2}} {{7*7}} {% raw %}"]
    assert rendered["steps"][0]["resources"] == [{"title": "dos", "url": "https://dos.example/"}]
    assert (rendered["category"], rendered["metadata"]) == ("general", {"autor": "yo"})

    manager.create_template("mi_template", "Otra", "", "general", [], [{"title": "{{7*7}} {{desconocida}}"}])
    assert other.render_template("mi_template", {})["steps"][0]["title"] == "{{7*7}} {{desconocida}}"
    assert len([row for row in other.list_templates() if row["template_id"] == "mi_template"]) == 1


def test_a_template_that_cannot_be_kept_names_its_field(facade: str) -> None:
    cases = [
        ({"template_id": ""}, "template_id"),
        ({"variables": None}, "variables"),
        ({"variables": "x"}, "variables"),
        ({"variables": [5]}, "variables"),
        ({"variables": [{}]}, "variables"),
        ({"steps_template": None}, "steps_template"),
        ({"steps_template": []}, "steps_template"),
        ({"steps_template": ["paso"]}, "steps_template"),
        ({"steps_template": [{"title": "\x00"}]}, "steps_template"),
        ({"metadata": {"a": object()}}, "metadata"),
    ]
    good = {
        "template_id": "t",
        "name": "n",
        "description": "d",
        "category": "c",
        "variables": [],
        "steps_template": [{"title": "x"}],
    }
    for changes, name in cases:
        with pytest.raises(ValueError, match=rf"^{name}"):
            TroubleshootingTemplateManager().create_template(**{**good, **changes})


# ---------------------------------------------------------------------------------------------------------------- webhooks


def test_webhooks_are_registered_replaced_and_removed(facade: str) -> None:
    manager = TroubleshootingWebhookManager()
    config = WebhookConfig("https://no-existe.example/a", [WebhookEvent.SESSION_STARTED], secret="corto", headers={"X-A": "b"})
    manager.register_webhook("mi-webhook", config)
    assert len(manager.webhooks) == 1
    stored = TroubleshootingWebhookManager().webhooks["mi-webhook"]
    assert (stored.url, list(stored.events), stored.secret, stored.headers) == (
        config.url,
        [WebhookEvent.SESSION_STARTED],
        "corto",
        {"X-A": "b"},
    )
    assert (stored.timeout, stored.retry_attempts, stored.enabled) == (10, 10, True)
    manager.register_webhook("mi-webhook", WebhookConfig("https://otro.example/b", ["step_failed"], enabled=False))
    assert [(w.url, w.secret, w.enabled) for w in manager.webhooks.values()] == [("https://otro.example/b", "corto", False)]
    assert manager.webhooks["mi-webhook"].headers == {"X-A": "b"}
    assert "corto" not in repr(manager.webhooks), "a secret reaches no log"
    (result,) = manager.trigger_webhook("step_failed", {"n": 1}, webhook_id="mi-webhook")["results"]
    assert (result["success"], result["status"], "desactivado" in result["error"]) == (False, "disabled", True)
    assert manager.unregister_webhook("mi-webhook") is True
    assert manager.unregister_webhook("mi-webhook") is False
    assert "mi-webhook" not in manager.webhooks


def test_a_triggered_event_is_stored_for_those_that_want_it(facade: str) -> None:
    manager = TroubleshootingWebhookManager()
    manager.register_webhook("a", WebhookConfig("https://a.example/", [WebhookEvent.SESSION_STARTED]))
    manager.register_webhook("b", WebhookConfig("https://b.example/", ["session_started", "step_failed"]))
    manager.register_webhook("c", WebhookConfig("https://c.example/", [WebhookEvent.STEP_FAILED]))
    manager.register_webhook("d", WebhookConfig("https://d.example/", [WebhookEvent.SESSION_STARTED], enabled=False))
    result = manager.trigger_webhook(WebhookEvent.SESSION_STARTED, {"session_id": "x"})
    assert result.keys() >= {"event", "webhooks_triggered", "successful", "failed", "results"}
    assert (result["event"], result["webhooks_triggered"]) == ("session_started", 2)
    assert sorted(item["webhook_id"] for item in result["results"]) == ["a", "b"]
    only = manager.trigger_webhook("step_failed", {"n": 1}, webhook_id="c")
    assert [item["webhook_id"] for item in only["results"]] == ["c"]
    stored = rows(facade, "SELECT event, data FROM support_troubleshooting_outbox ORDER BY occurred_at, event_id")
    assert [(row["event"], json.loads(row["data"])) for row in stored] == [
        ("session_started", {"session_id": "x"}),
        ("step_failed", {"n": 1}),
    ]


def test_events_of_the_agent_reach_webhooks_by_themselves(facade: str) -> None:
    TroubleshootingWebhookManager().register_webhook("a", WebhookConfig("https://a.example/", list(WebhookEvent)))
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL)
    agent.complete_step(session.session_id, True, outcome="solved")
    query = """SELECT o.event FROM support_troubleshooting_deliveries d JOIN support_troubleshooting_outbox o USING (event_id)
               WHERE d.destination = 'a'"""
    assert {row["event"] for row in rows(facade, query)} == {
        "session_started",
        "problem_detected",
        "step_completed",
        "session_resolved",
    }


def test_a_webhook_that_cannot_be_used_names_its_field(facade: str) -> None:
    cases = [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:clave@example.com/"}, "url"),
        ({"url": ""}, "url"),
        ({"events": []}, "events"),
        ({"events": ["nada"]}, "events"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"retry_attempts": 0}, "retry_attempts"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"headers": {"X": "a\r\nb: c"}}, "headers"),
        ({"headers": {"Accept-Encoding": "gzip"}}, "headers"),
        ({"secret": "a\x00"}, "secret"),
        ({"secret": "whsec_no-es_base64"}, "secret"),
    ]
    manager = TroubleshootingWebhookManager()
    for changes, name in cases:
        with pytest.raises(ValueError, match=rf"^{name}"):
            manager.register_webhook("w", WebhookConfig(**{"url": "https://a.example/", "events": ["step_failed"], **changes}))
        assert manager.webhooks == {}


def test_an_event_that_is_no_json_is_refused(facade: str) -> None:
    cases = [None, [], {"a": object()}, {1: 2}]
    for data in cases:
        with pytest.raises(ValueError, match=r"^data"):
            TroubleshootingWebhookManager().trigger_webhook("step_failed", data)


# ----------------------------------------------------------------------------------------------------------- notifications


def test_a_channel_without_its_address_fails_and_says_why(facade: str) -> None:
    manager = TroubleshootingNotificationManager()
    for metadata in (None, {}, {"webhook_url": None}, {"webhook_url": ""}):
        config = NotificationConfig(NotificationChannel.SLACK, "#support-team", template="session_escalated", metadata=metadata)
        result = manager.send_notification(config, {"customer_name": "Juan"})
        assert result["success"] is False
        assert "webhook_url" in result["error"]
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_notifications") == 0


def test_a_missing_placeholder_does_not_fail_the_message(facade: str) -> None:
    manager = TroubleshootingNotificationManager()
    manager.register_template("propia", "Hola {customer_name}", "{nada} {customer_name.__class__} {0} {ticket_id}")
    for template in ("propia", "session_started", "step_completed", "session_resolved", "session_escalated"):
        context = {"customer_name": "Ana\nPérez", "ticket_id": None}
        result = manager.send_notification(NotificationConfig("email", "a@example.com", template=template), context)
        assert result["notification_id"], template
    stored = rows(facade, "SELECT subject, message FROM support_troubleshooting_notifications WHERE notification_type = 'propia'")
    assert stored == [{"subject": "Hola Ana Pérez", "message": "{customer_name.__class__} {0}"}]


def test_messages_that_cannot_be_sent_say_why_and_do_not_stop_others(facade: str) -> None:
    manager = TroubleshootingNotificationManager()
    configs = [
        NotificationConfig("email", "a@example.com"),
        NotificationConfig("email", ""),
        NotificationConfig("paloma", "a@example.com"),
        NotificationConfig("email", "a@example.com", template="no_existe"),
        NotificationConfig("email", "a@example.com", metadata={"x": object()}),
        NotificationConfig("email", "b@example.com"),
    ]
    results = manager.send_bulk_notifications(configs, {"subject": "Asunto", "body": "Cuerpo"})
    assert ["notification_id" in result for result in results] == [True, False, False, False, False, True]
    assert [result["recipient"] for result in results] == [config.recipient for config in configs]
    for result, word in zip(results[1:5], ("recipient", "channel", "no_existe", "metadata"), strict=True):
        assert result["success"] is False
        assert word in result["error"]
    assert manager.send_notification(configs[0], {})["success"] is False
    sent = rows(facade, "SELECT recipient, subject, message FROM support_troubleshooting_notifications ORDER BY id")
    assert [row["recipient"] for row in sent] == ["a@example.com", "b@example.com"]
    assert (sent[0]["subject"], sent[0]["message"]) == ("Asunto", "Cuerpo")


# ---------------------------------------------------------------------------------------------------------- knowledge base


def test_a_file_of_ones_own_is_private(facade: str, tmp_path: Path) -> None:
    own, shared = TroubleshootingAgent(str(knowledge(tmp_path / "kb.json"))), TroubleshootingAgent()
    assert set(own.knowledge_base) == {"cafetera"}
    assert "cafetera" not in shared.knowledge_base
    assert own.detect_problem(COFFEE).problem_id == "cafetera"
    assert shared.detect_problem(COFFEE) is None
    session = own.start_troubleshooting(COFFEE, MAIL)
    # The session itself is everybody's.
    assert shared.get_current_step(session.session_id)["title"] == "Paso propio 1"


def test_a_session_keeps_its_version_over_an_edit_that_a_new_agent_sees_at_once(facade: str, tmp_path: Path) -> None:
    path = knowledge(tmp_path / "kb.json")
    old = TroubleshootingAgent(path)
    session = old.start_troubleshooting(COFFEE, MAIL)
    knowledge(path, steps=3, problem_title="La cafetera está estropeada")
    new = TroubleshootingAgent(path)
    assert new.knowledge_base["cafetera"].problem_title == "La cafetera está estropeada"
    assert len(old.knowledge_base["cafetera"].steps) == 3
    assert new.get_current_step(session.session_id)["total_steps"] == 2
    assert new.get_session(session.session_id).detected_problem.problem_title == "La cafetera no calienta"
    assert new.complete_step(session.session_id, True)["status"] == "next_step"
    assert new.complete_step(session.session_id, True)["status"] == "resolved"
    other = new.start_troubleshooting(COFFEE, MAIL)
    assert new.get_current_step(other.session_id)["total_steps"] == 3
    found = rows(
        facade, "SELECT version, content FROM support_troubleshooting_guide_versions WHERE guide_id = 'cafetera' ORDER BY version"
    )
    ids = [[step["step_id"] for step in json.loads(row["content"])["steps"]] for row in found]
    assert ids[1][:2] == ids[0]


def test_a_broken_edit_keeps_the_last_good_version(facade: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cases = ["{", "[]", '{"cafetera": {"problem_title": 5}}', '{"cafetera": {"problem_title": "T", "steps": []}}', ""]
    path = knowledge(tmp_path / "kb.json")
    agent = TroubleshootingAgent(path)
    for broken in cases:
        path.write_text(broken, "utf-8")
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            assert agent.start_troubleshooting(COFFEE, MAIL).detected_problem is not None
        assert "knowledge_base_invalid" in caplog.text
        # Also for an agent that is made only now, as one for each ticket is.
        assert TroubleshootingAgent(path).detect_problem(COFFEE) is not None
        knowledge(path, steps=4)
        assert len(agent.knowledge_base["cafetera"].steps) == 4


def test_a_file_that_was_never_good_is_refused_with_the_place(facade: str, tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    with pytest.raises(KnowledgeBaseInvalid, match=r"kb\.json"):
        TroubleshootingAgent(path)
    path.write_text('{"p": {"problem_title": "T", "steps": [{}]}}', "utf-8")
    with pytest.raises(KnowledgeBaseInvalid, match=r"\$\.p\.steps\[0\]\.title"):
        TroubleshootingAgent(path)


def test_a_restart_with_a_broken_file_goes_on_with_the_stored_versions(
    facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kb.json"
    monkeypatch.setenv("GUIADO_KB_PATH", str(path))
    path.write_bytes(SEVEN_GUIDES.read_bytes())
    session = TroubleshootingAgent().start_troubleshooting(WORDS, MAIL)
    for broken in (lambda: path.write_text('{"a": ', "utf-8"), path.unlink):
        close_engines()
        broken()
        agent = TroubleshootingAgent()
        assert len(agent.knowledge_base) == 7
        assert agent.start_troubleshooting(WORDS, MAIL).detected_problem.problem_id == "instalacion_software"
        assert agent.get_current_step(session.session_id)["step_number"] == 1


# ------------------------------------------------------------------------------------------------- one engine, many callers


def test_agents_share_one_engine(facade: str) -> None:
    before = threading.active_count()
    agents = [TroubleshootingAgent() for _ in range(10)]
    session = agents[0].start_troubleshooting(WORDS, MAIL)
    assert agents[9].complete_step(session.session_id, True)["status"] == "next_step"
    assert threading.active_count() - before < 10
    connections = value(
        facade, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'guiado'"
    )
    assert connections <= 4, "one each for the caller, the jobs and the two that send"


def test_threads_that_answer_the_same_session_lose_and_double_nothing(facade: str) -> None:
    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting(WORDS, MAIL).session_id
    gate = threading.Barrier(8)

    def work(number: int) -> list[str]:
        gate.wait()
        done = [agent.complete_step(session_id, success=(number + turn) % 4 != 0, notes=f"{number}.{turn}") for turn in range(6)]
        return [result.get("status", "error") for result in done]

    with ThreadPoolExecutor(8) as pool:
        results = [status for statuses in pool.map(work, range(8)) for status in statuses]
    row = rows(facade, "SELECT status, current_step, failures, attempts FROM support_troubleshooting_sessions")[0]
    stored = rows(facade, "SELECT step_number, success, notes FROM support_troubleshooting_attempts")
    assert row["attempts"] == row["current_step"] + row["failures"] == len(stored) == len(results) - results.count("error")
    assert len({attempt["notes"] for attempt in stored}) == len(stored)
    assert sorted(a["step_number"] for a in stored if a["success"]) == list(range(1, row["current_step"] + 1))
    # Of answers that contradict each other at the same moment one wins: the session may end here or go on.
    assert (row["status"] == "resolved") == (row["current_step"] == 6)
    offers = [r["number"] for r in rows(facade, "SELECT number FROM support_troubleshooting_decisions ORDER BY number")]
    assert offers == list(range(1, len(offers) + 1))


KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_the_facade_goes_on_by_itself_when_its_connections_are_killed(facade: str) -> None:
    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting(WORDS, MAIL).session_id
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: agent.get_current_step(session_id), range(24)))
    for number in range(1, 4):
        assert value(facade, f"SELECT count(*) FROM ({KILL}) killed") >= 1
        result = agent.complete_step(session_id, True, notes=f"{number}")
        assert result["next_step"]["step_number"] == number + 1
        rows(facade, KILL)
        assert agent.get_current_step(session_id)["step_number"] == number + 1
    assert [row["notes"] for row in rows(facade, "SELECT notes FROM support_troubleshooting_attempts ORDER BY attempted_at")] == [
        "1",
        "2",
        "3",
    ]
    assert events(facade, session_id).count("step_completed") == 3


def test_each_answer_is_recorded_exactly_once_while_connections_keep_dying(facade: str) -> None:
    agent = TroubleshootingAgent()
    ids = [agent.start_troubleshooting(WORDS, MAIL).session_id for _ in range(4)]
    stop = threading.Event()

    async def murder() -> None:
        connection = await asyncpg.connect(facade)
        for _ in range(25):
            if stop.wait(0.06):
                break
            await connection.execute(KILL)
        await connection.close()

    killer = threading.Thread(target=lambda: asyncio.run(murder()))
    killer.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda session_id: [agent.complete_step(session_id, True)["status"] for _ in range(5)], ids))
    finally:
        stop.set()
        killer.join()
    assert told == [["next_step"] * 5] * 4
    counts = rows(facade, "SELECT attempts, current_step FROM support_troubleshooting_sessions")
    assert [tuple(row.values()) for row in counts] == [(5, 5)] * 4
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_attempts") == 20
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_outbox WHERE event = 'step_completed'") == 20


def test_everything_that_the_guide_names_is_there() -> None:
    assert {member.name: member.value for member in facade_names.ProblemCategory} == {
        "INSTALLATION": "instalación", "CONFIGURATION": "configuración", "CONNECTIVITY": "conectividad", "PERFORMANCE": "rendimiento",
        "ERROR": "error", "BILLING": "facturación", "ACCOUNT": "cuenta", "FEATURE": "funcionalidad", "SECURITY": "seguridad", "OTHER": "otro",
    }  # fmt: skip
    assert {s.value for s in facade_names.StepStatus} == {"pending", "in_progress", "completed", "failed", "skipped"}
    assert {p.value for p in facade_names.NotificationPriority} == {"low", "normal", "high", "urgent"}
    assert {c.name for c in NotificationChannel} == {"EMAIL", "SMS", "PUSH", "SLACK", "TEAMS", "DISCORD", "WEBHOOK", "APPRISE"}
    assert all(event.value == event.name.lower() for event in WebhookEvent)


def test_a_forked_child_works_with_an_agent_of_its_parent(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting("No puedo instalar el software", "cliente@example.com")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            step = agent.get_current_step(session.session_id)
            os.write(writing, str(step["step_number"]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    assert select.select([reading], [], [], 30)[0], "the child does not answer"
    assert os.read(reading, 10) == b"1"
    os.close(reading)
    os.waitpid(child, 0)
    assert agent.complete_step(session.session_id, True)["status"] == "next_step"


def test_an_agent_outlives_the_end_of_all_engines(facade: str) -> None:
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting("No puedo instalar el software", "cliente@example.com")
    close_engines()
    assert agent.get_current_step(session.session_id)["step_number"] == 1


def test_what_a_script_did_shows_in_the_materialized_views(facade: str) -> None:
    TroubleshootingAgent().start_troubleshooting("No puedo instalar el software", "cliente@example.com")
    close_engines()
    assert rows(facade, "SELECT total_sessions FROM mv_daily_troubleshooting_summary")[0]["total_sessions"] == 1


def test_a_caller_cannot_change_the_templates_of_others(facade: str) -> None:
    manager = TroubleshootingTemplateManager()
    manager.get_template("reset_password_template").steps_template[0]["title"] = "Z"
    assert TroubleshootingTemplateManager().get_template("reset_password_template").steps_template[0]["title"] != "Z"


def test_no_words_of_a_customer_keep_a_message_from_being_stored(facade: str) -> None:
    manager = facade_names.TroubleshootingNotificationManager()
    words = {
        "customer_name": "Ana 👩‍💻\x00\x0b\ud83d",
        "ticket_id": "=?utf-8?q?7=0D=0A?=",
        "problem_description": "a\x85b\u2028c\x1b",
    }
    for template in ("session_escalated", "session_started"):
        config = facade_names.NotificationConfig("email", "Guardia@Example.com", template=template)
        assert manager.send_notification(config, words)["status"] == "pending"
    manager.send_notification(
        facade_names.NotificationConfig("email", "b@example.com"), {"subject": "a\r\nb\x07", "body": "c\x0bd"}
    )
    stored = rows(facade, "SELECT recipient, subject, message FROM support_troubleshooting_notifications ORDER BY created_at")
    assert stored[0]["recipient"] == "guardia@example.com"
    assert stored[0]["subject"] == "Una persona debe atender el ticket =?utf-8?q?7=0D=0A?="
    assert "Ana 👩‍💻" in stored[0]["message"]
    assert (stored[2]["subject"], stored[2]["message"]) == ("a b", "c\nd")


def test_a_stored_address_of_a_channel_is_enough_and_none_given_is_not(facade: str) -> None:
    manager = facade_names.TroubleshootingNotificationManager()
    teams = facade_names.NotificationConfig("teams", "equipo")
    assert "metadata.webhook_url" in manager.send_notification(teams, {"body": "x"})["error"]
    manager.set_recipient("teams", "equipo", webhook_url="https://hooks.example.com/x", muted=["custom"], language="en")
    told = manager.send_notification(teams, {"body": "x"})
    assert (told["status"], "error" in told) == ("cancelled", True)
    withheld = facade_names.NotificationConfig("teams", "equipo", metadata={"webhook_url": None})
    assert "webhook_url" in manager.send_notification(withheld, {"body": "x"})["error"]
    with pytest.raises(ValueError, match="webhook_url"):
        manager.set_recipient("discord", "equipo")
    manager.set_recipient("email", "Baja@Example.com", muted=["custom"])
    mail = facade_names.NotificationConfig("email", "BAJA@example.com")
    assert manager.send_notification(mail, {"body": "x"})["status"] == "cancelled"
    assert manager.remove_recipient("email", "baja@EXAMPLE.com") is True


# ------------------------------------------------------------------------------------------------- what follows a message


def test_a_case_that_is_over_is_offered_to_be_closed(facade: str) -> None:
    agent = TroubleshootingAgent()
    running = agent.start_troubleshooting("se me cae el wifi a cada rato", MAIL)
    agent.complete_step(running.session_id, False)
    told = agent.complete_step(running.session_id, True, notes="ya volvió internet")
    assert told["closable_session"]["session_id"] == running.session_id
    started = agent.start_troubleshooting("listo, solucionado", MAIL)
    assert (started.message_kind, started.status) == ("solved", TroubleshootingStatus.RESOLVED)
    assert started.closable_session == {
        "session_id": running.session_id,
        "problem_id": "conexion_internet",
        "problem_title": "No puedo conectarme a internet",
    }
    assert agent.close_session(running.session_id)["status"] == "resolved"
    assert "error" in agent.close_session(running.session_id)
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_ml_training") == 1, "its guide was followed"
    assert agent.get_analytics()["message_kinds"] == {"problem": 1, "solved": 1, "person": 0, "nothing_said": 0, "other": 0}


def test_a_case_that_was_closed_without_a_step_teaches_nothing(facade: str) -> None:
    agent = TroubleshootingAgent()
    running = agent.start_troubleshooting("se me cae el wifi a cada rato", MAIL)
    agent.close_session(running.session_id)
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_ml_training") == 0


def test_the_other_problem_comes_next(facade: str) -> None:
    agent = TroubleshootingAgent()
    first = agent.start_troubleshooting("no me anda el wifi y además me cobraron dos veces", MAIL, ticket_id="T-7")
    (other,) = first.other_problems
    agent.complete_step(first.session_id, True, outcome="solved")
    following = agent.start_next_problem(first.session_id)
    assert following.detected_problem is not None
    assert (following.detected_problem.problem_id, following.ticket_id) == (other["problem_id"], "T-7")
    agent.complete_step(following.session_id, True, outcome="solved")
    assert value(facade, "SELECT count(*) FROM support_troubleshooting_ml_training") == 0, "words about two are no example of one"


def test_who_said_nothing_is_understood_later(facade: str) -> None:
    agent = TroubleshootingAgent()
    silent = agent.start_troubleshooting("buenas tardes", MAIL)
    asked = agent.get_current_step(silent.session_id)
    assert asked is not None
    assert asked["status"] == "no_problem_detected"
    assert asked["options"]
    step = agent.clarify(silent.session_id, text="se me cae el wifi a cada rato")
    assert step is not None
    assert step["step_number"] == 1
    assert "error" in (agent.clarify(silent.session_id, text="otra cosa") or {})
    agent.complete_step(silent.session_id, True, outcome="solved")
    taught = rows(facade, "SELECT text FROM support_troubleshooting_ml_training")
    assert [row["text"] for row in taught] == ["se me cae el wifi a cada rato"], "a greeting is no example of a problem"
