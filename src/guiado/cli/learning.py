"""`guiado learn`: review, withdraw and export what detection learns from sessions."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, bullets, read_time, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import OPERATOR, operator
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, os_reason, printable

if TYPE_CHECKING:
    from guiado.app.analytics.models import MessageKinds
    from guiado.app.sessions.views import View
    from guiado.store.learning import ExampleCount, StoredExample

app = typer.Typer(cls=ManualGroup, help="Aprendizaje de la detección: ver, revisar y deshacer.", no_args_is_help=True)
_WIDE = 100


@app.command(cls=Manual, help="Muestra cuántos ejemplos hay, cuáles esperan revisión y cuándo se ajustó la detección.")
def status(context: typer.Context, as_json: Json = False) -> None:
    """Show the figures of learned examples and of the last fit."""
    from guiado.app.learning import examples
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    figures = running.door(*OPERATOR).read(examples.status)
    found: View = {"detector": running.runtime.knowledge.snapshot.index.version, **figures}
    if as_json:
        screen.print_json(found)
        return
    _show_counts(screen, found["examples"])
    screen.say("Detector: {version}", style="dim", version=found["detector"])
    if found["last_refit"]:
        screen.say("Último ajuste: {when}", style="dim", when=shown_time(found["last_refit"]))
    if found["last_problem"]:
        screen.say("El último ajuste falló: {problem}", style="yellow", problem=found["last_problem"])
    if any(row.status == "pending" for row in found["examples"]):
        screen.say("Hay ejemplos por revisar. Míralos con: guiado learn review", style="yellow")


@app.command(
    cls=Manual,
    help="Muestra los ejemplos que esperan revisión, o los acepta o rechaza.\n"
    "Esperan revisión los que contradicen lo que ya se sabe, los de un cliente que ya dio muchos ejemplos\n"
    "y los de quien no dio su correo.",
)
def review(
    context: typer.Context,
    accept: Annotated[list[str] | None, typer.Option("--accept", metavar="EJEMPLO", help="Acéptalo; se puede repetir.")] = None,
    reject: Annotated[list[str] | None, typer.Option("--reject", metavar="EJEMPLO", help="Recházalo; se puede repetir.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Cuántos, como máximo (20).")] = 20,
    as_json: Json = False,
) -> None:
    """Show, accept or reject the examples that await review."""
    from guiado.app.learning import examples

    screen, door = screen_of(context), operator()
    if accept or reject:
        count = door.write(examples.review_all, accept or [], reject or [])
        _tell_count(screen, screen.tr("✓ Ejemplos revisados: {count}.", count=count), count, as_json=as_json)
        return
    found = door.read(examples.waiting, limit)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("No hay ningún ejemplo por revisar.")
    else:
        for example in found:
            _show_example(screen, example)


@app.command(
    cls=Manual,
    help="Pide al modelo de lenguaje ejemplos de cómo cuentan los clientes un problema.\n"
    "La detección no los usa hasta que los aceptes con guiado learn review.",
)
def draft(
    context: typer.Context,
    problem_id: Annotated[str, typer.Argument(metavar="GUÍA", help="Identificador de la guía.")],
    as_json: Json = False,
) -> None:
    """Let the language model draft examples for review."""
    from guiado.app.learning.example_drafts import draft_examples
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    snapshot = running.portal.call(running.runtime.knowledge_of, None).snapshot
    parts, caller = running.runtime.parts, running.door(*OPERATOR).scope
    found = running.portal.call(lambda: draft_examples(parts, snapshot, problem_id, caller=caller))
    if as_json:
        screen.print_json(found)
    elif found:
        screen.show(bullets(screen, found))
        screen.say("Hay ejemplos por revisar. Míralos con: guiado learn review", style="yellow")
    else:
        screen.say("El modelo no propuso ningún ejemplo nuevo que sirva.")


@app.command(cls=Manual, help="Pide que la detección se ajuste de nuevo con todos los ejemplos.")
def refit(context: typer.Context, as_json: Json = False) -> None:
    """Request a refit of detection."""
    from guiado.app.learning.examples import request_refit

    operator().write(request_refit)
    if as_json:
        screen_of(context).print_json({"requested": True})
        return
    screen_of(context).say(
        "✓ Pedido. Lo hace el servicio en segundo plano; el resultado se ve con guiado learn status.", style="green"
    )


@app.command(
    cls=Manual,
    help="Muestra los ejemplos en uso, uno por línea en JSON, o como common_issues para la base de conocimiento.",
)
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="ARCHIVO", help="Dónde; por defecto, en la pantalla.")] = None,
    common_issues: Annotated[
        bool, typer.Option("--common-issues", help="Con el formato de la base de conocimiento, para pegarlos en ella.")
    ] = False,
) -> None:
    """Write the examples that count."""
    from guiado.app.learning import examples

    found = operator().read(examples.accepted)
    if common_issues:
        lines = [json.dumps(examples.as_common_issues(found), ensure_ascii=False, indent=2)]
    else:
        lines = [json.dumps(example, ensure_ascii=False) for example in found]
    screen = screen_of(context)
    if file is None:
        for line in lines:
            screen.verbatim(line)
        return
    try:
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        why = os_reason(error)
        raise GuiadoError(
            "No se puede escribir {file} ({problem}). Elige otra ruta.", file=printable(file), problem=why
        ) from None
    screen.say("✓ Ejemplos escritos en {file}: {count}.", style="green", file=printable(file), count=len(found))


@app.command(
    cls=Manual,
    help="Retira ejemplos: la detección deja de usarlos al momento. Con varias condiciones, los que cumplen todas.\n"
    "Queda anotado en el registro; lo que dijo el cliente no se borra.",
)
def undo(
    context: typer.Context,
    example_id: Annotated[str | None, typer.Argument(metavar="EJEMPLO", help="Identificador de un ejemplo.")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="SESIÓN", help="Los de esta sesión.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="CORREO", help="Los de este cliente.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="FECHA", help=("Los que se dieron desde esa fecha, por ejemplo 2026-11-22T10:00.")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Withdraw examples."""
    from guiado.app.learning import examples

    if not (example_id or session or customer or since):
        raise InvalidInput([FieldProblem("EJEMPLO", Message("Indica cuáles: un ejemplo, --session, --customer o --since."))])
    door, begin = operator(), read_time("--since", since)
    count = door.write(examples.undo, examples.choice_of(example_id, session, customer, begin, door.scope.tenant))
    screen = screen_of(context)
    if count or as_json:
        _tell_count(screen, screen.tr("✓ Ejemplos retirados: {count}.", count=count), count, as_json=as_json)
    else:
        screen.say("No había nada que retirar.")


