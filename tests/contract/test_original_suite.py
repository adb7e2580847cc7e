"""The published Python interface, by its own import path: every class, method, keyword, key and value exists and behaves."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

INTEGRATIONS = Path(__file__).resolve().parents[2] / "data" / "integrations"
STEP_KEYS = {
    "session_id", "step_number", "title", "description", "instructions", "expected_result", "warnings", "resources",
    "total_steps", "current_step", "estimated_time", "difficulty",
}  # fmt: skip
INSTALL = "No puedo instalar el software en mi computadora"
NONSENSE = "xqzw vbnm plok"


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Imports as the original's own tests do: the folder itself on the path."""
    monkeypatch.syspath_prepend(str(INTEGRATIONS))
    return lambda name: importlib.import_module(f"support_troubleshooting_{name}")


@pytest.fixture
def module(imported: Callable[[str], Any]) -> Any:
    return imported("agent")


@pytest.fixture
def agent(module: Any, in_contract: str) -> Any:
    return module.TroubleshootingAgent()


@pytest.fixture
def session(agent: Any) -> Any:
    return agent.start_troubleshooting(
        problem_description=INSTALL, customer_email="Ana@Example.com ", customer_name="Ana", ticket_id="TKT-1"
    )


def total_of(session: Any) -> int:
    return len(session.detected_problem.steps)


def test_every_published_name_can_be_imported(imported: Callable[[str], Any]) -> None:
    published = {
        "agent": ["TroubleshootingAgent", "TroubleshootingSession", "TroubleshootingGuide", "TroubleshootingStep", "TroubleshootingStatus", "StepStatus", "ProblemCategory"],
        "webhooks": ["TroubleshootingWebhookManager", "WebhookConfig", "WebhookEvent"],
        "templates": ["TroubleshootingTemplateManager", "TroubleshootingTemplate", "TemplateVariable"],
        "notifications": ["TroubleshootingNotificationManager", "NotificationConfig", "NotificationChannel", "NotificationPriority"],
    }  # fmt: skip
    missing = [
        f"{name}.{attribute}"
        for name, attributes in published.items()
        for attribute in attributes
        if not hasattr(imported(name), attribute)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("where", "name", "members"),
    [
        ("agent", "ProblemCategory", {
            "INSTALLATION": "instalación", "CONFIGURATION": "configuración", "CONNECTIVITY": "conectividad", "PERFORMANCE": "rendimiento", "ERROR": "error",
            "BILLING": "facturación", "ACCOUNT": "cuenta", "FEATURE": "funcionalidad", "SECURITY": "seguridad", "OTHER": "otro",
        }),
        ("agent", "StepStatus", ["pending", "in_progress", "completed", "failed", "skipped"]),
        ("agent", "TroubleshootingStatus", ["started", "in_progress", "resolved", "needs_escalation", "escalated", "abandoned"]),
        ("notifications", "NotificationPriority", ["low", "normal", "high", "urgent"]),
        ("notifications", "NotificationChannel", ["email", "sms", "push", "slack", "teams", "discord", "webhook", "apprise"]),
        ("webhooks", "WebhookEvent", [
            "session_started", "step_completed", "step_failed", "session_resolved", "session_escalated", "feedback_received",
            "problem_detected", "session_abandoned", "retry_attempt",
        ]),
    ],
)  # fmt: skip
def test_the_members_of_the_enumerations(imported: Callable[[str], Any], where: str, name: str, members: Any) -> None:
    expected = members if isinstance(members, dict) else {value.upper(): value for value in members}
    assert {member.name: member.value for member in getattr(imported(where), name)} == expected


