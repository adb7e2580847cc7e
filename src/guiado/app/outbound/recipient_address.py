"""Whether a message can reach its recipient, as far as this can be told without asking anybody."""

from __future__ import annotations

from guiado.app.validation import email_problem
from guiado.delivery.channels.address import NUMBER, TOPIC, normal_form
from guiado.errors import FieldProblem, InvalidInput, Message

_HOOKS = ("teams", "discord", "webhook")


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
                found.append(_mail_problem(recipient))
            case "sms" if not NUMBER.fullmatch(normal_form("sms", recipient)):
                why = Message("El número no es válido. Escríbelo con el prefijo del país, por ejemplo +34600112233.")
                found.append(FieldProblem("recipient", why))
            case "push" if not TOPIC.fullmatch(recipient.strip()):
                why = Message("El tema de push solo puede llevar letras sin acento, cifras, - y _, hasta 64 caracteres.")
                found.append(FieldProblem("recipient", why))
            case "webhook" if not webhook_url and "://" in recipient:
                found.append(url_problem("recipient", recipient))
            case _:
                pass
    if isinstance(webhook_url, str):
        found.append(url_problem("webhook_url", webhook_url))
    return [problem for problem in found if problem]


def missing_url_problem(channel: object, recipient: object, webhook_url: object, *, has_slack: bool) -> FieldProblem | None:
    """What is wrong where a channel needs an address of its own and nobody gives one.

    Args:
        webhook_url: what the caller gives, or what is stored for the recipient.
        has_slack: the operator's own Slack is set up.
    """
    if webhook_url:
        return None
    if channel == "slack" and not has_slack:
        why = Message("Falta la dirección del canal. Indícala, o configura SLACK_WEBHOOK_URL o SLACK_BOT_TOKEN.")
        return FieldProblem("webhook_url", why, "missing")
    if channel in _HOOKS and not (channel == "webhook" and "://" in str(recipient)):
        return FieldProblem("webhook_url", Message("Falta la dirección del canal. Indícala."), "missing")
    return None


def url_problem(name: str, url: str) -> FieldProblem | None:
    """What is wrong with an address that a caller wrote, if anything."""
    from guiado.delivery.target_url import check_url

    try:
        check_url(url.strip())
    except InvalidInput as error:
        return FieldProblem(name, error.problems[0].message)
    return None


def _mail_problem(recipient: str) -> FieldProblem | None:
    # Many programs decode what begins with "=?" in a header; no real address holds it.
    return email_problem("recipient", "" if "=?" in recipient else recipient)
