"""What customers write never commands the terminal of the operator who reads it."""

from __future__ import annotations

import asyncio
import re

import asyncpg
from payloads import payloads

from guiado.agent import TroubleshootingAgent

COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
TEXTS = "customer_name", "problem_description", "ticket_id", "source", "escalation_reason", "device", "product"


def written(dsn: str, session_id: str, text: str) -> None:
    """As a program of somebody else's writes it, past every check of ours."""

    async def write() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            rows = await connection.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'support_troubleshooting_sessions'"
                " AND data_type = 'text' AND is_generated = 'NEVER' AND is_updatable = 'YES'"
            )
            names = [row[0] for row in rows if row[0] in TEXTS]
            assert {"customer_name", "problem_description"} <= set(names)
            sets = ", ".join(f"{name} = $2" for name in names)
            await connection.execute(
                f"UPDATE support_troubleshooting_sessions SET {sets} WHERE session_id = $1", session_id, text
            )
        finally:
            await connection.close()

    asyncio.run(write())


def test_escape_sequences_of_a_customer_do_not_reach_the_terminal(facade, here):
    session = TroubleshootingAgent().start_troubleshooting("No puedo instalar el software", "ana@example.com").session_id
    hostile = "x ".join(text.replace("\x00", "") for text in payloads("script") if COMMANDS.search(text) or text.startswith("["))
    assert len(COMMANDS.findall(hostile)) > 15
    TroubleshootingAgent().complete_step(session, success=False, notes=hostile)
    written(facade, session, hostile)
    for words in (
        ("sessions",),
        ("sessions", "list"),
        ("sessions", "show", session),
        ("sessions", "resume", session),
        ("sessions", "--json"),
    ):
        ran = here(*words)
        assert ran.code in {0, 1}, ran
        assert not COMMANDS.search(ran.out + ran.err), (words, COMMANDS.findall(ran.out + ran.err))
    here("chat", typed=f"{hostile}\nana@example.com\n")