@pytest.mark.parametrize(
    ("where", "call", "parameters"),
    [
        ("agent", "TroubleshootingAgent", ["knowledge_base_path", "use_llm", "openai_api_key"]),
        ("agent", "TroubleshootingAgent.detect_problem", ["description"]),
        ("agent", "TroubleshootingAgent.start_troubleshooting", ["problem_description", "customer_email", "customer_name", "ticket_id", "validate"]),
        ("agent", "TroubleshootingAgent.get_current_step", ["session_id"]),
        ("agent", "TroubleshootingAgent.complete_step", ["session_id", "success", "notes", "validate"]),
        ("agent", "TroubleshootingAgent.escalate_ticket", ["session_id", "reason"]),
        ("agent", "TroubleshootingAgent.collect_feedback", ["session_id", "rating", "feedback_text", "was_helpful"]),
        ("agent", "TroubleshootingAgent.get_session_summary", ["session_id"]),
        ("agent", "TroubleshootingAgent.format_step_response", ["step", "use_llm_enhancement"]),
        ("agent", "TroubleshootingAgent.get_analytics", ["days"]),
        ("webhooks", "WebhookConfig", ["url", "events", "secret", "headers", "timeout", "retry_attempts", "enabled"]),
        ("webhooks", "TroubleshootingWebhookManager.register_webhook", ["webhook_id", "config"]),
        ("webhooks", "TroubleshootingWebhookManager.unregister_webhook", ["webhook_id"]),
        ("webhooks", "TroubleshootingWebhookManager.trigger_webhook", ["event", "data", "webhook_id"]),
        ("templates", "TroubleshootingTemplateManager", ["templates_path"]),
        ("templates", "TroubleshootingTemplateManager.list_templates", ["category"]),
        ("templates", "TroubleshootingTemplateManager.get_template", ["template_id"]),
        ("templates", "TroubleshootingTemplateManager.create_template", ["template_id", "name", "description", "category", "variables", "steps_template", "metadata"]),
        ("templates", "TroubleshootingTemplateManager.render_template", ["template_id", "variables"]),
        ("notifications", "NotificationConfig", ["channel", "recipient", "template", "priority", "metadata"]),
        ("notifications", "TroubleshootingNotificationManager.send_notification", ["config", "context"]),
        ("notifications", "TroubleshootingNotificationManager.send_bulk_notifications", ["configs", "context"]),
        ("notifications", "TroubleshootingNotificationManager.register_template", ["template_id", "subject", "body"]),
    ],
)  # fmt: skip
def test_arguments_have_their_published_names_and_order(
    imported: Callable[[str], Any], where: str, call: str, parameters: list[str]
) -> None:
    found = imported(where)
    for part in call.split("."):
        found = getattr(found, part)
    names = [name for name in inspect.signature(found).parameters if name != "self"]
    assert names[: len(parameters)] == parameters


# --------------------------------------------------------------------------------------------------------------------- agent


def test_the_knowledge_base_is_a_mapping_of_guides(agent: Any, module: Any) -> None:
    known = agent.knowledge_base
    assert len(known) >= 5
    assert {"instalacion_software", "conexion_internet", "error_aplicacion", "problema_facturacion", "recuperar_cuenta"} <= set(
        known
    )
    guide = known["instalacion_software"]
    assert isinstance(guide, module.TroubleshootingGuide)
    assert guide.problem_id == "instalacion_software"
    assert guide.category == module.ProblemCategory.INSTALLATION
    for name in (
        "problem_title",
        "problem_description",
        "estimated_time",
        "difficulty",
        "prerequisites",
        "steps",
        "common_issues",
        "escalation_criteria",
    ):
        assert getattr(guide, name), name
    assert isinstance(guide.steps[0], module.TroubleshootingStep)
    assert [step.step_number for step in guide.steps] == list(range(1, len(guide.steps) + 1))


@pytest.mark.parametrize(
    ("words", "problem_id"),
    [
        (INSTALL, "instalacion_software"),
        ("No tengo conexión a internet", "conexion_internet"),
        ("Me cobraron dos veces en la factura", "problema_facturacion"),
        ("Olvidé mi contraseña y no puedo entrar en mi cuenta", "recuperar_cuenta"),
    ],
)
def test_a_problem_is_recognised_from_the_customers_words(agent: Any, words: str, problem_id: str) -> None:
    assert agent.detect_problem(words).problem_id == problem_id


@pytest.mark.parametrize("words", [NONSENSE, "", "   "])
def test_nothing_is_recognised_in_nonsense(agent: Any, words: str) -> None:
    assert agent.detect_problem(words) is None


def test_a_session_starts(session: Any, module: Any) -> None:
    assert isinstance(session, module.TroubleshootingSession)
    assert re.fullmatch(r"[0-9a-f-]{36}", session.session_id)
    assert session.status == module.TroubleshootingStatus.STARTED
    assert session.detected_problem.problem_id == "instalacion_software"
    assert (session.ticket_id, session.customer_email, session.customer_name) == ("TKT-1", "ana@example.com", "Ana")
    assert (session.problem_description, session.current_step) == (INSTALL, 0)
    assert session.started_at.utcoffset() is not None
    assert session.resolved_at is None
    assert session.attempted_steps == []
    assert not session.notes


