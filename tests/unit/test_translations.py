"""Every Spanish text that somebody reads has its English and Portuguese, with the same placeholders."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.core import negotiate_locale
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import guiado
from guiado import errors, i18n
from guiado.app.commands import Rate
from guiado.app.knowledge.parse import Findings
from guiado.app.validation import check
from guiado.cli.console import Screen
from guiado.errors import DeliveryFailed, GuiadoError, InvalidInput, Message, SessionEnded
from guiado.store.check_result import bad, doubtful, good

SOURCE = Path(guiado.__file__).parent
LANGUAGES = [language for language in i18n.LANGUAGES if language != i18n.DEFAULT_LANGUAGE]
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, GuiadoError)}
PLACE_OF_TEMPLATE = {
    **dict.fromkeys(ERRORS, 0),  # raise DatabaseUnavailable("…")
    "Message": 0,
    "__init__": 0,  # super().__init__("…") of an error
    "tr": 0,  # screen.tr("…") and screen.say("…") of the command line
    "say": 0,
    "text": 1,  # text(language, "…")
    "error": 1,  # findings.error(path, "…")
    "warn": 1,
}
SPANISH_BY_CONTRACT = ("agent", "delivery/templates.py")
"""The facade's own texts, and messages that an operator rewrites."""
NOT_SHOWN = {"description", "examples", "summary", "metavar"}
"""Arguments that describe the API to programmers."""


def _calls_of_interest(node: ast.Call, path: Path) -> bool:
    name = _called(node)
    if name == "__init__":
        return path == SOURCE / "errors.py"
    return name in PLACE_OF_TEMPLATE and len(node.args) > PLACE_OF_TEMPLATE[name]


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _literals(node: ast.AST) -> Iterator[str]:
    """The texts that an argument may be: a literal, either side of a condition."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _literals(one)
            yield from _literals(other)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below, without docstrings and what nobody reads."""
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        is_hidden = isinstance(child, ast.keyword) and child.arg in NOT_SHOWN
        is_piece = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
        if not (is_docstring or is_hidden or is_piece):
            yield child
            yield from _nodes(child)


def _is_sentence(text: str) -> bool:
    """Whether a text is meant for people, wherever it stands: a template may come through a name, a table or a function."""
    return " " in text and text.endswith(".") and not text.endswith("...") and (text[0].isupper() or text[0] in "«{¡¿")


def _texts(node: ast.AST, path: Path) -> Iterator[str]:
    match node:
        case ast.Call() if _calls_of_interest(node, path):
            yield from _literals(node.args[PLACE_OF_TEMPLATE[_called(node)]])
        case ast.keyword(arg="help") if "cli" in path.parts:
            yield from _literals(node.value)
        case ast.Constant(value=str(text)) if _is_sentence(text):
            if not path.relative_to(SOURCE).as_posix().startswith(SPANISH_BY_CONTRACT):
                yield text


