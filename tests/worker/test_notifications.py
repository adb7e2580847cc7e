"""Notifications reach people: each by itself, in their language, when they want it, once, and again when it failed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.policy import default as modern
from pathlib import Path
from typing import Any
from uuid import UUID

import asking
import pytest
from aiosmtpd.smtp import SMTP as MailServer  # noqa: N811
from test_channels import Post
from test_sending import LOOPBACK, House, Time, run, until, working

from guiado import clock
from guiado.app import commands
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.outbound import notification_sender, notifications, recipients
from guiado.app.outbound.notification_sender import NotificationSender
from guiado.app.outbound.queue import Queue
from guiado.delivery.channels import Channel, Outgoing, Receipt, make_channel
from guiado.delivery.channels.common.gsm import is_gsm
from guiado.domain.events import EventKind
from guiado.domain.guide_versions import guide_to_json
from guiado.errors import InvalidInput
from guiado.settings import read_settings
from guiado.store import notifications as store
from guiado.store.channel_diagnostics import look_at_channels
from guiado.store.check_result import CheckState
from guiado.store.database import Connection
from guiado.store.migrate import schema_files

ADDRESSED = ("slack", "teams", "discord", "webhook")


@dataclass
class Desk:
    """A house with a messenger, a mail server and a receiver for the channels that speak HTTP."""

    house: House
    post: Post
    settings: dict[str, Any]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.house.receiver.port}"

    def messenger(self, name: str = "uno") -> Queue:
        return Queue(self.house.parts, name, [NotificationSender(self.house.parts, self.channel, name)])

    def channel(self, kind: str) -> Channel:
        return make_channel(kind, read_settings(**self.settings), self.house.client, LOOPBACK)

    async def on(self, action: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
        async with self.house.parts.db.connection() as connection:
            return await action(self.house.parts.work(connection), *args, **more)

    async def in_store(self, action: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        async with self.house.parts.db.connection() as connection:
            return await action(connection, *args)

    async def send(self, channel: str = "email", recipient: str = "ana@example.com", **more: Any) -> str:
        metadata = more.pop("metadata", None)
        given = {"notification_type": "aviso", "subject": "Asunto", "message": "Hola", **more}
        command = commands.Notification(channel=channel, recipient=recipient, **given)
        stored, _ = await self.on(notifications.store, command, metadata)
        return stored.id

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

        def serve() -> MailServer:
            return MailServer(post, hostname="correo", authenticator=post.log_in, auth_require_tls=False)

        listener = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
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
        desk.house.receiver.answers["/gone"] = (410, {})
        ids = [
            await desk.send(),
            await desk.send("webhook", "x", metadata={"webhook_url": f"{desk.url}/gone"}),
            await desk.send("webhook", "y", metadata={"webhook_url": "http://10.0.0.1/"}),
        ]
        async with working(desk.messenger()):
            await desk.told(*ids)
        rows = [await desk.look(one) for one in ids]
        assert [(row["status"], row["attempts"]) for row in rows] == [("failed", 1)] * 3
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
        monkeypatch.setattr(notification_sender, "SEND_S", 0.3)
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
        assert "El registro del servicio" in rows[-1]["error_message"]

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
        assert all(mail["subject"].endswith(" notifications") for mail in digests)

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
        ((stored,), has_more) = await desk.on(notifications.page, commands.NotificationPage())
        assert not has_more
        assert (stored.subject, stored.message.splitlines()) == (subject, said.splitlines()), "what was said is kept"
        assert (mail["to"], mail["subject"]) == ("ana@example.com", subject)
        assert needs in said
        assert nothing in said
        assert "«se me cayó todo»" in said or "“se me cayó todo”" in said

    play(dsn, test)


def test_whoever_takes_over_reads_what_the_customer_answered(dsn: str, tmp_path: Path) -> None:
    guide, version = read_file(asking.write(tmp_path / "kb.json")).guides["cafetera"], clock.new_id()
    answers = [{"question_id": "luz", "answer_id": "roja"}, {"question_id": "cuando"}, {"question_id": "gone", "answer_id": "x"}]

    async def test(desk: Desk) -> None:
        await desk.wants(events=[EventKind.SESSION_ESCALATED])
        async with desk.house.parts.db.transaction() as connection:
            await connection.execute(
                "INSERT INTO support_troubleshooting_guide_versions (tenant_id, guide_version_id, guide_id, version, content_hash, content)"
                " VALUES ('default', $1, 'cafetera', 1, 'x', $2)", version, guide_to_json(guide))  # fmt: skip
            await escalated(connection)
            await connection.execute(
                "UPDATE support_troubleshooting_sessions SET detected_problem_id = 'cafetera', guide_version_id = $1, guide_answers = $2",
                version, answers)  # fmt: skip
        async with working(desk.messenger()):
            await until(lambda: has_mails(desk, 1))
        (said,) = desk.texts()
        heard = ["Todavía no se intentó nada.", "Lo que contestó:", f"• {asking.LIGHT} Roja", "• ¿Desde cuándo pasa? no lo sabe"]
        assert "\n".join(heard) in said.replace("\r\n", "\n")
        assert "gone" not in said

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


# --------------------------------------------------------------------------------------------- whose fault, and again


def test_an_expired_password_costs_no_message_and_one_command_sends_them_all(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        time = Time(monkeypatch)
        desk.post.replies["AUTH"] = "535 5.7.8 bad password"
        desk.settings |= {"SMTP_USER": "ana", "SMTP_PASSWORD": "vieja"}
        ids = [await desk.send(message=f"aviso {number}") for number in range(3)]
        async with working(desk.messenger()):
            await desk.told(*ids)
        rows = [await desk.look(one) for one in ids]
        assert {row["status"] for row in rows} == {"pending"}
        assert all("SMTP_PASSWORD" in row["error_message"] for row in rows)
        begun = clock.now()
        time.pass_(seconds=480)
        (refused,) = await desk.in_store(store.refused, "default", clock.now(), ADDRESSED)
        assert (refused.channel, refused.recipient, refused.count) == ("email", None, 3)
        assert 470 <= refused.refused_s <= 490
        (figures,) = await desk.in_store(store.figures, "default", clock.now())
        assert figures.oldest_s >= 480, "what fails waits, whether or not it is due now"
        await give_up(desk, ids[:2])
        desk.post.replies.clear()
        assert await desk.on(notifications.retry, commands.RetryNotifications(channel="sms")) == 0
        assert await desk.on(notifications.retry, commands.RetryNotifications(since=begun + timedelta(days=1))) == 0
        assert await desk.on(notifications.retry, commands.RetryNotifications(status="pending")) == 1
        assert await desk.on(notifications.retry, commands.RetryNotifications(status="failed", channel="email")) == 2
        assert await desk.on(notifications.retry, commands.RetryNotifications()) == 0, "they wait for their first attempt"
        async with working(desk.messenger()):
            await until(lambda: has_mails(desk, 3))
            for one in ids:
                await until(lambda one=one: is_sent(desk, one))
        assert await desk.in_store(store.refused, "default", clock.now(), ADDRESSED) == []

    play(dsn, test)


def test_a_hook_that_is_gone_waits_and_tells_of_itself_alone(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        desk.house.receiver.answers["/gone"] = (404, {})
        for name in ("gone", "good"):
            await desk.wants("teams", name, webhook_url=f"{desk.url}/{name}")
        ids = [await desk.send("teams", name) for name in ("gone", "good")]
        async with working(desk.messenger()):
            await desk.told(*ids)
            await until(lambda: is_sent(desk, ids[1]))
        assert (await desk.look(ids[0]))["status"] == "pending"
        (refused,) = await desk.in_store(store.refused, "default", clock.now(), ADDRESSED)
        assert (refused.channel, refused.recipient) == ("teams", "gone")
        assert "webhook_url" in refused.reason
        assert (await desk.in_store(look_at_channels, ADDRESSED))[0].state is CheckState.DOUBTFUL
        del desk.house.receiver.answers["/gone"]
        assert await desk.on(notifications.again, ids[0]) == 1
        async with working(desk.messenger()):
            await until(lambda: is_sent(desk, ids[0]))
        assert (await desk.in_store(look_at_channels, ADDRESSED))[0].state is CheckState.GOOD

    play(dsn, test)


@pytest.mark.parametrize("name", ["Ana 👩‍💻", "=?utf-8?q?7=0D=0AReply-To:_x@evil.example?=", "TKT\u200b-77", "a\u2028b\x85c"])
def test_no_customers_name_loses_an_escalation(dsn: str, name: str) -> None:
    async def test(desk: Desk) -> None:
        desk.settings["NTFY_URL"] = desk.url
        await desk.wants(events=[EventKind.SESSION_ESCALATED])
        await desk.wants("push", "guardia", events=[EventKind.SESSION_ESCALATED])
        async with desk.house.parts.db.transaction() as connection:
            await escalated(connection, name=name, ticket=name)
        async with working(desk.messenger()):
            await until(lambda: has_mails(desk, 1))
            await until(lambda: has_come(desk, 1))
        raw = message_from_bytes(desk.post.mails[0].content, policy=compat32)
        subject = str(make_header(decode_header(raw["Subject"].replace("\r\n", ""))))
        assert subject == f"Una persona debe atender el ticket {' '.join(name.split())}"
        assert raw["Reply-To"] is None
        ((_, headers, _),) = desk.house.receiver.got
        assert str(make_header(decode_header(headers["title"]))) == subject

    play(dsn, test)


# ---------------------------------------------------------------------------------------------------------- addresses

SPELLINGS = [
    ("email", "Baja@Ejemplo.com", "baja@ejemplo.com"),
    ("email", "ana@MÜNCHEN.example", "Ana@xn--mnchen-3ya.example"),
    ("sms", "+34 600 112 233", "0034-600.112(233)"),
    ("sms", "+44 (0)20 7946 0958", "+442079460958"),
    ("slack", "#Soporte", "#soporte"),
    ("webhook", "https://Hooks.Example.com/aB", "HTTPS://hooks.example.com/aB"),
]


@pytest.mark.parametrize(("channel", "stored", "given"), SPELLINGS)
def test_a_person_is_known_however_the_address_is_written(dsn: str, channel: str, stored: str, given: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.wants(channel, stored, muted=["aviso"])
        await desk.wants(channel, given, muted=["aviso"])
        assert len(await desk.on(recipients.every)) == 1
        one = await desk.send(channel, stored)
        assert await desk.send(channel, given) == one, "the same message to the same person is one"
        async with working(desk.messenger()):
            await desk.told(one)
        assert (await desk.look(one))["status"] == "cancelled"
        await desk.on(recipients.remove, channel, stored)
        assert await desk.on(recipients.every) == []

    play(dsn, test)


def test_rows_of_older_versions_stay_reachable(dsn: str) -> None:
    rows = [
        ("Baja@Ejemplo.com", ["session_escalated"], ["aviso"]),
        ("baja@ejemplo.com", ["step_failed"], []),
        ("ANA@EXAMPLE.com", [], []),
    ]
    (migration,) = [file for file in schema_files() if file.name.endswith("0030_recipients_normal_form.sql")]

    async def test(desk: Desk) -> None:
        async with desk.house.parts.db.connection() as connection:
            for address, events, muted in rows:
                await connection.execute(
                    "INSERT INTO support_troubleshooting_recipients (tenant_id, channel, recipient, events, muted)"
                    " VALUES ('default', 'email', $1, $2, $3)", address, events, muted,
                )  # fmt: skip
            for _ in range(2):
                await connection.execute(migration.text)
        ana, baja = await desk.on(recipients.every)
        assert (ana.recipient, baja.recipient) == ("ana@example.com", "baja@ejemplo.com")
        assert (baja.events, baja.muted) == (("session_escalated", "step_failed"), ("aviso",))

    play(dsn, test)


def test_an_address_of_a_hook_is_shown_to_nobody_and_can_still_be_removed(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        url = "https://hooks.example.com/secreto?token=x"
        for channel in ("webhook", "apprise"):
            await desk.wants(channel, url)
        shown = {one.channel: recipients.view(one).recipient for one in await desk.on(recipients.every)}
        assert "secreto" not in json.dumps(shown)
        assert all("hooks.example.com" in one for one in shown.values())
        await desk.send("webhook", url)
        found, _ = await desk.on(notifications.page, commands.NotificationPage())
        assert "secreto" not in found[0].recipient
        await desk.on(recipients.remove, "webhook", shown["webhook"])
        await desk.on(recipients.remove, "apprise", url)
        assert await desk.on(recipients.every) == []

    play(dsn, test)


def test_pages_of_notifications_hold_each_once(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        ids = [await desk.send(message=str(number)) for number in range(5)]
        other = await desk.send("push", "tema")
        seen: list[str] = []
        before, has_more = None, True
        while has_more:
            found, has_more = await desk.on(notifications.page, commands.NotificationPage(limit=2, channel="email"), before)
            before = (found[-1].created_at, UUID(found[-1].id))
            seen += [one.id for one in found]
        assert seen == ids[::-1]
        found, _ = await desk.on(notifications.page, commands.NotificationPage(channel="push", status="pending"))
        assert [one.id for one in found] == [other]

    play(dsn, test)


@pytest.mark.parametrize(("language", "words"), [("es", "Imágenes del cliente: 2."), ("en", "Customer's pictures: 2.")])
def test_an_escalation_says_how_many_pictures_there_are_and_where(dsn: str, language: str, words: str) -> None:
    picture = """INSERT INTO support_session_attachments (attachment_id, session_id, media_type, width, height, size_bytes, content)
        SELECT gen_random_uuid(), s.session_id, 'image/png', 1, 1, 1, 'x' FROM support_troubleshooting_sessions s, generate_series(1, 2)"""

    async def test(desk: Desk) -> None:
        await desk.wants(events=[EventKind.SESSION_ESCALATED], language=language)
        async with desk.house.parts.db.transaction() as connection:
            await escalated(connection)
            await connection.execute(picture)
            session = await connection.fetchval("SELECT session_id::text FROM support_troubleshooting_sessions")
        async with working(desk.messenger()):
            await until(lambda: has_mails(desk, 1))
        (said,) = desk.texts()
        assert words in said
        assert f"guiado sessions attachments {session[-8:]}" in said

    play(dsn, test)


def test_an_sms_of_guiado_itself_keeps_to_its_alphabet(dsn: str) -> None:
    async def test(desk: Desk) -> None:
        desk.settings["SMS_URL"] = f"{desk.url}/sms"
        await desk.wants("sms", "+34600112233", events=[EventKind.SESSION_ESCALATED])
        async with desk.house.parts.db.transaction() as connection:
            await escalated(connection, reason="Lo pide", problem="no imprime")
        async with working(desk.messenger()):
            await until(lambda: has_come(desk, 1))
        ((_, _, body),) = desk.house.receiver.got
        words = json.loads(body)["text"]
        assert is_gsm(words), words
        assert "Todavia no se intento nada." in words

    play(dsn, test)


# --------------------------------------------------------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"recipient": "a@example.com\r\nBcc: b@example.com"}, "recipient"),
        ({"recipient": "no"}, "recipient"),
        ({"channel": "sms", "recipient": "600112233"}, "recipient"),
        ({"channel": "webhook", "recipient": "file:///etc/passwd"}, "recipient"),
        ({"recipient": "=?utf-8?q?a?=@example.com"}, "recipient"),
        ({"channel": "teams", "recipient": "x", "webhook_url": "http://a b/"}, "webhook_url"),
        ({"channel": "teams", "recipient": "x"}, "webhook_url"),
        ({"channel": "discord", "recipient": "x"}, "webhook_url"),
        ({"channel": "webhook", "recipient": "x"}, "webhook_url"),
        ({"channel": "slack", "recipient": "x"}, "webhook_url"),
        ({"channel": "push", "recipient": "con espacio"}, "recipient"),
        ({"subject": None, "message": None}, "message"),
        ({"subject": None, "message": None, "notification_type": "session_escalated"}, "message"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_field(dsn: str, given: dict[str, Any], field: str) -> None:
    async def test(desk: Desk) -> None:
        desk.house.parts.has_account = lambda _channel: False
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
        ({"channel": "teams", "recipient": "equipo"}, "webhook_url"),
        ({"channel": "discord", "recipient": "equipo"}, "webhook_url"),
        ({"channel": "webhook", "recipient": "equipo"}, "webhook_url"),
        ({"channel": "slack", "recipient": "equipo"}, "webhook_url"),
        ({"channel": "push", "recipient": "con espacio"}, "recipient"),
        ({"channel": "sms", "recipient": "600 112 233"}, "recipient"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_by_field(dsn: str, given: dict[str, Any], field: str) -> None:
    async def test(desk: Desk) -> None:
        desk.house.parts.has_account = lambda _channel: False
        with pytest.raises(InvalidInput) as caught:
            await desk.wants(**given)
        assert [problem.field for problem in caught.value.problems] == [field]

    play(dsn, test)


async def give_up(desk: Desk, ids: list[str]) -> None:
    statement = "UPDATE support_troubleshooting_notifications SET status = 'failed' WHERE id = ANY ($1::uuid[])"
    async with desk.house.parts.db.connection() as connection:
        await connection.execute(statement, [UUID(one) for one in ids])


async def escalated(
    connection: Connection,
    reason: str = "Lo pidió",
    name: str = "Luz",
    ticket: str = "T-7",
    problem: str = "se me cayó todo",
) -> None:
    """A session that needs a person, as the schema stores its event."""
    session_id = clock.new_id()
    await connection.execute(
        "INSERT INTO support_troubleshooting_sessions (session_id, ticket_id, customer_email, customer_name, problem_description, status)"
        " VALUES ($1, $2, 'luz@example.com', $3, $4, 'needs_escalation')",
        session_id,
        ticket,
        name,
        problem,
    )
    event = {
        "event_id": str(clock.new_id()), "tenant_id": "default", "session_id": str(session_id), "event": "session_escalated",
        "data": {"session_id": str(session_id), "ticket_id": ticket, "reason": reason}, "occurred_at": clock.now().isoformat(),
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
