"""The root command, and the language, log, errors and exit codes of all commands."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from guiado.cli import (
    audit,
    chat,
    customers,
    database,
    demo,
    detect,
    doctor,
    events,
    forget_output,
    guidance,
    keys,
    knowledge,
    learning,
    notifications,
    recipients,
    secrets,
    server,
    sessions,
    tenants,
    webhooks,
)
from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import HELP, Manual, ManualGroup, explain_usage
from guiado.errors import GuiadoError, InvalidInput, printable

_LANGUAGES = ("es", "en", "pt")
_INTERRUPTED = 130
_MISUSED = 2

app = typer.Typer(
    name="guiado",
    cls=ManualGroup,
    help="Ayuda a resolver problemas paso a paso: servicio web, asistente en la terminal y base de datos incluida.",
    add_completion=True,
    context_settings={"help_option_names": [*HELP]},
    pretty_exceptions_enable=False,
    invoke_without_command=True,
)
server.add_to(app)
chat.add_to(app)
doctor.add_to(app)
app.add_typer(sessions.app, name="sessions")
app.add_typer(knowledge.app, name="kb")
app.add_typer(learning.app, name="learn")
app.add_typer(detect.app, name="detect")
app.add_typer(guidance.app, name="guidance")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(events.app, name="events")
app.add_typer(notifications.app, name="notifications")
app.add_typer(recipients.app, name="recipients")
app.add_typer(keys.app, name="keys")
app.add_typer(customers.app, name="customers")
app.add_typer(tenants.app, name="tenants")
app.add_typer(audit.app, name="audit")
app.add_typer(database.app, name="db")
app.add_typer(demo.app, name="demo")
app.add_typer(secrets.app, name="secrets")


@app.callback()
def start(
    context: typer.Context,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="es|en|pt", help="Idioma de los mensajes; también con GUIADO_LANG.")
    ] = None,
) -> None:
    """Show the manual when no command is named. `run` has taken the language out of the words before."""
    del lang
    if context.invoked_subcommand is None:
        context.get_help()


@app.command(cls=Manual, help="Muestra la versión.")
def version(context: typer.Context, as_json: Json = False) -> None:
    """Print the version alone."""
    from guiado import __version__

    if as_json:
        screen_of(context).print_json({"version": __version__})
    else:
        screen_of(context).verbatim(__version__)


def run(words: list[str]) -> int:
    """Run one command.

    Args:
        words: of the command line, without the program's name.

    Returns:
        The exit code.
    """
    rest, wished = _take_language(words)
    language = _language_of(wished or "")
    screen = Screen(language)
    if wished is not None and language is None:
        screen.complain(screen.tr("--lang: {given} no es un idioma de guiado. Elige es, en o pt.", given=printable(wished)))
        return _MISUSED
    _quieten()
    if rest[:1] == ["--install-completion"]:
        return _install_completion(screen, rest[1:])
    return _run(rest, screen)


def _install_completion(screen: Screen, shells: list[str]) -> int:
    """Have Typer install its completion, and say so in the screen's language."""
    from typer._completion_shared import Shells, _get_shell_name, install  # pyright: ignore[reportPrivateUsage]

    shell = (shells or [_get_shell_name() or ""])[0]
    if shell not in {*Shells}:
        known = ", ".join(Shells)
        screen.complain(screen.tr("No sé qué terminal usas. Escribe cuál después de la opción: {known}.", known=known))
        return _MISUSED
    _, path = install(shell, "guiado", "_GUIADO_COMPLETE")
    screen.say("✓ Autocompletado instalado: {file}. Abre una terminal nueva para usarlo.", style="green", file=path)
    return 0


def _run(words: list[str], screen: Screen) -> int:
    try:
        code: object = app(words, standalone_mode=False, obj=screen, prog_name="guiado")
        sys.stdout.flush()
    except (GuiadoError, typer.TyperException) as error:
        return _explain(screen, error)
    except typer.Abort:  # end of the input, which the command did not handle
        return 1
    except BrokenPipeError:  # the reader has closed the pipe
        forget_output()
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        if os.environ.get("GUIADO_LOG_LEVEL", "").lower() == "debug":
            raise
        if isinstance(error, OSError) and error.filename is None:  # output on a full disk: the flush at exit would fail again
            forget_output()
        screen.complain(_explain_fault(screen, error))
        return 1
    return code if isinstance(code, int) else 0


def _explain(screen: Screen, error: GuiadoError | typer.TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # the manual has been shown
        return 0
    if isinstance(error, typer.TyperException):
        screen.complain(explain_usage(screen, error))
        return error.exit_code
    screen.complain(screen.explain(error))
    return _MISUSED if isinstance(error, InvalidInput) else 1


def _explain_fault(screen: Screen, error: Exception) -> str:
    """Print an unexpected error without a stack trace."""
    from guiado.errors import os_reason

    if isinstance(error, OSError) and error.errno:
        reason, path = os_reason(error), error.filename or "?"
        return screen.tr("No puedo usar {path}: {reason}.\nCorrígelo y vuelve a intentarlo.", path=path, reason=reason)
    return screen.tr(
        "Error interno: {problem}.\nRepite el comando con GUIADO_LOG_LEVEL=debug para ver el detalle, y avisa de este fallo.",
        problem=" ".join(f"{type(error).__name__}: {error}".split())[:300],
    )


def _take_language(words: list[str]) -> tuple[list[str], str | None]:
    """Remove `--lang` from the arguments, wherever it is, and return its language."""
    ours = words[: words.index("--")] if "--" in words else words
    for i, word in enumerate(ours):
        if word == "--lang" and i + 1 < len(ours):
            return words[:i] + words[i + 2 :], words[i + 1]
        if word.startswith("--lang="):
            return words[:i] + words[i + 1 :], word.partition("=")[2]
    return words, _language_of(os.environ.get("GUIADO_LANG", ""))


def _language_of(locale: str) -> str | None:
    """The language of a locale such as es-MX or pt_BR.UTF-8, if guiado speaks it."""
    if locale.lower() in _LANGUAGES:
        return locale.lower()
    from guiado.i18n import locale_language

    return locale_language(locale)


def _quieten() -> None:
    # `serve` and `worker` turn their log on themselves; on any other screen it would be in the way. Python itself writes
    # warnings to standard error where nobody handles them.
    import logging

    logging.getLogger("guiado").setLevel(logging.WARNING)
    if not any(isinstance(each, logging.NullHandler) for each in logging.getLogger().handlers):
        logging.getLogger().addHandler(logging.NullHandler())