def _templates() -> dict[str, str]:
    """Spanish template -> where it stands."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in _nodes(ast.parse(path.read_text("utf-8"))):
            found |= {text: f"{path.relative_to(SOURCE)}:{node.lineno}" for text in _texts(node, path) if text}
    for path in sorted((SOURCE / "web").rglob("*.html")):
        with path.open("rb") as page:
            for line, _, text, _ in babel_extract(page, ["_"], [], {}):
                found[str(text)] = f"{path.relative_to(SOURCE)}:{line}"
    return found


# Put together while running, so that no literal holds the whole of them: app/validation.py, limits of numbers.
COMPUTED = {f"Debe ser {limit} {{number}}." for limit in ("como máximo", "como mínimo", "menos de", "más de")}
TEMPLATES = {**_templates(), **dict.fromkeys(COMPUTED, "app/validation.py")}


def _catalogue(language: str) -> dict[str, str]:
    with (SOURCE / "locales" / language / "LC_MESSAGES" / "guiado.po").open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id}


def _placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_templates_are_found():
    assert "Debe ser {expected}: los pasos se numeran desde 1, en orden." in TEMPLATES
    assert "Arranca el servicio web, con la API, sus páginas y un proceso en segundo plano (worker)." in TEMPLATES
    assert any(text.startswith("Tu caso pasa al equipo con todo lo que probaste.") and "{email}" in text for text in TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_is_read_as_babel_reads_it(language):
    texts = [text for pair in _catalogue(language).items() for text in pair]
    assert i18n._catalogue(language) == _catalogue(language)
    assert any('"' in text for text in texts)
    assert any("\n" in text for text in texts)


@pytest.mark.parametrize(
    "header", ["es", "pt-BR", "PT_br", "en-GB-oed", "fr, pt;q=0.5, en;q=0.8", "de-DE", "*", "espanol, en", "no-NO,es-419"]
)
def test_the_best_known_language_is_taken_as_babel_takes_it(header):
    tags = [tag.split(";")[0].strip().lower().replace("_", "-") for tag in header.split(",")]
    likeliest = sorted(tags, key=lambda tag: {"pt": -0.5, "en": -0.8}.get(tag, -1.0))
    assert i18n.negotiate(header) == negotiate_locale(likeliest, i18n.LANGUAGES, sep="-")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("es-AR", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("es-419", "es"),
        ("pt-PT", "pt"),
        ("en-GB,en-US;q=0.9", "en"),
        ("fr-CA, pt-PT; q=0.4, en-GB; q=0.7", "en"),
        ("en ;q=0.2 , PT-pt ; Q=0.3", "pt"),
        ("es;q=0, en-GB;q=0.1", "en"),
        ("es;q=0", None),
        ("fr, *;q=0.5", None),
        ("*", None),
        ("fr, de;q=0.9, zh-Hant-TW", None),
        ("en;q=nan, pt;q=0.1", "pt"),
        ("en;q=inf", None),
        ("en;q=7, es;q=0.1", "es"),
        ("en;level=1;q=0.4", None),
        ("ñandú, es-ÑÑ, en", "en"),
        (",,;q=1,", None),
    ],
)
def test_regions_and_wishes_are_negotiated_to_what_there_is(header, language):
    assert i18n.negotiate(header) == language


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("es_AR.UTF-8", "es"),
        ("es-mx", "es"),
        ("pt_PT@euro", "pt"),
        ("en_GB.utf8", "en"),
        ("ca_ES.UTF-8", None),
        ("C.UTF-8", None),
    ],
)
def test_a_locale_of_the_environment_is_its_language(locale, language):
    assert i18n.locale_language(locale) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(language):
    known = _catalogue(language)
    missing = {text: where for text, where in TEMPLATES.items() if not known.get(text)}
    assert not missing, f"add to src/guiado/locales/{language}/LC_MESSAGES/guiado.po: {missing}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_stale(language):
    stale = sorted(_catalogue(language).keys() - TEMPLATES.keys())
    assert not stale, f"remove from src/guiado/locales/{language}/LC_MESSAGES/guiado.po: {stale}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same(language):
    wrong = [text for text, translated in _catalogue(language).items() if _placeholders(text) != _placeholders(translated)]
    assert not wrong


def test_an_error_is_said_in_the_readers_language():
    error = SessionEnded("resolved")
    assert i18n.translate(error, "en") != str(error)
    assert "solved" in i18n.translate(error, "en")
    assert i18n.translate(error, "es") == str(error)


@pytest.mark.parametrize("rating", [0, 9])
def test_a_limit_is_said_in_the_readers_language(rating):
    with pytest.raises(InvalidInput) as caught:
        check(Rate, {"rating": rating})
    assert "Debe" in i18n.translate(caught.value, "es")
    assert "Debe" not in i18n.translate(caught.value, "en")


RESERVED = {"style", "permanent", "retry_after_s"}
"""Arguments by name of `Screen.say` and `DeliveryFailed`: no message may call a value so."""


@pytest.mark.parametrize("name", sorted({name for template in TEMPLATES for name in _placeholders(template)}))
def test_a_value_may_be_called_as_an_argument_is(name):
    """Every name that a message has; and those that the functions themselves use."""
    assert name not in RESERVED
    screen = Screen("en")
    for each in {name, "self", "language", "template", "message", "path", "check", "params", "text", "what", "event"}:
        template, params, findings = f"x {{{each}}}", {each: "5"}, Findings()
        findings.error("$", template, **params)
        findings.warn("$", template, **params)
        said = [i18n.text("pt", template, **params), screen.tr(template, **params), str(GuiadoError(template, **params))]
        said += [i18n.translate(Message(template, params), "en"), str(DeliveryFailed(template, **params))]
        said += [str(made("x", template, **params).said) for made in (good, doubtful, bad)]
        said += [i18n.translate(problem.message, "es") for problem in (*findings.errors, *findings.warnings)]
        assert set(said) == {"x 5"}
        screen.say(template, **params)
