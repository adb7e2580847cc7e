"""Signatures that a receiver checks with its own library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from guiado import clock
from guiado.delivery.signing import body_signature, contract_signature, standard_signature, verify_standard
from guiado.delivery.webhook_message import write_body, write_headers

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
    "secret", ["clave", "ñandú", "whsec_%%%", "whsec_MfKQ-9r8G", "whsec_abcde", "whsec_", "whsec_ñ", "WHSEC_AAAA", "MfKQ9r8G"]
)
def test_a_secret_that_is_no_base64_after_whsec_is_its_own_bytes(secret: str) -> None:
    expected = hmac.new(secret.encode(), b"x", hashlib.sha256).hexdigest()
    assert contract_signature(b"x", secret) == f"sha256={expected}"


def test_a_whsec_secret_is_base64_in_every_form() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.new(key, BODY, hashlib.sha256).hexdigest()
    assert contract_signature(BODY, SECRET) == f"sha256={expected}"


@pytest.mark.parametrize("size_bytes", [24, 25, 26, 32, 64])
def test_the_padding_of_a_whsec_secret_may_be_left_out(size_bytes: int) -> None:
    padded = "whsec_" + base64.b64encode(bytes(range(size_bytes))).decode()
    assert contract_signature(BODY, padded.rstrip("=")) == contract_signature(BODY, padded)


def test_a_receiver_accepts_a_message_within_five_minutes_on_either_side() -> None:
    for offset_s, accepted in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        assert _verify(SIGNATURE, now_s=TIMESTAMP_S + offset_s) is accepted


def test_one_of_several_signatures_is_enough_while_a_secret_is_rotated() -> None:
    old = standard_signature(MESSAGE_ID, TIMESTAMP_S, BODY, "clave anterior")
    assert _verify(f"{old} {SIGNATURE}")
    assert not _verify(old)


@pytest.mark.parametrize(
    "signatures", ["", " ", "v1,", "v1", SIGNATURE[3:], SIGNATURE.replace("v1,", "v1a,"), SIGNATURE[:-1], "v1,ñ", "v1,\ud800"]
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


# --------------------------------------------------------------------------------------------------- mutated messages


class Signed(NamedTuple):
    """What a receiver sees of a message; `key` is its copy of the secret, decoded."""

    message_id: str
    timestamp_s: int
    body: bytes
    signatures: str
    key: bytes

    @property
    def secret(self) -> str:
        return "whsec_" + base64.b64encode(self.key).decode()


def _sign(random: Random, timestamp_s: int) -> Signed:
    key, message_id = random.randbytes(random.choice((24, 32, 64))), f"msg_{random.getrandbits(96):024x}"
    told = {"event": "step_completed", "data": {"notes": "á" * random.randrange(40), "n": random.random()}}
    unsigned = Signed(message_id, timestamp_s, json.dumps(told).encode(), "", key)
    return unsigned._replace(signatures=standard_signature(message_id, timestamp_s, unsigned.body, unsigned.secret))


def _flip(random: Random, data: bytes) -> bytes:
    position = random.randrange(8 * len(data))
    return bytes(byte ^ (1 << position % 8) * (index == position // 8) for index, byte in enumerate(data))


def _swap(random: Random, text: bytes) -> bytes:
    """Two different bytes change places."""
    first = random.randrange(len(text))
    second = next(at % len(text) for at in range(first + 1, first + len(text)) if text[at % len(text)] != text[first])
    changed = bytearray(text)
    changed[first], changed[second] = text[second], text[first]
    return bytes(changed)


def _with_raw(signed: Signed, change: Callable[[bytes], bytes]) -> Signed:
    raw = change(base64.b64decode(signed.signatures.removeprefix("v1,")))
    return signed._replace(signatures="v1," + base64.b64encode(raw).decode())


def _at(signed: Signed, offset_s: int) -> Signed:
    """Another time, and a signature that is right for it: an old message again, or one kept for later."""
    timestamp_s = signed.timestamp_s + offset_s
    signatures = standard_signature(signed.message_id, timestamp_s, signed.body, signed.secret)
    return signed._replace(timestamp_s=timestamp_s, signatures=signatures)


MUTATIONS: dict[str, Callable[[Random, Signed], Signed]] = {
    "bit of the body": lambda r, s: s._replace(body=_flip(r, s.body)),
    "body cut short": lambda r, s: s._replace(body=s.body[: r.randrange(len(s.body))]),
    "body made longer": lambda r, s: s._replace(body=s.body + r.choice((b" ", b"\n", b"}", b"\0"))),
    "body in another order": lambda r, s: s._replace(body=_swap(r, s.body)),
    "bit of the id": lambda r, s: s._replace(message_id=_flip(r, s.message_id.encode()).decode("latin-1")),
    "id cut short": lambda r, s: s._replace(message_id=s.message_id[: r.randrange(1, len(s.message_id))]),
    "another id": lambda r, s: s._replace(message_id=f"msg_{r.getrandbits(96):024x}"),
    "bit of the timestamp": lambda r, s: s._replace(timestamp_s=s.timestamp_s ^ 1 << r.randrange(32)),
    "timestamp near by": lambda r, s: s._replace(timestamp_s=s.timestamp_s + r.choice((-1, 1)) * r.randint(1, 200)),
    "bit of the signature": lambda r, s: _with_raw(s, lambda raw: _flip(r, raw)),
    "signature cut short": lambda r, s: _with_raw(s, lambda raw: raw[: r.randrange(32)]),
    "signature made longer": lambda r, s: _with_raw(s, lambda raw: raw + r.randbytes(1)),
    "signature in another order": lambda r, s: _with_raw(s, lambda raw: _swap(r, raw)),
    "header cut short": lambda r, s: s._replace(signatures=s.signatures[: r.randrange(len(s.signatures) - 1)]),
    "wrong prefix": lambda r, s: s._replace(signatures=r.choice(("v1a,", "v2,", "V1,", "v1=", "", "sha256=")) + s.signatures[3:]),
    "signature of another message": lambda r, s: s._replace(signatures=_sign(r, s.timestamp_s).signatures),
    "bit of the secret": lambda r, s: s._replace(key=_flip(r, s.key)),
    "secret cut short": lambda r, s: s._replace(key=s.key[: r.randrange(1, len(s.key))]),
    "replayed too late": lambda r, s: _at(s, -r.choice((301, 302, 3_600, r.randint(301, 10**9)))),
    "kept for the future": lambda r, s: _at(s, r.choice((400, 3_600, r.randint(400, 10**9)))),
}


def _verify_by_reference(signed: Signed) -> bool:
    """What a receiver does that uses the published library."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = dict(zip(names, (signed.message_id, str(signed.timestamp_s), signed.signatures), strict=True))
    try:
        standardwebhooks.Webhook(signed.secret).verify(signed.body, headers, json_parse=False)
    except (standardwebhooks.WebhookVerificationError, ValueError):  # it splits and decodes before it compares
        return False
    return True


