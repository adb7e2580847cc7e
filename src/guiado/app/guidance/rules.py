"""Rules of a guide: what its author or an operator decided about the order of its steps, whatever was learned.

They take effect in every process within two seconds, and with the next choice of a session that is under way.

Source: ADR 0046.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from guiado import clock
from guiado.app.access.audit import act, actor_of
from guiado.app.context import UnitOfWork
from guiado.app.guidance.rule_fields import CostRules as CostRules  # noqa: PLC0414 what callers make them of
from guiado.app.guidance.rule_fields import GuideRules as GuideRules  # noqa: PLC0414
from guiado.domain.guide import Guide
from guiado.errors import FieldProblem, InvalidInput, Message, NotFound, printable
from guiado.guidance.plan import AuthorRules
from guiado.store import guidance_plans, guides


def read_rules(stored: Mapping[str, Any]) -> GuideRules:
    """The rules from plain values; what cannot be read, of a later version or edited by hand, counts as no rules."""
    try:
        return msgspec.convert(stored, GuideRules)
    except msgspec.ValidationError:
        return GuideRules()


async def get_rules(work: UnitOfWork, problem_id: str) -> GuideRules:
    """The rules of a guide; the default ones where nobody made any."""
    return read_rules(await guidance_plans.rules_of(work.connection, work.tenant, problem_id))


async def set_rules(work: UnitOfWork, problem_id: str, rules: GuideRules) -> GuideRules:
    """Replace the rules of a guide, with a row in the audit log; rules without any field give the guide back to the setting.

    Args:
        rules: checked input (`validation.check`); get the present ones with `get_rules` to change only a part.

    Raises:
        NotFound: no guide that is in use has this id.
        InvalidInput: a step is not in the guide, or the rules contradict each other or the guide.
    """
    guide = (await guides.current(work.connection, work.tenant, "", [problem_id])).get(problem_id)
    if guide is None:
        raise NotFound(
            "Guía no encontrada: {problem_id}. Mira las que hay con: guiado kb versions", problem_id=printable(problem_id)
        )
    if problems := list(_problems(guide.guide, rules)):
        raise InvalidInput(problems)
    plain = {name: value for name, value in msgspec.to_builtins(rules).items() if value != []}
    async with act(work, "set_guidance", "guide", problem_id, rules=plain):
        await guidance_plans.put_rules(work.connection, work.tenant, problem_id, plain, actor_of(work.scope), clock.now())
    return rules


def author_rules(guide: Guide, rules: GuideRules) -> AuthorRules:
    """The rules as the plan of a guide takes them, without what does not fit its steps as they are now."""
    before, kept = _needs_of(guide), list[tuple[str, str]]()
    pinned = [each for each in dict.fromkeys(rules.pinned) if each in before]
    pinned = [each for place, each in enumerate(pinned) if not before[each] - set(pinned[:place])]
    for place, each in enumerate(pinned):
        for other in before:
            if other not in pinned[: place + 1]:
                before[other] |= {each}
    for first, second in rules.kept:
        if first in before and second in before and not _reaches(before, first, second):
            before[second] |= {first}
            kept.append((first, second))
    return AuthorRules(tuple(pinned), tuple(kept), rules.floor, rules.explores)


def _needs_of(guide: Guide) -> dict[str, set[str]]:
    known = {step.step_id for step in guide.steps}
    return {step.step_id: set(step.after) & known for step in guide.steps}


def _reaches(before: Mapping[str, Iterable[str]], step: str, other: str) -> bool:
    """Whether a step waits for another one, directly or not, or is the same."""
    seen, left = set[str](), [step]
    while left:
        each = left.pop()
        if each == other:
            return True
        if each not in seen:
            seen.add(each)
            left.extend(before[each])
    return False


def _problems(guide: Guide, rules: GuideRules) -> Iterable[FieldProblem]:
    known, usable = {step.step_id for step in guide.steps}, author_rules(guide, rules)
    unknown = Message("La guía no tiene ese paso. Usa el step_id de uno de sus pasos.")
    waits = Message("Ese paso espera a otro (after). Fija antes los pasos a los que espera.")
    for place, each in enumerate(rules.pinned):
        if each not in known:
            yield FieldProblem(f"pinned[{place}]", unknown)
        elif each not in usable.pinned:
            yield FieldProblem(f"pinned[{place}]", waits)
    for place, (first, second) in enumerate(rules.kept):
        if not {first, second} <= known:
            yield FieldProblem(f"kept[{place}]", unknown)
        elif (first, second) not in usable.kept:
            why = Message("Ese orden contradice los pasos fijados, los otros pares o lo que la guía pide antes (after). Quítalo.")
            yield FieldProblem(f"kept[{place}]", why)
