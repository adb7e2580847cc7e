"""Bad input through the Python facade: every argument of every method, the whole catalogue, an answer by name, nothing written."""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guiado import agent as facade
from guiado.agent import (
    NotificationConfig,
    TroubleshootingAgent,
    TroubleshootingNotificationManager,
    TroubleshootingTemplateManager,
    TroubleshootingWebhookManager,
    WebhookConfig,
)
from guiado.errors import GuiadoError, InvalidInput, KnowledgeBaseInvalid
from guiado.resources import data_path

WORDS, MAIL, URL = "No puedo instalar el software", "cliente@example.com", "https://a.example/"
UNKNOWN = "0197f000-0000-7000-8000-000000000000"
STEPS = [{"title": "Abre {{v}}", "resources": [{"title": "R", "url": "{{v}}"}]}]

HUGE = "x" * 1_000_000
BLANK = ["", "   ", "\n\t ", "\u00a0\u2003"]
OTHERS = [5, -1, 2.5, True, [], {}, b"x", object(), math.nan, 10**5000, lambda: 1, {1: 2}, ["x"]]
BROKEN = ["\x00", "a\x00b", "a\x1b[31mb", "\x7f", "\ud800", "a\udfffb", HUGE]
STRANGE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE support_tickets; --",
    "{{7*7}} ${7*7} %s {0}",
    "\u202egnp.exe",
    "👩‍👩‍👧 ¡ñ!",
    "🙂" * 20,
]
"""Unusual, and fine wherever a text is."""
NO_MAIL = [
    "ana",
    "ana@",
    "@example.com",
    "a@b@example.com",
    "a b@example.com",
    "a@b..com",
    "a\n@b.com",
    "a@b.com\nBcc: x@y.com",
    "<a@b.com>",
]
NO_URL = ["x", "ftp://a.es/", "https://", "https://a..b/", "https://.a.es", "https://a.es:99999/", "https://u:p@a.es/", "https://[::x]/",
          "https://a.es/ b", "https://a.es/\nb", "javascript:alert(1)", "https://" + "a" * 64 + ".es", "//a.es"]  # fmt: skip
NO_FLAG = [5, 0, "true", "sí", [], {}, b"x", object(), math.nan]
NO_LIST = [None, 5, True, "x", {}, b"x", object()]
NO_DICT = [None, 5, True, "x", [], b"x", object(), [("a", 1)]]
TEXT = [None, *OTHERS, *BLANK, *BROKEN]
OPTIONAL = [*OTHERS, *BROKEN]
WRITTEN = [None, *OTHERS, *BLANK, "\x00", "\x7f", "\ud800", HUGE]
"""What no text that people write may be; a stray character among others becomes a blank or goes."""
OPTIONAL_WRITTEN = [*OTHERS, HUGE]
NO_STEPS = [[], [5], ["x"], [None], [{}], [{"title": ""}], [{"title": 5}], [{"title": "a", "instructions": "b"}],
            [{"title": "a", "instructions": [{}]}], [{"title": "a", "step_number": 7}], [{"title": "a", "resources": [{"title": "b"}]}],
            [{"title": "a", "resources": [{"title": "b", "url": "javascript:alert(1)"}]}], [{"title": "\x1b[31m"}], [{"title": HUGE}],
            [{"title": "a", "after": ["nadie"]}]]  # fmt: skip


@pytest.fixture(autouse=True)
def untouched(in_contract: str, session_id: str, ended_id: str, rows: Callable[..., list[Any]]) -> Iterator[None]:
    """Whatever is refused leaves every table as it was."""
    before = counted(rows)
    yield
    assert counted(rows) == before


def counted(rows: Callable[..., list[Any]]) -> dict[str, int]:
    names = [row["relname"] for row in rows("SELECT relname FROM pg_class WHERE relname LIKE 'support\\_%' AND relkind = 'r'")]
    # Periodic work of whoever lives meanwhile is none of this.
    kept = [
        name
        for name in names
        if "_rollup_" not in name
        and not name.endswith(
            (
                "_schedule",
                "_workers",
                "_cache",
                "_performance_metrics",
                "_guide_versions",
                "_detectors",
                "_revisions",
                "_audit_heads",
                "_pattern_totals",
                "_guidance_plans",
            )
        )
        and not name.startswith(("support_guide_publication", "support_guide_files"))
    ]
    union = " UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS n FROM {name}" for name in kept)
    return {row["name"]: row["n"] for row in rows(union)}


