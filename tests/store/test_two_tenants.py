"""Two tenants in one database, with the same keys in every table: no function of the store sees or changes the other's rows.

Each function runs for tenant "a" in four worlds: nothing is stored, only a's rows, both tenants' rows, only b's. What it finds in
the third must be what it finds in the second, and in the fourth what it finds in the first. The connection is the owner's, with no
tenant set, so that nothing but the argument can keep them apart.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tenant_rows import (
    CUSTOMER,
    DAY,
    DIGEST,
    DUE,
    EMAIL,
    EVENT,
    EXAMPLE,
    GUIDE,
    GUIDE_VERSION,
    HELD,
    HOUR,
    LIVE,
    LONG_AGO,
    NOTICE,
    NOW,
    OLD,
    SOLVED,
    UNKNOWN,
    WORDS,
    connect,
    content,
    copy,
    fill,
    remove,
    states,
    tables_of,
    uid,
)  # fmt: skip

import guiado.store
from guiado.domain.events import Event, EventKind
from guiado.domain.learning_signal import Lesson, LessonKind
from guiado.domain.recipient import RecipientPreferences
from guiado.domain.session import Actor, Session, Status
from guiado.store import (  # fmt: skip
    api_keys,
    attachments,
    audit,
    configuration,
    customer_links,
    customers,
    demo,
    events,
    feedback,
    fitted_models,
    guidance_evidence,
    guidance_plans,
    guides,
    idempotency,
    learning,
    log_rows,
    media,
    notifications,
    outbox,
    publications,
    queue,
    rate_limits,
    reports,
    schedule,
    sessions,
    templates,
    tenants,
    webhooks,
)

FOR_ALL_TENANTS = {
    "schedule.as_owner": "takes a role",
    "customer_links.by_hash": "a link says whose it is",
    "customer_links.expired_by_hash": "a link says whose it is",
    "schedule.now": "the clock",
    "skew.measure_s": "the clock",
    "demo.may_copy": "the role's right",
    "schedule.tenants": "names them",
    "schedule.roll_up": "maintenance",
    "api_keys.by_hash": "a key says whose it is",
    "api_keys.exists": "the first key of any tenant closes the API",
    "tenants.created": "names them",
    "tenants.waiting": "names them",
    "audit.begin_sealing": "takes a lock",
    "audit.unsealed": "the sealer works for all of them",
    "audit.heads": "the sealer works for all of them",
    "audit.seal": "the sealer works for all of them",
    "audit.checkpoints_to_seal": "the sealer works for all of them",
}
KINDS = {"Connection", "Statements"}
Run = Callable[[Any, str], Awaitable[Any]]


async def taken(db: asyncpg.Connection, tenant: str) -> int:
    """Requests that were counted before; the seconds that are left pass."""
    return (await rate_limits.take(db, tenant, "t", {"i": 2}, 5, 1_000_000))["i"].used_before


AUDIT = log_rows.Audit("agent", "test")
EVENT_DATA = Event(EventKind.STEP_COMPLETED, {"of": "propio"})
ERASED = customers.CustomerKey(EMAIL, CUSTOMER)
ENDPOINT = webhooks.Endpoint("new", "https://example.com", ["*"], None, {}, 5.0, 3, enabled=True)
MESSAGE = notifications.NewNotification("t", "email", EMAIL, "normal", None, None, dedup_key="k")
FATE = notifications.Fate("sent", NOW)
EDIT = publications.FileEdit("", {"router": str(uid(95))}, {"router": "h3"}, ["modem"])
CHOICE = learning.ExampleFilter(session_id=SOLVED)
PICTURE = attachments.NewAttachment(uid(99), LIVE, 1, "uno", "image/png", 1, 1, b"png")
MEDIUM = media.NewMedium("6" * 64, "a.png", "image/png", 1, 1, b"png")
RATING = feedback.FeedbackBody(str(SOLVED), None, EMAIL, 1, None, None, "router", 1, 1, True, NOW)
DUE_KINDS = queue.join_due([outbox.DUE, notifications.DUE])
ATTEMPT = {
    "webhook_id": "mine", "delivery_id": DUE, "event_id": EVENT, "event": "step_completed", "attempt": 1, "success": True,
    "response_status": 200, "response_body": None, "error_message": None, "duration_ms": 1, "sent_at": NOW, "id": uid(90),
    "state": "delivered", "attempts": 1, "due_at": NOW,
}  # fmt: skip


def answered(lesson: Lesson) -> sessions.Change:
    """An answer that gives the session's words up and teaches."""
    session = Session(str(LIVE), EMAIL, "no va", NOW, NOW, version=2, status=Status.RESOLVED, ticket_id="T-1", problem_id="router",
                      guide_version_id=str(GUIDE_VERSION), facts={"alternatives": [], "already_tried": []},
                      escalation_reason="porque sí", total_steps=1, current_step=1)  # fmt: skip
    return sessions.Change(session, 1, NOW, AUDIT, (EVENT_DATA,), lessons=(lesson,), clarified=True)