def test_bad_input_names_every_bad_field(agent: Any) -> None:
    with pytest.raises(ValueError, match=r"problem_description.*customer_email"):
        agent.start_troubleshooting(problem_description=" ", customer_email="no-es-un-correo", validate=True)


def test_a_ticket_number_becomes_text(agent: Any) -> None:
    assert agent.start_troubleshooting(INSTALL, "n@example.com", ticket_id=12345).ticket_id == "12345"


def test_the_first_step_has_every_key(agent: Any, session: Any) -> None:
    step = agent.get_current_step(session.session_id)
    assert set(step) >= STEP_KEYS
    assert (step["session_id"], step["step_number"], step["current_step"]) == (session.session_id, 1, 0)
    assert step["total_steps"] == total_of(session)
    assert step["instructions"]
    assert all(set(resource) == {"title", "url"} for resource in step["resources"])


def test_without_a_known_problem_a_person_is_suggested(agent: Any) -> None:
    session = agent.start_troubleshooting(NONSENSE, "nadie@example.com")
    assert session.detected_problem is None
    answer = agent.get_current_step(session.session_id)
    assert answer["status"] == "no_problem_detected"
    assert answer["suggest_escalation"] is True
    assert answer["message"] in agent.format_step_response(answer)
    assert "error" in agent.complete_step(session.session_id, success=True)


def test_a_completed_step_leads_to_the_next_whole_step(agent: Any, session: Any) -> None:
    answer = agent.complete_step(session.session_id, success=True, notes="Hecho", validate=True)
    assert set(answer) >= {"status", "message", "next_step"}
    assert answer["status"] == "next_step"
    assert set(answer["next_step"]) >= STEP_KEYS
    assert answer["next_step"]["step_number"] == 2
    assert answer["next_step"] == agent.get_current_step(session.session_id)


def test_every_step_done_resolves_the_session(agent: Any, session: Any) -> None:
    answers = [agent.complete_step(session.session_id, success=True) for _ in range(total_of(session))]
    assert [answer["status"] for answer in answers] == ["next_step"] * (total_of(session) - 1) + ["resolved"]
    assert set(answers[-1]) >= {"status", "message", "suggest_escalation", "next_action"}
    assert answers[-1]["suggest_escalation"] is False
    finished = agent.get_current_step(session.session_id)
    assert set(finished) >= {"status", "message", "suggest_escalation"}
    assert finished["status"] == "completed"
    assert "error" in agent.complete_step(session.session_id, success=True)
    summary = agent.get_session_summary(session.session_id)
    assert summary["status"] == "resolved"
    assert summary["resolved_at"] is not None


def test_failures_lead_to_a_person(agent: Any, session: Any) -> None:
    first = agent.complete_step(session.session_id, success=False, notes="Sale un error")
    assert set(first) >= {"status", "message", "suggest_escalation", "current_step", "common_issues"}
    assert first["status"] == "step_failed"
    assert first["current_step"]["step_number"] == 1
    assert set(first["current_step"]) >= STEP_KEYS
    assert first["common_issues"]
    second = agent.complete_step(session.session_id, success=False)
    assert set(second) >= {"status", "message", "suggest_escalation", "escalation_reason"}
    assert (second["status"], second["suggest_escalation"]) == ("needs_escalation", True)
    assert second["escalation_reason"]
    assert agent.complete_step(session.session_id, success=True)["status"] == "next_step", "needs_escalation no es un final"


def test_the_customers_word_that_it_is_solved_ends_the_session(agent: Any, session: Any) -> None:
    assert agent.complete_step(session.session_id, success=True, outcome="solved")["status"] == "resolved"


