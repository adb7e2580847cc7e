"""The learned order explains itself: to the customer at each step, to the agent who takes over, to the author who asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from talk import begin, say

from guiado.app.guidance.facts_of import facts_of
from guiado.app.outbound.compose import compose
from guiado.domain.recipient import RecipientPreferences
from guiado.guidance.compiled import compile_guide
from guiado.guidance.learning import fit
from guiado.guidance.patterns import Pattern, PatternCount, PatternEvent
from guiado.store import guidance_plans, guides
from guiado.store.guidance_plans import NewPlan
from guiado.store.notifications import Due

BASE = "/api/support/troubleshooting"
WORDS = "la cafetera no calienta el agua"
STEPS = [
    {"step_id": "llamar", "title": "Llama al servicio", "minutes": 20, "chance": 0.3},
    {"step_id": "enchufe", "title": "Revisa el enchufe", "minutes": 2, "chance": 0.3},
    {"step_id": "filtro", "title": "Limpia el filtro", "minutes": 3, "chance": 0.2},
]
GUIDE = {
    "problem_title": "La cafetera no calienta",
    "common_issues": [WORDS],
    "steps": [{**step, "step_number": n, "instructions": ["Hazlo."]} for n, step in enumerate(STEPS, 1)],
}
FIGURES = {"automatic": "learned", "author": 30.0, "learned": 20.0, "low": -12.0, "mean": -10.0, "high": -8.0, "not_worse": 0.99,
           "effective_sessions": 80.0}  # fmt: skip
Server = Any


@pytest.fixture(scope="module")
def server(serve_module: Callable[..., Server], module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Server:
    path = tmp_path_factory.mktemp("kb") / "kb.json"
    path.write_text(json.dumps({"cafetera": GUIDE}), "utf-8")
    return serve_module(module_dsn, GUIADO_KB_PATH=str(path), GUIADO_ENCODER="lexical")


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}{BASE}", timeout=30) as client:
        before = begin(client, WORDS, "antes@example.com")
        assert before["first_step"]["why"] is None  # nothing was learned yet
        assert client.get(f"/{before['session_id']}").json()["stand"] is None
        asyncio.run_coroutine_threadsafe(publish(server), server.loop).result(30)
        yield client


def seen() -> list[PatternCount]:
    """A hundred sessions: the plug solves 70, the filter 20, nothing 10."""
    plug, filters = PatternEvent("step", "enchufe", "not_helped"), PatternEvent("step", "filtro", "not_helped")
    return [
        PatternCount(Pattern((plug._replace(result="solved"),), "solved"), 1, 70),
        PatternCount(Pattern((plug, filters._replace(result="solved")), "solved"), 1, 20),
        PatternCount(Pattern((plug, filters), "escalated"), 1, 10),
    ]


async def publish(server: Server) -> None:
    """Publish what these sessions teach, and let the server see it."""
    async with server.runtime.parts.connection() as connection:
        used = (await guides.current(connection, "default", "", ["cafetera"]))["cafetera"]
        learned = fit(compile_guide(facts_of(used.guide)), seen(), {}).to_bytes()
        plan = NewPlan("cafetera", used.version_id, 100, 100, 0, "", "learned", learned, FIGURES)
        await guidance_plans.publish(connection, "default", plan)
    await server.runtime.plans.refresh("default")


def test_a_customer_is_told_why_each_step_comes(http: httpx2.Client, server: Server) -> None:
    session = begin(http, WORDS, "ana@example.com")
    first = session["first_step"]
    assert first["step_id"] == "enchufe"
    assert first["why"] == "Empezamos por este paso: es lo que más a menudo lo resuelve y toma 2 minutos."
    token = http.post(f"/{session['session_id']}/links").json()["link"]["token"]
    assert first["why"] in httpx2.get(f"{server.url}/ayuda/{token}/caso").text

    following = say(http, session, "step", success=True, outcome="not_helped")["session"]["next_step"]
    assert following["step_id"] == "filtro"
    assert following["why"] == "Ahora probamos esto: es lo más probable después de lo que ya descartamos y toma 3 minutos."
    assert http.get(f"/{session['session_id']}").json()["session"]["next_step"]["why"] == following["why"]
    undone = http.post(f"/{session['session_id']}/undo").json()["session"]["next_step"]
    assert (undone["step_id"], undone["why"]) == ("enchufe", None)


def test_an_agent_is_told_where_the_session_stands_and_the_customer_is_not(http: httpx2.Client, server: Server) -> None:
    session = begin(http, WORDS, "eva@example.com")
    say(http, session, "step", success=True, outcome="not_helped")
    stand = http.get(f"/{session['session_id']}").json()["stand"]
    assert [each["step_id"] for each in stand["ruled_out"]] == ["enchufe"]
    assert stand["next_step"] == {"step_id": "filtro", "title": "Limpia el filtro"}
    assert stand["likeliest"][0]["step_id"] == "filtro"
    assert 0.4 < stand["likeliest"][0]["chance"] < 0.8  # 20 of 30
    assert "Descartado: «Revisa el enchufe»." in stand["lines"]

    token = http.post(f"/{session['session_id']}/links").json()["link"]["token"]
    shown = http.get(f"/{session['session_id']}", headers={"authorization": f"Bearer {token}"})
    assert (shown.status_code, shown.json()["stand"]) == (200, None)

    told = http.post(f"/{session['session_id']}/escalate", json={"reason": "Prisa"}, headers={"accept-language": "en"}).json()
    assert "Ruled out: “Revisa el enchufe”." in told["escalation_info"]["stand"]["lines"]
    message = asyncio.run_coroutine_threadsafe(written(server, session["session_id"]), server.loop).result(30)
    assert "Conviene seguir con «Limpia el filtro»." in message


async def written(server: Server, session_id: str) -> str:
    """The message to the team about a session."""
    parts, team = server.runtime.parts, RecipientPreferences("email", "equipo@example.com", language="es")
    due = Due(uuid4(), UUID(session_id), "session_escalated", "email", team.recipient, "normal", None, None, 0, None, {})
    async with parts.connection() as connection:
        return (await compose(parts.work(connection), [due], team)).text


def test_an_author_sees_what_was_learned(http: httpx2.Client) -> None:
    report = http.get("/guidance/cafetera").json()
    assert (report["order_in_use"], report["sessions"], report["order"]) == ("learned", 100, ["enchufe", "filtro"])
    steps = {each["step_id"]: each for each in report["steps"]}
    assert steps["enchufe"]["low"] < 0.7 < steps["enchufe"]["high"]
    assert (steps["enchufe"]["moved"], steps["enchufe"]["too_few"], steps["llamar"]["too_few"]) == (1, False, True)
    assert report["saved"]["low"] > 5
    assert report["measured"]["saved"] == {"minutes": 10.0, "low": 8.0, "high": 12.0}
    assert report["measured"]["not_worse"] == 0.99
    changed = http.put("/guidance/cafetera", json={"pinned": ["llamar"]}).json()["guidance"]
    assert changed["order"][0] == "llamar"
    (cost,) = changed["rule_costs"]
    assert cost["cost"] > 5
    refused = http.put("/guidance/cafetera", json={"pinned": ["nada"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "pinned[0]")
    assert http.get("/guidance/cafetera", params={"variant": "mac"}).status_code == 400
    assert http.get("/guidance/nada").status_code == 404
