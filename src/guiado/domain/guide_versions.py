"""Guide versions: steps keep their identity over edits, and a version can be stored and read back.

Source: data-model.md, guide version; contract.md §6, rule 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import SequenceMatcher
from typing import cast

from guiado.domain.criteria import Trigger
from guiado.domain.guide import Guide, GuideQuestion, Step, category_of

_COMPARED_LETTERS = 300
_SAME_STEP = 0.6
"""Least similarity, 0..1, of the texts of two steps for them to be the same step, edited."""


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
    """Step number -> id of the former step, the most similar pairs first, so that each step takes the id that fits it best."""
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


def guide_to_json(guide: Guide) -> dict[str, object]:
    """The guide as plain JSON values, ids and revisions included; `guide_from_json` reads it back."""
    names = [each.name for each in fields(Guide) if each.init]
    plain: dict[str, object] = {name: getattr(guide, name) for name in names}
    plain["triggers"] = [trigger.to_json() for trigger in guide.triggers]
    plain["questions"] = [question.to_json() for question in guide.questions]
    plain["steps"] = [{name: getattr(step, name) for name in Step.__slots__} for step in guide.steps]
    return plain


def guide_from_json(raw: Mapping[str, object]) -> Guide:
    """Read back a guide that `guide_to_json` wrote."""
    values = {key: tuple(cast("list[object]", value)) if isinstance(value, list) else value for key, value in raw.items()}
    steps = cast("tuple[Mapping[str, object], ...]", values.pop("steps"))
    triggers = cast("tuple[Mapping[str, object], ...]", values.pop("triggers", ()))
    values["triggers"] = tuple(map(Trigger.from_json, triggers))
    values["questions"] = tuple(
        map(GuideQuestion.from_json, cast("tuple[Mapping[str, object], ...]", values.get("questions", ())))
    )
    values["category"] = category_of(cast("str", values["category"]))
    return Guide(steps=tuple(_step_from_json(step) for step in steps), **values)  # pyright: ignore[reportArgumentType]


def _step_from_json(raw: Mapping[str, object]) -> Step:
    values = {key: tuple(cast("list[object]", value)) if isinstance(value, list) else value for key, value in raw.items()}
    return Step(**values)  # pyright: ignore[reportArgumentType]
