"""Twice and at once, over HTTP: one effect for each key, one winner for each step, and guides that are edited meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from itertools import cycle
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from checker import inconsistencies
from seven_guides import SEVEN_GUIDES

CLIENTS = 20
BASE = "/api/support/troubleshooting"
WORDS = "no me deja instalar el programa"
Reply = httpx2.Response
Server = Any
"""The class is in conftest.py, which no test can import by name."""


class Crowd:
    """Clients who ask at the same moment."""

    def __init__(self, http: httpx2.AsyncClient, dsn: str) -> None:
        self._http, self._dsn = http, dsn

    async def post(self, path: str, body: dict[str, Any], key: str | None = None) -> Reply:
        return await self._http.post(path, json=body, headers={"Idempotency-Key": key} if key else {})

    async def at_once(self, *requests: tuple[Any, ...]) -> list[Reply]:
        """The answers to all of these, asked together."""
        return await asyncio.gather(*(self.post(*request) for request in requests))

    async def begin(self, name: str) -> str:
        """A new session."""
        body = {"problem_description": WORDS, "customer_email": f"{name}@example.com"}
        return (await self.post("/start", body)).json()["session_id"]

    async def sql(self, query: str, *arguments: object) -> list[Any]:
        connection = await asyncpg.connect(self._dsn)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()


def with_crowd(server: Server, dsn: str, scenario: Callable[[Crowd], Coroutine[Any, Any, None]]) -> None:
    """Run the scenario, then let the checker look over all that it left."""

    async def run() -> None:
        # As many connections as there are clients: nobody waits for another before the server does.
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
        async with httpx2.AsyncClient(base_url=f"{server.url}{BASE}", timeout=30, limits=limits) as http:
            await scenario(Crowd(http, dsn))
        assert await inconsistencies(dsn) == []

    asyncio.run(run())


# -------------------------------------------------------------------------------------------------------------- the same key

NAMED = {
    "start": "SELECT customer_email FROM support_troubleshooting_sessions",
    "step": "SELECT notes FROM support_troubleshooting_attempts",
    "feedback": "SELECT feedback_text FROM support_troubleshooting_feedback",
    "webhook": "SELECT url FROM support_webhooks",
    "notification": "SELECT subject FROM support_troubleshooting_notifications",
}
"""What every effect is called in the database: the name that the request gave it."""


async def request_of(crowd: Crowd, kind: str, name: str) -> tuple[str, dict[str, Any], str]:
    """Path, body and the name that its effect will have."""
    if kind == "start":
        email = f"{name}@example.com"
        return "/start", {"problem_description": WORDS, "customer_email": email}, email
    if kind == "webhook":
        url = f"https://8.8.8.8/{name}"
        return "/webhooks", {"url": url, "events": ["session_started"]}, url
    if kind == "notification":
        body = {"notification_type": "aviso", "recipient": "a@example.com", "subject": name, "message": "Hola"}
        return "/notifications", body, name
    session = await crowd.begin("corredor")
    body = {"success": False, "notes": name} if kind == "step" else {"rating": 4, "feedback_text": name}
    return f"/{session}/{kind}", body, name


def told(reply: Reply) -> dict[str, Any]:
    """The answer without the secret: a webhook's is shown once and neither stored nor told again."""
    answer = reply.json()
    if "webhook" in answer:
        answer["webhook"]["secret"] = None
    return answer


async def race(crowd: Crowd, races: int, prefix: str) -> None:
    names: dict[str, list[str]] = {kind: [] for kind in NAMED}
    for number, kind in zip(range(races), cycle(NAMED), strict=False):
        key = f"{prefix}-{number}"
        path, body, name = await request_of(crowd, kind, key)
        replies = await crowd.at_once(*[(path, body, key)] * CLIENTS)
        assert {reply.status_code for reply in replies} == {200}, (kind, replies[0].text)
        assert [told(reply) for reply in replies] == [told(replies[0])] * len(replies), kind
        if kind == "webhook":
            assert sum(reply.json()["webhook"]["secret"] is not None for reply in replies) == 1
        changed = {field: f"{value}x" if value == name else value for field, value in body.items()}
        other = await crowd.post(path, changed, key)
        assert other.status_code == 422, (kind, other.text)
        names[kind].append(name)
    for kind, query in NAMED.items():
        effects = [row[0] for row in await crowd.sql(query)]
        assert [effects.count(name) for name in names[kind]] == [1] * len(names[kind]), kind


def test_twenty_clients_with_one_key_have_one_effect_and_one_answer(server: Server, module_dsn: str) -> None:
    with_crowd(server, module_dsn, lambda crowd: race(crowd, 60, "corta"))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_thousand_races_of_twenty_clients_with_one_key(server: Server, module_dsn: str) -> None:
    with_crowd(server, module_dsn, lambda crowd: race(crowd, 1000, "larga"))


def test_one_key_with_two_bodies_at_once_is_good_for_one_of_them(server: Server, module_dsn: str) -> None:
    async def scenario(crowd: Crowd) -> None:
        for number in range(10):
            session, key = await crowd.begin("dos"), f"dos-{number}"
            bodies = [{"success": False, "notes": f"{key}-a"}, {"success": False, "notes": f"{key}-b"}]
            replies = await crowd.at_once(*((f"/{session}/step", body, key) for body in bodies * 5))
            sides = [{reply.status_code for reply in replies[0::2]}, {reply.status_code for reply in replies[1::2]}]
            assert sorted(sides, key=min) == [{200}, {422}]
            winner = bodies[sides.index({200})]["notes"]
            assert {reply.json()["attempt"]["notes"] for reply in replies if reply.status_code == 200} == {winner}
            noted = await crowd.sql("SELECT notes FROM support_troubleshooting_attempts WHERE session_id::text = $1", session)
            assert [row[0] for row in noted] == [winner]

    with_crowd(server, module_dsn, scenario)


