"""How a receiver proves that a webhook came from guiado: HMAC-SHA256 in the three forms that receivers know."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache

TOLERANCE_S = 300
"""How old or how far ahead the timestamp of a signed message may be, in seconds."""

_STANDARD_BYTES = range(24, 65)
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one


write_sorted = json.JSONEncoder(sort_keys=True).encode
"""`json.dumps(…, sort_keys=True)`: the form of a body that is signed."""


def contract_signature(raw_body: bytes, secret: str) -> str:
    """The value of the header `X-Webhook-Signature`.

    Args:
        raw_body: the bytes as they are sent.
        secret: the endpoint's secret, in any of its forms.

    Returns:
        `"sha256="` and the hexadecimal HMAC of the body.
    """
    return "sha256=" + _hmac(raw_body, secret).hex()


def body_signature(body: Mapping[str, object], secret: str) -> str:
    """The value of the body's own member `signature`.

    Args:
        body: the JSON object; a `signature` in it is left out.
        secret: the endpoint's secret, in any of its forms.

    Returns:
        The hexadecimal HMAC of the rest as `json.dumps(…, sort_keys=True)` writes it.
    """
    return signed_text(write_sorted({key: value for key, value in body.items() if key != "signature"}), secret)


def signed_text(text: str, secret: str) -> str:
    """The same for a body without a signature that `write_sorted` has written already."""
    return _hmac(text.encode(), secret).hex()


def standard_signature(message_id: str, timestamp_s: int, raw_body: bytes, secret: str) -> str:
    """One signature of the header `webhook-signature`.

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
    """Whether a message is authentic and recent; what a receiver does with it.

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
    """A key taken in once: a message has three signatures, and an endpoint many messages."""
    return hmac.new(_key(secret), digestmod=hashlib.sha256)


def is_standard_secret(secret: str) -> bool:
    """Whether the libraries of Standard Webhooks can check what this secret signs: `whsec_` and 24 to 64 bytes in base64."""
    return secret.startswith(_SECRET_PREFIX) and len(_decoded(secret) or b"") in _STANDARD_BYTES


def is_damaged_secret(secret: str) -> bool:
    """Whether a secret begins like those of Standard Webhooks and is none."""
    return secret.startswith(_SECRET_PREFIX) and not is_standard_secret(secret)


def _key(secret: str) -> bytes:
    """The key's bytes: `whsec_` carries base64, anything else (also after a damaged `whsec_`) is taken as it is."""
    return (_decoded(secret) if secret.startswith(_SECRET_PREFIX) else None) or secret.encode()


def _decoded(secret: str) -> bytes | None:
    """The bytes after `whsec_`, or None where that is no base64.

    The reference libraries know the standard alphabet only: they leave `-` and `_` out in silence, and have another key then.
    """
    written = secret.removeprefix(_SECRET_PREFIX)
    padding = "=" * (-len(written) % 4)  # many write none, and the reference libraries supply it too
    try:
        return base64.b64decode(written + padding, validate=True)
    except (binascii.Error, ValueError):
        return None
