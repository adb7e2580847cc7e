"""A database whose sessions all had to have an address: after the migration they need none, and the terminal shows them."""

from __future__ import annotations

import asyncio
import json

import pytest
from statements import execute

from guiado.agent import close_engines
from guiado.agent.troubleshooting import TroubleshootingAgent
from guiado.app import commands
from guiado.app.sessions import start
from guiado.app.sessions.ranking import rank
from guiado.app.validation import check
from guiado.cli.root import run as guiado
from guiado.store.migrate import migrate
from guiado.sync import engine

NAME = "migrations/0090_sessions_without_an_address.sql"
TABLES = ("support_troubleshooting_sessions", "support_troubleshooting_feedback")
WORDS = "no me deja instalar el programa"


def begin(words: str) -> str:
    """Begin a session without an address; returns its id."""
    command, running = check(commands.StartHere, {"problem_description": words}), engine()
    knowledge = running.runtime.knowledge
    ranking = running.portal.call(rank, knowledge.snapshot, words)
    return running.door("web").write(start.start, knowledge, command, None, ranking).session.session_id


def test_an_older_database_takes_sessions_without_an_address(facade: str, capsys: pytest.CaptureFixture[str]) -> None:
    agent = TroubleshootingAgent()
    before = agent.start_troubleshooting(WORDS, "ana@example.com").session_id
    close_engines()
    execute(
        facade,
        *(f"ALTER TABLE {table} ALTER COLUMN customer_email SET NOT NULL" for table in TABLES),
        f"DELETE FROM support_schema_migrations WHERE name = '{NAME}'",
    )
    assert NAME in asyncio.run(migrate(facade))
    session_id = begin(WORDS)
    assert agent.collect_feedback(session_id, 5)["customer_email"] is None
    assert agent.escalate_ticket(session_id)["customer_email"] is None
    assert agent.get_session(session_id).customer_email is None
    assert agent.get_session(before).customer_email == "ana@example.com"
    for width in ("200", "60"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", width)
            assert guiado(["sessions", "list"]) == 0
            assert "sin correo" in capsys.readouterr().out
    assert guiado(["sessions", "show", session_id]) == 0
    assert "sin correo" in capsys.readouterr().out
    assert guiado(["sessions", "list", "--json"]) == 0
    shown = {each["session_id"]: each["customer_email"] for each in json.loads(capsys.readouterr().out)}
    assert shown == {before: "ana@example.com", session_id: None}
