"""Channels against real servers on the loopback: what travels, what is refused, and what is worth another attempt."""

from __future__ import annotations

import asyncio
import base64
import html
import io
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.policy import default as modern
from email.utils import parseaddr, quote
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiosmtpd.smtp import SMTP as MailServer  # noqa: N811
from aiosmtpd.smtp import AuthResult
from certificates import make_certificate

from guiado.delivery.channels import Button, Outgoing, Receipt, make_channel, names
from guiado.delivery.channels.apprise import AppriseChannel
from guiado.delivery.channels.common import headers
from guiado.delivery.channels.common.console import ConsoleChannel
from guiado.delivery.channels.common.gsm import count_segments, is_gsm, own_words
from guiado.delivery.channels.common.headers import header_value, write_headers
from guiado.delivery.channels.email import EmailChannel
from guiado.delivery.channels.slack import SlackChannel
from guiado.delivery.channels.sms import TwilioChannel
from guiado.delivery.guarded_client import GuardedClient
from guiado.delivery.ip_policy import TargetPolicy
from guiado.delivery.signing import verify_standard
from guiado.delivery.templates import BUILT_IN
from guiado.errors import DeliveryFailed, SettingsInvalid, TargetRefused
from guiado.settings import read_settings

CHANNELS = Path(headers.__file__).parent
OTHER_PYTHONS = sorted(Path(sys.base_prefix).parent.glob("3.1[1-9].*/bin/python"))
"""Other versions, where they are installed side by side."""
CLOSED = TargetPolicy()
LOOPBACK = TargetPolicy.parse("127.0.0.0/8")
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading the system's roots takes a while
HOSTILE = "<!channel> <https://evil.example|tu banco> & @everyone [premio](https://evil.example) *ya*"
APPRISE = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what its services import
ODD_SUBJECTS = {
    "=?utf-8?q?7=0D=0AReply-To:_x@evil.example?=": "=?utf-8?q?7=0D=0AReply-To:_x@evil.example?=",
    "T =?utf-8?b?DQoNCkhvbGE=?= =?iso-8859-1?q?=00?=": "T =?utf-8?b?DQoNCkhvbGE=?= =?iso-8859-1?q?=00?=",
    "=?utf-8?q?=0A=0Aotro_texto?=" * 6: ("=?utf-8?q?=0A=0Aotro_texto?=" * 6)[:250],
    "Ana 👩‍💻 necesita ayuda": "Ana 👩‍💻 necesita ayuda",
    "TKT\u200b-77 \u200f\ufeffx": "TKT\u200b-77 \u200f\ufeffx",
    "Hola\r\nBcc: todos@example.com": "Hola Bcc: todos@example.com",
    "Hola\x1b[2J\x85a\u2028b\u2029c\x00d": "Hola [2J a b c d",
    "media pareja \ud83d": "media pareja ?",
    "ñ" * 200: "ñ" * 200,
    "x" * 240: "x" * 240,
}
"""A subject -> how it arrives."""
BUTTONS = (
    Button("Ver sesión", url="https://ejemplo.com/s/1?a=1&b=2"),
    Button("Trampa", url="javascript:alert(1)"),
    Button("Atender", action="attend"),
)
MESSAGE = Outgoing(
    notification_id="n-1",
    recipient="canal",
    subject="Sesión escalada",
    text="No imprime.\nNada de nada.",
    priority="urgent",
    session_id="s-1",
    buttons=BUTTONS,
)


# ---------------------------------------------------------------------------------------------------------------- chat


@pytest.mark.parametrize("kind", ["slack", "teams", "discord", "webhook"])
def test_a_message_reaches_the_address_that_the_caller_names(kind: str) -> None:
    receipt, (request,) = play(kind, to_caller(MESSAGE))
    assert "No imprime." in json.dumps(request.json, ensure_ascii=False)
    assert "https://ejemplo.com/s/1?a=1&b=2" in json.dumps(request.json)
    assert "javascript:" not in json.dumps(request.json)
    assert receipt == Receipt(provider_message_id="m-1" if kind == "discord" else None)


def test_slack_shows_text_and_buttons_and_addresses_nobody() -> None:
    _, (request,) = play("slack", to_caller(replace(MESSAGE, text=HOSTILE, subject="<!here>")))
    header, section, actions = request.json["blocks"]
    assert section["text"]["text"].startswith("&lt;!channel&gt; &lt;https://evil.example|tu banco&gt; &amp; @everyone")
    assert section["text"]["verbatim"] is True
    assert header["text"] == {"type": "plain_text", "text": "&lt;!here&gt;", "emoji": True}
    assert request.json["text"] == "&lt;!here&gt;"
    view, attend = actions["elements"]
    assert (view["text"]["text"], view["url"]) == ("Ver sesión", "https://ejemplo.com/s/1?a=1&b=2")
    assert (attend["action_id"], attend["value"]) == ("attend", "s-1")
    assert "url" not in attend


def test_slack_takes_a_very_long_text_in_blocks_that_it_accepts() -> None:
    _, (request,) = play("slack", to_caller(replace(MESSAGE, text="&" * 5_000_000)))
    sections = [block["text"]["text"] for block in request.json["blocks"] if block["type"] == "section"]
    assert len(sections) == 10
    assert all(len(part) <= 3000 for part in sections)
    assert all(re.fullmatch(r"(&amp;)+(… \(texto recortado\))?", part) for part in sections)
    assert sections[-1].endswith("… (texto recortado)")


