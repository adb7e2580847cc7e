"""`guiado chat`: the whole guided session in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from guiado import clock
from guiado.cli.choices import BACK, ask_choice, is_back, is_sure
from guiado.cli.console import Screen, screen_of
from guiado.cli.first_questions import FirstQuestions
from guiado.cli.help import Manual
from guiado.cli.introduction import Introduction, insist, is_sure_of_person
from guiado.errors import Conflict, DatabaseUnavailable, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from guiado.app.sessions.models import ClarificationOut, StepOut
    from guiado.cli.chat_sessions import ChatSessions, ChatView
    from guiado.cli.choices import Choice

    T = TypeVar("T")

_INTERRUPTED = 130
_BEST = 5
_ASKED_IN_WORDS = "person_in_words"


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
    except DatabaseUnavailable:
        conversation.say_how_to_resume()
        raise


class Conversation:
    """The conversation of one customer in one session, from greeting to rating.

    Args:
        session_id: the session to go on with; None begins one.
    """

    def __init__(self, screen: Screen, session_id: str | None) -> None:
        self._screen, self._session_id = screen, session_id
        self._is_over = self._waits_for_person = False
        self._shown_step: object = None
        self._first = FirstQuestions(screen)
        self._introduction = Introduction(screen)

    def run(self) -> None:
        """Talk until the problem is solved, a person takes over, or the customer leaves.

        Raises:
            EOFError, KeyboardInterrupt: the customer left in the middle.
            DatabaseUnavailable: the database cannot be used, and the customer gave up or the terminal is not interactive.
        """
        is_resumed = self._session_id is not None
        view = self._resume(self._session_id) if self._session_id else self._offer_to_close(self._begin())
        ended_before = is_resumed and view.ended
        while view.step or view.asked:
            if view.needs_person and not self._goes_on():
                break
            following = self._go_on(view)
            if following is None:
                self.say_how_to_resume()
                return
            view = self._offer_next(self._offer_to_close(following))
        self._is_over = True
        if not ended_before and view.message_kind != "solved":  # there was nothing to be of help with
            self._ask_opinion(view)
        self._screen.say("¡Hasta pronto!")

    def _offer_to_close(self, view: ChatView) -> ChatView:
        """Close the running session that the customer says is over, where they agree."""
        from guiado.cli import chat_view

        closable_id = view.closable_id
        if closable_id is None or not self._agrees(chat_view.show_closing(self._screen, view.close_question)):
            return view
        try:
            closed = self._insist(lambda: self._sessions.close(closable_id))
        except Conflict as error:  # closed elsewhere in the meantime
            self._screen.show(self._screen.explain(error), style="yellow")
            return view
        chat_view.reply(self._screen, closed)
        return closed

    def _offer_next(self, view: ChatView) -> ChatView:
        """Begin with the other problem that the customer named, once this one is solved and where they agree."""
        from guiado.cli import chat_view

        if view.status != "resolved" or not view.other_problems:
            return view
        if not self._agrees(chat_view.show_next(self._screen, view.other_problems[0])):
            return view
        following = self._insist(lambda: self._sessions.start_next(view.session_id))
        self._session_id = following.session_id
        chat_view.announce(self._screen, following)
        return following

    def _agrees(self, choices: list[Choice]) -> bool:
        """Whether the customer says yes; input that ends, as in a script, says nothing."""
        try:
            return ask_choice(self._screen, choices) is True
        except EOFError:
            if self._screen.is_interactive:
                raise
            return False

    def _go_on(self, view: ChatView) -> ChatView | None:
        """Ask what the session waits for; None when the customer leaves for now, or when it waits for nothing."""
        if view.asked:
            return self._make_clear(view, view.asked)
        if view.step and self._first.asks(view.step):
            return self._ask_first(view, view.step)
        return self._take_step(view, view.step) if view.step else None

    def say_how_to_resume(self) -> None:
        """Print the command that resumes the session."""
        screen = self._screen
        screen.show()
        if self._is_over:
            screen.say("¡Hasta pronto!")
        elif self._session_id is not None:
            screen.say("Guardamos todo. Para seguir donde lo dejaste:")
            screen.verbatim(screen.command("chat", self._session_id), style="bold cyan")
        else:
            self._introduction.say_how_to_resume()

    # ---------------------------------------------------------------------------------------------------------- beginning

    def _begin(self) -> ChatView:
        from guiado.cli import chat_view

        screen, introduction = self._screen, self._introduction
        chat_view.greet(screen)
        typed = introduction.ask()
        view = self._insist(lambda: self._sessions.start(typed.description, typed.email))
        self._session_id = view.session_id
        introduction.forget()
        chat_view.announce(screen, view)
        return view

    def _resume(self, session_id: str) -> ChatView:
        from guiado.cli import chat_view

        view = self._insist(lambda: self._sessions.look(session_id))
        self._session_id = whole_id = view.session_id
        if view.status == "abandoned":
            view = self._insist(lambda: self._sessions.resume(whole_id))
        if not self._screen.is_chosen:
            self._screen.language = view.language
        chat_view.welcome_back(self._screen, view)
        return view

    def _insist(self, act: Callable[[], T]) -> T:
        return insist(self._screen, act)

    # --------------------------------------------------------------------------------------------------------------- steps

    @property
    def _sessions(self) -> ChatSessions:
        from guiado.cli.chat_sessions import ChatSessions

        return ChatSessions(self._screen.language)

    def _ask_first(self, view: ChatView, step: StepOut) -> ChatView | None:
        """Ask what is to be known before this step; None when the customer leaves for now."""
        told = self._first.ask(view, step, self._sessions, self._tell_once, self._heard_at_step)
        if isinstance(told, str):
            return (self._act(view, step, told) if self._is_sure(step, told) else None) or view
        return told

    def _tell_once(self, view: ChatView, tell: Callable[[], ChatView]) -> ChatView:
        return self._unless_conflict(view, lambda: self._insist(tell))

    def _unless_conflict(self, view: ChatView, tell: Callable[[], ChatView]) -> ChatView:
        """Tell the session something; as it stands, where it went on elsewhere, in the browser perhaps."""
        try:
            return tell()
        except Conflict as error:
            self._screen.show(self._screen.explain(error), style="yellow")
            return self._insist(lambda: self._sessions.look(view.session_id))

    def _take_step(self, view: ChatView, step: StepOut) -> ChatView | None:
        """Show the open step and submit the answer; None when the customer leaves for now."""
        from guiado.cli import chat_view

        is_repeated = (view.problem_id, step.step_id) == self._shown_step
        self._shown_step = (view.problem_id, step.step_id)
        if not is_repeated:
            chat_view.show_step_with_care(self._screen, step)
        seen_at_s = clock.monotonic_s()
        while True:
            choices = chat_view.show_choices(self._screen, step, is_repeated=is_repeated)
            choice = ask_choice(self._screen, choices, self._heard_at_step)
            active_s = round(clock.monotonic_s() - seen_at_s, 1)
            if choice == "leave":
                return None
            if choice == BACK:
                if asked := self._first.asked_again(step, self._sessions):
                    return self._ask_first(view, asked)
                if changed := self._look_back(view.session_id, step):
                    return changed
            elif self._is_sure(step, choice) and (told := self._act(view, step, str(choice), active_s)):
                return told
            is_repeated = True

    def _heard_at_step(self, words: str) -> str | None:
        """The answer that other words than those of the choices mean: who asks for a person in words gets one at once."""
        meant = self._sessions.heard(words)
        return _ASKED_IN_WORDS if meant == "person" else meant

    def _look_back(self, session_id: str, step: StepOut) -> ChatView | None:
        """Show the previous step, whose answer is already stored, then the open one again; the view where it is taken back."""
        from guiado.cli import chat_view

        before = step.step_number - 1
        if before > 0:
            passed = self._insist(lambda: self._sessions.passed_step(session_id, before))
            self._screen.say("El paso anterior, para leerlo otra vez. Tu respuesta a ese paso ya está guardada.", style="cyan")
            chat_view.show_step(self._screen, passed or step)
            if self._screen.is_interactive and is_sure(self._screen, self._screen.tr("¿Quieres cambiar esa respuesta? s/n")):
                return self._take_back(session_id, before)
        chat_view.show_step(self._screen, step)
        return None

    def _take_back(self, session_id: str, number: int) -> ChatView:
        """Take back the answers until this step is open again, as far as they can be."""
        from guiado.cli import chat_view

        try:
            view = self._insist(lambda: self._sessions.undo(session_id, number))
        except Conflict as error:  # a person has the case, perhaps
            self._screen.show(self._screen.explain(error), style="yellow")
            return self._insist(lambda: self._sessions.look(session_id))
        chat_view.reply(self._screen, view)
        return view

    def _is_sure(self, step: StepOut, choice: object) -> bool:
        """Ask for confirmation before an answer that ends the session or hands it over."""
        is_last = step.step_number == step.total_steps
        if choice == "solved" or (choice == "done" and is_last):
            return is_sure(self._screen, self._screen.tr("¿Seguro? Damos el problema por resuelto y termina la sesión. s/n"))
        if choice == "person" or (choice in {"not_helped", "tried"} and is_last):
            return is_sure_of_person(self._screen)
        return True

    def _act(self, view: ChatView, step: StepOut, choice: str, active_s: float | None = None) -> ChatView | None:
        """Submit an answer; None when the customer goes back to the question."""
        from guiado.cli import chat_view

        words = self._ask_about(choice)
        if words == BACK:
            return None
        if choice == "wrong":
            return self._hear(view, words, lambda said: self._sessions.reject(view.session_id, view.problem_id, said))
        told = self._unless_conflict(view, lambda: self._tell(view.session_id, step, choice, words, active_s))
        chat_view.reply(self._screen, told)
        return told

    def _ask_about(self, choice: str) -> str | None:
        """Ask for the notes of an answer; `BACK` cancels the answer."""
        screen = self._screen
        if choice not in {"wrong", "could_not"}:
            return None
        if choice == "wrong":
            question = screen.tr("Entonces, ¿qué es lo que pasa? (Enter para omitir)")
        else:
            question = screen.tr("¿Qué te lo impidió? (Enter para omitir)")
        if screen.is_interactive:
            screen.say("Si fue un error, escribe «atrás».", style="dim")
        words = screen.ask(question)
        return BACK if screen.is_interactive and is_back(words) else words or None

    # -------------------------------------------------------------------------------------------------- what the problem is

    def _make_clear(self, view: ChatView, asked: ClarificationOut) -> ChatView | None:
        """Show the possible problems and submit the choice; None when the customer leaves for now."""
        from guiado.cli import chat_view

        choices = chat_view.show_options(self._screen, asked)
        said = ask_choice(self._screen, choices, self._heard_as_text)
        while said == {"none": True} and not is_sure_of_person(self._screen):
            said = ask_choice(self._screen, choices, self._heard_as_text)
        if said == "leave":
            return None
        words = self._ask_words() if said == "words" else None
        if words:
            return self._hear(view, words, lambda text: self._sessions.clarify(view.session_id, text=text or self._ask_words()))
        answer = said if isinstance(said, Mapping) else dict[str, object]()
        return self._hear(view, None, lambda _: self._sessions.clarify(view.session_id, **answer))

    def _heard_as_text(self, words: str) -> dict[str, object] | None:
        """Words that are no choice as the text of a clarification, where they ask for a person or say that it is over."""
        return {"text": words} if self._sessions.heard(words) else None

    def _hear(self, view: ChatView, words: str | None, tell: Callable[[str | None], ChatView]) -> ChatView:
        from guiado.cli import chat_view

        told = self._unless_conflict(view, lambda: self._in_valid_words(words, tell))
        chat_view.announce(self._screen, told)
        return told

    def _in_valid_words(self, words: str | None, tell: Callable[[str | None], ChatView]) -> ChatView:
        """Submit free text; ask for another one while it cannot be stored."""
        while True:
            try:
                return self._insist(partial(tell, words))
            except InvalidInput as error:
                self._screen.show(self._screen.explain(error), style="yellow")
                words = self._screen.ask(self._screen.tr("Escríbelo de otra manera (Enter para omitir):")) or None

    def _ask_words(self) -> str:
        while True:
            if words := self._screen.ask(self._screen.tr("Cuéntamelo con otras palabras:")):
                return words

    def _tell(self, session_id: str, step: StepOut, choice: str, words: str | None, active_s: float | None) -> ChatView:
        from guiado.domain.session import Outcome

        if choice in {"person", _ASKED_IN_WORDS}:
            return self._insist(lambda: self._sessions.escalate(session_id))
        reason = "already_tried" if choice == "tried" else None
        outcome = Outcome.NOT_HELPED if reason else Outcome(choice)
        number, step_id = step.step_number, step.step_id
        return self._in_valid_words(
            words, lambda notes: self._sessions.answer(session_id, number, outcome, notes, active_s, step_id, reason)
        )

    def _goes_on(self) -> bool:
        """Ask once whether the customer keeps trying while waiting for a person."""
        from guiado.cli import chat_view

        if not self._waits_for_person:
            self._waits_for_person = True
            return bool(ask_choice(self._screen, chat_view.show_patience(self._screen)))
        return True

    # ----------------------------------------------------------------------------------------------------------------- end

    def _ask_opinion(self, view: ChatView) -> None:
        if not self._sessions.asks_for_rating():
            return
        self._screen.show()
        rating = self._ask_rating()
        if rating is None:
            return
        comment = self._ask_comment()
        try:
            self._insist(lambda: self._sessions.rate(view.session_id, rating, comment))
        except InvalidInput as error:
            self._screen.show(self._screen.explain(error), style="yellow")
            self._insist(lambda: self._sessions.rate(view.session_id, rating, None))
        self._screen.say("Gracias por tu opinión. Nos ayuda a mejorar.", style="green")

    def _ask_rating(self) -> int | None:
        while True:
            question = self._screen.tr("¿Cómo calificas esta ayuda, de 1 (mala) a 5 (excelente)? (Enter para omitir)")
            given = self._screen.ask(question, is_long=False)
            if not given:
                return None
            if given.isdecimal() and 1 <= int(given) <= _BEST:
                return int(given)
            self._screen.say("Escribe un número del 1 al 5, o solo Enter.", style="yellow")

    def _ask_comment(self) -> str | None:
        try:
            return self._screen.ask(self._screen.tr("¿Quieres contarnos algo más? (Enter para omitir)")) or None
        except (EOFError, KeyboardInterrupt):  # the rating counts all the same
            return None
