"""What reads texts outside of `guiado.text` answers 100,000 hostile characters, or refuses them, in little processor time."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hostile_patterns import LENGTH, cpu_seconds

from guiado.app.access.key_format import is_link_token, is_well_formed, shown
from guiado.app.commands import Detect, Start
from guiado.app.sessions.alarms import undenied
from guiado.app.validation import explain_decoding
from guiado.delivery.channels.common.address import masked, read_mail
from guiado.delivery.target_url import vet_url
from guiado.detection.spoken_language import spoken_language
from guiado.errors import GuiadoError, InvalidInput, Message, printable, without_secrets
from guiado.guidance.deeds import deeds_in
from guiado.http.body import decode
from guiado.i18n import locale_language, negotiate
from guiado.language_model.paraphrase_check import says_the_same
from guiado.store.address import mask, read_address
from guiado.store.backup.column_options import without_private_options
from guiado.store.backup.pg_programs import Tracker

LIMIT_S = 0.5
"""Several patterns are tried on each text, and more is done with it; one quadratic pattern takes ten seconds and more."""
UNITS = (
    "a", "à", "0", " ", "\n", ".", "@", "a@", "a.", "'a", "/a", "?", '"', "{a", "a b ", " - at `key` in `$", "; q=0", 'role "a', "a\n> ", "no me robaron ",
    "ALTER TABLE ONLY a ALTER COLUMN b SET (", 'creating CONSTRAINT "a.a a', "postgresql://a:a@", "http://a/api/v1/", "guiado_",
)  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "body": lambda text: decode(text.encode(), Start),
    "description": lambda text: decode(json.dumps({"problem_description": text}).encode(), Detect),
    "e-mail in a body": lambda text: decode(json.dumps({"user_email": text}).encode(), Start),
    "decoder's error": explain_decoding,
    "e-mail": lambda text: (read_mail(text[:1_000]), masked(text)),
    "webhook's address": lambda text: vet_url(text, operator=False),
    "address behind https": lambda text: vet_url(f"https://{text}", operator=True),
    "database's address": lambda text: (mask(text), read_address(text)),
    "key": lambda text: (is_well_formed(text), is_link_token(text), shown(text)),
    "log line": lambda text: (without_secrets(text), printable(text)),
    "languages": lambda text: (negotiate(text), locale_language(text)),
    "language spoken": spoken_language,
    "alarm": lambda text: undenied(text, []),
    "deeds": lambda text: deeds_in(text[:10_000]),
    "rewording": lambda text: says_the_same("No abre la puerta.", text[:10_000]),
    "dump": without_private_options,
    "progress": lambda text: Tracker(Message("x"), {}, lambda *_: None).hear(text),
}


@pytest.mark.parametrize("reader", READERS)
def test_hostile_texts_are_answered_soon(reader: str) -> None:
    def read() -> None:
        with suppress(GuiadoError):
            READERS[reader](text)

    for unit in UNITS:
        text = (unit * LENGTH)[: LENGTH - 1] + "\x01"
        assert any(cpu_seconds(read, 2 * LIMIT_S) < LIMIT_S for _ in range(2)), unit


@pytest.mark.parametrize("unit", UNITS)
def test_a_description_that_is_too_long_is_refused_by_name(unit: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(
            json.dumps({"problem_description": (unit * LENGTH)[:LENGTH].replace(" ", "x").replace("\n", "x")}).encode(), Detect
        )
    assert [(each.field, each.code) for each in refused.value.problems] == [("problem_description", "too_long")]