def test_a_slack_bot_posts_into_the_channel_and_learns_its_name() -> None:
    reply = {"ok": True, "ts": "1700000000.000100"}
    receipt, (request,) = play_bot(reply, replace(MESSAGE, recipient="#soporte"))
    assert receipt.provider_message_id == "1700000000.000100"
    assert request.path == "/chat.postMessage"
    assert request.headers["authorization"] == "Bearer xoxb-1"
    assert request.json["channel"] == "#soporte"


@pytest.mark.parametrize(
    ("error", "permanent", "of_channel"),
    [
        ("channel_not_found", True, False),
        ("msg_too_long", True, False),
        ("ratelimited", False, False),
        ("internal_error", False, False),
        ("invalid_auth", False, True),
        ("token_revoked", False, True),
        ("account_inactive", False, True),
        ("missing_scope", False, True),
    ],
)
def test_a_slack_answer_that_is_not_ok_is_a_failure(error: str, permanent: bool, of_channel: bool) -> None:
    with pytest.raises(DeliveryFailed, match=error) as caught:
        play_bot({"ok": False, "error": error}, replace(MESSAGE, recipient="C0123456789"))
    assert (caught.value.permanent, caught.value.of_channel) == (permanent, of_channel)
    assert ("SLACK_BOT_TOKEN" in str(caught.value)) is of_channel


def test_slack_uses_the_operators_webhook_when_nobody_names_another() -> None:
    async def run() -> list[Request]:
        async with receiver() as (url, requests), client(CLOSED) as guarded:
            await make_channel("slack", read_settings(SLACK_WEBHOOK_URL=f"{url}/own"), guarded, CLOSED).send(MESSAGE)
            return requests

    (request,) = asyncio.run(run())
    assert request.path == "/own"
    assert "channel" not in request.json


def test_teams_gets_a_card_without_markdown() -> None:
    _, (request,) = play("teams", to_caller(replace(MESSAGE, text=f"{HOSTILE}\n\nfin")))
    (attachment,) = request.json["attachments"]
    assert (request.json["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}, "a TextBlock would read Markdown"
    assert [block["inlines"][0]["text"] for block in card["body"]] == ["Sesión escalada", HOSTILE, " ", "fin"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Ver sesión", "url": "https://ejemplo.com/s/1?a=1&b=2"}]


@pytest.mark.parametrize("piece", ["ñ", "a\n", "🙂", '"'])
def test_teams_gets_as_much_as_it_takes_and_a_note(piece: str) -> None:
    _, (request,) = play("teams", to_caller(replace(MESSAGE, text=piece * 300_000, language="en")))
    assert 15_000 < len(request.body) <= 28 * 1024
    assert "… (text shortened)" in request.body.decode()


def test_discord_mentions_nobody_and_shows_marks_as_they_are() -> None:
    _, (request,) = play("discord", to_caller(replace(MESSAGE, text=f"{HOSTILE} https://ejemplo.com/a_b_c")))
    assert request.json["allowed_mentions"] == {"parse": []}
    assert "\\[premio\\](https://evil.example) \\*ya\\*" in request.json["content"]
    assert "\\<!channel\\>" in request.json["content"]
    assert "https://ejemplo.com/a_b_c" in request.json["content"]
    assert request.path == "/hook?wait=true"


@pytest.mark.parametrize("piece", ["a", "_", "🙂"])
def test_discord_gets_two_thousand_characters_at_most(piece: str) -> None:
    _, (request,) = play("discord", to_caller(replace(MESSAGE, text=piece * 100_000)))
    content = request.json["content"]
    assert 1_900 < len(content.encode("utf-16-le")) / 2 <= 2_000
    assert "… (texto recortado)\nVer sesión: https://ejemplo.com/s/1?a=1&b=2" in content


def test_a_webhook_is_signed_when_there_is_a_secret() -> None:
    secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    _, (signed,) = play("webhook", to_caller(MESSAGE, secret=secret))
    stamp = int(signed.headers["webhook-timestamp"])
    assert verify_standard("n-1", stamp, signed.body, signed.headers["webhook-signature"], secret, now_s=stamp)
    assert signed.json["notification_id"] == signed.headers["webhook-id"] == "n-1"
    _, (plain,) = play("webhook", to_caller(MESSAGE))
    assert "webhook-signature" not in plain.headers


# -------------------------------------------------------------------------------------------------- answers and addresses


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after_s"),
    [
        ("400 Bad Request", True, None),
        ("401 Unauthorized", False, None),
        ("403 Forbidden", False, None),
        ("404 Not Found", False, None),
        ("410 Gone", True, None),
        ("413 Too Large", True, None),
        ("408 Request Timeout", False, None),
        ("429 Too Many Requests\r\nRetry-After: 30", False, 30.0),
        ("503 Service Unavailable\r\nRetry-After: 7", False, 7.0),
        ("500 Internal Server Error", False, None),
        ("301 Moved\r\nLocation: http://127.0.0.1:1/", True, None),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", False, None),
    ],
)
@pytest.mark.parametrize("kind", ["slack", "teams", "discord", "webhook"])
def test_an_answer_says_whether_another_attempt_can_help(
    kind: str, answer: str, permanent: bool, retry_after_s: float | None
) -> None:
    with pytest.raises(DeliveryFailed, match=f"HTTP {answer[:3]}") as caught:
        play(kind, to_caller(MESSAGE), f"HTTP/1.1 {answer}", '{"error": "internal_secret_of_the_network"}')
    assert (caught.value.permanent, caught.value.retry_after_s) == (permanent, retry_after_s)
    assert "secret" not in str(caught.value), "a caller must not read what answers at an address of the caller's choice"


@pytest.mark.parametrize(
    ("status", "is_redirect"), [(301, True), (303, True), (307, True), (308, True), (304, False), (305, False)]
)
def test_only_a_redirect_is_called_one(status: int, is_redirect: bool) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        play("teams", to_caller(MESSAGE), f"HTTP/1.1 {status} X")
    assert ("redirige" in str(caught.value)) == is_redirect


@pytest.mark.parametrize("kind", ["slack", "teams", "discord", "webhook"])
def test_a_callers_private_address_is_refused_and_the_remedy_named(kind: str) -> None:
    async def run() -> None:
        async with receiver() as (url, requests), client(CLOSED) as guarded:
            channel = make_channel(kind, read_settings(), guarded, CLOSED)
            with pytest.raises(TargetRefused, match="GUIADO_PRIVATE_TARGETS"):
                await channel.send(to_caller(MESSAGE, webhook_url=f"{url}/hook"))
            assert requests == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("slack", "SLACK_WEBHOOK_URL"),
        ("teams", "webhook_url"),
        ("discord", "webhook_url"),
        ("webhook", "webhook_url"),
        ("email", "SMTP_HOST"),
        ("sms", "TWILIO_ACCOUNT_SID"),
        ("push", "NTFY_URL"),
        ("apprise", "APPRISE_URLS"),
        ("paloma", "email, push, slack, sms"),
    ],
)
def test_what_is_not_set_up_says_what_is_missing(kind: str, named: str) -> None:
    async def run() -> None:
        async with client(CLOSED) as guarded:
            await make_channel(kind, read_settings(), guarded, CLOSED).send(MESSAGE)

    with pytest.raises((SettingsInvalid, DeliveryFailed), match=named) as caught:
        asyncio.run(run())
    assert getattr(caught.value, "permanent", True)


