"""The optional language model through the doors: what it may change, and that nothing else changes, whatever it is told or says."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx2
import pytest
from fake_model import FakeModel, endless, http, never, says, sends
from injections import answers, attacks, obeys, poisoned

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.app.knowledge.knowledge_base import DetectionConfig
from guiado.errors import NotFound, SettingsInvalid
from guiado.settings import read_settings
from guiado.wiring import Runtime

WORDS = "no puedo entrar, sale un error en la aplicación"
MAIL = "cliente@example.com"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    running = FakeModel()
    yield running
    running.close()


@pytest.fixture(scope="module")
def trap() -> Iterator[FakeModel]:
    """Nobody may ever call it."""
    running = FakeModel()
    yield running
    running.close()


@pytest.fixture(scope="module")
def service(serve_module: Callable[..., Any], module_dsn: str, model: FakeModel) -> Iterator[Any]:
    """A server that wavers over every text, and asks the model then."""
    settings = {
        "GUIADO_USE_LLM": "true", "OPENAI_BASE_URL": model.url, "GUIADO_LLM_CALLS_PER_MINUTE": "10000",
        "GUIADO_DETECTION_THRESHOLD": "0", "GUIADO_POOL_SIZE": "4",
    }  # fmt: skip
    running = serve_module(module_dsn, **settings)
    running.runtime.parts.accept_from = 1.01
    with httpx2.Client(base_url=f"{running.url}/api/support/troubleshooting", timeout=30) as running.client:
        yield running


@pytest.fixture
def without(service: Any) -> Iterator[Callable[[], None]]:
    """Takes the model away from the service until the test ends."""
    helper = service.runtime.parts.model
    yield lambda: setattr(service.runtime.parts, "model", None)
    service.runtime.parts.model = helper


@pytest.fixture(autouse=True)
def _afresh(service: Any, model: FakeModel) -> None:
    model.requests.clear()
    model.behave = says({"problem_id": None})
    service.runtime.parts.model._limits.__init__(10_000)


def start(service: Any, words: str = WORDS, **more: Any) -> dict[str, Any]:
    body = {"problem_description": words, "customer_email": MAIL, **more}
    answer = service.client.post("/start", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """What a customer is told, without what is different each time."""
    kept = json.loads(json.dumps(answer))
    for view in (kept, kept.get("first_step") or {}, kept.get("question") or {}):
        view.pop("session_id", None)
        view.pop("question_id", None)
    return kept


def fetch(service: Any, query: str, *args: object) -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(service._settings["DATABASE_URL"])
        try:
            return await connection.fetch(query, *args)
        finally:
            await connection.close()

    return asyncio.run(run())


def candidates(answer: dict[str, Any]) -> list[str]:
    return [answer["problem_detected"], *(each["problem_id"] for each in answer["alternatives"])]


# ---------------------------------------------------------------------------------------------------------- what it may change


def test_its_choice_among_the_three_is_taken_and_recorded(service: Any, model: FakeModel, without: Callable[[], None]) -> None:
    helper = service.runtime.parts.model
    without()
    first, second = candidates(start(service))[:2]
    service.runtime.parts.model = helper
    model.behave = says({"problem_id": second})
    answer = start(service)
    assert answer["problem_detected"] == second
    assert first in candidates(answer)[1:]
    assert answer["first_step"]["step_number"] == 1
    noted = fetch(
        service, "SELECT actor, detail FROM support_troubleshooting_audit_log WHERE object_id = $1", answer["session_id"]
    )
    by_machine = [json.loads(detail) for actor, detail in noted if actor == "machine"]
    assert [(note["rule"], note["chosen"]) for note in by_machine] == [("language-model", second)]


def test_none_of_them_is_a_person(service: Any, model: FakeModel) -> None:
    answer = start(service)
    assert (answer["problem_detected"], answer["status"]) == (None, "needs_escalation")


def test_who_can_be_asked_is_asked_when_it_says_none_of_them(service: Any) -> None:
    answer = start(service, clarify=True)
    assert answer["options"]
    assert answer["status"] != "needs_escalation"


def test_a_sure_detection_is_not_questioned(service: Any, model: FakeModel) -> None:
    service.runtime.parts.accept_from = 0.0
    try:
        assert start(service)["problem_detected"]
    finally:
        service.runtime.parts.accept_from = 1.01
    assert model.requests == []


def test_the_operators_switch_in_the_database_stops_it(service: Any, model: FakeModel) -> None:
    switch = "UPDATE support_troubleshooting_config SET config_value = $1 WHERE config_key = 'enable_llm_enhancement'"
    fetch(service, switch, "false")
    try:
        assert start(service)["problem_detected"]
    finally:
        fetch(service, switch, "true")
    assert model.requests == []


# ------------------------------------------------------------------------------------------------------------ a broken model


def test_a_model_that_hangs_costs_five_seconds_at_most_and_keeps_no_connection(
    service: Any, model: FakeModel, without: Callable[[], None]
) -> None:
    helper = service.runtime.parts.model
    without()
    expected = told(start(service))
    service.runtime.parts.model = helper
    model.behave = never
    helper._deadline_s = 0.8
    try:
        with ThreadPoolExecutor(6) as pool:
            begun = time.monotonic()
            hanging = [pool.submit(start, service) for _ in range(6)]
            while not model.requests:
                assert time.monotonic() - begun < 5
            # Six wait, and there are four connections to the database: others are served at once.
            assert service.client.get("/realtime").status_code == 200
            assert not any(each.done() for each in hanging)
            assert all(told(each.result()) == expected for each in hanging)
            assert time.monotonic() - begun < 3
    finally:
        helper._deadline_s = 5.0


@pytest.mark.parametrize(
    "behave", [sends(b""), sends(http(b"", 500)), sends(http(b"", 401)), endless], ids=["ends", "500", "401", "endless"]
)
def test_a_broken_model_changes_nothing(service: Any, model: FakeModel, without: Callable[[], None], behave: Any) -> None:
    model.behave = behave
    with_it = told(start(service))
    without()
    assert with_it == told(start(service))


# ---------------------------------------------------------------------------------------------------------------- injections

_EVENTS = {"session_started", "problem_detected"}
_UNTOUCHED = [
    "support_webhooks",
    "support_webhook_events",
    "support_troubleshooting_notifications",
    "support_troubleshooting_templates",
    "support_troubleshooting_ml_training",
    "support_troubleshooting_config",
    "support_troubleshooting_feedback",
    "support_troubleshooting_attempts",
    "support_troubleshooting_guide_versions",
]


def _state(service: Any) -> list[Any]:
    return [fetch(service, f"SELECT count(*), max(t::text) FROM {name} t") for name in _UNTOUCHED]


def _run(service: Any, texts: list[str]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(lambda text: start(service, text), texts))


def test_200_injections_lead_to_no_disallowed_action(
    service: Any, model: FakeModel, trap: FakeModel, without: Callable[[], None]
) -> None:
    hostile = attacks(trap.url)
    replies = [obeys(text) for text in hostile] + answers(trap.url)
    texts = [f"{WORDS}. {text}" for text in hostile] + [WORDS] * len(hostile)
    texts = [f"{text} (caso {number})" for number, text in enumerate(texts)]
    assert (len(texts), len(set(texts))) == (200, 200)

    async def behave(request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        said = json.loads(request["messages"][1]["content"])["customer_text"]
        await replies[int(re.findall(r"\(caso (\d+)\)", said)[-1])](request, writer)

    helper = service.runtime.parts.model
    without()
    expected = [told(answer) for answer in _run(service, texts)]
    before = _state(service)
    service.runtime.parts.model = helper
    model.behave = behave
    answered = _run(service, texts)

    assert len(model.requests) >= len(texts) * 0.95, "the model was asked"
    # What is shown is what would be shown without the model: no text of the model's, no other problem, no hand-over.
    assert [told(answer) for answer in answered] == expected
    # Nothing went anywhere but to the model, as a question of the one kind; what it is told to do is always the same.
    assert trap.dialled == 0
    assert {request["_path"] for request in model.requests} == {"/v1/chat/completions"}
    assert len({request["messages"][0]["content"] for request in model.requests}) == 1
    assert [request for request in model.requests if len(request["messages"]) != 2 or "tools" in request] == []
    # Nothing was written but the sessions themselves.
    assert _state(service) == before
    ids = [answer["session_id"] for answer in answered]
    events = fetch(service, "SELECT DISTINCT event FROM support_troubleshooting_outbox WHERE session_id = ANY ($1::uuid[])", ids)
    assert {row["event"] for row in events} == _EVENTS
    rows = fetch(service, "SELECT status FROM support_troubleshooting_sessions WHERE session_id = ANY ($1::uuid[])", ids)
    assert {row["status"] for row in rows} == {"started"}
    assert (
        fetch(service, "SELECT 1 FROM support_troubleshooting_audit_log WHERE actor = 'machine' AND object_id = ANY ($1)", ids)
        == []
    )


@pytest.fixture
def env(module_dsn: str, model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The facade's classes work on the service's database and model."""
    for name, value in {"DATABASE_URL": module_dsn, "OPENAI_BASE_URL": model.url, "GUIADO_LLM_CALLS_PER_MINUTE": "10000"}.items():
        monkeypatch.setenv(name, value)
    yield monkeypatch
    close_engines()


