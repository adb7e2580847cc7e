"""Views of `guiado kb show`: a guide in short, and in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from guiado.cli.console import Screen, bullets
from guiado.text.json_shapes import items_in, object_in

if TYPE_CHECKING:
    from guiado.domain.criteria import Trigger
    from guiado.domain.guide import Guide, GuideQuestion, Step

_KINDS = ("answer", "person")


def show_row(screen: Screen, guide: Guide) -> None:
    """Print a guide in short."""
    from rich.text import Text

    screen.show(Text(guide.problem_id, style="bold cyan"))
    screen.show(f"  {guide.problem_title}")
    facts = str(guide.category), _kind(screen, guide), guide.estimated_time
    screen.show(Text("  " + " · ".join(filter(None, facts)), style="dim"))
    if guide.urgent:
        screen.say("  Urgente: una persona recibe el caso enseguida.", style="bold red")


def _kind(screen: Screen, guide: Guide) -> str:
    match guide.kind:
        case "answer":
            return screen.tr("Respuesta, sin pasos")
        case "person":
            return screen.tr("Pasa a una persona enseguida")
        case _:
            return screen.tr("Pasos: {count}", count=len(guide.steps))


def show_guide(screen: Screen, guide: Guide) -> None:
    """Print a guide in full.

    Args:
        guide: in the language of the screen.
    """
    from guiado.app.sessions.labels import labels_of

    labels = labels_of(guide, screen.language)
    show_row(screen, guide)
    if guide.problem_description:
        screen.show(guide.problem_description)
    for title, lines in (
        (screen.tr("Ten a mano"), guide.prerequisites),
        (screen.tr("Cómo lo dicen los clientes"), guide.common_issues),
        (screen.tr("Sus códigos"), guide.codes),
        (screen.tr("No es esto si dicen"), guide.not_this),
        (screen.tr("Variantes"), [f"{name}: {label}" for name, label in labels.items()]),
    ):
        _show_block(screen, title, lines)
    for question in guide.questions:
        _show_question(screen, question)
    for step in guide.steps:
        if guide.kind in _KINDS:
            title = screen.tr("Respuesta") if guide.kind == "answer" else screen.tr("Qué debe tener a mano el cliente")
            _show_block(screen, title, step.instructions)
        else:
            _show_step(screen, step, len(guide.steps), labels)
    _show_block(screen, screen.tr("Cuándo pasar a una persona"), _criteria(screen, guide))


def _show_question(screen: Screen, question: GuideQuestion) -> None:
    """Print a question with what each answer says of the steps."""
    screen.show()
    heading = screen.tr("Pregunta: {text}", text=question.text)
    minutes = screen.tr("{minutes} min", minutes=_short(question.minutes))
    screen.show(f"{heading} ({minutes})", style="bold")
    for answer in question.answers:
        weights = ", ".join(f"{step_id} × {_short(weight)}" for step_id, weight in answer.weights.items())
        screen.show(bullets(screen, [" · ".join(filter(None, (answer.text, weights)))]))


def _criteria(screen: Screen, guide: Guide) -> tuple[str, ...]:
    """The criteria in the reader's language, each with the customers' words on which it acts by itself."""
    acting = {trigger.text_in(screen.language): trigger for trigger in guide.triggers}
    return tuple(_criterion(screen, text, acting.get(text.strip())) for text in guide.escalation_criteria)


def _criterion(screen: Screen, text: str, trigger: Trigger | None) -> str:
    if trigger is None:
        return text
    phrases = ", ".join(f"«{phrase}»" for phrase in trigger.phrases)
    if trigger.urgent:
        return screen.tr("{criterion} Urgente, si el cliente dice: {phrases}", criterion=text, phrases=phrases)
    return screen.tr("{criterion} Si el cliente dice: {phrases}", criterion=text, phrases=phrases)


def _show_step(screen: Screen, step: Step, total: int, labels: Mapping[str, str]) -> None:
    screen.show()
    words = screen.tr("Paso {number} de {total}", number=step.step_number, total=total)
    screen.show(f"{words}: {step.title}", style="bold")
    if facts := _facts(screen, step):
        screen.show(" · ".join(facts), style="dim")
    if step.description:
        screen.show(step.description)
    _show_texts(screen, step.warnings, step.instructions, step.expected_result, step.resources)
    _show_media(screen, step.media)
    for name, texts in step.variants.items():
        screen.show(labels.get(name) or name, style="cyan")
        for key in ("title", "description"):
            if texts.get(key):
                screen.show(str(texts[key]))
        lists = [[str(each) for each in items_in(texts.get(key))] for key in ("warnings", "instructions")]
        resources = [_plain(each) for each in items_in(texts.get("resources"))]
        _show_texts(screen, lists[0], lists[1], str(texts.get("expected_result") or ""), resources)
        _show_media(screen, [_plain(each) for each in items_in(texts.get("media"))])


def _plain(raw: object) -> dict[str, str]:
    return {name: str(value) for name, value in object_in(raw).items()}


def _facts(screen: Screen, step: Step) -> list[str]:
    """Remarks of the author on a step beside its texts, where they are not the usual."""
    told = [screen.tr("Prepara otros pasos")] if step.preparation else []
    told += [screen.tr("No se puede deshacer")] if step.irreversible else []
    if step.risk_minutes is not None:
        told.append(screen.tr("Riesgo: {minutes} min", minutes=_short(step.risk_minutes)))
    return told


def _show_texts(
    screen: Screen, warnings: Sequence[str], instructions: Sequence[str], expected: str, resources: Sequence[Mapping[str, str]]
) -> None:
    for lines, mark, style in ((warnings, "!", "yellow"), (instructions, "1", "")):
        if lines:
            screen.show(bullets(screen, lines, mark, style))
    if expected:
        screen.show(bullets(screen, [expected], "→"))
    for resource in resources:
        screen.verbatim(f"{resource.get('title', '')}: {resource.get('url', '')}", style="dim")


def _show_media(screen: Screen, media: Sequence[Mapping[str, str]]) -> None:
    for each in media:
        kind = screen.tr("Video") if each.get("type") == "video" else screen.tr("Imagen")
        told = " · ".join(filter(None, (kind, each.get("caption"), each.get("alt"))))
        screen.show(told, style="dim")
        screen.verbatim(str(each.get("url", "")), style="dim")


def _short(number: float) -> str:
    return f"{number:g}"


def _show_block(screen: Screen, title: str, lines: Sequence[str]) -> None:
    if lines:
        screen.show()
        screen.show(title, style="bold")
        screen.show(bullets(screen, lines))