# ------------------------------------------------------------------------------------------------------------------ SMS


@pytest.mark.parametrize(
    ("words", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("éñüÑÜ¿¡à" * 20, 1),
        ("á" + "a" * 69, 1),
        ("á" + "a" * 70, 2),
        ("í" + "a" * 133, 2),
        ("ó" + "a" * 134, 3),
        ("ú" * 71, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("🙂" * 35, 1),
        ("🙂" * 67, 3),
    ],
)
def test_segments_are_counted_as_they_are_charged(words: str, segments: int) -> None:
    assert count_segments(words) == segments


def test_twilio_gets_a_form_and_names_the_message() -> None:
    answer = '{"sid": "SM1", "status": "queued"}'
    receipt, (request,) = play_twilio(sms("+34 600-11-22-33", "á" * 71), "HTTP/1.1 201 Created", answer)
    assert receipt == Receipt(provider_message_id="SM1", detail="2 segmentos")
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:token").decode()
    assert parse_qs(request.body.decode()) == {"To": ["+34600112233"], "From": ["+15005550006"], "Body": ["á" * 71]}


def test_the_typography_of_guiado_costs_no_second_sms() -> None:
    _, (request,) = play_gateway(sms("+34600112233", "b" * 1_700))
    assert count_segments(request.json["text"]) == 11
    assert request.json["text"].endswith("... (texto recortado)")
    marks = "«Hola» “tú” ‘no’ — – … • ✓\u00a0listo ✗\u202fmal a\u200bb"
    _, (request,) = play_gateway(sms("+34600112233", marks))
    assert request.json["text"] == '"Hola" "tú" \'no\' - - ... - OK: listo NO: mal ab'
    _, (request,) = play_gateway(sms("+34600112233", "Aquí está José 🙂 ñandú"))
    assert request.json["text"] == "Aquí está José 🙂 ñandú", "a customer's accents stay"


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_a_built_in_template_fits_the_alphabet_of_sms(language: str) -> None:
    for template in BUILT_IN[language].values():
        words = own_words(f"{template.subject} {template.body}")
        assert is_gsm(words), words
    assert own_words("Todavía no se intentó: ¿más año?") == "Todavia no se intento: ¿mas año?"


def test_twilio_says_why_it_refuses() -> None:
    with pytest.raises(DeliveryFailed, match="not a valid phone number") as caught:
        play_twilio(sms("+34600112233", "x"), "HTTP/1.1 400 Bad", '{"code": 21211, "message": "not a valid phone number"}')
    assert caught.value.permanent is True
    with pytest.raises(DeliveryFailed) as busy:
        play_twilio(sms("+34600112233", "x"), "HTTP/1.1 429 Busy\r\nRetry-After: 3", "{}")
    assert (busy.value.permanent, busy.value.retry_after_s) == (False, 3.0)


@pytest.mark.parametrize(
    ("head", "body", "setting"),
    [
        ("HTTP/1.1 401 No", '{"code": 20003, "message": "Authenticate"}', "TWILIO_AUTH_TOKEN"),
        ("HTTP/1.1 403 No", "{}", "TWILIO_AUTH_TOKEN"),
        ("HTTP/1.1 404 No", '{"code": 20404}', "TWILIO_ACCOUNT_SID"),
        ("HTTP/1.1 400 No", '{"code": 21606, "message": "The From number is not yours"}', "TWILIO_FROM"),
        ("HTTP/1.1 402 No", "{}", "TWILIO_ACCOUNT_SID"),
    ],
)
def test_a_refused_account_waits_and_names_its_setting(head: str, body: str, setting: str) -> None:
    with pytest.raises(DeliveryFailed, match=setting) as caught:
        play_twilio(sms("+34600112233", "x"), head, body)
    assert (caught.value.permanent, caught.value.of_channel) == (False, True)


@pytest.mark.parametrize("status", [301, 401, 403, 404])
def test_a_refused_gateway_or_push_server_waits(status: int) -> None:
    for send, setting in ((play_gateway, "SMS_URL"), (play_push, "NTFY_URL")):
        with pytest.raises(DeliveryFailed) as caught:
            send(
                replace(sms("+34600112233", "x"), recipient="34600112233" if send is play_push else "+34600112233"),
                f"HTTP/1.1 {status} No",
            )
        assert (caught.value.permanent, caught.value.of_channel) == (False, True)
        assert status == 301 or setting in str(caught.value)


def test_an_operators_own_address_that_cannot_be_used_waits_too() -> None:
    for settings in ({"SMS_URL": "http://169.254.169.254/"}, {"SMS_URL": "ftp://example.com/"}):
        with pytest.raises(DeliveryFailed) as caught:
            asyncio.run(send_with("sms", sms("+34600112233", "x"), **settings))
        assert (caught.value.permanent, caught.value.of_channel) == (False, True)
    with pytest.raises(DeliveryFailed) as caught:
        asyncio.run(send_with("slack", MESSAGE, SLACK_BOT_TOKEN="xoxb-1\nx"))
    assert (caught.value.permanent, caught.value.of_channel) == (False, True)


def test_another_gateway_gets_number_and_text() -> None:
    async def run() -> tuple[Receipt, list[Request]]:
        async with receiver() as (url, requests), client(CLOSED) as guarded:
            channel = make_channel("sms", read_settings(SMS_URL=url), guarded, CLOSED)
            return await channel.send(replace(sms("+34600112233", "¿Funcionó?"), language="en")), requests

    receipt, (request,) = asyncio.run(run())
    assert request.json == {"to": "+34600112233", "text": "¿Funcionó?"}
    assert request.headers["idempotency-key"] == "n-1"
    assert receipt == Receipt(provider_message_id="m-1", detail="1 segment")


@pytest.mark.parametrize(
    "number",
    ["600112233", "34600112233", "+0600112233", "+34600112233\nBody=x", "+34600", "+٣٤٦٠٠١١٢٢٣٣", "", "cliente@example.com"],
)
def test_a_number_without_country_or_with_anything_else_is_refused(number: str) -> None:
    with pytest.raises(DeliveryFailed, match=r"\+34600112233") as caught:
        play_twilio(sms(number, "x"))
    assert caught.value.permanent is True


# ----------------------------------------------------------------------------------------------------------------- push


def test_push_carries_title_priority_and_link() -> None:
    receipt, (request,) = play_push(
        replace(MESSAGE, subject="Sesión escalada: no imprime y además huele a quemado — ya van tres")
    )
    assert receipt.provider_message_id == "m-1"
    assert request.path == "/canal"
    assert request.body.decode() == MESSAGE.text
    assert (request.headers["priority"], request.headers["click"]) == ("5", "https://ejemplo.com/s/1?a=1&b=2")
    title = request.headers["title"]
    assert title.isascii()
    assert str(make_header(decode_header(title))) == "Sesión escalada: no imprime y además huele a quemado — ya van tres"


@pytest.mark.parametrize("wrong", [{"recipient": "../admin"}, {"recipient": "a\r\nX: 1"}, {"recipient": ""}])
def test_push_refuses_what_would_become_another_path(wrong: dict[str, str]) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        play_push(replace(MESSAGE, **wrong))
    assert caught.value.permanent is True


@pytest.mark.parametrize("subject", ODD_SUBJECTS)
def test_push_shows_every_subject_as_it_was_written(subject: str) -> None:
    link = Button("Ver", url="https://ejemplo.com/=?utf-8?q?=0D=0AX-A:_b?=")
    _, (request,) = play_push(replace(MESSAGE, subject=subject, buttons=(link,)))
    assert str(make_header(decode_header(request.headers["title"]))) == ODD_SUBJECTS[subject]
    assert set(request.headers) == {
        *("host", "user-agent", "accept", "accept-encoding", "content-length", "content-type", "priority", "title", "click")
    }
    assert "=?utf-8?q" not in request.headers["click"]


# ----------------------------------------------------------------------------------------------------------------- mail

MAIL = replace(MESSAGE, recipient="cliente@example.com", text="Hola, <b>Ana</b> & cía.\n\nReinicia.\nListo.")
SENDER = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "Atención Ñandú <soporte@example.com>", "SMTP_TLS": "none"}


