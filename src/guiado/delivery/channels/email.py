"""E-mail over the operator's SMTP server: text and HTML, the mails of one session in one thread.

Source: RFC 5321, 5322 (Message-ID, References), 3834 (Auto-Submitted), 3207 (STARTTLS), 8314 (TLS).
"""

from __future__ import annotations

import html
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING

import anyio

from guiado import clock
from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.address import ascii_domain, mail_spellings, normal_mail, read_mail
from guiado.delivery.channels.common.base import Outgoing, Receipt, cut, find_links, list_links
from guiado.delivery.channels.common.headers import header_value, write_headers, write_mailbox
from guiado.delivery.ip_policy import TargetPolicy
from guiado.errors import DeliveryFailed, FieldProblem, Message, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

if TYPE_CHECKING:
    import aiosmtplib

    from guiado.delivery.guarded_client import Resolver

NO_MAIL = "El correo no está configurado: pon SMTP_HOST y SMTP_FROM."
_TWIN = "guiado <guiado@localhost>"
"""Sender on the console where `SMTP_FROM` is not set."""
_TIMEOUT_S = 20.0
_GOODBYE_S = 2.0
_MAX_SUBJECT = 250
_MAX_CHARACTERS = 50_000  # encoding megabytes would keep everybody else in the process waiting
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"  # in any script, but nothing that would need quotes
_ADDRESS = re.compile(rf"(?!.*=\?)(?=[^@]{{1,64}}@)(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>[\w.-]{{1,253}})")
"""A plain e-mail address, without `=?`: many programs decode that in a header, and no real address holds it."""
_IMPORTANCE = {"high": "high", "urgent": "high", "low": "low"}