def test_a_hand_over_tells_what_was_tried(agent: Any, session: Any) -> None:
    agent.complete_step(session.session_id, success=True, notes="Bien")
    agent.complete_step(session.session_id, success=False, notes="Mal")
    given = agent.escalate_ticket(session.session_id, reason="El cliente lo pide")
    assert set(given) >= {
        "session_id", "ticket_id", "customer_email", "customer_name", "problem_description", "detected_problem", "attempted_steps",
        "failed_steps", "reason", "notes", "escalated_at",
    }  # fmt: skip
    assert (given["ticket_id"], given["reason"], given["detected_problem"]) == (
        "TKT-1",
        "El cliente lo pide",
        "instalacion_software",
    )
    assert (given["attempted_steps"], given["failed_steps"], given["notes"]) == (2, 1, ["Bien", "Mal"])
    assert agent.get_session_summary(session.session_id)["status"] == "escalated"
    assert "error" in agent.complete_step(session.session_id, success=True)


def test_feedback_is_taken_in_any_state(agent: Any, session: Any) -> None:
    keys = {
        "session_id", "ticket_id", "customer_email", "rating", "feedback_text", "was_helpful", "problem_detected", "total_steps",
        "completed_steps", "resolved", "collected_at",
    }  # fmt: skip
    early = agent.collect_feedback(session.session_id, rating=2)
    assert set(early) >= keys
    assert (early["problem_detected"], early["completed_steps"], early["resolved"]) == ("instalacion_software", 0, False)
    agent.complete_step(session.session_id, success=True, outcome="solved")
    late = agent.collect_feedback(session.session_id, 5, feedback_text="Genial", was_helpful=True)
    assert (late["rating"], late["feedback_text"], late["was_helpful"], late["resolved"]) == (5, "Genial", True, True)


@pytest.mark.parametrize("rating", [0, 6, -1, 4.5, "cinco", None])
def test_a_bad_rating_is_an_error(agent: Any, session: Any, rating: Any) -> None:
    assert "rating" in agent.collect_feedback(session.session_id, rating)["error"]


@pytest.mark.parametrize("unknown", ["no-existe", "00000000-0000-7000-8000-000000000000", ""])
def test_an_unknown_session_is_told_apart(agent: Any, unknown: str) -> None:
    assert agent.get_current_step(unknown) is None
    assert agent.get_session_summary(unknown) is None
    assert "error" in agent.complete_step(unknown, success=True)
    assert "error" in agent.escalate_ticket(unknown)
    assert "error" in agent.collect_feedback(unknown, rating=5)


def test_the_summary_counts_steps_and_attempts(agent: Any, session: Any) -> None:
    agent.complete_step(session.session_id, success=False)
    agent.complete_step(session.session_id, success=True)
    summary = agent.get_session_summary(session.session_id)
    assert set(summary) >= {
        "session_id", "ticket_id", "status", "problem_detected", "current_step", "total_steps", "started_at", "resolved_at",
        "attempted_steps", "successful_steps",
    }  # fmt: skip
    assert summary["problem_detected"] == session.detected_problem.problem_title
    assert (summary["current_step"], summary["total_steps"]) == (1, total_of(session))
    assert (summary["attempted_steps"], summary["successful_steps"], summary["status"]) == (2, 1, "in_progress")


def test_the_message_for_the_customer_has_everything(agent: Any, session: Any) -> None:
    step = agent.get_current_step(session.session_id)
    message = agent.format_step_response(step, use_llm_enhancement=False)
    assert f"Paso 1 de {step['total_steps']}" in message
    assert f"1. {step['instructions'][0]}" in message
    for text in (step["title"], step["expected_result"], step["estimated_time"], *step["warnings"]):
        assert text in message


def test_analytics_of_an_empty_database_are_numbers(module: Any, facade: str) -> None:
    figures = module.TroubleshootingAgent().get_analytics(days=30)
    assert figures["period_days"] == 30
    assert set(figures) >= {
        "period_days", "total_sessions", "resolved_sessions", "escalated_sessions", "resolution_rate", "average_steps_to_resolution",
        "average_rating", "problem_distribution", "common_failed_steps", "feedback_summary",
    }  # fmt: skip
    for name in ("resolution_rate", "average_steps_to_resolution", "average_rating"):
        assert (type(figures[name]), figures[name]) == (float, 0.0)
    assert set(figures["feedback_summary"]) >= {"total_feedback", "average_rating", "helpful_percentage"}