@pytest.fixture(scope="module")
def session_id(contract_dsn: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", contract_dsn)
        return TroubleshootingAgent().start_troubleshooting(WORDS, MAIL).session_id


@pytest.fixture(scope="module")
def ended_id(contract_dsn: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", contract_dsn)
        agent = TroubleshootingAgent()
        ended = agent.start_troubleshooting(WORDS, MAIL).session_id
        assert agent.complete_step(ended, True, outcome="solved")["status"] == "resolved"
        return ended


ENGLISH = re.compile(r"\b(expected|invalid|error:|the|must|should|missing|object has no|not an?|got)\b", re.IGNORECASE)


def refused(call: Callable[[], Any], name: str, shown: str) -> None:
    """The call says what is wrong with this argument: by an error of ours that is a ValueError, or by `error` in its answer."""
    try:
        answer = call()
    except (InvalidInput, KnowledgeBaseInvalid) as error:
        said = str(error)
    else:
        assert isinstance(answer, dict), f"{shown} was taken: {str(answer)[:200]}"
        assert "error" in answer, f"{shown} was taken: {str(answer)[:200]}"
        said = answer["error"]
    assert name in said, f"{shown}: {said[:300]}"
    assert ". " in f"{said} ", f"{shown}: no remedy: {said[:300]}"
    assert not ENGLISH.search(said.replace(name, "")), f"{shown}: {said[:300]}"
    assert len(said) < 2_000, shown
    said.encode()


def brief(value: object) -> str:
    try:
        return repr(value)[:60]
    except ValueError:
        return "10**5000"


def refuses_each(method: Callable[..., Any], name: str, values: list[Any], good: dict[str, Any], path: str = "") -> None:
    for value in values:
        shown = f"{name}={brief(value)}"
        refused(lambda value=value: method(**{**good, name: value}), path or name, shown)


# --------------------------------------------------------------------------------------------------------------- the agent

START = {"problem_description": WORDS, "customer_email": MAIL}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("problem_description", WRITTEN),
        ("customer_email", [*TEXT, *STRANGE, *NO_MAIL]),
        ("customer_name", OPTIONAL_WRITTEN),
        ("ticket_id", [10**5000, 2**70, *BROKEN, "a\nb"]),
    ],
)
@pytest.mark.parametrize("validate", [True, False])
def test_start(name: str, values: list[Any], validate: bool) -> None:
    refuses_each(TroubleshootingAgent().start_troubleshooting, name, values, {**START, "validate": validate})


def test_start_names_every_fault_at_once() -> None:
    with pytest.raises(ValueError, match=r"problem_description: .*customer_email: .*customer_name: .*ticket_id: "):
        TroubleshootingAgent().start_troubleshooting(5, None, [], "\x00")


def test_an_agent_is_not_made_of_what_cannot_be_used(tmp_path: Path) -> None:
    paths = [5, True, [], {}, b"x", object(), "", ".", "a\x00b", "\ud800", HUGE, tmp_path, tmp_path / "nada.json"]
    for path in paths:
        name = Path(path).name if isinstance(path, Path) else ""
        refused(lambda path=path: TroubleshootingAgent(path), name, f"knowledge_base_path={path!r:.60}")
    refuses_each(TroubleshootingAgent, "use_llm", [None, *NO_FLAG], {})
    refuses_each(TroubleshootingAgent, "openai_api_key", [5, True, [], {}, b"x", object()], {})
    refuses_each(TroubleshootingAgent, "order", [*OTHERS, *BROKEN, *BLANK, "learned", "Author"], {})
    refused(lambda: TroubleshootingAgent(5, "no", 7), "knowledge_base_path", "all")


def break_by_loop(path: Path) -> None:
    path.symlink_to(path.with_name("otro.json"))
    path.with_name("otro.json").symlink_to(path)


BREAKS: list[Callable[[Path], object]] = [
    lambda _: None,  # it is gone
    Path.mkdir,
    os.mkfifo,
    break_by_loop,
    lambda path: (path.touch(), os.truncate(path, 100 * 1024 * 1024)),
    lambda path: path.write_bytes(b"[" * 100_000),
    lambda path: path.write_bytes(b'{"p": NaN}'),
    lambda path: path.write_bytes(b'{"p": {}, "p": {}}'),
    lambda path: path.write_text('{"p": {}}', "utf-16"),
]


