"""Correction of misspelt words for the encoder, which reads a misspelt word as pieces of others.

A word is replaced where that explains best what was written: how likely the other word is, and how likely the slip,
against how likely these letters are as they stand. Words of the knowledge base are far likelier than others.

Source: Kernighan, Church and Gale (1990), "A Spelling Correction Program Based on a Noisy Channel Model".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Protocol

from guiado.detection.lexical.ngram_index import NgramIndex, deletions
from guiado.detection.lexical.vocabulary import slip
from guiado.detection.lexical.word_frequencies import CommonWords, common_words, spoken
from guiado.detection.semantic.encoders.sentencepiece import PieceLexicon
from guiado.detection.semantic.encoders.use import kept_folder, load_lexicon
from guiado.errors import EncoderUnavailable
from guiado.text.fold import fold
from guiado.text.language import language_of
from guiado.text.short_forms import FULL_FORMS
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS

FEWEST_LETTERS = 3
"""Letters of the shortest word that is corrected: shorter ones have too many neighbours."""
LONGEST = 24
"""Letters of the longest word that is corrected: longer ones are names and numbers."""

_MOST_REPAIRS = 24  # in one text: who needs more writes another language
_MOST_WORDS = 160  # the encoder reads no more
_WORD = re.compile(r"[^\W\d_]+")
_NO_CODE = re.compile(r"(?<![\w])(?<!\d-)[^\W\d_]+(?![\w])(?!-\d)")
"""A word that is no part of a code: nothing is put right in ERR_CONNECTION_RESET, wr840n and ORA-12154."""
_PLAIN = re.compile(r"[a-z]+")
_ADDRESS_MARK = re.compile(r"\w[.@/:]\w|://")
"""Searched for first, since few texts have it."""
_ADDRESS = re.compile(
    r"(?:(?<![a-z])[a-z]++://|www\.)\S++|(?<![\w.+-])[\w.+-]++@\S++"
    r"|(?<![\w.-])\.*+(?:[\w-]++\.)+(?:com|net|org|info|app|dev|io|gov|gob|edu|es|mx|ar|co|cl|pe|uy|br|pt|uk|us|eu|exe|dll|msi|apk|pdf)\b\S*+"
)
_BEFORE_CHARS = 24

# Natural logarithms of probabilities, chosen on the training rows of five data sets: of a slip at all, of one that is
# rarer than doubled, left out or exchanged letters, and of a word of the knowledge base.
_SLIP, _OTHER_LETTER, _FIRST_LETTER = -5.0, -1.5, -3.0
_KNOWN_WORD = -8.0
_KNOWN_AND_COMMON = 1.0
_UNWEIGHED = -18.0  # letters of which nobody knows how likely they are


_ENDINGS = "aeos"  # what two forms of a Spanish or Portuguese word differ in
_ORDINARY = FUNCTION_WORDS | GREETINGS | frozenset(map(fold, FULL_FORMS))


class Lexicon(Protocol):
    """Words of the languages and their weights, which are natural logarithms of probabilities."""

    def weigh_word(self, word: str, language: str | None) -> float | None:
        """Weight of a word in a text of that language, or of any; None for one that is not known as a whole."""
        ...

    def is_whole(self, word: str) -> bool:
        """Whether the encoder reads a word as one."""
        ...

    def is_name(self, word: str) -> bool:
        """Whether a word in lower case is known with capitals only."""
        ...

    def near(self, word: str, language: str | None) -> set[str]:
        """Return the longer words that share a form of `deletions` with this one; with accents, or as they are without."""
        ...

    def weigh_letters(self, word: str) -> float:
        """Weight of these letters, in whatever parts they make sense."""
        ...

    def accented(self, plain: str, language: str | None) -> str | None:
        """Return the likeliest word with accents that is this one without them; None where there is none."""
        ...


class Words:
    """Lexicon of the encoder's pieces, and of the common words of the three languages that guiado speaks.

    Args:
        pieces: of the encoder.
        common: gives the common words of a language.
    """

    def __init__(self, pieces: PieceLexicon, common: Callable[[str], CommonWords]) -> None:
        self._pieces, self._common = pieces, common

    def weigh_word(self, word: str, language: str | None) -> float | None:
        """See `Lexicon.weigh_word`."""
        found = [self._common(one).weigh(word) for one in spoken(language)] + [self._pieces.weigh_word(word)]
        return max((weight for weight in found if weight is not None), default=None)

    def is_whole(self, word: str) -> bool:
        """See `Lexicon.is_whole`."""
        return self._pieces.weigh_word(word) is not None

    def is_name(self, word: str) -> bool:
        """See `Lexicon.is_name`."""
        return self._pieces.is_name(word)

    def near(self, word: str, language: str | None) -> set[str]:
        """See `Lexicon.near`."""
        return set[str]().union(*(self._common(one).near(word) for one in spoken(language)))

    def weigh_letters(self, word: str) -> float:
        """See `Lexicon.weigh_letters`."""
        return self._pieces.weigh_letters(word)

    def accented(self, plain: str, language: str | None) -> str | None:
        """See `Lexicon.accented`."""
        found = [self._common(one).accented(plain) for one in spoken(language)]
        return next((word for word in found if word), None) or self._pieces.accented(plain)


class Speller:
    """Corrector of misspelt words. Immutable after construction; any number of threads may use one.

    Args:
        known_words: of the knowledge base, in lower case, with accents; as often as they occur, or a Counter.
        lexicon: gives the languages' words when the first unknown word comes; those of the default encoder if not given.
        previous: shares what it has in common.
    """

    def __init__(
        self, known_words: Iterable[str], lexicon: Callable[[], Lexicon | None] | None = None, previous: Speller | None = None
    ) -> None:
        counts = {word: count for word, count in Counter(known_words).items() if _WORD.fullmatch(word)}
        self._known = frozenset(counts)
        self._spellings = _spellings(counts)
        self._forms = {plain.rstrip(_ENDINGS): word for plain, word in self._spellings.items() if len(plain) > FEWEST_LETTERS}
        long = [plain for plain in self._spellings if len(plain) > FEWEST_LETTERS]
        self._filed: NgramIndex = previous._filed.with_words(long) if previous else NgramIndex(long, deletions)  # noqa: SLF001 its own kind
        self._lexicon = lexicon or _default_lexicon
        self._mended = lru_cache(maxsize=8_192)(self._mend)

    def prepare(self) -> None:
        """Load all that the first query would have to wait for."""
        if lexicon := self._lexicon():
            lexicon.weigh_word("", None)

    def repair(self, text: str) -> str:
        """Correct the misspelt words of a text.

        Args:
            text: as `clean_sentence` leaves it.
        """
        left, language = _MOST_REPAIRS, language_of(text)
        addresses = [match.span() for match in _ADDRESS.finditer(text)] if _ADDRESS_MARK.search(text) else []

        def mend(match: re.Match[str]) -> str:
            nonlocal left
            word = match.group()
            if word in self._known or not FEWEST_LETTERS <= len(word) <= LONGEST or left == 0:
                return word
            mended = self._mended(word, language)
            if mended != word and (_is_within(match, addresses) or _is_first_person(match, mended)):
                return word
            left -= mended != word
            return mended

        return _NO_CODE.sub(mend, text, count=_MOST_WORDS)

    def _mend(self, word: str, language: str | None) -> str:
        plain, lexicon = fold(word), self._lexicon()
        weight = lexicon.weigh_word(word, language) if lexicon else None
        spelling = self._spellings.get(plain)
        if spelling is not None and not _is_likelier(weight, lexicon.weigh_word(spelling, language) if lexicon else None):
            return spelling
        if plain in _ORDINARY or not _PLAIN.fullmatch(plain):
            return word
        if weight is not None:
            return self._known_form(word, plain, lexicon)
        if lexicon is not None and lexicon.is_name(word):
            return word
        if word == plain and (accented := _accented(plain, lexicon, language)) is not None:
            return accented
        return self._nearest(word, plain, lexicon, language) or word

    def _known_form(self, word: str, plain: str, lexicon: Lexicon | None) -> str:
        """Return a right word; where the encoder would split it, the knowledge base's form of it: "jefe" for "jefa"."""
        form = self._forms.get(plain.rstrip(_ENDINGS))
        if form is None or lexicon is None or len(plain) <= FEWEST_LETTERS or lexicon.is_whole(word):
            return word
        return form

    def _nearest(self, word: str, plain: str, lexicon: Lexicon | None, language: str | None) -> str | None:
        """Return the likeliest correction of a word; None where the word as written is likelier."""
        least = (lexicon.weigh_letters(plain) if lexicon else _UNWEIGHED) - _SLIP
        known = self._filed.sharing(plain)
        found = [self._weigh(near, plain, lexicon, language) for near in known if slip(plain, near)]
        if lexicon is not None:
            others = [near for near in lexicon.near(plain, language) if near not in self._spellings and slip(plain, near)]
            found += [_weigh_common(near, plain, lexicon, language, marked=word != plain) for near in others]
        weight, spelling = max(found, default=(least, ""))
        return spelling if weight > least else None

    def _weigh(self, near: str, plain: str, lexicon: Lexicon | None, language: str | None) -> tuple[float, str]:
        """Weight and spelling of a correction to a word of the knowledge base."""
        spelling = self._spellings[near]
        common = lexicon.weigh_word(spelling, language) if lexicon else None
        weight = _KNOWN_WORD if common is None else max(_KNOWN_WORD, common) + _KNOWN_AND_COMMON
        return weight + _cost(plain, near), spelling


