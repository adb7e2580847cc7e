"""`guiado chat`: the whole guided session in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado import clock
from guiado.cli.manual import Manual
from guiado.cli.screen import Screen, screen_of
from guiado.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guiado.cli.desk import Desk, View

_INTERRUPTED = 130
_BEST = 5


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        cls=Manual,
        help="Resuelve un problema paso a paso aquí, en la terminal.\nCon el identificador de una sesión, sigue donde se quedó.",
    )(chat)


def chat(
    context: typer.Context,
    session_id: Annotated[str | None, typer.Argument(metavar="SESIÓN", help="Sesión que quieres continuar.")] = None,
) -> None:
    """Lead one customer through a session."""
    conversation = Conversation(screen_of(context), session_id)
    try:
        conversation.run()
    except EOFError:
        conversation.say_how_to_resume()
    except KeyboardInterrupt:
        conversation.say_how_to_resume()
        raise typer.Exit(_INTERRUPTED) from None


class Conversation:
    """One customer, one session, from greeting to thanks.

    Args:
        session_id: the session to go on with; None begins one.
    """

    def __init__(self, screen: Screen, session_id: str | None) -> None:
        self._screen, self._session_id = screen, session_id
        self._is_over = self._waits_for_person = False

    def run(self) -> None:
        """Talk until the problem is solved, a person takes over, or the customer leaves.

        Raises:
            EOFError, KeyboardInterrupt: the customer left in the middle.
        """
        view = self._resume(self._session_id) if self._session_id else self._begin()
        had_steps = view["step"] is not None
        while view["step"] or view["asked"]:
            if view["needs_person"] and not self._goes_on():
                break
            following = self._make_clear(view) if view["asked"] else self._take_step(view)
            if following is None:
                self.say_how_to_resume()
                return
            view = following
            had_steps = had_steps or view["step"] is not None
        self._is_over = True
        if had_steps:
            self._ask_opinion(view)
        self._screen.say("¡Hasta pronto!")

    def say_how_to_resume(self) -> None:
        """The last words to somebody who leaves before the end."""
        self._screen.show()
        if self._session_id is None:
            self._screen.say("Hasta luego. Todavía no guardamos nada.")
        elif self._is_over:
            self._screen.say("¡Hasta pronto!")
        else:
            self._screen.say("Guardamos todo. Para seguir donde lo dejaste:")
            self._screen.verbatim(f"guiado chat {self._session_id}", style="bold cyan")

    # ---------------------------------------------------------------------------------------------------------- beginning

    def _begin(self) -> View:
        from guiado.cli import pages

        screen = self._screen
        pages.greet(screen)
        description = self._ask_valid(screen.tr("Cuéntame con tus palabras qué pasa:"), "problem_description")
        email = self._ask_valid(screen.tr("¿A qué correo podemos escribirte?"), "customer_email")
        with pages.waiting(screen):
            view = self._desk.start(description, email)
        self._session_id = view["session_id"]
        pages.announce(screen, view)
        return view

    def _ask_valid(self, question: str, field: str) -> str:
        from guiado.app.commands import Start
        from guiado.app.fields import check

        example = {"problem_description": "-", "customer_email": "a@example.com"}
        while True:
            given = self._screen.ask(question)
            try:
                check(Start, {**example, field: given})
            except InvalidInput as error:
                for problem in error.problems:
                    self._screen.show(f"✗ {self._screen.explain(problem.message)}", style="yellow")
            else:
                return given

    def _resume(self, session_id: str) -> View:
        from guiado.cli import pages

        with pages.waiting(self._screen):
            view = self._desk.look(session_id)
            self._session_id = view["session_id"]
            if view["status"] == "abandoned":
                view = self._desk.resume(self._session_id)
        if not self._screen.is_chosen:
            self._screen.language = view["language"]
        pages.welcome_back(self._screen, view)
        return view

    # --------------------------------------------------------------------------------------------------------------- steps

    @property
    def _desk(self) -> Desk:
        from guiado.cli.desk import Desk

        return Desk(self._screen.language)

    def _take_step(self, view: View) -> View | None:
        """Show the open step and pass the answer on; None when the customer leaves for now."""
        from guiado.cli import pages

        pages.show_step(self._screen, view)
        seen_at_s = clock.monotonic_s()
        choice = self._screen.ask_key(pages.show_choices(self._screen, tried=bool(view["step"]["already_tried"])))
        active_s = round(clock.monotonic_s() - seen_at_s, 1)
        if choice == "leave":
            return None
        if choice == "wrong":
            return self._hear(view, lambda: self._reject(view))
        try:
            told = self._tell(view, choice, active_s)
        except Conflict as error:  # answered elsewhere in the meantime, in the browser perhaps
            self._screen.show(self._screen.explain(error), style="yellow")
            told = self._desk.look(view["session_id"])
        pages.reply(self._screen, told)
        return told

    # -------------------------------------------------------------------------------------------------- what the problem is

    def _make_clear(self, view: View) -> View | None:
        """Show what it could be and pass the choice on; None when the customer leaves for now."""
        from guiado.cli import pages

        said = self._screen.ask_key(pages.show_options(self._screen, view["asked"]))
        if said == "leave":
            return None
        return self._hear(view, lambda: self._clarify(view, said))

    def _hear(self, view: View, tell: Callable[[], View]) -> View:
        from guiado.cli import pages

        try:
            told = tell()
        except Conflict as error:
            self._screen.show(self._screen.explain(error), style="yellow")
            told = self._desk.look(view["session_id"])
        pages.announce(self._screen, told)
        return told

    def _clarify(self, view: View, said: Mapping[str, object] | str) -> View:
        while True:
            given = {"text": self._ask_words()} if isinstance(said, str) else said
            try:
                return self._desk.clarify(view["session_id"], **given)
            except InvalidInput as error:
                self._screen.show(self._screen.explain(error), style="yellow")

    def _ask_words(self) -> str:
        while True:
            if words := self._screen.ask(self._screen.tr("Cuéntamelo con otras palabras:")):
                return words

    def _reject(self, view: View) -> View:
        while True:
            words = self._screen.ask(self._screen.tr("¿Qué es entonces lo que pasa? (Enter para saltar)")) or None
            try:
                return self._desk.reject(view["session_id"], view["problem_id"], words)
            except InvalidInput as error:
                self._screen.show(self._screen.explain(error), style="yellow")

    def _tell(self, view: View, choice: str, active_s: float) -> View:
        from guiado.domain.session import Outcome

        if choice == "person":
            return self._desk.escalate(view["session_id"])
        step = view["step"]
        reason = "already_tried" if choice == "tried" else None
        outcome = Outcome.NOT_HELPED if reason else Outcome(choice)
        while True:
            notes = self._ask_why() if outcome is Outcome.COULD_NOT else None
            try:
                return self._desk.answer(
                    view["session_id"], step["step_number"], outcome, notes, active_s, step["step_id"], reason
                )
            except InvalidInput as error:
                self._screen.show(self._screen.explain(error), style="yellow")

    def _ask_why(self) -> str | None:
        return self._screen.ask(self._screen.tr("¿Qué te lo impidió? (Enter para saltar)")) or None

    def _goes_on(self) -> bool:
        """Whether the customer tries on while a person is on the way; asked once."""
        from guiado.cli import pages

        if not self._waits_for_person:
            self._waits_for_person = True
            return bool(self._screen.ask_key(pages.show_patience(self._screen)))
        return True

    # ----------------------------------------------------------------------------------------------------------------- end

    def _ask_opinion(self, view: View) -> None:
        self._screen.show()
        rating = self._ask_rating()
        if rating is None:
            return
        comment = self._ask_comment()
        try:
            self._desk.rate(view["session_id"], rating, comment)
        except InvalidInput as error:
            self._screen.show(self._screen.explain(error), style="yellow")
            self._desk.rate(view["session_id"], rating, None)
        self._screen.say("Gracias por tu opinión. Nos ayuda a mejorar.", style="green")

    def _ask_rating(self) -> int | None:
        while True:
            given = self._screen.ask(self._screen.tr("¿Qué nota nos pones, del 1 al 5? (Enter para saltar)"))
            if not given:
                return None
            if given.isdecimal() and 1 <= int(given) <= _BEST:
                return int(given)
            self._screen.say("Escribe un número del 1 al 5, o solo Enter.", style="yellow")

    def _ask_comment(self) -> str | None:
        try:
            return self._screen.ask(self._screen.tr("¿Quieres contarnos algo más? (Enter para saltar)")) or None
        except (EOFError, KeyboardInterrupt):  # the rating counts all the same
            return None
