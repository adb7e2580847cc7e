"""Signed customers: a site passes its customer's data in a JSON Web Token, so that nobody starts sessions in another's name.

One algorithm is taken, HS256, and the token's own header never chooses it. A library would add nothing but other algorithms.

Source: RFC 7515, RFC 7519, RFC 8725 section 3.1.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn, TypeGuard, TypeVar

import msgspec

from guiado import clock
from guiado.app.commands import Start, StartHere
from guiado.app.context import PUBLIC_CALLER, Scope
from guiado.app.validation import check
from guiado.errors import FieldProblem, InvalidInput, Message

FIELD = "customer_token"
SIGNED_CALLER = "signed"
"""Caller of a session that a site vouches for."""
_LONGEST_S, _LEEWAY_S = 86_400, 60
_FORM = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_SIGNED = {"email": "customer_email", "name": "customer_name", "ticket_id": "ticket_id"}
"""Claim -> field of the start that it fills."""


C = TypeVar("C", Start, StartHere)


def with_signed_customer(command: C, secrets: Sequence[bytes]) -> C:
    """The start with its customer's signed data in place of what the body says.

    Args:
        secrets: one of them must have signed the token.

    Raises:
        InvalidInput: the token can not be used; names what is wrong.
    """
    if command.customer_token is None:
        _refuse("Falta este campo: pide a tu sitio los datos firmados del cliente.")
    if not secrets:
        _refuse("Este servicio no usa datos firmados. Quita el campo, o define GUIADO_CUSTOMER_SECRET.")
    claims = _claims(command.customer_token, secrets)
    _check_time(claims)
    given = {field: claims[claim] for claim, field in _SIGNED.items() if claims.get(claim) is not None}
    try:
        known = check(Start, {"problem_description": "-", **given})
    except InvalidInput:
        _refuse("Los datos firmados no sirven: email debe ser una dirección válida, y name y ticket_id, textos.")
    return msgspec.structs.replace(
        command,
        customer_email=known.customer_email,
        customer_name=known.customer_name or command.customer_name,
        ticket_id=known.ticket_id if known.ticket_id is not None else command.ticket_id,
        customer_token=None,
    )


def admitted_customer(command: C, scope: Scope, secrets: Sequence[bytes], *, must_sign: bool) -> tuple[C, Scope]:
    """The start of a customer who came without a key, with what is signed in it, and the scope in which it runs.

    Args:
        must_sign: whether a start without signed data is refused.

    Raises:
        InvalidInput: the signed data are needed and missing, or can not be used.
    """
    if command.customer_token is None and not must_sign:
        return command, replace(scope, caller=PUBLIC_CALLER)
    return with_signed_customer(command, secrets), replace(scope, caller=SIGNED_CALLER)


def _claims(token: str, secrets: Sequence[bytes]) -> Mapping[str, object]:
    parts = _FORM.fullmatch(token)
    if parts is None or _decoded(parts[1]).get("alg") != "HS256":
        _refuse("No es un JWT firmado con HS256.")
    signed, signature = f"{parts[1]}.{parts[2]}".encode(), _bytes(parts[3])
    if not any(hmac.compare_digest(hmac.new(secret, signed, hashlib.sha256).digest(), signature) for secret in secrets):
        _refuse("La firma no corresponde. Fírmalo con el mismo secreto que tiene GUIADO_CUSTOMER_SECRET.")
    return _decoded(parts[2])


def _check_time(claims: Mapping[str, object]) -> None:
    now_s, until_s, from_s = clock.now().timestamp(), claims.get("exp"), claims.get("nbf", 0)
    if not _is_number(until_s) or not _is_number(from_s):
        _refuse("Le falta cuándo caduca: exp, en segundos desde 1970.")
    if until_s > now_s + _LONGEST_S + _LEEWAY_S:
        _refuse("Dura demasiado: 24 horas como máximo.")
    if until_s <= now_s or from_s > now_s + _LEEWAY_S:
        _refuse("Ya caducó, o todavía no sirve. Pide otro a tu sitio.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decoded(part: str) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(_bytes(part), type=dict[str, object])
    except (ValueError, RecursionError, msgspec.DecodeError):
        _refuse("No es un JWT firmado con HS256.")


def _bytes(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        _refuse("No es un JWT firmado con HS256.")


def _refuse(why: str) -> NoReturn:
    raise InvalidInput([FieldProblem(FIELD, Message(why))])
