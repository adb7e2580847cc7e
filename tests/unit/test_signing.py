"""Signatures that a receiver checks with its own library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.delivery.signing import body_signature, contract_signature, standard_signature, verify_standard

# The example of the Standard Webhooks reference libraries.
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP_S = 1614265330
BODY = b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_example_of_standard_webhooks() -> None:
    assert standard_signature(MESSAGE_ID, TIMESTAMP_S, BODY, SECRET) == SIGNATURE


def test_the_contract_header_is_the_hmac_of_the_raw_body() -> None:
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert contract_signature(b"what do ya want for nothing?", "Jefe") == f"sha256={expected}"


def test_the_body_signature_is_what_the_guide_tells_a_receiver_to_compute() -> None:
    body = {
        "event": "session_started",
        "data": {"z": 1, "a": "ñ"},
        "webhook_id": "w",
        "timestamp": "2025-01-01T00:00:00",
    }
    received = {**body, "signature": body_signature(body, "secreto")}
    claimed = received.pop("signature")
    expected = hmac.new(b"secreto", json.dumps(received, sort_keys=True).encode("utf-8"), hashlib.sha256).hexdigest()
    assert claimed == expected


def test_the_body_signature_ignores_the_order_and_an_old_signature_and_leaves_the_body_alone() -> None:
    body = {"b": 1, "a": 2, "signature": "x"}
    assert body_signature(body, "s") == body_signature({"a": 2, "b": 1}, "s")
    assert body == {"b": 1, "a": 2, "signature": "x"}
    assert body_signature({"a": 2, "b": 2}, "s") != body_signature({"a": 2, "b": 1}, "s")


@pytest.mark.parametrize(
    "secret", ["clave", "ñandú", "whsec_%%%", "whsec_MfKQ-9r8G", "whsec_abc", "whsec_", "whsec_ñ", "WHSEC_AAAA", "MfKQ9r8G"]
)
def test_a_secret_that_is_no_base64_after_whsec_is_its_own_bytes(secret: str) -> None:
    expected = hmac.new(secret.encode(), b"x", hashlib.sha256).hexdigest()
    assert contract_signature(b"x", secret) == f"sha256={expected}"


def test_a_whsec_secret_is_base64_in_every_form() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.new(key, BODY, hashlib.sha256).hexdigest()
    assert contract_signature(BODY, SECRET) == f"sha256={expected}"


def test_a_receiver_accepts_a_message_within_five_minutes_on_either_side() -> None:
    for offset_s, accepted in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        assert _verify(SIGNATURE, now_s=TIMESTAMP_S + offset_s) is accepted


def test_one_of_several_signatures_is_enough_while_a_secret_is_rotated() -> None:
    old = standard_signature(MESSAGE_ID, TIMESTAMP_S, BODY, "clave anterior")
    assert _verify(f"{old} {SIGNATURE}")
    assert not _verify(old)


@pytest.mark.parametrize(
    "signatures", ["", " ", "v1,", "v1", SIGNATURE[3:], SIGNATURE.replace("v1,", "v1a,"), SIGNATURE[:-1], "v1,ñ"]
)
def test_anything_that_is_not_exactly_the_signature_is_rejected(signatures: str) -> None:
    assert not _verify(signatures)


@given(st.binary(max_size=60), st.integers(0, 2**40), st.text(max_size=20), st.integers(0, 10_000))
def test_one_changed_bit_anywhere_is_rejected(body: bytes, timestamp_s: int, message_id: str, position: int) -> None:
    message_id = message_id.encode("utf-8", "replace").decode()
    signature = standard_signature(message_id, timestamp_s, body, SECRET)
    changed = bytearray(body + b"\0")
    changed[position // 8 % len(changed)] ^= 1 << position % 8
    assert verify_standard(message_id, timestamp_s, body, signature, SECRET, now_s=timestamp_s)
    assert not verify_standard(message_id, timestamp_s, bytes(changed), signature, SECRET, now_s=timestamp_s)
    assert not verify_standard(message_id + "x", timestamp_s, body, signature, SECRET, now_s=timestamp_s)
    assert not verify_standard(message_id, timestamp_s + 1, body, signature, SECRET, now_s=timestamp_s)


def _verify(signatures: str, *, now_s: float = TIMESTAMP_S) -> bool:
    return verify_standard(MESSAGE_ID, TIMESTAMP_S, BODY, signatures, SECRET, now_s=now_s)