def test_a_broken_edit_never_replaces_what_runs(tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    path.write_bytes(data_path("integrations", "support_troubleshooting_kb.json").read_bytes())
    agent = TroubleshootingAgent()
    own = TroubleshootingAgent(path)
    good, count, others = own.detect_problem(WORDS), len(own.knowledge_base), len(agent.knowledge_base)
    assert count > 45
    for spoil in BREAKS:
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        path.with_name("otro.json").unlink(missing_ok=True)
        spoil(path)
        assert own.detect_problem(WORDS) == good
        assert len(own.knowledge_base) == count
        # Also an agent that is made only now works on; the file that everybody else uses has nothing to do with it.
        assert TroubleshootingAgent(path).detect_problem(WORDS) == good
        assert len(agent.knowledge_base) == others


def test_no_problem_is_detected_in_what_is_no_text() -> None:
    agent = TroubleshootingAgent()
    for value in [None, *OTHERS, *BLANK, *BROKEN, "\u202e", "<>", "{{7*7}}", "🙂", "?" * 100_000]:
        assert agent.detect_problem(value) is None


NO_IDS = [None, *OTHERS, *BLANK, *BROKEN, *STRANGE, UNKNOWN, "' OR 1=1 --", "{" + UNKNOWN, "../etc/passwd"]


def test_an_unknown_session_is_told_by_every_method() -> None:
    agent = TroubleshootingAgent()
    for value in NO_IDS:
        assert agent.get_current_step(value) is None
        assert set(agent.undo_last_answer(value) or {}) == {"error"}
        assert agent.get_session_summary(value) is None
        for call in (
            lambda value=value: agent.complete_step(value, True),
            lambda value=value: agent.escalate_ticket(value, "Prisa"),
            lambda value=value: agent.collect_feedback(value, 5),
            lambda value=value: agent.get_session(value),
            lambda value=value: agent.resume(value),
            lambda value=value: agent.clarify(value, WORDS),
            lambda value=value: agent.close_session(value),
            lambda value=value: agent.start_next_problem(value),
            lambda value=value: agent.set_variant(value, "windows"),
            lambda value=value: agent.answer_question(value, "luz", "roja"),
        ):
            told(call)


def told(call: Callable[[], Any]) -> None:
    try:
        said = call()["error"]
    except GuiadoError as error:
        said = str(error)
    assert said.startswith("Sesión no encontrada: ")
    assert said.isprintable()


def test_steps(session_id: str) -> None:
    good = {"session_id": session_id, "success": True}
    agent = TroubleshootingAgent()
    refuses_each(agent.complete_step, "success", [None, *NO_FLAG], good)
    refuses_each(agent.complete_step, "notes", OPTIONAL_WRITTEN, good)
    refuses_each(agent.complete_step, "outcome", [*OTHERS, *BROKEN, "fr", "could_not"], good)
    refused(lambda: agent.complete_step(session_id, "sí", notes=5, outcome="nada"), "outcome", "all")


def test_clarifications(session_id: str) -> None:
    good = {"session_id": session_id, "text": WORDS}
    agent = TroubleshootingAgent()
    refuses_each(agent.clarify, "text", OPTIONAL_WRITTEN, good)
    refuses_each(agent.clarify, "problem_id", OPTIONAL, good)
    refuses_each(agent.clarify, "answer", [*OPTIONAL, "quizás"], good)
    refuses_each(agent.clarify, "none", NO_FLAG, good)


def test_another_problem(session_id: str) -> None:
    refuses_each(TroubleshootingAgent().start_next_problem, "problem_id", OPTIONAL, {"session_id": session_id})


def test_an_ended_session_is_not_closed_again(ended_id: str) -> None:
    assert "ya terminó (resuelta)" in TroubleshootingAgent().close_session(ended_id)["error"]


def test_an_ended_session_takes_no_answer(ended_id: str) -> None:
    for outcome in (None, "solved", "not_helped"):
        said = TroubleshootingAgent().complete_step(ended_id, True, outcome=outcome)["error"]
        assert "ya terminó (resuelta)" in said
    assert "ya terminó" in TroubleshootingAgent().complete_step(ended_id, False)["error"]


def test_reasons_and_ratings(session_id: str) -> None:
    agent = TroubleshootingAgent()
    refuses_each(agent.escalate_ticket, "reason", OPTIONAL_WRITTEN, {"session_id": session_id})
    good = {"session_id": session_id, "rating": 5}
    refuses_each(
        agent.collect_feedback, "rating", [None, 0, 6, -1, 2.5, "5", "", True, math.nan, math.inf, 10**5000, b"5", [5], {}], good
    )
    refuses_each(agent.collect_feedback, "feedback_text", OPTIONAL_WRITTEN, good)
    refuses_each(agent.collect_feedback, "was_helpful", NO_FLAG, good)


def test_days() -> None:
    days = [0, -1, 10**9, 10**5000, 1.5, "30", True, math.nan, b"3", [], {}, object()]
    refuses_each(TroubleshootingAgent().get_analytics, "days", days, {})


def test_what_is_no_step_is_not_shown(session_id: str) -> None:
    agent = TroubleshootingAgent()
    step = agent.get_current_step(session_id)
    refuses_each(agent.format_step_response, "step", ["x", "", 5, True, [], b"x", object(), [step]], {})
    wrong = {"instructions": "abc", "warnings": 5, "resources": ["x"], "title": [], "step_number": "1", "total_steps": {}}
    for name, value in {**wrong, "description": object(), "expected_result": b"x", "estimated_time": 5}.items():
        refused(lambda name=name, value=value: agent.format_step_response({**step, name: value}), name, name)
        refused(lambda name=name, value=value: agent.format_step_response({"next_step": {**step, name: value}}), name, name)
    refused(lambda: agent.format_step_response({"status": "completed", "message": 5}), "message", "message")
    assert agent.format_step_response({}) == agent.format_step_response({"next_step": None}) == ""
    assert "Paso 1 de 6" in agent.format_step_response({**step, "otro": object(), "title": "<b>{{7*7}}</b> %s {0}"})


# ---------------------------------------------------------------------------------------------------------------- webhooks


def test_webhooks() -> None:
    manager = TroubleshootingWebhookManager()
    good = WebhookConfig(URL, ["step_failed"])
    refuses_each(manager.register_webhook, "webhook_id", [*TEXT, *STRANGE, "a b", "x" * 129], {"config": good})
    refuses_each(
        manager.register_webhook, "config", [None, *OTHERS, "x", {"url": URL, "events": ["step_failed"]}], {"webhook_id": "w"}
    )

    def register(**changes: Any) -> None:
        manager.register_webhook("w", replace(good, **changes))

    refuses_each(register, "url", [*TEXT, *STRANGE, *NO_URL], {})
    refuses_each(
        register, "events", [*NO_LIST, [], [5], [None], ["nada"], ["\ud800"], [object()], "nada", ["step_failed"] * 21], {}
    )
    refuses_each(register, "secret", OPTIONAL, {})
    refuses_each(register, "headers", [5, True, "x", [], b"x", object(), {1: 2}, {"X": 5}, {"X": "a\r\nb"}, {"": "a"}, {"Host": "a"},
                                       {"X": "\ud800"}, {"a b": "c"}, {"ñ": "c"}, {"\x1b": "c"}, {"X": "ñ"}], {})  # fmt: skip
    refuses_each(register, "timeout", [0, -1, math.nan, math.inf, 10**9, 10**5000, "5", True, [], {}, object()], {})
    refuses_each(register, "retry_attempts", [0, -1, 2.5, 10**9, "5", True, [], {}, object()], {})
    refuses_each(register, "enabled", NO_FLAG, {})


def test_all_faults_of_a_webhook_are_named_at_once() -> None:
    config = WebhookConfig("https://a..b", None, secret=5, headers={"Host": "x"}, timeout=0, retry_attempts=0, enabled="sí")
    with pytest.raises(ValueError, match="webhook_id") as caught:
        TroubleshootingWebhookManager().register_webhook("a b", config)
    named = {problem.field for problem in caught.value.problems}
    assert named == {"webhook_id", "url", "events", "secret", "headers.Host", "timeout", "retry_attempts", "enabled"}


def test_triggers() -> None:
    manager = TroubleshootingWebhookManager()
    good = {"event": "step_failed", "data": {"a": 1}}
    refuses_each(manager.trigger_webhook, "event", [*TEXT, *STRANGE, "STEP_FAILED"], good)
    bad = [{"a": object()}, {"a": b"x"}, {"a": math.nan}, {"\ud800": 1}, {1: 2}, {"a": 2**63}]
    refuses_each(manager.trigger_webhook, "data", [*NO_DICT, *bad], good)
    refuses_each(manager.trigger_webhook, "webhook_id", OPTIONAL, good)
    for value in [None, *OTHERS, *BLANK, *BROKEN, *STRANGE]:
        assert manager.unregister_webhook(value) is False


# --------------------------------------------------------------------------------------------------------------- templates

TEMPLATE = {
    "template_id": "t",
    "name": "n",
    "description": "d",
    "category": "c",
    "variables": [{"name": "v"}],
    "steps_template": STEPS,
}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("template_id", [*TEXT, "a\nb"]),
        ("name", WRITTEN),
        ("description", [value for value in OPTIONAL_WRITTEN if value]),
        ("category", TEXT),
        ("variables", [*NO_LIST, [5], [None], ["x"], [{}], [{"name": 5}], [{"name": "1a"}], [{"name": "a b"}], [{"name": "\x00"}],
                       [{"name": "v"}, {"name": "v"}], [{"name": "v", "required": "sí"}], [{"name": "v", "default": 5}]]),
        ("steps_template", [*NO_LIST, *NO_STEPS]),
        ("metadata", [5, True, "x", b"x", object(), {"a": object()}, {"a": math.nan}, {1: 2}]),
    ],
)  # fmt: skip
def test_templates(name: str, values: list[Any]) -> None:
    refuses_each(TroubleshootingTemplateManager().create_template, name, values, TEMPLATE)


