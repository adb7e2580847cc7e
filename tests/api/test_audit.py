"""Every administrative act and every operator's access to customers' data leaves exactly one row, of ids only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import httpx2
import pytest
from litestar.handlers import HTTPRouteHandler

from guiado.app import commands
from guiado.app.access.audit import audited_read, note_access
from guiado.app.access.audit_sealer import seal_due
from guiado.app.context import Scope, UnitOfWork
from guiado.app.knowledge import publications
from guiado.app.learning import examples
from guiado.app.outbound import events, notifications, recipients, webhooks
from guiado.app.sessions.record import read_record
from guiado.domain.events import EventKind
from guiado.server import create_routes
from guiado.store.learning import ExampleFilter

EMAIL = "cliente@example.com"
NONE: dict[str, str] = {
    # route -> why it leaves no row of an act or access
    "analytics": "figures of many", "realtime": "figures, and ids of sessions", "metrics": "figures", "healthz": "none of anybody",
    "readyz": "none of anybody", "detect": "stores and shows nothing of anybody", "list_templates": "no customer's data",
    "render_template": "no customer's data", "list_webhooks": "no customer's data", "get_webhook": "no customer's data",
    "webhook_stats": "figures", "list_recipients": "people of the operator's own", "list_audit": "the log itself",
    "show_door": "the customer's own page", "show": "the customer's own page", "show_step": "the customer's own page",
    "add_picture": "the customer's own page", "show_picture": "the customer's own page", "enter": "the customer's own page", "act": "the customer's own page",
    "ask": "the customer's own page", "begin": "the customer's own page", "list_links": "no customer's data",
    "revoke_link": "test_links_leave_a_row_for_each_act", "create_link": "test_links_leave_a_row_for_each_act",
    "attach": "test_attachments: with a body that is no JSON", "read_attachment": "test_attachments: a picture is needed first",
    "list_keys": "no customer's data", "create_key": "below: the first one closes the API", "rotate_key": "below", "revoke_key": "below",
    "export_customer": "tests/contract: the canaries", "erase_customer": "tests/contract: the canaries",
    "home": "none of anybody", "components": "none of anybody", "schema": "none of anybody", "openapi": "none of anybody", "static": "none of anybody",
    "widget": "none of anybody", "show_medium": "none of anybody",
    "show_guidance": "no customer's data", "list_problems": "no customer's data", "show_problem": "no customer's data", "sitemap": "no customer's data",
    "robots": "none of anybody",
}  # fmt: skip
SESSION = {"start", "start_at_root", "kestra_webhook", "answer_step", "clarify", "reject", "start_next", "rate", "escalate", "resolve",
           "resume", "correct", "set_contact", "set_variant", "answer_guide_question", "undo"}  # fmt: skip
"""Routes that change a session: `guiado_commit` and `guiado_rate` write their rows, and the book-keeper checks them."""
HOOK = {"url": "https://example.com/hook", "events": ["session_started"], "webhook_id": "oyente"}
STEPS = [{"step_number": 1, "title": "Uno", "description": "Mira"}]
TEMPLATE = {"template_id": "plantilla", "name": "Una", "category": "red", "variables": [], "steps_template": STEPS}
NOTICE = {"notification_type": "aviso", "channel": "email", "recipient": EMAIL, "message": "Hola"}
RECIPIENT = {"channel": "email", "recipient": "ana@example.com", "events": ["session_escalated"]}
ACTS: dict[str, tuple[str, str, dict[str, Any] | None, tuple[str, str]]] = {
    # route -> request, and action and object of its row; in the order of what is needed first
    "register_webhook": ("POST", "/webhooks", HOOK, ("register", "webhook")),
    "change_webhook": ("PATCH", "/webhooks/oyente", {"timeout": 5}, ("change", "webhook")),
    "rotate_webhook_secret": ("POST", "/webhooks/oyente/secret", {}, ("rotate", "webhook")),
    "replay_webhook": ("POST", "/webhooks/oyente/replay", {}, ("replay", "webhook")),
    "replay_webhooks": ("POST", "/webhooks/replay", {}, ("replay", "webhook")),
    "test_webhook": ("POST", "/webhooks/oyente/test", None, ("test", "webhook")),
    "webhook_attempts": ("GET", "/webhooks/oyente/attempts", None, ("read", "delivery_attempt")),
    "delete_webhook": ("DELETE", "/webhooks/oyente", None, ("remove", "webhook")),
    "create_template": ("POST", "/templates", TEMPLATE, ("change", "guide_template")),
    "set_recipient": ("POST", "/recipients", RECIPIENT, ("change", "recipient")),
    "delete_recipient": ("DELETE", "/recipients/email?recipient=ana@example.com", None, ("remove", "recipient")),
    "notify": ("POST", "/notifications", NOTICE, ("send", "notification")),
    "list_notifications": ("GET", "/notifications", None, ("read", "notification")),
    "retry_notification": ("POST", "/notifications/{notice}/retry", None, ("retry", "notification")),
    "retry_notifications": ("POST", "/notifications/retry", {}, ("retry", "notification")),
    "list_sessions": ("GET", f"/sessions?customer_email={EMAIL}", None, ("read", "session")),
    "state": ("GET", "/{session}", None, ("read", "session")),
    "state_by_query": ("GET", "?session_id={session}", None, ("read", "session")),
    "ratings": ("GET", "/{session}/feedback", None, ("read", "session")),
    "set_guidance": ("PUT", "/guidance/conexion_internet", {"floor": 1}, ("set_guidance", "guide")),
    "list_attachments": ("GET", "/{session}/attachments", None, ("read", "attachment")),
}

Ask = Callable[..., list[Any]]
LOG = "support_troubleshooting_audit_log"


@pytest.fixture(scope="module")
def ask(module_dsn: str) -> Ask:
    """Rows that a statement of the owner gives."""

    async def run(query: str, *values: object) -> list[Any]:
        connection = await asyncpg.connect(module_dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return lambda query, *values: asyncio.run(run(query, *values))


@pytest.fixture
def added(ask: Ask) -> Callable[[], list[Any]]:
    """The rows that were written since the test began: action, object type, object, actor, detail."""
    known = {row[0] for row in ask(f"SELECT audit_id FROM {LOG}")}

    def told() -> list[Any]:
        found = ask(f"SELECT audit_id, action, object_type, object_id, actor, detail::text FROM {LOG} ORDER BY at, audit_id")
        return [row[1:] for row in found if row[0] not in known]

    return told


def handlers(server: Any) -> Iterator[HTTPRouteHandler]:
    for route in create_routes(server.runtime).routes:
        yield from getattr(route, "route_handlers", ())


def test_every_route_says_what_it_leaves_in_the_log(server: Any) -> None:
    """A new route without a row in one of the tables fails."""
    named = {handler.operation_id or handler.handler_name for handler in handlers(server)}
    ours = named - {
        "_handler",
        "get_handler",
        "head_handler",
        "options_handler",
        "handle_schema_path_not_found",
    }  # of the framework
    known = {*NONE, *SESSION, *ACTS}
    assert ours - known == set()
    assert {*SESSION, *ACTS} - ours == set()


def test_each_act_and_each_access_leaves_one_row_of_ids(
    http: httpx2.Client, session_id: str, ask: Ask, added: Callable[[], list[Any]]
) -> None:
    seen = len(added())
    for name, (method, path, body, expected) in ACTS.items():
        if "{notice}" in path:
            ask("UPDATE support_troubleshooting_notifications SET status = 'failed'")
        (notice,) = ask("SELECT max(id::text) FROM support_troubleshooting_notifications")[0]
        where = path.replace("{session}", session_id).replace("{notice}", str(notice))
        if name == "test_webhook":  # it waits for its first attempt, which nobody makes here
            ask("UPDATE support_webhooks SET enabled = false")
            assert http.post(where).status_code == 400
            assert len(added()) == seen  # what was refused leaves none
            continue
        answer = http.request(method, where, json=body)
        assert answer.status_code < 300, (name, answer.text)
        found = added()[seen:]
        assert [row[:2] for row in found] == [expected], name
        seen += 1
        assert found[0][3] == "anonymous"
        assert EMAIL not in str(found)
        assert "ana@example.com" not in str(found)


def test_an_act_that_fails_leaves_none(http: httpx2.Client, added: Callable[[], list[Any]]) -> None:
    for method, path in (
        ("DELETE", "/webhooks/nadie"),
        ("POST", "/webhooks/nadie/secret"),
        ("DELETE", "/recipients/email?recipient=x@e.co"),
    ):
        assert http.request(method, path).status_code >= 400
    assert added() == []


def test_the_same_request_twice_is_one_act(http: httpx2.Client, added: Callable[[], list[Any]]) -> None:
    for _ in range(3):
        http.post("/webhooks", json={**HOOK, "webhook_id": "una-vez"}, headers={"Idempotency-Key": "una"}).raise_for_status()
    assert [row[:3] for row in added()] == [("register", "webhook", "una-vez")]


OPERATOR = Scope(actor="operator", channel="terminal")
GUIDE = {
    "problem_id": "nueva", "problem_title": "Nueva", "problem_description": "Una guía nueva",
    "steps": [{"step_number": 1, "title": "Uno", "description": "Mira"}],
}  # fmt: skip


def run(server: Any, scope: Scope, action: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    parts = server.runtime.parts
    return asyncio.run_coroutine_threadsafe(parts.run_read(scope, action, *args, **kwargs), server.loop).result(30)


def test_acts_without_a_route_leave_one_row_each(server: Any, added: Callable[[], list[Any]]) -> None:
    def act(action: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        return run(server, OPERATOR, action, *args, **kwargs)

    draft = act(publications.save_draft, "", "nueva", GUIDE, "ana")
    act(publications.approve, "", "nueva", draft.version, "ana")
    act(publications.publish, "", "nueva", "ana")
    other = act(publications.save_draft, "", "nueva", {**GUIDE, "problem_title": "Otra"}, "ana")
    act(publications.publish, "", "nueva", "ana", other.version)
    act(publications.revert, "", "nueva", "ana", draft.version)
    act(publications.withdraw, "", "nueva", "ana")
    act(notifications.register_template, "aviso", "Hola", "Qué tal")
    act(
        webhooks.register,
        commands.Webhook(url="https://example.com", events=[EventKind.SESSION_STARTED], webhook_id="probado"),
        make_secret=True,
    )
    act(webhooks.test, "probado")
    act(examples.request_refit)
    act(examples.undo, ExampleFilter(customer_id="nadie"))
    act(events.replay, commands.Replay(), failed=True)
    expected = ["draft", "approve", "publish", "draft", "publish", "revert", "withdraw", "change"]
    expected += ["register", "test", "refit", "undo", "replay"]
    assert [row[0] for row in added()] == expected
    assert {row[3] for row in added()} == {"operator"}


def test_reads_of_the_command_line_leave_one_row_each(server: Any, session_id: str, added: Callable[[], list[Any]]) -> None:
    run(server, OPERATOR, read_record, session_id, with_ratings=True)
    run(server, OPERATOR, events.latest, 10)
    run(server, OPERATOR, examples.waiting, 10)
    run(server, OPERATOR, examples.unrecognised, 10)
    run(server, OPERATOR, examples.accepted)
    assert [row[:2] for row in added()] == [
        ("read", "session"), ("read", "event"), ("read", "example"), ("read", "session"), ("read", "example"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "scope",
    [
        replace(OPERATOR, actor="customer", channel="facade"),
        replace(OPERATOR, actor="customer"),
        replace(OPERATOR, actor="customer", channel="api", caller="link:1"),
        replace(OPERATOR, actor="machine", channel="worker"),
    ],
)
def test_who_is_no_operator_leaves_none_by_reading(
    server: Any, session_id: str, added: Callable[[], list[Any]], scope: Scope
) -> None:
    run(server, scope, read_record, session_id)
    assert added() == []


def test_what_the_process_does_for_its_settings_leaves_one_row_each(server: Any, added: Callable[[], list[Any]]) -> None:
    machine = Scope(actor="machine", channel="worker")
    for _ in range(2):
        run(server, machine, webhooks.offer_kestra)
        run(server, machine, recipients.offer_slack)
    rows = [(*row[:2], row[3]) for row in added()]
    assert rows == [("register", "webhook", "machine"), ("change", "recipient", "machine")]


@audited_read
async def _read_and_fail(work: UnitOfWork) -> None:
    await note_access(work, "session", ["una"])
    raise RuntimeError


def test_a_read_and_its_row_are_one_transaction(server: Any, added: Callable[[], list[Any]]) -> None:
    with pytest.raises(RuntimeError):
        run(server, OPERATOR, _read_and_fail)
    assert added() == []


async def _fail_after(work: UnitOfWork) -> None:
    async with work.connection.transaction():
        await examples.request_refit(work)
        raise RuntimeError


def test_row_and_act_are_one_transaction(server: Any, added: Callable[[], list[Any]]) -> None:
    with pytest.raises(RuntimeError):
        run(server, OPERATOR, _fail_after)
    assert added() == []


def test_the_log_is_read_page_by_page(server: Any, http: httpx2.Client) -> None:
    for number in range(7):
        http.post("/webhooks", json={**HOOK, "webhook_id": f"pagina-{number}"}).raise_for_status()
    asyncio.run_coroutine_threadsafe(seal_due(server.runtime.parts), server.loop).result(30)
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = http.get(f"/audit?limit=3&action=register&actor=anonymous{cursor}").json()
        found += page["entries"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [one["object_id"] for one in found][:7] == [f"pagina-{number}" for number in range(6, -1, -1)]
    assert len({one["audit_id"] for one in found}) == len(found)
    assert all(one["chain_seq"] for one in found)
    assert http.get("/audit?since=2100-01-01").json() == {"entries": [], "next_cursor": None}
    assert http.get("/audit?since=ayer").status_code == 400
    assert json.loads(json.dumps(found[0]["detail"])) == {}


def test_keys_leave_a_row_for_each_act(dsn: str, serve: Callable[..., Any]) -> None:
    server = serve(dsn, GUIADO_ENCODER="lexical")
    base = f"{server.url}/api/support/troubleshooting/keys"
    made = httpx2.post(base, json={"name": "una", "scopes": ["keys:admin", "audit:read"]}).json()["key"]
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert httpx2.post(base, json={"name": "una", "scopes": ["audit:read"]}, headers=headers).status_code == 400
    httpx2.post(f"{base}/una/rotate", json={}, headers=headers).raise_for_status()
    told = httpx2.get(base.replace("keys", "audit"), headers=headers).json()["entries"]
    seen = [(one["actor"], one["action"], one["object_id"]) for one in told if one["object_type"] == "key"]
    caller, key_id = f"key:{made['key_id']}", made["key_id"]
    assert sorted(seen) == sorted([("anonymous", "create", key_id), (caller, "rotate", key_id)])
    httpx2.delete(f"{base}/una", headers=headers).raise_for_status()


def test_links_leave_a_row_for_each_act(http: httpx2.Client, session_id: str, added: Callable[[], list[Any]]) -> None:
    link = http.post(f"/{session_id}/links").json()["link"]
    http.delete(f"/{session_id}/links/{link['link_id']}").raise_for_status()
    assert http.delete(f"/{session_id}/links/{session_id}").status_code == 404
    rows = [row[:4] for row in added() if row[1] == "link"]
    assert rows == [(verb, "link", link["link_id"], "anonymous") for verb in ("create", "revoke")]
