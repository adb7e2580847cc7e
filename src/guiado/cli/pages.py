"""What `guiado chat` draws: greeting, step, choices, reply."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from guiado.cli.screen import Screen, bullets

if TYPE_CHECKING:
    from guiado.cli.desk import View

_BAR_COLUMNS = 24


def greet(screen: Screen) -> None:
    """Say who speaks."""
    screen.show()
    screen.say("Hola, soy guiado.", style="bold cyan")
    screen.say("Vamos a resolver tu problema paso a paso. Ctrl-C sale cuando quieras y nada se pierde.")
    screen.show()


@contextmanager
def waiting(screen: Screen) -> Generator[None]:
    """Show that something goes on, where somebody looks."""
    if not screen.is_interactive:
        yield
        return
    with screen.out.status(screen.tr("Un momento…")):
        yield


def announce(screen: Screen, view: View) -> None:
    """Say what the problem was recognised as."""
    _rule(screen)
    screen.show(view["said"], style="bold green" if view["step"] else "bold yellow")
    if view["asked"]:
        return
    if view["step"] is None:
        _show_reference(screen, view)
        return
    _show_block(screen, screen.tr("Si no es eso, quizá sea"), view["others"], "•")
    if view["step"]["estimated_time"]:
        screen.say("Tiempo estimado de toda la guía: {time}", style="dim", time=view["step"]["estimated_time"])
    _show_block(screen, screen.tr("Ten a mano"), view["prerequisites"], "•")


def welcome_back(screen: Screen, view: View) -> None:
    """Say where the session stands."""
    screen.show()
    screen.say("Hola otra vez.", style="bold cyan")
    if view["title"]:
        screen.show(view["title"], style="bold")
    if view["asked"]:
        screen.show(view["said"])
        return
    if view["step"] is None:
        screen.show(view["said"])
        _show_reference(screen, view)
        return
    screen.say("Llevas {passed} de {total} pasos.", passed=view["passed"], total=view["total"])
    if view["needs_person"]:
        screen.show(view["said"], style="yellow")


def show_options(screen: Screen, asked: Mapping[str, Any]) -> dict[str, object]:
    """What the problem could be, with a question if there is one.

    Returns:
        Key -> what is said: a mapping for `Desk.clarify`, "words" or "leave".
    """
    keys: dict[str, object] = {}
    screen.show()
    for number, option in enumerate(asked["options"], 1):
        keys[str(number)] = {"problem_id": option["problem_id"]}
        screen.show(_choice(screen, str(number), option["title"]))
        if option["example"]:
            screen.show(bullets(screen, [f"«{option['example']}»"], " ", "dim"))
    if asked["question"]:
        keys |= _offer(
            screen,
            asked["question"]["text"],
            (
                (screen.tr("s: Sí"), "s", {"answer": "yes"}),
                (screen.tr("n: No"), "n", {"answer": "no"}),
                (screen.tr("d: No lo sé"), "d", {"answer": "unknown"}),
            ),
        )
    rest = (
        (screen.tr("e: Lo explico con otras palabras"), "e", "words"),
        (screen.tr("0: Ninguno de estos"), "0", {"none": True}),
        (screen.tr("q: Salir y seguir después"), "q", "leave"),
    )
    return _offer(screen, screen.tr("O dime otra cosa:"), rest) | keys


def show_step(screen: Screen, view: View) -> None:
    """One step: how far it is, what to know before, what to do, what to expect."""
    step: Mapping[str, Any] = view["step"]
    _rule(screen)
    _show_progress(screen, step["step_number"], step["total_steps"])
    screen.show(step["title"], style="bold")
    if step["description"]:
        screen.show(step["description"])
    _show_block(screen, screen.tr("⚠ Antes de empezar"), step["warnings"], "!", style="yellow")
    _show_block(screen, screen.tr("Qué hacer"), step["instructions"], "1")
    _show_block(screen, screen.tr("Resultado esperado"), [step["expected_result"]] if step["expected_result"] else [], "→")
    if step["resources"]:
        screen.show()
        screen.say("Recursos", style="bold")
        for resource in step["resources"]:
            _show_link(screen, resource)
    if tried := step["already_tried"]:
        screen.show()
        words = tried["words"]
        screen.show(screen.tr("Dices que ya hiciste esto («{words}»). Si es así, sáltalo.", words=words), style="yellow")


def show_choices(screen: Screen, *, tried: bool = False) -> dict[str, object]:
    """Ask how it went.

    Args:
        tried: whether the customer said at the beginning that they did this already.

    Returns:
        Key -> an outcome, "tried", "wrong", "person" or "leave". The Spanish keys work in every language, where no other choice
        has them.
    """
    return _offer(
        screen,
        screen.tr("¿Cómo te fue?"),
        (
            (screen.tr("s: Se resolvió"), "s", "solved"),
            (screen.tr("h: Hecho, sigo"), "h", "done"),
            (screen.tr("n: Lo hice y no sirvió"), "n", "not_helped"),
            (screen.tr("p: No pude hacerlo"), "p", "could_not"),
            *([(screen.tr("y: Ya lo hice antes, sáltalo"), "y", "tried")] if tried else []),
            (screen.tr("x: No es esto lo que me pasa"), "x", "wrong"),
            (screen.tr("a: Hablar con una persona"), "a", "person"),
            (screen.tr("q: Salir y seguir después"), "q", "leave"),
        ),
    )


def show_patience(screen: Screen) -> dict[str, object]:
    """Ask whether to try on while a person is on the way.

    Returns:
        Key -> yes or no.
    """
    choices = ((screen.tr("s: Sí, sigo probando"), "s", True), (screen.tr("n: No, espero a la persona"), "n", False))
    return _offer(screen, screen.tr("¿Quieres seguir probando mientras tanto?"), choices)


def _offer(screen: Screen, question: str, choices: Sequence[tuple[str, str, object]]) -> dict[str, object]:
    """Show choices; each is "key: words" in the screen's language, the Spanish key, and what it means."""
    keys = {key: meaning for _, key, meaning in choices}
    screen.show()
    screen.show(question, style="bold")
    for label, _, meaning in choices:
        key, _, words = label.partition(": ")
        keys[key] = meaning
        screen.show(_choice(screen, key, words))
    return keys


def reply(screen: Screen, view: View) -> None:
    """Say what came of the answer."""
    screen.show()
    good = view["status"] == "resolved"
    screen.show(f"{'✓ ' if good else ''}{view['said']}", style="bold green" if good else "cyan")
    if view["needs_person"]:
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


def _show_link(screen: Screen, resource: Mapping[str, str]) -> None:
    lead = " " * screen.indent
    screen.show(f"{lead}{resource.get('title', '')}")
    screen.verbatim(f"{lead}{resource.get('url', '')}", style="blue underline")


def _show_reference(screen: Screen, view: View) -> None:
    screen.say("Tu referencia es:", style="dim")
    screen.verbatim(reference_line(view))


def reference_line(view: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The short name of a session, for people, and its whole id, for programs."""
    from rich.text import Text

    return Text.assemble((view["reference"], "bold"), (f"  {view['session_id']}", "dim"))


def _choice(screen: Screen, key: str, words: str) -> Any:  # noqa: ANN401
    from rich.text import Text

    return Text.assemble(" " * screen.indent, ("[", "dim"), (key, "bold cyan"), ("] ", "dim"), words)
