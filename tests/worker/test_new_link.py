"""A new link by mail: for an expired one, to the address that the session has, once in ten minutes, and stored nowhere."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from test_notifications import Desk, play
from test_sending import Time, until, working

from guiado import clock
from guiado.app.access import customer_links, key_format
from guiado.app.context import Scope

BASE = "https://ayuda.example.com/soporte"
SESSION = """INSERT INTO support_troubleshooting_sessions (session_id, customer_email, problem_description, language)
             VALUES ($1, $2, 'no va', $3)"""
LINK = """INSERT INTO support_customer_links (link_id, session_id, token_hash, expires_at, revoked_at)
          VALUES ($1, $2, $3, now() + $4 * interval '1 second', CASE WHEN $5 THEN now() END)"""
TEXTS = """SELECT string_agg(n::text, '') || string_agg(l::text, '') || (SELECT string_agg(a::text, '') FROM support_troubleshooting_audit_log a)
             FROM support_troubleshooting_notifications n, support_customer_links l"""
STATUS = "SELECT status, attempts FROM support_troubleshooting_notifications WHERE notification_type = 'new_link' ORDER BY id"


async def ask(desk: Desk, query: str, *values: object) -> list[tuple[Any, ...]]:
    async with desk.house.parts.db.connection() as connection:
        return [tuple(dict(row).values()) for row in await connection.fetch(query, *values)]


async def token_of(desk: Desk, email: str | None, *, lasts_s: float = -60, revoked: bool = False, language: str = "es") -> str:
    """The token of a link, expired if nothing else is said, to a session of its own."""
    token, session_id = key_format.new_link_token(), clock.new_id()
    await ask(desk, SESSION, session_id, email, language)
    await ask(desk, LINK, clock.new_id(), session_id, key_format.digest(token), lasts_s, revoked)
    return token


async def send(desk: Desk, token: str) -> None:
    assert await customer_links.send_new_link(desk.house.parts, Scope(channel="web"), token, BASE, 30) is None


def test_an_expired_link_gets_a_new_one_by_mail(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        token = await token_of(desk, "ana@example.com", language="en")
        await desk.wants(quiet_from="00:00", quiet_to="23:59")
        for _ in range(3):
            await send(desk, token)
        desk.post.on_recipient = "451 luego"
        async with working(desk.messenger()):
            await until(lambda: has(desk, [("pending", 1)]))
            desk.post.on_recipient = None
            time.pass_(minutes=2)
            await until(lambda: has(desk, [("sent", 2)]))
            time.pass_(minutes=11)
            await send(desk, token)
            await until(lambda: has(desk, [("sent", 2), ("sent", 1)]))
        assert [mail["subject"] for mail in desk.mails] == ["Your new link · guiado"] * 2
        assert {mail["to"] for mail in desk.mails} == {"ana@example.com"}
        fresh = [found for text in desk.texts() for found in re.findall(rf"{BASE}/ayuda/(gl_\w+)", text)]
        assert len(set(fresh)) == 2
        live = await ask(desk, "SELECT token_hash FROM support_customer_links WHERE expires_at > now() + interval '29 days'")
        assert {key_format.digest(each) for each in fresh} <= {each for (each,) in live}
        ((stored,),) = await ask(desk, TEXTS)
        assert "gl_" not in stored

    play(dsn, test)


async def has(desk: Desk, rows: list[tuple[str, int]]) -> bool:
    return await ask(desk, STATUS) == rows


def test_nothing_is_sent_where_a_link_or_a_session_does_not_deserve_it(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        tokens = [
            await token_of(desk, None),
            await token_of(desk, "ana@example.com", revoked=True),
            await token_of(desk, "ana@example.com", lasts_s=600),
            erased := await token_of(desk, "eva@example.com"),
            key_format.new_link_token(),
            "no es un enlace",
        ]
        gone = "DELETE FROM support_customer_links WHERE token_hash = $1 RETURNING session_id"
        ((session_id,),) = await ask(desk, gone, key_format.digest(erased))
        await ask(desk, "DELETE FROM support_troubleshooting_sessions WHERE session_id = $1", session_id)
        for token in tokens:
            await send(desk, token)
        parts = replace(desk.house.parts, has_account=lambda _channel: False)
        await customer_links.send_new_link(parts, Scope(), await token_of(desk, "ana@example.com"), BASE, 30)
        assert await ask(desk, STATUS) == []

    play(dsn, test)


def test_a_session_with_another_address_by_now_sends_none(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        await send(desk, await token_of(desk, "ana@example.com"))
        await ask(desk, "UPDATE support_troubleshooting_sessions SET customer_email = 'otra@example.com'")
        async with working(desk.messenger()):
            await until(lambda: has(desk, [("failed", 1)]))
        assert desk.mails == []
        assert await ask(desk, "SELECT count(*) FROM support_customer_links") == [(1,)]

    play(dsn, test)
