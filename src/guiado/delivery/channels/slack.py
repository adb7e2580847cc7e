"""Slack: an incoming webhook, or a bot that posts into any channel that it was invited to.

Source: docs.slack.dev, "Sending messages using incoming webhooks", "chat.postMessage", "Formatting message text", "Rate limits".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.address import normal_url
from guiado.delivery.channels.common.base import Button, Outgoing, Receipt, find_links
from guiado.delivery.channels.common.console import shown_as_json
from guiado.delivery.channels.common.provider_http import TIMEOUT_S, check, read_json, read_text, send_to_own, write_json
from guiado.errors import DeliveryFailed, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient, HttpAnswer

NO_SLACK = "Slack no está configurado: pon SLACK_WEBHOOK_URL o SLACK_BOT_TOKEN, o indica webhook_url."
_HEADERS = {"Content-Type": "application/json; charset=utf-8"}
_API = "https://slack.com/api"
_CHANNEL = re.compile(r"#.+|[CDGU][A-Z0-9]{7,}")
_REASON = re.compile(r"[a-z_]{2,60}")
_PASSING = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_OF_THE_MESSAGE = frozenset(
    {
        *("channel_not_found", "is_archived", "channel_is_archived", "user_not_found", "cannot_dm_bot", "messages_tab_disabled"),
        *("msg_too_long", "no_text", "invalid_blocks", "invalid_blocks_format", "too_many_attachments", "invalid_payload"),
        *("invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data"),
        *("invalid_post_type", "posting_to_general_channel_denied"),
    }
)
"""Slack's errors about one channel or text; the others are about the app, its token or the workspace."""
_MARKS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MAX_SECTION, _MAX_SECTIONS = 2_900, 10
_MAX_BUTTONS = 10


class SlackChannel:
    """Channel that sends to people who work in Slack.

    The first of these that is there is used: the caller's `webhook_url`, the bot (where the recipient is a channel, or
    nothing else is set up), the operator's webhook.

    Args:
        settings: `SLACK_BOT_TOKEN` and `SLACK_WEBHOOK_URL`.
        client: sends.
        api_url: of Slack's API.
    """

    def __init__(self, settings: Settings, client: GuardedClient, *, api_url: str = _API) -> None:
        self._token, self._own_url = settings.slack_bot_token, settings.slack_webhook_url
        self._client, self._api_url = client, api_url

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one message; see `Channel.send`."""
        callers_url = outgoing.options.get("webhook_url")
        if callers_url:
            answer = await self._client.post(callers_url, write_json(render_slack(outgoing)), _HEADERS, timeout_s=TIMEOUT_S)
            _check(answer, setting=None)
            return Receipt()
        if self._token and (not self._own_url or _CHANNEL.fullmatch(outgoing.recipient)):
            return await self._send_as_bot(self._token, outgoing)
        if not self._own_url:
            raise SettingsInvalid(NO_SLACK)
        answer = await send_to_own(self._client, self._own_url, write_json(render_slack(outgoing)), _HEADERS)
        _check(answer, setting="SLACK_WEBHOOK_URL")
        return Receipt()

    async def _send_as_bot(self, token: str, outgoing: Outgoing) -> Receipt:
        payload = {"channel": outgoing.recipient, **render_slack(outgoing)}
        headers = {**_HEADERS, "Authorization": f"Bearer {token}"}
        answer = await send_to_own(self._client, f"{self._api_url}/chat.postMessage", write_json(payload), headers)
        _check(answer, setting="SLACK_BOT_TOKEN")
        return Receipt(provider_message_id=read_text(answer, "ts"))


def render_slack(outgoing: Outgoing) -> dict[str, object]:
    """Render a message as Block Kit; nothing in it addresses `@channel` or becomes a link under another name."""
    sections = _split(outgoing.text, text(outgoing.language, "… (texto recortado)"))
    header = {"type": "header", "text": _plain((outgoing.subject or "")[:140])}
    actions = {"type": "actions", "elements": _write_buttons(outgoing)}
    return {
        "text": _escape(outgoing.subject or outgoing.text[:_MAX_SECTION]),
        "parse": "none",
        "blocks": [
            *([header] if outgoing.subject else []),
            *({"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}} for part in sections),
            *([actions] if actions["elements"] else []),
        ],
    }


def _check(answer: HttpAnswer, *, setting: str | None) -> None:
    error = read_text(answer, "error") or answer.body[:60].decode("utf-8", "replace")
    reason = error if setting and _REASON.fullmatch(error) else None
    check(answer, reason, setting=setting)
    if read_json(answer).get("ok") is False:
        is_for_good = error in _OF_THE_MESSAGE
        of_channel = not is_for_good and error not in _PASSING
        template = (
            "Slack no acepta la cuenta o el canal ({reason}). Revisa {setting}."
            if of_channel
            else "Slack no aceptó el mensaje ({reason})."
        )
        said, mended_with = reason or "ok: false", setting or "webhook_url"
        raise DeliveryFailed(template, permanent=is_for_good, of_channel=of_channel, reason=said, setting=mended_with)


def _split(words: str, note: str) -> list[str]:
    """Split a text into pieces that fit a block, never in the middle of an escape."""
    pieces, room = [""], _MAX_SECTION
    for character in map(_escape, words[: _MAX_SECTION * _MAX_SECTIONS]):
        if len(character) > room:
            if len(pieces) == _MAX_SECTIONS:
                return [*pieces[:-1], pieces[-1] + note]
            pieces, room = [*pieces, ""], _MAX_SECTION
        pieces[-1] += character
        room -= len(character)
    if len(words) > _MAX_SECTION * _MAX_SECTIONS:
        pieces[-1] += note
    return [piece for piece in pieces if piece.strip()]


def _write_buttons(outgoing: Outgoing) -> list[dict[str, object]]:
    links = dict.fromkeys(url for _, url in find_links(outgoing))
    usable = [button for button in outgoing.buttons if button.url in links or (button.action and not button.url)]
    return [_write_button(button, number, outgoing) for number, button in enumerate(usable[:_MAX_BUTTONS])]


def _write_button(button: Button, number: int, outgoing: Outgoing) -> dict[str, object]:
    written: dict[str, object] = {
        "type": "button",
        "text": _plain(button.label[:70]),
        "action_id": f"{(button.action or 'link')[:200]}_{number}" if button.url else (button.action or "")[:255],
    }
    if button.url:
        return {**written, "url": button.url}
    return {**written, "value": (outgoing.session_id or outgoing.notification_id)[:2000]}


def _plain(words: str) -> dict[str, object]:
    return {"type": "plain_text", "text": _escape(words)[:150], "emoji": True}


def _escape(words: str) -> str:
    return words.translate(_MARKS)


def _normal_form(given: str) -> str:
    return given.lower() if given.startswith("#") else normal_url(given)


@channel(
    "slack",
    show=shown_as_json(render_slack),
    needs=lambda settings: None if settings.slack_webhook_url or settings.slack_bot_token else NO_SLACK,
    address="optional",
    missing_address="Falta la dirección del canal. Indícala, o configura SLACK_WEBHOOK_URL o SLACK_BOT_TOKEN.",
    normal_form=_normal_form,
)
def make_slack_channel(tools: Tools) -> SlackChannel:
    """Make the Slack channel."""
    return SlackChannel(tools.settings, tools.client)
