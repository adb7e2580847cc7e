"""Knowledge-base entries: from the author's JSON to a guide, with every fault named by its JSON path.

Source: contract.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import cast
from urllib.parse import urlsplit

from guiado.domain.guide import Guide, Step, category_of
from guiado.errors import FieldProblem, Message

_MAX_TEXT = 4_000
_MAX_ID = 128
_MAX_NUMBER = 1e6
_SAME_STEP = 0.6
"""Two steps whose texts are at least this alike are the same step, edited."""
_COMPARED_LETTERS = 300
_DIFFICULTIES = ("fácil", "medio", "avanzado")


@dataclass
class Findings:
    """What is wrong with an entry (it cannot be used) and what is doubtful (it can)."""

    errors: list[FieldProblem] = field(default_factory=list[FieldProblem])
    warnings: list[FieldProblem] = field(default_factory=list[FieldProblem])

    def error(self, path: str, template: str, **params: object) -> None:
        """Note a fault at this JSON path."""
        self.errors.append(FieldProblem(path, Message(template, params)))

    def warn(self, path: str, template: str, **params: object) -> None:
        """Note a doubt at this JSON path."""
        self.warnings.append(FieldProblem(path, Message(template, params)))


class _Reader:
    """Reads one JSON object and notes every fault with its path."""

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
        if len(value) > _MAX_TEXT:
            self.findings.error(self.at(key), "Tiene más de {limit} caracteres. Acórtalo.", limit=_MAX_TEXT)
        if not is_storable(value):
            self.findings.error(self.at(key), "Contiene caracteres que no se pueden guardar. Bórralos.")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.findings.error(self.at(key), "Debe ser una lista de textos, no {kind}.", kind=_kind(value))
            return ()
        items = cast("list[object]", value)
        readers = [_Reader({"": item}, f"{self.at(key)}[{i}]", self.findings) for i, item in enumerate(items)]
        return tuple(_item_text(reader) for reader in readers)

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


def _item_text(reader: _Reader) -> str:
    value = reader.raw[""]
    if not isinstance(value, str):
        reader.findings.error(reader.path, "Debe ser un texto entre comillas, no {kind}.", kind=_kind(value))
        return ""
    if not value.strip():
        reader.findings.error(reader.path, "Está vacío. Escríbelo o quítalo de la lista.")
    if len(value) > _MAX_TEXT:
        reader.findings.error(reader.path, "Tiene más de {limit} caracteres. Acórtalo.", limit=_MAX_TEXT)
    if not is_storable(value):
        reader.findings.error(reader.path, "Contiene caracteres que no se pueden guardar. Bórralos.")
    return value.strip()


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
    before = len(findings.errors)
    path = f"$.{problem_id}"
    if not problem_id.strip() or len(problem_id) > _MAX_ID or not is_storable(problem_id):
        findings.error("$", "El identificador {id} no sirve: usa de 1 a 128 caracteres normales.", id=repr(problem_id)[:60])
        return None
    if not isinstance(raw, Mapping):
        findings.error(path, "Debe ser un objeto con los datos del problema, no {kind}.", kind=_kind(raw))
        return None
    reader = _Reader(cast("Mapping[str, object]", raw), path, findings)
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
        escalation_criteria=reader.texts("escalation_criteria"),
        translations=_read_translations(reader),
    )
    if guide.difficulty not in _DIFFICULTIES:
        findings.warn(reader.at("difficulty"), "Lo habitual es: {allowed}.", allowed=", ".join(_DIFFICULTIES))
    if not guide.common_issues:
        findings.warn(reader.at("common_issues"), "Sin frases de clientes cuesta reconocer el problema. Agrega algunas.")
    return guide if len(findings.errors) == before else None


def _read_steps(reader: _Reader) -> tuple[Step, ...]:
    value = reader.raw.get("steps")
    if not isinstance(value, list) or not value:
        reader.findings.error(reader.at("steps"), "Debe ser una lista con al menos un paso.")
        return ()
    raws = cast("list[object]", value)
    steps = [_read_step(raw, f"{reader.at('steps')}[{i}]", i + 1, reader.findings) for i, raw in enumerate(raws)]
    found = tuple(step for step in steps if step is not None)
    _check_links(found, reader)
    return found


def _read_step(raw: object, path: str, expected_number: int, findings: Findings) -> Step | None:
    if not isinstance(raw, Mapping):
        findings.error(path, "Debe ser un objeto con los datos del paso, no {kind}.", kind=_kind(raw))
        return None
    reader = _Reader(cast("Mapping[str, object]", raw), path, findings)
    number = reader.raw.get("step_number", expected_number)
    if isinstance(number, bool) or number != expected_number:
        findings.error(
            reader.at("step_number"),
            "Debe ser {expected}: los pasos se numeran desde 1, en orden.",
            expected=expected_number,
        )
    chance = reader.number("chance")
    if chance is not None and chance > 1:
        findings.error(reader.at("chance"), "Debe estar entre 0 y 1.")
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
        type=reader.text("type", default="fix"),
        minutes=reader.number("minutes"),
        chance=chance,
        irreversible=reader.flag("irreversible"),
        risk=reader.text("risk", default="low"),
        after=reader.texts("after"),
    )


def _read_resources(reader: _Reader) -> tuple[Mapping[str, str], ...]:
    value = reader.raw.get("resources")
    if value is None:
        return ()
    if not isinstance(value, list):
        reader.findings.error(reader.at("resources"), "Debe ser una lista de objetos con title y url.")
        return ()
    return tuple(
        _read_resource(raw, f"{reader.at('resources')}[{i}]", reader.findings)
        for i, raw in enumerate(cast("list[object]", value))
    )


def _read_resource(raw: object, path: str, findings: Findings) -> Mapping[str, str]:
    if not isinstance(raw, Mapping):
        findings.error(path, "Debe ser un objeto con title y url, no {kind}.", kind=_kind(raw))
        return {}
    reader = _Reader(cast("Mapping[str, object]", raw), path, findings)
    title, url = reader.text("title", required=True), reader.text("url", required=True)
    if url and not _is_web_address(url):
        findings.error(reader.at("url"), "Debe empezar por http:// o https://.")
    elif url and "." not in (_host(url) or "").strip("."):
        findings.warn(reader.at("url"), "La dirección {url} es un ejemplo. Escribe la verdadera.", url=url)
    return {"title": title, "url": url}


def _is_web_address(url: str) -> bool:
    return url.lower().startswith(("https://", "http://"))


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _check_links(steps: Sequence[Step], reader: _Reader) -> None:
    seen: set[str] = set()
    named = {step.step_id for step in steps if step.step_id}
    for i, step in enumerate(steps):
        path = f"{reader.at('steps')}[{i}]"
        if step.step_id and step.step_id in seen:
            reader.findings.error(f"{path}.step_id", "{id} ya está en otro paso. Usa uno distinto.", id=step.step_id)
        for other in step.after:
            if other not in named:
                reader.findings.error(f"{path}.after", "No hay ningún paso {id}.", id=other)
            elif other not in seen:
                reader.findings.error(f"{path}.after", "El paso {id} debe ir antes que este.", id=other)
        seen.add(step.step_id)


def _read_translations(reader: _Reader) -> Mapping[str, Mapping[str, object]]:
    value = reader.raw.get("translations")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        reader.findings.error(reader.at("translations"), "Debe ser un objeto: idioma → textos.")
        return {}
    found: dict[str, Mapping[str, object]] = {}
    own_steps = reader.raw.get("steps")
    count = len(cast("list[object]", own_steps)) if isinstance(own_steps, list) else 0
    for language, raw in cast("Mapping[str, object]", value).items():
        path = f"{reader.at('translations')}.{language}"
        if not is_storable(language):
            shown = repr(language)[:60]
            reader.findings.error(reader.at("translations"), "El idioma {shown} no sirve. Usa es, en o pt.", shown=shown)
            continue
        texts = _read_translation(raw, path, count, reader.findings)
        if texts is not None:
            found[language] = texts
    return found


def _read_translation(raw: object, path: str, step_count: int, findings: Findings) -> Mapping[str, object] | None:
    if not isinstance(raw, Mapping):
        findings.error(path, "Debe ser un objeto con los textos traducidos, no {kind}.", kind=_kind(raw))
        return None
    reader = _Reader(cast("Mapping[str, object]", raw), path, findings)
    texts: dict[str, object] = {key: reader.text(key) for key in ("problem_title", "problem_description", "estimated_time")}
    texts |= {key: list(reader.texts(key)) for key in ("prerequisites", "common_issues", "escalation_criteria")}
    raw_steps = reader.raw.get("steps")
    steps = cast("list[object]", raw_steps) if isinstance(raw_steps, list) else []
    if len(steps) != step_count:
        findings.error(
            reader.at("steps"), "Hay {count} pasos traducidos y la guía tiene {total}.", count=len(steps), total=step_count
        )
    texts["steps"] = [_read_step_texts(step, f"{reader.at('steps')}[{i}]", findings) for i, step in enumerate(steps)]
    return texts


def _read_step_texts(raw: object, path: str, findings: Findings) -> dict[str, object]:
    if not isinstance(raw, Mapping):
        findings.error(path, "Debe ser un objeto con los textos del paso, no {kind}.", kind=_kind(raw))
        return {}
    reader = _Reader(cast("Mapping[str, object]", raw), path, findings)
    return {
        "title": reader.text("title", required=True),
        "description": reader.text("description"),
        "instructions": list(reader.texts("instructions")),
        "expected_result": reader.text("expected_result"),
        "warnings": list(reader.texts("warnings")),
        "resources": [dict(r) for r in _read_resources(reader)],
    }


# ------------------------------------------------------------------------------------------------------ identity over edits


def carry_step_ids(guide: Guide, parent: Guide | None) -> Guide:
    """The guide with a stable `step_id` and a revision in every step.

    A step that the author names keeps that name. Any other takes the id of the parent's step that it grew out of: the same
    text, else the most alike. A new step gets an id made of its title. The revision grows when the text changed.

    Args:
        guide: as read from the file.
        parent: the version before, with ids; None for the first.
    """
    former = {step.step_id: step for step in parent.steps} if parent else {}
    inherited = _inherited_ids(guide.steps, former)
    taken = {step.step_id for step in guide.steps if step.step_id} | set(inherited.values())
    steps: list[Step] = []
    for step in guide.steps:
        step_id = step.step_id or inherited.get(step.step_number) or _fresh_id(step, taken | former.keys())
        taken.add(step_id)
        steps.append(_revised(replace(step, step_id=step_id), former.get(step_id)))
    return replace(guide, steps=tuple(steps))


def _inherited_ids(steps: Sequence[Step], former: Mapping[str, Step]) -> dict[int, str]:
    """Step number -> id of the former step; over the whole guide, so that no step takes what is more another's."""
    named = {step.step_id for step in steps}
    old_steps = [old for step_id, old in former.items() if step_id not in named]
    found: dict[int, str] = {}
    for likeness in (_sameness, _likeness):
        left = [step for step in steps if not step.step_id and step.step_number not in found]
        free = [old for old in old_steps if old.step_id not in found.values()]
        pairs = [(likeness(_wording(step), _wording(old)), step.step_number, old) for step in left for old in free]
        # Of two that are equally like, the one that stood nearer.
        for alike, number, old in sorted(pairs, key=lambda pair: (-pair[0], abs(pair[1] - pair[2].step_number), pair[1])):
            if alike >= _SAME_STEP and number not in found and old.step_id not in found.values():
                found[number] = old.step_id
    return found