def _is_within(match: re.Match[str], spans: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= match.start() < end for begin, end in spans)


def _is_first_person(match: re.Match[str], mended: str) -> bool:
    """Whether a verb that may lack an accent is one that lacks none: "me quedo" is no "quedó", "se me quedo" is one."""
    if not (mended.endswith("ó") and mended[:-1] == match.group()[:-1]):
        return False
    return "se" not in match.string[max(0, match.start() - _BEFORE_CHARS) : match.start()].split()[-2:]


def _accented(plain: str, lexicon: Lexicon | None, language: str | None) -> str | None:
    """Return the accented form of a word that lacks only its accent; every word in "-cion" or "-sion" has one."""
    if plain.endswith(("cion", "sion")):
        return f"{plain[:-2]}ón"
    return lexicon.accented(plain, language) if lexicon else None


def _weigh_common(near: str, plain: str, lexicon: Lexicon, language: str | None, *, marked: bool) -> tuple[float, str]:
    """Weight and spelling of a correction to a common word: with an accent where the written word had one."""
    bare, accented = lexicon.weigh_word(near, language), lexicon.accented(near, language)
    weight = lexicon.weigh_word(accented, language) if accented else None
    spelling = accented or near
    if weight is None or (_is_likelier(bare, weight) and not marked):
        weight, spelling = bare, near
    return (_UNWEIGHED if weight is None else weight) + _cost(plain, near), spelling


def _cost(word: str, near: str) -> float:
    """Weight of one slip beyond that of any slip, 0 or negative."""
    cost = _FIRST_LETTER if word[:1] != near[:1] else 0.0
    different = sum(one != other for one, other in zip(word, near, strict=False)) if len(word) == len(near) else 0
    return cost + (_OTHER_LETTER if different == 1 else 0.0)


def _is_likelier(one: float | None, other: float | None) -> bool:
    return one is not None and (other is None or one > other)


def _spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the most frequent spelling of each folded word."""
    found: dict[str, str] = {}
    for word, count in counts.items():
        plain = word if word.isascii() else fold(word)
        known = found.get(plain)
        if known is None or (count, word) > (counts[known], known):
            found[plain] = word
    return found


@cache
def _default_lexicon() -> Lexicon | None:
    try:
        return Words(load_lexicon(), partial(common_words, folder=kept_folder()))
    except EncoderUnavailable:
        return None
