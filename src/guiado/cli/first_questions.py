"""Questions of the chat before a step: one of its guide, which may be answered anew, and which variant the customer uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from guiado.cli.choices import ask_choice, is_sure

if TYPE_CHECKING:
    from guiado.app.sessions.models import StepOut
    from guiado.cli.chat_sessions import ChatSessions, ChatView
    from guiado.cli.choices import Meaning
    from guiado.cli.console import Screen

Tell = Callable[["ChatView", Callable[[], "ChatView"]], "ChatView"]
"""Submits something, once; the session as it stands, where it went on elsewhere."""


class FirstQuestions:
    """The questions before the steps of one conversation; input from a pipe is asked none of them."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._unknown_variant_of: str | None = None

    def asks(self, step: StepOut) -> bool:
        """Whether something is to be asked before this step."""
        return self._screen.is_interactive and (step.question is not None or self._asks_variant(step))

    def ask(
        self, view: ChatView, step: StepOut, sessions: ChatSessions, tell: Tell, hear: Callable[[str], Meaning | None]
    ) -> ChatView | str | None:
        """Ask it, the question of the guide first.

        Args:
            hear: reads other words that mean something everywhere.

        Returns:
            The session after the answer; words that mean something else; None when the customer leaves for now.
        """
        return (
            self._ask_guides(view, step, sessions, tell, hear) if step.question else self._ask_variant(view, step, sessions, tell)
        )

    def asked_again(self, step: StepOut, sessions: ChatSessions) -> StepOut | None:
        """The open step with the question that was answered before it, where the customer wants to answer that otherwise."""
        import msgspec

        asked = sessions.question_before(step.session_id) if self._screen.is_interactive else None
        if asked is None:
            return None
        self._screen.say("Antes de este paso respondiste: {question}", style="cyan", question=asked.text)
        is_wanted = is_sure(self._screen, self._screen.tr("¿Quieres cambiar esa respuesta? s/n"))
        return msgspec.structs.replace(step, question=asked) if is_wanted else None

    def _asks_variant(self, step: StepOut) -> bool:
        return bool(step.variants) and step.variant is None and self._unknown_variant_of != step.session_id

    def _ask_guides(
        self, view: ChatView, step: StepOut, sessions: ChatSessions, tell: Tell, hear: Callable[[str], Meaning | None]
    ) -> ChatView | str | None:
        from guiado.cli import chat_view

        if step.question is None:
            return view
        chosen = ask_choice(self._screen, chat_view.show_guide_question(self._screen, step.question), hear)
        if chosen == "leave":
            return None
        if not isinstance(chosen, Mapping):
            return str(chosen)
        answer_id = str(chosen["answer_id"]) if "answer_id" in chosen else None
        told = tell(view, partial(sessions.answer_question, view.session_id, step.question.id, answer_id))
        chat_view.reply(self._screen, told)
        return told

    def _ask_variant(self, view: ChatView, step: StepOut, sessions: ChatSessions, tell: Tell) -> ChatView | None:
        from guiado.cli import chat_view

        chosen = ask_choice(self._screen, chat_view.show_variants(self._screen, step.variants))
        if chosen == "leave":
            return None
        if isinstance(chosen, Mapping):
            self._unknown_variant_of = step.session_id
            return view
        return tell(view, partial(sessions.set_variant, view.session_id, str(chosen)))