def test_all_faults_of_a_template_are_named_at_once() -> None:
    steps = [{"title": "", "step_number": 3, "instructions": [5]}, 7]
    with pytest.raises(ValueError, match="template_id") as caught:
        TroubleshootingTemplateManager().create_template(5, "", object(), "c", [{"name": "1"}], steps)
    assert {problem.field for problem in caught.value.problems} == {
        "template_id", "name", "description", "variables[0].name", "steps_template[0].title", "steps_template[0].step_number",
        "steps_template[0].instructions[0]", "steps_template[1]",
    }  # fmt: skip


def test_templates_are_asked_for_by_text() -> None:
    manager = TroubleshootingTemplateManager()
    for value in [None, *OTHERS, *BLANK, *BROKEN, *STRANGE]:
        assert manager.get_template(value) is None
        assert "Plantilla no encontrada" in manager.render_template(value, {})["error"]
    refuses_each(manager.list_templates, "category", [value for value in OTHERS if value is not True], {})


def test_rendering() -> None:
    manager = TroubleshootingTemplateManager()
    good = {"template_id": "reset_password_template", "variables": {"product_name": "App", "reset_url": URL}}
    assert "error" not in manager.render_template(**good)
    refuses_each(manager.render_template, "variables", [*NO_DICT, {}], good)
    for value in [None, *BLANK, [], {}, b"x", object(), math.nan, 10**5000, "\x00", "\ud800", HUGE, (1, 2)]:
        refuses_each(manager.render_template, "variables", [{**good["variables"], "product_name": value}], good, "product_name")
    for value in STRANGE:
        made = manager.render_template("reset_password_template", {**good["variables"], "product_name": value})
        assert value in made["problem_title"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"{", "mal escrito"),
        (b"\xff\xfe", "UTF-8"),
        (b"[]", "objeto"),
        (b"[" * 100_000, "niveles"),
        (b'{"t": 5}', "$.t"),
        (b'{"t": {"name": "n", "steps_template": "x"}}', "$.t.steps_template"),
        (b'{"t": {"name": "n", "steps_template": [{"title": ""}]}}', "$.t.steps_template[0].title"),
        (b'{"t": {"name": "n", "steps_template": [{"title": "a"}], "variables": [5]}}', "$.t.variables[0]"),
    ],
)
def test_a_broken_file_of_templates_says_where(tmp_path: Path, written: bytes, said: str) -> None:
    path = tmp_path / "plantillas.json"
    path.write_bytes(written)
    refused(TroubleshootingTemplateManager(path).list_templates, said, repr(written[:60]))