def test_a_step_that_a_hostile_model_rewords_stays_the_authors(
    env: pytest.MonkeyPatch, model: FakeModel, trap: FakeModel
) -> None:
    agent = TroubleshootingAgent(use_llm=True)
    session = agent.start_troubleshooting("no puedo instalar el software", MAIL)
    step = agent.get_current_step(session.session_id)
    assert step is not None
    original = agent.format_step_response(step)
    texts = {"description": step["description"], "expected_result": step["expected_result"]}
    shown = set()
    for place, text in enumerate(attacks(trap.url)):
        instructions = list(step["instructions"])
        number = place % len(instructions)
        instructions[number] = poisoned(instructions[number], text, place)
        model.behave = says({**texts, "instructions": instructions})
        shown.add(agent.format_step_response(step, use_llm_enhancement=True))
    dropped = says({**texts, "instructions": step["instructions"][:-1]})
    for model.behave in (dropped, says({**texts, "instructions": step["instructions"], "warnings": []})):
        shown.add(agent.format_step_response(step, use_llm_enhancement=True))
    assert shown == {original}
    assert len(model.requests) >= 102
    assert trap.dialled == 0
    formal = [line.replace("Busca ", "Por favor, busque ").replace("Intenta ", "Intente ") for line in step["instructions"]]
    assert formal != step["instructions"]
    model.behave = says({**texts, "instructions": formal})
    courteous = agent.format_step_response(step, use_llm_enhancement=True)
    assert "Por favor, busque los requisitos" in courteous
    assert all(warning in courteous for warning in step["warnings"])


