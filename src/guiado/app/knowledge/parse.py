"""Knowledge-base entries: from the author's JSON to a guide, with every fault named by its JSON path.

Source: contract.md §2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from urllib.parse import urlsplit

from guiado.app.knowledge.exact_words import read_codes, read_not_this
from guiado.domain.criteria import read_criteria, triggers_of
from guiado.domain.guide import Guide, Step, category_of
from guiado.errors import FieldProblem, Message
from guiado.text.json_shapes import is_list, is_mapping

_MAX_TEXT, _MAX_ID = 4_000, 128
_MAX_NUMBER, _MAX_ITEMS = 1e6, 10_000
_MOST_FINDINGS = 1_000
"""Most errors, and most warnings, that are kept: a file that is wrong all over must not fill the memory."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no reader sees, and a terminal may obey; line breaks and tabs are fine."""
_DIFFICULTIES = ("fácil", "medio", "avanzado")
_STEP_TYPES, _RISKS = ("fix", "check", "diagnostic"), ("low", "medium", "high")
_OF_ENTRY = frozenset(each.name for each in fields(Guide) if each.init) - {"problem_id", "triggers"}
_OF_STEP = frozenset(each.name for each in fields(Step)) - {"revision"}
_OF_TRANSLATION = _OF_ENTRY - {"category", "difficulty", "translations", "urgent", "codes"}


@dataclass
class Findings:
    """Findings on entries: errors, with which an entry cannot be used, and warnings, with which it can."""

    errors: list[FieldProblem] = field(default_factory=list[FieldProblem])
    warnings: list[FieldProblem] = field(default_factory=list[FieldProblem])
    error_count: int = 0
    """Number of all errors, also of those beyond `_MOST_FINDINGS`."""

    def error(self, path: str, template: str, /, **params: object) -> None:
        """Note an error at this JSON path."""
        self.error_count += 1
        _note(self.errors, path, Message(template, params))

    def warn(self, path: str, template: str, /, **params: object) -> None:
        """Note a warning at this JSON path."""
        _note(self.warnings, path, Message(template, params))


def _note(found: list[FieldProblem], path: str, message: Message) -> None:
    if len(found) < _MOST_FINDINGS:
        found.append(FieldProblem(path, message))


class _Reader:
    """Reader of one JSON object, which notes every fault with its path."""

    def __init__(self, raw: Mapping[str, object], path: str, findings: Findings) -> None:
        self.raw, self.path, self.findings = raw, path, findings

    def at(self, key: str) -> str:
        return f"{self.path}.{key}"

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        value = self.raw.get(key)
        if value is None:
            if required:
                self.findings.error(self.at(key), "Falta este texto. Escríbelo.")
            return default
        if not isinstance(value, str):
            self.findings.error(self.at(key), "Debe ser un texto entre comillas, no {kind}.", kind=_kind(value))
            return default
        if required and not value.strip():
            self.findings.error(self.at(key), "Está vacío. Escríbelo.")
        _check_text(value, self.at(key), self.findings)
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self.item_text(item, f"{self.at(key)}[{i}]") for i, item in enumerate(self.listed(key)))

    def listed(self, key: str) -> list[object]:
        """The items of a list, none where it is missing or is no list."""
        value = self.raw.get(key)
        if value is None:
            return []
        if not is_list(value):
            self.findings.error(self.at(key), "Debe ser una lista de textos, no {kind}.", kind=_kind(value))
            return []
        return self.within_limit(key, value)

    def child(self, raw: Mapping[str, object], path: str) -> _Reader:
        """The reader of an object inside this one."""
        return _Reader(raw, path, self.findings)

    def item_text(self, value: object, path: str) -> str:
        """One text of a list."""
        if not isinstance(value, str):
            self.findings.error(path, "Debe ser un texto entre comillas, no {kind}.", kind=_kind(value))
            return ""
        if not value.strip():
            self.findings.error(path, "Está vacío. Escríbelo o quítalo de la lista.")
        _check_text(value, path, self.findings)
        return value.strip()

    def warn(self, key: str, template: str) -> None:
        """Note a warning about a field."""
        self.findings.warn(self.at(key), template)

    def within_limit(self, key: str, items: list[object]) -> list[object]:
        """The items, or none and an error when there are too many to look at."""
        if len(items) <= _MAX_ITEMS:
            return items
        self.findings.error(self.at(key), "Tiene más de {limit} elementos. Acórtala.", limit=_MAX_ITEMS)
        return []

    def doubt_unknown(self, known: frozenset[str]) -> None:
        """Warn about fields that are not read: most likely they are misspelt."""
        for key in self.raw.keys() - known:
            self.findings.warn(f"{self.path}.{_shown(key)}", "Este campo no se usa. Revisa su nombre o bórralo.")

    def number(self, key: str) -> float | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MAX_NUMBER:
            self.findings.error(self.at(key), "Debe ser un número entre 0 y 1000000.")
            return None
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.raw.get(key, False)
        if not isinstance(value, bool):
            self.findings.error(self.at(key), "Debe ser true o false.")
        return value is True