def test_analytics_count_what_happened(module: Any, facade: str) -> None:
    agent = module.TroubleshootingAgent()
    solved, failed = (agent.start_troubleshooting(INSTALL, "c@example.com") for _ in range(2))
    agent.complete_step(solved.session_id, success=True, outcome="solved")
    agent.collect_feedback(solved.session_id, rating=4, was_helpful=True)
    agent.complete_step(failed.session_id, success=False)
    agent.escalate_ticket(failed.session_id)
    figures = agent.get_analytics()
    assert (figures["total_sessions"], figures["resolved_sessions"], figures["escalated_sessions"]) == (2, 1, 1)
    assert (figures["resolution_rate"], figures["average_rating"]) == (50.0, 4.0)
    assert figures["problem_distribution"] == {"instalacion_software": 2}
    assert figures["common_failed_steps"] == {1: 1}
    assert figures["feedback_summary"] == {"total_feedback": 1, "average_rating": 4.0, "helpful_percentage": 100.0}


def test_a_language_model_without_a_key_only_warns(module: Any, in_contract: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger="guiado"):
        agent = module.TroubleshootingAgent(use_llm=True, openai_api_key=None)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert agent.use_llm is False
    assert agent.detect_problem(INSTALL).problem_id == "instalacion_software"


def test_an_agent_can_have_its_own_knowledge_base(module: Any, in_contract: str, tmp_path: Path) -> None:
    step = {
        "step_number": 1,
        "title": "Gira la perilla",
        "description": "",
        "instructions": ["Gírala"],
        "expected_result": "",
        "warnings": [],
        "resources": [],
    }
    entry = {"problem_title": "El horno no calienta", "problem_description": "Sigue frío", "category": "cocina", "steps": [step]}
    (tmp_path / "propia.json").write_text(json.dumps({"horno_frio": entry}), "utf-8")
    agent = module.TroubleshootingAgent(knowledge_base_path=str(tmp_path / "propia.json"))
    assert list(agent.knowledge_base) == ["horno_frio"]
    assert agent.detect_problem("Mi horno no calienta").category == "cocina"


# ------------------------------------------------------------------------------------------------------------------ webhooks


def test_webhooks_are_registered_replaced_and_removed(imported: Callable[[str], Any], in_contract: str) -> None:
    hooks = imported("webhooks")
    manager = hooks.TroubleshootingWebhookManager()
    config = hooks.WebhookConfig(url="https://uno.invalid/hook", events=[hooks.WebhookEvent.STEP_FAILED])
    assert (config.secret, config.headers, config.timeout, config.retry_attempts, config.enabled) == (None, None, 10, 10, True)
    manager.register_webhook("suite-uno", config)
    manager.register_webhook(
        "suite-uno",
        hooks.WebhookConfig("https://dos.invalid/hook", ["session_resolved"], secret="s", headers={"X-Equipo": "a"}, timeout=3),
    )
    found = manager.webhooks["suite-uno"]
    assert (found.url, list(found.events), found.secret, found.headers) == (
        "https://dos.invalid/hook", [hooks.WebhookEvent.SESSION_RESOLVED], "s", {"X-Equipo": "a"}
    )  # fmt: skip
    manager.unregister_webhook("suite-uno")
    assert "suite-uno" not in manager.webhooks


def test_a_triggered_event_reports_every_endpoint(imported: Callable[[str], Any], in_contract: str) -> None:
    hooks = imported("webhooks")
    manager = hooks.TroubleshootingWebhookManager()
    for name, enabled in (("suite-dos", True), ("suite-tres", True), ("suite-off", False)):
        manager.register_webhook(
            name,
            hooks.WebhookConfig(
                "https://nadie.invalid/", [hooks.WebhookEvent.RETRY_ATTEMPT], retry_attempts=1, timeout=2, enabled=enabled
            ),
        )
    everyone = manager.trigger_webhook(hooks.WebhookEvent.RETRY_ATTEMPT, {"session_id": "x"})
    assert set(everyone) >= {"event", "webhooks_triggered", "successful", "failed", "results"}
    assert (everyone["event"], everyone["webhooks_triggered"], everyone["successful"]) == ("retry_attempt", 2, 0)
    assert {result["webhook_id"]: result["success"] for result in everyone["results"]} == {
        "suite-dos": False,
        "suite-tres": False,
    }
    alone = manager.trigger_webhook(hooks.WebhookEvent.RETRY_ATTEMPT, {"session_id": "x"}, webhook_id="suite-dos")
    assert [result["webhook_id"] for result in alone["results"]] == ["suite-dos"]
    nobody = manager.trigger_webhook(hooks.WebhookEvent.SESSION_ABANDONED, {})
    assert (nobody["webhooks_triggered"], nobody["failed"], nobody["results"]) == (0, 0, [])


