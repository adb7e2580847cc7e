"""Whether the operator has set a channel up, without making it: what a message through it would wait for."""

from __future__ import annotations

from guiado.errors import Message
from guiado.settings import Settings

NO_MAIL = "El correo no está configurado: pon SMTP_HOST y SMTP_FROM."
NO_SMS = "SMS no está configurado: pon TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN y TWILIO_FROM, o SMS_URL."
NO_PUSH = "Push no está configurado: pon NTFY_URL, la dirección de tu servidor ntfy."
NO_APPRISE = "Apprise no está configurado: pon APPRISE_URLS."


def setup_problem(kind: str, settings: Settings) -> Message | None:
    """What is missing before messages of this channel can leave; None where nothing is, or each brings its own address.

    Args:
        kind: name of the channel.
        settings: of the service.
    """
    if settings.notifications == "console":
        return None
    twilio = settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from
    is_set_up = {
        "email": (settings.smtp_host and settings.smtp_from, NO_MAIL),
        "sms": (settings.sms_url or twilio, NO_SMS),
        "push": (settings.ntfy_url, NO_PUSH),
        "apprise": (settings.apprise_urls.strip(" ,"), NO_APPRISE),
    }
    found, problem = is_set_up.get(kind, (True, ""))
    return None if found else Message(problem)
