"""Microsoft Teams: an Adaptive Card for the webhook of a Workflow.

Source: learn.microsoft.com, "Create incoming webhooks with Workflows"; adaptivecards.io, schema 1.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.base import Outgoing, Receipt, cut, find_links
from guiado.delivery.channels.common.console import shown_as_json
from guiado.delivery.channels.common.provider_http import post_json, webhook_url, write_json
from guiado.i18n import text

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient

_MAX_BYTES = 21_000  # 28 KB by the manual; Teams writes the card anew before it measures
_MAX_LINES = 200
_MAX_LINKS = 6
_URGENT = ("high", "urgent")


class TeamsChannel:
    """Channel that sends to a channel or chat of Microsoft Teams.

    Args:
        client: sends.
    """

    def __init__(self, client: GuardedClient) -> None:
        self._client = client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one card; see `Channel.send`. Teams gives no message id."""
        await post_json(self._client, webhook_url(outgoing.options), render_teams(outgoing))
        return Receipt()


def render_teams(outgoing: Outgoing) -> dict[str, object]:
    """Render a message with its card; runs of text instead of Markdown keep a customer's words from becoming a link."""
    note = "\n" + text(outgoing.language, "… (texto recortado)")
    words = cut(outgoing.text, note, lambda shorter: len(write_json(_write_card(outgoing, shorter))) <= _MAX_BYTES)
    return _write_card(outgoing, words)


def _write_card(outgoing: Outgoing, words: str) -> dict[str, object]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [*_write_title(outgoing), *map(_write_line, words.split("\n", _MAX_LINES))],
        "actions": [
            {"type": "Action.OpenUrl", "title": label[:80], "url": url} for label, url in find_links(outgoing)[:_MAX_LINKS]
        ],
        "msteams": {"width": "Full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _write_title(outgoing: Outgoing) -> list[Mapping[str, object]]:
    color = "attention" if outgoing.priority in _URGENT else "default"
    run = {"type": "TextRun", "text": (outgoing.subject or "")[:200], "weight": "bolder", "size": "medium", "color": color}
    return [{"type": "RichTextBlock", "inlines": [run]}] if outgoing.subject else []


def _write_line(line: str) -> Mapping[str, object]:
    return {"type": "RichTextBlock", "spacing": "none", "inlines": [{"type": "TextRun", "text": line or " "}]}


@channel("teams", show=shown_as_json(render_teams), address="needed")
def make_teams_channel(tools: Tools) -> TeamsChannel:
    """Make the Teams channel."""
    return TeamsChannel(tools.client)
