"""What was learned is found again, judged, given back, and never missed by who watches for it."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from guiado import clock
from guiado.agent.troubleshooting import TroubleshootingAgent
from guiado.cli.root import run as guiado
from guiado.domain.learning_signal import text_key
from guiado.store import learning, publications
from guiado.store.database import Database

WORDS = "no me deja instalar el programa"


def in_loop(test: Callable[..., Any]) -> Callable[..., None]:
    """A test that is a coroutine; a minute is enough for any."""

    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        asyncio.run(asyncio.wait_for(test(**fixtures), 60))

    return run


@pytest.fixture
def agent(facade: str) -> TroubleshootingAgent:
    return TroubleshootingAgent()


@pytest.fixture
def ask(facade: str) -> Callable[..., list[Any]]:
    """Rows that a statement gives, as plain tuples."""

    async def run(query: str, *values: object) -> list[Any]:
        connection = await asyncpg.connect(facade)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return lambda query, *values: asyncio.run(run(query, *values))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `guiado …` prints."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert guiado(["learn", *words]) == code
        shown = capsys.readouterr()
        return shown.out if code == 0 else shown.err

    return run


def solved(agent: TroubleshootingAgent, words: str = WORDS, email: str = "ana@example.com") -> str:
    session = agent.start_troubleshooting(words, email)
    assert agent.complete_step(session.session_id, True, outcome="solved")["status"] == "resolved"
    return session.session_id


def accepted(ask: Callable[..., list[Any]]) -> list[tuple[str, str, str]]:
    return ask("""SELECT problem_id, label, source FROM support_troubleshooting_ml_training
                   WHERE status = 'accepted' ORDER BY problem_id, label, source""")


# ----------------------------------------------------------------------------------------------------------- the word of agents


def test_what_contradicts_an_agent_waits_for_review(agent, ask, command) -> None:
    solved(agent)
    other = agent.start_troubleshooting("¡NO me deja instalar el programa!", "luis@example.com")
    command("correct", other.session_id, "error_aplicacion")
    assert accepted(ask) == [("error_aplicacion", "positive", "agent"), ("instalacion_software", "negative", "agent")]
    third = solved(agent, "no me deja, instalar el programa", "eva@example.com")
    waiting = json.loads(command("review", "--json"))
    assert [(row["problem_id"], row["doubt"]) for row in waiting] == [
        ("instalacion_software", None),
        ("instalacion_software", "contradicts"),
    ]
    assert waiting[1]["session_id"] == third
    assert "contradice" in command("review")
    command("review", "--reject", waiting[0]["id"], "--accept", waiting[1]["id"])
    assert ("instalacion_software", "positive", "customer") in accepted(ask)
    assert "ningún ejemplo" in command("review")
    kinds = ask(
        "SELECT kind, metadata ->> 'reason' FROM support_troubleshooting_learning WHERE metadata ? 'example' ORDER BY 1, 2"
    )
    assert kinds == [("example", "review"), ("undo", "contradicted"), ("undo", "review")]


def test_review_of_what_does_not_exist_changes_nothing(agent, ask, command) -> None:
    solved(agent)
    (row,) = ask("SELECT id::text FROM support_troubleshooting_ml_training")
    said = command("review", "--reject", row[0], "--reject", "nadie", code=1)
    assert "nadie" in said
    assert accepted(ask) == [("instalacion_software", "positive", "customer")]


def test_a_correction_by_hand_is_refused_where_there_is_no_such_problem(agent, command) -> None:
    session = agent.start_troubleshooting(WORDS, "ana@example.com")
    assert "nadie" in command("correct", session.session_id, "nadie", code=2)
    assert "Sesión no encontrada" in command("correct", "nadie", "otro", code=1)
    told = json.loads(command("correct", session.session_id, "otro", "--notes", "Pedía otra cosa", "--json"))
    assert told == {
        "session_id": session.session_id,
        "status": "started",
        "problem_id": "otro",
        "detected_problem_id": "instalacion_software",
    }


# ------------------------------------------------------------------------------------------------------------------- taken back


def test_examples_are_withdrawn_by_id_session_customer_and_time(agent, ask, command) -> None:
    sessions = [solved(agent, f"{WORDS} {name}", f"{name}@example.com") for name in ("uno", "dos", "tres", "cuatro")]
    left = lambda: len(accepted(ask))  # noqa: E731
    (example,) = ask("SELECT id::text FROM support_troubleshooting_ml_training WHERE session_id = $1::text::uuid", sessions[0])
    for number, words in ((3, example), (2, ("--session", sessions[1])), (1, ("--customer", " Tres@Example.com "))):
        assert "1" in command("undo", *words)
        assert left() == number
    command("undo", "--since", "2999-01-01")
    assert left() == 1
    command("undo", "--since", "2020-01-01")
    assert left() == 0
    assert ask("SELECT count(*) FROM support_troubleshooting_learning WHERE kind = 'undo'") == [(4,)]
    assert ask("SELECT count(*) FROM support_troubleshooting_audit_log WHERE action = 'undo'") == [(5,)]


def test_undo_wants_to_know_what(agent, command) -> None:
    assert "--session" in command("undo", code=2)
    assert "--since" in command("undo", "--since", "ayer", code=2)
    assert "nadie" in command("undo", "nadie", code=1)


# -------------------------------------------------------------------------------------------------------- shown and handed out


def test_status_and_export_tell_what_counts(agent, command, tmp_path: Path) -> None:
    assert "Todavía no" in command("status")
    solved(agent)
    solved(agent, "¡No me deja INSTALAR el programa!", "luis@example.com")
    command("correct", agent.start_troubleshooting("no va la wifi", "eva@example.com").session_id, "conexion_internet")
    found = json.loads(command("status", "--json"))
    assert sum(row["examples"] for row in found["examples"] if row["status"] == "accepted") >= 3
    assert found["detector"]
    assert "last_refit" in found
    assert "aceptados: 2" in command("status")
    lines = [json.loads(line) for line in command("export").splitlines()]
    ours = [line for line in lines if line["problem_id"] == "instalacion_software" and not line["negative"]]
    assert [(line["source"], line["weight"], text_key(line["text"])) for line in ours] == [("customer", 0.6, text_key(WORDS))]
    file = tmp_path / "ejemplos.json"
    command("export", str(file), "--common-issues")
    problems = json.loads(file.read_text("utf-8"))
    assert problems["conexion_internet"] == {"common_issues": ["no va la wifi"]}
    assert "negative" not in json.dumps(problems)


def test_a_refit_is_due_at_once(agent, ask, command) -> None:
    is_due = """SELECT next_at <= now() OR started_at >= $1 FROM support_troubleshooting_schedule WHERE job = 'refit_detector'"""
    for _ in range(2):
        ((before,),) = ask("SELECT now()")
        command("refit")
        # Where a worker runs, it may have taken the job already.
        assert ask(is_due, before) == [(True,)]


def test_a_refit_is_due_for_private_knowledge_bases_too(agent, ask, command) -> None:
    ask("INSERT INTO support_troubleshooting_schedule (job, next_at)"
        " VALUES ('refit_detector:0a1b', now() + interval '1 hour'), ('refit_detectors', now() + interval '1 hour'),"
        " ('other:refit_detector:0a1b', now() + interval '1 hour')")  # fmt: skip
    command("refit")
    is_due = (
        "SELECT job FROM support_troubleshooting_schedule WHERE next_at <= now() AND finished_at IS NULL AND job LIKE '%refit%'"
    )
    assert ("refit_detector:0a1b",) in [tuple(row) for row in ask(is_due)]
    assert not {("refit_detectors",), ("other:refit_detector:0a1b",)} & {tuple(row) for row in ask(is_due)}


def test_gaps_show_what_comes_again_and_again(agent, command) -> None:
    oven = ["el horno no calienta", "mi horno ya no calienta nada", "el horno no se calienta", "no me calienta el horno"]
    washer = ["la lavadora no centrifuga", "mi lavadora no centrifuga la ropa, soy eva@example.com", "no centrifuga la lavadora"]
    alone = ["el piano quedó desafinado"]
    for number, words in enumerate([*oven, *washer, *alone, oven[0]]):
        session = agent.start_troubleshooting(words, f"cliente{number}@example.com")
        if session.detected_problem:
            command("correct", session.session_id, "otro")
    found = json.loads(command("gaps", "--json"))
    assert [gap["size"] for gap in found] == [5, 3]
    assert {found[0]["typical"], *found[0]["examples"]} == set(oven)
    assert "eva" not in json.dumps(found)
    assert all(gap["first_seen"] <= gap["last_seen"] for gap in found)
    assert "horno" in command("gaps", "--limit", "1")
    assert "gato" not in command("gaps", "--limit", "1")


# ---------------------------------------------------------------------------------------------------------- never missed


async def _mark(dsn: str, scope: str = "") -> str:
    async def find() -> str:
        return dsn

    db = Database(find, pool_size=1)
    try:
        async with db.connection() as connection:
            return (await publications.read_mark(connection, "default", scope)).examples
    finally:
        await db.close()


_TEACH = """INSERT INTO support_troubleshooting_ml_training (id, text, problem_id, status, created_at)
            VALUES (md5($1)::uuid, $1, 'p', 'accepted', now())"""


@in_loop
async def test_a_lesson_that_began_earlier_and_commits_later_changes_the_mark(dsn: str) -> None:
    early, late = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        assert await _mark(dsn) == ""
        begun = early.transaction()
        await begun.start()
        await early.fetchval("SELECT now()")
        await late.execute(_TEACH, "tarde")
        seen = await _mark(dsn)
        assert seen
        await early.execute(_TEACH, "temprano")
        assert await _mark(dsn) == seen
        await begun.commit()
        assert await _mark(dsn) not in {"", seen}
    finally:
        await early.close()
        await late.close()


@in_loop
async def test_two_lessons_at_once_wait_for_nobody_and_none_is_skipped(dsn: str) -> None:
    first, second, third = [await asyncpg.connect(dsn) for _ in range(3)]
    try:
        begun = first.transaction()
        await begun.start()
        await first.execute(_TEACH, "uno")  # the smaller number, the later commit
        await asyncio.wait_for(second.execute(_TEACH, "dos"), 20)
        seen = await _mark(dsn)
        other = third.transaction()
        await other.start()
        await third.execute(_TEACH, "tres")
        assert await _mark(dsn) == seen
        await begun.commit()
        both = await _mark(dsn)
        assert both != seen
        await other.commit()
        assert await _mark(dsn) not in {seen, both}
    finally:
        for connection in (first, second, third):
            await connection.close()


@in_loop
async def test_a_watcher_misses_no_example_of_many_that_overlap(dsn: str) -> None:
    """Whoever reads the mark, and the examples after it, has at the end every example, in whatever order they were committed."""
    known: set[str] = set()
    connections = [await asyncpg.connect(dsn) for _ in range(6)]
    watch = connections.pop()

    async def teach(number: int, connection: asyncpg.Connection) -> None:
        for turn in range(25):
            async with connection.transaction():
                await connection.execute(_TEACH, f"{number} {turn}")
                await connection.execute("SELECT pg_sleep($1)", 0.002 * ((number * 7 + turn * 3) % 5))

    async def look(mark: str | None) -> str:
        now = await _mark(dsn)
        if now != mark:
            known.update(row[0] for row in await watch.fetch("SELECT text FROM support_troubleshooting_ml_training"))
        return now

    try:
        working, mark = asyncio.gather(*(teach(n, c) for n, c in enumerate(connections))), None
        while not working.done():
            mark = await look(mark)
        await working
        await look(mark)
        assert known == {f"{number} {turn}" for number in range(5) for turn in range(25)}
    finally:
        for connection in (*connections, watch):
            await connection.close()


def _solved(session: str, customer: str | None, lesson: str, words: str) -> str:
    row = {"session_id": session, "tenant_id": "default", "customer_email": "a@example.com", "problem_description": words,
           "status": "started", "current_step": 0, "total_steps": 0, "started_at": str(clock.now()),
           "updated_at": str(clock.now()), "metadata": {}, "version": 1, "failures": 0, "attempts": 0, "decisions": 0,
           "language": "es", "alternatives": [], "clarifications": [], "already_tried": [], "policy": "p",
           "policy_version": "1", "customer_id": customer}  # fmt: skip
    example = {"id": lesson, "kind": "example", "problem_id": "p", "source": "customer", "text": words, "text_key": words,
               "weight": 0.6, "at": "2026-01-01T00:00:00Z"}  # fmt: skip
    return json.dumps({"expected": None, "session": row, "learning": [example], "attempts": [], "decisions": [], "events": [],
                       "audits": []})  # fmt: skip


@pytest.mark.parametrize(("customers", "second_status"), [(("a", "b"), "accepted"), (("a", "a"), "pending")])
@in_loop
async def test_two_solved_sessions_at_once_do_not_queue(dsn: str, customers: tuple[str, str], second_status: str) -> None:
    ids = [f"00000000-0000-7000-8000-00000000000{n}" for n in range(4)]
    first, second = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        begun, also = first.transaction(), second.transaction()
        await begun.start()
        await also.start()
        assert await first.fetchval(
            "SELECT guiado_commit('default', $1::jsonb)", _solved(ids[0], customers[0], ids[1], "una dos")
        )
        taught = second.fetchval("SELECT guiado_commit('default', $1::jsonb)", _solved(ids[2], customers[1], ids[3], "una dos"))
        assert await asyncio.wait_for(taught, 20)
        await also.commit()
        await begun.commit()
        rows = await first.fetch("SELECT status FROM support_troubleshooting_ml_training ORDER BY id")
        # Who teaches twice at the same moment is not counted twice: the second waits for a person's word.
        assert [row[0] for row in rows] == ["accepted", second_status]
    finally:
        await first.close()
        await second.close()


# ---------------------------------------------------------------------------------------------------------------- bounded

_MANY = """INSERT INTO support_troubleshooting_ml_training (id, text, text_key, problem_id, source, status, created_at)
           SELECT md5($1 || n)::uuid, $1 || n, $1 || n, 'p', $2, $3, now() - make_interval(mins => n) FROM generate_series(1, $4) n"""


@in_loop
async def test_of_each_problem_the_newest_examples_are_kept_and_loaded(dsn: str) -> None:
    async def find() -> str:
        return dsn

    connection, db = await asyncpg.connect(dsn), Database(find, pool_size=1)
    try:
        await connection.execute(_MANY, "cliente ", "customer", "accepted", 500)
        await connection.execute(_MANY, "agente ", "agent", "accepted", 50)
        await connection.execute(_MANY, "espera ", "customer", "pending", 1100)
        await connection.execute("UPDATE support_troubleshooting_ml_training SET created_at = now() - interval '2 years'"
                                 " WHERE source = 'agent'")  # fmt: skip
        async with db.connection() as ours:
            loaded = {each.text for each in await learning.examples(ours, "default", "")}
        expected = {f"agente {n}" for n in range(1, 51)} | {f"cliente {n}" for n in range(1, 151)}
        assert loaded == expected
        assert await connection.fetchval("SELECT guiado_trim_examples('default')") == 350 + 100
        rows = await connection.fetch("SELECT text FROM support_troubleshooting_ml_training WHERE status = 'accepted'")
        assert {row[0] for row in rows} == expected
        assert await connection.fetchval("SELECT guiado_trim_examples('default')") == 0
    finally:
        await db.close()
        await connection.close()


@in_loop
async def test_the_same_words_and_what_was_withdrawn_do_not_pile_up(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_MANY, "igual ", "customer", "accepted", 30)
        await connection.execute("UPDATE support_troubleshooting_ml_training SET text_key = 'igual'")
        await connection.execute(_MANY, "retirado ", "customer", "rejected", 3)
        await connection.execute("UPDATE support_troubleshooting_ml_training SET created_at = now() - interval '91 days'"
                                 " WHERE text = 'retirado 1'")  # fmt: skip
        assert await connection.fetchval("SELECT guiado_trim_examples('default')") == 20 + 1
    finally:
        await connection.close()


@in_loop
async def test_every_change_of_an_example_changes_the_mark_of_its_own_knowledge_base_alone(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TEACH, "uno")
        marks = [await _mark(dsn)]
        for status in ("rejected", "accepted"):
            await connection.execute("UPDATE support_troubleshooting_ml_training SET status = $1", status)
            marks.append(await _mark(dsn))
        assert len(set(marks)) == 3
        await connection.execute(f"{_TEACH.replace('(id,', '(scope, id,').replace('VALUES (', 'VALUES ($2, ')}", "dos", "x")
        assert await _mark(dsn) == marks[-1]
        assert await _mark(dsn, "x")
    finally:
        await connection.close()


@in_loop
async def test_a_server_that_dies_between_leaves_neither_solution_nor_lesson(dsn: str) -> None:
    session_id = "00000000-0000-7000-8000-000000000001"
    lesson = {"id": session_id, "kind": "example", "problem_id": "p", "source": "customer", "text": "una dos", "weight": 0.6,
              "at": "2026-01-01T00:00:00Z"}  # fmt: skip
    row = {"session_id": session_id, "tenant_id": "default", "customer_email": "a@example.com", "problem_description": "x",
           "status": "started", "current_step": 0, "total_steps": 0, "started_at": "2026-01-01T00:00:00Z",
           "updated_at": "2026-01-01T00:00:00Z", "metadata": {}, "version": 1, "failures": 0, "attempts": 0, "decisions": 0,
           "language": "es", "alternatives": [], "clarifications": [], "already_tried": [], "policy": "p",
           "policy_version": "1"}  # fmt: skip
    change = json.dumps({"expected": None, "session": row, "learning": [lesson], "attempts": [], "decisions": [], "events": [],
                         "audits": []})  # fmt: skip
    doomed, watch = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    count = """SELECT (SELECT count(*) FROM support_troubleshooting_sessions), (SELECT count(*) FROM support_troubleshooting_learning),
                      (SELECT count(*) FROM support_troubleshooting_ml_training)"""
    try:
        begun = doomed.transaction()
        await begun.start()
        assert await doomed.fetchval("SELECT guiado_commit('default', $1::jsonb)", change)
        assert tuple(await doomed.fetchrow(count)) == (1, 1, 1)
        await watch.execute("SELECT pg_terminate_backend($1)", doomed.get_server_pid())
        while await watch.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", doomed.get_server_pid()):
            pass
        assert tuple(await watch.fetchrow(count)) == (0, 0, 0)
        assert await watch.fetchval("SELECT guiado_commit('default', $1::jsonb)", change)
        assert tuple(await watch.fetchrow(count)) == (1, 1, 1)
    finally:
        doomed.terminate()
        await watch.close()


# --------------------------------------------------------------------------------------------------------------------- apart


def test_sessions_of_a_private_knowledge_base_do_not_teach_the_public_one(facade, ask, tmp_path: Path) -> None:
    entry = {"problem_title": "Cafetera averiada", "problem_description": "La cafetera no hace café", "category": "otro",
             "steps": [{"step_number": 1, "title": "Enchufa", "description": "", "instructions": ["Enchufa"],
                        "expected_result": "Luz", "warnings": [], "resources": []}], "common_issues": ["la cafetera no hace café"],
             "escalation_criteria": []}  # fmt: skip
    file = tmp_path / "propia.json"
    file.write_text(json.dumps({"cafetera": entry}), encoding="utf-8")
    private = TroubleshootingAgent(knowledge_base_path=file)
    solved(private, "mi cafetera no hace café")
    ((scope,),) = ask("SELECT scope FROM support_troubleshooting_ml_training")
    assert scope
    lost = private.start_troubleshooting("zzz qqq www", "eva@example.com")
    ask("UPDATE support_troubleshooting_sessions SET guide_version_id = NULL, detected_problem_id = NULL, total_steps = 0"
        " WHERE session_id = $1::text::uuid", lost.session_id)  # fmt: skip
    assert guiado(["learn", "correct", lost.session_id, "cafetera"]) == 0
    assert ask("SELECT DISTINCT scope FROM support_troubleshooting_ml_training") == [(scope,)]
    assert guiado(["learn", "correct", lost.session_id, "conexion_internet"]) == 2


def test_what_was_learned_stays_when_its_session_goes_but_not_whose_it_was(agent, ask) -> None:
    session_id = solved(agent)
    ask(
        "UPDATE support_troubleshooting_sessions SET updated_at = now() - interval '400 days' WHERE session_id = $1::text::uuid",
        session_id,
    )
    ask("SELECT * FROM cleanup_old_troubleshooting_data(365)")
    assert ask("SELECT count(*) FROM support_troubleshooting_sessions") == [(0,)]
    assert ask("SELECT status, customer_id FROM support_troubleshooting_ml_training") == [("accepted", None)]
