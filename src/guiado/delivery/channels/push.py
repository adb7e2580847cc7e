"""Push messages through an ntfy server.

Source: docs.ntfy.sh, "Sending messages"; RFC 2047 for headers that are not ASCII.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.address import TOPIC
from guiado.delivery.channels.common.base import Outgoing, Receipt, cut, find_links
from guiado.delivery.channels.common.headers import header_value
from guiado.delivery.channels.common.provider_http import post, read_text
from guiado.errors import DeliveryFailed, FieldProblem, Message, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

NO_PUSH = "Push no está configurado: pon NTFY_URL, la dirección de tu servidor ntfy."
_NO_TOPIC = "El tema de push solo puede llevar letras sin acento, cifras, - y _, hasta 64 caracteres."
_PRIORITIES = {"low": "2", "normal": "3", "high": "4", "urgent": "5"}
_MAX_BYTES = 4_096  # more becomes an attachment


class NtfyChannel:
    """Channel that sends push messages to the phones and browsers that follow a topic.

    Args:
        settings: `NTFY_URL`, the server, with `user:password@` where it wants a login.
        client: sends.

    Raises:
        SettingsInvalid: there is no server.
    """

    def __init__(self, settings: Settings, client: GuardedClient) -> None:
        if not settings.ntfy_url:
            raise SettingsInvalid(NO_PUSH)
        self._server, self._client = settings.ntfy_url.rstrip("/"), client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one message to the recipient, a topic; see `Channel.send`."""
        headers, body = render_push(outgoing)
        answer = await post(self._client, f"{self._server}/{outgoing.recipient}", body, headers, setting="NTFY_URL")
        return Receipt(provider_message_id=read_text(answer, "id"))


def render_push(outgoing: Outgoing) -> tuple[dict[str, str], bytes]:
    """Render a message for ntfy: headers and body.

    Raises:
        DeliveryFailed: the recipient is no topic.
    """
    if not TOPIC.fullmatch(outgoing.recipient):
        raise DeliveryFailed(_NO_TOPIC, permanent=True)
    note = text(outgoing.language, "… (texto recortado)")
    words = cut(outgoing.text, note, lambda shorter: len(shorter.encode("utf-8", "replace")) <= _MAX_BYTES)
    headers = {"Content-Type": "text/plain; charset=utf-8", "Priority": _PRIORITIES.get(outgoing.priority, "3")}
    if outgoing.subject:
        headers["Title"] = header_value(outgoing.subject[:250])
    links = find_links(outgoing)
    if links:
        headers["Click"] = header_value(links[0][1])
    return headers, words.encode("utf-8", "replace")


def _check_recipient(recipient: str) -> FieldProblem | None:
    return None if TOPIC.fullmatch(recipient.strip()) else FieldProblem("recipient", Message(_NO_TOPIC))


def _show(outgoing: Outgoing, _settings: Settings) -> tuple[str, str | None]:
    headers, body = render_push(outgoing)
    head = "\n".join(f"{name}: {value}" for name, value in headers.items())
    return f"{head}\n\n{body.decode()}", None


@channel("push", show=_show, needs=lambda settings: None if settings.ntfy_url else NO_PUSH, check_recipient=_check_recipient)
def make_push_channel(tools: Tools) -> NtfyChannel:
    """Make the push channel."""
    return NtfyChannel(tools.settings, tools.client)
