"""Defects of guides: 200 guides that were spoilt on purpose are all found, and those that ship have none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from guiado.app.knowledge.check.base import check_base, read_base
from guiado.app.knowledge.check.defects import DEAD_END, LOOP, MISSING_VARIABLE, UNREACHABLE, defects_of
from guiado.app.knowledge.entries import entry_of_edit
from guiado.app.knowledge.sources.json_file import read_file
from guiado.domain.guide import Guide, GuideAnswer, GuideQuestion, Step
from guiado.resources import data_path

SHIPPED = data_path("integrations", "support_troubleshooting_kb.json")
GUIDES = read_file(SHIPPED).guides
WHOLE: dict[str, Any] = {key: entry_of_edit(guide, None) for key, guide in GUIDES.items()}
"""The entries that ship, with their shared steps and variables put in, and an id in every step."""
WITH_STEPS = [key for key, entry in WHOLE.items() if "kind" not in entry]
ANSWERS = [key for key, entry in WHOLE.items() if entry.get("kind") == "answer"]
EACH = 50
ELSEWHERE = {"solo_en_ingles": {"en": "Start"}}
Spoil = Callable[[dict[str, Any], Random], None]


def any_of(entry: dict[str, Any], random: Random) -> dict[str, Any]:
    return random.choice(entry["steps"])


def named(entry: dict[str, Any]) -> list[str]:
    return [step["step_id"] for step in entry["steps"]]


# ------------------------------------------------------------------------------------------------------------------ mutations


def no_steps(entry: dict[str, Any], random: Random) -> None:
    entry["steps"] = []
    entry.pop("translations", None)


def silent_step(entry: dict[str, Any], random: Random) -> None:
    place = random.randrange(len(entry["steps"]))
    for texts in (entry, *entry.get("translations", {}).values()):
        for key in ("instructions", "description", "media", "variants"):
            texts["steps"][place].pop(key, None)


def no_answer(entry: dict[str, Any], random: Random) -> None:
    entry["answer"] = []


def silent_variant(entry: dict[str, Any], random: Random) -> None:
    entry["variants"] = {"uno": "Uno", "otro": "Otro"}
    for step in entry["steps"]:
        step.pop("variants", None)
        step.pop("media", None)
    for spoken in entry.get("translations", {}).values():
        spoken.pop("variants", None)
        for step in spoken["steps"]:
            step.pop("variants", None)
    step = any_of(entry, random)
    step["variants"] = {"uno": {"instructions": step.pop("instructions", ["Pulsa."])}, "otro": {"title": "Otro título"}}
    for spoken in entry.get("translations", {}).values():
        for each in spoken["steps"]:
            each.pop("instructions", None)


def variant_left_out(entry: dict[str, Any], random: Random) -> None:
    silent_variant(entry, random)
    for step in entry["steps"]:
        step.get("variants", {}).pop("otro", None)


def one_answer(entry: dict[str, Any], random: Random) -> None:
    entry["questions"] = [{"id": "q", "text": "¿Qué luz ves?", "answers": [{"id": "a", "text": "Roja"}]}]


def waits_for_nobody(entry: dict[str, Any], random: Random) -> None:
    any_of(entry, random)["after"] = ["no-existe"]


def waits_for_who_waits(entry: dict[str, Any], random: Random) -> None:
    ids = named(entry)
    place = random.randrange(len(ids) - 1)
    entry["steps"][place]["after"], entry["steps"][place + 1]["after"] = ["no-existe"], [ids[place]]


def same_id(entry: dict[str, Any], random: Random) -> None:
    ids = named(entry)
    place = random.randrange(1, len(ids))
    entry["steps"][place]["step_id"] = ids[random.randrange(place)]
    for step in entry["steps"]:
        step.pop("after", None)


def weighs_nobody(entry: dict[str, Any], random: Random) -> None:
    answers = [{"id": "a", "text": "Sí", "weights": {"no-existe": 2}}, {"id": "b", "text": "No"}]
    entry["questions"] = [{"id": "q", "text": "¿Se enciende?", "answers": answers}]


def waits_for_itself(entry: dict[str, Any], random: Random) -> None:
    step = any_of(entry, random)
    step["after"] = [*step.get("after", ()), step["step_id"]]


def circle(entry: dict[str, Any], random: Random) -> None:
    ids = named(entry)
    members = random.sample(range(len(ids)), random.randint(2, len(ids)))
    for place, other in zip(members, [*members[1:], members[0]], strict=True):
        entry["steps"][place]["after"] = [ids[other]]


def open_text(entry: dict[str, Any], random: Random) -> None:
    step = any_of(entry, random)
    step["instructions"] = [*step.get("instructions", ()), "Llama al {{numero_que_falta}}."]


def open_in_a_language(entry: dict[str, Any], random: Random) -> None:
    spoken = entry["translations"][random.choice(list(entry["translations"]))]
    random.choice(spoken["steps"])["expected_result"] = "You see {{ no_value }}."


def open_in_a_variant(entry: dict[str, Any], random: Random) -> None:
    entry.setdefault("variants", {})["mia"] = "Mía"
    any_of(entry, random).setdefault("variants", {})["mia"] = {"instructions": ["Abre {{menu_que_falta}}."]}


def open_but_elsewhere(entry: dict[str, Any], random: Random) -> None:
    """A variable with a value in another language alone."""
    any_of(entry, random)["description"] = "Pulsa {{solo_en_ingles}}."


KINDS: dict[str, tuple[Spoil, ...]] = {
    DEAD_END: (no_steps, silent_step, silent_variant, variant_left_out, one_answer, no_answer),
    UNREACHABLE: (waits_for_nobody, waits_for_who_waits, same_id, weighs_nobody),
    LOOP: (waits_for_itself, circle),
    MISSING_VARIABLE: (open_text, open_in_a_language, open_in_a_variant, open_but_elsewhere),
}

READERS = {
    DEAD_END: {"Debe ser una lista con al menos un paso.", "Una pregunta lleva al menos dos respuestas.",
               "Escribe aquí la respuesta: una lista de textos."},
    UNREACHABLE: {"No hay ningún paso {id}. Usa el step_id de uno anterior.", "{id} ya está en otro paso. Usa uno distinto.",
                  "No hay ningún paso {id}. Usa el step_id de uno de esta guía."},
    LOOP: {"El paso {id} debe ir antes que este."},
    MISSING_VARIABLE: set[str](),
}  # fmt: skip
"""What the reader of an entry says of a kind of defect; it refuses such a guide before the check looks at it."""


def spoilt(kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Fifty guides with a defect: its mutation, the guide's id, and its entry."""
    random = Random(kind)  # noqa: S311 repeatable
    for number in range(EACH):
        spoil = KINDS[kind][number % len(KINDS[kind])]
        key = random.choice(ANSWERS if spoil is no_answer else WITH_STEPS)
        entry = copy.deepcopy(WHOLE[key])
        spoil(entry, random)
        yield spoil.__name__, key, entry


