"""Checks of customers' phrases one by one: too few, without words, with personal data, on which a person always takes over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import shortened
from guiado.app.sessions.alarms import UrgentCriteria, hear_part, is_too_short
from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.domain.guide import Guide, GuideKind
from guiado.text.codes import declared_code
from guiado.text.json_shapes import items_in
from guiado.text.privacy import REMOVED, remove_personal_data

ENOUGH_PHRASES = 5
"""Number of customers' phrases from which detection finds a problem most of the time."""


@dataclass(frozen=True)
class Phrase:
    """One text of a guide that detection reads.

    Args:
        path: where it stands in the file.
        is_customers: whether it is one of `common_issues`.
        readings: of texts that were read before.
    """

    problem_id: str
    path: str
    text: str
    is_customers: bool
    readings: Readings = field(default=NOTHING, repr=False, compare=False)

    @cached_property
    def part(self) -> str:
        """The meaningful part of it."""
        return self.readings.part(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Its words as they are compared, in order."""
        return tuple(self.readings.words(self.text, self.part))

    @cached_property
    def distinct(self) -> frozenset[str]:
        """Each of its words once."""
        return frozenset(self.words)

    @property
    def clean(self) -> str:
        """The text as the encoder reads it."""
        return self.readings.clean(self.text, self.part)


def phrases_of(guide: Guide, readings: Readings = NOTHING) -> Iterator[Phrase]:
    """The texts of a guide that detection reads, in all its languages.

    Args:
        readings: of texts that were read before.
    """
    path = f"$.{guide.problem_id}"
    parts: list[tuple[str, Mapping[str, object]]] = [
        (path, {"problem_title": guide.problem_title, "common_issues": guide.common_issues})
    ]
    parts += [(f"{path}.translations.{language}", texts) for language, texts in guide.translations.items()]
    for place, texts in parts:
        title = str(texts.get("problem_title") or "")
        if title:
            yield Phrase(guide.problem_id, f"{place}.problem_title", title, is_customers=False, readings=readings)
        for number, text in enumerate(items_in(texts.get("common_issues"))):
            yield Phrase(guide.problem_id, f"{place}.common_issues[{number}]", str(text), is_customers=True, readings=readings)


def denied_phrases(guide: Guide, readings: Readings = NOTHING) -> Iterator[Phrase]:
    """The phrases that a guide says are something else, in all its languages; see `phrases_of`."""
    path = f"$.{guide.problem_id}"
    places = {path: guide.not_this}
    for language, texts in guide.translations.items():
        places[f"{path}.translations.{language}"] = tuple(map(str, items_in(texts.get("not_this"))))
    for place, phrases in places.items():
        for number, text in enumerate(phrases):
            yield Phrase(guide.problem_id, f"{place}.not_this[{number}]", text, is_customers=False, readings=readings)


def doubt_few(guide: Guide, findings: Findings) -> None:
    """Say how many phrases are missing to recognise the problem well."""
    count = len(guide.common_issues)
    if 0 < count < ENOUGH_PHRASES:
        findings.of("few_phrases").warn(
            f"$.{guide.problem_id}.common_issues",
            "Frases de clientes: {count}. Agrega {more} más, dichas de otra manera, y se reconocerá mejor.",
            count=count,
            more=ENOUGH_PHRASES - count,
        )


def doubt_phrase(phrase: Phrase, findings: Findings) -> None:
    """Name a phrase without words, or with personal data."""
    if not phrase.words:
        findings.of("no_words").warn(
            phrase.path,
            "En «{phrase}» no queda ninguna palabra con la que comparar. Escribe qué pasa o bórrala.",
            phrase=shortened(phrase.text),
        )
        return
    harmless = remove_personal_data(phrase.text)
    if harmless.count(REMOVED) > phrase.text.count(REMOVED):
        findings.of("personal_data").warn(
            phrase.path,
            "«{phrase}» lleva datos personales. Bórralos: quien vea la guía los leería.",
            phrase=shortened(harmless),
        )


def doubt_codes(guides: Iterable[Guide], findings: Findings) -> None:
    """A code that two guides call their own tells neither from the other."""
    seen: dict[str, tuple[str, str]] = {}
    for guide in guides:
        for number, written in enumerate(guide.codes):
            code, path = declared_code(written), f"$.{guide.problem_id}.codes[{number}]"
            if code is None:
                continue
            owner, other = seen.setdefault(code.key, (guide.problem_id, path))
            if owner != guide.problem_id:
                shared = "El código {code} está también en {other}. Déjalo solo en la guía que es suya."
                findings.of("shared_code").warn(path, shared, code=written, other=other)


def doubt_criteria(guide: Guide, findings: Findings) -> None:
    """Name phrases of criteria that cannot act, or have personal data."""
    path = f"$.{guide.problem_id}.escalation_criteria"
    for phrase in (phrase for trigger in guide.triggers for phrase in trigger.phrases):
        if is_too_short(phrase):
            findings.of("no_words").warn(
                path, "De la frase «{phrase}» no queda ninguna palabra con la que comparar. Cámbiala.", phrase=phrase
            )
        elif remove_personal_data(phrase).count(REMOVED) > phrase.count(REMOVED):
            findings.of("personal_data").warn(path, "La frase «{phrase}» lleva datos personales. Bórralos.", phrase=phrase)


def doubt_alarming(phrase: Phrase, own: Guide, urgent: UrgentCriteria, findings: Findings) -> None:
    """Warn about a customer's phrase, of a guide that is not urgent, on which a person would always take over."""
    if own.urgent or own.kind == GuideKind.PERSON.value or not phrase.is_customers:
        return
    met = urgent.met_by(phrase.part)
    alarm = hear_part(phrase.part, own, met, "es") if met or own.triggers else None
    if alarm is not None:
        findings.of("always_a_person").warn(
            phrase.path,
            "Con «{phrase}» atiende siempre una persona: «{criterion}». Pásala a una guía urgente o cambia el criterio.",
            phrase=shortened(phrase.text),
            criterion=alarm.reason,
        )
