"""Writes the source of the documentation site: a copy of docs/ and the reference pages that are read from the code.

Usage: python scripts/reference.py FOLDER   (made anew; scripts/docs.sh renders it)
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import typer

from guiado.api.openapi.document import document_of
from guiado.cli.help import TEXT
from guiado.cli.root import app as cli
from guiado.server import BASE_PATH, create_routes
from guiado.settings import Settings
from guiado.web.reference import operations

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ("", "_feedback", "_webhooks", "_advanced", "_performance", "_access")
FACADE = ("troubleshooting", "webhooks", "templates", "notifications")
PACKAGES = (
    "agent", "api", "http", "app", "scheduler", "wiring", "store", "detection", "guidance", "text", "delivery", "domain",
    "errors",
)  # fmt: skip
GENERATED = "*Esta página se genera del código con `make docs`.*"


# ------------------------------------------------------------------------------------------------------------- settings


def settings_page() -> str:
    """Every setting with its default, and its meaning as `.env.example` tells it."""
    meanings = dict(documented_settings())
    rows = []
    for field in Settings.model_fields.values():
        name = str(field.validation_alias)
        if name not in meanings:
            raise SystemExit(f".env.example no explica {name}. Agrégalo allí.")
        rows.append(setting_row(name, meanings.pop(name), field.default))
    rows += [setting_row(name, meaning, None) for name, meaning in meanings.items()]
    about = "Por variables de entorno, o en un archivo `.env` de la carpeta de trabajo. Ninguno es obligatorio."
    return page("Ajustes", about, table("Variable", "Qué es", "Por defecto", rows=rows))


def setting_row(name: str, meaning: str, default: object) -> str:
    """One setting; where the code has no default of its own, the meaning may name it behind "Por defecto"."""
    about, _, told = meaning.partition(" Por defecto")
    if default is None or default == "":
        words = told.lstrip(":, ").rstrip(".")
        return row(f"`{name}`", about, words[:1].upper() + words[1:] if words else "ninguno")
    shown = str(default).lower() if isinstance(default, bool) else default
    return row(f"`{name}`", about if told.startswith(":") else meaning, f"`{shown}`")


def documented_settings() -> Iterator[tuple[str, str]]:
    """Names and meanings in `.env.example`; settings in one block share its comment."""
    text = (ROOT / ".env.example").read_text("utf-8")
    for block in text.split("\n\n"):
        lines = block.splitlines()
        meaning = " ".join(line.removeprefix("# ") for line in lines if line.startswith("# ") and not line.startswith("# ---"))
        for name in re.findall(r"^#([A-Z][A-Z_]+)=", block, re.MULTILINE):
            yield name, meaning


# ----------------------------------------------------------------------------------------------------------------- REST


def rest_page() -> str:
    """Every operation of the OpenAPI document, by its path below the service's base."""
    runtime = SimpleNamespace(settings=Settings(_env_file=None), parts=SimpleNamespace(db=None))  # pyright: ignore[reportCallIssue]
    document = document_of(create_routes(cast("Any", runtime)))
    schemas = document["components"]["schemas"]
    parts = [operation_text(each, document) for each in operations(document)]
    parts.append("## Estructuras\n\nLo que llevan los cuerpos y las respuestas. Los campos con \\* van siempre.")
    parts += [schema_text(name, schemas[name]) for name in sorted(schemas)]
    about = (
        f"Lo que dice el documento OpenAPI 3.1 del servicio (`/schema/openapi.json`). Las rutas cuelgan de `{BASE_PATH}`, salvo "
        "las que empiezan por otra dirección. "
        "Con ejemplos y explicado: [API REST](../API_TROUBLESHOOTING.md)."
    )
    return page("Rutas y campos", about, "\n\n".join(parts))


