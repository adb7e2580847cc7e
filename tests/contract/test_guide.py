"""The implementation guide works word for word: every code block of the project's copy is run, in the guide's order."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shlex
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from clusters import remove_cluster
from secret_keys import BOX

from data.integrations.support_troubleshooting_agent import TroubleshootingAgent
from guiado.errors import SettingsInvalid
from guiado.settings import read_settings
from guiado.store.embedded import EmbeddedPostgres
from guiado.store.secret_box import is_sealed

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "IMPLEMENTATION_GUIDE_TROUBLESHOOTING.md"
PUBLISHED_SHA256 = "419e9810e5615c9997407515259093b6469d0c5d3cbb915b59c7d15cbbbebe01"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
BASH = ["bash", "-eu", "-o", "pipefail", "-c"]
OBJECTS = {
    "support_tickets", "support_troubleshooting_sessions", "support_troubleshooting_attempts", "support_troubleshooting_learning",
    "vw_troubleshooting_sessions_summary", "vw_troubleshooting_active_sessions", "vw_troubleshooting_common_problems",
    "support_troubleshooting_feedback", "vw_troubleshooting_feedback_summary",
    "support_webhooks", "support_webhook_events", "vw_webhook_stats",
    "support_troubleshooting_notifications", "support_troubleshooting_ml_training", "support_troubleshooting_reports",
    "support_troubleshooting_config", "vw_troubleshooting_realtime_metrics",
    "support_troubleshooting_audit_log", "support_troubleshooting_cache", "support_troubleshooting_rate_limits",
    "support_troubleshooting_performance_metrics",
    "mv_daily_troubleshooting_summary", "mv_top_problems", "mv_feedback_summary",
}  # fmt: skip
FUNCTIONS = {
    "get_troubleshooting_stats", "get_feedback_by_problem", "get_troubleshooting_metrics_by_period",
    "cleanup_old_troubleshooting_data", "refresh_troubleshooting_views", "cleanup_expired_cache", "check_rate_limit",
    "get_performance_stats", "maintenance_troubleshooting_tables", "search_troubleshooting_sessions",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A fenced code block of the guide, under its heading."""

    language: str
    heading: str
    text: str


def blocks_of(markdown: str) -> list[Block]:
    found, heading, lines, language = [], "", [], None
    for line in markdown.splitlines():
        if language is None and line.startswith("```"):
            language, lines = line.removeprefix("```").strip(), []
        elif language is not None and line.rstrip() == "```":
            found.append(Block(language, heading, "\n".join(lines) + "\n"))
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
    return found


TEXT = GUIDE.read_text("utf-8")
BLOCKS = blocks_of(TEXT)
# Every block has a name here and a test below; a block more or less in the guide is noticed at once.
NAMED = {
    "install": ("bash", "Paso 1: Instalar Dependencias"),
    "schemas": ("bash", "Paso 2: Configurar Base de Datos"),
    "dotenv": ("bash", "Paso 3: Configurar Variables de Entorno"),
    "basic": ("python", "Configuración Básica"),
    "advanced": ("python", "Configuración Avanzada"),
    "flow": ("python", "Ejemplo 1: Flujo Completo"),
    "rest": ("python", "Ejemplo 2: Integración con API REST"),
    "tickets": ("python", "Integración con Sistema de Tickets"),
    "slack": ("python", "Integración con Slack"),
    "kestra": ("yaml", "Integración con Kestra Workflow"),
    "entry": ("json", "Agregar Nuevo Problema a la Base de Conocimiento"),
    "template": ("python", "Crear Plantilla Personalizada"),
    "metrics": ("python", "Métricas en Tiempo Real"),
    "queries": ("sql", "Consultas SQL Útiles"),
    "maintenance": ("sql", "Mantenimiento Automático"),
    "cron": ("sql", "Problema: Vistas materializadas desactualizadas"),
}
BLOCK = dict(zip(NAMED, (block.text for block in BLOCKS), strict=False))


def test_the_copy_is_the_published_guide() -> None:
    assert hashlib.sha256(GUIDE.read_bytes()).hexdigest() == PUBLISHED_SHA256


def test_every_block_of_the_guide_is_known() -> None:
    assert [(block.language, block.heading) for block in BLOCKS] == list(NAMED.values())


# --------------------------------------------------------------------------------------------------------------- installation


