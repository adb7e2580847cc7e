"""Whether a message can reach its recipient, as far as this can be told without asking anybody."""

from __future__ import annotations

import re

from guiado.app.fields import email_problem
from guiado.errors import FieldProblem, InvalidInput, Message

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def target_problems(channel: object, recipient: object, webhook_url: object = None) -> list[FieldProblem]:
    """What is wrong with a recipient and its address, as far as they are texts.

    Args:
        channel: how the message travels.
        recipient: address, number, channel name, or for "webhook" the URL itself.
        webhook_url: of the channels that have one.
    """
    found: list[FieldProblem | None] = []
    if isinstance(recipient, str):
        match channel:
            case "email":
                found.append(email_problem("recipient", recipient))
            case "sms" if not _NUMBER.fullmatch(recipient.strip()):
                why = Message("El número no es válido. Escríbelo con el prefijo del país, por ejemplo +34600112233.")
                found.append(FieldProblem("recipient", why))
            case "webhook" if not webhook_url and "://" in recipient:
                found.append(url_problem("recipient", recipient))
            case _:
                pass
    if isinstance(webhook_url, str):
        found.append(url_problem("webhook_url", webhook_url))
    return [problem for problem in found if problem]


def url_problem(name: str, url: str) -> FieldProblem | None:
    """What is wrong with an address that a caller wrote, if anything."""
    from guiado.delivery.urls import check_url

    try:
        check_url(url.strip())
    except InvalidInput as error:
        return FieldProblem(name, error.problems[0].message)
    return None
