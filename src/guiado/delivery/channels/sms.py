"""SMS: through Twilio, or through any gateway that takes `{"to", "text"}` as JSON.

Source: twilio.com/docs, "Message resource", "Error and warning dictionary".
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.address import NUMBER, normal_number
from guiado.delivery.channels.common.base import Channel, Outgoing, Receipt, cut, list_links
from guiado.delivery.channels.common.gsm import count_segments, own_words, plain_typography
from guiado.delivery.channels.common.provider_http import check, post_json, read_json, read_text, send_to_own
from guiado.errors import DeliveryFailed, FieldProblem, Message, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient, HttpAnswer

NO_SMS = "SMS no está configurado: pon TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN y TWILIO_FROM, o SMS_URL."
_NO_NUMBER = "El número no es válido. Escríbelo con el prefijo del país, por ejemplo +34600112233."
_API = "https://api.twilio.com"
_MAX_CHARACTERS = 1_600
_BAD_REQUEST = 400
_OF_THE_MESSAGE = frozenset(
    {21211, 21214, 21217, 21219, 21265, 21266, 21602, 21605, 21610, 21612, 21614, 21617, 21619, 21635, 21656}
)
"""Twilio's error codes for a number or text that no account could send; the others are about the account."""


class GatewayChannel:
    """Channel that sends SMS through a gateway of the operator.

    Args:
        url: the gateway's, from the environment.
        client: sends.
    """

    def __init__(self, url: str, client: GuardedClient) -> None:
        self._url, self._client = url, client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one SMS; see `Channel.send`."""
        to, words = render_sms(outgoing)
        headers = {"Idempotency-Key": outgoing.notification_id}
        answer = await post_json(self._client, self._url, {"to": to, "text": words}, headers, setting="SMS_URL")
        return Receipt(provider_message_id=read_text(answer, "id"), detail=describe_size(words, outgoing.language))


class TwilioChannel:
    """Channel that sends SMS through Twilio.

    Args:
        settings: `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, and `TWILIO_FROM`: a number, or a messaging service (`MG…`).
        client: sends.
        api_url: of Twilio's API.

    Raises:
        SettingsInvalid: one of them is missing.
    """

    def __init__(self, settings: Settings, client: GuardedClient, *, api_url: str = _API) -> None:
        account, token, sender = settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_from
        if not account or not token or not sender:
            raise SettingsInvalid(NO_SMS)
        self._url = f"{api_url}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._login = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()
        self._sender = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self._client = client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one SMS; see `Channel.send`."""
        to, words = render_sms(outgoing)
        form = urlencode({"To": to, "Body": words, **self._sender}, errors="replace").encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": self._login}
        answer = await send_to_own(self._client, self._url, form, headers)
        _check(answer)
        return Receipt(provider_message_id=read_text(answer, "sid"), detail=describe_size(words, outgoing.language))


def render_sms(outgoing: Outgoing) -> tuple[str, str]:
    """Render a message as SMS: number and text.

    Raises:
        DeliveryFailed: the recipient is no number in the international form.
    """
    number = normal_number(outgoing.recipient.strip())
    if not NUMBER.fullmatch(number):
        raise DeliveryFailed(_NO_NUMBER, permanent=True)
    words = plain_typography((outgoing.text or outgoing.subject or "") + list_links(outgoing))
    note = plain_typography(text(outgoing.language, "… (texto recortado)"))
    return number, cut(words, note, lambda shorter: len(shorter.encode("utf-16-le", "replace")) <= 2 * _MAX_CHARACTERS)


def _check(answer: HttpAnswer) -> None:
    code = read_json(answer).get("code")
    is_of_account = answer.status == _BAD_REQUEST and isinstance(code, int) and code not in _OF_THE_MESSAGE
    setting = "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM"
    check(answer, read_text(answer, "message"), setting=setting, is_of_account=is_of_account)


def describe_size(words: str, language: str) -> str:
    """Describe the size that the provider charges for: "2 segmentos"."""
    count = count_segments(words)
    return text(language, "{count} segmento" if count == 1 else "{count} segmentos", count=count)


def _needs(settings: Settings) -> str | None:
    twilio = settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from
    return None if settings.sms_url or twilio else NO_SMS


def _check_recipient(recipient: str) -> FieldProblem | None:
    is_number = NUMBER.fullmatch(normal_number(recipient.strip()))
    return None if is_number else FieldProblem("recipient", Message(_NO_NUMBER))


def _show(outgoing: Outgoing, _settings: Settings) -> tuple[str, str | None]:
    number, words = render_sms(outgoing)
    size = describe_size(words, outgoing.language)
    return f"{number} ({size})\n{words}", size


@channel("sms", show=_show, needs=_needs, check_recipient=_check_recipient, normal_form=normal_number, own_words=own_words)
def make_sms_channel(tools: Tools) -> Channel:
    """Make the SMS channel of the provider that is set up: the operator's own gateway before Twilio.

    Raises:
        SettingsInvalid: neither is; names what is missing.
    """
    if tools.settings.sms_url:
        return GatewayChannel(tools.settings.sms_url, tools.client)
    return TwilioChannel(tools.settings, tools.client)
