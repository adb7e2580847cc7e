"""TroubleshootingWebhookManager: the endpoints that receive events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from guiado.agent.arguments import object_of, value_of
from guiado.app import commands
from guiado.app.models import plain
from guiado.app.outbound import webhooks
from guiado.app.outbound.endpoint_fields import problems
from guiado.app.outbound.first_attempts import first_results
from guiado.app.outbound.models import TestResult
from guiado.app.validation import check, check_with
from guiado.domain.events import EventKind
from guiado.errors import WebhookNotFound
from guiado.store.webhooks import Endpoint
from guiado.sync import Facade


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Configuration of a webhook endpoint.

    Args:
        url: where to post.
        events: of which events; "*" for all.
        secret: signs the messages; any text that is not empty. Libraries of Standard Webhooks check only `whsec_…`.
        headers: sent with every message.
        timeout: seconds for one attempt.
        retry_attempts: attempts in all.
        enabled: whether anything is sent.
    """

    url: str = field(repr=False)
    events: Sequence[EventKind | str]
    secret: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    timeout: float = 10
    retry_attempts: int = 10
    enabled: bool = True


class TroubleshootingWebhookManager(Facade):
    """Registers webhooks and triggers events by hand; events of sessions fire by themselves."""

    @property
    def webhooks(self) -> Mapping[str, WebhookConfig]:
        """The registered endpoints: id -> configuration."""
        found = self._door.read(webhooks.every)
        return {endpoint.webhook_id: _config(endpoint) for endpoint in found}

    def register_webhook(self, webhook_id: str, config: WebhookConfig) -> None:
        """Register an endpoint; the same id again replaces it, but keeps secret and headers where `config` has none.

        A secret that is replaced signs too for a day, so that the receiver can change its own meanwhile.

        Raises:
            ValueError: names every bad field with the remedy.
        """
        config = object_of("config", config, WebhookConfig, "WebhookConfig(url=…, events=[…])")
        given = {
            # A blank id would read as none given, and get one made up.
            "webhook_id": "?" if _is_blank(webhook_id) else webhook_id,
            "url": config.url,
            "events": _events(config.events),
            "secret": config.secret,
            "headers": config.headers,
            "timeout": config.timeout,
            "retry_attempts": config.retry_attempts,
            "enabled": config.enabled,
        }
        command = check_with(commands.Webhook, given, problems(given))
        self._door.write(webhooks.register, command, make_secret=False)

    def unregister_webhook(self, webhook_id: str) -> bool:
        """Remove an endpoint.

        Returns:
            Whether there was one.
        """
        if not isinstance(webhook_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            return False
        try:
            self._door.write(webhooks.remove, webhook_id)
        except WebhookNotFound:
            return False
        return True

    def trigger_webhook(
        self, event: EventKind | str, data: Mapping[str, object], webhook_id: str | None = None
    ) -> dict[str, Any]:
        """Store an event for the endpoints that want it, and wait for the first delivery attempt at each.

        A delivery that fails is tried again in the background.

        Args:
            data: what the message says; plain JSON values.
            webhook_id: for this endpoint alone; a disabled one is reported too.

        Returns:
            `event webhooks_triggered successful failed results`; each result tells the state of its delivery. One that
            failed is tried again later, and so counts among `pending` too.

        Raises:
            ValueError: unknown event, or data that is no JSON.
        """
        command = check(commands.TriggerEvent, {"event": value_of(event), "data": data, "webhook_id": webhook_id})

        event_id, targets = self._door.write(webhooks.trigger, command.event, command.data, command.webhook_id)
        results = self._engine.run(lambda parts: first_results(parts, event_id, targets)) if targets else []
        return {
            "event": command.event.value,
            "webhooks_triggered": len(results),
            "successful": sum(result.success for result in results),
            "failed": sum(map(_has_failed, results)),
            "pending": sum(result.status == "pending" for result in results),
            "results": [{**plain(result), "event_id": event_id} for result in results],
        }


def _has_failed(result: TestResult) -> bool:
    return not result.success and (result.attempts > 0 or result.status != "pending")


def _is_blank(webhook_id: object) -> bool:
    return webhook_id is None or (isinstance(webhook_id, str) and not webhook_id.strip())


def _events(given: object) -> object:
    if isinstance(given, str):
        return [value_of(given)]
    return [value_of(event) for event in given] if _is_collection(given) else given


def _is_collection(given: object) -> TypeGuard[Collection[object]]:
    return isinstance(given, (list, tuple, set, frozenset))


def _config(endpoint: Endpoint) -> WebhookConfig:
    return WebhookConfig(
        url=endpoint.url,
        events=[*EventKind] if "*" in endpoint.events else [EventKind(event) for event in endpoint.events],
        secret=endpoint.secret,
        headers=dict(endpoint.headers),
        timeout=endpoint.timeout,
        retry_attempts=endpoint.retry_attempts,
        enabled=endpoint.enabled,
    )
