"""Checks of the fields of an endpoint: id, address, headers and secret, all faults at once and each with its remedy.

Source: RFC 9110, section 7.6.1 (headers of the connection); Standard Webhooks 1.0.0, "Signature scheme" (secrets).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import cast

from guiado.delivery.signing import is_damaged_secret
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.store.webhooks import MASK

_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
_MAX_HEADER = 4_096
KESTRA = "KESTRA_WEBHOOK_URL"
"""Id of the endpoint that the setting of this name makes. Its address, which is a key too, stays in the environment: the row
has the name in its place, and the processes with the setting send."""
BUILT_IN = frozenset({KESTRA})
_UNADDRESSABLE = frozenset({".", "..", "replay"})
"""Ids that no address can carry: clients take the first two for folders; the last one is a route of its own."""
_OWN_HEADERS = frozenset(
    {
        "content-type", "x-webhook-event", "x-webhook-attempt", "x-webhook-signature", "webhook-id", "webhook-timestamp",
        "webhook-signature",
    }
)  # fmt: skip
_PROTOCOL_HEADERS = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "expect", "host", "http2-settings", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via",
    }
)  # fmt: skip
FORBIDDEN_HEADERS = _OWN_HEADERS | _PROTOCOL_HEADERS
"""Headers that guiado or HTTP itself sets, in lower case."""


def problems(given: Mapping[str, object], stored: Mapping[str, str] | None = None) -> list[FieldProblem]:
    """Faults of the fields of an endpoint; fields of the wrong type are left out.

    Args:
        given: fields of the command `Webhook` or `WebhookChange`, unchecked.
        stored: headers that the endpoint has: a mask may stand for one of these. None where they are not known yet.
    """
    webhook_id, url, headers, secret = (given.get(name) for name in ("webhook_id", "url", "headers", "secret"))
    found: list[FieldProblem] = []
    if isinstance(webhook_id, str) and (why := _id_problem(webhook_id.strip())):
        found.append(FieldProblem("webhook_id", why))
    if isinstance(url, str):
        found += _url_problems(url.strip())
    if isinstance(headers, Mapping):
        found += _header_problems(cast("Mapping[object, object]", headers), stored)
    if isinstance(secret, str):
        found += secret_problems(secret)
    return found


def secret_problems(secret: str) -> list[FieldProblem]:
    """Faults of a secret: one that begins like those of Standard Webhooks must be one."""
    if not is_damaged_secret(secret.strip()):
        return []
    why = Message(
        "Después de whsec_ deben ir de 24 a 64 bytes en base64 (con + y /, no - ni _). Genera uno con: echo "
        '"whsec_$(openssl rand -base64 32)", o no envíes ninguno y guiado lo crea.'
    )
    return [FieldProblem("secret", why)]


def _id_problem(webhook_id: str) -> Message | None:
    if webhook_id in BUILT_IN:
        return Message("Este identificador es del destino que se define en el entorno. Elige otro.")
    if webhook_id in _UNADDRESSABLE:
        return Message("Ninguna dirección puede llevar este identificador. Elige otro.")
    return None if _ID.fullmatch(webhook_id) else Message("Usa de 1 a 128 letras, números, puntos y guiones.")


def _url_problems(url: str) -> list[FieldProblem]:
    from guiado.delivery.target_url import check_url

    try:
        check_url(url)
    except InvalidInput as error:
        return list(error.problems)
    return []


def _header_problems(headers: Mapping[object, object], stored: Mapping[str, str] | None) -> list[FieldProblem]:
    pairs = [(name, value.strip()) for name, value in headers.items() if isinstance(name, str) and isinstance(value, str)]
    times = Counter(name.lower() for name, _ in pairs)
    known = None if stored is None else {name.lower() for name in stored}
    found = [(name, _header_problem(name, value, times, known)) for name, value in pairs]
    return [FieldProblem(f"headers.{ascii(name)[1:-1][:64]}", why) for name, why in found if why]


def _header_problem(name: str, value: str, times: Counter[str], known: set[str] | None) -> Message | None:
    if name.lower() in FORBIDDEN_HEADERS:
        return Message("Esta cabecera la ponen guiado o el propio HTTP, y la tuya no se enviaría. Quítala.")
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        return _UNSENDABLE
    if not (value.isprintable() and value.isascii() and len(value) <= _MAX_HEADER):
        return _UNSENDABLE
    if times[name.lower()] > 1:
        return Message("Esta cabecera viene dos veces. Envíala una sola vez.")
    if value == MASK and known is not None and name.lower() not in known:
        return Message("Los asteriscos ocultan un valor guardado, y aquí no hay ninguno. Escribe el valor.")
    return None


_UNSENDABLE = Message("Esta cabecera no se puede enviar. Usa letras, números y guiones, sin saltos de línea.")
