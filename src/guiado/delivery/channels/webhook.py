"""Webhook: a JSON message to the address that the caller names, signed on request.

Source: Standard Webhooks 1.0.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guiado import clock
from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.address import url_problem
from guiado.delivery.channels.common.base import Outgoing, Receipt, find_links
from guiado.delivery.channels.common.console import shown_as_json
from guiado.delivery.channels.common.provider_http import post, webhook_url, write_json
from guiado.delivery.signing import standard_signature
from guiado.errors import FieldProblem

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient


class WebhookChannel:
    """Channel that sends messages to a program.

    Args:
        client: sends.
    """

    def __init__(self, client: GuardedClient) -> None:
        self._client = client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one object to `options["webhook_url"]` or, without it, to the recipient; see `Channel.send`."""
        body = write_json(render_webhook(outgoing))
        named = {"webhook_url": outgoing.recipient} if "://" in outgoing.recipient else {}
        url = webhook_url({**named, **{name: value for name, value in outgoing.options.items() if value}})
        await post(self._client, url, body, _write_headers(outgoing, body))
        return Receipt()


def render_webhook(outgoing: Outgoing) -> dict[str, object]:
    """Render a message as a JSON object."""
    return {
        "notification_id": outgoing.notification_id,
        "session_id": outgoing.session_id,
        "recipient": outgoing.recipient,
        "subject": outgoing.subject,
        "message": outgoing.text,
        "priority": outgoing.priority,
        "language": outgoing.language,
        "links": [{"label": label, "url": url} for label, url in find_links(outgoing)],
    }


def _write_headers(outgoing: Outgoing, body: bytes) -> dict[str, str]:
    message_id, secret, timestamp_s = outgoing.notification_id, outgoing.options.get("secret"), int(clock.now().timestamp())
    headers = {"Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(timestamp_s)}
    if secret:
        headers["webhook-signature"] = standard_signature(message_id, timestamp_s, body, secret)
    return headers


def _check_recipient(recipient: str) -> FieldProblem | None:
    """Check a recipient that is itself a URL; any other one is a name."""
    return url_problem("recipient", recipient) if "://" in recipient else None


@channel("webhook", show=shown_as_json(render_webhook), address="recipient", check_recipient=_check_recipient)
def make_webhook_channel(tools: Tools) -> WebhookChannel:
    """Make the webhook channel."""
    return WebhookChannel(tools.client)