# ------------------------------------------------------------------------------------------------------------- without a key


def test_of_two_answers_to_one_step_at_once_one_wins_and_the_other_sees_the_state(server: Server, module_dsn: str) -> None:
    answers = [{"success": True, "step_number": 1}, {"success": True, "outcome": "not_helped", "step_number": 1}]

    async def scenario(crowd: Crowd) -> None:
        for _ in range(20):
            session = await crowd.begin("dos-voces")
            replies = await crowd.at_once(*((f"/{session}/step", body) for body in answers))
            won, refused = sorted(replies, key=lambda reply: reply.status_code)
            assert (won.status_code, refused.status_code) == (200, 409)
            state = refused.json()["session"]
            assert (state["session_id"], state["current_step"], state["version"]) == (session, 1, 2)
            assert state["next_step"] == won.json()["session"]["next_step"]

    with_crowd(server, module_dsn, scenario)


def test_fifty_sessions_of_one_customer_at_once(server: Server, module_dsn: str) -> None:
    async def scenario(crowd: Crowd) -> None:
        body = {"problem_description": WORDS, "customer_email": "cincuenta@example.com", "ticket_id": "T-50"}
        replies = await crowd.at_once(*[("/start", body)] * 50)
        assert {reply.status_code for reply in replies} == {200}
        ids = {reply.json()["session_id"] for reply in replies}
        assert len(ids) == 50
        # They share the ticket: fifty hand-overs write to one row.
        handed = await crowd.at_once(*((f"/{one}/escalate", {"reason": "Prisa"}) for one in ids))
        assert {reply.status_code for reply in handed} == {200}
        stored = "SELECT session_id::text, status FROM support_troubleshooting_sessions WHERE customer_email = $1"
        found = {tuple(row) for row in await crowd.sql(stored, "cincuenta@example.com")}
        assert found == {(one, "escalated") for one in ids}

    with_crowd(server, module_dsn, scenario)


# -------------------------------------------------------------------------------------------------- guides edited under load


class Editor:
    """Somebody who rewrites the knowledge base: edition n says so in every title, and even ones have one step less."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._original = SEVEN_GUIDES.read_text("utf-8")

    def publish(self, edition: int) -> None:
        base = json.loads(self._original)
        guide = base["instalacion_software"]
        guide.pop("translations", None)
        guide["steps"] = guide["steps"][: self.length(edition)]
        for step in guide["steps"]:
            step["title"] += f" (edición {edition})"
        self.path.write_text(json.dumps(base), "utf-8")

    def spoil(self, edition: int) -> None:
        """Half a file, or a guide without steps: what an editor leaves in between."""
        self.publish(edition)
        if edition % 2:
            self.path.write_bytes(self.path.read_bytes()[:5000])
            return
        base = json.loads(self.path.read_text("utf-8"))
        base["instalacion_software"]["steps"] = []
        self.path.write_text(json.dumps(base), "utf-8")

    @staticmethod
    def length(edition: int) -> int:
        return 5 + edition % 2


def test_sessions_keep_their_guide_while_it_is_edited_and_spoilt(serve: Callable[..., Server], dsn: str, tmp_path: Path) -> None:
    editor, seen = Editor(tmp_path / "kb.json"), []
    editor.publish(0)
    server = serve(dsn, GUIADO_KB_PATH=str(editor.path))

    def edition_of(step: dict[str, Any]) -> int:
        return int(step["title"].rpartition("(edición ")[2].rstrip(")"))

    async def lead(crowd: Crowd) -> None:
        start = await crowd.post("/start", {"problem_description": WORDS, "customer_email": "a@example.com"})
        assert start.status_code == 200, start.text
        step, session = start.json()["first_step"], start.json()["session_id"]
        edition = edition_of(step)
        seen.append(edition)
        for number in range(1, Editor.length(edition) + 1):
            assert (edition_of(step), step["total_steps"]) == (edition, Editor.length(edition))
            answer = await crowd.post(f"/{session}/step", {"success": True, "step_number": number})
            assert answer.status_code == 200, answer.text
            step = answer.json()["session"]["next_step"]
        assert (step, answer.json()["session"]["status"]) == (None, "resolved")

    async def lead_until(crowd: Crowd, over: asyncio.Event) -> None:
        while not over.is_set():
            await lead(crowd)

    async def take_in() -> None:
        """What the server does every half second."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(server.runtime.knowledge.refresh(), server.loop))

    async def scenario(crowd: Crowd) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(lead_until(crowd, over))
            for edition in range(7):
                editor.publish(edition)
                await take_in()
                assert server.runtime.knowledge.problem is None
                while edition not in seen:
                    await asyncio.sleep(0.005)
                editor.spoil(edition)
                await take_in()
                assert server.runtime.knowledge.problem is not None
            over.set()
        await lead(crowd)
        assert seen[-1] == 6
        assert set(seen) == set(range(7))

    with_crowd(server, dsn, scenario)
