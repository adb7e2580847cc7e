"""The beginning of `guiado chat`: description, e-mail address, and the options for an unknown problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from guiado.cli import unsent
from guiado.cli.choices import Choice, ask_choice, fold, is_sure
from guiado.cli.console import Screen
from guiado.cli.unsent import Unsent
from guiado.errors import DatabaseUnavailable, InvalidInput

if TYPE_CHECKING:
    from guiado.cli.chat_sessions import FrequentProblem

T = TypeVar("T")
_ENOUGH = {"q", "salir", "quit", "exit", "sair"}


class Introduction:
    """The customer's input before a session exists.

    At a terminal it is kept in a file of theirs until a session has it: neither Ctrl-C nor a database that fails loses it.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._typed: Unsent | None = None

    def ask(self) -> Unsent:
        """Ask what is wrong and for an address.

        Raises:
            EOFError, KeyboardInterrupt: the customer left.
        """
        from guiado.cli import chat_view

        typed = self._note(Unsent(self._ask_description()))
        typed = self._note(replace(typed, email=self._ask_valid(chat_view.ask_email(self._screen), "customer_email")))
        return self._offer_frequent(typed)

    def forget(self) -> None:
        """Delete the saved input: the session holds it now."""
        self._typed = None
        if self._screen.is_interactive:
            unsent.forget()

    def say_how_to_resume(self) -> None:
        """Print where the input was saved and how to resume."""
        screen = self._screen
        if self._typed is None:
            screen.say("Hasta luego. Todavía no guardamos nada.")
        elif unsent.keep(self._typed):
            screen.say("Guardamos en este equipo lo que escribiste. Para seguir:")
            screen.verbatim(screen.command("chat"), style="bold cyan")
        else:
            screen.say("No se pudo guardar lo que escribiste. Cópialo, por si lo quieres usar después:")
            screen.verbatim(self._typed.description)

    def _note(self, typed: Unsent) -> Unsent:
        if self._screen.is_interactive:
            self._typed = typed
            unsent.keep(typed)
        return typed

    def _ask_description(self) -> str:
        screen = self._screen
        before = unsent.kept() if screen.is_interactive else None
        if before is None:
            return self._ask_valid(screen.tr("Cuéntame con tus palabras qué pasa:"), "problem_description", is_first=True)
        screen.say("La última vez escribiste: «{words}».", words=before.description)
        question = screen.tr("Pulsa Enter para seguir con eso, o cuéntame con tus palabras qué pasa:")
        return self._ask_valid(question, "problem_description", instead=before.description)

    def _ask_valid(self, question: str, field: str, *, is_first: bool = False, instead: str = "") -> str:
        from guiado.app.commands import Start
        from guiado.app.validation import check

        example = {"problem_description": "-", "customer_email": "a@example.com"}
        while True:
            given = self._screen.ask(question, is_first=is_first, is_long=field == "problem_description") or instead
            try:
                check(Start, {**example, field: given})
            except InvalidInput as error:
                for problem in error.problems:
                    self._screen.show(f"✗ {self._screen.explain(problem.message)}", style="yellow")
            else:
                return given

    def _offer_frequent(self, typed: Unsent) -> Unsent:
        """Offer the frequent problems once, when the description matches no known problem."""
        from guiado.cli import chat_view
        from guiado.cli.chat_sessions import ChatSessions

        sessions = ChatSessions(self._screen.language)
        if insist(self._screen, lambda: sessions.is_known(typed.description)):
            return typed
        problems = insist(self._screen, sessions.frequent_problems)
        chosen = self._choose(chat_view.show_frequent(self._screen, problems))
        if chosen == "leave":
            raise EOFError
        if chosen == "words":
            words = self._ask_valid(self._screen.tr("Cuéntamelo con otras palabras:"), "problem_description")
            return self._note(replace(typed, description=words))
        return _about(typed, chosen, problems)

    def _choose(self, choices: Sequence[Choice]) -> object:
        try:
            while True:
                chosen = ask_choice(self._screen, choices)
                if chosen != {"none": True} or is_sure_of_person(self._screen):
                    return chosen
        except EOFError:
            if self._screen.is_interactive:
                raise
            return None  # input ended, as in a script without an answer to this question: a person takes over


def _about(typed: Unsent, chosen: object, problems: Sequence[FrequentProblem]) -> Unsent:
    """Prefix the description with the chosen problem's title, so that detection recognises it."""
    titles = [each.title for each in problems if chosen == {"problem_id": each.problem_id}]
    return replace(typed, description="\n\n".join((*titles, typed.description)))


def insist(screen: Screen, act: Callable[[], T]) -> T:
    """Call `act`; while the database cannot be used, let the customer decide whether to try again.

    Raises:
        DatabaseUnavailable: the terminal is not interactive, or the customer gave up.
        KeyboardInterrupt: the customer left.
    """
    from guiado.cli import chat_view

    while True:
        try:
            with chat_view.waiting(screen):
                return act()
        except DatabaseUnavailable as error:
            if not screen.is_interactive:
                raise
            screen.complain(screen.explain(error))
            screen.say("Lo que escribiste no se pierde. Pulsa Enter para volver a intentarlo, o escribe q para salir.")
            if _has_enough(screen):
                raise


def _has_enough(screen: Screen) -> bool:
    try:
        return fold(screen.read_answer()) in _ENOUGH
    except EOFError:
        return True


def is_sure_of_person(screen: Screen) -> bool:
    """Ask for confirmation before a session is handed over to a person."""
    return is_sure(screen, screen.tr("¿Seguro? Tu caso pasa a una persona del equipo. s/n"))