def _tell_count(screen: Screen, said: str, count: int, *, as_json: bool) -> None:
    if as_json:
        screen.print_json({"examples": count})
    else:
        screen.show(said, style="green")


@app.command(cls=Manual, help="Agrupa las preguntas de los clientes que la base de conocimiento todavía no cubre.")
def gaps(
    context: typer.Context,
    days: Annotated[int, typer.Option(metavar="DÍAS", min=1, max=3_650, help="De los últimos días (30).")] = 30,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Cuántos grupos, como máximo (10).")] = 10,
    as_json: Json = False,
) -> None:
    """Show candidates for new problems."""
    from guiado.app.analytics import report
    from guiado.app.learning import examples
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    texts = running.door(*OPERATOR).read(examples.unrecognised, days)
    encoder = running.runtime.knowledge.senses.encoder
    found = examples.gaps(texts, encoder.encode if encoder else None)[:limit] if texts else []
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Entre las descripciones no reconocidas no hay ninguna que se repita.")
    else:
        for each in found:
            _show_gap(screen, each)
    if not as_json:
        _show_kinds(screen, running.door(*OPERATOR).read(report.analytics, days).message_kinds)


@app.command(cls=Manual, help="Dice cuál era el problema real de una sesión. La detección aprende de ello al momento.")
def correct(
    context: typer.Context,
    session_id: Annotated[str, typer.Argument(metavar="SESIÓN", help="Identificador de la sesión.")],
    problem_id: Annotated[
        str, typer.Argument(metavar="GUÍA", help="Identificador de la guía correcta, u otro si no es ninguna.")
    ],
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXTO", help="Se agrega a las notas de la sesión.")] = None,
    as_json: Json = False,
) -> None:
    """Correct the problem of a session."""
    from guiado.app import commands
    from guiado.app.learning import examples
    from guiado.app.validation import check

    command = check(commands.Correct, {"problem_id": problem_id, "notes": notes})
    session, _ = operator().write(examples.correct, session_id, command)
    screen = screen_of(context)
    found = {
        "session_id": session.session_id,
        "status": session.status.value,
        "problem_id": session.true_problem_id,
        "detected_problem_id": session.problem_id,
    }
    if as_json:
        screen.print_json(found)
    else:
        screen.say("✓ Anotado: {problem}.", style="green", problem=found["problem_id"])


