"""Lineage of steps: which step of an earlier guide version means the same as one of a later version.

A step keeps its meaning from version to version until its author says otherwise (`meaning_changed`) or leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from guiado.guidance.patterns import STEP, Pattern, PatternCount, PatternEvent
from guiado.store.guidance_evidence import PatternRow
from guiado.store.guidance_plans import LineageVersion

Meanings = Mapping[str, Mapping[str, str]]
"""Version id -> step_id -> what it means: equal for steps that mean the same."""


def meanings_of(versions: Sequence[LineageVersion]) -> Meanings:
    """The meanings of the steps of all versions of a guide, given oldest first."""
    steps: dict[str, Mapping[str, Mapping[str, Any]]] = {}
    found: dict[str, dict[str, str]] = {}
    for version in versions:
        own = {str(step["step_id"]): step for step in version.steps}
        before, known = steps.get(version.parent_id or "", {}), found.get(version.parent_id or "", {})
        found[version.guide_version_id] = {
            step_id: known[step_id] if step_id in known and not _is_changed(step, before[step_id]) else _new(version, step_id)
            for step_id, step in own.items()
        }
        steps[version.guide_version_id] = own
    return found


def same_steps(meanings: Meanings, version_id: str) -> list[str]:
    """The versions whose steps mean the same, in the same order, as those of a version; itself first, then the newest."""
    own = meanings.get(version_id, {})
    same = [each for each, steps in meanings.items() if each != version_id and own and [*steps.items()] == [*own.items()]]
    return [version_id, *reversed(same)]


def _is_changed(step: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return bool(step.get("meaning_changed")) and step.get("revision") != before.get("revision")


def _new(version: LineageVersion, step_id: str) -> str:
    # Of a version whose parent is not known any more, a step is what its id says.
    return f"{version.guide_version_id} {step_id}" if version.parent_id else step_id


def translated(rows: Iterable[PatternRow], meanings: Meanings, version_id: str) -> list[PatternCount]:
    """The patterns of a guide with the step ids of one version; steps that it does not have keep a name that no step has.

    Sessions of versions that are not known, as those of another knowledge base, are left out.
    """
    now = {meaning: step_id for step_id, meaning in meanings.get(version_id, {}).items()}
    named = {
        each: {step_id: now[meaning] for step_id, meaning in steps.items() if meaning in now} for each, steps in meanings.items()
    }
    found: dict[tuple[int, Pattern], int] = {}
    for row in rows:
        names = named.get(row.guide_version)
        if names is None:
            continue
        key = (row.day.toordinal(), _renamed(Pattern.from_text(row.pattern), names))
        found[key] = found.get(key, 0) + row.sessions
    ordered = sorted(found.items(), key=lambda each: each[0][0])
    return [PatternCount(pattern, day, sessions) for (day, pattern), sessions in ordered if sessions > 0]


def _renamed(pattern: Pattern, names: Mapping[str, str]) -> Pattern:
    events = tuple(
        PatternEvent(each.kind, _name(each.id, names), each.result) if each.kind == STEP else each for each in pattern.events
    )
    left_in = None if pattern.left_in is None else _name(pattern.left_in, names)
    return replace(pattern, events=events, left_in=left_in)


def _name(key: str, names: Mapping[str, str]) -> str:
    """The step id of a key "<step_id>@<revision>"; the key itself where no step means that."""
    return names.get(key.rpartition("@")[0], key)
