"""Signatures of webhooks: HMAC-SHA256 in the three forms that receivers verify."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache

TOLERANCE_S = 300
"""Tolerance for the timestamp of a signed message, past or future, in seconds."""

_STANDARD_BYTES = range(24, 65)
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one


write_sorted = json.JSONEncoder(sort_keys=True).encode
"""Encode a body in the form that is signed: `json.dumps(…, sort_keys=True)`."""


def contract_signature(raw_body: bytes, secret: str) -> str:
    """Return the value of the header `X-Webhook-Signature`.

    Args:
        raw_body: the bytes as they are sent.
        secret: the endpoint's secret, in any of its forms.

    Returns:
        `"sha256="` and the hexadecimal HMAC of the body.
    """
    return "sha256=" + _hmac(raw_body, secret).hex()


def body_signature(body: Mapping[str, object], secret: str) -> str:
    """Return the value of the body's own member `signature`.

    Args:
        body: the JSON object; a `signature` in it is left out.
        secret: the endpoint's secret, in any of its forms.

    Returns:
        The hexadecimal HMAC of the rest as `json.dumps(…, sort_keys=True)` writes it.
    """
    return signed_text(write_sorted({key: value for key, value in body.items() if key != "signature"}), secret)


def signed_text(text: str, secret: str) -> str:
    """Sign a body without `signature` that `write_sorted` has encoded; see `body_signature`."""
    return _hmac(text.encode(), secret).hex()


def standard_signature(message_id: str, timestamp_s: int, raw_body: bytes, secret: str) -> str:
    """Return one signature of the header `webhook-signature`.

    Args:
        message_id: the header `webhook-id`, the same for every attempt.
        timestamp_s: the header `webhook-timestamp`, seconds since 1970, of this attempt.
        raw_body: the bytes as they are sent.
        secret: the endpoint's secret, in any of its forms.

    Returns:
        `"v1,"` and the base64 HMAC of `id.timestamp.body`.

    Source: Standard Webhooks 1.0.0, signature scheme.
    """
    signed = b"%b.%d.%b" % (message_id.encode("utf-8", "surrogatepass"), timestamp_s, raw_body)
    return "v1," + base64.b64encode(_hmac(signed, secret)).decode()


def verify_standard(
    message_id: str,
    timestamp_s: int,
    raw_body: bytes,
    signatures: str,
    secret: str,
    *,
    now_s: float,
    tolerance_s: int = TOLERANCE_S,
) -> bool:
    """Whether a message is authentic and recent; for receivers.

    Args:
        message_id: the header `webhook-id`.
        timestamp_s: the header `webhook-timestamp`, seconds since 1970.
        raw_body: the bytes as they came.
        signatures: the header `webhook-signature`: one or more, separated by blanks, so that secrets can be rotated.
        secret: the receiver's copy of the secret.
        now_s: the present, seconds since 1970.
        tolerance_s: how far the timestamp may be from now, in seconds.
    """
    if abs(now_s - timestamp_s) > tolerance_s:
        return False
    expected = standard_signature(message_id, timestamp_s, raw_body, secret).encode()
    return any(hmac.compare_digest(expected, given.encode("utf-8", "replace")) for given in signatures.split())


def _hmac(message: bytes, secret: str) -> bytes:
    signing = _begun(secret).copy()
    signing.update(message)
    return signing.digest()


@lru_cache(maxsize=512)
def _begun(secret: str) -> hmac.HMAC:
    """Return the HMAC of a secret before any message, cached: a message has three signatures, an endpoint many messages."""
    return hmac.new(_key(secret), digestmod=hashlib.sha256)


def is_standard_secret(secret: str) -> bool:
    """Whether a secret has the form of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64."""
    return secret.startswith(_SECRET_PREFIX) and len(_decoded(secret) or b"") in _STANDARD_BYTES


def is_damaged_secret(secret: str) -> bool:
    """Whether a secret begins with `whsec_`, but has not the form of Standard Webhooks."""
    return secret.startswith(_SECRET_PREFIX) and not is_standard_secret(secret)


def _key(secret: str) -> bytes:
    """Return the bytes of a key: `whsec_` carries base64, any other secret (also a damaged `whsec_`) is taken as it is."""
    return (_decoded(secret) if secret.startswith(_SECRET_PREFIX) else None) or secret.encode()


def _decoded(secret: str) -> bytes | None:
    """Decode the base64 after `whsec_`; None where it is none.

    The reference libraries know the standard alphabet only: they leave `-` and `_` out in silence, and have another key then.
    """
    written = secret.removeprefix(_SECRET_PREFIX)
    padding = "=" * (-len(written) % 4)  # many write none, and the reference libraries supply it too
    try:
        return base64.b64decode(written + padding, validate=True)
    except (binascii.Error, ValueError):
        return None