async def import_router(db: asyncpg.Connection, tenant: str) -> int:
    """An import under its lock, which alone shows nothing."""
    await publications.lock_import(db, tenant)
    return await publications.publish_import(db, tenant, "", {"router": str(uid(95))}, ["modem"], "import:x", NOW)


async def replaced_router(db: asyncpg.Connection, tenant: str) -> object:
    await import_router(db, tenant)
    return await publications.replaced(db, tenant, "", NOW - timedelta(days=9), 100)


def taught(kind: LessonKind, actor: Actor) -> Run:
    return lambda db, tenant: sessions.commit(db, tenant, answered(Lesson(kind, "router", WORDS, actor)))


def began() -> sessions.Change:
    session = Session(str(uid(91)), EMAIL, "no va", NOW, NOW, guide_version_id=str(GUIDE_VERSION), total_steps=1)
    return sessions.Change(session, None, NOW, AUDIT, (EVENT_DATA,))


def contacted() -> sessions.Change:
    """A new address for a session with a ticket."""
    session = Session(str(LIVE), "otra@example.com", "no va", NOW, NOW, version=2, ticket_id="T-1")
    return sessions.Change(session, 1, NOW, AUDIT, contact="c-2")


def taken_back() -> sessions.Change:
    """An answer that called a person, taken back."""
    session = Session(
        str(LIVE), EMAIL, "no va", NOW, NOW, version=2, ticket_id="T-1", guide_version_id=str(GUIDE_VERSION), total_steps=1
    )
    return sessions.Change(session, 1, NOW, AUDIT, retracted=str(uid(50)))


def page(**wanted: object) -> Run:
    return lambda db, tenant: sessions.page(db, tenant, 10, wanted=sessions.Wanted(**wanted))  # pyright: ignore[reportArgumentType]


def section_of(name: str) -> Run:
    return lambda db, tenant: customers.page(db, tenant, name, ERASED, "", 100)


async def disable_free(db: asyncpg.Connection, tenant: str) -> None:
    endpoint = await webhooks.one(db, tenant, "free")
    await outbox.disable(db, tenant, "free", "why", NOW, endpoint.updated_at if endpoint else NOW)


async def last_fit(db: asyncpg.Connection, tenant: str) -> object:
    found = await fitted_models.last_fit(db, tenant, "")
    return found and found.contents


async def seal_checkpoint(db: asyncpg.Connection, tenant: str) -> None:
    async with db.transaction():
        await audit.seal_checkpoint(db, tenant, 1, "sello")


async def attach(db: asyncpg.Connection, tenant: str) -> object:
    """A picture is added where there is room, counted under the tenant's lock."""
    async with db.transaction():
        await attachments.lock(db, tenant)
        return await attachments.add(db, tenant, PICTURE, NOW)


async def synthetic_turn(db: asyncpg.Connection, tenant: str) -> object:
    """Synthetic sessions are counted by whoever has the turn."""
    return await demo.take_turn(db, tenant), await demo.count(db, tenant)


def synthetic() -> demo.Batch:
    """A session that goes by the guide of its tenant, with an offer and a ticket."""
    values: dict[str, Any] = dict.fromkeys(demo.StoredSession._fields)
    counts: dict[str, Any] = dict.fromkeys(("current_step", "total_steps", "version", "failures", "attempts", "decisions"), 0)
    texts = {"language": "es", "channel": "web", "source": "demo", "status": "escalated", "message_kind": "problem"}
    lists: dict[str, Any] = {
        "alternatives": [],
        "clarifications": [],
        "already_tried": [],
        "answers": [],
        "metadata": {"demo": True},
    }
    ids = {"session_id": uid(96), "guide_version_id": GUIDE_VERSION, "problem_description": "no va", "urgent": False}
    session = demo.StoredSession(**values | counts | texts | lists | ids | {"started_at": NOW - DAY, "updated_at": NOW - DAY})
    offer = demo.StoredDecision(uid(96), 1, NOW - DAY, "escalation", None, None, None, [], "requested", False, 1.0, None, None)
    ticket = demo.StoredTicket("T-9", None, None, "s", "d", "escalated", None, uid(96), NOW, NOW, None, {"demo": True})
    return demo.Batch([session], [offer], [], [], [ticket])