def test_a_mail_has_text_and_html_that_say_the_same() -> None:
    receipt, (sent,) = play_mail(MAIL)
    mail = message_from_bytes(sent.content.replace(b"\r\n", b"\n"), policy=modern)
    assert (sent.sender, sent.recipients) == ("soporte@example.com", ["cliente@example.com"])
    assert (mail["From"], mail["Subject"]) == ("Atención Ñandú <soporte@example.com>", "Sesión escalada")
    plain, rich = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert plain == f"{MAIL.text}\n\nVer sesión: https://ejemplo.com/s/1?a=1&b=2\n"
    assert "<p>Hola, &lt;b&gt;Ana&lt;/b&gt; &amp; cía.</p>" in rich
    assert "Reinicia.<br>\nListo." in rich
    assert f'<a href="{html.escape("https://ejemplo.com/s/1?a=1&b=2")}">' in rich
    assert "javascript" not in plain + rich
    assert (mail["Importance"], mail["Auto-Submitted"]) == ("high", "auto-generated")
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert receipt.provider_message_id == mail["Message-ID"]


def test_a_mail_of_megabytes_is_cut_and_says_so() -> None:
    _, (sent,) = play_mail(replace(MAIL, text="á& \n" * 1_250_000))
    plain = message_from_bytes(sent.content, policy=modern).get_body(("plain",)).get_content()
    assert 49_000 < len(plain.replace("\r\n", "\n")) < 51_000
    assert "… (texto recortado)" in plain


