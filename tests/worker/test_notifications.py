"""Notifications reach people: each by itself, in their language, when they want it, once, and again when it failed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as modern
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP as MailServer  # noqa: N811
from test_channels import Post
from test_sending import LOOPBACK, House, Time, run, until, working

from guiado import clock
from guiado.app import commands, messaging, notifications, recipients
from guiado.app.messaging import Messenger
from guiado.delivery.channels import Channel, Outgoing, Receipt, make_channel
from guiado.domain.events import EventKind
from guiado.errors import InvalidInput
from guiado.settings import read_settings
from guiado.store.database import Connection


@dataclass
class Desk:
    """A house with a messenger, a mail server and a receiver for the channels that speak HTTP."""

    house: House
    post: Post
    settings: dict[str, Any]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.house.receiver.port}"

    def messenger(self, name: str = "uno") -> Messenger:
        return Messenger(self.house.parts, self.channel, name)

    def channel(self, kind: str) -> Channel:
        return make_channel(kind, read_settings(**self.settings), self.house.client, LOOPBACK)

    async def on(self, action: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
        async with self.house.parts.db.connection() as connection:
            return await action(self.house.parts, connection, *args, **more)

    async def send(self, channel: str = "email", recipient: str = "ana@example.com", **more: Any) -> str:
        metadata = more.pop("metadata", None)
        given = {"notification_type": "aviso", "subject": "Asunto", "message": "Hola", **more}
        command = commands.Notification(channel=channel, recipient=recipient, **given)
        stored, _ = await self.on(notifications.store, command, metadata)
        return stored["id"]

    async def wants(self, channel: str = "email", recipient: str = "ana@example.com", **more: Any) -> None:
        await self.on(recipients.put, commands.Recipient(channel=channel, recipient=recipient, **more))

    async def look(self, notification_id: str) -> dict[str, Any]:
        async with self.house.parts.db.connection() as connection:
            row: Any = await connection.fetchrow(
                "SELECT * FROM support_troubleshooting_notifications WHERE id = $1::uuid", notification_id
            )
        return dict(row)

    async def told(self, *ids: str) -> None:
        async def all_told() -> bool:
            found = [await self.look(one) for one in ids]
            return all(row["status"] != "pending" or row["attempts"] or row["note"] for row in found)

        await until(all_told)

    @property
    def mails(self) -> list[Any]:
        return [message_from_bytes(one.content, policy=modern) for one in self.post.mails]

    def texts(self) -> list[str]:
        return [mail.get_body(("plain",)).get_content() for mail in self.mails]


def play(dsn: str, test: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
    async def go(house: House) -> None:
        post = Post()
        listener = await asyncio.get_running_loop().create_server(lambda: MailServer(post, hostname="correo"), "127.0.0.1", 0)
        mail = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": listener.sockets[0].getsockname()[1], "SMTP_TLS": "none"}
        mail["SMTP_FROM"] = "Soporte <soporte@example.com>"
        try:
            await test(Desk(house, post, mail | settings))
        finally:
            listener.close()
            await listener.wait_closed()

    run(dsn, go)


# ------------------------------------------------------------------------------------------------------------- targets


def test_one_of_five_targets_fails_and_only_that_one_is_tried_again(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        monkeypatch.setattr(messaging, "POLL_S", 0.02)
        urls = [{"webhook_url": f"{desk.url}/{name}"} for name in "abcd"]
        desk.house.receiver.answers["/c"] = (500, {})
        ids = [await desk.send("webhook", name, metadata=url) for name, url in zip("abcd", urls, strict=True)]
        ids.append(await desk.send())
        async with working(desk.messenger()):
            await desk.told(*ids)
            rows = [await desk.look(one) for one in ids]
            assert [row["status"] for row in rows] == ["sent", "sent", "pending", "sent", "sent"]
            assert rows[2]["error_message"].startswith("HTTP 500")
            del desk.house.receiver.answers["/c"]
            time.pass_(seconds=15)
            await until(lambda: is_sent(desk, ids[2]))
        assert (await desk.look(ids[2]))["attempts"] == 2
        paths = [path for path, _, _ in desk.house.receiver.got]
        assert sorted(paths) == ["/a", "/b", "/c", "/c", "/d"]
        twice = [headers["webhook-id"] for path, headers, _ in desk.house.receiver.got if path == "/c"]
        assert twice == [ids[2]] * 2
        assert len(desk.mails) == 1

    play(dsn, test)


def test_a_target_that_stays_down_is_given_up_and_can_be_asked_for_again(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        monkeypatch.setattr(messaging, "POLL_S", 0.01)
        desk.post.on_recipient = "451 luego"
        one, begun = await desk.send(), clock.now()
        async with working(desk.messenger()):
            for attempt in range(1, 9):
                await until(lambda attempt=attempt: has_attempts(desk, one, attempt))
                row = await desk.look(one)
                if row["status"] == "pending":
                    time.now = row["due_at"]
            assert (await desk.look(one))["status"] == "failed"
            assert timedelta(hours=13) < clock.now() - begun < timedelta(hours=21)
            desk.post.on_recipient = ""
            assert await desk.on(notifications.again, one) == 1
            await until(lambda: is_sent(desk, one))
        assert len(desk.mails) == 1
        with pytest.raises(InvalidInput, match="notification_id"):
            await desk.on(notifications.again, one)

    play(dsn, test)


def test_what_can_never_arrive_is_not_tried_again(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        desk.post.on_recipient = "550 no existe"
        desk.house.receiver.answers["/gone"] = (404, {})
        ids = [
            await desk.send(),
            await desk.send("webhook", "x", metadata={"webhook_url": f"{desk.url}/gone"}),
            await desk.send("webhook", "y", metadata={"webhook_url": "http://10.0.0.1/"}),
            await desk.send("teams", "z"),
        ]
        async with working(desk.messenger()):
            await desk.told(*ids)
        rows = [await desk.look(one) for one in ids]
        assert [(row["status"], row["attempts"]) for row in rows] == [("failed", 1)] * 4
        assert "GUIADO_PRIVATE_TARGETS" in rows[2]["error_message"]

    play(dsn, test)


def test_a_channel_that_is_not_set_up_says_so_and_waits_for_one_that_is(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        mail, desk.settings = desk.settings, {}
        one = await desk.send()
        async with working(desk.messenger()):
            await desk.told(one)
        row = await desk.look(one)
        assert row["status"] == "pending"
        assert "SMTP_HOST" in row["error_message"]
        desk.settings = mail
        time.pass_(seconds=15)
        async with working(desk.messenger("dos")):
            await until(lambda: is_sent(desk, one))

    play(dsn, test)


def test_a_channel_that_hangs_or_breaks_holds_no_other_up(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hangs:
        async def send(self, outgoing: Outgoing) -> Receipt:
            if outgoing.recipient == "roto":
                raise ValueError("esto no debe pasar")
            await asyncio.Event().wait()
            raise AssertionError

    async def test(desk: Desk) -> None:
        monkeypatch.setattr(messaging, "SEND_S", 0.3)
        monkeypatch.setattr(desk, "channel", lambda kind: Hangs() if kind == "push" else Desk.channel(desk, kind))
        stuck = [await desk.send("push", f"tema{n}") for n in range(30)] + [await desk.send("push", "roto")]
        one = await desk.send()
        async with working(desk.messenger()):
            await desk.told(one)
            assert (await desk.look(one))["status"] == "sent"
            await desk.told(*stuck)
        rows = [await desk.look(each) for each in stuck]
        assert {row["status"] for row in rows} == {"pending"}
        assert "0 s" in rows[0]["error_message"]
        assert rows[-1]["error_message"] == "ValueError"

    play(dsn, test)


def test_two_messengers_send_each_message_once(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        ids = [await desk.send("webhook", f"r{n}", metadata={"webhook_url": f"{desk.url}/todos"}) for n in range(60)]
        async with working(desk.messenger(), desk.messenger("dos")):
            await desk.told(*ids)
        assert sorted(headers["webhook-id"] for _, headers, _ in desk.house.receiver.got) == sorted(ids)

    play(dsn, test)


def test_what_a_dead_messenger_held_goes_out_with_the_same_id(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        desk.house.receiver.stalls.add("/x")
        one = await desk.send("webhook", "x", metadata={"webhook_url": f"{desk.url}/x"})
        dying = asyncio.create_task(desk.messenger().run())
        await until(lambda: has_come(desk, 1))
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        desk.house.receiver.stalls.clear()
        row = await desk.look(one)
        assert row["leased_by"] == "uno"
        assert (row["status"], row["attempts"]) == ("pending", 0)
        async with desk.house.parts.db.connection() as connection:
            held: Any = await connection.fetchval(
                "SELECT extract(epoch FROM max(leased_until) - now()) FROM support_troubleshooting_notifications"
            )
            assert 0 < held <= 60
            await connection.execute("UPDATE support_troubleshooting_notifications SET leased_until = now()")
        async with working(desk.messenger("dos")):
            await until(lambda: is_sent(desk, one))
        assert [headers["webhook-id"] for _, headers, _ in desk.house.receiver.got] == [one, one]

    play(dsn, test)


# -------------------------------------------------------------------------------------------------------------- wishes


def test_quiet_hours_hold_messages_until_the_morning_and_urgent_ones_pass(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        monkeypatch.setattr(messaging, "POLL_S", 0.01)
        time.now = time.now.replace(hour=23, minute=30)
        await desk.wants(quiet_from="22:00", quiet_to="07:00", muted=["promo"])
        calm, urgent = await desk.send(), await desk.send(subject="Ya", priority="urgent")
        muted = await desk.send(notification_type="promo", subject="Oferta")
        async with working(desk.messenger()):
            await desk.told(calm, urgent, muted)
            assert [mail["subject"] for mail in desk.mails] == ["Ya"]
            assert "07:00" in (await desk.look(calm))["note"]
            assert (await desk.look(muted))["status"] == "cancelled"
            time.pass_(hours=7, minutes=31)
            await until(lambda: is_sent(desk, calm))
        assert [mail["subject"] for mail in desk.mails] == ["Ya", "Asunto"]

    play(dsn, test)


def test_a_digest_gathers_what_came_into_one_message(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        monkeypatch.setattr(messaging, "POLL_S", 0.01)
        await desk.wants(digest_minutes=30, language="en")
        ids = [await desk.send(subject=f"Asunto {n}", message=f"Cuerpo {n}") for n in range(12)]
        other = await desk.send(recipient="leo@example.com")
        async with working(desk.messenger(), desk.messenger("dos")):
            await desk.told(*ids, other)
            assert [mail["to"] for mail in desk.mails] == ["leo@example.com"]
            time.pass_(minutes=31)
            for one in ids:
                await until(lambda one=one: is_sent(desk, one))
        (_, *digests) = desk.mails
        said = "".join(mail.get_body(("plain",)).get_content() for mail in digests)
        assert all(f"Asunto {n}" in said and f"Cuerpo {n}" in said for n in range(12))
        assert len(digests) == 1
        assert all(mail["subject"].endswith(" notices") for mail in digests)

    play(dsn, test)


def test_the_same_message_twice_within_ten_minutes_is_one(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        first, *others = await asyncio.gather(*(desk.send() for _ in range(8)))
        assert set(others) == {first}
        assert await desk.send(message="Otra cosa") != first
        assert await desk.send(recipient="leo@example.com") != first
        assert await desk.send(priority="urgent") != first
        time.pass_(minutes=11)
        assert await desk.send() != first

    play(dsn, test)


# -------------------------------------------------------------------------------------------------------------- events


@pytest.mark.parametrize(
    ("language", "subject", "needs", "nothing"),
    [
        ("es", "Una persona debe atender el ticket T-7", "Luz necesita ayuda de una persona.", "Todavía no se intentó nada."),
        ("en", "Ticket T-7 needs a person", "Luz needs help from a person.", "Nothing has been tried yet."),
        ("pt", "O ticket T-7 precisa de uma pessoa", "Luz precisa da ajuda de uma pessoa.", "Ainda não se tentou nada."),
    ],
)
def test_an_escalation_tells_whoever_asked_for_it(dsn: str, language: str, subject: str, needs: str, nothing: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.wants(events=[EventKind.SESSION_ESCALATED], language=language)
        await desk.wants(recipient="nadie@example.com", events=[EventKind.FEEDBACK_RECEIVED])
        async with desk.house.parts.db.transaction() as connection:
            await escalated(connection)
        async with working(desk.messenger()):
            await until(lambda: has_mails(desk, 1))
        (mail,), (said,) = desk.mails, desk.texts()
        (stored,) = await desk.on(notifications.every)
        assert (stored["subject"], stored["message"].splitlines()) == (subject, said.splitlines()), "what was said is kept"
        assert (mail["to"], mail["subject"]) == ("ana@example.com", subject)
        assert needs in said
        assert nothing in said
        assert "«se me cayó todo»" in said or "“se me cayó todo”" in said

    play(dsn, test)


def test_a_change_that_is_taken_back_tells_nobody(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.wants(events=[EventKind.SESSION_ESCALATED])
        async with desk.house.parts.db.connection() as connection:
            change = connection.transaction()
            await change.start()
            await escalated(connection)
            await change.rollback()
        await desk.house.trigger(1)  # sent by hand, for webhooks
        async with desk.house.parts.db.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM support_troubleshooting_notifications") == 0

    play(dsn, test)


def test_slack_alone_is_enough_and_what_was_changed_by_hand_stays(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        desk.settings["SLACK_WEBHOOK_URL"] = f"{desk.url}/slack"
        await desk.on(recipients.offer_slack)
        async with desk.house.parts.db.transaction() as connection:
            await escalated(connection)
        async with working(desk.messenger()):
            await until(lambda: has_come(desk, 1))
        ((path, _, body),) = desk.house.receiver.got
        assert path == "/slack"
        assert "Luz necesita ayuda" in json.dumps(json.loads(body), ensure_ascii=False)
        await desk.wants("slack", "soporte", events=[])
        await desk.on(recipients.offer_slack)
        (stored,) = await desk.on(recipients.every)
        assert stored.events == ()

    play(dsn, test)


def test_an_operators_own_template_goes_first_and_hostile_words_stay_words(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.on(notifications.register_template, "session_escalated", "{ticket_id} {x.y} {0}", "{customer_name}: {reason}")
        await desk.on(notifications.register_template, "session_escalated.pt", "Em português", "{customer_name}")
        await desk.wants(events=[EventKind.SESSION_ESCALATED])
        await desk.wants(recipient="rui@example.com", events=[EventKind.SESSION_ESCALATED], language="pt")
        async with desk.house.parts.db.transaction() as connection:
            await escalated(connection, reason="{ticket_id} %s ${x}\r\nBcc: otro@example.com")
        async with working(desk.messenger()):
            await until(lambda: has_mails(desk, 2))
        by_recipient = {mail["to"]: mail for mail in desk.mails}
        assert by_recipient["ana@example.com"]["subject"] == "T-7 {x.y} {0}"
        assert "{ticket_id} %s ${x}" in by_recipient["ana@example.com"].get_body(("plain",)).get_content()
        assert by_recipient["rui@example.com"]["subject"] == "Em português"
        assert all(mail["bcc"] is None for mail in desk.mails)

    play(dsn, test)


# --------------------------------------------------------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"recipient": "a@example.com\r\nBcc: b@example.com"}, "recipient"),
        ({"recipient": "no"}, "recipient"),
        ({"channel": "sms", "recipient": "600112233"}, "recipient"),
        ({"channel": "webhook", "recipient": "file:///etc/passwd"}, "recipient"),
        ({"channel": "teams", "recipient": "x", "webhook_url": "http://a b/"}, "webhook_url"),
        ({"subject": None, "message": None}, "message"),
        ({"subject": None, "message": None, "notification_type": "session_escalated"}, "message"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_field(dsn: str, given: dict[str, Any], field: str) -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(InvalidInput) as caught:
            await desk.send(**given)
        assert [problem.field for problem in caught.value.problems] == [field]

    play(dsn, test)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"time_zone": "Marte/Olimpo"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"quiet_from": "22:00"}, "quiet_to"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "quiet_to"),
        ({"recipient": "no"}, "recipient"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_by_field(dsn: str, given: dict[str, Any], field: str) -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(InvalidInput) as caught:
            await desk.wants(**given)
        assert [problem.field for problem in caught.value.problems] == [field]

    play(dsn, test)


async def escalated(connection: Connection, reason: str = "Lo pidió") -> None:
    """A session that needs a person, as the schema stores its event."""
    session_id = clock.new_id()
    await connection.execute(
        "INSERT INTO support_troubleshooting_sessions (session_id, ticket_id, customer_email, customer_name, problem_description, status)"
        " VALUES ($1, 'T-7', 'luz@example.com', 'Luz', 'se me cayó todo', 'needs_escalation')",
        session_id,
    )
    event = {
        "event_id": str(clock.new_id()), "tenant_id": "default", "session_id": str(session_id), "event": "session_escalated",
        "data": {"session_id": str(session_id), "ticket_id": "T-7", "reason": reason}, "occurred_at": clock.now().isoformat(),
    }  # fmt: skip
    await connection.execute("SELECT guiado_emit($1, $2)", "default", [event])


async def is_sent(desk: Desk, notification_id: str) -> bool:
    return (await desk.look(notification_id))["status"] == "sent"


async def has_attempts(desk: Desk, notification_id: str, attempts: int) -> bool:
    return (await desk.look(notification_id))["attempts"] >= attempts


async def has_come(desk: Desk, count: int) -> bool:
    return len(desk.house.receiver.got) >= count


async def has_mails(desk: Desk, count: int) -> bool:
    return len(desk.post.mails) >= count