PLAN = guidance_plans.NewPlan("router", str(GUIDE_VERSION), 9, 9, 0, "b", "shadow", b"2", {})
CASES: dict[str, Run | tuple[Run, ...]] = {
    "attachments.add": attach,
    "attachments.lock": attach,
    "attachments.usage": lambda db, t: attachments.usage(db, t, LIVE),
    "attachments.listed": lambda db, t: attachments.listed(db, t, LIVE),
    "attachments.one": lambda db, t: attachments.one(db, t, LIVE, uid(58)),
    "audit.write": lambda db, t: audit.write(db, t, [log_rows.audit_row(t, None, AUDIT, NOW)]),
    "audit.page": lambda db, t: audit.page(db, t, audit.AuditFilter(), 10),
    "audit.chain": lambda db, t: audit.chain(db, t, None, 10),
    "audit.head": audit.head,
    "audit.checkpoint": audit.checkpoint,
    "audit.waiting": audit.waiting,
    "audit.seal_checkpoint": seal_checkpoint,
    "configuration.is_on": lambda db, t: configuration.is_on(db, t, "is_ours"),
    "configuration.number": lambda db, t: configuration.number(db, t, "retention_days", 1),
    "customers.page": tuple(section_of(name) for name in customers.SECTIONS),
    "customers.erase_mentions": lambda db, t: customers.erase_mentions(db, t, ERASED, 10),
    "customers.hide_address": lambda db, t: customers.hide_address(db, t, customers.CustomerKey("router", CUSTOMER)),
    "customers.erase_batch": lambda db, t: customers.erase_batch(db, t, ERASED, 10),
    "customers.note": lambda db, t: customers.note(db, t, CUSTOMER, AUDIT, NOW),
    "demo.take_turn": synthetic_turn,
    "demo.has_real": demo.has_real,
    "demo.count": demo.count,
    "demo.write": lambda db, t: demo.write(db, t, synthetic()),
    "demo.remove": lambda db, t: demo.remove(db, t, uid(0), 10),
    "fitted_models.load": lambda db, t: fitted_models.load(db, t, "", "c"),
    "fitted_models.last_fit": last_fit,
    "fitted_models.keep": lambda db, t: fitted_models.keep(db, t, "", "c", "2", b"2", 1),
    "fitted_models.judged": lambda db, t: fitted_models.judged(db, t, "", timedelta(days=30)),
    "guidance_evidence.patterns_of": lambda db, t: guidance_evidence.patterns_of(db, t, "router"),
    "guidance_evidence.times_of": lambda db, t: guidance_evidence.times_of(db, t, "router"),
    "guidance_evidence.ended_counts": guidance_evidence.ended_counts,
    "guidance_evidence.verify": guidance_evidence.verify,
    "guidance_plans.read_mark": guidance_plans.read_mark,
    "guidance_plans.changed": lambda db, t: guidance_plans.changed(db, t, 0),
    "guidance_plans.of_problem": lambda db, t: guidance_plans.of_problem(db, t, "router"),
    "guidance_plans.used": lambda db, t: guidance_plans.used(db, t, ["router"]),
    "guidance_plans.lineage": lambda db, t: guidance_plans.lineage(db, t, "", "router"),
    "guidance_plans.posterior": lambda db, t: guidance_plans.posterior(db, t, "router", [str(GUIDE_VERSION)]),
    "guidance_plans.publish": lambda db, t: guidance_plans.publish(db, t, PLAN),
    "guidance_plans.rules_of": lambda db, t: guidance_plans.rules_of(db, t, "router"),
    "guidance_plans.put_rules": lambda db, t: guidance_plans.put_rules(db, t, "router", {"floor": 1}, "x", NOW),
    "guidance_evidence.recount": lambda db, t: guidance_evidence.recount(db, t, [LONG_AGO.date()]),
    "events.latest": lambda db, t: events.latest(db, t, events.Filter(), 10),
    "events.counts": lambda db, t: events.counts(db, t, NOW),
    "feedback.rate": lambda db, t: feedback.rate(db, t, RATING, EVENT_DATA, AUDIT, [Lesson(LessonKind.UNDO)]),
    "customer_links.add": lambda db, t: customer_links.add(db, t, uid(94), LIVE, "k", 60.0),
    "customer_links.listed": lambda db, t: customer_links.listed(db, t, LIVE),
    "customer_links.revoke": lambda db, t: customer_links.revoke(db, t, LIVE, uid(57)),
    "customer_links.mark_opened": lambda db, t: customer_links.mark_opened(db, t, uid(57)),
    "feedback.of_session": lambda db, t: feedback.of_session(db, t, str(SOLVED)),
    "guides.known": lambda db, t: guides.known(db, t, "", [("router", "h")]),
    "guides.current": lambda db, t: guides.current(db, t, "", ["router"]),
    "guides.contents": lambda db, t: guides.contents(db, t, [str(GUIDE_VERSION)]),
    "guides.publish": lambda db, t: guides.publish(db, t, "", [guides.NewVersion(GUIDE, "h2", 2, None)], NOW),
    "guides.load": lambda db, t: guides.load(db, t, str(GUIDE_VERSION)),
    "idempotency.claim": (lambda db, t: idempotency.claim(db, t, "k", "h"), lambda db, t: idempotency.claim(db, t, "new", "h")),
    "idempotency.record": lambda db, t: idempotency.record(db, t, "k", {"n": 1}),
    "idempotency.recorded": lambda db, t: idempotency.recorded(db, t, "k"),
    "learning.examples": lambda db, t: learning.examples(db, t, ""),
    "learning.votes": lambda db, t: learning.votes(db, t, "", 1),
    "learning.listed": (
        lambda db, t: learning.listed(db, t, learning.ExampleFilter(), 10),
        lambda db, t: learning.listed(db, t, learning.ExampleFilter(customer_id=CUSTOMER, example_id=EXAMPLE), 10),
    ),
    "learning.counts": learning.counts,
    "learning.judge": lambda db, t: learning.judge(db, t, CHOICE, "rejected", "r", AUDIT, NOW),
    "learning.keep_drafts": lambda db, t: learning.keep_drafts(db, t, "router", ["router propio", "router"], AUDIT, NOW),
    "learning.unrecognised": lambda db, t: learning.unrecognised(db, t, NOW - DAY, 10),
    "media.add": lambda db, t: media.add(db, t, MEDIUM, NOW),
    "media.listed": media.listed,
    "media.some": lambda db, t: media.some(db, t, ["5" * 64]),
    "media.one": lambda db, t: media.one(db, t, "5" * 64),
    "media.remove": lambda db, t: media.remove(db, t, "5" * 64),
    "media.used_by": lambda db, t: media.used_by(db, t, "5" * 64),
    "media.missing": media.missing,
    "notifications.put": lambda db, t: notifications.put(db, t, MESSAGE, 7200, NOW),
    "notifications.page": lambda db, t: notifications.page(db, t, 10, session_id=LIVE),
    "notifications.one": lambda db, t: notifications.one(db, t, NOTICE),
    "notifications.claim": lambda db, t: notifications.claim(db, t, "you", 60, NOW, {"email": 9, "sms": 9}),
    "notifications.gather": lambda db, t: notifications.gather(db, t, "you", 60, NOW, DIGEST, 10),
    "notifications.renew": lambda db, t: notifications.renew(db, t, "me", 60, [HELD]),
    "notifications.give_back": lambda db, t: notifications.give_back(db, t, "me", [HELD]),
    "notifications.settle": lambda db, t: notifications.settle(db, t, "me", [HELD], FATE, NOW),
    "notifications.again": lambda db, t: notifications.again(db, t, NOW, ["failed"]),
    "notifications.is_waiting": lambda db, t: notifications.is_waiting(db, t, NOW),
    "notifications.figures": lambda db, t: notifications.figures(db, t, NOW),
    "notifications.refused_as_stored": lambda db, t: notifications.refused_as_stored(db, t, NOW, ["slack"]),
    "notifications.refused": lambda db, t: notifications.refused(db, t, NOW, ["slack"]),
    "notifications.story": lambda db, t: notifications.story(db, t, LIVE, EVENT),
    "notifications.put_recipient": lambda db, t: notifications.put_recipient(db, t, RecipientPreferences("email", "x@e.co"), [EMAIL]),
    "notifications.offer_recipient": lambda db, t: notifications.offer_recipient(db, t, "sms", "+1", ["x"]),
    "notifications.recipients": notifications.recipients,
    "notifications.recipient": lambda db, t: notifications.recipient(db, t, "email", [EMAIL]),
    "notifications.delete_recipient": lambda db, t: notifications.delete_recipient(db, t, "email", [EMAIL]),
    "outbox.claim": lambda db, t: outbox.claim(db, t, "you", 60, 10, NOW, 1),
    "outbox.renew": lambda db, t: outbox.renew(db, t, "me", 60, ["mine", "free"]),
    "outbox.versions": lambda db, t: outbox.versions(db, t, "me", ["mine", "free"]),
    "outbox.due": lambda db, t: outbox.due(db, t, "free", NOW, 10, early=True),
    "outbox.record": lambda db, t: outbox.record(db, t, "me", [ATTEMPT], [outbox.Settled("mine", 1, NOW, NOW, None)]),
    "outbox.bring_forward": lambda db, t: outbox.bring_forward(db, t, "free", NOW),
    "outbox.expire": lambda db, t: outbox.expire(db, t, "free", NOW, NOW),
    "outbox.disable": disable_free,
    "outbox.replay": lambda db, t: outbox.replay(db, t, "free", outbox.Range(event="step_completed", end=NOW), NOW),
    "outbox.attempts": lambda db, t: outbox.attempts(db, t, "free", 10),
    "outbox.is_waiting": lambda db, t: outbox.is_waiting(db, t, NOW),
    "outbox.first_attempts": lambda db, t: outbox.first_attempts(db, t, EVENT, NOW, None),
    "outbox.figures": lambda db, t: outbox.figures(db, t, NOW),
    "publications.read_mark": lambda db, t: publications.read_mark(db, t, ""),
    "publications.changed": (lambda db, t: publications.changed(db, t, "", 0), lambda db, t: publications.changed(db, t, "", 2)),
    "publications.taken": lambda db, t: publications.taken(db, t, "", None),
    "publications.publish_file": lambda db, t: publications.publish_file(db, t, "", EDIT, 5, "file", NOW),
    "publications.in_use": lambda db, t: publications.in_use(db, t, ""),
    "publications.lock_import": import_router,
    "publications.publish_import": (
        import_router,
        lambda db, t: publications.publish_import(db, t, "", {"router": str(GUIDE_VERSION)}, [], "import:x", NOW),
    ),
    "publications.set_state": (
        lambda db, t: publications.set_state(db, t, "", "router", str(GUIDE_VERSION), publications.PublicationState.FORMER, "x", "x", NOW),
        lambda db, t: publications.set_state(db, t, "", "router", str(uid(95)), publications.PublicationState.IN_USE, "x", "x", NOW),
    ),
    "publications.listed": lambda db, t: publications.listed(db, t, ""),
    "publications.replaced": replaced_router,
    "publications.recent": lambda db, t: publications.recent(db, t, "", 100),
    "publications.history": lambda db, t: publications.history(db, t, "", "router"),
    "publications.conflicts": lambda db, t: publications.conflicts(db, t, ""),
    "outbox.give_back": lambda db, t: outbox.give_back(db, t, "me", ["mine", "free"]),
    "queue.due_kinds": lambda db, t: queue.due_kinds(db, t, DUE_KINDS, NOW, "you", [], 1),
    "queue.tell_alive": lambda db, t: queue.tell_alive(db, t, "me", 60),
    "queue.tell_gone": lambda db, t: queue.tell_gone(db, t, "me"),
    "webhooks.add": lambda db, t: webhooks.add(db, t, ENDPOINT),
    "webhooks.change": lambda db, t: webhooks.change(db, t, "free", {"timeout": 3, "secret": "x"}, NOW),
    "webhooks.is_told": lambda db, t: webhooks.is_told(db, t, EventKind.SESSION_ESCALATED),
    "webhooks.offer": lambda db, t: webhooks.offer(db, t, "new", ["*"]),
    "webhooks.listed": webhooks.listed,
    "webhooks.one": lambda db, t: webhooks.one(db, t, "free"),
    "webhooks.delete": lambda db, t: webhooks.delete(db, t, "free"),
    "webhooks.stats": lambda db, t: webhooks.stats(db, t, "free"),
    "webhooks.emit": (
        lambda db, t: webhooks.emit(db, t, EVENT_DATA),
        lambda db, t: webhooks.emit(db, t, EVENT_DATA, "free"),
    ),
    "api_keys.add": lambda db, t: api_keys.add(db, t, uid(92), "otra", ("guiado_x", "k"), ["kb:read"], None),
    "api_keys.listed": api_keys.listed,
    "api_keys.rotate": lambda db, t: api_keys.rotate(db, t, uid(91), ("guiado_x", "k"), 60),
    "api_keys.revoke": lambda db, t: api_keys.revoke(db, t, uid(91)),
    "api_keys.mark_used": lambda db, t: api_keys.mark_used(db, t, uid(91)),
    "rate_limits.take": taken,
    "tenants.create": lambda db, t: tenants.create(db, t, NOW),
    "templates.put": lambda db, t: templates.put(db, t, "guide", "t", {"n": 1}),
    "templates.listed": lambda db, t: templates.listed(db, t, "guide"),
    "reports.daily": lambda db, t: reports.daily(db, t, NOW - 500 * DAY, NOW + DAY),
    "reports.kinds": lambda db, t: reports.kinds(db, t, NOW - 500 * DAY, NOW + DAY),
    "reports.steps": lambda db, t: reports.steps(db, t, NOW - 500 * DAY, NOW + DAY),
    "reports.realtime": reports.realtime,
    "reports.top_problems": lambda db, t: reports.top_problems(db, t, NOW - 9 * DAY),
    "reports.frequent_problems": lambda db, t: reports.frequent_problems(db, t, NOW - 9 * DAY, NOW + DAY, 5),
    "reports.active": lambda db, t: reports.active(db, t, 10),
    "schedule.take": lambda db, t: schedule.take(db, t, "late", "you", 60, 60),
    "schedule.renew": lambda db, t: schedule.renew(db, t, "mine", "me", 60),
    "schedule.finish": lambda db, t: schedule.finish(db, t, "mine", "me", None),
    "schedule.give_back": lambda db, t: schedule.give_back(db, t, "mine", "me"),
    "schedule.hasten": lambda db, t: schedule.hasten(db, t, "clock"),
    "schedule.last_run": lambda db, t: schedule.last_run(db, t, "late"),
    "schedule.clean_up": lambda db, t: schedule.clean_up(db, t, 30, 100),
    "schedule.trim_examples": schedule.trim_examples,
    "schedule.forget_jobs": lambda db, t: schedule.forget_jobs(db, t, ["late"]),
    "schedule.tell_clock": lambda db, t: schedule.tell_clock(db, t, "me", 9),
    "schedule.clear_clock": lambda db, t: schedule.clear_clock(db, t, "me"),
    "sessions.load": lambda db, t: sessions.load(db, t, LIVE),
    "sessions.commit": (
        *(taught(kind, actor) for kind in LessonKind for actor in (Actor.AGENT, Actor.CUSTOMER)),
        lambda db, t: sessions.commit(db, t, began()),
        lambda db, t: sessions.commit(db, t, contacted()),
        lambda db, t: sessions.commit(db, t, taken_back()),
    ),
    "sessions.attempts": lambda db, t: sessions.attempts(db, t, str(LIVE)),
    "sessions.passing_attempt": lambda db, t: sessions.passing_attempt(db, t, str(LIVE), 1),
    "sessions.last_answer": lambda db, t: sessions.last_answer(db, t, str(LIVE)),
    "sessions.solved_before": lambda db, t: sessions.solved_before(db, t, CUSTOMER, NOW, "router"),
    "sessions.running": lambda db, t: sessions.running(db, t, EMAIL, 5),
    "sessions.continued": lambda db, t: sessions.continued(db, t, str(OLD), 5),
    "sessions.scope": lambda db, t: sessions.scope(db, t, str(UNKNOWN)),
    "sessions.page": (
        page(), page(status="resolved"), page(ticket_id="T-1"), page(customer_email=EMAIL), page(problem_id="router"),
        page(since=NOW - DAY),
    ),
    "sessions.by_reference": (
        lambda db, t: sessions.by_reference(db, t, "000000000000"),
        lambda db, t: sessions.by_reference(db, t, "000001"),
    ),
    "sessions.idle": lambda db, t: sessions.idle(db, t, 1),
    "sessions.waiting": lambda db, t: sessions.waiting(db, t, 1),
}  # fmt: skip