def test_an_attempt_keeps_its_id_and_a_session_its_thread() -> None:
    _, sent = play_mail(MAIL, MAIL, replace(MAIL, notification_id="n-2"), replace(MAIL, notification_id="n-3", session_id="s-2"))
    first, again, second, other = (message_from_bytes(one.content, policy=modern) for one in sent)
    assert first["Message-ID"] == again["Message-ID"] == "<n-1@example.com>"
    assert second["Message-ID"] == "<n-2@example.com>"
    assert first["References"] == second["References"] == second["In-Reply-To"] == "<session-s-1@example.com>"
    assert other["References"] != first["References"]


@pytest.mark.parametrize(
    "recipient",
    ["a@example.com\r\nBcc: todos@example.com", "a@example.com\n", "a@example.com, b@example.com", "Ana <a@example.com>", "a b@example.com", "@example.com", ".a@example.com", "a..b@example.com", "a@b@c", "a@..com", "", "a" * 70 + "@example.com", "a\x00@example.com"],
)  # fmt: skip
def test_only_one_plain_address_is_a_recipient(recipient: str) -> None:
    assert refusal_of_mail(replace(MAIL, recipient=recipient)).permanent is True


@pytest.mark.parametrize("subject", ODD_SUBJECTS)
def test_a_mail_shows_every_subject_as_it_was_written(subject: str) -> None:
    (plain,) = play_mail(replace(MAIL, subject="Asunto"))[1]
    _, (sent,) = play_mail(replace(MAIL, subject=subject))
    mail = message_from_bytes(sent.content, policy=compat32)
    assert str(make_header(decode_header(mail["Subject"].replace("\r\n", "")))) == ODD_SUBJECTS[subject]
    assert mail.keys() == message_from_bytes(plain.content, policy=compat32).keys(), "no header more, and none less"
    body = message_from_bytes(sent.content, policy=modern).get_body(("plain",)).get_content()
    assert body.replace("\r\n", "\n") == f"{MAIL.text}\n\nVer sesión: https://ejemplo.com/s/1?a=1&b=2\n"
    assert all(len(line) <= 998 for line in sent.content.split(b"\r\n"))


def test_no_words_make_a_message_undeliverable() -> None:
    words = "a\x00b\x0bc\x85d\u2028e\u2029f\ud800g\u200dh\u202ei\x1b[2J"
    odd = replace(MESSAGE, subject=words, text=words, buttons=(Button(words, url="https://ejemplo.com/"),))
    for kind in ("slack", "teams", "discord", "webhook"):
        _, (request,) = play(kind, to_caller(odd))
        assert "\u200dh" in json.dumps(request.json, ensure_ascii=False)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", json.dumps(request.json, ensure_ascii=False))
    _, (sent,) = play_mail(replace(odd, recipient="a@example.com"))
    assert "a b" in message_from_bytes(sent.content, policy=modern).get_body(("plain",)).get_content()
    play_push(odd)
    play_gateway(replace(odd, recipient="+34600112233"))


@pytest.mark.parametrize(
    "name", ["Soporte =?utf-8?q?=0D=0ABcc:_x@evil.example?=", "Atención, Ñandú", "Soporte, S.A.", 'La "casa"']
)
def test_a_senders_name_arrives_as_it_was_written(name: str) -> None:
    sender = formataddr_plain(name)
    _, (sent,) = play_mail(MAIL, settings={"SMTP_FROM": sender})
    mail = message_from_bytes(sent.content, policy=compat32)
    shown, address = parseaddr(mail["From"].replace("\r\n", ""))
    assert (str(make_header(decode_header(shown))), address) == (name, "soporte@example.com")
    assert mail["Bcc"] is None


def test_a_recipient_in_letters_of_a_language_is_reached_where_the_server_can() -> None:
    _, (sent,) = play_mail(replace(MAIL, recipient="josé@MÜNCHEN.example"), utf8=True)
    assert sent.recipients == ["josé@xn--mnchen-3ya.example"]
    with pytest.raises(DeliveryFailed, match="SMTPUTF8") as caught:
        play_mail(replace(MAIL, recipient="josé@example.com"))
    assert (caught.value.permanent, caught.value.of_channel) == (True, False)
    assert "SMTP_TLS" not in str(caught.value)


@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_headers_are_the_same_on_every_python(python: Path) -> None:
    script = f"""
import sys, types, importlib.util
sys.dont_write_bytecode = True
for name in ("guiado", "guiado.delivery", "guiado.delivery.channels", "guiado.delivery.channels.common"):
    sys.modules[name] = types.ModuleType(name)
for name in ("base", "headers"):
    spec = importlib.util.spec_from_file_location("guiado.delivery.channels.common." + name, {str(CHANNELS)!r} + "/" + name + ".py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
for words in {list(ODD_SUBJECTS)!r}:
    print(ascii(module.write_headers({{"Subject": module.header_value(words)}})))
"""
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [ascii(write_headers({"Subject": header_value(words)})) for words in ODD_SUBJECTS]


