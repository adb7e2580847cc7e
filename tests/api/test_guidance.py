"""The learned order: what recorded sessions teach changes what the next customers are offered, within the contract."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx2
import pytest
from talk import begin, say

from guiado.agent import TroubleshootingAgent
from guiado.app.guidance import refit
from guiado.app.guidance.recorded import recorded_sessions
from guiado.app.guidance.refit import refit_tenant
from guiado.app.guidance.rules import CostRules, GuideRules, get_rules, set_rules
from guiado.domain.guide import Guide
from guiado.errors import InvalidInput, NotFound
from guiado.store import guidance_plans
from guiado.store.guidance_plans import StoredPlan
from guiado.sync import close_engines

BASE = "/api/support/troubleshooting"
Server = Any
THINGS = {
    "cafetera": "la cafetera no calienta el agua",
    "horno": "el horno se apaga solo al rato",
    "lavadora": "la lavadora no centrifuga la ropa",
    "tostadora": "la tostadora quema todo el pan",
    "nevera": "la nevera gotea por debajo",
    "batidora": "la batidora huele a quemado",
    "plancha": "la plancha mancha las camisas",
}


def steps_of(thing: str, *names: str) -> list[dict[str, Any]]:
    return [{"step_number": n, "step_id": f"{thing}-{name}", "title": f"Revisa {name}", "instructions": [f"Mira {name}."]}
            for n, name in enumerate(names, 1)]  # fmt: skip


def entries() -> dict[str, Any]:
    found = {
        name: {
            "problem_title": words.capitalize(),
            "common_issues": [words],
            "steps": steps_of(name, "uno", "dos", "tres", "cuatro"),
        }
        for name, words in THINGS.items()
    }
    found["batidora"]["urgent"] = True
    return found


def write(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(content), "utf-8")
    draft.replace(path)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kb") / "kb.json"
    write(path, entries())
    return path


@pytest.fixture(scope="module")
def settings(kb: Path) -> dict[str, str]:
    return {"GUIADO_KB_PATH": str(kb), "GUIADO_ENCODER": "lexical"}


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Server], module_dsn: str, settings: dict[str, str]) -> Server:
    return serve_module(module_dsn, **settings)


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as client:
        yield client


def on(server: Server, work: Awaitable[Any]) -> Any:
    """Run something where the server runs."""
    return asyncio.run_coroutine_threadsafe(work, server.loop).result(30)  # pyright: ignore[reportArgumentType]


def learn(server: Server) -> int:
    """Refit what is due, and let the server see it."""

    async def run() -> int:
        done = await refit_tenant(server.runtime.parts)
        await server.runtime.plans.refresh("default")
        return done

    return on(server, run())


def rule(server: Server, thing: str, **rules: Any) -> GuideRules:
    async def run() -> GuideRules:
        parts = server.runtime.parts
        made = await parts.run_write(parts.scope("operator"), set_rules, thing, GuideRules(**rules))
        await server.runtime.plans.refresh("default")
        return made

    return on(server, run())


def plans(server: Server, thing: str) -> list[StoredPlan]:
    async def run() -> list[StoredPlan]:
        async with server.runtime.parts.connection() as connection:
            return await guidance_plans.of_problem(connection, "default", thing)

    return on(server, run())


def rows(dsn: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(run())


def offers(dsn: str, session: dict[str, Any]) -> list[dict[str, Any]]:
    query = "SELECT * FROM support_troubleshooting_decisions WHERE session_id::text = $1 ORDER BY number"
    return rows(dsn, query, session["session_id"])


def record(http: httpx2.Client, thing: str, count: int, solves: str | None, *, email: str = "") -> None:
    """Sessions of customers whom one step helps, or none: then a person takes over."""
    for number in range(count):
        session = begin(http, THINGS[thing], email or f"{thing}{number}.{solves}@example.com")
        step = session["first_step"]
        while step is not None and (solves is None or not step["step_id"].endswith(solves)):
            done = {"success": True, "active_seconds": 180}
            step = say(http, session, "step", **done, outcome="not_helped")["session"]["next_step"]
        if step is None:
            say(http, session, "escalate")
        else:
            say(http, session, "step", success=True, active_seconds=180, outcome="solved")


@pytest.fixture(scope="module")
def taught(server: Server) -> Server:
    """The second step of the coffee machine's guide helps nearly everybody."""
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as http:
        record(http, "cafetera", 57, "dos")
        record(http, "cafetera", 3, None)
    assert learn(server) >= 1
    return server


