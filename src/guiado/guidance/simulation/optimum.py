"""The least expected cost of a session when every chance is known: exact dynamic programming over who tried what.

A state is, for every step, untouched, done or could not be done; every question's answer; and the last step, whose success may be
unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from guiado.guidance.simulation.arithmetic import offer
from guiado.guidance.simulation.world import Floats, World
from guiado.guidance.wire import WireDecision, WireHistory

MOST_STEPS = 9
_ESCALATE = -1
_NOBODY: Floats = np.zeros(1)
_Codes = NDArray[np.int64]
_Answers = tuple[int, ...]


class Optimum:
    """The best policy in a world, with its expected cost.

    Args:
        cost: minutes of a session, over variants and values of the evidence.

    Raises:
        ValueError: the guide has more than `MOST_STEPS` steps.
    """

    def __init__(self, world: World) -> None:
        if len(world.steps) > MOST_STEPS:
            raise ValueError(
                f"{world.guide_id}: {len(world.steps)} steps; the exact optimum is worked out for {MOST_STEPS} at most"
            )
        self.world = world
        self._tables = _solve(world)
        start = tuple(0 for _ in world.questions)
        self.cost = float(self._tables[start].costs[0, 0].sum())

    def next(self, history: WireHistory, /) -> WireDecision:
        """The best decision."""
        world, code, last = self.world, 0, 0
        answers = [0] * len(world.questions)
        for event in history["events"]:
            if event["kind"] == "ask":
                number = [question.question_id for question in world.questions].index(event["id"])
                answers[number] = 1 + world.questions[number].answers.index(event.get("answer", ""))
                continue
            step = world.steps.index(event["id"])
            cannot = event.get("outcome") == "could_not"
            code += 3**step * (2 if cannot else 1)
            last = 0 if cannot or world.is_preparation(step) else step + 1
        row = world.variants.index(history["variant"]) * len(world.evidence) + world.evidence.index(history["evidence"])
        return _named(world, int(self._tables[tuple(answers)].best[code, last, row]))


@dataclass(slots=True)
class _Table:
    """Costs and best actions, [code, last, variant and value]; a question's action is the number of steps plus its own."""

    costs: Floats
    best: NDArray[np.int8]


def _named(world: World, action: int) -> WireDecision:
    if action == _ESCALATE:
        return {"decision": "escalate"}
    kind: Literal["step", "ask"] = "step" if action < len(world.steps) else "ask"
    chosen = world.steps[action] if kind == "step" else world.questions[action - len(world.steps)].question_id
    return {"decision": kind, "id": chosen}


def _solve(world: World) -> dict[_Answers, _Table]:
    sizes = [1 + len(question.answers) for question in world.questions]
    tables: dict[_Answers, _Table] = {}
    for answers in sorted(product(*map(range, sizes)), key=lambda given: given.count(0)):
        tables[answers] = _solve_answered(world, answers, tables)
    return tables


def _solve_answered(world: World, answers: _Answers, tables: dict[_Answers, _Table]) -> _Table:
    """The table of sessions with these answers, from those with one more."""
    count = len(world.steps)
    weights = _weights(world, answers)
    table = _Table(np.empty((3**count, count + 1, weights.shape[1])), np.empty((3**count, count + 1, weights.shape[1]), np.int8))
    digits = _digits(count)
    layers = (digits > 0).sum(axis=1)
    for layer in range(count, -1, -1):
        _solve_layer(world, answers, tables, table, np.flatnonzero(layers == layer), digits, weights)
    return table


def _solve_layer(
    world: World,
    answers: _Answers,
    tables: dict[_Answers, _Table],
    table: _Table,
    codes: _Codes,
    digits: NDArray[np.int8],
    weights: Floats,
) -> None:
    unsolved, pending = weights[codes], _pending(world, codes, digits, weights)
    chance = unsolved.sum(-1)[:, None] + pending
    costs, best = chance * world.c_esc, np.full(chance.shape, _ESCALATE, np.int8)
    for action, question in enumerate(world.questions, len(world.steps)):
        number = action - len(world.steps)
        if answers[number] == 0:
            after = [tables[(*answers[:number], a, *answers[number + 1 :])] for a in range(1, len(question.answers) + 1)]
            _improve(costs, best, chance * question.minutes + sum(each.costs[codes] for each in after), action)
    for step in range(len(world.steps)):
        needed = np.flatnonzero(world.after[step])
        open_ = np.flatnonzero((digits[codes, step] == 0) & (digits[codes][:, needed] == 1).all(axis=1))
        if len(open_):
            parts = costs[open_], best[open_]
            _improve(*parts, _cost_of_step(world, table, codes[open_], step, unsolved[open_], pending[open_]), step)
            costs[open_], best[open_] = parts
    table.costs[codes], table.best[codes] = costs, best


def _improve(costs: Floats, best: NDArray[np.int8], offered: Floats, action: int) -> None:
    better = offered < costs
    costs[better] = offered[better]
    best[better] = action


def _cost_of_step(world: World, table: _Table, codes: _Codes, step: int, unsolved: Floats, pending: Floats) -> Floats:
    """Expected cost of offering a step and going on in the best way, [code, last, variant and value]."""
    fresh = offer(world, step, unsolved, _NOBODY).cost
    noticed = offer(world, step, _NOBODY, pending[..., None]).cost
    last = 0 if world.is_preparation(step) else step + 1
    onwards = table.costs[codes + 3**step, last] + table.costs[codes + 2 * 3**step, 0]
    return (fresh + onwards)[:, None] + noticed


def _pending(world: World, codes: _Codes, digits: NDArray[np.int8], weights: Floats) -> Floats:
    """Chance of those whose last step helped unnoticed, [code, last, variant and value]."""
    found = np.zeros((len(codes), len(world.steps) + 1, weights.shape[1]))
    for step in range(len(world.steps)):
        done = np.flatnonzero(digits[codes, step] == 1)
        before = weights[codes[done] - 3**step]
        found[done, step + 1] = offer(world, step, before, _NOBODY).pending.sum(-1)
    return found


def _weights(world: World, answers: _Answers) -> Floats:
    """Weights of the unsolved, [code, variant and value, cause]; those of codes that cannot be reached are there too."""
    rows = product(range(len(world.variants)), range(len(world.evidence)))
    weights = np.array([[world.start_weights(*row) for row in rows]])
    for question, answer in zip(world.questions, answers, strict=True):
        weights = weights * (question.chances[:, answer - 1] if answer else 1.0)
    for step in range(len(world.steps)):
        came = offer(world, step, weights, _NOBODY)
        weights = np.concatenate([weights, came.unsolved, came.could_not])
    return weights


def _digits(count: int) -> NDArray[np.int8]:
    """State of each step in each code: 0 untouched, 1 done, 2 could not be done."""
    return (np.arange(3**count, dtype=np.int64)[:, None] // 3 ** np.arange(count, dtype=np.int64) % 3).astype(np.int8)
