"""The Kestra flow: only types that Kestra 1.3 and 2.x know, the published ids, and no way to loop.

There is no Kestra here. A small emulator follows the flow (webhook, If, Request, Log, errors) with Jinja in the place of Pebble;
its requests go to the running service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import pytest
import requests
import yaml
from jinja2.sandbox import SandboxedEnvironment

FILE = Path(__file__).resolve().parents[2] / "workflow/kestra/flows/support_troubleshooting_automation.yaml"
FLOW: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
PROPERTIES = {
    "io.kestra.plugin.core.trigger.Webhook": {"key"},
    "io.kestra.plugin.core.flow.If": {"condition", "then", "else"},
    "io.kestra.plugin.core.http.Request": {"uri", "method", "contentType", "headers", "body", "timeout", "retry"},
    "io.kestra.plugin.core.log.Log": {"message", "level"},
}
FLOW_PROPERTIES = {"id", "namespace", "description", "labels", "triggers", "tasks", "errors"}
RETRY_PROPERTIES = {"type", "interval", "maxInterval", "maxAttempts"}
RESERVED = {"pause", "resume", "force-run", "change-status", "kill", "executions", "search", "source", "disable", "enable"}
INSTALL = "No puedo instalar el software"


def tasks_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every trigger and task, at any depth."""
    if isinstance(value, dict):
        if "type" in value and "id" in value:
            yield value
        for inner in value.values():
            yield from tasks_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from tasks_in(inner)


TASKS = list(tasks_in({key: FLOW[key] for key in ("triggers", "tasks", "errors")}))


def test_the_flow_has_the_published_ids() -> None:
    assert (FLOW["id"], FLOW["namespace"]) == ("support-troubleshooting-automation", "workflows")
    (trigger,) = FLOW["triggers"]
    assert (trigger["type"], trigger["key"]) == ("io.kestra.plugin.core.trigger.Webhook", "support-troubleshooting")


def test_only_current_types_and_properties_are_used() -> None:
    assert set(FLOW) <= FLOW_PROPERTIES
    for task in TASKS:
        unknown = set(task) - {"id", "type", "description"} - PROPERTIES[task["type"]]
        assert unknown == set(), task["id"]
        assert set(task.get("retry", {})) <= RETRY_PROPERTIES


def test_task_ids_can_be_named_in_expressions() -> None:
    ids = [task["id"] for task in TASKS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and name not in RESERVED for name in ids)
    used = set(re.findall(r"outputs\.(\w+)", FILE.read_text("utf-8")))
    assert used <= set(ids)


def test_durations_are_iso() -> None:
    request = next(task for task in TASKS if task["id"] == "start_session")
    for value in (request["timeout"], request["retry"]["interval"], request["retry"]["maxInterval"]):
        assert re.fullmatch(r"PT\d+[SM]", value)


def pebble_default(value: Any, otherwise: Any) -> Any:
    """Pebble's `default` takes null and empty for missing; Jinja's does not."""
    return otherwise if isinstance(value, jinja2.Undefined) or value in (None, "", [], {}) else value


@dataclass
class Execution:
    """One run of the flow in the emulator."""

    service: str
    body: Any
    execution_id: str = "ejecucion-1"
    log: list[tuple[str, str]] = field(default_factory=list)
    requests: list[requests.Response] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Execution:
        try:
            self._each(FLOW["tasks"])
        except requests.RequestException:
            self._each(FLOW["errors"])
        return self

    def _each(self, tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            getattr(self, "_" + task["type"].rpartition(".")[2].lower())(task)

    def _if(self, task: dict[str, Any]) -> None:
        holds = self._text(task["condition"]).strip() not in {"", "false", "False", "0"}
        self._each(task["then"] if holds else task.get("else", []))

    def _log(self, task: dict[str, Any]) -> None:
        messages = task["message"] if isinstance(task["message"], list) else [task["message"]]
        self.log += [(task.get("level", "INFO"), self._text(message)) for message in messages]

    def _request(self, task: dict[str, Any]) -> None:
        headers = {name: self._text(value) for name, value in task["headers"].items()} | {"Content-Type": task["contentType"]}
        url, body = self._text(task["uri"]), self._text(task["body"])
        answer = requests.request(task["method"], url, data=body.encode(), headers=headers, timeout=10)
        self.requests.append(answer)
        answer.raise_for_status()
        self.outputs[task["id"]] = {"code": answer.status_code, "body": answer.text, "headers": dict(answer.headers)}

    def _text(self, template: str) -> str:
        environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
        environment.filters["default"] = pebble_default
        environment.filters["toJson"] = lambda value: json.dumps(value, ensure_ascii=False)
        names: Mapping[str, Any] = {
            "trigger": {"body": self.body},
            "execution": {"id": self.execution_id},
            "envs": {"guiado_url": self.service},
            "outputs": self.outputs,
            "fromJson": json.loads,
        }
        return environment.from_string(template).render(names)


def test_a_problem_starts_a_session_and_logs_its_first_step(service: str, rows: Callable[..., Any]) -> None:
    given = {"problem_description": INSTALL, "customer_email": "flujo@example.com", "customer_name": "Íñigo {{ 7 * 7 }}"}
    ended = Execution(service, given, "ejecucion-a").run()
    (row,) = rows(
        "SELECT session_id, customer_name FROM support_troubleshooting_sessions WHERE customer_email = 'flujo@example.com'"
    )
    assert row["customer_name"] == given["customer_name"], "lo que escribe el cliente no se evalúa"
    assert [level for level, _ in ended.log] == ["INFO", "INFO"]
    assert str(row["session_id"]) in ended.log[1][1]


def test_a_retry_of_an_execution_starts_no_second_session(service: str, rows: Callable[..., Any]) -> None:
    given = {"problem_description": INSTALL, "customer_email": "reintento@example.com"}
    answers = [Execution(service, given, "ejecucion-b").run().requests[0].json() for _ in range(2)]
    assert answers[0]["session_id"] == answers[1]["session_id"]
    assert len(rows("SELECT 1 FROM support_troubleshooting_sessions WHERE customer_email = 'reintento@example.com'")) == 1


def test_an_unknown_problem_is_logged_for_a_person(service: str) -> None:
    ended = Execution(
        service, {"problem_description": "xqzw vbnm plok", "customer_email": "raro@example.com"}, "ejecucion-c"
    ).run()
    ((level, _),) = ended.log
    assert level == "WARN"


@pytest.mark.parametrize("event", ["session_started", "feedback_received", "false", "0"])
def test_an_event_is_only_logged(event: str) -> None:
    # No service at all: a request would fail.
    body = {"event": event, "data": {"session_id": "s-1"}, "problem_description": INSTALL, "customer_email": "x@example.com"}
    ended = Execution("http://localhost:1", body).run()
    assert ended.requests == []
    assert ended.log == [("INFO", f"Evento {event} de la sesión s-1")]


def test_a_refusal_ends_in_the_error_branch(service: str) -> None:
    ended = Execution(service, {"problem_description": INSTALL, "customer_email": "no es un correo"}, "ejecucion-d").run()
    assert ended.requests[0].status_code == 400
    ((level, message),) = ended.log
    assert level == "ERROR"
    assert "ejecucion-d" in message


def test_the_flow_calls_nothing_but_the_start_of_a_session() -> None:
    (request,) = [task for task in TASKS if task["type"].endswith("http.Request")]
    assert request["uri"].endswith("}}/api/support/troubleshooting/start")
    assert "localhost:3000" in request["uri"]
