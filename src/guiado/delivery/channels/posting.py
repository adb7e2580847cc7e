"""One POST to a provider, and what its answer means for the next attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from guiado import clock
from guiado.delivery.http import GuardedClient, HttpAnswer
from guiado.delivery.retry import read_retry_after_s
from guiado.errors import DeliveryFailed

TIMEOUT_S = 20.0
"""For one message, from the lookup to the end of the answer."""

_JSON = "application/json; charset=utf-8"
_PASSING = frozenset({302, 303, 307, 408, 425, 429})  # what another attempt may find changed, besides all from 500 on
_WAIT = frozenset({429, 502, 503, 504})


async def post(client: GuardedClient, url: str, body: bytes, headers: Mapping[str, str], *, operator: bool = False) -> HttpAnswer:
    """Send a body.

    Args:
        operator: the URL comes from the operator's own environment, not from a caller.

    Raises:
        DeliveryFailed: no answer of success.
        TargetRefused: the address must not be called.
    """
    answer = await client.post(url, body, headers, timeout_s=TIMEOUT_S, operator=operator)
    check(answer)
    return answer


async def post_json(
    client: GuardedClient,
    url: str,
    payload: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    operator: bool = False,
) -> HttpAnswer:
    """Send a JSON object; otherwise like `post`."""
    return await post(client, url, write_json(payload), {**(headers or {}), "Content-Type": _JSON}, operator=operator)


def write_json(payload: Mapping[str, object]) -> bytes:
    """JSON as it travels: characters as they are, since sizes are limited in bytes."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def read_json(answer: HttpAnswer) -> dict[str, object]:
    """The object that came back, or an empty one."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def read_text(answer: HttpAnswer, name: str) -> str | None:
    """A member of the object that came back, where it is a text."""
    value = read_json(answer).get(name)
    return value[:200] if isinstance(value, str) else None


def check(answer: HttpAnswer, reason: str | None = None) -> None:
    """Pass answers of success only.

    Args:
        reason: what the provider gives as the reason, if it is one whose words may be shown: what a caller's own address
            answers may not, since that address could be a way into the operator's network.

    Raises:
        DeliveryFailed: any other answer; redirects are not followed.
    """
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 the class of success
        return
    template = (
        "HTTP {status}: el destino no aceptó el mensaje ({reason})."
        if reason
        else "HTTP {status}: el destino no aceptó el mensaje."
    )
    if 300 <= status < 400:  # noqa: PLR2004 the class of redirects
        template = "HTTP {status}: el destino reenvía a otra dirección, y no se sigue. Escribe la definitiva."
    raise DeliveryFailed(
        template,
        permanent=status < 500 and status not in _PASSING,  # noqa: PLR2004 from here on the fault is the server's
        retry_after_s=read_retry_after_s(answer.headers.get("retry-after"), clock.now()) if status in _WAIT else None,
        status=status,
        reason=reason,
    )


def webhook_url(options: Mapping[str, str]) -> str:
    """Where the caller wants the message.

    Raises:
        DeliveryFailed: nowhere.
    """
    url = options.get("webhook_url")
    if not url:
        raise DeliveryFailed('Falta la dirección: ponla en metadata["webhook_url"].', permanent=True)
    return url