def test_a_guide_whose_fit_fails_rests_longer_each_time_and_learns_again(
    taught: Server, http: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    later, asked = [0.0], list[str]()
    monkeypatch.setattr("guiado.app.guidance.refit.clock", SimpleNamespace(monotonic_s=lambda: later[0]))
    fits = refit.fitted

    def failing(guide: Guide, *given: Any) -> Any:
        asked.append(guide.problem_id)
        raise ZeroDivisionError

    record(http, "cafetera", 4, "dos")
    monkeypatch.setattr("guiado.app.guidance.refit.fitted", failing)
    for wait_s, tries in ((0, 1), (9, 1), (2, 2), (19, 2), (2, 3)):
        later[0] += wait_s
        learn(taught)
        assert asked.count("cafetera") == tries, wait_s
    monkeypatch.setattr("guiado.app.guidance.refit.fitted", fits)
    assert learn(taught) == 0
    later[0] += 3_600
    assert learn(taught) >= 1


def first(http: httpx2.Client, thing: str) -> str:
    return begin(http, THINGS[thing], "nadie@example.com")["first_step"]["step_id"]


def test_what_helps_comes_first_and_the_choice_is_recorded(taught: Server, http: httpx2.Client, module_dsn: str) -> None:
    (plan,) = plans(taught, "cafetera")
    assert (plan.order_in_use, plan.sessions) == ("learned", 60), plan.figures
    assert plan.figures["not_worse"] >= 0.95
    assert plan.figures["learned"] < plan.figures["author"]
    assert plan.figures["high"] < 0
    session = begin(http, THINGS["cafetera"], "nueva@example.com")
    assert (session["first_step"]["step_id"], session["first_step"]["step_number"]) == ("cafetera-dos", 1)
    (offer,) = offers(module_dsn, session)
    assert (offer["policy"], offer["policy_version"], offer["rule"]) == ("learned", str(plan.plan_version), "least-cost")
    assert (offer["explored"], offer["probability"]) == (False, 1.0)
    weighed = [each for each in offer["candidates"] if "step_id" in each]
    assert (weighed[0]["step_id"], weighed[0]["position"]) == ("cafetera-dos", 2)
    assert [each["score"] for each in weighed] == sorted(each["score"] for each in weighed)
    assert learn(taught) == 0, "nothing new"


def test_the_same_evidence_gives_the_same_order_after_a_restart_and_in_python(
    taught: Server, serve: Callable[..., Server], module_dsn: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = serve(module_dsn, **settings)
    with httpx2.Client(base_url=f"{other.url}{BASE}", timeout=30) as there:
        assert first(there, "cafetera") == "cafetera-dos"
    for name, value in {"DATABASE_URL": module_dsn, **settings}.items():
        monkeypatch.setenv(name, value)
    agents = TroubleshootingAgent(), TroubleshootingAgent(order="author")
    started = [agent.start_troubleshooting(THINGS["cafetera"], "py@example.com") for agent in agents]
    shown = [agent.get_current_step(each.session_id) for agent, each in zip(agents, started, strict=True)]
    assert [step["step_id"] for step in shown] == ["cafetera-dos", "cafetera-uno"]
    close_engines()


def test_a_session_under_way_goes_on_by_the_plan_and_could_not_stays(taught: Server, http: httpx2.Client) -> None:
    session = begin(http, THINGS["cafetera"], "torpe@example.com")
    again = say(http, session, "step", success=False)
    assert (again["next_action"], again["session"]["next_step"]["step_id"]) == ("continue", "cafetera-dos")
    called = say(http, session, "step", success=False)
    assert (called["next_action"], called["session"]["escalation_reason"]) == ("escalate", "2 intentos fallidos.")
    assert called["session"]["next_step"]["step_id"] == "cafetera-dos"


def test_in_the_shadow_the_customer_gets_the_authors_order(taught: Server, http: httpx2.Client, module_dsn: str) -> None:
    rule(taught, "cafetera", order="shadow")
    try:
        session = begin(http, THINGS["cafetera"], "sombra@example.com")
        assert session["first_step"]["step_id"] == "cafetera-uno"
        (offer,) = offers(module_dsn, session)
        assert (offer["policy"], offer["rule"]) == ("author-order", "shadow-step")
        assert next(each for each in offer["candidates"] if "step_id" in each)["step_id"] == "cafetera-dos"
        rule(taught, "cafetera", order="author")
        (offer,) = offers(module_dsn, begin(http, THINGS["cafetera"], "autor@example.com"))
        assert (offer["policy"], offer["rule"]) == ("author-order", "author-order")
        rule(taught, "cafetera", pinned=["cafetera-cuatro"])
        assert first(http, "cafetera") == "cafetera-cuatro"
        rule(taught, "cafetera", kept=[("cafetera-tres", "cafetera-dos")])
        assert first(http, "cafetera") != "cafetera-dos"
    finally:
        rule(taught, "cafetera")
    assert first(http, "cafetera") == "cafetera-dos"


def test_rules_are_checked_audited_and_read_back(taught: Server, module_dsn: str) -> None:
    made = GuideRules(order="learned", floor=2, explores=False, costs=CostRules(person=20))
    assert rule(taught, "nevera", **{name: getattr(made, name) for name in ("order", "floor", "explores", "costs")}) == made
    parts = taught.runtime.parts
    assert on(taught, parts.run_read(parts.scope(), get_rules, "nevera")) == made
    noted = rows(module_dsn, "SELECT action, detail, actor FROM support_troubleshooting_audit_log"
                             " WHERE object_id = 'nevera' AND object_type = 'guide' AND action = 'set_guidance'")  # fmt: skip
    assert noted[0]["detail"]["rules"] == {"order": "learned", "floor": 2, "explores": False, "costs": {"person": 20}}
    bad = [
        ("pinned[0]", {"pinned": ["no-existe"]}),
        ("kept[0]", {"kept": [("nevera-uno", "no-existe")]}),
        ("kept[0]", {"kept": [("nevera-uno", "nevera-uno")]}),
        ("kept[1]", {"kept": [("nevera-uno", "nevera-dos"), ("nevera-dos", "nevera-uno")]}),
        ("kept[0]", {"pinned": ["nevera-uno"], "kept": [("nevera-dos", "nevera-uno")]}),
    ]
    for field, rules in bad:
        with pytest.raises(InvalidInput) as refused:
            rule(taught, "nevera", **rules)
        assert [each.field for each in refused.value.problems] == [field]
    with pytest.raises(NotFound):
        rule(taught, "no-existe")
    assert on(taught, parts.run_read(parts.scope(), get_rules, "nevera")) == made
    rule(taught, "nevera")


def test_another_process_has_the_plan_within_two_seconds(
    server: Server, http: httpx2.Client, serve: Callable[..., Server], module_dsn: str, settings: dict[str, str]
) -> None:
    other = serve(module_dsn, works=True, **settings)
    with httpx2.Client(base_url=f"{other.url}{BASE}", timeout=30) as there:
        record(http, "horno", 58, "tres")
        assert first(there, "horno") == "horno-uno"
        assert learn(server) >= 1 or plans(server, "horno")
        deadline = time.monotonic() + 2
        while first(there, "horno") != "horno-tres":
            assert time.monotonic() < deadline, "the plan was not taken up"
            time.sleep(0.1)


def test_an_end_between_fit_and_publication_leaves_the_old_plan(
    taught: Server, http: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(http, "cafetera", 6, "uno")
    before, publish = plans(taught, "cafetera"), guidance_plans.publish

    async def broken(connection: Any, tenant: str, plan: Any) -> int:
        async with connection.transaction():
            await publish(connection, tenant, plan)
            raise asyncio.CancelledError

    monkeypatch.setattr(guidance_plans, "publish", broken)
    with pytest.raises(CancelledError):
        learn(taught)
    assert plans(taught, "cafetera") == before
    monkeypatch.undo()
    assert learn(taught) == 1
    (after,) = plans(taught, "cafetera")
    assert after.plan_version > before[0].plan_version
    assert after.sessions == 66


def test_a_new_version_keeps_what_is_known_of_its_steps(server: Server, http: httpx2.Client, kb: Path) -> None:
    record(http, "lavadora", 58, "tres")
    learn(server)
    assert first(http, "lavadora") == "lavadora-tres"
    old = begin(http, THINGS["lavadora"], "vieja@example.com")
    content = entries()
    content["lavadora"]["steps"] = steps_of("lavadora", "cuatro", "uno", "tres", "nuevo")
    content["lavadora"]["steps"][2]["description"] = "Con otras palabras."
    write(kb, content)
    on(server, server.runtime.knowledge.refresh())
    assert first(http, "lavadora") == "lavadora-cuatro", "nothing is known of this version yet"
    assert say(http, old, "step", success=True, outcome="not_helped")["session"]["next_step"]["step_id"].startswith("lavadora-")
    assert learn(server) >= 1
    assert first(http, "lavadora") == "lavadora-tres"
    # A step that asks for something else now is not what helped.
    content["lavadora"]["steps"][2] |= {"description": "Otra cosa.", "meaning_changed": True}
    write(kb, content)
    on(server, server.runtime.knowledge.refresh())
    assert learn(server) >= 1
    newest = max(plans(server, "lavadora"), key=lambda plan: plan.plan_version)
    assert newest.sessions == 58
    assert first(http, "lavadora") != "lavadora-tres"
    # A changed guide can be played on what happened, with the step ids of the version in use.
    used = server.runtime.knowledge.snapshot.version_ids["lavadora"]
    recorded = on(server, recorded_sessions(server.runtime.parts, {"lavadora": used, "plancha": used}))
    assert sum(each.sessions for each in recorded["lavadora"]) >= 58
    assert {event.id for each in recorded["lavadora"] for event in each.pattern.events} >= {"lavadora-uno"}


def test_a_person_is_called_early_with_the_comparison_that_decided_it(
    server: Server, http: httpx2.Client, module_dsn: str
) -> None:
    record(http, "tostadora", 20, None)
    rule(server, "tostadora", order="learned", costs=CostRules(person=2), explores=False)
    assert learn(server) >= 1
    session = begin(http, THINGS["tostadora"], "prisa@example.com")
    assert session["first_step"] is not None, "nobody is called before the first step"
    called = say(http, session, "step", success=True, outcome="not_helped")
    assert (called["next_action"], called["suggest_escalation"]) == ("escalate", True)
    reason = called["session"]["escalation_reason"]
    assert reason.startswith("Después de lo probado, seguir costaría unos ")
    assert reason.endswith(" min de media y una persona cuesta 2 min.")
    assert called["session"]["next_step"] is not None
    assert [offer["rule"] for offer in offers(module_dsn, session)] == ["least-cost", "costs-more", "still-open"]
    going_on = say(http, session, "step", success=True, outcome="not_helped")
    assert going_on["next_action"] == "continue"
    # «Worked» is no reason to call anybody.
    other = begin(http, THINGS["tostadora"], "sigue@example.com")
    assert say(http, other, "step", success=True)["next_action"] == "continue"
    english = begin(http, THINGS["tostadora"], "e@example.com", language="en")
    said = say(http, english, "step", success=True, outcome="not_helped")["session"]["escalation_reason"]
    assert said.startswith("After what was tried, going on would cost about ")


def test_urgent_guides_and_impatient_customers_teach_nothing(server: Server, http: httpx2.Client) -> None:
    for number in range(3):
        begin(http, THINGS["batidora"], f"u{number}@example.com")
    record(http, "plancha", 20, "cuatro", email="insiste@example.com")
    learn(server)
    assert plans(server, "batidora") == []
    assert plans(server, "plancha") == []
    assert (first(http, "plancha"), first(http, "batidora")) == ("plancha-uno", "batidora-uno")