@pytest.mark.parametrize(
    ("stage", "reply", "permanent", "setting"),
    [
        ("RCPT", "550 5.1.1 cliente@example.com: no such user", True, ""),
        ("RCPT", "550 no such user here", True, ""),
        ("RCPT", "552 5.2.2 full", True, ""),
        ("RCPT", "550 5.7.1 <cliente@example.com>: Recipient address rejected: LoopbackGuard denied", True, ""),
        ("RCPT", "451 4.7.1 greylisted", False, None),
        ("RCPT", "550 5.7.1 Unable to relay", False, "SMTP_USER"),
        ("RCPT", "554 5.7.1 <cliente@example.com>: Relay access denied", False, "SMTP_USER"),
        ("RCPT", "550 relay not permitted", False, "SMTP_USER"),
        ("RCPT", "530 5.7.0 Authentication required", False, "SMTP_PASSWORD"),
        ("RCPT", "550 authentication required", False, "SMTP_PASSWORD"),
        ("RCPT", "550 Sender verify failed", False, "SMTP_FROM"),
        ("RCPT", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked", False, "SMTP_FROM"),
        ("MAIL", "550 5.7.60 Client does not have permissions to send as this sender", False, "SMTP_FROM"),
        ("MAIL", "553 5.7.1 Sender address rejected: not owned by user", False, "SMTP_FROM"),
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", False, "SMTP_PASSWORD"),
        ("MAIL", "552 5.3.4 message size exceeds fixed limit", True, ""),
        ("MAIL", "451 later", False, None),
        ("DATA", "552 5.3.4 too big", True, ""),
        ("DATA", "554 5.6.0 looks like spam", True, ""),
        ("DATA", "550 5.7.60 not allowed to send as this sender", False, "SMTP_FROM"),
        ("DATA", "452 4.3.1 disk full", False, None),
        ("AUTH", "535 5.7.8 bad password", False, "SMTP_PASSWORD"),
        ("AUTH", "534 5.7.9 application password needed", False, "SMTP_PASSWORD"),
        ("AUTH", "454 4.7.0 later", False, None),
    ],
)
def test_a_mail_servers_no_is_for_good_only_about_this_message(
    stage: str, reply: str, permanent: bool, setting: str | None
) -> None:
    login = {"SMTP_USER": "ana", "SMTP_PASSWORD": "vieja"}
    with pytest.raises(DeliveryFailed, match=reply[:3]) as caught:
        play_mail(MAIL, post=Post(replies={stage: reply}), settings=login)
    failure = caught.value
    assert (failure.permanent, failure.of_channel) == (permanent, bool(setting))
    assert (setting or "") in str(failure)
    assert "cliente@example.com" not in str(failure)


def test_a_mail_server_that_is_not_there_or_says_nothing_is_tried_again() -> None:
    async def run() -> None:
        async with listening(lambda _reader, writer: asyncio.sleep(30)) as port:
            silent = EmailChannel(read_settings(**SENDER, SMTP_PORT=port), CLOSED, tls=NO_ROOTS, timeout_s=0.2)
            with pytest.raises(DeliveryFailed, match=r"0\.2 s") as caught:
                await silent.send(MAIL)
            assert caught.value.permanent is False
        gone = EmailChannel(read_settings(**SENDER, SMTP_PORT=port), CLOSED, tls=NO_ROOTS)
        with pytest.raises(DeliveryFailed, match="ningún programa responde") as closed:
            await gone.send(MAIL)
        assert closed.value.permanent is False

    asyncio.run(run())


def test_a_dead_name_server_keeps_no_thread_that_others_need(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = threading.Event(), threading.Semaphore(0)

    def hang(*_args: object, **_more: object) -> list[object]:
        asked.release()
        release.wait(20)
        raise OSError

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        async with client(CLOSED) as guarded:
            settings = read_settings(**{**SENDER, "SMTP_HOST": "correo.example"})
            made = make_channel("email", settings, guarded, CLOSED)
            plain = EmailChannel(settings, CLOSED, tls=NO_ROOTS)
            waiting = [asyncio.create_task(channel.send(MAIL)) for channel in (made, plain) for _ in range(6)]
            await asyncio.sleep(0)
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "libre"), 10) == "libre"
            release.set()
            failures = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(failure, DeliveryFailed) and not failure.permanent for failure in failures)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        asyncio.run(run())
    finally:
        release.set()
    assert asked.acquire(blocking=False), "the name was looked up"


def test_mail_is_never_given_to_a_clouds_metadata_service() -> None:
    async def run() -> None:
        settings = read_settings(**{**SENDER, "SMTP_HOST": "169.254.169.254"})
        await EmailChannel(settings, TargetPolicy.parse("0.0.0.0/0"), tls=NO_ROOTS).send(MAIL)

    with pytest.raises(TargetRefused, match="metadatos"):
        asyncio.run(run())


def test_starttls_and_tls_check_the_servers_name_before_the_password_is_sent(certificate: tuple[str, str]) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*certificate)
    trusted = ssl.create_default_context(cafile=certificate[0])
    login = {"SMTP_USER": "ana", "SMTP_PASSWORD": "clave", "SMTP_HOST": "localhost"}
    for mode in ("starttls", "tls"):
        post = Post()
        play_mail(MAIL, post=post, served=served, trusted=trusted, settings={**login, "SMTP_TLS": mode})
        assert post.logins == [("ana", "clave", True)]
        (sent,) = post.mails
        assert sent.recipients == ["cliente@example.com"]
        distrusted = Post()
        with pytest.raises(DeliveryFailed) as caught:
            play_mail(MAIL, post=distrusted, served=served, trusted=NO_ROOTS, settings={**login, "SMTP_TLS": mode})
        assert caught.value.permanent is False
        assert (distrusted.logins, distrusted.mails) == ([], [])


def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    post = Post()
    with pytest.raises(DeliveryFailed, match="SMTP_TLS") as caught:
        play_mail(MAIL, post=post, settings={"SMTP_TLS": "starttls", "SMTP_USER": "ana", "SMTP_PASSWORD": "clave"})
    assert (caught.value.permanent, caught.value.of_channel) == (False, True)
    assert (post.logins, post.mails) == ([], [])