def _show_kinds(screen: Screen, kinds: MessageKinds) -> None:
    """Print how many messages reported no problem, and so are no gaps."""
    if not any((kinds.solved, kinds.person, kinds.nothing_said, kinds.other)):
        return
    screen.show()
    screen.say(
        "Mensajes que no cuentan un problema: {solved} ya resueltos, {person} piden una persona, {silent} no dicen qué pasa, "
        "{other} otra cosa.",
        style="dim",
        solved=kinds.solved,
        person=kinds.person,
        silent=kinds.nothing_said,
        other=kinds.other,
    )


def _show_counts(screen: Screen, rows: list[ExampleCount]) -> None:
    if not rows:
        screen.say("Todavía no se ha aprendido nada.")
        return
    problems = sorted({row.problem_id or "" for row in rows})
    for problem_id in problems:
        mine = [row for row in rows if (row.problem_id or "") == problem_id]
        counted: Counter[str] = Counter()
        for row in mine:
            kind = "negative" if row.label == "negative" and row.status == "accepted" else row.status
            counted[kind] += row.examples
        screen.show(problem_id, style="bold cyan")
        screen.show("  " + " · ".join(f"{words}: {counted[kind]}" for kind, words in _kinds(screen).items() if counted[kind]))


def _kinds(screen: Screen) -> dict[str, str]:
    return {
        "accepted": screen.tr("aceptados"),
        "negative": screen.tr("no son de ese problema"),
        "vote": screen.tr("votos de clientes"),
        "pending": screen.tr("por revisar"),
        "rejected": screen.tr("retirados"),
    }


def _show_example(screen: Screen, example: StoredExample) -> None:
    doubts = {
        "contradicts": screen.tr("contradice lo que ya se sabe"),
        "many-of-problem": screen.tr("este cliente ya dio muchos ejemplos de este problema"),
        "many-of-day": screen.tr("este cliente dio muchos ejemplos en un día"),
        "no-customer": screen.tr("quien lo dijo no dio su correo"),
        "drafted": screen.tr("lo escribió el modelo de lenguaje"),
    }
    meaning = screen.tr("no es: {problem}", problem=example.problem_id)
    meaning = meaning if example.label == "negative" else screen.tr("es: {problem}", problem=example.problem_id)
    why = doubts.get(example.doubt or "", screen.tr("contradice a un agente"))
    screen.verbatim(example.id, style="bold")
    screen.show(f"  «{example.text}»")
    screen.show(f"  {meaning} · {shown_time(example.created_at)} · {why}", style="dim")


def _show_gap(screen: Screen, gap: View) -> None:
    screen.show(f"{gap['size']} × «{gap['typical']}»", style="bold")
    if gap["examples"]:
        screen.show(bullets(screen, gap["examples"]))
    first, last = shown_time(gap["first_seen"]), shown_time(gap["last_seen"])
    screen.say("De {first} a {last}", style="dim", first=first, last=last)
    screen.show()
