"""What customers say against detection is kept as a vote: who it is of, what it stops, how long it is kept, and what became of old ones."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from guiado.agent import close_engines
from guiado.agent.troubleshooting import TroubleshootingAgent
from guiado.cli.root import run as guiado
from guiado.store import fitted_models
from guiado.store.database import Database
from guiado.store.migrate import migrate

WORDS = "no me deja instalar el programa"
NAME = "migrations/0070_votes_of_customers.sql"
EXAMPLES = "SELECT label, status, metadata ->> 'vote', metadata ->> 'reviewed' FROM support_troubleshooting_ml_training ORDER BY created_at, label"


def on(dsn: str, query: str, *values: object) -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("ana@example.com", "ana@example.com"),
        ("A.na.Perez+promo+2@Gmail.com", "anaperez@gmail.com"),
        ("ana.perez@googlemail.com", "anaperez@gmail.com"),
        ("ana@sub.example.com", "ana@sub.example.com"),
        ("+@example.com", "@example.com"),
        ('"a@b"@example.com', '"a@example.com'),
    ],
)
def test_a_mailbox_has_many_addresses(dsn: str, address: str, mailbox: str) -> None:
    assert on(dsn, "SELECT guiado_mailbox($1)", address) == [(mailbox,)]


def test_what_is_confirmed_where_detection_was_unsure_is_a_vote(facade: str) -> None:
    agent = TroubleshootingAgent()
    for sure in (0.9, 0.5):
        session_id = agent.start_troubleshooting(f"{WORDS} {sure}", f"ana{sure}@example.com").session_id
        on(
            facade,
            "UPDATE support_troubleshooting_sessions SET detection_confidence = $2 WHERE session_id = $1::text::uuid",
            session_id,
            sure,
        )
        agent.complete_step(session_id, True, outcome="solved")
    assert on(facade, EXAMPLES) == [("positive", "accepted", None, None), ("positive", "accepted", "unsure", None)]


def test_what_a_person_accepts_counts_by_itself(facade: str, capsys: pytest.CaptureFixture[str]) -> None:
    agent = TroubleshootingAgent()
    session_id = agent.start_troubleshooting(WORDS, "ana@example.com").session_id
    on(
        facade,
        "UPDATE support_troubleshooting_sessions SET detection_confidence = 0.5 WHERE session_id = $1::text::uuid",
        session_id,
    )
    agent.complete_step(session_id, True, outcome="solved")
    assert guiado(["learn", "status"]) == 0
    assert "votos de clientes: 1" in capsys.readouterr().out
    (row,) = on(facade, "SELECT id::text FROM support_troubleshooting_ml_training")
    assert guiado(["learn", "review", "--accept", row[0]]) == 0
    assert on(facade, EXAMPLES) == [("positive", "accepted", None, "true")]
    assert guiado(["learn", "status"]) == 0
    assert "aceptados: 1" in capsys.readouterr().out


def test_votes_do_not_displace_what_counts_and_do_not_last(dsn: str) -> None:
    add = """INSERT INTO support_troubleshooting_ml_training (id, text, text_key, problem_id, status, created_at, metadata)
             SELECT gen_random_uuid(), $1 || n, $1 || n % $3, 'p', 'accepted', now() - $4::text::interval, $2::text::jsonb FROM generate_series(1, $5::int) n"""
    on(dsn, add, "cuenta", "{}", 50, "1 day", 50)
    on(dsn, add, "voto", '{"vote": "chosen"}', 250, "0", 250)
    on(dsn, add, "igual", '{"vote": "unsure"}', 1, "0", 12)
    on(dsn, add, "igual", '{"vote": "unsure"}', 1, "2 days", 12)
    on(dsn, add, "viejo", '{"vote": "chosen"}', 5, "181 days", 5)
    on(dsn, "SELECT guiado_trim_examples('default')")
    left = dict(on(dsn, "SELECT rtrim(text, '0123456789'), count(*) FROM support_troubleshooting_ml_training GROUP BY 1"))
    assert (left["cuenta"], left["igual"], left.get("viejo")) == (50, 20, None)
    assert left["voto"] == 199


def test_few_customers_do_not_move_all_confidences(dsn: str) -> None:
    """Of one mailbox three judgements count, and of one domain ten a day; a person's word counts each time."""
    add = """INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, status, detected_problem_id,
                                                           detection_confidence, resolution, true_problem_id)
             SELECT gen_random_uuid(), format($1, n), 'x', 'resolved', 'p', 0.9, 'confirmed', $2 FROM generate_series(1, 30) n"""

    async def judged() -> int:
        async def find() -> str:
            return dsn

        db = Database(find)
        try:
            async with db.connection() as connection:
                return len(await fitted_models.judged(connection, "default", "", timedelta(days=9)))
        finally:
            await db.close()

    counted = []
    for email, truth in (
        ("ana+%s@gmail.com", None),
        ("c%s@example.com", None),
        ("c@example%s.com", None),
        ("b@example.org", "p"),
    ):
        on(dsn, add, email, truth)
        counted.append(asyncio.run(judged()))
    assert counted == [3, 3 + 10, 3 + 10 + 30, 3 + 10 + 30 + 30]


def test_what_older_versions_learned_is_read_as_today(facade: str) -> None:
    agent = TroubleshootingAgent()
    starts = [(f"{WORDS} {n}", f"ana@{n}.example") for n in range(5)]
    sessions = [agent.start_troubleshooting(*each).session_id for each in starts]
    close_engines()
    said = "UPDATE support_troubleshooting_sessions SET clarifications = $2::text::jsonb, detection_confidence = $3 WHERE session_id = $1::text::uuid"
    learned = """INSERT INTO support_troubleshooting_ml_training (id, session_id, text, problem_id, label, status, created_at)
                 VALUES (md5($1)::uuid, $1::text::uuid, $1, 'p', $2, 'accepted', now() + $3 * interval '1 second')"""
    rejected = '[{"options": [], "question": null, "rejected": "p", "said": {"text": "otra cosa"}}]'
    facts = [
        ("negative", rejected, 0.9), ("negative", rejected.replace('{"text": "otra cosa"}', "{}"), 0.9),
        ("positive", rejected, 0.9), ("positive", "[]", 0.5), ("positive", "[]", 0.9),
    ]  # fmt: skip
    for place, (session_id, (label, heard, sure)) in enumerate(zip(sessions, facts, strict=True)):
        on(facade, said, session_id, heard, sure)
        on(facade, learned, session_id, label, place)
    on(
        facade,
        "INSERT INTO support_troubleshooting_ml_training (id, text, problem_id, status) VALUES (gen_random_uuid(), 'x', 'p', 'pending')",
    )
    (draft,) = on(facade, "SELECT id FROM support_troubleshooting_ml_training WHERE text = 'x'")
    on(facade, "SELECT guiado_judge('default', ARRAY[$1::uuid], 'accepted', 'agent', 'review', now())", draft[0])
    on(
        facade,
        "UPDATE support_troubleshooting_ml_training SET metadata = '{}', created_at = now() + interval '1 hour' WHERE text = 'x'",
    )
    expected = [
        ("negative", "accepted", "rejected", None), ("negative", "accepted", "empty", None), ("positive", "accepted", "chosen", None),
        ("positive", "accepted", "unsure", None), ("positive", "accepted", None, None), ("positive", "accepted", None, "true"),
    ]  # fmt: skip
    for _ in range(2):
        on(facade, "DELETE FROM support_schema_migrations WHERE name = $1", NAME)
        assert NAME in asyncio.run(migrate(facade))
        assert on(facade, EXAMPLES) == expected