@pytest.mark.parametrize("sender", ["soporte", "a@b\r\nBcc: c@d", "Soporte <>"])
def test_a_sender_that_is_no_address_is_told_to_the_operator(sender: str) -> None:
    with pytest.raises(SettingsInvalid, match="SMTP_FROM"):
        EmailChannel(read_settings(**{**SENDER, "SMTP_FROM": sender}), CLOSED, tls=NO_ROOTS)


# -------------------------------------------------------------------------------------------------------------- Apprise


@APPRISE
def test_apprise_sends_to_every_target_and_follows_no_redirect() -> None:
    async def run() -> tuple[Receipt, list[Request], list[Request]]:
        async with receiver() as (here, taken), receiver("HTTP/1.1 302 Found\r\nLocation: " + here) as (there, redirected):
            urls = f"{here}/a, {there}/b".replace("http:", "json:")
            async with client(CLOSED) as guarded:
                channel = make_channel("apprise", read_settings(APPRISE_URLS=urls), guarded, CLOSED)
                await channel.send(replace(MESSAGE, subject="=?utf-8?q?=0D=0A?="))
                return await channel.send(MESSAGE), taken, redirected

    receipt, taken, redirected = asyncio.run(run())
    assert receipt.detail == "1 de 2 destinos"
    assert [request.path for request in taken] == ["/a"] * 2
    assert [request.path for request in redirected] == ["/b"] * 2
    encoded, told = (request.json for request in taken)
    assert "=?" not in encoded["title"], "one of its services may be mail"
    assert told["title"] == "Sesión escalada"
    assert "No imprime." in told["message"]


def test_without_apprise_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(DeliveryFailed, match=re.escape('pip install "guiado[apprise]"')) as caught:
        asyncio.run(make("apprise", APPRISE_URLS="json://ejemplo.com"))
    assert (caught.value.permanent, caught.value.of_channel) == (False, True)


@APPRISE
def test_an_address_that_apprise_does_not_know_is_named_by_its_place_only() -> None:
    settings = read_settings(APPRISE_URLS="json://127.0.0.1:1 paloma://usuario:secreto@ejemplo.com")
    with pytest.raises(DeliveryFailed, match="número 2") as caught:
        asyncio.run(AppriseChannel(settings).send(MESSAGE))
    assert (caught.value.permanent, caught.value.of_channel) == (False, True)
    assert "secreto" not in str(caught.value)


# -------------------------------------------------------------------------------------------------------------- console