def functions() -> dict[str, list[str]]:
    """Every function of the store that takes a connection, and its parameters."""
    found: dict[str, list[str]] = {}
    for module in pkgutil.iter_modules(guiado.store.__path__):
        loaded = importlib.import_module(f"guiado.store.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.iscoroutinefunction):
            parameters = [*inspect.signature(function).parameters.values()]
            if function.__module__ == loaded.__name__ and not name.startswith("_") and parameters[0].annotation in KINDS:
                found[f"{module.name}.{name}"] = [parameter.name for parameter in parameters]
    return found


def test_every_function_takes_its_tenant_first_and_has_a_case() -> None:
    found = functions()
    assert set(found) == CASES.keys() | FOR_ALL_TENANTS.keys()
    assert {name for name, parameters in found.items() if parameters[1:2] != ["tenant"]} == set(FOR_ALL_TENANTS)


_NEW_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"datetime\.datetime\([^()]*tzinfo=datetime\.timezone\.utc\)")


def told(result: object) -> str:
    """A result as text, without ids and moments that are new each time."""
    known = {repr(NOW + ago) for ago in (-HOUR, -HOUR / 2, -HOUR / 4, timedelta(0))}
    return _TIME.sub(lambda found: found[0] if found[0] in known else "<time>", _NEW_ID.sub("<id>", repr(result)))