def test_a_file_of_templates_that_is_none(tmp_path: Path) -> None:
    refuses_each(TroubleshootingTemplateManager, "templates_path", [5, True, [], {}, b"x", object(), "", "a\x00b", "\ud800"], {})
    for path in (tmp_path, tmp_path / "nada.json", "/dev/zero"):
        refused(TroubleshootingTemplateManager(path).list_templates, str(path), str(path))


# ----------------------------------------------------------------------------------------------------------- notifications

SLACK = NotificationConfig("slack", "#soporte", "session_escalated", metadata={"webhook_url": URL})
EMAIL = NotificationConfig("email", MAIL, "session_escalated")


def test_notifications() -> None:
    manager = TroubleshootingNotificationManager()

    def send(config: NotificationConfig = EMAIL, context: Any = {}, **changes: Any) -> dict[str, Any]:  # noqa: B006
        result = manager.send_notification(replace(config, **changes), context)
        assert result["success"] is False
        assert result.keys() >= {"channel", "recipient"}
        assert "notification_id" not in result, result
        return result

    refuses_each(manager.send_notification, "config", [None, *OTHERS, "x", {"channel": "email"}], {"context": {}})
    refuses_each(send, "context", NO_DICT, {})
    refuses_each(send, "channel", [*TEXT, *STRANGE, "EMAIL"], {})
    refuses_each(send, "recipient", [*TEXT, *STRANGE, *NO_MAIL], {})
    refuses_each(send, "recipient", [*TEXT, "a\nb"], {"config": SLACK})
    refuses_each(send, "priority", [*OTHERS, *BROKEN, "NORMAL"], {})
    refuses_each(send, "metadata", [5, True, "x", [], b"x", object(), {"a": object()}, {"a": "\x00"}, {1: 2}], {})
    for url in [*TEXT, *NO_URL]:
        refuses_each(send, "metadata", [{"webhook_url": url}], {"config": SLACK}, "webhook_url")
    refuses_each(send, "context", [{}, {"subject": " "}, {"body": None}, {"subject": "\x00"}], {"template": None}, "template")
    refused(lambda: send(template="no_existe"), "no_existe", "template")
    refuses_each(send, "template", [*OTHERS, *BLANK, *BROKEN, *STRANGE], {})


