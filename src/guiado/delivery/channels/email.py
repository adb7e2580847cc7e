"""E-mail over the operator's SMTP server: text and HTML, the mails of one session in one thread.

Source: RFC 5321, 5322 (Message-ID, References), 3834 (Auto-Submitted), 3207 (STARTTLS), 8314 (TLS).
"""

from __future__ import annotations

import html
import re
import ssl
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.policy import SMTPUTF8 as UTF8_LINES
from email.utils import formataddr, parseaddr

import aiosmtplib
import anyio

from guiado import clock
from guiado.delivery.addresses import TargetPolicy
from guiado.delivery.channels.dialling import dial
from guiado.delivery.channels.message import Outgoing, Receipt, cut, find_links, list_links, one_line
from guiado.errors import DeliveryFailed, SettingsInvalid, os_reason
from guiado.i18n import text
from guiado.settings import Settings

_TIMEOUT_S = 20.0
_GOODBYE_S = 2.0
_MAX_CHARACTERS = 50_000  # encoding megabytes would keep everybody else in the process waiting
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"  # in any script, but nothing that would need quotes
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@)(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>[\w.-]{{1,253}})")
_IMPORTANCE = {"high": "high", "urgent": "high", "low": "low"}


class EmailChannel:
    """Messages by e-mail.

    Args:
        settings: the `SMTP_…` ones.
        policy: says which addresses the server must not have: those of a cloud's metadata.
        tls: trusted certificates; the system's by default.
        timeout_s: for one message, from the lookup to the server's last word, in seconds.

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
    ) -> None:
        if not settings.smtp_host or not settings.smtp_from:
            raise SettingsInvalid("El correo no está configurado: pon SMTP_HOST y SMTP_FROM.")
        self._host, self._port = settings.smtp_host, settings.smtp_port or _PORTS[settings.smtp_tls]
        self._settings, self._policy, self._timeout_s = settings, policy, timeout_s
        self._sender = read_sender(settings.smtp_from)
        self._tls = tls or ssl.create_default_context()

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one mail; see `Channel.send`. Its `Message-ID` is the same for every attempt."""
        message = render_email(outgoing, self._sender)
        try:
            await self._deliver(message)
        except TimeoutError:
            raise DeliveryFailed(
                "{host}: sin respuesta completa en {timeout_s} s.", host=self._host, timeout_s=self._timeout_s
            ) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _failure(self._host, error, outgoing.recipient) from error
        return Receipt(provider_message_id=message["Message-ID"])

    async def _deliver(self, message: EmailMessage) -> None:
        settings = self._settings
        with anyio.fail_after(self._timeout_s):
            client = aiosmtplib.SMTP(
                hostname=self._host,
                sock=await dial(self._host, self._port, self._policy),
                username=settings.smtp_user,
                password=settings.smtp_password,
                local_hostname=_domain(self._sender),
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                tls_context=self._tls,
                timeout=self._timeout_s,
            )
            try:
                await client.connect()
                await client.send_message(message)
            except BaseException:
                client.close()
                raise
        with anyio.move_on_after(_GOODBYE_S), suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()  # the mail is the server's by now, whatever it says to a goodbye
        client.close()


def read_sender(given: str) -> tuple[str, str]:
    """Name and address out of `SMTP_FROM`: `Soporte <soporte@example.com>`.

    Raises:
        SettingsInvalid: it is no address.
    """
    name, address = parseaddr(given)
    if not given.isprintable() or not _ADDRESS.fullmatch(address):
        raise SettingsInvalid("SMTP_FROM no es una dirección. Escríbela así: Soporte <soporte@example.com>.")
    return name, address


def render_email(outgoing: Outgoing, sender: tuple[str, str]) -> EmailMessage:
    """The mail.

    Args:
        sender: name and address.

    Raises:
        DeliveryFailed: the recipient is not one address, or the subject has line breaks.
    """
    recipient = _read_recipient(outgoing.recipient)
    note = text(outgoing.language, "… (texto recortado)")
    outgoing = replace(outgoing, text=cut(outgoing.text, note, lambda shorter: len(shorter) <= _MAX_CHARACTERS))
    message = EmailMessage(policy=LINES if recipient.isascii() else UTF8_LINES)
    message["From"] = formataddr((str(_encodable(sender[0])), sender[1]))
    message["To"] = recipient
    message["Subject"] = _encodable(one_line(outgoing.subject)[:250]) or "guiado"
    message["Date"] = clock.now()
    message["Message-ID"] = _write_id(outgoing.notification_id, sender)
    if outgoing.session_id:
        message["In-Reply-To"] = message["References"] = _write_id(f"session-{outgoing.session_id}", sender)
    message["Content-Language"] = outgoing.language
    message["Auto-Submitted"] = "auto-generated"
    if outgoing.priority in _IMPORTANCE:
        message["Importance"] = _IMPORTANCE[outgoing.priority]
    message.set_content(_encodable(outgoing.text + ("\n" + list_links(outgoing) if find_links(outgoing) else "")))
    message.add_alternative(_encodable(_write_html(outgoing)), subtype="html")
    return message


def _read_recipient(given: str) -> str:
    found = _ADDRESS.fullmatch(given.strip(" "))
    if found is None or not given.isprintable():
        raise DeliveryFailed("El destinatario no es una dirección de correo. Escribe solo una, en una línea.", permanent=True)
    try:
        return f"{found['local']}@{found['domain'].encode('idna').decode()}"
    except UnicodeError:
        raise DeliveryFailed("El dominio del destinatario no existe. Revísalo.", permanent=True) from None


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
    domain = sender[1].rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode()


def _encodable(words: str) -> str:
    """Without half a pair of UTF-16, which no mail can carry."""
    return words.encode("utf-8", "replace").decode()


def _failure(host: str, error: Exception, recipient: str) -> DeliveryFailed:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return DeliveryFailed(
            "El servidor de correo contestó {code}: {answer}",
            permanent=error.code >= 500,  # noqa: PLR2004 SMTP's class of failures for good
            code=error.code,
            answer=str(error.message).replace(recipient, "…")[:300],
        )
    if type(error) in (aiosmtplib.SMTPNotSupported, aiosmtplib.SMTPException):
        return DeliveryFailed(
            "{host}: el servidor de correo no sabe hacer lo que se le pide ({reason}). Revisa SMTP_TLS y SMTP_USER.",
            permanent=True,
            host=host,
            reason=str(error)[:200],
        )
    reason = os_reason(error) if isinstance(error, OSError) and error.errno else str(error)[:200]
    return DeliveryFailed("{host}: la conexión falló ({reason}).", host=host, reason=reason)