class World:
    """What each case comes to, with what is stored at the moment.

    Args:
        results: by case.
        changes: what the tenant's rows are after each case that changed them.
        harm: cases that changed rows of the other one.
    """

    def __init__(self) -> None:
        self.results: dict[str, str] = {}
        self.changes: dict[str, list[str]] = {}
        self.harm: set[str] = set()

    async def explore(self, db: asyncpg.Connection, tables: list[str]) -> World:
        before = await states(db, tables)
        for name, cases in CASES.items():
            for number, case in enumerate(cases if isinstance(cases, tuple) else (cases,)):
                key = f"{name} {number}"
                transaction = db.transaction()
                await transaction.start()
                try:
                    self.results[key] = told(await case(db, "a"))
                    after = await states(db, tables)
                    if after["b"] != before["b"]:
                        self.harm.add(key)
                    if after["a"] != before["a"]:
                        self.changes[key] = await content(db, "a", tables)
                except asyncpg.PostgresError as error:
                    self.results[key] = type(error).__name__
                await transaction.rollback()
        return self


def test_no_function_sees_or_changes_another_tenants_rows(dsn: str) -> None:
    async def run() -> tuple[World, World, World, World]:
        db = await connect(dsn)
        try:
            tables = await tables_of(db)
            nothing = await World().explore(db, tables)
            await fill(db, "a")
            alone = await World().explore(db, tables)
            await copy(db, "a", "b")
            both = await World().explore(db, tables)
            await remove(db, "a")
            return nothing, alone, both, await World().explore(db, tables)
        finally:
            await db.close()

    nothing, alone, both, other = asyncio.run(run())
    failed = {result for result in alone.results.values() if result.endswith("Error")}
    idle = {name for name in alone.results if alone.results[name] == nothing.results[name]} - alone.changes.keys()
    assert failed | idle == set(), "such a case shows nothing"
    assert both.results == alone.results
    assert both.changes == alone.changes
    assert other.results == nothing.results
    assert both.harm | other.harm == set()


@pytest.mark.parametrize("tenant", ["a", "b"])
def test_retention_and_trimming_reach_one_tenant_only(dsn: str, tenant: str) -> None:
    async def run() -> None:
        db = await connect(dsn)
        try:
            await fill(db, "a")
            await copy(db, "a", "b")
            tables = await tables_of(db)
            before = await states(db, tables)
            assert await schedule.tenants(db) == ["a", "b"]
            while await schedule.clean_up(db, tenant, 30, 1):
                pass
            await schedule.trim_examples(db, tenant)
            after = await states(db, tables)
            assert {each for each in "ab" if after[each] != before[each]} == {tenant}
        finally:
            await db.close()

    asyncio.run(run())