def operation_text(operation: dict[str, Any], document: dict[str, Any]) -> str:
    """One operation: what it does, what it takes, what it answers."""
    described = document["paths"][operation["path"]][operation["method"].lower()]
    lines = [f"## {operation['method']} {operation['path'].removeprefix(BASE_PATH) or '/'}", described["description"]]
    if described["parameters"]:
        parameters = described["parameters"]
        rows = [row(f"`{each['name']}`", each["in"], kind_of(each["schema"]), each["description"]) for each in parameters]
        lines.append(table("Parámetro", "Dónde", "Tipo", "Qué es", rows=rows))
    taken = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if taken:
        lines.append(f"Cuerpo: {kind_of(taken)}")
    shared = document["components"]["responses"]
    answers = {code: shared[answer.get("$ref", "").rsplit("/", 1)[1]] if "$ref" in answer else answer
               for code, answer in described["responses"].items()}  # fmt: skip
    lines.append("Respuestas: " + " · ".join(answer_text(*each) for each in answers.items()))
    return "\n\n".join(lines)


def answer_text(code: str, answer: dict[str, Any]) -> str:
    """A status with what comes in its body."""
    body = next(iter(answer.get("content", {}).values()), {}).get("schema")
    return f"`{code}` {kind_of(body)}" if code.startswith("2") and body else f"`{code}` {answer['description']}"


def schema_text(name: str, schema: dict[str, Any]) -> str:
    """One structure with its fields."""
    lines = [f"### {name} {{ #{name.lower()} }}"]
    if "enum" in schema:
        return "\n\n".join([*lines, "Uno de: " + ", ".join(f"`{value}`" for value in schema["enum"])])
    required = set(schema.get("required", ()))
    rows = [
        row(f"`{field}`" + (" \\*" if field in required else ""), kind_of(spec), spec.get("description", ""))
        for field, spec in schema.get("properties", {}).items()
    ]
    return "\n\n".join([*lines, table("Campo", "Tipo", "Qué es", rows=rows) if rows else "Cualquier objeto."])


