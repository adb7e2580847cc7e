"""Check that an instruction asks for one action: no two imperatives joined by "y", "luego" or commas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import ShownText, TextPart, shortened
from guiado.app.knowledge.lint.verbs import ALSO_NOUNS, CLITICS, IMPERATIVES, JOINING, LEADS, LIGHT, PRONOUNS, SUBORDINATING
from guiado.text.fold import fold
from guiado.text.readability import sentences_of

_QUOTED = re.compile('«[^«»]{0,200}»|“[^“”]{0,200}”|"[^"]{0,200}"|\\([^()]{0,200}\\)')
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*|,|…")
_NAME = " … "
"""Stands for what is quoted: names on a screen are no actions."""


def doubt_several_actions(texts: Iterable[ShownText], findings: Findings) -> None:
    """Name each instruction with a sentence that asks for more than one action."""
    for shown in texts:
        if shown.part is not TextPart.INSTRUCTION or shown.language not in IMPERATIVES:
            continue
        for sentence in sentences_of(_QUOTED.sub(_NAME, shown.text)):
            actions = actions_in(sentence, shown.language)
            if len(actions) > 1:
                findings.of("several_actions").warn(
                    shown.path,
                    "Pide varias cosas a la vez en «{phrase}»: {actions}. Escribe una instrucción para cada una.",
                    phrase=shortened(shown.text),
                    actions=", ".join(actions),
                )
                break


def actions_in(sentence: str, language: str) -> list[str]:
    """The imperatives of a sentence that ask for an action each, in order.

    Two that stand side by side ("apaga y enciende") are one, and so are one and what is done to the same thing next ("ciérralo y
    ábrelo"); to wait, to look and to try again is none.

    Args:
        sentence: without what is quoted.
    """
    found: list[str] = []
    for word, is_same in _imperatives(_TOKEN.findall(sentence.lower()), language):
        if not (_verb(word, language) in LIGHT[language] or (found and is_same)):
            found.append(word)
    return found


def _imperatives(said: list[str], language: str) -> Iterator[tuple[str, bool]]:
    """Each imperative, and whether it goes on with what the one before began."""
    may_begin, is_told, last = True, False, -9
    for place, word in enumerate(said):
        following = said[place + 1] if place + 1 < len(said) else ""
        if word == ",":
            may_begin, is_told = True, False
        elif word in JOINING[language]:
            may_begin = may_begin or not is_told
        elif word in SUBORDINATING[language]:
            may_begin, is_told = False, True
        elif may_begin and _is_imperative(word, following, language, is_first=place == 0):
            is_bare = fold(_verb(word, language)) == fold(word)
            is_same = place - last == _SIDE_BY_SIDE or not is_bare or _names_it(said[place + 1 :], language)
            yield word, is_same
            may_begin, last = False, place if is_bare else last
        else:
            may_begin = False


_SIDE_BY_SIDE = 2


def _names_it(after: list[str], language: str) -> bool:
    """Whether a verb's object is only a pronoun: "turn it on", "turn off … it"."""
    return bool(PRONOUNS[language]) and ((after[0] if after else "") in PRONOUNS[language])


def _is_imperative(word: str, following: str, language: str, *, is_first: bool) -> bool:
    verb = _verb(word, language)
    if not verb:
        return False
    return is_first or fold(verb) != fold(word) or verb not in ALSO_NOUNS[language] or following in LEADS[language]


@lru_cache(maxsize=4_096)
def _verb(word: str, language: str) -> str:
    """The imperative that a word is, without its pronouns; empty for another word."""
    if word in IMPERATIVES[language]:
        return word
    plain = _FOLDED[language].get(fold(word))
    if plain:
        return plain if language == "es" else ""
    for end in CLITICS[language]:
        found = _FOLDED[language].get(fold(word.removesuffix(end))) if word.endswith(end) else None
        if found and len(found) > len(end):
            return found
    return ""


_FOLDED = {language: {fold(word): word for word in words} for language, words in IMPERATIVES.items()}