def _wording(step: Step) -> str:
    return " ".join((step.title, step.description, *step.instructions))


def _sameness(one: str, other: str) -> float:
    return float(one == other)


def _likeness(one: str, other: str) -> float:
    # Long texts are compared by their words: by letters it would take minutes.
    by_letters = max(len(one), len(other)) <= _COMPARED_LETTERS
    matcher = SequenceMatcher(None, *((one, other) if by_letters else (one.split(), other.split())), autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= _SAME_STEP else 0.0


def _fresh_id(step: Step, taken: set[str]) -> str:
    slug = "-".join("".join(c if c.isalnum() else " " for c in step.title.lower()).split())[:48] or "paso"
    number, step_id = 2, slug
    while step_id in taken:
        step_id, number = f"{slug}-{number}", number + 1
    return step_id


def _revised(step: Step, old: Step | None) -> Step:
    if old is None:
        return step
    same = replace(step, step_number=0, revision=0, meaning_changed=False) == replace(
        old, step_number=0, revision=0, meaning_changed=False
    )
    return replace(step, revision=old.revision if same else old.revision + 1)


# ------------------------------------------------------------------------------------------------------------------ storage


def guide_to_json(guide: Guide) -> dict[str, object]:
    """The guide as plain JSON values, ids and revisions included; `guide_from_json` reads it back."""
    names = Guide.__slots__
    plain: dict[str, object] = {name: getattr(guide, name) for name in names}
    plain["steps"] = [{name: getattr(step, name) for name in Step.__slots__} for step in guide.steps]
    return plain


def guide_from_json(raw: Mapping[str, object]) -> Guide:
    """A guide that `guide_to_json` wrote."""
    values = {key: tuple(cast("list[object]", value)) if isinstance(value, list) else value for key, value in raw.items()}
    steps = cast("tuple[Mapping[str, object], ...]", values.pop("steps"))
    values["category"] = category_of(cast("str", values["category"]))
    return Guide(steps=tuple(_step_from_json(step) for step in steps), **values)  # pyright: ignore[reportArgumentType]


def _step_from_json(raw: Mapping[str, object]) -> Step:
    values = {key: tuple(cast("list[object]", value)) if isinstance(value, list) else value for key, value in raw.items()}
    return Step(**values)  # pyright: ignore[reportArgumentType]
