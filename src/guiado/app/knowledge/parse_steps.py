"""Steps of a guide, read from JSON: their texts, their variants, what they show, and what must come before them.

Source: contract.md §2.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import fields
from urllib.parse import urlsplit

from guiado.app.knowledge.entry_reader import EntryReader, Findings, kind_of, shown
from guiado.domain.guide import Step
from guiado.text.json_shapes import is_list, is_mapping

_STEP_TYPES, _RISKS, _MEDIA = ("fix", "check", "diagnostic"), ("low", "medium", "high"), ("image", "video")
_OF_STEP = frozenset(each.name for each in fields(Step)) - {"revision", "risk_minutes"}
_OF_MEDIUM = frozenset(("type", "url", "alt", "caption"))
_RISK_FROM = (("high", 20.0), ("medium", 5.0), ("low", 0.0))
"""A word for a risk -> the fewest minutes of expected damage that it stands for."""
_TEXT, _TEXTS = ("title", "description", "expected_result"), ("instructions", "warnings")
_OF_VARIANT = frozenset((*_TEXT, *_TEXTS, "resources", "media"))


def read_steps_of(reader: EntryReader, variants: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps of an entry.

    Args:
        variants: those that the entry declares.
    """
    value = reader.raw.get("steps")
    if not is_list(value) or not value:
        reader.findings.error(reader.at("steps"), "Debe ser una lista con al menos un paso.")
        return ()
    return read_steps(reader.within_limit("steps", value), reader.at("steps"), reader.findings, variants)


def read_steps(
    raws: Sequence[object], path: str, findings: Findings, variants: Mapping[str, str] | None = None
) -> tuple[Step, ...]:
    """The steps that a list of JSON values describes; a template's steps follow the same rules.

    Args:
        raws: decoded JSON values.
        path: of the list.
        findings: collects errors and warnings.
        variants: those that steps may have; None for any.
    """
    steps = [_read_step(raw, f"{path}[{i}]", i + 1, findings, variants) for i, raw in enumerate(raws)]
    _check_links(steps, path, findings)
    return tuple(step for step in steps if step is not None)


def _read_step(
    raw: object, path: str, expected_number: int, findings: Findings, allowed: Mapping[str, str] | None
) -> Step | None:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los datos del paso, no {kind}.", kind=kind_of(raw))
        return None
    reader = EntryReader(raw, path, findings)
    reader.doubt_unknown(_OF_STEP)
    number = reader.raw.get("step_number", expected_number)
    if isinstance(number, bool) or number != expected_number:
        findings.error(
            reader.at("step_number"),
            "Debe ser {expected}: los pasos se numeran desde 1, en orden.",
            expected=expected_number,
        )
    instructions, variants = reader.texts("instructions"), read_variants(reader, allowed)
    if not instructions and not variants:
        findings.warn(reader.at("instructions"), "Un paso sin instrucciones no le dice al cliente qué hacer.")
    risk, risk_minutes = _risk(reader)
    return Step(
        step_number=expected_number,
        title=reader.text("title", required=True),
        description=reader.text("description"),
        instructions=instructions,
        expected_result=reader.text("expected_result"),
        warnings=reader.texts("warnings"),
        resources=read_resources(reader),
        step_id=reader.text("step_id"),
        meaning_changed=reader.flag("meaning_changed"),
        replaces=reader.text("replaces") or None,
        type=_usual(reader, "type", _STEP_TYPES),
        minutes=_minutes(reader),
        chance=_chance(reader),
        irreversible=reader.flag("irreversible"),
        risk=risk,
        after=reader.texts("after"),
        risk_minutes=risk_minutes,
        preparation=reader.flag("preparation"),
        variants=variants,
        media=read_media(reader),
    )


def read_variants(reader: EntryReader, allowed: Container[str] | None) -> dict[str, Mapping[str, object]]:
    """The variants of a step: id -> the texts in which it differs.

    Args:
        allowed: those that the guide declares; None for any.
    """
    value = reader.raw.get("variants")
    if value is None:
        return {}
    if not is_mapping(value):
        reader.findings.error(reader.at("variants"), "Debe ser un objeto: variante → textos.")
        return {}
    found: dict[str, Mapping[str, object]] = {}
    for name, raw in value.items():
        path = f"{reader.at('variants')}.{shown(name)}"
        if allowed is not None and name not in allowed:
            reader.findings.error(path, "La guía no declara esta variante. Agrégala a su campo variants.")
        elif not is_mapping(raw):
            reader.findings.error(path, "Debe ser un objeto con los textos de la variante, no {kind}.", kind=kind_of(raw))
        else:
            found[name] = _variant(reader.child(raw, path))
    return found


