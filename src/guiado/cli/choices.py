"""Questions with a few possible answers: a line that is a letter or the words of an option, and nothing else, chooses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guiado.errors import printable
from guiado.text.fold import fold_accents

if TYPE_CHECKING:
    from guiado.cli.console import Screen

Meaning = str | bool | Mapping[str, object]
"""Meaning of a choice: a word, yes or no, or the answer to a clarification."""
BACK = "back"
"""Meaning of the words that go one question back."""
_BACK = {"atras", "volver", "regresar", "anterior", "back", "go back", "voltar"}
_LEAVE = {"salir", "quit", "exit", "sair"}
_YES = {"s", "si", "y", "yes", "sim"}
_NO = {"n", "no", "nao"}
_LEAST_HINT = 4
"""Letters that a word must have to be taken for a part of an option."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer.

    Args:
        key: the letter that the screen shows.
        words: the option in the screen's language.
        meaning: what it stands for.
        spanish: the letter in Spanish, good in every language where no other option has it.
        shown: whether the screen shows it.
    """

    key: str
    words: str
    meaning: Meaning
    spanish: str = ""
    shown: bool = True


def make_choice(label: str, spanish: str, meaning: Meaning, *, shown: bool = True) -> Choice:
    """Make a choice from "key: words" in the screen's language."""
    key, _, words = label.partition(": ")
    return Choice(key, words, meaning, spanish, shown)


def fold(text: str) -> str:
    """Fold a typed answer for comparison: lower case, without accents and punctuation."""
    return " ".join(re.findall(r"\w+", fold_accents(text)))


def is_back(text: str) -> bool:
    """Whether a typed answer means going back."""
    return fold(text) in _BACK


def understand(given: str, choices: Sequence[Choice]) -> Choice | None:
    """Match a typed answer to a choice: its letter, or all its words. The first letter of another word matches nothing."""
    said = fold(given)
    keys = {choice.spanish: choice for choice in choices if choice.spanish} | {choice.key: choice for choice in choices}
    if said in keys:
        return keys[said]
    meant = [choice for choice in choices if said in _names(choice)]
    return meant[0] if said and len(meant) == 1 else None


def _names(choice: Choice) -> set[str]:
    parts = {fold(part) for part in choice.words.split(",")}
    named = {fold(choice.words), *(part for part in parts if " " in part)}
    also = _BACK if choice.meaning == BACK else _LEAVE if choice.meaning == "leave" else set[str]()
    return named | also


def resemble(given: str, choices: Sequence[Choice]) -> Choice | None:
    """The only choice that contains all the typed words, for a suggestion."""
    said = set(fold(given).split())
    if not any(len(word) >= _LEAST_HINT for word in said):
        return None
    near = [choice for choice in choices if choice.shown and said <= set(fold(choice.words).split())]
    return near[0] if len(near) == 1 else None


def ask_choice(screen: Screen, choices: Sequence[Choice], hear: Callable[[str], Meaning | None] | None = None) -> Meaning:
    """Ask until one of the choices is typed.

    Args:
        hear: reads other words that mean something everywhere, such as a request for a person.

    Raises:
        EOFError, KeyboardInterrupt: as `Screen.ask`.
    """
    while True:
        given = screen.read_answer()
        if chosen := understand(given, choices):
            return chosen.meaning
        if hear and given and (meant := hear(given)):
            return meant
        _explain(screen, given, choices)


def _explain(screen: Screen, given: str, choices: Sequence[Choice]) -> None:
    if not given:
        screen.say("Escribe la letra de una opción y pulsa Enter.", style="yellow")
        return
    shown = printable(given)
    if near := resemble(given, choices):
        why = "No entendí «{given}», así que no hice nada. ¿Querías decir «{words}»? Escribe {key} y pulsa Enter."
        screen.say(why, style="yellow", given=shown, words=near.words, key=near.key)
    else:
        why = "No entendí «{given}», así que no hice nada. Escribe solo la letra que está entre corchetes y pulsa Enter."
        screen.say(why, style="yellow", given=shown)


def is_sure(screen: Screen, question: str) -> bool:
    """Ask for confirmation before an irreversible action; input from a pipe needs none.

    Args:
        question: in the screen's language, with what will happen.

    Raises:
        EOFError, KeyboardInterrupt: as `Screen.ask`.
    """
    while screen.is_interactive:
        screen.show(question, style="bold yellow")
        said = fold(screen.read_answer())
        if said in _YES:
            return True
        if said in _NO | _BACK:
            return False
        screen.say("Escribe s para sí o n para no, y pulsa Enter.", style="yellow")
    return True
