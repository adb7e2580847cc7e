"""Every Spanish text that somebody reads has its English and Portuguese, with the same placeholders."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.core import negotiate_locale
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import guiado
from guiado import errors, i18n
from guiado.app.commands import Rate
from guiado.app.knowledge.entry_reader import Findings
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
        is_form = isinstance(node, ast.Call) and _called(node) == "text_for" and isinstance(child, ast.Constant)
        if not (is_docstring or is_hidden or is_piece or is_form):
            yield child
            yield from _nodes(child)


def _is_sentence(text: str) -> bool:
    """Whether a text is meant for people, wherever it stands: a template may come through a name, a table or a function."""
    return " " in text and text.endswith(".") and not text.endswith("...") and (text[0].isupper() or text[0] in "«{¡¿")


def _texts(node: ast.AST, path: Path) -> Iterator[str]:
    match node:
        case ast.Call(args=[_, ast.Constant(value=str(one)), ast.Constant(value=str(many)), *_]) if _called(node) == "text_for":
            yield f"{one}\n{many}"
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
            for line, name, text, _ in babel_extract(page, ["_", "_n", "_p"], [], {}):
                found[_key(name, text)] = f"{path.relative_to(SOURCE)}:{line}"
    return found


def _key(function: str, said: str | tuple[str | None, ...]) -> str:
    """The key of a text of a page, as `_keys` has it: of a plural, its two forms; of one in a context, the context before it."""
    if isinstance(said, str):
        return said
    parts = [part for part in said if part is not None]
    return "\x04".join(parts[:2]) if function == "_p" else "\n".join(parts[:2])


# Put together while running, so that no literal holds the whole of them: app/validation.py, limits of numbers.
COMPUTED = {f"Debe ser {limit} {{number}}." for limit in ("como máximo", "como mínimo", "menos de", "más de")}
TEMPLATES = {**_templates(), **dict.fromkeys(COMPUTED, "app/validation.py")}


def _catalogue(language: str) -> dict[str, str]:
    with (SOURCE / "locales" / language / "LC_MESSAGES" / "guiado.po").open("rb") as file:
        return {_id(entry): _text(entry.string) for entry in read_po(file) if entry.id}


def _id(entry: Any) -> str:
    return f"{entry.context}\x04{entry.id}" if entry.context else _text(entry.id)


def _text(said: str | tuple[str, ...] | list[str]) -> str:
    return said if isinstance(said, str) else "\n".join(said)


def _placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_templates_are_found():
    assert "Debe ser {expected}: los pasos se numeran desde 1, en orden." in TEMPLATES
    assert "Arranca el servicio web, con la API, sus páginas y un proceso en segundo plano (worker)." in TEMPLATES
    assert any(text.startswith("Tu caso pasa al equipo con todo lo que probaste.") and "{email}" in text for text in TEMPLATES)


def test_a_number_of_things_is_said_as_each_language_says_it():
    one, many = "Queda cerca de {n} minuto", "Quedan cerca de {n} minutos"
    said = {(language, n): i18n.text_for(language, one, many, n) for language in i18n.LANGUAGES for n in (0, 1, 2)}
    assert (said["es", 1], said["es", 2], said["es", 0]) == (one.format(n=1), many.format(n=2), many.format(n=0))
    assert "1 minute" in said["en", 1]
    assert "minutes" not in said["en", 1]
    assert "0 minutes" in said["en", 0]
    assert "2 minutes" in said["en", 2]
    assert "minutos" not in said["pt", 0], "in Portuguese none is said as one is"
    assert "2 minutos" in said["pt", 2]


def test_the_same_words_elsewhere_may_be_said_otherwise():
    assert [i18n.text_in(language, "answer", "Sí") for language in i18n.LANGUAGES] == ["Sí", "Yes", "Sim"]
    assert i18n.text_in("en", "nowhere", "Sí") == "Sí"


@pytest.fixture
def variety():
    yield i18n.speak
    i18n.speak("es")


def test_a_variety_of_spanish_says_what_it_says_otherwise(variety):
    tu = "Cuéntanos un poco más"
    assert i18n.text("es", tu) == tu
    variety("es-AR")
    assert i18n.text("es", tu) == "Contanos un poco más"
    assert i18n.text("es", "Español") == "Español"
    assert (i18n.text("en", "Paso {number} de {total}", number=1, total=2), i18n.locale_of("es")) == ("Step 1 of 2", "es_AR")
    variety("es")
    assert (i18n.text("es", tu), i18n.locale_of("es")) == (tu, "es_419")


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


VARIETIES = ["es_AR", "es_ES"]
TUTEO = re.compile(
    r"\b(tú|puedes|quieres|tienes|sigues|haces|dices|eres|necesitas|escribe|elige|cuéntanos|cuenta|cuéntalo|dinos|dínoslo|dilo|"
    r"pulsa|espera|revisa|guarda|deja|déjanos|llama|apunta|ábrela|empieza|compártelo|ayúdanos|inténtalo|copia|di|ti)\b",
    re.IGNORECASE,
)
"""Words that voseo says otherwise; not a whole grammar, but the verbs that the pages use."""


def _said_to_customers() -> list[str]:
    pages = [text for text, where in TEMPLATES.items() if where.startswith(("web/pages/wizard", "web/pages/parts", "web/wizard"))]
    return pages + [text for text, where in TEMPLATES.items() if where.startswith("app/sessions/customer_messages.py")]


def test_voseo_is_whole():
    known = _catalogue("es_AR")
    missing = [text for text in _said_to_customers() if TUTEO.search(text) and not known.get(text)]
    assert not missing, f"add to src/guiado/locales/es_AR/LC_MESSAGES/guiado.po: {missing}"
    tuteo = re.compile(
        r"\b(tú|puedes|quieres|tienes|sigues|haces|dices|eres|necesitas|cuéntanos|dinos|elige|escribe|pulsa|ti)\b", re.IGNORECASE
    )
    assert not [text for text in known.values() if tuteo.search(text)]


@pytest.mark.parametrize("language", [*LANGUAGES, *VARIETIES])
def test_nothing_is_stale(language):
    stale = sorted(_catalogue(language).keys() - TEMPLATES.keys())
    assert not stale, f"remove from src/guiado/locales/{language}/LC_MESSAGES/guiado.po: {stale}"


@pytest.mark.parametrize("language", [*LANGUAGES, *VARIETIES])
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