@pytest.mark.parametrize(
    ("kind", "recipient", "shown"),
    [
        ("email", "cliente@example.com", ["Subject: Sesión escalada", "[text/html]", "Importance: high"]),
        ("sms", "+34600112233", ["+34600112233 (1 segmento)"]),
        ("push", "canal", ["Priority: 5", "Click: https://ejemplo.com/s/1"]),
        ("slack", "#soporte", ['"type": "header"', '"action_id": "attend"']),
        ("teams", "canal", ["AdaptiveCard"]),
        ("discord", "canal", ["allowed_mentions"]),
        ("webhook", "canal", ['"notification_id": "n-1"']),
        ("apprise", "todos", ['"title": "Sesión escalada"']),
    ],
)
def test_the_console_shows_what_a_channel_would_send(
    kind: str, recipient: str, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> Receipt:
        async with client(CLOSED) as guarded:
            channel = make_channel(kind, read_settings(GUIADO_NOTIFICATIONS="console"), guarded, CLOSED)
            return await channel.send(replace(MESSAGE, recipient=recipient))

    receipt = asyncio.run(run())
    written = capsys.readouterr().err
    assert f"── {kind} → {recipient} (n-1, urgent)" in written
    for part in (*shown, "No imprime."):
        assert part in written
    assert receipt == Receipt("console-n-1", "1 segmento" if kind == "sms" else None)


@pytest.mark.parametrize("kind", names())
def test_the_console_obeys_no_customer(kind: str) -> None:
    screen = io.StringIO()
    recipient = {"email": "a@example.com", "sms": "+34600112233", "push": "canal"}.get(kind, "a\x1b]0;x\x07")
    message = replace(MESSAGE, recipient=recipient, text="a\x1b[2Jb\x9b31m\u202ec")
    asyncio.run(ConsoleChannel(kind, read_settings(), screen).send(message))
    assert screen.getvalue().replace("\n", "").isprintable()


def test_the_console_refuses_what_the_channel_would_refuse() -> None:
    with pytest.raises(DeliveryFailed):
        asyncio.run(ConsoleChannel("email", read_settings(), io.StringIO()).send(replace(MAIL, recipient="nadie")))


def test_no_channel_is_read_before_it_is_used() -> None:
    code = "import sys, guiado.delivery.channels; print([name for name in sys.modules if name in ('aiosmtplib', 'apprise')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------------------------------------------------------- servers


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Sent:
    sender: str
    recipients: list[str]
    content: bytes


@dataclass
class Post:
    """A mail server that keeps what it takes."""

    on_recipient: str = ""
    replies: dict[str, str] = field(default_factory=dict)
    mails: list[Sent] = field(default_factory=list)
    logins: list[tuple[str, str, bool]] = field(default_factory=list)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "MAIL" in self.replies:
            return self.replies["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if refusal := self.replies.get("RCPT", self.on_recipient):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.replies:
            return self.replies["DATA"]
        self.mails.append(Sent(envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 OK"

    def log_in(self, server, session, envelope, mechanism, auth):
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.logins.append((auth.login.decode(), auth.password.decode(), is_encrypted))
        if "AUTH" in self.replies:
            return AuthResult(success=False, handled=False, message=self.replies["AUTH"])
        return AuthResult(success=True)


def to_caller(outgoing: Outgoing, **options: str) -> Outgoing:
    return replace(outgoing, options={"webhook_url": "", **options})


def sms(recipient: str, words: str) -> Outgoing:
    return Outgoing("n-1", recipient, None, words, "normal")


def play(
    kind: str, outgoing: Outgoing, head: str = "HTTP/1.1 200 OK", body: str = '{"id": "m-1"}'
) -> tuple[Receipt, list[Request]]:
    """Send one message to a server of our own that the caller names."""

    async def run() -> tuple[Receipt, list[Request]]:
        async with receiver(head, body) as (url, requests), client(LOOPBACK) as guarded:
            options = {**outgoing.options, "webhook_url": f"{url}/hook"}
            channel = make_channel(kind, read_settings(), guarded, LOOPBACK)
            return await channel.send(replace(outgoing, options=options)), requests

    return asyncio.run(run())


def play_bot(answer: dict[str, object], outgoing: Outgoing) -> tuple[Receipt, list[Request]]:
    async def run() -> tuple[Receipt, list[Request]]:
        async with receiver(body=json.dumps(answer)) as (url, requests), client(CLOSED) as guarded:
            settings = read_settings(SLACK_BOT_TOKEN="xoxb-1", SLACK_WEBHOOK_URL="http://127.0.0.1:1/")
            return await SlackChannel(settings, guarded, api_url=url).send(outgoing), requests

    return asyncio.run(run())


def play_twilio(outgoing: Outgoing, head: str = "HTTP/1.1 201 Created", body: str = "{}") -> tuple[Receipt, list[Request]]:
    async def run() -> tuple[Receipt, list[Request]]:
        async with receiver(head, body) as (url, requests), client(CLOSED) as guarded:
            account = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token", "TWILIO_FROM": "+15005550006"}
            return await TwilioChannel(read_settings(**account), guarded, api_url=url).send(outgoing), requests

    return asyncio.run(run())


def play_gateway(outgoing: Outgoing, head: str = "HTTP/1.1 200 OK") -> tuple[Receipt, list[Request]]:
    async def run() -> tuple[Receipt, list[Request]]:
        async with receiver(head) as (url, requests), client(CLOSED) as guarded:
            return await make_channel("sms", read_settings(SMS_URL=url), guarded, CLOSED).send(outgoing), requests

    return asyncio.run(run())


async def send_with(kind: str, outgoing: Outgoing, **settings: str) -> Receipt:
    async with client(CLOSED) as guarded:
        return await make_channel(kind, read_settings(**settings), guarded, CLOSED).send(outgoing)


def formataddr_plain(name: str) -> str:
    return f'"{quote(name)}" <soporte@example.com>'


def play_push(outgoing: Outgoing, head: str = "HTTP/1.1 200 OK") -> tuple[Receipt, list[Request]]:
    async def run() -> tuple[Receipt, list[Request]]:
        async with receiver(head) as (url, requests), client(CLOSED) as guarded:
            return await make_channel("push", read_settings(NTFY_URL=f"{url}/"), guarded, CLOSED).send(outgoing), requests

    return asyncio.run(run())


def play_mail(
    *mails: Outgoing,
    post: Post | None = None,
    served: ssl.SSLContext | None = None,
    trusted: ssl.SSLContext = NO_ROOTS,
    settings: dict[str, str] | None = None,
    utf8: bool = False,
) -> tuple[Receipt, list[Sent]]:
    """Send mails to a server of our own, and give back the last receipt and what came."""
    post, given = post or Post(), {**SENDER, **(settings or {})}
    speaks_tls, offers_tls = given["SMTP_TLS"] == "tls", given["SMTP_TLS"] == "starttls"

    def serve() -> MailServer:
        context = served if offers_tls else None
        return MailServer(
            post, hostname="correo", tls_context=context, authenticator=post.log_in, auth_require_tls=context is not None,
            enable_SMTPUTF8=utf8,
        )  # fmt: skip

    async def run() -> Receipt:
        listener = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=served if speaks_tls else None)
        try:
            port = listener.sockets[0].getsockname()[1]
            channel = EmailChannel(read_settings(**given, SMTP_PORT=port), CLOSED, tls=trusted)
            return [await channel.send(mail) for mail in mails][-1]
        finally:
            listener.close()
            await listener.wait_closed()

    return asyncio.run(run()), post.mails


def refusal_of_mail(mail: Outgoing) -> DeliveryFailed:
    post = Post()
    with pytest.raises(DeliveryFailed) as caught:
        play_mail(mail, post=post)
    assert post.mails == []
    return caught.value


async def make(kind: str, **settings: str) -> None:
    async with client(CLOSED) as guarded:
        make_channel(kind, read_settings(**settings), guarded, CLOSED)


@asynccontextmanager
async def client(policy: TargetPolicy) -> AsyncIterator[GuardedClient]:
    guarded = GuardedClient(policy, tls=NO_ROOTS)
    try:
        yield guarded
    finally:
        await guarded.aclose()


@asynccontextmanager
async def receiver(head: str = "HTTP/1.1 200 OK", body: str = '{"id": "m-1"}') -> AsyncIterator[tuple[str, list[Request]]]:
    """An HTTP server that answers everything the same, and keeps what came."""
    requests: list[Request] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        requests.append(Request(first.split()[1], headers, content))
        writer.write(f"{head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()

    async with listening(handle) as port:
        yield f"http://127.0.0.1:{port}", requests


@asynccontextmanager
async def listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(serve(reader, writer)))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")
