"""Shows at the terminal what was understood of a session: other candidates, what the customer said, who wrote to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from guiado.cli.console import Screen, bullets

if TYPE_CHECKING:
    from guiado.app.sessions.models import AnsweredQuestionRow, ConsideredRow, HeardRow, StandOut, UnderstoodOut

_MOST_CANDIDATES = 3


def show_understood(screen: Screen, understood: UnderstoodOut) -> None:
    """Print the other candidates, the customer's clarifications, codes that no guide has, and who wrote a forwarded mail."""
    others = [_candidate(each) for each in understood.candidates[:_MOST_CANDIDATES]]
    heard = [line for each in understood.clarifications if (line := _heard(screen, each))]
    wrote = [sender] if (sender := understood.original_sender) else []
    told = (
        (screen.tr("Qué es el mensaje"), [kind] if (kind := kind_words(screen, understood.message_kind)) else []),
        (screen.tr("También nombró"), [f"{each.title} · {each.problem_id}" for each in understood.other_problems]),
        (screen.tr("También podría ser"), others),
        (screen.tr("Lo que aclaró el cliente"), heard),
        (screen.tr("Quién escribió el correo reenviado"), wrote),
    )
    if understood.unknown_codes:
        screen.show()
        screen.show(screen.tr("Código desconocido: {codes}.", codes=", ".join(understood.unknown_codes)))
    if understood.written_in:
        screen.show()
        screen.show(screen.tr("El cliente escribe en un idioma que guiado no habla: {code}.", code=understood.written_in))
    for title, lines in told:
        if lines:
            screen.show()
            screen.show(title, style="bold")
            screen.show(bullets(screen, lines))


def show_answers(screen: Screen, answers: Sequence[AnsweredQuestionRow]) -> None:
    """Print what is known of the questions of the guide."""
    if answers:
        screen.show()
        screen.say("Lo que contestó", style="bold")
        unknown = screen.tr("no lo sabe")
        screen.show(bullets(screen, [f"{each.question} {each.answer or unknown}" for each in answers]))


def show_stand(screen: Screen, stand: StandOut | None) -> None:
    """Print where a session stands by what was learned of its guide."""
    if stand is not None:
        screen.show()
        screen.say("Lo que se sabe ahora", style="bold")
        screen.show(bullets(screen, stand.lines))


def kind_words(screen: Screen, kind: str) -> str:
    """A kind of message in the screen's language; empty for a problem."""
    words = {
        "solved": screen.tr("dice que ya está resuelto"),
        "person": screen.tr("pide una persona"),
        "nothing_said": screen.tr("no dice qué pasa"),
        "other": screen.tr("no cuenta un problema"),
    }
    return words.get(kind, "")


def _candidate(each: ConsideredRow) -> str:
    words = ", ".join(each.words)
    return f"{each.problem_id} · {each.confidence:.0%}" + (f" · «{words}»" if words else "")


def _heard(screen: Screen, heard: HeardRow) -> str:
    said = heard.said
    if said is None:
        return ""
    answers = {"yes": screen.tr("sí"), "no": screen.tr("no"), "unknown": screen.tr("no lo sabe")}
    told = [f"«{said['text']}»"] if "text" in said else []
    told += [f"{heard.question} {answers[said['answer']]}"] if "answer" in said else []
    told += [screen.tr("ninguno de los que se le mostraron")] if "none" in said else []
    told += [screen.tr("es {problem}", problem=said["problem_id"])] if "problem_id" in said else []
    denied = [screen.tr("no es {problem}", problem=heard.rejected)] if heard.rejected else []
    return " · ".join((*denied, *told))