@pytest.mark.parametrize("kind", KINDS)
def test_every_spoilt_guide_is_found(kind: str, tmp_path: Path) -> None:
    file, missed, made = tmp_path / "kb.json", list[str](), 0
    for spoil, key, entry in spoilt(kind):
        made += 1
        file.write_text(json.dumps({"$variables": ELSEWHERE, key: entry}, ensure_ascii=False, indent=1), "utf-8")
        found = check_base(read_base(file), {})
        told = found.verdicts[key].refusals
        right = [each for each in told if each.code == kind or each.message.template in READERS[kind]]
        if not right or not all(map(found.line_of, right)):
            missed.append(f"{spoil} {key}: {[str(each) for each in told]}")
    assert (made, missed) == (EACH, [])


def test_the_same_guides_unspoilt_are_found_sound(tmp_path: Path) -> None:
    file = tmp_path / "kb.json"
    file.write_text(json.dumps(WHOLE), "utf-8")
    found = check_base(read_base(file), GUIDES)
    assert not found.is_refused
    assert len(found.verdicts) == len(GUIDES)


def test_the_guides_that_ship_have_no_defect() -> None:
    assert len(GUIDES) > EACH
    assert [str(each) for guide in GUIDES.values() for each in defects_of(guide)] == []


# ------------------------------------------------------------------- guides that were stored, which no reader looks at again