def kind_of(spec: dict[str, Any]) -> str:
    """A type in words, linked where it is a structure of ours."""
    if "$ref" in spec:
        name = spec["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    options = [*spec.get("oneOf", ()), *spec.get("anyOf", ())]
    if options:
        return " o ".join(dict.fromkeys(kind_of(option) for option in options))
    if parts := spec.get("prefixItems"):
        return f"lista de {len(parts)}: {', '.join(map(kind_of, parts))}"
    if spec.get("type") == "array":
        return f"lista de {kind_of(spec.get('items', {}))}"
    named = spec.get("type", "cualquiera")
    return " o ".join(named) if isinstance(named, list) else str(spec.get("format", named))


# -------------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True)
class Command:
    """One command of the command line.

    Args:
        path: its words, `guiado` first.
        group: whether it only gathers others.
    """

    path: str
    group: bool
    found: Any


def commands() -> Iterator[Command]:
    """All commands, groups before their members."""
    yield from _under("guiado", typer.main.get_command(cli))


def _under(path: str, found: Any) -> Iterator[Command]:  # noqa: ANN401 typer's own class, without types
    members = getattr(found, "commands", {})
    yield Command(path, bool(members), found)
    for name, each in members.items():
        if name == TEXT:  # the group itself takes a text
            yield Command(path, group=False, found=each)
        elif not each.hidden:
            yield from _under(f"{path} {name}", each)


def cli_page() -> str:
    """Every command with its arguments and options."""
    parts = [command_text(each) for each in commands() if not each.group]
    about = "Todas admiten `--help`, y `--lang es|en|pt` para elegir el idioma. Desde el proyecto: `.venv/bin/guiado …`."
    return page("Comandos", about, "\n\n".join(parts))


def command_text(command: Command) -> str:
    """One command."""
    context = typer.Context(command.found, info_name=command.path)
    usage = " ".join(piece for piece in command.found.collect_usage_pieces(context)).replace("[OPTIONS]", "[OPCIONES]")
    lines = [f"## {command.path}", (command.found.help or "").replace("\n", "\n\n"), f"```text\n{command.path} {usage}\n```"]
    rows = [row(f"`{parameter_name(each)}`", each.help) for each in command.found.params if "--help" not in each.opts]
    return "\n\n".join([*lines, table("Argumento u opción", "Qué es", rows=rows)] if rows else lines)


def parameter_name(found: Any) -> str:  # noqa: ANN401 typer's own class, without types
    """What somebody types: an option as it is, an argument by its name in capitals."""
    return ", ".join(found.opts) if found.param_type_name == "option" else found.metavar or found.name.upper()


# ------------------------------------------------------------------------------------------------------------------- SQL


CREATED = re.compile(
    r"^CREATE (?:OR REPLACE )?(?P<kind>(?:UNLOGGED )?TABLE|MATERIALIZED VIEW|VIEW|FUNCTION)"
    r" (?:IF NOT EXISTS )?(?P<name>\w+)(?P<rest>.*?;)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
KINDS = {"TABLE": "Tablas", "VIEW": "Vistas", "MATERIALIZED VIEW": "Vistas materializadas", "FUNCTION": "Funciones"}


def sql_page() -> str:
    """Every table, view and function of the schemas, with the comment that stands before it."""
    parts: dict[str, list[str]] = {title: [] for title in KINDS.values()}
    for suffix in SCHEMAS:
        name = f"support{suffix}" if suffix in {"_webhooks", "_access"} else f"support_troubleshooting{suffix}"
        text = (ROOT / "data" / "db" / f"{name}_schema.sql").read_text("utf-8")
        for found in CREATED.finditer(text):
            title = KINDS[found["kind"].removeprefix("UNLOGGED ")]
            parts[title].append(object_text(found, text))
    about = (
        "Lo que crean los archivos de `data/db/`, con sus propios comentarios. "
        "Para qué sirve cada tabla: [Sistema completo](../TROUBLESHOOTING_COMPLETE_SYSTEM.md#tablas)."
    )
    return page("Objetos SQL", about, "\n\n".join(f"## {title}\n\n" + "\n\n".join(texts) for title, texts in parts.items()))


def object_text(found: re.Match[str], text: str) -> str:
    """One object: its comment and its definition; of a function only how it is called."""
    definition = found[0].strip()
    if found["kind"] == "FUNCTION":
        definition = re.split(r"\s+(?:LANGUAGE|AS)\b", definition, maxsplit=1)[0]
    return f"### {found['name']}\n\n{comment_before(text[: found.start()])}\n\n```sql\n{definition}\n```"


def comment_before(text: str) -> str:
    """The comment that ends right here."""
    lines: list[str] = []
    for line in reversed(text.splitlines()):
        if not line.startswith("--"):
            break
        words = line.removeprefix("--").strip()
        if words.strip("-="):
            lines.append(words)
    return " ".join(reversed(lines)).replace("_", "\\_").replace("<", "&lt;").replace("*", "\\*")


# ---------------------------------------------------------------------------------------------------------------- Python


def facade_page() -> str:
    """The classes that Python programs import."""
    modules = [f"## {name} {{ #{name} }}\n\n::: guiado.agent.{name}\n    options:\n      heading_level: 3" for name in FACADE]
    about = (
        "Las clases que importan los programas, por ejemplo `from data.integrations.support_troubleshooting_agent import "
        "TroubleshootingAgent`. Los textos vienen del código, en inglés."
    )
    return page("Fachada de Python", about, "\n\n".join(modules))


def package_page(name: str) -> str:
    """One package of the program, module by module."""
    options = "    options:\n      show_submodules: true\n      heading_level: 2\n      show_root_heading: true"
    return page(f"guiado.{name}", "See [Architecture](../architecture.md) for its place.", f"::: guiado.{name}\n{options}")


# ----------------------------------------------------------------------------------------------------------------- pages


def page(title: str, about: str, text: str) -> str:
    """A whole page."""
    return f"# {title}\n\n{about} {GENERATED}\n\n{text}\n"


def row(*cells: str | None) -> str:
    """A row of a table."""
    return "| " + " | ".join((cell or "").replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(*titles: str, rows: list[str]) -> str:
    """A table."""
    return "\n".join([row(*titles), "|" + "---|" * len(titles), *rows])


def pages() -> dict[str, str]:
    """All generated pages by file name."""
    found = {"settings.md": settings_page(), "rest.md": rest_page(), "cli.md": cli_page(), "sql.md": sql_page()}
    return {**found, "python.md": facade_page(), **{f"guiado.{name}.md": package_page(name) for name in PACKAGES}}


def write(folder: Path) -> None:
    """Make the folder anew: `docs/` with everything, and the configuration beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    (folder / "docs" / "reference").mkdir()
    for name, text in pages().items():
        (folder / "docs" / "reference" / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
