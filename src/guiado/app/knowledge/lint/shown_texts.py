"""Texts of a guide that people read, each with its JSON path, its language and its part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from guiado.domain.guide import Guide
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.text.json_shapes import items_in, object_in

_MOST_QUOTED = 80
_TEXTS = ("problem_title", "problem_description", "estimated_time")
_OWN_LISTS = ("prerequisites", "common_issues", "escalation_criteria")
"""Lists of a guide that are shown: the phrases as examples of an option, the criteria where a person takes over."""
_STEP_TEXTS, _LISTS = ("title", "description", "expected_result"), ("instructions", "warnings")


class TextPart(StrEnum):
    """TextPart of a guide that a text is, by the field that it stands in."""

    TITLE = "title"
    DESCRIPTION = "description"
    EXPECTED_RESULT = "expected_result"
    INSTRUCTION = "instructions"
    WARNING = "warnings"
    PHRASE = "common_issues"
    OTHER = ""


OF_STEPS = frozenset((TextPart.TITLE, TextPart.DESCRIPTION, TextPart.EXPECTED_RESULT, TextPart.INSTRUCTION, TextPart.WARNING))
"""Parts of a step that customers read one after the other."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text that people read.

    Args:
        path: where it stands in the file.
        text: as written.
        language: of the text.
        part: what it is.
    """

    path: str
    text: str
    language: str
    part: TextPart = TextPart.OTHER


def texts_of(guide: Guide) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """The guide's own texts and each translation: language, path and fields."""
    steps = [
        {key: getattr(step, key) for key in (*_STEP_TEXTS, *_LISTS, "resources", "media", "variants")} for step in guide.steps
    ]
    questions = [{"text": each.text, "answers": [answer.text for answer in each.answers]} for each in guide.questions]
    own = {key: getattr(guide, key) for key in (*_TEXTS, *_OWN_LISTS, "variants")} | {"steps": steps, "questions": questions}
    path = f"$.{guide.problem_id}"
    yield DEFAULT_LANGUAGE, path, own
    yield from ((language, f"{path}.translations.{language}", texts) for language, texts in guide.translations.items())


def shown_texts(guide: Guide) -> Iterator[ShownText]:
    """Everything of a guide that is shown."""
    for language, path, texts in texts_of(guide):
        for place, text, part in _shown_of(path, texts):
            yield ShownText(place, text, language, part)


_Shown = Iterator[tuple[str, str, TextPart]]


def _shown_of(path: str, texts: Mapping[str, object]) -> _Shown:
    yield from ((f"{path}.{key}", str(texts[key]), TextPart.OTHER) for key in _TEXTS if texts.get(key))
    for key in _OWN_LISTS:
        for number, item in enumerate(items_in(texts.get(key))):
            if isinstance(item, str):
                yield f"{path}.{key}[{number}]", item, TextPart.PHRASE if key == TextPart.PHRASE else TextPart.OTHER
    for place, step in enumerate(map(object_in, items_in(texts.get("steps")))):
        yield from _of_step(f"{path}.steps[{place}]", step)
    for place, question in enumerate(map(object_in, items_in(texts.get("questions")))):
        at = f"{path}.questions[{place}]"
        yield from ([(f"{at}.text", str(question["text"]), TextPart.OTHER)] if question.get("text") else [])
        yield from ((f"{at}.answers[{n}]", str(each), TextPart.OTHER) for n, each in enumerate(items_in(question.get("answers"))))


def _of_step(path: str, step: Mapping[str, object]) -> _Shown:
    yield from _own_texts(path, step)
    for name, said in object_in(step.get("variants")).items():
        yield from _own_texts(f"{path}.variants.{name}", object_in(said))


def _own_texts(path: str, step: Mapping[str, object]) -> _Shown:
    yield from ((f"{path}.{key}", str(step[key]), TextPart(key)) for key in _STEP_TEXTS if step.get(key))
    for key in _LISTS:
        yield from ((f"{path}.{key}[{n}]", str(item), TextPart(key)) for n, item in enumerate(items_in(step.get(key))))
    for key, names in (("resources", ("title",)), ("media", ("alt", "caption"))):
        for n, item in enumerate(map(object_in, items_in(step.get(key)))):
            yield from ((f"{path}.{key}[{n}].{name}", str(item[name]), TextPart.OTHER) for name in names if item.get(name))


def shortened(text: str, most: int = _MOST_QUOTED) -> str:
    """A text as a finding quotes it."""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