def _variant(reader: EntryReader) -> dict[str, object]:
    reader.doubt_unknown(_OF_VARIANT)
    texts: dict[str, object] = {key: said for key in _TEXT if (said := reader.text(key))}
    texts |= {key: list(said) for key in _TEXTS if (said := reader.texts(key))}
    lists = {"resources": read_resources(reader), "media": read_media(reader)}
    return texts | {key: [dict(each) for each in found] for key, found in lists.items() if found}


def read_media(reader: EntryReader) -> tuple[Mapping[str, str], ...]:
    """The pictures and videos of a step."""
    path = reader.at("media")
    return tuple(_medium(raw, f"{path}[{i}]", reader) for i, raw in enumerate(reader.listed("media")))


def _medium(raw: object, path: str, outer: EntryReader) -> Mapping[str, str]:
    if not is_mapping(raw):
        outer.findings.error(path, "Debe ser un objeto con type, url, alt y caption, no {kind}.", kind=kind_of(raw))
        return {}
    reader = outer.child(raw, path)
    reader.doubt_unknown(_OF_MEDIUM)
    kind, url = _usual(reader, "type", _MEDIA), reader.text("url", required=True)
    if kind not in _MEDIA:
        reader.findings.error(reader.at("type"), "Debe ser image o video.")
    if url and not _is_media_address(url, kind):
        reader.findings.error(
            reader.at("url"), "Debe ser una dirección https:// o, si es una imagen, una que guardó guiado kb media."
        )
    if kind == "image" and not reader.text("alt"):
        reader.warn("alt", "Di qué se ve en la imagen: hay clientes que no la pueden ver.")
    return {"type": kind, "url": url, "alt": reader.text("alt"), "caption": reader.text("caption")}


def _is_media_address(url: str, kind: str) -> bool:
    return url.lower().startswith("https://") or (kind == "image" and url.startswith("media:"))


def _risk(reader: EntryReader) -> tuple[str, float | None]:
    """The risk of a step as a word, and in minutes where its author says it so."""
    value = reader.raw.get("risk")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _usual(reader, "risk", _RISKS), None
    minutes = reader.number("risk") or 0.0
    return next(word for word, least in _RISK_FROM if minutes >= least), minutes


def _usual(reader: EntryReader, key: str, allowed: tuple[str, ...]) -> str:
    """Read one of a few words, by default the first; another one is kept, with a warning."""
    value = reader.text(key, default=allowed[0])
    if value not in allowed:
        reader.findings.warn(reader.at(key), "Lo habitual es: {allowed}.", allowed=", ".join(allowed))
    return value


def _minutes(reader: EntryReader) -> float | None:
    minutes = reader.number("minutes")
    if minutes == 0:
        reader.findings.error(reader.at("minutes"), "Debe ser mayor que 0. Si no sabes cuánto dura el paso, quita el campo.")
    return minutes


def _chance(reader: EntryReader) -> float | None:
    chance = reader.number("chance")
    if chance is not None and chance > 1:
        reader.findings.error(reader.at("chance"), "Debe estar entre 0 y 1.")
    return chance


def read_resources(reader: EntryReader) -> tuple[Mapping[str, str], ...]:
    """The pages that help with a step, `{"title", "url"}`."""
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
        findings.error(path, "Debe ser un objeto con title y url, no {kind}.", kind=kind_of(raw))
        return {}
    reader = EntryReader(raw, path, findings)
    title, url = reader.text("title", required=True), reader.text("url", required=True)
    if url and not url.lower().startswith(("https://", "http://")):
        findings.error(reader.at("url"), "Debe empezar por http:// o https://.")
    elif url and "." not in (_host(url) or "").strip("."):
        findings.warn(reader.at("url"), "La dirección {url} es un ejemplo. Escribe la real.", url=shown(url))
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
            findings.error(f"{path}[{i}].step_id", "{id} ya está en otro paso. Usa uno distinto.", id=shown(step.step_id))
        if step.step_id and step.step_id == step.replaces:
            findings.error(f"{path}[{i}].replaces", "Un paso no se sustituye a sí mismo. Bórralo o escribe otro.")
        for other in step.after:
            if other not in named:
                findings.error(f"{path}[{i}].after", "No hay ningún paso {id}. Usa el step_id de uno anterior.", id=shown(other))
            elif other not in seen:
                findings.error(f"{path}[{i}].after", "El paso {id} debe ir antes que este.", id=shown(other))
        seen.add(step.step_id)
