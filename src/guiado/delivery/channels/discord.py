"""Discord: a message through a channel's webhook.

Source: discord.com/developers, "Execute Webhook"; "Allowed Mentions Object".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.base import Outgoing, Receipt, cut, list_links
from guiado.delivery.channels.common.console import shown_as_json
from guiado.delivery.channels.common.provider_http import post_json, read_text, webhook_url
from guiado.i18n import text

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

_MAX_UNITS = 2_000
_ADDRESS_OR_MARK = re.compile(r"https?://[^\s<>()\[\]|`]+|[\\*_~`|>#<\[\]-]", re.IGNORECASE)


class DiscordChannel:
    """Channel that sends through the webhook of a Discord channel.

    Args:
        client: sends.
    """

    def __init__(self, client: GuardedClient) -> None:
        self._client = client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one message; see `Channel.send`."""
        answer = await post_json(self._client, _wait_for_id(webhook_url(outgoing.options)), render_discord(outgoing))
        return Receipt(provider_message_id=read_text(answer, "id"))


def render_discord(outgoing: Outgoing) -> dict[str, object]:
    """Render a message for Discord: Markdown is escaped, and nobody is mentioned whatever the text says."""
    title = f"**{_escape(outgoing.subject[:200])}**\n" if outgoing.subject else ""
    links = list_links(outgoing) if _units(list_links(outgoing)) <= _MAX_UNITS // 2 else ""
    note = text(outgoing.language, "… (texto recortado)")
    words = cut(outgoing.text, note, lambda shorter: _units(title + _escape(shorter) + links) <= _MAX_UNITS)
    return {"content": title + _escape(words) + links, "allowed_mentions": {"parse": []}}


def _escape(words: str) -> str:
    """Escape Discord's Markdown with backslashes; an address stays as it is, or it would lead nowhere."""
    return _ADDRESS_OR_MARK.sub(lambda found: found[0] if len(found[0]) > 1 else "\\" + found[0], words)


def _units(words: str) -> int:
    """Return the length of a text in UTF-16 units, the longest way to count it."""
    return len(words.encode("utf-16-le", "replace")) // 2


def _wait_for_id(url: str) -> str:
    """Add `wait=true` to a webhook's URL: Discord then answers when it has the message, and with its id."""
    address, _, fragment = url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}wait=true" + (f"#{fragment}" if fragment else "")


@channel("discord", show=shown_as_json(render_discord), address="needed")
def make_discord_channel(tools: Tools) -> DiscordChannel:
    """Make the Discord channel."""
    return DiscordChannel(tools.client)
