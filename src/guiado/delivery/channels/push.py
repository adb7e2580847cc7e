"""Push messages through an ntfy server.

Source: docs.ntfy.sh, "Sending messages"; RFC 2047 for headers that are not ASCII.
"""

from __future__ import annotations

import re
from email.header import Header

from guiado.delivery.channels.message import Outgoing, Receipt, cut, find_links, one_line
from guiado.delivery.channels.posting import post, read_text
from guiado.delivery.http import GuardedClient
from guiado.errors import DeliveryFailed, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_PRIORITIES = {"low": "2", "normal": "3", "high": "4", "urgent": "5"}
_MAX_BYTES = 4_096  # more becomes an attachment


class NtfyChannel:
    """Messages for telephones and browsers that follow a topic.

    Args:
        settings: `NTFY_URL`, the server, with `user:password@` where it wants a login.
        client: sends.

    Raises:
        SettingsInvalid: there is no server.
    """

    def __init__(self, settings: Settings, client: GuardedClient) -> None:
        if not settings.ntfy_url:
            raise SettingsInvalid("Push no está configurado: pon NTFY_URL, la dirección de tu servidor ntfy.")
        self._server, self._client = settings.ntfy_url.rstrip("/"), client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one message to the recipient, a topic; see `Channel.send`."""
        headers, body = render_push(outgoing)
        answer = await post(self._client, f"{self._server}/{outgoing.recipient}", body, headers, operator=True)
        return Receipt(provider_message_id=read_text(answer, "id"))


def render_push(outgoing: Outgoing) -> tuple[dict[str, str], bytes]:
    """Headers and body.

    Raises:
        DeliveryFailed: the recipient is no topic, or the subject has line breaks.
    """
    if not _TOPIC.fullmatch(outgoing.recipient):
        raise DeliveryFailed(
            "El tema de push solo puede llevar letras sin acento, cifras, - y _, hasta 64 caracteres.", permanent=True
        )
    note = text(outgoing.language, "… (texto recortado)")
    words = cut(outgoing.text, note, lambda shorter: len(shorter.encode("utf-8", "replace")) <= _MAX_BYTES)
    headers = {"Content-Type": "text/plain; charset=utf-8", "Priority": _PRIORITIES.get(outgoing.priority, "3")}
    if outgoing.subject:
        headers["Title"] = _encode(one_line(outgoing.subject)[:250])
    links = find_links(outgoing)
    if links:
        headers["Click"] = links[0][1]
    return headers, words.encode("utf-8", "replace")


def _encode(title: str) -> str:
    return title if title.isascii() else Header(title, "utf-8").encode(linesep="")