def _check_text(value: str, path: str, findings: Findings) -> None:
    if len(value) > _MAX_TEXT:
        findings.error(path, "Tiene más de {limit} caracteres. Acórtalo.", limit=_MAX_TEXT)
    if _UNPRINTABLE.search(value):
        findings.error(path, "Contiene caracteres que no se pueden guardar. Bórralos.")


def _shown(text: str) -> str:
    """An author's text as a finding shows it: short, and escaped where a terminal might obey it."""
    return text[:80] if text.isprintable() and text.strip() else ascii(text[:80])


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can keep this text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _kind(value: object) -> Message:
    names: dict[type, Message] = {
        bool: Message("true o false"),
        int: Message("un número"),
        float: Message("un número"),
        list: Message("una lista"),
        dict: Message("un objeto"),
    }
    return names.get(type(value), Message("null") if value is None else Message("un texto"))


def read_entry(problem_id: str, raw: object, findings: Findings) -> Guide | None:
    """The guide that a knowledge-base entry describes.

    Args:
        problem_id: its key.
        raw: its decoded JSON value.
        findings: collects errors and warnings, with paths from `$`.

    Returns:
        The guide, or None when there were errors.
    """
    before = findings.error_count
    path = f"$.{problem_id}"
    if not problem_id.strip() or len(problem_id) > _MAX_ID or not problem_id.isprintable():
        findings.error("$", "El identificador {id} no es válido: usa de 1 a 128 caracteres normales.", id=_shown(problem_id))
        return None
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los datos del problema, no {kind}.", kind=_kind(raw))
        return None
    reader = _Reader(raw, path, findings)
    reader.doubt_unknown(_OF_ENTRY)
    guide = Guide(
        problem_id=problem_id,
        problem_title=reader.text("problem_title", required=True),
        problem_description=reader.text("problem_description"),
        category=category_of(reader.text("category", default="otro")),
        estimated_time=reader.text("estimated_time"),
        difficulty=reader.text("difficulty", default="medio"),
        prerequisites=reader.texts("prerequisites"),
        steps=_read_steps(reader),
        common_issues=reader.texts("common_issues"),
        escalation_criteria=read_criteria(reader),
        translations=_read_translations(reader),
        urgent=reader.flag("urgent"),
        codes=read_codes(reader),
        not_this=read_not_this(reader),
    )
    _doubt_entry(reader, guide, findings)
    return replace(guide, triggers=triggers_of(reader.raw)) if findings.error_count == before else None


def _doubt_entry(reader: _Reader, guide: Guide, findings: Findings) -> None:
    if guide.difficulty not in _DIFFICULTIES:
        findings.warn(reader.at("difficulty"), "Lo habitual es: {allowed}.", allowed=", ".join(_DIFFICULTIES))
    if not guide.common_issues:
        findings.warn(reader.at("common_issues"), "Sin frases de clientes cuesta reconocer el problema. Agrega algunas.")