class EmailChannel:
    """Channel that sends e-mail over the operator's SMTP server.

    Args:
        settings: the `SMTP_…` ones.
        policy: says which addresses the server must not have: those of a cloud's metadata.
        tls: trusted certificates; the system's by default.
        timeout_s: for one message, from the lookup to the server's last word, in seconds.
        resolver: looks the server's name up.

    Raises:
        SettingsInvalid: no server, or no sender.
    """

    def __init__(
        self,
        settings: Settings,
        policy: TargetPolicy,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = _TIMEOUT_S,
        resolver: Resolver | None = None,
    ) -> None:
        if not settings.smtp_host or not settings.smtp_from:
            raise SettingsInvalid(NO_MAIL)
        # Loaded when the channel is made, in a thread: with the first message they would hold the event loop.
        from guiado.delivery.channels.common.guarded_connect import dial
        from guiado.delivery.channels.common.smtp_replies import explain_failure

        self._dial, self._explain = dial, explain_failure
        self._host, self._port = settings.smtp_host, settings.smtp_port or _PORTS[settings.smtp_tls]
        self._settings, self._policy, self._timeout_s = settings, policy, timeout_s
        name, address = read_sender(settings.smtp_from)
        self._sender = (name or settings.brand_name, address)
        self._tls, self._resolver = tls or ssl.create_default_context(), resolver

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one mail; see `Channel.send`. Its `Message-ID` is the same for every attempt."""
        import aiosmtplib

        try:
            mail = render_email(outgoing, self._sender)
            content = mail.as_bytes()
        except (MessageError, ValueError, LookupError) as error:
            raise DeliveryFailed("No se puede componer el correo. Cambia su texto.", permanent=True) from error
        try:
            await self._deliver(mail, content)
        except TimeoutError:
            raise DeliveryFailed(
                "{host}: sin respuesta completa en {timeout_s} s.", of_channel=True, host=self._host, timeout_s=self._timeout_s
            ) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._explain(self._host, error, outgoing.recipient) from error
        return Receipt(provider_message_id=mail.headers["Message-ID"])

    async def _deliver(self, mail: Mail, content: bytes) -> None:
        import aiosmtplib

        with anyio.fail_after(self._timeout_s):
            client = await self._connect()
            try:
                await client.connect()
                await client.sendmail(self._sender[1], [mail.recipient], content, mail_options=mail.options)
            except BaseException:
                client.close()
                raise
        with anyio.move_on_after(_GOODBYE_S), suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()  # the mail is the server's by now, whatever it says to a goodbye
        client.close()

    async def _connect(self) -> aiosmtplib.SMTP:
        import aiosmtplib

        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=self._host,
            sock=await self._dial(self._host, self._port, self._policy, self._resolver),
            username=settings.smtp_user,
            password=settings.smtp_password,
            local_hostname=_domain(self._sender),
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=self._tls,
            timeout=self._timeout_s,
        )


@dataclass(frozen=True, slots=True)
class Mail:
    """A composed mail, ready to be sent.

    Args:
        sender: name and address.
        recipient: one address.
        headers: name -> value in the very characters that a reader sees, besides those of the body.
        body: text and HTML, with the headers that describe them.
    """

    sender: tuple[str, str]
    recipient: str
    headers: Mapping[str, str]
    body: EmailMessage

    @property
    def options(self) -> list[str]:
        """SMTP options of the mail: an address with letters outside of ASCII needs SMTPUTF8."""
        return [] if (self.sender[1] + self.recipient).isascii() else ["smtputf8", "body=8bitmime"]

    def as_bytes(self) -> bytes:
        """Encode headers and body for sending."""
        written = {name: header_value(value) for name, value in self.headers.items()}
        mailboxes = {"From": write_mailbox(*self.sender), "To": self.recipient}
        return write_headers(written | mailboxes) + self.body.as_bytes()


def read_sender(given: str) -> tuple[str, str]:
    """Parse name and address from `SMTP_FROM`: `Soporte <soporte@example.com>`.

    Raises:
        SettingsInvalid: it is no address.
    """
    name, address = parseaddr(given)
    found = _ADDRESS.fullmatch(address)
    domain = ascii_domain(found["domain"]) if found else None
    if not given.isprintable() or found is None or domain is None:
        raise SettingsInvalid("SMTP_FROM no es una dirección. Escríbela así: Soporte <soporte@example.com>.")
    return name, f"{found['local']}@{domain}"


def render_email(outgoing: Outgoing, sender: tuple[str, str]) -> Mail:
    """Render a message as a mail.

    Args:
        sender: name and address.

    Raises:
        DeliveryFailed: the recipient is not one address.
    """
    recipient = _read_recipient(outgoing.recipient)
    note = text(outgoing.language, "… (texto recortado)")
    outgoing = replace(outgoing, text=cut(outgoing.text, note, lambda shorter: len(shorter) <= _MAX_CHARACTERS))
    body = EmailMessage(policy=LINES.clone(cte_type="7bit"))
    body.set_content(outgoing.text + ("\n" + list_links(outgoing) if find_links(outgoing) else ""))
    body.add_alternative(_write_html(outgoing), subtype="html")
    return Mail(sender, recipient, _name_headers(outgoing, sender, recipient), body)


def _name_headers(outgoing: Outgoing, sender: tuple[str, str], recipient: str) -> dict[str, str]:
    session_id = outgoing.session_id and _write_id(f"session-{outgoing.session_id}", sender)
    importance = _IMPORTANCE.get(outgoing.priority)
    return {
        "From": f"{sender[0]} <{sender[1]}>" if sender[0] else sender[1],
        "To": recipient,
        "Subject": (outgoing.subject or "")[:_MAX_SUBJECT] or "guiado",
        "Date": format_datetime(clock.now()),
        "Message-ID": _write_id(outgoing.notification_id, sender),
        **({"In-Reply-To": session_id, "References": session_id} if session_id else {}),
        "Content-Language": outgoing.language,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",  # Exchange answers whatever Auto-Submitted says
        **({"Importance": importance} if importance else {}),
    }


def _read_recipient(given: str) -> str:
    found = _ADDRESS.fullmatch(given.strip(" "))
    if found is None or not given.isprintable():
        raise DeliveryFailed("El destinatario no es una dirección de correo. Escribe solo una, en una línea.", permanent=True)
    domain = ascii_domain(found["domain"])
    if domain is None:
        raise DeliveryFailed("El dominio del destinatario no existe. Revísalo.", permanent=True)
    return f"{found['local']}@{domain}"


def _write_html(outgoing: Outgoing) -> str:
    paragraphs = "".join(f"<p>{_escape_lines(part)}</p>\n" for part in re.split(r"\n\s*\n", outgoing.text.strip()))
    links = "".join(f'<p><a href="{html.escape(url)}">{html.escape(label)}</a></p>\n' for label, url in find_links(outgoing))
    return (
        f'<!doctype html>\n<html lang="{html.escape(outgoing.language)}"><head><meta charset="utf-8"></head>\n'
        f'<body style="font-family: sans-serif; line-height: 1.5">\n{paragraphs}{links}</body></html>\n'
    )


def _escape_lines(part: str) -> str:
    return "<br>\n".join(html.escape(line) for line in part.splitlines())


def _write_id(name: str, sender: tuple[str, str]) -> str:
    return f"<{re.sub(r'[^A-Za-z0-9_-]', '-', name)[:200] or '-'}@{_domain(sender)}>"


def _domain(sender: tuple[str, str]) -> str:
    return sender[1].rpartition("@")[2]


def _check_recipient(recipient: str) -> FieldProblem | None:
    # Many programs decode what begins with "=?" in a header; no real address holds it.
    if "=?" not in recipient and read_mail(recipient):
        return None
    why = Message("No es una dirección de correo válida. Escríbela como nombre@dominio.com.")
    return FieldProblem("recipient", why, "invalid_email")


def _show(outgoing: Outgoing, settings: Settings) -> tuple[str, str | None]:
    mail = render_email(outgoing, read_sender(settings.smtp_from or _TWIN))
    head = "\n".join(f"{name}: {value}" for name, value in mail.headers.items())
    parts = [part for part in mail.body.walk() if not part.is_multipart()]
    return "\n\n".join([head, *(f"[{part.get_content_type()}]\n{part.get_content()}" for part in parts)]), None


@channel(
    "email",
    show=_show,
    needs=lambda settings: None if settings.smtp_host and settings.smtp_from else NO_MAIL,
    check_recipient=_check_recipient,
    normal_form=normal_mail,
    spellings=mail_spellings,
)
def make_email_channel(tools: Tools) -> EmailChannel:
    """Make the e-mail channel."""
    return EmailChannel(tools.settings, tools.policy, resolver=tools.client.resolver)