def test_what_the_guide_installs_is_there() -> None:
    commands = [line for line in BLOCK["install"].splitlines() if line and not line.startswith("#")]
    assert commands == ["pip install -r requirements.txt", "cd web/kpis-next", "npm install"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = (ROOT / "requirements.txt").read_text("utf-8").split()
    assert lines == ["-c", "constraints.txt", "-e", "."]
    assert (ROOT / "constraints.txt").exists()
    assert project["build-system"]["build-backend"] == "hatchling.build"
    assert any(name.startswith("requests") for name in project["project"]["dependencies"]), "los ejemplos importan requests"
    package = json.loads((ROOT / "web/kpis-next/package.json").read_text("utf-8"))
    lock = json.loads((ROOT / "web/kpis-next/package-lock.json").read_text("utf-8"))
    assert lock["packages"][""]["dependencies"] == package["dependencies"]


def run_schemas(dsn: str) -> None:
    """The guide's own lines, run by bash as they stand."""
    done = subprocess.run(
        [*BASH, BLOCK["schemas"]], cwd=ROOT, env=environment(DATABASE_URL=dsn), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def environment(**given: str) -> dict[str, str]:
    # psql answers in English whatever the machine speaks, and reads no personal configuration.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PSQLRC": "/dev/null", **given}


def objects(dsn: str) -> tuple[set[str], set[str]]:
    listed = psql(
        dsn, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace"
    )
    functions = psql(dsn, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    return set(listed.split()), set(functions.split())


def psql(dsn: str, sql: str) -> str:
    done = subprocess.run(
        ["psql", dsn, "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"],
        input=sql, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def debian_15(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of an empty database on Debian's PostgreSQL 15."""
    if not (DEBIAN_15 / "initdb").exists():
        pytest.skip("aquí no está el PostgreSQL 15 de Debian")
    home = Path(tempfile.mkdtemp(prefix="guiado-pg15-"))
    server = EmbeddedPostgres(home, pg_bin=DEBIAN_15)
    try:
        yield server.join()
    finally:
        server.leave()
        remove_cluster(server, home)


@pytest.mark.parametrize("server", ["empty_dsn", "debian_15"])
def test_the_schemas_run_with_psql_as_written_and_once_more(server: str, request: pytest.FixtureRequest) -> None:
    dsn = request.getfixturevalue(server)
    run_schemas(dsn)
    relations, functions = objects(dsn)
    assert relations >= OBJECTS
    assert functions >= FUNCTIONS
    run_schemas(dsn)
    assert objects(dsn) == (relations, functions)
    assert psql(dsn, BLOCK["maintenance"]).count("\tok\t") >= 3
    psql(dsn, BLOCK["queries"])


# --------------------------------------------------------------------------------------------------------------------- .env


def write_dotenv(folder: Path, monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """The guide's `.env` in the working folder, with some of its values replaced."""
    text = BLOCK["dotenv"]
    for name, value in values.items():
        text, count = re.subn(rf"^{name}=\S+", lambda _, pair=f"{name}={value}": pair, text, flags=re.MULTILINE)
        assert count == 1
    (folder / ".env").write_text(text, "utf-8")
    monkeypatch.chdir(folder)


def test_the_example_values_of_dotenv_are_called_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = {
        "DATABASE_URL": "postgresql://ana:clave@localhost:5432/soporte",
        "OPENAI_API_KEY": "sk-verdadera-123",
        "KESTRA_WEBHOOK_URL": "https://kestra.mi-empresa.com/api/v1/main/executions/webhook/workflows/flujo/clave",
        "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/xyz",
    }
    written: dict[str, str] = {}
    for name, value in real.items():
        write_dotenv(tmp_path, monkeypatch, **written)
        with pytest.raises(SettingsInvalid, match=f"^{name} todavía tiene el valor de ejemplo"):
            read_settings()
        written[name] = value
    write_dotenv(tmp_path, monkeypatch, **written)
    settings = read_settings()
    assert settings.database_url == real["DATABASE_URL"]
    assert settings.openai_api_key == real["OPENAI_API_KEY"]
    assert settings.kestra_webhook_url == real["KESTRA_WEBHOOK_URL"]
    assert settings.slack_webhook_url == real["SLACK_WEBHOOK_URL"]


def test_an_agent_uses_the_database_of_dotenv(
    contract_dsn: str, rows: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"OPENAI_API_KEY": "", "KESTRA_WEBHOOK_URL": "", "SLACK_WEBHOOK_URL": ""}
    write_dotenv(tmp_path, monkeypatch, DATABASE_URL=contract_dsn, **others)
    session = TroubleshootingAgent().start_troubleshooting("No puedo instalar el software", "dotenv@example.com")
    (row,) = rows("SELECT session_id FROM support_troubleshooting_sessions WHERE customer_email = 'dotenv@example.com'")
    assert str(row["session_id"]) == session.session_id


# ------------------------------------------------------------------------------------------------------------- Python blocks


@dataclass
class Walk:
    """The guide's Python blocks as they ran: what each printed, and what the names were afterwards."""

    printed: dict[str, str]
    names: dict[str, Mapping[str, Any]]
    sent: list[tuple[Any, ...]]


PYTHON = ("basic", "advanced", "flow", "tickets", "slack", "template", "metrics")


def run_python(source: str, name: str, namespace: dict[str, Any]) -> str:
    output = io.StringIO()
    with redirect_stdout(output):
        exec(compile(source, f"<guía: {name}>", "exec"), namespace)  # noqa: S102 - the guide's own text
    return output.getvalue()


def python_of(name: str) -> str:
    """A block without its shell lines."""
    return "".join(line for line in BLOCK[name].splitlines(keepends=True) if not line.startswith("curl "))


@pytest.fixture(scope="module")
def walk(contract_dsn: str) -> Walk:
    """Runs the blocks in the guide's order in one namespace, as somebody who follows it does."""
    import os

    walked = Walk({}, {}, [])
    namespace: dict[str, Any] = {
        "__name__": "guide", "os": os, "send_notification": lambda *message: walked.sent.append(message)
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", contract_dsn)
        patch.delenv("SLACK_WEBHOOK_URL", raising=False)
        for name in PYTHON:
            walked.printed[name] = run_python(python_of(name), name, namespace)
            walked.names[name] = dict(namespace)
            if name == "tickets":
                ticket = SimpleNamespace(description="No tengo internet", customer_email="ticket@example.com", id=4711)
                namespace["on_ticket_created"](ticket)
    return walked


def test_basic_configuration_works_without_a_key(walk: Walk) -> None:
    agent = walk.names["basic"]["agent"]
    assert agent.use_llm is False
    assert {"instalacion_software", "conexion_internet"} <= set(agent.knowledge_base)


def test_advanced_configuration_registers_the_webhook(walk: Walk, rows: Callable[..., Any]) -> None:
    (row,) = rows("SELECT url, events, secret FROM support_webhooks WHERE webhook_id = 'mi-webhook'")
    assert tuple(row)[:2] == ("https://tu-sistema.com/webhook", ["session_started", "session_resolved"])
    assert is_sealed(row["secret"])
    assert BOX.open(row["secret"], "webhook.secret", "default", "mi-webhook") == "tu-secret-key"
    assert walk.names["advanced"]["webhook_manager"].webhooks["mi-webhook"].secret == "tu-secret-key"


def test_the_flow_of_example_1_is_what_the_customer_sees(walk: Walk, rows: Callable[..., Any]) -> None:
    names, printed = walk.names["flow"], walk.printed["flow"]
    total = names["step"]["total_steps"]
    assert [f"Paso {number} de {total}" in printed for number in (1, 2, 3, 4)] == [True] * 3 + [total > 3]
    session_id = names["session"].session_id
    assert names["feedback"]["rating"] == 5
    assert names["feedback"]["problem_detected"] == "instalacion_software"
    (row,) = rows(
        "SELECT ticket_id, current_step, status FROM support_troubleshooting_sessions WHERE session_id = $1::text::uuid",
        session_id,
    )
    assert tuple(row) == ("TKT-12345", 3, "in_progress" if total > 3 else "resolved")
    (notes,) = rows(
        "SELECT array_agg(notes ORDER BY step_number) FROM support_troubleshooting_attempts WHERE session_id = $1::text::uuid",
        session_id,
    )
    assert notes[0] == ["Paso 1 completado", "Paso 2 completado", "Paso 3 completado"]


def test_a_ticket_starts_a_session_and_sends_its_first_step(walk: Walk, rows: Callable[..., Any]) -> None:
    ((recipient, message),) = walk.sent
    assert recipient == "ticket@example.com"
    assert message.startswith("Paso 1 de ")
    (row,) = rows(
        "SELECT ticket_id, detected_problem_id FROM support_troubleshooting_sessions WHERE customer_email = 'ticket@example.com'"
    )
    assert tuple(row) == ("4711", "conexion_internet")


def test_slack_without_an_address_says_what_is_missing(walk: Walk) -> None:
    names = walk.names["slack"]
    answer = names["manager"].send_notification(names["config"], {"ticket_id": "TKT-12345"})
    assert (answer["success"], answer["channel"], answer["recipient"]) == (False, "slack", "#support-team")
    assert "webhook_url" in answer["error"]


def test_the_template_of_the_guide_can_be_rendered(walk: Walk) -> None:
    manager = walk.names["template"]["template_manager"]
    rendered = manager.render_template("mi_template", {"variable1": "{{1 + 1}}"})
    assert rendered["steps"][0]["title"] == "Paso con {{1 + 1}}"
    assert "variable1" in manager.render_template("mi_template", {})["error"]


def test_metrics_are_printed_as_numbers(walk: Walk, rows: Callable[..., Any]) -> None:
    assert re.fullmatch(r"Tasa de resolución: \d+\.\d\d%\nRating promedio: \d\.\d\d\n", walk.printed["metrics"])
    (row,) = rows("SELECT round(avg(rating), 2)::float AS rating FROM support_troubleshooting_feedback WHERE is_current")
    assert walk.names["metrics"]["analytics"]["average_rating"] == row["rating"]


# -------------------------------------------------------------------------------------------------------- the running service


def at(service: str, text: str) -> str:
    """The guide's text with the port of this service in the place of 3000."""
    port = service.rpartition(":")[2]
    assert "localhost:3000" in text
    return text.replace("localhost:3000", f"localhost:{port}")


def test_the_service_listens_where_the_guide_says() -> None:
    assert read_settings().port == 3000


def test_example_2_works_over_rest(walk: Walk, service: str) -> None:
    namespace = dict(walk.names["flow"])
    printed = run_python(at(service, BLOCK["rest"]), "rest", namespace)
    assert namespace["response"].ok
    assert namespace["session"]["first_step"]["step_number"] == 1
    assert re.fullmatch(r"Tasa de resolución: \d+(\.\d+)?%\n", printed)
    session = requests.get(f"{namespace['BASE_URL']}/{namespace['session']['session_id']}", timeout=10).json()
    assert session["summary"] == {"total_attempts": 1, "successful_attempts": 1, "failed_attempts": 0}
    assert namespace["analytics"]["summary"]["total_sessions"] >= 2, "la fachada y la API comparten la base de datos"


def test_the_realtime_command_answers_with_json(service: str) -> None:
    (command,) = [line for line in BLOCK["metrics"].splitlines() if line.startswith("curl ")]
    done = subprocess.run([*shlex.split(at(service, command)), "-sf"], capture_output=True, text=True, check=True)
    assert "active_sessions" in json.loads(done.stdout)["metrics"]


def kestra_call() -> tuple[str, dict[str, str]]:
    found = re.search(r"^POST (\S+)\n(\{.*\})", BLOCK["kestra"], re.DOTALL | re.MULTILINE)
    assert found
    return found[1], json.loads(found[2])


def test_the_literal_kestra_path_starts_a_session(service: str, rows: Callable[..., Any]) -> None:
    path, body = kestra_call()
    assert path == "/api/v1/executions/webhook/workflows/workflows/support-troubleshooting-automation/support-troubleshooting"
    given = {**body, "problem_description": "No puedo instalar el software", "customer_email": "kestra@example.com"}
    answer = requests.post(service + path, json=given, timeout=10)
    assert answer.ok
    assert answer.json()["first_step"]["step_number"] == 1
    (row,) = rows("SELECT session_id FROM support_troubleshooting_sessions WHERE customer_email = 'kestra@example.com'")
    assert answer.json()["session_id"] == str(row["session_id"])


def test_the_placeholders_of_the_kestra_call_are_refused_by_name(service: str) -> None:
    path, body = kestra_call()
    answer = requests.post(service + path, json=body, timeout=10)
    assert answer.status_code == 400
    assert "customer_email" in answer.json()["error"]


def test_an_event_at_the_kestra_path_starts_nothing(service: str, rows: Callable[..., Any]) -> None:
    path, body = kestra_call()
    event = {**body, "customer_email": "evento@example.com", "event": "session_started", "data": {}}
    requests.post(service + path, json=event, timeout=10)
    assert rows("SELECT 1 FROM support_troubleshooting_sessions WHERE customer_email = 'evento@example.com'") == []


def test_the_flow_that_the_guide_names_exists() -> None:
    (name,) = re.findall(r"^# (\S+\.yaml)$", BLOCK["kestra"], re.MULTILINE)
    assert (ROOT / name).is_file()


def test_webhooks_are_listed_where_the_guide_says(walk: Walk, service: str) -> None:
    (path,) = re.findall(r"`GET (/api/support/troubleshooting/webhooks)`", TEXT)
    listed = requests.get(service + path, timeout=10)
    assert listed.ok
    assert "mi-webhook" in listed.text
    assert "tu-secret-key" not in listed.text


# ----------------------------------------------------------------------------------------------------------- knowledge base


def test_the_sample_entry_loads_as_it_stands(in_contract: str, tmp_path: Path) -> None:
    file = tmp_path / "kb.json"
    file.write_text(BLOCK["entry"], "utf-8")
    agent = TroubleshootingAgent(knowledge_base_path=str(file))
    guide = agent.knowledge_base["mi_nuevo_problema"]
    assert (guide.category, guide.difficulty, guide.estimated_time) == ("categoría", "medio", "15 minutos")
    session = agent.start_troubleshooting("Tengo el Título del Problema", "entrada@example.com")
    step = agent.get_current_step(session.session_id)
    assert step is not None
    assert step["instructions"] == ["Instrucción 1", "Instrucción 2"]
    assert step["resources"] == [{"title": "Recurso", "url": "https://..."}]


def test_an_entry_added_to_the_file_is_known_at_once(in_contract: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (named,) = set(re.findall(r"`(data/integrations/\S+\.json)`", TEXT))
    shipped = json.loads((ROOT / named).read_text("utf-8"))
    file = tmp_path / "kb.json"
    file.write_text(json.dumps(shipped), "utf-8")
    agent = TroubleshootingAgent(knowledge_base_path=file)
    count = len(agent.knowledge_base)
    assert "mi_nuevo_problema" not in agent.knowledge_base
    file.write_text(json.dumps({**shipped, **json.loads(BLOCK["entry"])}), "utf-8")
    assert len(agent.knowledge_base) == count + 1
    file.write_text("{ roto", "utf-8")
    assert len(agent.knowledge_base) == count + 1, "una edición rota no quita lo que ya se sabía"


def test_the_log_shows_the_score_of_a_match(in_contract: str, caplog: pytest.LogCaptureFixture) -> None:
    agent = TroubleshootingAgent()
    with caplog.at_level("INFO", logger="guiado"):
        agent.detect_problem("No puedo instalar el software")
    scores = [float(found[1]) for line in caplog.messages if (found := re.search(r"\bscore=([\d.]+)", line))]
    assert len(scores) == 1
    assert 0 < scores[0] <= 1


# ---------------------------------------------------------------------------------------------------------------------- SQL


def test_the_queries_show_what_the_agent_did(walk: Walk, contract_dsn: str) -> None:
    psql(contract_dsn, BLOCK["queries"])
    report = psql(contract_dsn, BLOCK["maintenance"])
    assert report.count("\tok\t") >= 3
    assert "error" not in report
    shown = psql(contract_dsn, BLOCK["queries"])
    assert "instalacion_software\tNo puedo instalar el software\t" in shown
    mine = "WHERE problem_detected_id = 'instalacion_software'"
    counted = psql(
        contract_dsn, f"SELECT count(*), round(avg(rating), 2)::float FROM support_troubleshooting_feedback {mine} AND is_current"
    )
    assert psql(contract_dsn, f"SELECT total_feedback, avg_rating FROM mv_feedback_summary {mine}") == counted
    assert int(counted.split()[0]) >= 1


def test_the_views_are_refreshed_by_hand_and_on_a_schedule(contract_dsn: str) -> None:
    refresh, _, schedule = BLOCK["cron"].partition("-- Configurar automático con pg_cron")
    assert psql(contract_dsn, refresh)
    (name, when, command) = re.findall(r"'([^']+)'", schedule)
    assert (name, len(when.split())) == ("refresh-views", 5)
    assert psql(contract_dsn, command)
    if psql(contract_dsn, "SELECT 1 FROM pg_extension WHERE extname = 'pg_cron'"):
        assert psql(contract_dsn, schedule)


def test_the_remedies_for_slowness_work(contract_dsn: str) -> None:
    (statistics,) = re.findall(r"`(SELECT \* FROM pg_stat_user_indexes)`", TEXT)
    assert "sessions_by_start" in psql(contract_dsn, statistics + ";")
    for view in ("mv_daily_troubleshooting_summary", "mv_top_problems", "mv_feedback_summary"):
        psql(contract_dsn, f"REFRESH MATERIALIZED VIEW {view};")
    psql(contract_dsn, "VACUUM ANALYZE support_troubleshooting_sessions;")
