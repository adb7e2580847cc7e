"""Normalises a customer's text to the sentence that the encoder reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from guiado.text.abbreviations import spell_out
from guiado.text.language import language_of
from guiado.text.tokenize import MEANINGFUL_CHARS, meaningful_part, normalise, shorten_drawn_out, surface_words

__all__ = ["MEANINGFUL_CHARS", "clean_sentence", "normalise", "surface_words"]

_TOKEN = re.compile(r"(?<![^\W_])(?:w/o?|[cps]/)(?!/)|[^\W_]+(?:['’][^\W_]+)*")
_LONG_CHARS = 40  # a key, a hash or a fallen object on the keyboard
_ASKS = re.compile(
    r"(?:^\W*|¿ ?)(que(?= (?!no |se |me |te |le ))|como|cuando|donde|quien(?:es)?|cual(?:es)?|cuant[oa]s?|por que)(?= )"
)
_ASKING = {
    "que": "qué",
    "como": "cómo",
    "cuando": "cuándo",
    "donde": "dónde",
    "quien": "quién",
    "quienes": "quiénes",
    "cual": "cuál",
    "cuales": "cuáles",
    "cuanto": "cuánto",
    "cuanta": "cuánta",
    "cuantos": "cuántos",
    "cuantas": "cuántas",
    "por que": "por qué",
}
"""Spanish question words, which have an accent that customers often leave out."""
_IN_ADDRESS = re.compile(r"^[./@=&#?%-]\w|\w[.@=&#%-]\w$")  # "x.com" is no "por.com"
_ADDRESS_MARK = re.compile(r"[./@=&#?%-]\w|\w[.@=&#%-]")
_AFTER_APOSTROPHE = re.compile(r" (?:[tms]|ve|ll|re)\b")
"""Endings of English contractions that lost their apostrophe; searched for first, since few texts have one."""
_APOSTROPHE_LOST = re.compile(
    r"\b((?:do|does|did|ca|wo|is|was|could|would|should|have|has|had|are|were)n|can) (t)\b"
    r"|\b(?:(i) (m|ve|ll)|(it|what|that|there|where|how|who|let|he|she) (s)|(you|they|we) (re|ve|ll))\b"
)
_SPACES = re.compile(r"\s+")


def clean_sentence(text: str, known: AbstractSet[str] = frozenset()) -> str:
    """Normalise the meaningful part of a text for the encoder: repaired, short forms in full, lower case, with accents.

    Args:
        text: anything that a customer may type, of any length.
        known: lower case words that the knowledge base itself uses, which are not expanded.

    Returns:
        One line of at most `MEANINGFUL_CHARS`; empty only where the text has no meaningful part.
    """
    return clean_part(meaningful_part(text), known)


def clean_part(part: str, known: AbstractSet[str] = frozenset()) -> str:
    """Normalise a meaningful part; see `clean_sentence`."""
    sentence = shorten_drawn_out(part).lower()[: 2 * MEANINGFUL_CHARS]
    if _AFTER_APOSTROPHE.search(sentence):
        sentence = _APOSTROPHE_LOST.sub(lambda match: match.group().replace(" ", "'"), sentence)
    tokens = list(_TOKEN.finditer(sentence))
    language = language_of(sentence)
    words = spell_out([token.group() for token in tokens], language, known)
    full = _SPACES.sub(" ", _put_back(sentence, tokens, words)).strip()[:MEANINGFUL_CHARS]
    return _ASKS.sub(_ask, full) if language == "es" else full


def _ask(match: re.Match[str]) -> str:
    return match.group()[: -len(match[1])] + _ASKING[match[1]]


def _put_back(sentence: str, tokens: Sequence[re.Match[str]], words: Sequence[str]) -> str:
    """Put expanded words back into their sentence, between its punctuation."""
    parts, end = list[str](), 0
    addresses = _ADDRESS_MARK.search(sentence) is not None
    for token, word in zip(tokens, words, strict=True):
        space = " " if token.group().endswith("/") else ""
        written = (
            token.group() if addresses and _IN_ADDRESS.search(sentence[max(0, token.start() - 1) : token.end() + 2]) else word
        )
        parts += [sentence[end : token.start()], written if len(written) <= _LONG_CHARS else "", space]
        end = token.end()
    return "".join([*parts, sentence[end:]])