def test_what_the_agent_does_fires_webhooks_by_itself(
    imported: Callable[[str], Any], agent: Any, rows: Callable[..., Any]
) -> None:
    hooks = imported("webhooks")
    manager = hooks.TroubleshootingWebhookManager()
    manager.register_webhook("suite-self", hooks.WebhookConfig("https://nadie.invalid/", [*hooks.WebhookEvent], retry_attempts=1))
    try:
        session = agent.start_troubleshooting(INSTALL, "eventos@example.com")
        agent.complete_step(session.session_id, success=False)
        agent.complete_step(session.session_id, success=True)
        agent.escalate_ticket(session.session_id)
        agent.collect_feedback(session.session_id, rating=3)
    finally:
        manager.unregister_webhook("suite-self")
    found = rows(
        "SELECT o.event FROM support_troubleshooting_deliveries d JOIN support_troubleshooting_outbox o USING (event_id)"
        " WHERE d.destination = 'suite-self' AND o.session_id = $1::text::uuid",
        session.session_id,
    )
    expected = {
        "session_started",
        "problem_detected",
        "step_failed",
        "retry_attempt",
        "step_completed",
        "session_escalated",
        "feedback_received",
    }
    assert {row["event"] for row in found} == expected


# ----------------------------------------------------------------------------------------------------------------- templates


def test_the_templates_that_ship(imported: Callable[[str], Any], in_contract: str) -> None:
    templates = imported("templates")
    manager = templates.TroubleshootingTemplateManager()
    listed = {row["template_id"]: row for row in manager.list_templates()}
    assert {"reset_password_template", "api_integration_template"} <= set(listed)
    assert set(listed["reset_password_template"]) >= {
        "template_id",
        "name",
        "description",
        "category",
        "variables_count",
        "steps_count",
    }
    assert listed["reset_password_template"]["variables_count"] == 3
    assert {row["category"] for row in manager.list_templates(category="cuenta")} == {"cuenta"}
    found = manager.get_template("reset_password_template")
    assert isinstance(found, templates.TroubleshootingTemplate)
    assert {variable.name: variable.required for variable in found.variables} == {
        "product_name": True,
        "reset_url": True,
        "support_email": False,
    }
    assert all(isinstance(variable, templates.TemplateVariable) for variable in found.variables)
    assert manager.get_template("no_existe") is None


def test_a_template_is_filled_as_plain_text(imported: Callable[[str], Any], in_contract: str) -> None:
    manager = imported("templates").TroubleshootingTemplateManager()
    given = {"product_name": "{{reset_url}} {% raw %} __class__", "reset_url": "https://ejemplo.com/clave"}
    rendered = manager.render_template("reset_password_template", given)
    assert set(rendered) >= {"problem_title", "problem_description", "category", "steps", "metadata"}
    assert given["product_name"] in rendered["problem_title"]
    assert any("https://ejemplo.com/clave" in line for line in rendered["steps"][0]["instructions"])
    assert "reset_url" in manager.render_template("reset_password_template", {"product_name": "X"})["error"]
    assert "no_existe" in manager.render_template("no_existe", {})["error"]


def test_a_created_template_is_seen_by_others_and_can_be_replaced(imported: Callable[[str], Any], in_contract: str) -> None:
    manager = imported("templates").TroubleshootingTemplateManager()
    variables = [{"name": "zona", "description": "", "required": True, "type": "string"}]
    for title in ("Antes", "Revisa {{zona}}"):
        manager.create_template(
            template_id="suite_plantilla", name="Suite", description="", category="red", variables=variables,
            steps_template=[{"step_number": 1, "title": title, "instructions": ["Mira {{zona}}"]}], metadata={"autor": "yo"},
        )  # fmt: skip
    other = imported("templates").TroubleshootingTemplateManager()
    rendered = other.render_template("suite_plantilla", {"zona": "el pasillo"})
    assert (rendered["steps"][0]["title"], rendered["steps"][0]["instructions"]) == ("Revisa el pasillo", ["Mira el pasillo"])
    assert (rendered["category"], rendered["metadata"]) == ("red", {"autor": "yo"})


