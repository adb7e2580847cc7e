"""POST requests to a provider, and the meaning of its answer for the next attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from guiado import clock
from guiado.delivery.retry import read_retry_after_s
from guiado.errors import DeliveryFailed, TargetRefused
from guiado.text.json_shapes import is_object

if TYPE_CHECKING:
    from guiado.delivery.guarded_client import GuardedClient, HttpAnswer

TIMEOUT_S = 20.0
"""Deadline of one message, from the lookup to the end of the answer, in seconds."""

_JSON = "application/json; charset=utf-8"
_PASSING = frozenset({302, 303, 304, 307, 408, 423, 425, 429})  # what another attempt may find changed, besides all from 500 on
_OF_TARGET = frozenset({401, 402, 403, 404, 405, 407})  # the account, the key or the hook: no message would be taken
_MOVED = frozenset({300, 301, 308})
_OF_REDIRECT = frozenset({301, 302, 303, 307, 308})  # RFC 9110, section 15.4: the others name no other address
_WAIT = frozenset({429, 502, 503, 504})


async def post(
    client: GuardedClient, url: str, body: bytes, headers: Mapping[str, str], *, setting: str | None = None
) -> HttpAnswer:
    """Send a body to a provider, and check its answer.

    Args:
        setting: the operator's setting that the URL comes from; None for a caller's.

    Raises:
        DeliveryFailed: no answer of success.
        TargetRefused: the caller's address must not be called.
    """
    if setting is None:
        answer = await client.post(url, body, headers, timeout_s=TIMEOUT_S)
    else:
        answer = await send_to_own(client, url, body, headers)
    check(answer, setting=setting)
    return answer


async def post_json(
    client: GuardedClient,
    url: str,
    payload: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    setting: str | None = None,
) -> HttpAnswer:
    """Send a JSON object to a provider; otherwise like `post`."""
    return await post(client, url, write_json(payload), {**(headers or {}), "Content-Type": _JSON}, setting=setting)


async def send_to_own(client: GuardedClient, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
    """Send one request to a server of the operator's choice, and return its answer unchecked.

    Raises:
        DeliveryFailed: there was no answer. Never for good: the operator can mend what is wrong.
    """
    try:
        return await client.post(url, body, headers, timeout_s=TIMEOUT_S, operator=True)
    except (DeliveryFailed, TargetRefused) as error:
        failure = DeliveryFailed(error.message.template, of_channel=True)
        failure.message = error.message
        raise failure from error


def write_json(payload: Mapping[str, object]) -> bytes:
    """Encode JSON with characters as they are, since sizes are limited in bytes."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def read_json(answer: HttpAnswer) -> dict[str, object]:
    """Decode the JSON object of an answer; empty where there is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if is_object(found) else {}


def read_text(answer: HttpAnswer, name: str) -> str | None:
    """Return a text member of an answer's JSON object; None where there is none."""
    value = read_json(answer).get(name)
    return value[:200] if isinstance(value, str) else None


def check(answer: HttpAnswer, reason: str | None = None, *, setting: str | None = None, is_of_account: bool = False) -> None:
    """Raise an error for an answer other than success.

    Args:
        reason: what the provider gives as the reason, if it is one whose words may be shown: what a caller's own address
            answers may not, since that address could be a way into the operator's network.
        setting: of the operator, that a refused account is mended with; None for a caller's own address.
        is_of_account: the provider says that its account is at fault, whatever the status.

    Raises:
        DeliveryFailed: any other answer; redirects are not followed.
    """
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 the class of success
        return
    of_channel = is_of_account or status in _OF_TARGET or (setting is not None and status in _MOVED)
    for_good = status < 500 and status not in _PASSING and not of_channel  # noqa: PLR2004 from here on the fault is the server's
    raise DeliveryFailed(
        _explain(status, reason, of_channel=of_channel),
        permanent=for_good,
        of_channel=of_channel,
        retry_after_s=read_retry_after_s(answer.headers.get("retry-after"), clock.now()) if status in _WAIT else None,
        status=status,
        reason=reason,
        setting=setting or "webhook_url",
    )


def _explain(status: int, reason: str | None, *, of_channel: bool) -> str:
    if status in _OF_REDIRECT:
        return "HTTP {status}: el destino redirige a otra dirección, y guiado no sigue redirecciones. Escribe la definitiva."
    if of_channel:
        return (
            "HTTP {status}: el destino no acepta la cuenta, la clave de API o la dirección ({reason}). Revisa {setting}."
            if reason
            else "HTTP {status}: el destino no acepta la cuenta, la clave de API o la dirección. Revisa {setting}."
        )
    if reason:
        return "HTTP {status}: el destino no aceptó el mensaje ({reason})."
    return "HTTP {status}: el destino no aceptó el mensaje."


def webhook_url(options: Mapping[str, str]) -> str:
    """Return the webhook's URL from a message's options.

    Raises:
        DeliveryFailed: the options hold none.
    """
    url = options.get("webhook_url")
    if not url:
        raise DeliveryFailed(
            "Falta webhook_url, la dirección del canal. Indícala al enviar o en el destinatario.", permanent=True
        )
    return url