def _verify_here(signed: Signed) -> bool:
    return verify_standard(*signed[:4], signed.secret, now_s=time.time())


@pytest.mark.parametrize("accepts", [_verify_here, _verify_by_reference], ids=["guiado", "standardwebhooks"])
def test_ten_thousand_mutated_messages_are_all_rejected(accepts: Callable[[Signed], bool]) -> None:
    random, accepted = Random(20261123), []  # noqa: S311 the same every time
    for _ in range(500):
        signed = _sign(random, int(time.time()))
        assert accepts(signed)
        mutated = {name: mutate(random, signed) for name, mutate in MUTATIONS.items()}
        accepted += [(name, one) for name, one in mutated.items() if one == signed or accepts(one)]
    assert accepted == []
    assert 500 * len(MUTATIONS) == 10_000


def test_the_published_library_accepts_our_headers_with_either_secret_while_they_overlap() -> None:
    new, old, older = (clock.secret() for _ in range(3))
    body = write_body("step_completed", clock.now(), {"notes": "ñandú €"}, "crm", new)
    headers = write_headers("step_completed", str(clock.new_id()), 1, body, (new, old), int(time.time()), {})
    assert (
        standardwebhooks.Webhook(new).verify(body, headers)
        == standardwebhooks.Webhook(old.rstrip("=")).verify(body, headers)
        == json.loads(body)
    )
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(older).verify(body, headers)
