"""The same text gets the same verdict, the same first problem and the same confidence through every door."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prepared import Prepared
from seven_guides import SEVEN_GUIDES

from guiado.agent import close_engines
from guiado.agent.troubleshooting import TroubleshootingAgent
from guiado.app.knowledge.sources.file import private_scope
from guiado.app.learning.evaluate import evaluate
from guiado.app.learning.labelled_texts import LabelledText
from guiado.app.sessions.detect import detect
from guiado.cli.chat_sessions import ChatSessions
from guiado.cli.detection_setup import Workbench, open_detector
from guiado.sync import engine

SHIPPED = SEVEN_GUIDES
GUIDES: dict[str, dict[str, Any]] = json.loads(SHIPPED.read_text("utf-8"))
PHRASES = [phrase for guide in GUIDES.values() for phrase in guide["common_issues"]]
LEARNED = {
    "el cacharro hace plof y se queda tieso": "error_aplicacion",
    "no me chuta el trasto de la esquina": "conexion_internet",
}
ROUGH = [
    "error al conectar y no puedo instalar el programa",
    "no me robaron la tarjeta, solo quiero saber por qué me cobraron dos veces",
    "nadie entró a mi cuenta, solo olvidé la contraseña",
    "no me hackearon la cuenta y el wifi va lento",
    "no puedo entrar a internet porque olvidé la contraseña de la aplicación que instalé y me cobraron",
    "quiero una pizza con anchoas", "no", "?", "😀🔥", "я хочу пиццу", "asdf qwer zxcv", "w" * 500, "error " * 300, "'; DROP TABLE users; --",
]  # fmt: skip
_LESSON = """INSERT INTO support_troubleshooting_ml_training (id, tenant_id, scope, text, text_key, problem_id, source, status)
VALUES (gen_random_uuid(), 'default', $1, $2, $2, $3, 'agent', 'accepted')"""
_NO_FIT = """INSERT INTO support_troubleshooting_detectors (tenant_id, scope, contents, version, model, fit_seconds)
VALUES ('default', $1, 'other', 'none', '', 1e9)"""


def mixed(count: int) -> list[str]:
    """Shipped phrases, pieces of two or three of them, and what customers type besides."""
    chosen = random.Random(7)  # noqa: S311 the same texts each time
    words = [word for phrase in PHRASES for word in phrase.split()]
    joined = [" y ".join(chosen.sample(PHRASES, chosen.choice((2, 3)))) for _ in range(count // 4)]
    noise = [" ".join(chosen.sample(words, chosen.randint(1, 9))) for _ in range(count // 4)]
    return [*ROUGH, *LEARNED, *joined, *noise, *chosen.sample(PHRASES, min(len(PHRASES), count // 2))]


_ENOUGH = 3

Answer = tuple[str, str | None, float]
"""Verdict, first problem and its confidence."""


@dataclass(frozen=True)
class Doors:
    """All ways in which a text meets detection, over one database."""

    http: httpx2.Client
    bench: Workbench
    agent: TroubleshootingAgent
    is_private: bool
    surroundings: Mapping[str, str]

    def check(self, text: str) -> None:
        """Compare every door with `POST /detect`."""
        answer = self.served(text, 20)
        assert self.served(text, 1) == answer
        assert self.started(text) == answer
        assert self.commanded(text) == answer
        assert self.evaluated(text) == answer
        found = self.agent.detect_problem(text)
        assert (found.problem_id if found else None) == (answer[1] if answer[0] != "none" else None)
        if not self.is_private:
            reports_none = self._post("/detect", text)["message_kind"] != "problem"
            assert ChatSessions("es").is_known(text) == (answer[0] != "none" or reports_none)

    def served(self, text: str, limit: int = 3) -> Answer:
        told = self._post("/detect", text, limit=limit)
        assert sum(each["confidence"] for each in told["candidates"]) <= 1.001
        best = told["candidates"][0] if told["candidates"] else None
        return told["verdict"], best["problem_id"] if best else None, best["confidence"] if best else 0.0

    def started(self, text: str) -> Answer:
        """Of a session whose customer can be asked, and of one whose customer cannot."""
        told = [
            self._post("/start", text, customer_email="ana@example.com", clarify=can_ask, language="es")
            for can_ask in (True, False)
        ]
        answers = [(each["verdict"], _first(each), each["confidence"]) for each in told]
        assert answers[0] == answers[1]
        return answers[0]

    def clarified(self, text: str, more: str) -> Answer | None:
        """Of what a customer adds who was asked a question; None where none was."""
        told = self._post("/start", text, customer_email="ana@example.com", clarify=True, language="es")
        if not told["question"]:
            return None
        after = self.http.post(f"/{told['session_id']}/clarify", json={"text": more}).json()
        if after["options"]:
            return after["verdict"], after["options"][0]["problem_id"], after["options"][0]["confidence"]
        return after["verdict"], after["problem_detected"], after["confidence"]

    def commanded(self, text: str) -> Answer:
        """Of `guiado detect`."""
        bench = self.bench
        found = detect(bench.index, bench.guides, text, bench.none_below, bench.accept_from)
        best = found.candidates[0] if found.candidates else None
        return found.verdict.value, best.problem_id if best else None, round(best.confidence, 4) if best else 0.0

    def evaluated(self, text: str) -> Answer:
        """Of `guiado detect eval`."""
        bench = self.bench
        report = evaluate(bench.index, bench.guides, [LabelledText(text, None, "1")], bench.none_below, bench.accept_from)
        (verdict,) = report.verdicts_outside
        ((_, taken),) = report.pairs
        answer = self.commanded(text)
        assert taken == (answer[1] if verdict.value != "none" else None)
        return verdict.value, *answer[1:]

    def _post(self, path: str, text: str, **more: object) -> dict[str, Any]:
        answer = self.http.post(path, json={"problem_description": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()


def _first(told: Mapping[str, Any]) -> str | None:
    # Who said nothing is shown the most frequent problems, which detection did not find.
    options = [] if told["message_kind"] == "nothing_said" else told["options"]
    others = [*options, *told["alternatives"]]
    return told["problem_detected"] or (others[0]["problem_id"] if others else None)


def _execute(dsn: str, *statements: tuple[object, ...]) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for query, *values in statements:
                await connection.execute(str(query), *values)
        finally:
            await connection.close()

    asyncio.run(run())


MODES = ["words-unfitted", "words", "meaning", "private"]


@pytest.fixture(scope="module", params=MODES)
def opened(
    request: pytest.FixtureRequest,
    pg_server: str,
    template_database: str,
    prepared: Prepared,
    serve_module: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Doors]:
    """Detection by words that nothing was fitted for, by words, by meaning, and over a file of one's own; all have learned."""
    mode: str = request.param
    home, encoder = tmp_path_factory.mktemp("home"), "use" if mode == "meaning" else "lexical"
    dsn = _cloned(pg_server, template_database, mode)
    if mode in {"words", "meaning"}:
        prepared.fit(dsn, encoder)
        _execute(dsn, ("UPDATE support_troubleshooting_detectors SET fit_seconds = 1e9",))
    path = home / "kb.json"
    path.write_bytes(SHIPPED.read_bytes())
    scopes = ["", private_scope(path)]
    if mode in {"words-unfitted", "private"}:
        _execute(dsn, *((_NO_FIT, scope) for scope in scopes))
    _execute(dsn, *((_LESSON, scope, text, problem) for scope in scopes for text, problem in LEARNED.items()))
    given = {"DATABASE_URL": dsn, "GUIADO_HOME": str(prepared.warm(home / "guiado", encoder)), "GUIADO_ENCODER": encoder}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        url = serve_module(dsn, **given).url
        base = f"{url}/api/support/troubleshooting"
        bench, trouble = open_detector()
        assert trouble is None
        agent = TroubleshootingAgent(path) if mode == "private" else TroubleshootingAgent()
        with httpx2.Client(base_url=base, timeout=30) as client:
            made = Doors(client, bench, agent, mode == "private", given)
            told = client.post("/detect", json={"problem_description": "el wifi se cae"}).json()
            assert told["detector"] == bench.index.version
            assert told["detector"].endswith(":unfitted") == (mode in {"words-unfitted", "private"})
            knowledge = engine().portal.call(engine().runtime.knowledge_of, path if mode == "private" else None)
            assert knowledge.snapshot.index.version == told["detector"]
            yield made
        close_engines()