def _read_steps(reader: _Reader) -> tuple[Step, ...]:
    value = reader.raw.get("steps")
    if not is_list(value) or not value:
        reader.findings.error(reader.at("steps"), "Debe ser una lista con al menos un paso.")
        return ()
    return read_steps(reader.within_limit("steps", value), reader.at("steps"), reader.findings)


def read_steps(raws: Sequence[object], path: str, findings: Findings) -> tuple[Step, ...]:
    """The steps that a list of JSON values describes; a template's steps follow the same rules.

    Args:
        raws: decoded JSON values.
        path: of the list.
        findings: collects errors and warnings.
    """
    steps = [_read_step(raw, f"{path}[{i}]", i + 1, findings) for i, raw in enumerate(raws)]
    _check_links(steps, path, findings)
    return tuple(step for step in steps if step is not None)


def _read_step(raw: object, path: str, expected_number: int, findings: Findings) -> Step | None:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los datos del paso, no {kind}.", kind=_kind(raw))
        return None
    reader = _Reader(raw, path, findings)
    reader.doubt_unknown(_OF_STEP)
    number = reader.raw.get("step_number", expected_number)
    if isinstance(number, bool) or number != expected_number:
        findings.error(
            reader.at("step_number"),
            "Debe ser {expected}: los pasos se numeran desde 1, en orden.",
            expected=expected_number,
        )
    instructions = reader.texts("instructions")
    if not instructions:
        findings.warn(reader.at("instructions"), "Un paso sin instrucciones no le dice al cliente qué hacer.")
    return Step(
        step_number=expected_number,
        title=reader.text("title", required=True),
        description=reader.text("description"),
        instructions=instructions,
        expected_result=reader.text("expected_result"),
        warnings=reader.texts("warnings"),
        resources=_read_resources(reader),
        step_id=reader.text("step_id"),
        meaning_changed=reader.flag("meaning_changed"),
        replaces=reader.text("replaces") or None,
        type=_usual(reader, "type", _STEP_TYPES),
        minutes=_minutes(reader),
        chance=_chance(reader),
        irreversible=reader.flag("irreversible"),
        risk=_usual(reader, "risk", _RISKS),
        after=reader.texts("after"),
    )


def _usual(reader: _Reader, key: str, allowed: tuple[str, ...]) -> str:
    """Read one of a few words, by default the first; another one is kept, with a warning."""
    value = reader.text(key, default=allowed[0])
    if value not in allowed:
        reader.findings.warn(reader.at(key), "Lo habitual es: {allowed}.", allowed=", ".join(allowed))
    return value


def _minutes(reader: _Reader) -> float | None:
    minutes = reader.number("minutes")
    if minutes == 0:
        reader.findings.error(reader.at("minutes"), "Debe ser mayor que 0. Si no sabes cuánto dura el paso, quita el campo.")
    return minutes


def _chance(reader: _Reader) -> float | None:
    chance = reader.number("chance")
    if chance is not None and chance > 1:
        reader.findings.error(reader.at("chance"), "Debe estar entre 0 y 1.")
    return chance


def _read_resources(reader: _Reader) -> tuple[Mapping[str, str], ...]:
    value = reader.raw.get("resources")
    if value is None:
        return ()
    if not is_list(value):
        reader.findings.error(reader.at("resources"), "Debe ser una lista de objetos con title y url.")
        return ()
    return tuple(
        _read_resource(raw, f"{reader.at('resources')}[{i}]", reader.findings)
        for i, raw in enumerate(reader.within_limit("resources", value))
    )


