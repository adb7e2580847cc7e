"""`guiado kb new`: add a problem to the knowledge base, interactively or by options."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from guiado.cli.choices import fold, is_sure
from guiado.cli.console import Screen, bullets, screen_of
from guiado.cli.help import Manual
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, os_reason, printable

_LONGEST_ID = 60
_FEW_PHRASES = 5


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        "new",
        cls=Manual,
        help="Agrega un problema a la base de conocimiento en uso: pregunta lo que falte y explica cada campo.\n"
        "Si falta algún paso, escribe la entrada en la pantalla, para completarla y pegarla.",
    )(new)


def new(
    context: typer.Context,
    problem_id: Annotated[str | None, typer.Argument(metavar="ID", help="Identificador; por defecto sale del título.")] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXTO", help="El problema, como lo diría un cliente.")] = None,
    phrase: Annotated[
        list[str] | None, typer.Option("--phrase", metavar="TEXTO", help="Otra manera de decirlo; se puede repetir.")
    ] = None,
    step: Annotated[
        list[str] | None, typer.Option("--step", metavar="TEXTO", help="Qué hay que hacer, en orden; se puede repetir.")
    ] = None,
    category: Annotated[str, typer.Option("--category", metavar="TEXTO", help="Tema, por ejemplo conectividad (otro).")] = "otro",
    print_only: Annotated[bool, typer.Option("--print", help="Muestra la entrada y no cambia ningún archivo.")] = False,
) -> None:
    """Add a problem, or print its entry."""
    screen = screen_of(context)
    phrases, steps = phrase or [], step or []
    if screen.is_interactive and title is None:
        title, phrases, steps = _interview(screen, problem_id)
    name = problem_id or id_of(title or "")
    entry = entry_of(title or name.replace("_", " ").capitalize(), phrases, steps, category)
    _check(name, entry)
    if print_only or not steps:
        screen.print_json({name: entry})
        if not print_only:
            screen.complain(screen.tr("Faltan los pasos: complétala y pégala en {file}, o indícalos con --step.", file=_file()))
        return
    if is_sure(screen, screen.tr("¿Agregar «{title}» a {file}? s/n", title=entry["problem_title"], file=_file())):
        _add(_file(), name, entry)
        _tell(screen, name)


def id_of(title: str) -> str:
    """An id made of a title: lower case, without accents, joined by underscores."""
    return fold(title).replace(" ", "_")[:_LONGEST_ID].strip("_") or "mi_problema"


def entry_of(title: str, phrases: list[str], steps: list[str], category: str) -> dict[str, object]:
    """Build a complete entry; missing fields hold a description of what belongs there."""
    return {
        "problem_title": title,
        "problem_description": title,
        "category": category,
        "estimated_time": f"{5 * max(1, len(steps))} minutos",
        "difficulty": "fácil",
        "prerequisites": [],
        "steps": [_step(number, text) for number, text in enumerate(steps or ["Escribe aquí el primer paso"], 1)],
        "common_issues": phrases or [title],
        "codes": [],
        "not_this": [],
        "escalation_criteria": ["Los pasos no lo resuelven."],
    }


def _step(number: int, text: str) -> dict[str, object]:
    return {
        "step_number": number,
        "title": text,
        "description": "",
        "instructions": [text],
        "expected_result": "",
        "warnings": [],
        "resources": [],
    }


def _interview(screen: Screen, problem_id: str | None) -> tuple[str, list[str], list[str]]:
    """Ask for title, phrases and steps; an empty line ends a list."""
    screen.say("Vamos a agregar un problema. Nada cambia hasta que lo confirmes; Ctrl-C sale.", style="bold cyan")
    title = ""
    while not title:
        title = screen.ask(screen.tr("¿Cuál es el problema? Escríbelo como lo diría un cliente, en una frase:"), is_long=False)
    screen.say("Se guardará con el identificador {id}.", style="dim", id=problem_id or id_of(title))
    phrases = _ask_list(
        screen,
        screen.tr(
            "¿De qué otras maneras lo dicen tus clientes? Una por línea, mejor {count} o más; Enter termina:", count=_FEW_PHRASES
        ),
    )
    steps: list[str] = []
    while not steps:
        steps = _ask_list(screen, screen.tr("¿Qué hay que hacer? Un paso por línea, en orden; Enter termina:"))
    return title, [title, *phrases], steps


def _ask_list(screen: Screen, question: str) -> list[str]:
    lines: list[str] = []
    while line := screen.ask("" if lines else question):
        lines += [each.strip() for each in line.splitlines() if each.strip()]
    return lines


def _check(name: str, entry: dict[str, object]) -> None:
    from guiado.app.knowledge.entry_reader import Findings
    from guiado.app.knowledge.parse import read_entry

    findings = Findings()
    read_entry(name, entry, findings)
    if findings.errors:
        raise InvalidInput(findings.errors)


def _file() -> Path:
    from guiado.cli.knowledge import path_in_use

    return path_in_use()


def _add(path: Path, name: str, entry: dict[str, object]) -> None:
    """Write the entry at the end of the file; the rest of it stays as its author wrote it."""
    from guiado.app.knowledge.sources.json_file import read_file

    if name in read_file(path).guides:
        why = Message("Ya hay una guía {id}. Elige otro identificador.", {"id": printable(name)})
        raise InvalidInput([FieldProblem("ID", why)])
    text = path.read_text("utf-8-sig")
    added = json.dumps({name: entry}, ensure_ascii=False, indent=2)[1:].rstrip("}").rstrip()
    others = text.rstrip().removesuffix("}").rstrip()
    _replace(path, f"{others},{added}\n}}\n")
    read_file(path)


def _replace(path: Path, text: str) -> None:
    """Replace a file atomically: readers see either the old text or the new one."""
    try:
        target = path.resolve()
        number, temporary = tempfile.mkstemp(dir=target.parent, prefix=".kb-")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(target.stat().st_mode & 0o777)
        Path(temporary).replace(target)
    except OSError as error:
        raise GuiadoError(
            "No se puede escribir {file} ({problem}). Copia la base de conocimiento a otro sitio con guiado kb export.",
            file=printable(path),
            problem=os_reason(error),
        ) from None


def _tell(screen: Screen, name: str) -> None:
    screen.say("✓ Agregado: {id}. Un servicio en marcha lo usa en unos segundos.", style="green", id=name)
    screen.say("Qué es cada campo, para completarla en {file}:", style="bold", file=_file())
    fields = (
        ("problem_title", screen.tr("el problema en una frase; el cliente la ve")),
        ("common_issues", screen.tr("cómo lo dicen los clientes: cuantas más frases, mejor se reconoce")),
        ("codes", screen.tr("códigos de error, versiones o modelos que son solo de este problema, como 1402 o Windows 10")),
        ("not_this", screen.tr("frases parecidas que son otro problema: con ellas no se elige este")),
        ("steps", screen.tr("los pasos: title, instructions (una acción cada una) y expected_result (qué se ve al terminar)")),
        ("warnings, resources", screen.tr("de un paso: qué cuidar antes de hacerlo, y enlaces con title y url")),
        ("prerequisites", screen.tr("qué necesita el cliente a mano")),
        ("escalation_criteria", screen.tr("cuándo debe seguir una persona")),
        ("category, difficulty, estimated_time", screen.tr("tema; fácil, medio o avanzado; cuánto se tarda")),
    )  # fmt: skip
    screen.show(bullets(screen, [f"{field}: {meaning}" for field, meaning in fields]))
    screen.say("Revísala con: guiado kb lint. Pruébala con: guiado detect --explain «…»")
