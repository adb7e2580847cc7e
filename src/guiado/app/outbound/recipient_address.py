"""Checks of a recipient and its address, without any connection."""

from __future__ import annotations

from guiado.delivery.channels import kind_of
from guiado.delivery.channels.common.address import url_problem
from guiado.errors import FieldProblem, Message


def target_problems(channel: object, recipient: object, webhook_url: object = None) -> list[FieldProblem]:
    """Faults of a recipient and its address; values that are no texts are left out.

    Args:
        channel: how the message travels.
        recipient: address, number, channel name, or for "webhook" the URL itself.
        webhook_url: of the channels that have one.
    """
    found: list[FieldProblem | None] = []
    kind = kind_of(channel)
    if kind and isinstance(recipient, str) and not (kind.address == "recipient" and webhook_url):
        found.append(kind.check_recipient(recipient))
    if isinstance(webhook_url, str):
        found.append(url_problem("webhook_url", webhook_url))
    return [problem for problem in found if problem]


def missing_url_problem(channel: object, recipient: object, webhook_url: object, *, has_account: bool) -> FieldProblem | None:
    """Fault of a channel that needs an address of its own, where none is given; None where nothing is missing.

    Args:
        webhook_url: what the caller gives, or what is stored for the recipient.
        has_account: the operator's own account of this channel is set up.
    """
    kind = kind_of(channel)
    if webhook_url or kind is None or kind.address == "none":
        return None
    if kind.address == "optional" and has_account:
        return None
    if kind.address == "recipient" and "://" in str(recipient):
        return None
    return FieldProblem("webhook_url", Message(kind.missing_address), "missing")