def _read_resource(raw: object, path: str, findings: Findings) -> Mapping[str, str]:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con title y url, no {kind}.", kind=_kind(raw))
        return {}
    reader = _Reader(raw, path, findings)
    title, url = reader.text("title", required=True), reader.text("url", required=True)
    if url and not url.lower().startswith(("https://", "http://")):
        findings.error(reader.at("url"), "Debe empezar por http:// o https://.")
    elif url and "." not in (_host(url) or "").strip("."):
        findings.warn(reader.at("url"), "La dirección {url} es un ejemplo. Escribe la real.", url=_shown(url))
    return {"title": title, "url": url}


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _check_links(steps: Sequence[Step | None], path: str, findings: Findings) -> None:
    seen: set[str] = set()
    named = {step.step_id for step in steps if step and step.step_id}
    for i, step in enumerate(steps):
        if step is None:
            continue
        if step.step_id and step.step_id in seen:
            findings.error(f"{path}[{i}].step_id", "{id} ya está en otro paso. Usa uno distinto.", id=_shown(step.step_id))
        if step.step_id and step.step_id == step.replaces:
            findings.error(f"{path}[{i}].replaces", "Un paso no se sustituye a sí mismo. Bórralo o escribe otro.")
        for other in step.after:
            if other not in named:
                findings.error(f"{path}[{i}].after", "No hay ningún paso {id}. Usa el step_id de uno anterior.", id=_shown(other))
            elif other not in seen:
                findings.error(f"{path}[{i}].after", "El paso {id} debe ir antes que este.", id=_shown(other))
        seen.add(step.step_id)


def _read_translations(reader: _Reader) -> Mapping[str, Mapping[str, object]]:
    value = reader.raw.get("translations")
    if value is None:
        return {}
    if not is_mapping(value):
        reader.findings.error(reader.at("translations"), "Debe ser un objeto: idioma → textos.")
        return {}
    found: dict[str, Mapping[str, object]] = {}
    own_steps = reader.raw.get("steps")
    count = len(own_steps) if is_list(own_steps) else 0
    for language, raw in value.items():
        path = f"{reader.at('translations')}.{language}"
        if not language.isprintable() or len(language) > _MAX_ID:
            shown = _shown(language)
            reader.findings.error(reader.at("translations"), "El idioma {shown} no es válido. Usa es, en o pt.", shown=shown)
            continue
        texts = _read_translation(raw, path, count, reader.findings)
        if texts is not None:
            found[language] = texts
    return found


def _read_translation(raw: object, path: str, step_count: int, findings: Findings) -> Mapping[str, object] | None:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los textos traducidos, no {kind}.", kind=_kind(raw))
        return None
    reader = _Reader(raw, path, findings)
    reader.doubt_unknown(_OF_TRANSLATION)
    texts: dict[str, object] = {key: reader.text(key) for key in ("problem_title", "problem_description", "estimated_time")}
    texts |= {key: list(reader.texts(key)) for key in ("prerequisites", "common_issues")}
    texts |= {"escalation_criteria": list(read_criteria(reader)), "not_this": list(read_not_this(reader))}
    raw_steps = reader.raw.get("steps")
    steps = raw_steps if is_list(raw_steps) else []
    if raw_steps is not None and not isinstance(raw_steps, list):
        findings.error(reader.at("steps"), "Debe ser una lista con al menos un paso.")
    elif len(steps) != step_count:
        findings.error(
            reader.at("steps"), "Hay {count} pasos traducidos y la guía tiene {total}.", count=len(steps), total=step_count
        )
    texts["steps"] = [_read_step_texts(step, f"{reader.at('steps')}[{i}]", findings) for i, step in enumerate(steps)]
    return texts


def _read_step_texts(raw: object, path: str, findings: Findings) -> dict[str, object]:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los textos del paso, no {kind}.", kind=_kind(raw))
        return {}
    reader = _Reader(raw, path, findings)
    return {
        "title": reader.text("title", required=True),
        "description": reader.text("description"),
        "instructions": list(reader.texts("instructions")),
        "expected_result": reader.text("expected_result"),
        "warnings": list(reader.texts("warnings")),
        "resources": [dict(r) for r in _read_resources(reader)],
    }