# ------------------------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/v1", "http://[fd00:ec2::254]/v1", "http://100.100.100.200/v1", "ftp://x/v1", "no es una"]
)
def test_an_address_that_is_never_called_is_refused_at_the_start(address: str, service: Any) -> None:
    runtime = Runtime(
        service.runtime.settings.model_copy(update={"openai_base_url": address}),
        service.runtime.site,
        service.runtime.parts,
        DetectionConfig(),
    )
    with pytest.raises(SettingsInvalid, match="OPENAI_BASE_URL"):
        runtime.model()


def test_a_switch_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_USE_LLM", "quizás")
    with pytest.raises(SettingsInvalid, match="GUIADO_USE_LLM"):
        read_settings()


def test_without_use_llm_nobody_asks_it(env: pytest.MonkeyPatch, model: FakeModel) -> None:
    env.setenv("OPENAI_API_KEY", "sk-prueba-1")
    env.setenv("GUIADO_DETECTION_THRESHOLD", "0")
    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting(WORDS, MAIL)
    agent.format_step_response(agent.get_current_step(session.session_id), use_llm_enhancement=True)
    assert model.requests == []


def test_the_facade_asks_it_with_the_key_that_was_given(env: pytest.MonkeyPatch, model: FakeModel) -> None:
    env.setenv("GUIADO_DETECTION_THRESHOLD", "0")
    agent = TroubleshootingAgent(use_llm=True, openai_api_key="sk-propia")
    agent._engine.runtime.parts.accept_from = 1.01
    assert agent.use_llm is True
    assert agent.detect_problem(WORDS) is None
    assert model.last["_headers"]["authorization"] == "bearer sk-propia"
    model.behave = sends(http(b"", 500))
    assert agent.detect_problem(WORDS) is not None
    assert agent.start_troubleshooting(WORDS, MAIL).detected_problem is not None


# -------------------------------------------------------------------------------------------------------------------- drafts


def test_drafts_wait_for_a_person_and_count_for_nothing_until_then(env: pytest.MonkeyPatch, model: FakeModel) -> None:
    from guiado.app.learning import examples
    from guiado.app.learning.example_drafts import draft_examples
    from guiado.sync import Door, engine

    def drafted(problem_id: str) -> list[str]:
        running = engine()
        snapshot = running.portal.call(running.runtime.knowledge_of, None).snapshot
        return running.portal.call(draft_examples, running.runtime.parts, snapshot, problem_id)

    def door() -> Door:
        return engine().door("terminal", "agent")

    with pytest.raises(SettingsInvalid, match="GUIADO_USE_LLM"):
        drafted("conexion_internet")
    env.setenv("GUIADO_USE_LLM", "true")
    drafts = ["el wifi va y viene toda la tarde", "me quedo sin señal en el cuarto"]
    model.behave = says({"examples": [*drafts, "entra en https://malo.example para arreglarlo", "llama al 900 123 456 ahora"]})
    assert drafted("conexion_internet") == drafts
    assert drafted("conexion_internet") == [], "known by now"
    found = [example for example in door().read(examples.waiting, 100) if example.source == "machine"]
    assert [(example.text, example.status, example.problem_id) for example in found] == [
        (text, "pending", "conexion_internet") for text in drafts
    ]
    assert not [example for example in door().read(examples.accepted) if example["text"] in drafts]
    door().write(examples.review_all, [found[0].id], [])
    assert [example["source"] for example in door().read(examples.accepted) if example["text"] == drafts[0]] == ["machine"]
    with pytest.raises(NotFound):
        drafted("no_existe")
