"""SMS: through Twilio, or through any gateway that takes `{"to", "text"}` as JSON.

Source: twilio.com/docs, "Message resource"; 3GPP TS 23.038 (GSM 7-bit alphabet), TS 23.040 (concatenation).
"""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, urlencode

from guiado.delivery.channels.message import Channel, Outgoing, Receipt, cut, list_links
from guiado.delivery.channels.posting import TIMEOUT_S, check, post_json, read_text
from guiado.delivery.http import GuardedClient
from guiado.errors import DeliveryFailed, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

_API = "https://api.twilio.com"
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_MAX_CHARACTERS = 1_600
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("\f^{}\\[~]|€")


def make_sms_channel(settings: Settings, client: GuardedClient) -> Channel:
    """The provider that is set up: the operator's own gateway before Twilio.

    Raises:
        SettingsInvalid: neither is; names what is missing.
    """
    if settings.sms_url:
        return GatewayChannel(settings.sms_url, client)
    return TwilioChannel(settings, client)


class GatewayChannel:
    """SMS through a gateway of the operator.

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
        answer = await post_json(self._client, self._url, {"to": to, "text": words}, headers, operator=True)
        return Receipt(provider_message_id=read_text(answer, "id"), detail=describe_size(words, outgoing.language))


class TwilioChannel:
    """SMS through Twilio.

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
            raise SettingsInvalid("SMS no está configurado: pon TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN y TWILIO_FROM, o SMS_URL.")
        self._url = f"{api_url}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._login = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()
        self._sender = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self._client = client

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one SMS; see `Channel.send`."""
        to, words = render_sms(outgoing)
        form = urlencode({"To": to, "Body": words, **self._sender}, errors="replace").encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": self._login}
        answer = await self._client.post(self._url, form, headers, timeout_s=TIMEOUT_S, operator=True)
        check(answer, read_text(answer, "message"))
        return Receipt(provider_message_id=read_text(answer, "sid"), detail=describe_size(words, outgoing.language))


def render_sms(outgoing: Outgoing) -> tuple[str, str]:
    """Number and text.

    Raises:
        DeliveryFailed: the recipient is no number in the international form.
    """
    number = re.sub(r"[ ().-]", "", outgoing.recipient)
    if not _NUMBER.fullmatch(number):
        raise DeliveryFailed(
            "El número no es válido. Escríbelo con el prefijo del país, por ejemplo +34600112233.", permanent=True
        )
    words = (outgoing.text or outgoing.subject or "") + list_links(outgoing)
    note = text(outgoing.language, "… (texto recortado)")
    return number, cut(words, note, lambda shorter: len(shorter.encode("utf-16-le", "replace")) <= 2 * _MAX_CHARACTERS)


def describe_size(words: str, language: str) -> str:
    """What the provider will charge for: "2 segmentos"."""
    count = count_segments(words)
    return text(language, "{count} segmento" if count == 1 else "{count} segmentos", count=count)


def count_segments(words: str) -> int:
    """How many SMS a text takes: 160 characters of the GSM alphabet or 70 others in one, 153 or 67 in each of several.

    `é ñ ü ¿ ¡` belong to the alphabet, `á í ó ú` do not: one of them makes all the text twice as dear.
    """
    is_gsm = all(character in _GSM or character in _GSM_TWICE for character in words)
    sizes = [_size(character, is_gsm=is_gsm) for character in words]
    alone, each = (160, 153) if is_gsm else (70, 67)
    if sum(sizes) <= alone:
        return 1
    segments, room = 1, each
    for size in sizes:  # a character of two units does not begin in one segment and end in the next
        if size > room:
            segments, room = segments + 1, each
        room -= size
    return segments


def _size(character: str, *, is_gsm: bool) -> int:
    if is_gsm:
        return 2 if character in _GSM_TWICE else 1
    return 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 the last character that UTF-16 writes in one unit
