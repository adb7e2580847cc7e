"""Check of translations: whole languages and texts that are missing, or that are still in the main language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import shortened, texts_of
from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.text.json_shapes import is_mapping, items_in, object_in
from guiado.text.readability import words_of

_LEAST_WORDS = {"en": 3}
_USUAL_LEAST_WORDS = 6
"""Fewest words of a text that cannot be the same in both languages: Portuguese shares short ones with Spanish."""
_TEXTS, _LISTS = ("problem_title", "problem_description", "estimated_time"), ("prerequisites", "escalation_criteria")
_STEP_TEXTS, _STEP_LISTS = ("title", "description", "expected_result"), ("instructions", "warnings")
_Fields = Mapping[str, object]


def doubt_languages(guides: Mapping[str, Guide], findings: Findings) -> None:
    """Name the languages that other guides have, guide by guide."""
    spoken = Counter(language for guide in guides.values() for language in guide.translations)
    if not spoken:
        told = "Está en un solo idioma. Agrega translations si tus clientes escriben en otros."
        findings.of("missing_language").warn("$", told)
    for guide in guides.values():
        for language in sorted(spoken.keys() - guide.translations.keys()):
            path = f"$.{guide.problem_id}.translations"
            told = "Falta el idioma {language}, que otras guías tienen. Tradúcela también."
            findings.of("missing_language").warn(path, told, language=language)


def doubt_translations(guide: Guide, findings: Findings) -> None:
    """Name texts of a translation that are missing, or left as they are in the main language."""
    (_, _, own), *others = texts_of(guide)
    for language, path, texts in others:
        if not items_in(texts.get("steps")) and own["steps"]:
            findings.of("missing_translation").warn(
                f"{path}.steps", "Los pasos no están en {language}. Tradúcelos también.", language=language
            )
        for place, said, there in _pairs(path, own, texts):
            _compare(place, said, there, language, findings)


def _compare(path: str, own: str, there: str | None, language: str, findings: Findings) -> None:
    if not there:
        findings.of("missing_translation").warn(
            path, "Falta en {language} lo que en español dice «{phrase}». Tradúcelo.", language=language, phrase=shortened(own)
        )
    elif (
        language != DEFAULT_LANGUAGE
        and own.casefold() == there.casefold()
        and len(words_of(own)) >= _LEAST_WORDS.get(language, _USUAL_LEAST_WORDS)
    ):
        findings.of("same_text").warn(
            path, "«{phrase}» dice lo mismo que en español. Tradúcelo a {language}.", language=language, phrase=shortened(own)
        )


_Pairs = Iterator[tuple[str, str, str | None]]
"""Path, own text, and its translation; None where there is none."""


def _pairs(path: str, own: _Fields, texts: _Fields) -> _Pairs:
    if len(own) and items_in(texts.get("steps")):
        yield from _of_fields(path, own, texts, _TEXTS, _LISTS)
    for place, (step, said) in enumerate(zip(_objects(own, "steps"), _objects(texts, "steps"), strict=False)):
        yield from _of_fields(f"{path}.steps[{place}]", step, said, _STEP_TEXTS, _STEP_LISTS)
        there = object_in(said.get("variants"))
        for name, variant in object_in(step.get("variants")).items():
            at = f"{path}.steps[{place}].variants.{name}"
            yield from _of_fields(at, object_in(variant), object_in(there.get(name)), _STEP_TEXTS, _STEP_LISTS)
    asked, said = _objects(own, "questions"), _objects(texts, "questions")
    for place, question in enumerate(asked):
        there = said[place] if place < len(said) else None
        yield from _of_fields(f"{path}.questions[{place}]", question, object_in(there), ("text",), ("answers",))


def _objects(fields: _Fields, key: str) -> Sequence[_Fields]:
    return [object_in(each) for each in items_in(fields.get(key)) if is_mapping(each)]


def _of_fields(path: str, own: _Fields, there: _Fields, texts: Sequence[str], lists: Sequence[str]) -> _Pairs:
    for key in texts:
        if own.get(key):
            yield f"{path}.{key}", str(own[key]), str(there.get(key) or "")
    for key in lists:
        said = items_in(there.get(key))
        for place, text in enumerate(map(str, items_in(own.get(key)))):
            yield f"{path}.{key}[{place}]", text, str(said[place]) if place < len(said) else None