@pytest.fixture
def doors(opened: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """The doors, in the surroundings that they were opened in."""
    for name, value in opened.surroundings.items():
        monkeypatch.setenv(name, value)
    return opened


def _cloned(pg_server: str, template: str, name: str) -> str:
    database = f"verdicts_{name.replace('-', '_')}"
    _execute(pg_server, (f"CREATE DATABASE {database} TEMPLATE {template}",))
    head, _, query = pg_server.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


def test_every_door_comes_to_the_same(doors: Doors) -> None:
    for text in mixed(12):
        doors.check(text)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_door_comes_to_the_same_for_hundreds_of_texts(doors: Doors) -> None:
    for text in mixed(400):
        doors.check(text)


@pytest.mark.long
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([*PHRASES, *ROUGH]) | st.text(min_size=1, max_size=30), min_size=1, max_size=3)
    .map(", ".join)
    .filter(lambda text: "\x00" not in text and bool(text.strip()) and text.isprintable())
)
def test_whatever_is_typed_every_door_comes_to_the_same(doors: Doors, text: str) -> None:
    doors.check(text)


def test_words_that_are_added_decide_and_are_ranked_like_one_text_where_they_say_nothing(doors: Doors) -> None:
    asked = 0
    for place, text in enumerate(mixed(80)):
        more = ("me cobraron dos veces", "no sé, algo va mal")[place % 2]
        after = doors.clarified(text, more)
        if after is not None:
            # The new words decide; those that say nothing about the problem are read together with the first ones.
            verdict, problem, confidence = doors.served(more if "cobraron" in more else f"{text}\n{more}")
            assert after == (verdict, problem if verdict != "none" else None, confidence)
            asked += 1
        if asked == _ENOUGH:
            break
    assert asked
