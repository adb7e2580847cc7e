"""`/readyz` says whether work can be done: by a new connection, and soon."""

from __future__ import annotations

import asyncio
import json
import socket
import time

import httpx2
from statements import execute

from guiado.store.backup.pg_programs import with_database


def database_of(server) -> tuple[int, str]:
    answer = httpx2.get(f"{server.url}/readyz", timeout=10)
    return answer.status_code, answer.json()["checks"]["database"]


def test_a_database_that_takes_no_writes_is_not_ready(server, module_dsn):
    name = module_dsn.partition("?")[0].rpartition("/")[2]
    assert database_of(server) == (200, "ok")
    execute(module_dsn, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        assert database_of(server) == (503, "unavailable")
    finally:
        execute(
            module_dsn, "SET default_transaction_read_only = off", f"ALTER DATABASE {name} RESET default_transaction_read_only"
        )
    assert database_of(server) == (200, "ok")


def test_connections_that_are_open_already_prove_nothing(server, module_dsn):
    name = module_dsn.partition("?")[0].rpartition("/")[2]
    admin = with_database(module_dsn, "postgres")
    execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        assert database_of(server) == (503, "unavailable")
    finally:
        execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert database_of(server) == (200, "ok")


def test_a_server_that_hangs_is_said_within_seconds(server):
    db = server.runtime.parts.db
    known = db._dsn
    with socket.create_server(("127.0.0.1", 0), backlog=20) as silent:
        db._dsn = f"postgresql://ana@127.0.0.1:{silent.getsockname()[1]}/x"
        begun = time.monotonic()
        assert database_of(server) == (503, "unavailable")
        assert time.monotonic() - begun < 3.5
    db._dsn = known


def test_a_worse_edit_is_in_use_and_warned_of(serve, dsn, tmp_path):
    """The service stays ready: an edit counts at once, and whoever watches over it hears what it costs."""
    quick, slow = ({"title": title, "instructions": [title], "minutes": minutes, "chance": chance, "step_id": title}
                   for title, minutes, chance in (("enchufa", 2, 0.5), ("restablece", 25, 0.1)))  # fmt: skip

    def write(*steps: dict[str, object]) -> None:
        entry = {"problem_title": "No sale café", "common_issues": ["no sale café"], "steps": list(steps)}
        kb.write_text(json.dumps({"cafetera": entry}), "utf-8")

    def told() -> tuple[int, str]:
        asyncio.run_coroutine_threadsafe(knowledge.refresh(), server.loop).result(20)
        knowledge.watch.wait(20)
        answer = httpx2.get(f"{server.url}/readyz", timeout=10)
        return answer.status_code, answer.json()["checks"]["knowledge_base"]

    kb = tmp_path / "kb.json"
    write(quick, slow)
    server = serve(dsn, GUIADO_KB_PATH=str(kb), GUIADO_ENCODER="lexical")
    knowledge = server.runtime.knowledge
    assert told() == (200, "ok")
    write(slow, quick)
    status, said = told()
    assert (status, knowledge.snapshot.guides["cafetera"].steps[0].title) == (200, "restablece")
    assert said.startswith("doubtful: cafetera: Una sesión costaría")
    write(quick, slow)
    assert told() == (200, "ok")
