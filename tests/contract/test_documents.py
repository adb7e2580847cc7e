"""The four documents that the guide links say what is so: their commands run, their names exist, and no route is left out."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import typer

from guiado.app import commands
from guiado.cli.root import app as cli
from guiado.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BASE = "/api/support/troubleshooting"
NAMES = (
    "API_TROUBLESHOOTING",
    "TROUBLESHOOTING_PERFORMANCE_OPTIMIZATION",
    "TROUBLESHOOTING_ADVANCED_FEATURES",
    "TROUBLESHOOTING_COMPLETE_SYSTEM",
)
TEXTS = {name: (DOCS / f"{name}.md").read_text("utf-8") for name in NAMES}
API, EVERYTHING = TEXTS["API_TROUBLESHOOTING"], "\n".join(TEXTS.values())


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that the usual renderers give to headings."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_guide_links_exactly_these_documents() -> None:
    guide = (DOCS / "IMPLEMENTATION_GUIDE_TROUBLESHOOTING.md").read_text("utf-8")
    assert set(re.findall(r"\]\(\./(\w+)\.md\)", guide)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXTS[name]):
        file, _, anchor = target.partition("#")
        text = (DOCS / file).read_text("utf-8") if file else TEXTS[name]
        assert not anchor or anchor in anchors(text), target


# ----------------------------------------------------------------------------------------------------------------------- API


def test_every_route_is_documented_and_no_other(service: str) -> None:
    paths = requests.get(f"{service}/schema/openapi.json", timeout=10).json()["paths"]
    served = {
        (method.upper(), path.replace(BASE, "", 1).rstrip("/") or "/") for path, methods in paths.items() for method in methods
    }
    documented = {
        (method, path.partition("?")[0].rstrip("/") or "/")
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^\s`]*)`", API)
    }
    assert documented == served


@pytest.mark.parametrize(
    "name",
    [
        "Start",
        "Detect",
        "Clarify",
        "Reject",
        "AnswerStep",
        "Rate",
        "Escalate",
        "Resolve",
        "Correct",
        "Webhook",
        "Template",
        "Render",
        "Notification",
    ],
)
def test_every_field_is_documented_with_whether_it_is_required(name: str) -> None:
    for field in msgspec.structs.fields(getattr(commands, name)):
        mark = r"\*\*\\\*\*\*"
        assert re.search(rf"`{field.name}`" + (f" {mark}" if field.required else r"(?! \*\*)"), API), f"{name}.{field.name}"


@pytest.fixture(scope="module")
def answered(service: str) -> list[str]:
    """What the document's commands print, run as one script against the running service."""
    script = "\n".join(blocks(API, "bash"))
    assert "localhost:3000" in script
    wrapped = 'curl() { command curl --fail-with-body -w "\\n" "$@"; }\n' + script.replace(
        "localhost:3000", service.removeprefix("http://")
    )
    done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", wrapped], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("curl") is None, reason="los ejemplos usan curl y aquí no está")
def test_every_curl_example_works(answered: list[str]) -> None:
    calls = sum(block.count("curl -s") for block in blocks(API, "bash"))
    assert len(answered) == calls - 1, "la primera guarda su respuesta en SESSION"
    shown = [json.loads(line) for line in answered]
    assert [answer["next_action"] for answer in shown if "next_action" in answer] == ["continue", "continue"]
    assert [answer["session"]["status"] for answer in shown if "session" in answer][-1] == "resolved"


def test_the_documented_error_is_the_real_one(service: str) -> None:
    (example,) = [json.loads(block) for block in blocks(API, "json")]
    given = {"problem_description": "No abre", "customer_email": "cliente"}
    answer = requests.post(f"{service}{BASE}/start", json=given, timeout=10)
    assert {**answer.json(), "request_id": ""} == {**example, "request_id": ""}
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_documented_status_codes_are_the_real_ones(service: str) -> None:
    url = f"{service}{BASE}"
    start = {"problem_description": "No puedo instalar el software", "customer_email": "codigos@example.com"}
    session = requests.post(f"{url}/start", json=start, headers={"Idempotency-Key": "documento-1"}, timeout=10).json()[
        "session_id"
    ]
    found = {
        "valor con otros datos": requests.post(f"{url}/start", json={**start, "customer_name": "Otra"}, headers={"Idempotency-Key": "documento-1"}, timeout=10),
        "otro paso": requests.post(f"{url}/{session}/step", json={"success": True, "step_number": 3}, timeout=10),
        "no existe": requests.get(f"{url}/no-existe", timeout=10),
        "sin sesión": requests.get(f"{url}/", timeout=10),
        "no es JSON": requests.post(f"{url}/start", data="hola", headers={"Content-Type": "text/plain"}, timeout=10),
        "muy grande": requests.post(f"{url}/start", json={**start, "notes": "x" * 1_100_000}, timeout=10),
        "de otra página": requests.get(f"{url}/realtime", headers={"Origin": "https://otra.example"}, timeout=10),
    }  # fmt: skip
    assert [answer.status_code for answer in found.values()] == [422, 409, 404, 400, 415, 413, 403]
    assert found["otro paso"].json()["session"]["session_id"] == session


