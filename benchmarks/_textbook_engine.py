"""A guidance engine as textbooks have it, to compare with: one cause a session, counts, p/c, the best prefix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from guiado.guidance.simulation.ratio import MOST_CERTAIN, RatioStep, decide_by_ratio
from guiado.guidance.wire import WireDecision, WireGuide, WireHistory

PRIOR_SESSIONS, PRIOR_MINUTES = 8.0, 4.0
"""How many sessions the author's chances are worth, and the author's minutes."""
OPTIMISM = 0.5
"""Standard deviations that are added to a chance for the question whether to stop."""
_OTHER = ""
_DRAWS = 4_000


class TextbookEngine:
    """Learns how frequent the causes of a guide's steps are, for each variant apart; evidence and questions are not used."""

    def __init__(self) -> None:
        self._guides: dict[str, _Counts] = {}

    def start(self, guide: WireGuide) -> None:
        """Take a guide as its author knows it."""
        self._guides[guide["guide_id"]] = _Counts(guide)

    def next(self, history: WireHistory) -> WireDecision:
        """The first step of the best prefix of what is left."""
        counts = self._guides[history["guide_id"]]
        tried = {event["id"] for event in history["events"] if event["kind"] == "step"}
        done = _done(history)
        a = counts.of(history["variant"])
        left = sum(number for cause, number in a.items() if cause not in done)
        shares = {cause: number / left for cause, number in a.items()}
        steps = [
            RatioStep(
                step["id"], shares.get(step["id"], 0.0), counts.minutes(step["id"]) + step["risk_minutes"], tuple(step["after"])
            )
            for step in counts.guide["steps"]
            if step["id"] not in tried
        ]
        hoped = {step.step_id: step.p + OPTIMISM * (step.p * (1 - step.p) / (left + 1)) ** 0.5 for step in steps if step.p}
        return decide_by_ratio(steps, done, counts.guide["c_esc_minutes"], hoped)

    def record(self, session: WireHistory) -> None:
        """Count a session: for the step that solved it, or in parts for all causes that are left."""
        counts = self._guides[session["guide_id"]]
        counts.add_minutes(session)
        solved = [event["id"] for event in session["events"] if event.get("outcome") == "solved"]
        counts.add(session, {solved[0]: 1.0} if solved else counts.left(session))

    def amend(self, guide_id: str, session_id: str) -> None:
        """Take a success back."""
        counts = self._guides[guide_id]
        session = counts.forget(session_id)
        counts.add(session, counts.left(session))

    def claims(self, guide_id: str, variant: str) -> dict[str, tuple[float, float, float]]:
        """Mean and Beta interval of each step's chance."""
        a = self._guides[guide_id].of(variant)
        total, rng, found = sum(a.values()), np.random.default_rng(0), dict[str, tuple[float, float, float]]()
        for step_id in a.keys() - {_OTHER}:
            low, high = np.quantile(rng.beta(a[step_id] + 1e-6, total - a[step_id], _DRAWS), [0.025, 0.975])
            found[step_id] = (a[step_id] / total, float(low), float(high))
        return found

    def expected_cost(self, guide_id: str, variant: str, order: Sequence[str]) -> float:
        """Minutes of an order, a human after the last."""
        counts = self._guides[guide_id]
        a, risks = counts.of(variant), {step["id"]: step["risk_minutes"] for step in counts.guide["steps"]}
        left, spent = 1.0, 0.0
        for step_id in order:
            spent += left * (counts.minutes(step_id) + risks[step_id])
            left -= a.get(step_id, 0.0) / sum(a.values())
        return spent + left * counts.guide["c_esc_minutes"]


class _Counts:
    """Counts of one guide."""

    def __init__(self, guide: WireGuide) -> None:
        self.guide = guide
        chances = {step["id"]: max(step["author_p"], 0.01) for step in guide["steps"] if not step["preparation"]}
        share = min(1.0, MOST_CERTAIN / sum(chances.values()))
        prior = {step_id: chance * share for step_id, chance in chances.items()}
        self._prior = {**prior, _OTHER: 1 - sum(prior.values())}
        self._of = {variant: {cause: p * PRIOR_SESSIONS for cause, p in self._prior.items()} for variant in guide["variants"]}
        self._minutes = {step["id"]: [step["author_minutes"] * PRIOR_MINUTES, PRIOR_MINUTES] for step in guide["steps"]}
        self._sessions: dict[str, tuple[WireHistory, Mapping[str, float]]] = {}

    def of(self, variant: str) -> dict[str, float]:
        """Cause -> count."""
        return self._of[variant]

    def minutes(self, step_id: str) -> float:
        """Mean minutes of a step."""
        total, number = self._minutes[step_id]
        return total / number

    def add_minutes(self, session: WireHistory) -> None:
        """Learn from the minutes of steps that were done."""
        for event in session["events"]:
            if event["kind"] == "step" and event.get("outcome") != "could_not":
                self._minutes[event["id"]][0] += event.get("minutes", 0.0)
                self._minutes[event["id"]][1] += 1

    def left(self, session: WireHistory) -> dict[str, float]:
        """One session in parts, for the causes that what was tried does not exclude."""
        done = _done(session)
        if not done:
            return {}
        weights = {cause: number for cause, number in self.of(session["variant"]).items() if cause not in done}
        return {cause: weight / sum(weights.values()) for cause, weight in weights.items()}

    def add(self, session: WireHistory, parts: Mapping[str, float]) -> None:
        """Count a session."""
        a = defaultdict(float, self.of(session["variant"]))
        for cause, part in parts.items():
            a[cause] += part if cause in self._prior else 0.0
        self._of[session["variant"]] = {cause: a[cause] for cause in self._prior}
        self._sessions[session["session_id"]] = session, parts

    def forget(self, session_id: str) -> WireHistory:
        """Take a session out of the counts."""
        session, parts = self._sessions.pop(session_id)
        a = self.of(session["variant"])
        for cause, part in parts.items():
            if cause in a:
                a[cause] = max(a[cause] - part, 1e-3)
        return session


def _done(history: WireHistory) -> set[str]:
    return {event["id"] for event in history["events"] if event["kind"] == "step" and event.get("outcome") != "could_not"}


def make() -> TextbookEngine:
    """A new engine."""
    return TextbookEngine()