def guide(*steps: Step, **more: object) -> Guide:
    return Guide("a", "A", steps=steps, **more)  # pyright: ignore[reportArgumentType]


def step(step_id: str, *after: str, **more: object) -> Step:
    given = {"instructions": ("Haz algo.",), **more}
    return Step(1, step_id.capitalize(), step_id=step_id, after=after, **given)  # pyright: ignore[reportArgumentType]


def kinds(guide: Guide) -> dict[str, str]:
    """Path -> kind of each defect."""
    return {each.field.removeprefix("$.a."): each.code for each in defects_of(guide)}


def test_a_loop_is_told_from_what_waits_for_it() -> None:
    looped = guide(step("x"), step("a", "c"), step("b", "a"), step("c", "b", "x"), step("d", "c"), step("e", "e"))
    assert kinds(looped) == {
        "steps[1].after": LOOP,
        "steps[2].after": LOOP,
        "steps[3].after": LOOP,
        "steps[4].after": UNREACHABLE,
        "steps[5].after": LOOP,
    }
    assert "a → c → b → a" in str(defects_of(looped)[0].message)


def test_a_guide_that_can_begin_nowhere_is_a_dead_end_too() -> None:
    assert kinds(guide(step("a", "b"), step("b", "a")))["steps"] == DEAD_END
    assert kinds(guide()) == {"steps": DEAD_END}
    assert kinds(replace(guide(), kind="answer")) == {"answer": DEAD_END}
    assert kinds(replace(guide(), kind="person")) == {}
    assert kinds(replace(guide(), kind="none")) == {}


def test_a_step_in_any_order_after_what_it_needs_is_fine() -> None:
    assert kinds(guide(step("c", "b"), step("b", "a"), step("a"))) == {}


def test_what_one_variant_or_language_lacks_is_found() -> None:
    two = {"variants": {"mac": "Mac", "pc": "PC"}}
    said = {"instructions": ["Pulsa."]}
    assert kinds(guide(step("a", instructions=(), variants={"mac": said}), **two)) == {"steps[0].variants": DEAD_END}
    assert kinds(guide(step("a", instructions=(), variants={"mac": said, "pc": said}), **two)) == {}
    assert kinds(guide(step("a", variants={"mac": said}), **two)) == {}
    spoken = {"en": {"steps": [{"title": "A", "variants": {"mac": {}, "pc": said}}]}}
    lacking = guide(step("a", instructions=(), variants={"mac": said, "pc": said}), translations=spoken, **two)
    assert kinds(lacking) == {"translations.en.steps[0].variants": DEAD_END}


def test_a_question_without_answers_and_one_that_weighs_nothing_are_found() -> None:
    one = GuideQuestion("q", "¿?", (GuideAnswer("a", "Sí", {"z": 2.0}), GuideAnswer("b", " ")))
    found = [each.code for each in defects_of(guide(step("a"), questions=(one,)))]
    assert sorted(found) == [DEAD_END, UNREACHABLE]


def test_a_variable_is_told_once_a_language() -> None:
    spoken = {"en": {"steps": [{"title": "A", "instructions": ["Call {{tel}}", "Or {{tel}}"]}]}}
    found = kinds(guide(step("a", instructions=("Llama al {{tel}}", "O a {{ tel }}")), translations=spoken))
    assert found == {
        "steps[0].instructions[0]": MISSING_VARIABLE,
        "translations.en.steps[0].instructions[0]": MISSING_VARIABLE,
    }


def test_a_long_guide_is_looked_at_in_no_time() -> None:
    many = [step(f"p{number}", f"p{number + 1}") for number in range(3_000)]
    found = defects_of(guide(*many))
    assert len(found) == 1_000, "of each guide so many are told"
    assert {each.code for each in found} == {UNREACHABLE}