# ------------------------------------------------------------------------------------------------------------- notifications


@pytest.fixture
def notices(imported: Callable[[str], Any], in_contract: str) -> Any:
    return imported("notifications")


def test_a_notification_is_written_from_a_template_with_gaps(notices: Any, rows: Callable[..., Any]) -> None:
    manager = notices.TroubleshootingNotificationManager()
    config = notices.NotificationConfig(
        channel=notices.NotificationChannel.EMAIL, recipient="hueco@example.com", template="session_resolved"
    )
    assert (config.priority, config.metadata) == (notices.NotificationPriority.NORMAL, None)
    answer = manager.send_notification(config, {"customer_name": "Ana", "problem_description": "{ticket_id} {x.y}"})
    assert set(answer) >= {"success", "channel", "recipient"}
    assert (answer["channel"], answer["recipient"]) == ("email", "hueco@example.com")
    (row,) = rows("SELECT message FROM support_troubleshooting_notifications WHERE recipient = 'hueco@example.com'")
    assert "Ana" in row["message"]
    assert "{ticket_id} {x.y}" in row["message"], "lo que escribe el cliente no se interpreta"


@pytest.mark.parametrize("name", ["session_started", "step_completed", "session_resolved", "session_escalated"])
def test_the_built_in_messages_use_their_placeholders(notices: Any, rows: Callable[..., Any], name: str) -> None:
    manager = notices.TroubleshootingNotificationManager()
    context = {"customer_name": "Ñuñoa-1", "problem_description": "pantalla-2", "step_number": "paso-3", "ticket_id": "TKT-4"}
    manager.send_notification(notices.NotificationConfig("email", f"{name}@example.com", template=name), context)
    (row,) = rows(
        "SELECT subject, message FROM support_troubleshooting_notifications WHERE recipient = $1", f"{name}@example.com"
    )
    assert "Ñuñoa-1" in row["message"]
    assert ("paso-3" if name == "step_completed" else "TKT-4") in row["subject"] + row["message"]


def test_own_templates_and_free_texts(notices: Any, rows: Callable[..., Any]) -> None:
    manager = notices.TroubleshootingNotificationManager()
    manager.register_template("suite_saludo", "Hola {customer_name}", "Cuerpo de {customer_name}")
    configs = [
        notices.NotificationConfig(
            notices.NotificationChannel.SMS, "+34600000001", template="suite_saludo", priority=notices.NotificationPriority.URGENT
        ),
        notices.NotificationConfig(notices.NotificationChannel.PUSH, "aparato-1"),
    ]
    answers = manager.send_bulk_notifications(
        configs, {"customer_name": "Leo", "subject": "Asunto libre", "body": "Cuerpo libre"}
    )
    assert [answer["recipient"] for answer in answers] == ["+34600000001", "aparato-1"]
    found = rows(
        "SELECT subject, message, priority FROM support_troubleshooting_notifications"
        " WHERE recipient IN ('+34600000001', 'aparato-1') ORDER BY recipient"
    )
    assert [tuple(row) for row in found] == [("Hola Leo", "Cuerpo de Leo", "urgent"), ("Asunto libre", "Cuerpo libre", "normal")]


@pytest.mark.parametrize("channel", ["SLACK", "TEAMS", "DISCORD"])
@pytest.mark.parametrize("metadata", [None, {}, {"webhook_url": None}])
def test_a_channel_without_its_address_fails_and_says_why(notices: Any, channel: str, metadata: Any) -> None:
    config = notices.NotificationConfig(
        notices.NotificationChannel[channel], "#equipo", template="session_escalated", metadata=metadata
    )
    answer = notices.TroubleshootingNotificationManager().send_notification(config, {})
    assert answer["success"] is False
    assert "webhook_url" in answer["error"]


def test_an_unknown_template_is_an_error_that_names_it(notices: Any) -> None:
    answer = notices.TroubleshootingNotificationManager().send_notification(
        notices.NotificationConfig("email", "x@example.com", template="no_existe"), {}
    )
    assert answer["success"] is False
    assert "no_existe" in answer["error"]
