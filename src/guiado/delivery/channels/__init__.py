"""Channels: how a message reaches a person. One file a channel; each is only imported where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guiado.delivery.channels.base import Button, Channel, Outgoing, Receipt
from guiado.errors import DeliveryFailed, printable

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient
    from guiado.delivery.ip_policy import TargetPolicy
    from guiado.settings import Settings

__all__ = ["KINDS", "Button", "Channel", "Outgoing", "Receipt", "make_channel"]

KINDS = ("email", "sms", "push", "slack", "teams", "discord", "webhook", "apprise")
"""Every channel by name."""


def make_channel(kind: str, settings: Settings, client: GuardedClient, policy: TargetPolicy) -> Channel:  # noqa: PLR0911 one line a channel
    """The channel of this kind; with `GUIADO_NOTIFICATIONS=console` its twin, which only shows what would be sent.

    Any number of messages may be sent through one at a time.

    Args:
        kind: one of `KINDS`.
        settings: the operator's accounts and servers.
        client: for everything that travels over HTTP.
        policy: which addresses may be called, for what does not.

    Raises:
        SettingsInvalid: a setting of this channel is missing or wrong; names it.
        DeliveryFailed: there is no such channel, or its package is not installed.
    """
    if kind in KINDS and settings.notifications == "console":
        from guiado.delivery.channels.console import ConsoleChannel

        return ConsoleChannel(kind, settings)
    match kind:
        case "email":
            from guiado.delivery.channels.email import EmailChannel

            return EmailChannel(settings, policy, resolver=client.resolver)
        case "sms":
            from guiado.delivery.channels.sms import make_sms_channel

            return make_sms_channel(settings, client)
        case "push":
            from guiado.delivery.channels.push import NtfyChannel

            return NtfyChannel(settings, client)
        case "slack":
            from guiado.delivery.channels.slack import SlackChannel

            return SlackChannel(settings, client)
        case "teams":
            from guiado.delivery.channels.teams import TeamsChannel

            return TeamsChannel(client)
        case "discord":
            from guiado.delivery.channels.discord import DiscordChannel

            return DiscordChannel(client)
        case "webhook":
            from guiado.delivery.channels.webhook import WebhookChannel

            return WebhookChannel(client)
        case "apprise":
            from guiado.delivery.channels.apprise import AppriseChannel

            return AppriseChannel(settings)
        case _:
            raise DeliveryFailed(
                "No hay canal «{kind}». Elige uno de estos: {kinds}.",
                permanent=True,
                kind=printable(kind),
                kinds=", ".join(KINDS),
            )


def names() -> tuple[str, ...]:
    return KINDS
