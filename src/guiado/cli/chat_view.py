"""Views of `guiado chat`: greeting, step, choices, reply."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from guiado.cli.choices import BACK, Choice, is_sure, make_choice
from guiado.cli.console import Screen, bullets

if TYPE_CHECKING:
    from rich.text import Text

    from guiado.app.sessions.models import (
        ClarificationOut,
        GuideQuestionOut,
        MediaRow,
        OptionOut,
        ResourceRow,
        StepOut,
        VariantRow,
    )
    from guiado.cli.chat_sessions import ChatView, FrequentProblem

_BAR_COLUMNS = 24
_AROUND_STEP = 14
"""Lines of headings, blank lines, question and prompt around the text of a step."""
ANSWER = "answer"
"""Type of the only step of a guide that is an answer."""
_LOOKS_ONLY = {"diagnostic", "check"}
"""Types of steps that only look something up, for which "done" is offered as an answer."""


def greet(screen: Screen) -> None:
    """Print the greeting."""
    screen.show()
    screen.say("Hola, soy guiado.", style="bold cyan")
    screen.say("Vamos a resolver tu problema paso a paso. Puedes salir cuando quieras con Ctrl-C: nada se pierde.")
    screen.show()


def ask_email(screen: Screen) -> str:
    """Explain why an e-mail address is needed.

    Returns:
        The question.
    """
    screen.say("Para escribirte si una persona tiene que seguir con tu caso, necesitamos tu correo.", style="dim")
    return screen.tr("¿A qué correo podemos escribirte?")


@contextmanager
def waiting(screen: Screen) -> Generator[None]:
    """Show a spinner while the terminal is interactive."""
    if not screen.is_interactive:
        yield
        return
    with screen.out.status(screen.tr("Un momento…")):
        yield


def announce(screen: Screen, view: ChatView) -> None:
    """Print the recognised problem."""
    _rule(screen)
    is_over = view.status == "resolved"
    screen.show(view.said, style="bold green" if view.step or is_over else "bold yellow")
    if view.asked or is_over:
        return
    if view.step is None:
        _show_reference(screen, view)
        return
    _show_block(screen, screen.tr("Si no es eso, quizá sea"), view.others, "•")
    if view.step.estimated_time:
        screen.say("Tiempo estimado de toda la guía: {time}", style="dim", time=view.step.estimated_time)
    _show_block(screen, screen.tr("Ten a mano"), view.prerequisites, "•")


def welcome_back(screen: Screen, view: ChatView) -> None:
    """Print the progress of a resumed session."""
    screen.show()
    screen.say("Hola otra vez.", style="bold cyan")
    if view.title:
        screen.show(view.title, style="bold")
    if view.asked:
        screen.show(view.said)
        return
    if view.step is None:
        screen.show(view.said)
        _show_reference(screen, view)
        return
    if view.step.type != ANSWER:
        screen.say("Llevas {passed} de {total} pasos.", passed=view.passed, total=view.total)
    if view.needs_person:
        screen.show(view.said, style="yellow")


def show_options(screen: Screen, asked: ClarificationOut) -> list[Choice]:
    """Print the possible problems, with the question if there is one.

    Returns:
        The choices; each means a mapping for `ChatSessions.clarify`, "words" or "leave".
    """
    screen.show()
    options = _show_problems(screen, asked.options)
    question: list[Choice] = []
    if asked.question:
        question = [
            make_choice(screen.tr("s: Sí"), "s", {"answer": "yes"}),
            make_choice(screen.tr("n: No"), "n", {"answer": "no"}),
            make_choice(screen.tr("d: No lo sé"), "d", {"answer": "unknown"}),
        ]
        _offer(screen, asked.question.text, question)
    rest = _other_ways(screen)
    _offer(screen, screen.tr("O elige otra opción:"), rest)
    _tell_how(screen)
    return [*options, *question, *rest]


def show_frequent(screen: Screen, problems: Sequence[FrequentProblem]) -> list[Choice]:
    """Print the most frequent problems, for a description that matches none.

    Returns:
        The choices; each means a mapping with `problem_id` or `none`, "words" or "leave".
    """
    _rule(screen)
    screen.say("Todavía no sé qué problema es. ¿Es alguno de estos, los más frecuentes?", style="bold yellow")
    options = _show_problems(screen, problems)
    rest = _other_ways(screen)
    _offer(screen, screen.tr("O elige otra opción:"), rest)
    _tell_how(screen)
    return [*options, *rest]


def _show_problems(screen: Screen, problems: Sequence[OptionOut | FrequentProblem]) -> list[Choice]:
    for number, option in enumerate(problems, 1):
        screen.show(_choice(screen, str(number), option.title))
        if option.example:
            screen.show(bullets(screen, [f"«{option.example}»"], " ", "dim"))
    return [Choice(str(n), option.title, {"problem_id": option.problem_id}) for n, option in enumerate(problems, 1)]


def _other_ways(screen: Screen) -> list[Choice]:
    return [
        make_choice(screen.tr("e: Lo explico con otras palabras"), "e", "words"),
        make_choice(screen.tr("0: Ninguno de estos"), "0", {"none": True}),
        make_choice(screen.tr("q: Salir y seguir después"), "q", "leave"),
    ]


def show_variants(screen: Screen, variants: Sequence[VariantRow]) -> list[Choice]:
    """Ask what the customer uses.

    Returns:
        The choices; each means a variant's id, a mapping where it is none of them or not known, or "leave".
    """
    choices = [
        *(Choice(str(number), each.title, each.id) for number, each in enumerate(variants, 1)),
        make_choice(screen.tr("0: Otra cosa, o no lo sé"), "0", {"none": True}),
        make_choice(screen.tr("q: Salir y seguir después"), "q", "leave"),
    ]
    _offer(screen, screen.tr("¿Qué usas?"), choices)
    _tell_how(screen)
    return choices


def show_guide_question(screen: Screen, asked: GuideQuestionOut) -> list[Choice]:
    """Ask a question of the guide.

    Returns:
        The choices; each means a mapping, with `answer_id` where the customer knows the answer, or "leave".
    """
    choices = [
        *(Choice(str(number), each.text, {"answer_id": each.id}) for number, each in enumerate(asked.answers, 1)),
        make_choice(screen.tr("d: No lo sé"), "d", {"skip": True}),
        make_choice(screen.tr("q: Salir y seguir después"), "q", "leave"),
    ]
    _rule(screen)
    _offer(screen, asked.text, choices)
    _tell_how(screen)
    return choices


def show_step(screen: Screen, step: StepOut) -> None:
    """Print a step: progress, warnings, instructions, expected result."""
    show_head(screen, step)
    show_body(screen, step)


def show_step_with_care(screen: Screen, step: StepOut) -> None:
    """Print a step; of one that cannot be undone the instructions only to who knows that."""
    show_head(screen, step)
    question = screen.tr("Este paso no se puede deshacer. ¿Quieres ver qué hacer? s/n")
    if not step.irreversible or is_sure(screen, question):
        show_body(screen, step)


def show_head(screen: Screen, step: StepOut) -> None:
    """Print what a step is and what to know before it."""
    _rule(screen)
    if step.type != ANSWER:
        _show_progress(screen, step.step_number, step.total_steps)
    screen.show(step.title, style="bold")
    if step.why:
        screen.show(step.why, style="dim")
    if step.description:
        screen.show(step.description)
    _show_block(screen, screen.tr("⚠ Antes de empezar"), step.warnings, "!", style="yellow")


def show_body(screen: Screen, step: StepOut) -> None:
    """Print what to do in a step, or the text of an answer."""
    if step.type == ANSWER:
        for line in step.instructions:
            screen.show()
            screen.show(line)
    else:
        chosen = next((each.title for each in step.variants if each.id == step.variant), "")
        heading = screen.tr("Qué hacer")
        _show_block(screen, f"{heading} ({chosen})" if chosen else heading, step.instructions, "1")
    _show_media(screen, step.media)
    _show_block(screen, screen.tr("Resultado esperado"), [step.expected_result] if step.expected_result else [], "→")
    if step.resources:
        screen.show()
        screen.say("Recursos", style="bold")
        for resource in step.resources:
            _show_link(screen, resource)
    if tried := step.already_tried:
        screen.show()
        words = tried.words
        screen.show(screen.tr("Dices que ya hiciste esto («{words}»). Si es así, sáltalo.", words=words), style="yellow")


def show_choices(screen: Screen, step: StepOut, *, is_repeated: bool = False) -> list[Choice]:
    """Ask how the step went.

    Args:
        step: as it was shown.
        is_repeated: whether it was shown before, so that its title alone is.

    Returns:
        The choices; each means an outcome, "tried", "wrong", "person", `BACK` or "leave".
    """
    if step.type == ANSWER:
        return _show_answer_choices(screen)
    looks_only = step.type in _LOOKS_ONLY
    choices = [
        make_choice(screen.tr("s: Sí, se resolvió"), "s", "solved"),
        make_choice(screen.tr("n: Lo hice y sigue igual"), "n", "not_helped"),
        make_choice(screen.tr("p: No pude hacerlo"), "p", "could_not"),
        # Accepted at every step, and offered only where the step itself cannot solve the problem.
        make_choice(screen.tr("h: Hecho, sigo"), "h", "done", shown=looks_only),
        *([make_choice(screen.tr("y: Ya lo hice antes, sáltalo"), "y", "tried")] if step.already_tried else []),
        make_choice(screen.tr("x: No es esto lo que me pasa"), "x", "wrong"),
        make_choice(screen.tr("a: Hablar con una persona"), "a", "person"),
        make_choice(screen.tr("v: Volver a leer los pasos anteriores"), "v", BACK),
        make_choice(screen.tr("q: Salir y seguir después"), "q", "leave"),
    ]
    shown = [choice for choice in choices if choice.shown]
    heading = step.title if is_repeated or _fills_screen(screen, step, len(shown)) else ""
    _offer(screen, screen.tr("¿Cómo te fue?"), choices, heading)
    _tell_how(screen)
    return choices


def _show_answer_choices(screen: Screen) -> list[Choice]:
    choices = [
        make_choice(screen.tr("s: Esto responde mi pregunta"), "s", "solved"),
        make_choice(screen.tr("n: No es lo que buscaba"), "n", "not_helped"),
        make_choice(screen.tr("x: No es esto lo que me pasa"), "x", "wrong"),
        make_choice(screen.tr("a: Hablar con una persona"), "a", "person"),
        make_choice(screen.tr("q: Salir y seguir después"), "q", "leave"),
    ]
    _offer(screen, screen.tr("¿Es lo que buscabas?"), choices)
    _tell_how(screen)
    return choices


def show_patience(screen: Screen) -> list[Choice]:
    """Ask whether to keep trying while waiting for a person.

    Returns:
        The choices; each means yes or no.
    """
    choices = [
        make_choice(screen.tr("s: Sí, sigo probando"), "s", meaning=True),
        make_choice(screen.tr("n: No, espero a la persona"), "n", meaning=False),
    ]
    _offer(screen, screen.tr("¿Quieres seguir probando mientras tanto?"), choices)
    _tell_how(screen)
    return choices


def show_closing(screen: Screen, question: str) -> list[Choice]:
    """Ask whether the case that is over is to be closed.

    Args:
        question: empty where it was asked already.

    Returns:
        The choices; each means yes or no.
    """
    choices = [
        make_choice(screen.tr("s: Sí, ciérralo"), "s", meaning=True),
        make_choice(screen.tr("n: No, que siga abierto"), "n", meaning=False),
    ]
    _offer(screen, question, choices)
    _tell_how(screen)
    return choices


def show_next(screen: Screen, title: str) -> list[Choice]:
    """Ask whether the other problem that the customer named is to be seen to now.

    Returns:
        The choices; each means yes or no.
    """
    choices = [
        make_choice(screen.tr("s: Sí, sigamos"), "s", meaning=True),
        make_choice(screen.tr("n: No, por ahora no"), "n", meaning=False),
    ]
    _offer(screen, screen.tr("¿Vemos ahora «{title}»?", title=title), choices)
    _tell_how(screen)
    return choices


def _offer(screen: Screen, question: str, choices: Sequence[Choice], heading: str = "") -> None:
    screen.show()
    if heading:
        screen.show(f"▸ {heading}", style="cyan")
    if question:
        screen.show(question, style="bold")
    for choice in choices:
        if choice.shown:
            screen.show(_choice(screen, choice.key, choice.words))


def _tell_how(screen: Screen) -> None:
    if screen.is_interactive:
        screen.say("Escribe la letra y pulsa Enter.", style="dim")


def _show_media(screen: Screen, media: Sequence[MediaRow]) -> None:
    if not media:
        return
    screen.show()
    screen.say("Imágenes y videos", style="bold")
    lead = " " * screen.indent
    for each in media:
        screen.show(f"{lead}{each.caption or each.alt or each.type}")
        screen.verbatim(f"{lead}{each.url}", style="blue underline")


def _fills_screen(screen: Screen, step: StepOut, choices: int) -> bool:
    """Whether the step's title has left the screen when the question comes."""
    if not screen.is_interactive:
        return False
    lines = [step.description, *step.warnings, *step.instructions, step.expected_result]
    rows = sum(1 + len(line) // screen.out.width for line in lines if line) + 2 * len(step.resources)
    return rows + choices + _AROUND_STEP > screen.out.height


def reply(screen: Screen, view: ChatView) -> None:
    """Print the reply to an answer."""
    screen.show()
    good = view.status == "resolved"
    screen.show(f"{'✓ ' if good else ''}{view.said}", style="bold green" if good else "cyan")
    if view.needs_person:
        _show_reference(screen, view)


def _rule(screen: Screen) -> None:
    screen.show()
    screen.show("─" * min(screen.out.width, 72), style="dim")


def _show_progress(screen: Screen, number: int, total: int) -> None:
    from rich.text import Text

    words = screen.tr("Paso {number} de {total}", number=number, total=total)
    columns = min(_BAR_COLUMNS, max(0, screen.out.width - len(words) - 2))
    full = columns * number // total
    screen.show(Text.assemble((words, "bold cyan"), "  ", ("━" * full, "cyan"), ("╌" * (columns - full), "dim")))


def _show_block(screen: Screen, title: str, lines: Sequence[str], mark: str, style: str = "") -> None:
    if lines:
        screen.show()
        screen.show(title, style=f"bold {style}".strip())
        screen.show(bullets(screen, lines, mark, style))


def _show_link(screen: Screen, resource: ResourceRow) -> None:
    lead = " " * screen.indent
    screen.show(f"{lead}{resource.title}")
    screen.verbatim(f"{lead}{resource.url}", style="blue underline")


def _show_reference(screen: Screen, view: ChatView) -> None:
    screen.say("Tu referencia es:", style="dim")
    screen.verbatim(reference_line(view.reference, view.session_id))


def reference_line(reference: str, session_id: str) -> Text:
    """A session's short reference, with its full id for programs."""
    from rich.text import Text

    return Text.assemble((reference, "bold"), (f"  {session_id}", "dim"))


def _choice(screen: Screen, key: str, words: str) -> Text:
    from rich.text import Text

    return Text.assemble(" " * screen.indent, ("[", "dim"), (key, "bold cyan"), ("] ", "dim"), words)