# ------------------------------------------------------------------------------------------------------------------- examples


@pytest.mark.parametrize("name", [name for name in NAMES if blocks(TEXTS[name], "sql")])
def test_the_sql_examples_run(name: str, dsn: str) -> None:
    done = subprocess.run(
        ["psql", dsn, "-X", "-v", "ON_ERROR_STOP=1"],
        input="\n".join(blocks(TEXTS[name], "sql")), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_python_examples_run_in_their_order(in_contract: str) -> None:
    printed, namespace = io.StringIO(), {"__name__": "document"}
    with redirect_stdout(printed):
        for block in blocks(TEXTS["TROUBLESHOOTING_ADVANCED_FEATURES"], "python"):
            exec(compile(block, "<documento>", "exec"), namespace)  # noqa: S102 - the document's own text
    lines = printed.getvalue().splitlines()
    assert lines[:3] == ["next_step", "instalacion_software", "Restablecer la contraseña de Mi App"]
    assert "product_name" in lines[3]
    assert "reset_url" in lines[3]


def test_the_documented_signature_check_takes_ours_and_no_other() -> None:
    from guiado.delivery.signing import contract_signature

    namespace: dict[str, Any] = {}
    (block,) = [block for block in blocks(TEXTS["TROUBLESHOOTING_ADVANCED_FEATURES"], "python") if "is_authentic" in block]
    exec(block, namespace)  # noqa: S102 - the document's own text
    signed = contract_signature(b'{"event": "x"}', "tu-secret-key")
    assert namespace["is_authentic"](b'{"event": "x"}', signed, "tu-secret-key")
    assert not namespace["is_authentic"](b'{"event": "y"}', signed, "tu-secret-key")


def test_the_documented_translation_is_used(in_contract: str, tmp_path: Path) -> None:
    from data.integrations.support_troubleshooting_agent import TroubleshootingAgent

    (entry,) = blocks(TEXTS["TROUBLESHOOTING_ADVANCED_FEATURES"], "json")
    (tmp_path / "kb.json").write_text(entry, "utf-8")
    agent = TroubleshootingAgent(knowledge_base_path=tmp_path / "kb.json")
    assert agent.knowledge_base["impresora_sin_papel"].in_language("en").steps[0].title == "Check the tray"
    found = agent.detect_problem("my printer is out of paper")
    assert found is not None


def test_the_documented_urgent_criterion_acts(in_contract: str, tmp_path: Path) -> None:
    from data.integrations.support_troubleshooting_agent import TroubleshootingAgent

    (entry,) = [each for each in blocks(TEXTS["TROUBLESHOOTING_ADVANCED_FEATURES"], "jsonc") if '"urgent"' in each]
    (tmp_path / "urgent.json").write_text(entry, "utf-8")
    agent = TroubleshootingAgent(knowledge_base_path=tmp_path / "urgent.json")
    session = agent.start_troubleshooting("La impresora no imprime y sale humo", "ana@example.com")

    assert session.status.value == "needs_escalation"
    step = agent.get_current_step(session.session_id)
    assert step is not None
    assert (step["message"].split("\n")[0], step["suggest_escalation"]) == ("Desenchufa ya la impresora.", True)
    assert "Desenchufa" in agent.format_step_response(step)


def test_an_abandoned_session_is_resumed_by_the_agent(in_contract: str, rows: Callable[..., Any]) -> None:
    from data.integrations.support_troubleshooting_agent import TroubleshootingAgent

    agent = TroubleshootingAgent()
    session = agent.start_troubleshooting("No puedo instalar el software", "ana@example.com")
    agent.complete_step(session.session_id, success=True)
    change = (
        "UPDATE support_troubleshooting_sessions SET status = 'abandoned', ended_at = now() WHERE session_id = $1 RETURNING 1"
    )
    rows(change, session.session_id)

    assert "resume" in agent.complete_step(session.session_id, success=True)["error"]
    back = agent.resume(session.session_id)
    assert back is not None
    assert back["step_number"] == 2
    assert "error" in agent.resume("no existe")


def test_the_last_answer_is_taken_back_by_the_agent(in_contract: str) -> None:
    from data.integrations.support_troubleshooting_agent import TroubleshootingAgent

    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting("No puedo instalar el software", "ana@example.com").session_id
    assert "error" in agent.undo_last_answer(session_id)
    for _ in range(2):
        agent.complete_step(session_id, success=True)
    assert "error" in agent.undo_last_answer(session_id, step_number=1)
    assert "error" in agent.undo_last_answer(session_id, step_number=0)
    back = agent.undo_last_answer(session_id, step_number=2)
    assert back is not None
    assert back["step_number"] == 2
    agent.complete_step(session_id, success=True, outcome="solved")
    assert agent.undo_last_answer(session_id)["step_number"] == 2
    assert "error" in agent.undo_last_answer("no existe")


def test_the_documented_events_carry_the_documented_data(in_contract: str, rows: Callable[..., Any]) -> None:
    from data.integrations.support_troubleshooting_agent import TroubleshootingAgent

    agent = TroubleshootingAgent()
    for outcome in ("could_not", "solved"):
        session = agent.start_troubleshooting("No puedo instalar el software", "documento@example.com")
        agent.complete_step(session.session_id, success=outcome == "solved", outcome=outcome)
        agent.complete_step(session.session_id, success=False)
        agent.collect_feedback(session.session_id, rating=4)
    table = re.findall(r"^\| `(\w+)` \| `([\w ]+)`", TEXTS["TROUBLESHOOTING_ADVANCED_FEATURES"], re.MULTILINE)
    documented = {
        event: set(keys.split())
        for event, keys in table
        if event.startswith(("session_", "step_", "problem_", "retry_", "feedback_"))
    }
    stored = rows(
        "SELECT DISTINCT o.event, o.data FROM support_troubleshooting_outbox o JOIN support_troubleshooting_sessions s USING (session_id)"
        " WHERE s.customer_email = 'documento@example.com'"
    )
    found = {row["event"]: set(json.loads(row["data"])) for row in stored}
    assert set(documented) - set(found) == {"session_abandoned"}
    assert found == {event: keys for event, keys in documented.items() if event in found}


# ---------------------------------------------------------------------------------------------------------------------- names


def test_every_relation_is_documented_and_every_documented_one_exists(rows: Callable[..., Any]) -> None:
    listed = rows(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r'::\"char\", 'v'::\"char\", 'm'::\"char\")"
    )
    relations = {row["relname"] for row in listed}
    files = {path.stem for folder in ("data", "workflow") for path in (ROOT / folder).rglob("support_*")}
    named = set(re.findall(r"\b(?:support|vw|mv)_[a-z_]+", EVERYTHING))
    assert named - relations - files == set()
    assert relations - named == set()


def test_every_function_is_documented_and_every_documented_one_exists(rows: Callable[..., Any]) -> None:
    functions = {row["proname"] for row in rows("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")}
    listed = TEXTS["TROUBLESHOOTING_COMPLETE_SYSTEM"].partition("## Funciones")[2].partition("## Comandos")[0]
    assert set(re.findall(r"`(\w+)`", listed)) - {"guiado_"} == functions
    assert set(re.findall(r"\b(?:guiado|refresh|cleanup|maintenance|check|get|search)_\w+(?=\()", EVERYTHING)) <= functions


def test_every_documented_index_exists(rows: Callable[..., Any]) -> None:
    indexes = {row["indexname"] for row in rows("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
    table = TEXTS["TROUBLESHOOTING_PERFORMANCE_OPTIMIZATION"].partition("## Índices")[2].partition("Para ver cuáles")[0]
    assert set(re.findall(r"`((?!search_trouble)\w+_\w+)`", table)) <= indexes


def test_every_setting_is_documented_and_every_documented_one_exists(rows: Callable[..., Any]) -> None:
    known = {str(field.validation_alias) for field in Settings.model_fields.values()} | {"GUIADO_LANG"}
    example = set(re.findall(r"^#([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    listed = TEXTS["TROUBLESHOOTING_COMPLETE_SYSTEM"].partition("## Ajustes")[2].partition("## Glosario")[0]
    in_table = {name for cell in re.findall(r"^\| (`[^|]*`) \|", listed, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
    assert in_table == known == example
    everywhere = EVERYTHING + (DOCS / "production.md").read_text("utf-8")
    named = set(re.findall(r"\b((?:GUIADO_|PG_|DATABASE_|OPENAI_|KESTRA_|SLACK_)[A-Z_]+)\b", everywhere))
    assert named <= known
    config = {
        row["config_key"] for row in rows("SELECT config_key FROM support_troubleshooting_config WHERE tenant_id = 'default'")
    }
    assert all(f"`{key}`" in EVERYTHING for key in config)


def commands_under(path: str, command: Any) -> Iterator[str]:
    """The words of every command that does something; groups only gather others."""
    members = getattr(command, "commands", None)
    if not members:
        yield path
    for name, each in (members or {}).items():
        if not each.hidden:
            yield from commands_under(f"{path} {name}", each)


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    existing = set(commands_under("guiado", typer.main.get_command(cli)))
    listed = TEXTS["TROUBLESHOOTING_COMPLETE_SYSTEM"].partition("## Comandos")[2].partition("## Ajustes")[0]
    assert set(re.findall(r"`(guiado [a-z ]+)`", listed)) == existing
    texts = [(ROOT / name).read_text("utf-8") for name in ("README.md", "README.es.md", "docs/production.md")]
    used = set(
        re.findall(r"\bguiado ((?:db|kb media|kb|sessions) [a-z]+|serve|worker|chat|doctor)\b", "\n".join([*texts, EVERYTHING]))
    )
    assert {f"guiado {words}" for words in used} <= existing


def test_documents_name_only_folders_and_files_that_exist() -> None:
    named = set(re.findall(r"(?:data|docs|src|tests|web|workflow)/[\w./-]+", EVERYTHING))
    assert [name for name in named if not (ROOT / name.rstrip(".")).exists()] == []


def test_no_document_needs_the_developers_machine() -> None:
    assert not re.search(re.escape(os.sep) + r"(?:home|root|tmp)\b", EVERYTHING)
