"""The command line as its user meets it: real processes, piped and at a terminal, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from clusters import remove_cluster
from seven_guides import SEVEN_GUIDES
from terminal import Ran, at_a_terminal, environment

from guiado import __version__
from guiado.agent import close_engines
from guiado.store.embedded import EmbeddedPostgres

GUIADO = str(Path(sys.executable).with_name("guiado"))
RESUME = re.compile(r"guiado chat ([0-9a-f-]{36})")
DEADLINE_S = 60
WIFI = "no me funciona el wifi"


def run(dsn: str, *words: str, typed: str = "", **given: str) -> Ran:
    """Run the real command with lines piped into it."""
    variables = environment(DATABASE_URL=dsn, **given)
    done = subprocess.run(
        [GUIADO, *words], input=typed, env=variables, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def engines(monkeypatch):
    """None outlives its test. Nothing is asked before the first step: test_chat_clarify.py does that."""
    monkeypatch.setenv("GUIADO_ACCEPT_THRESHOLD", "0")
    yield
    close_engines()


def test_version_answers_at_once():
    script = (
        "import sys; from guiado.cli import main; sys.argv = ['guiado', 'version']\ntry: main()\nfinally: print(*sys.modules)"
    )
    said, loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == __version__
    slow = {"asyncpg", "litestar", "msgspec", "babel", "jinja2", "httpcore2", "email_validator", "pydantic"}
    assert slow.isdisjoint(loaded.split())


def test_a_whole_chat_through_a_pipe_solves_the_problem(facade, here):
    typed = f"{WIFI}\nesto no es un correo\nAna@Example.com\nn\nzz\np\nno llego al router\ns\n9\n5\nmuy claro"
    said = run(facade, "chat", typed=f"{typed}\n")
    assert said.code == 0, said.err
    assert said.err == ""
    assert "No es una dirección de correo válida" in said.out
    assert "Parece que se trata de: No puedo conectarme a internet" in said.out
    assert "Ten a mano" in said.out
    assert said.out.index("⚠ Antes de empezar") < said.out.index("Desconecta el router de la corriente")
    assert "Paso 1 de 6" in said.out
    assert "Paso 2 de 6" in said.out
    assert "No entendí «zz»" in said.out
    assert "Damos el problema por resuelto" in said.out
    assert "Escribe un número del 1 al 5" in said.out
    assert "Gracias por tu opinión" in said.out
    assert "\x1b" not in said.out

    listed = json.loads(here("sessions", "list", "--status", "resolved", "--json").out)
    assert [(row["customer_email"], row["status"], row["current_step"]) for row in listed] == [("ana@example.com", "resolved", 2)]


def test_no_rating_is_asked_for_where_nobody_wants_one(facade, here):
    off = "UPDATE support_troubleshooting_config SET config_value = 'false' WHERE config_key = 'feedback_collection_enabled'"
    asyncio.run(_execute(facade, off))
    said = here("chat", typed=f"{WIFI}\nana@example.com\ns\n")
    assert said.code == 0
    assert "Damos el problema por resuelto" in said.out
    assert "del 1 al 5" not in said.out


async def _execute(dsn, statement):
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_ctrl_c_at_a_terminal_keeps_the_session_for_later(facade, here):
    left = at_a_terminal(facade, "chat", keys=[f"{WIFI}\r".encode(), b"ana@example.com\r", b"n\r", b"\x03"], columns=40)
    assert left.code == 130
    assert "Paso 2 de 6" in left.out
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", left.out)
    boxes = plain.split("Un momento")[-1]
    assert all(len(line) <= 40 for line in boxes.splitlines() if "guiado chat" not in line)
    session_id = RESUME.search(plain)[1]

    resumed = here("chat", session_id, typed="a\n\n")
    assert resumed.code == 0
    assert "Llevas 1 de 6 pasos" in resumed.out
    assert "Paso 1 de 6" not in resumed.out
    assert "Como lo pediste, te atenderá una persona del equipo" in " ".join(resumed.out.split())


def test_leaving_for_later_and_coming_back_goes_on_in_the_sessions_language(facade, here):
    left = here("--lang", "en", "chat", typed="my internet does not work\nana@example.com\nd\nq\n")
    assert left.code == 0
    assert "Step 2 of 6" in left.out
    assert "¿" not in left.out
    session_id = RESUME.search(left.out)[1]

    resumed = here("chat", session_id, typed="s\n\n")
    assert resumed.code == 0
    assert "You have done 1 of 6 steps." in resumed.out
    assert "Glad that's solved" in resumed.out

    again = here("chat", session_id)
    assert again.code == 0
    assert "How did it go?" not in again.out
    assert session_id in again.out


def test_nothing_recognised_hands_over_to_a_person(facade, here):
    said = here("chat", typed="la lavadora no centrifuga\nana@example.com\n")
    assert said.code == 0
    assert "No reconocemos este problema" in said.out
    assert "Paso 1" not in said.out
    (session,) = json.loads(here("sessions", "list", "--json").out)
    assert session["status"] == "needs_escalation"
    assert session["session_id"] in said.out


def test_the_end_of_the_input_says_how_to_go_on(facade, here):
    nothing_yet = here("chat", typed=f"{WIFI}\n")
    assert nothing_yet.code == 0
    assert "Todavía no guardamos nada" in nothing_yet.out

    in_the_middle = here("chat", typed=f"{WIFI}\nana@example.com\n")
    assert in_the_middle.code == 0
    assert RESUME.search(in_the_middle.out)


def test_a_step_answered_elsewhere_shows_where_the_session_is_now(facade, here, monkeypatch):
    from guiado.cli.chat_sessions import ChatSessions
    from guiado.domain.session import Outcome

    session_id = RESUME.search(here("chat", typed=f"{WIFI}\nana@example.com\nq\n").out)[1]
    show = ChatSessions.answer

    def after_somebody_else(desk, *answer):
        monkeypatch.setattr(ChatSessions, "answer", show)
        show(desk, session_id, 1, Outcome.NOT_HELPED, None, 1.0)
        return show(desk, *answer)

    monkeypatch.setattr(ChatSessions, "answer", after_somebody_else)
    said = here("chat", session_id, typed="h\nq\n")
    assert said.code == 0
    assert "no es el paso actual" in said.out
    assert "Paso 2 de 6" in said.out


def test_sessions_show_tells_every_attempt(facade, here):
    chat = here("chat", typed=f"{WIFI}\nana@example.com\np\nno tengo cable\np\n\nn\n4\n\n")
    session_id = re.search(r"[0-9a-f-]{36}", chat.out)[0]
    said = here("sessions", "show", session_id)
    assert said.code == 0
    assert "espera a una persona" in said.out
    assert said.out.count("no se pudo") == 2
    assert "«no tengo cable»" in said.out
    assert "2 intentos fallidos" in said.out

    whole = json.loads(here("sessions", "show", session_id, "--json").out)
    assert [attempt["outcome"] for attempt in whole["attempts"]] == ["could_not", "could_not"]
    assert whole["attempts"][0]["active_seconds"] >= 0
    assert whole["session"]["status"] == "needs_escalation"
    assert session_id[-8:] in here("sessions", "list").out


def test_errors_go_to_standard_error_in_the_readers_language(facade, here):
    unknown = here("sessions", "show", "nope")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("Sesión no encontrada: nope.")

    assert here("--lang", "en", "sessions", "show", "nope").err.startswith("Session not found: nope.")
    assert here("chat", "nope", "--lang=pt").err.startswith("Sessão não encontrada: nope.")

    bad = here("sessions", "list", "--status", "perdida")
    assert (bad.code, bad.out) == (2, "")
    assert "perdida no es un estado" in bad.err

    misspelt = here("sesiones")
    assert misspelt.code == 2
    assert "No existe el comando sesiones" in misspelt.err
    assert "--lang" in here("--lang", "fr", "version").err


def test_an_unreachable_database_is_said_without_a_traceback(here, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nadie@127.0.0.1:1/nada")
    said = here("sessions", "list")
    assert said.code == 1
    assert "No se puede conectar con PostgreSQL" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_help_speaks_the_language(here, language):
    said = here("--lang", language, "db", "--help")
    assert said.code == 0
    assert {"es": "Uso: guiado db", "en": "Usage: guiado db", "pt": "Uso: guiado db"}[language] in said.out
    assert {"es": "Muestra esta ayuda", "en": "Show this help", "pt": "Mostra esta ajuda"}[language] in said.out
    assert "chat" in here().out


def test_kb_lint_names_the_place_of_every_fault(here, tmp_path):
    file = tmp_path / "kb.json"
    raw = json.loads(SEVEN_GUIDES.read_text("utf-8"))
    assert here("kb", "lint").code == 0

    raw["conexion_internet"]["steps"][1]["title"] = ""
    raw["recuperar_cuenta"]["difficulty"] = 3
    file.write_text(json.dumps(raw), "utf-8")
    said = here("kb", "lint", str(file))
    assert said.code == 1
    assert "$.conexion_internet.steps[1].title: Está vacío" in said.out
    assert "$.recuperar_cuenta.difficulty: Debe ser un texto" in said.out

    file.write_text('{"a": ', "utf-8")
    assert "línea 1" in here("kb", "lint", str(file)).out
    assert here("kb", "lint", str(tmp_path / "nada.json")).code == 1


def test_kb_lint_prints_what_stands_at_many_places_once(here, tmp_path):
    file = tmp_path / "kb.json"
    titles = ("Correo lento", "Router apagado", "Pantalla negra", "Tarjeta rechazada", "Clave vencida")
    steps = [{"step_number": 1, "title": "Reinicia", "instructions": ["Hazlo."]}]
    english = {"en": {"problem_title": "Slow mail", "steps": [{"title": "Restart", "instructions": ["Do it."]}]}}
    base = {
        f"g{n}": {"problem_title": title, "problem_description": title, "category": "otro", "steps": steps, "common_issues": []}
        for n, title in enumerate(titles)
    }
    base["g0"]["translations"] = english
    file.write_text(json.dumps(base), "utf-8")
    said = here("kb", "lint", str(file))
    assert said.code == 0
    assert said.out.count("Falta el idioma en") == 1
    assert "En 4 lugares: Falta el idioma en" in said.out
    assert "$.g1.translations, $.g2.translations, $.g3.translations, $.g4.translations" in said.out
    told = json.loads(here("kb", "lint", "--json", str(file)).out)["warnings"]
    assert len([each for each in told if "Falta el idioma en" in each["message"]]) == 4
    assert all(each.keys() == {"guide", "path", "kind", "message"} for each in told)
    assert {each["kind"] for each in told if "Falta el idioma en" in each["message"]} == {"missing_language"}
    assert {each["kind"] for each in told if "Sin frases" in each["message"]} == {"structure"}
    assert here("kb", "lint", "--strict", str(file)).code == 1
    assert here("kb", "lint", "--strict", "--json", str(file)).code == 1


def test_kb_lint_prints_markup_of_one_kind_once_with_what_it_found(here, tmp_path):
    file = tmp_path / "kb.json"
    steps = [{"step_number": 1, "title": "Reinicia", "instructions": ["Pulsa <b>ya</b>.", "Mira<br>.", "Lee <i>bien</i>."]}]
    base = {"problem_title": "Router apagado", "problem_description": "x", "category": "otro", "steps": steps}
    file.write_text(json.dumps({"router": base}), "utf-8")
    said = here("kb", "lint", str(file))
    assert "En 3 lugares: Lleva HTML, «<b>», «<br>», «<i>»" in said.out
    assert "$.router.steps[0].instructions[0], $.router.steps[0].instructions[1], $.router.steps[0].instructions[2]" in said.out


def test_an_exported_knowledge_base_can_be_edited_and_put_to_use(here, tmp_path, monkeypatch):
    file = tmp_path / "mia.json"
    assert here("kb", "export", str(file)).code == 0
    raw = json.loads(file.read_text("utf-8"))
    raw["mi_problema"] = {**raw["conexion_internet"], "problem_title": "Mi problema"}
    file.write_text(json.dumps(raw), "utf-8")

    refused = here("kb", "export", str(file))
    assert refused.code == 1
    assert "--force" in refused.err
    assert "mi_problema" in file.read_text("utf-8")

    monkeypatch.setenv("GUIADO_KB_PATH", str(file))
    assert "Mi problema" in here("kb", "show").out
    shown = here("kb", "show", "mi_problema")
    assert "Paso 1 de 6" in shown.out
    assert here("kb", "show", "otro").code == 1

    assert here("kb", "export", str(file), "--force").code == 0
    assert "mi_problema" not in file.read_text("utf-8")


def test_psql_sees_what_the_chat_stored(facade, here):
    here("chat", typed=f"{WIFI}\nana@example.com\nq\n")
    assert here("db", "url").out == f"{facade}\n"
    counted = here("db", "psql", "-Atc", "SELECT customer_email, detected_problem_id FROM support_troubleshooting_sessions")
    assert (counted.code, counted.out) == (0, "ana@example.com|conexion_internet\n")
    assert here("db", "psql", "-c", "SELECT 1/0").code == 1


def test_db_status_and_migrate_know_what_is_due(empty_dsn, here, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    assert "support_webhooks_schema.sql: pendiente" in here("db", "status").out
    assert "✓ support_webhooks_schema.sql" in here("db", "migrate").out
    after = here("db", "status").out
    assert "pendiente" not in after
    assert "✓ support_webhooks_schema.sql" in after
    assert here("db", "stop").code == 1


@pytest.mark.parametrize(
    "zone", ["/etc/passwd", "../../etc/passwd", "Foo/Bar", ":", "x" * 5_000, "Ñandú", ":America/Lima"], ids=ascii
)
def test_a_tz_that_is_no_time_zone_stops_no_command(dsn, zone):
    for words in (("db", "status"), ("sessions", "list")):
        said = run(dsn, *words, TZ=zone, GUIADO_LANG="en")
        assert (said.code, said.err) == (0, ""), words


def test_db_status_says_what_a_user_without_rights_lacks(dsn, here, monkeypatch):
    asyncio.run(_execute(dsn, "DROP ROLE IF EXISTS nadie; CREATE ROLE nadie LOGIN"))
    monkeypatch.setenv("DATABASE_URL", dsn.replace("postgresql://guiado@", "postgresql://nadie@"))
    try:
        for words in (("db", "status"), ("db", "migrate"), ("sessions", "list"), ("db", "backup")):
            said = here(*words)
            assert said.code == 1, words
            assert "Error interno" not in said.err, words
            assert "Traceback" not in said.err, words
            assert re.search("permiso|nadie|dueño", said.err), words
    finally:
        asyncio.run(_execute(dsn, "DROP ROLE nadie"))


def test_db_url_leaves_the_embedded_server_running_until_it_is_stopped(here, tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("GUIADO_HOME", str(home))
    server = EmbeddedPostgres(home)
    try:
        url = run("", "db", "url", GUIADO_HOME=str(home))
        assert url.code == 0, url.err
        assert server.status().running
        assert "En marcha" in here("db", "status").out

        assert server.join() == url.out.strip()
        assert here("db", "psql", "-Atc", "SELECT 40 + 2").out == "42\n"
        # Whoever comes and goes in between leaves it running: the address that was printed stays good.
        server.leave()
        assert server.status().running
        server.join()
        assert here("db", "stop").code == 1
        server.leave()
        assert here("db", "stop").code == 0
        assert not server.status().running
        assert "Detenido" in here("db", "status").out
    finally:
        server.detach()
        server.stop()
        remove_cluster(server, home)