def test_all_faults_of_a_notification_are_named_at_once() -> None:
    config = NotificationConfig("paloma", 5, priority="ya", metadata=5)
    said = TroubleshootingNotificationManager().send_notification(config, None)["error"]
    assert all(f"{name}: " in said for name in ("channel", "recipient", "priority", "metadata", "context"))


def test_many_notifications_at_once() -> None:
    manager = TroubleshootingNotificationManager()
    refuses_each(manager.send_bulk_notifications, "configs", [None, 5, True, "x", b"x", {}, object()], {"context": {}})
    results = manager.send_bulk_notifications([None, 5, replace(EMAIL, recipient="no")], {})
    assert [result["success"] for result in results] == [False] * 3
    assert manager.send_bulk_notifications([], None) == []


def test_recipients() -> None:
    manager = TroubleshootingNotificationManager()
    good = {"channel": "email", "recipient": MAIL}
    refuses_each(manager.set_recipient, "channel", [*TEXT, "EMAIL"], good)
    refuses_each(manager.set_recipient, "recipient", [*TEXT, *NO_MAIL], good)
    refuses_each(manager.set_recipient, "events", [["nada"], [5]], good)
    refuses_each(manager.set_recipient, "time_zone", ["Marte", 5, "\x00"], good)
    refuses_each(manager.set_recipient, "quiet_from", ["25:00", 5, "noche"], good)
    refuses_each(manager.set_recipient, "digest_minutes", [-1, 1_441, "x"], good)
    refuses_each(manager.set_recipient, "webhook_url", NO_URL, good)
    assert manager.recipients == []
    for nobody in (None, 5, "x", b"x"):
        assert manager.remove_recipient(nobody, nobody) is False


def test_message_templates() -> None:
    good = {"template_id": "m", "subject": "s", "body": "b"}
    register = TroubleshootingNotificationManager().register_template
    refuses_each(register, "template_id", TEXT, good)
    refuses_each(register, "subject", WRITTEN, good)
    refuses_each(register, "body", WRITTEN, good)


# -------------------------------------------------------------------------------------------------------------- everything


def test_no_method_of_the_facade_is_forgotten() -> None:
    text = Path(__file__).read_text("utf-8")
    for _, kind in inspect.getmembers(facade, inspect.isclass):
        if kind.__name__.endswith(("Agent", "Manager")):
            methods = [name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")]
            assert methods
            assert [name for name in methods if f".{name}" not in text] == []
