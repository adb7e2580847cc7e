"""Engine of guidance as plain JSON: start a guide, ask what is next, record what came of it.

The product serves the same plans through its own types; this is the door for benchmarks and for other programs.

Source: research/guidance-engine.md (protocol).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from guiado.guidance.compiled import CompiledGuide, compile_guide
from guiado.guidance.facts import Costs, GuideFacts, QuestionFacts, StepFacts
from guiado.guidance.learning import fit
from guiado.guidance.patterns import ABANDONED, ASK, COULD_NOT, DONE, SOLVED, STEP, Pattern, PatternCount, PatternEvent, StepTime
from guiado.guidance.plan import PERSON_ACTION, Choice, GuidePlan, Progress
from guiado.guidance.wire import WireDecision, WireEvent, WireGuide, WireHistory, WireStep

_GROWTH = 0.04
"""Share of new sessions after which a guide is fitted anew."""
_BLOCK = 5
"""Sessions of the finest block of time."""
_MOST_TIMES = 10.0
"""Most minutes of an attempt, in multiples of the author's: a page left open overnight says nothing about its step."""


@dataclass
class _Desk:
    """All that the engine knows of one guide."""

    guide: CompiledGuide
    plan: GuidePlan
    counts: dict[tuple[Pattern, int], int] = field(default_factory=dict[tuple[Pattern, int], int])
    ended: dict[str, tuple[Pattern, int]] = field(default_factory=dict[str, tuple[Pattern, int]])
    times: dict[str, StepTime] = field(default_factory=dict[str, StepTime])
    sessions: int = 0
    fitted: int = 0
    news: int = 0


class Engine:
    """An engine that orders steps, asks, stops and learns, over any number of guides."""

    def __init__(self) -> None:
        self._desks: dict[str, _Desk] = {}

    def start(self, guide: WireGuide, /) -> None:
        """Start a guide, or a new version of one; what is known of the steps that it keeps stays known."""
        compiled = compile_guide(_facts_of(guide))
        before = self._desks.get(compiled.facts.guide_id)
        desk = _Desk(compiled, GuidePlan(compiled, fit(compiled, (), {})))
        if before is not None:
            desk.counts, desk.ended, desk.times = before.counts, before.ended, before.times
            desk.sessions = desk.news = before.sessions
        self._desks[compiled.facts.guide_id] = desk

    def next(self, history: WireHistory, /) -> WireDecision:
        """What to do next in a session."""
        desk = self._desk(history["guide_id"])
        choice = desk.plan.choose(_progress_of(history))
        return {
            "decision": choice.action,
            "id": choice.target,
            "reason": _why(choice),
            "propensity": choice.propensity,
            "explore": choice.explored,
        }

    def record(self, session: WireHistory, /) -> None:
        """Record a session that ended."""
        desk = self._desks[session["guide_id"]]
        pattern = _pattern_of(session)
        key = (pattern, desk.sessions // _BLOCK)
        desk.counts[key] = desk.counts.get(key, 0) + 1
        desk.ended[session["session_id"]] = key
        desk.sessions, desk.news = desk.sessions + 1, desk.news + 1
        for event in session.get("events", ()):
            if event["kind"] == STEP and _result_of(event) != COULD_NOT and (minutes := event.get("minutes")) is not None:
                _time(desk, event["id"], float(minutes))

    def amend(self, guide_id: str, session_id: str, /) -> None:
        """Note that a customer came back, so that "solved" was false."""
        desk = self._desks[guide_id]
        if (key := desk.ended.get(session_id)) is None or key[0].returned or key[0].end != SOLVED:
            return
        pattern, block = key
        amended = (Pattern(pattern.events, pattern.end, pattern.variant, pattern.evidence, pattern.left_in, returned=True), block)
        desk.counts[key] -= 1
        if not desk.counts[key]:
            del desk.counts[key]
        desk.counts[amended] = desk.counts.get(amended, 0) + 1
        desk.ended[session_id], desk.news = amended, desk.news + 1

    def claims(self, guide_id: str, variant: str, /) -> dict[str, tuple[float, float, float]]:
        """The chance of each step, if it is offered first, with its 95 % interval."""
        found = self._desk(guide_id).plan.claims(variant or "")
        return {step_id: (each.chance, each.low, each.high) for step_id, each in found.items()}

    def expected_cost(self, guide_id: str, variant: str, order: Sequence[str], /) -> float:
        """The expected minutes of a session in an order of steps, with a person after the last."""
        return self._desk(guide_id).plan.expected_cost(variant or "", order)

    def _desk(self, guide_id: str) -> _Desk:
        """The guide, fitted anew where enough came in."""
        desk = self._desks[guide_id]
        if desk.news and desk.news >= _GROWTH * desk.sessions:
            counts = [PatternCount(pattern, block, number) for (pattern, block), number in desk.counts.items()]
            before = desk.plan.posterior if desk.fitted else None
            posterior = fit(desk.guide, counts, desk.times, before, seed=desk.sessions)
            desk.plan, desk.fitted, desk.news = GuidePlan(desk.guide, posterior), desk.sessions, 0
        return desk


def make() -> Engine:
    """Make an engine."""
    return Engine()


def _time(desk: _Desk, step_id: str, minutes: float) -> None:
    place = desk.guide.place.get(step_id)
    if place is None or not 0 <= minutes < float("inf"):
        return
    before = desk.times.get(step_id, StepTime(0, 0.0))
    most = _MOST_TIMES * float(desk.guide.minutes[place])
    desk.times[step_id] = StepTime(before.attempts + 1, before.minutes + min(minutes, most))


def _why(choice: Choice) -> str:
    """The comparison that decided, in minutes."""
    if choice.action != PERSON_ACTION:
        return f"{choice.minutes:.1f} min < {choice.person_minutes:.1f} min"
    return f"{choice.person_minutes:.1f} min < {choice.scores[0].minutes:.1f} min" if choice.scores else "nothing left"


def _facts_of(guide: WireGuide) -> GuideFacts:
    usual = Costs()
    costs = Costs(
        guide.get("c_esc_minutes", usual.person),
        guide.get("abandon_penalty_minutes", usual.leaving),
        guide.get("recontact_penalty_minutes", usual.recontact),
    )
    steps = sorted(guide["steps"], key=lambda each: each.get("author_position", 0))
    return GuideFacts(
        guide["guide_id"],
        str(guide.get("guide_version", "")),
        tuple(_step_of(each) for each in steps),
        costs,
        tuple(guide.get("variants") or ()),
        tuple(QuestionFacts(each["id"], float(each["minutes"]), each["answers"]) for each in guide.get("questions") or ()),
        dict(guide.get("evidence") or {}),
    )


def _step_of(raw: WireStep) -> StepFacts:
    return StepFacts(
        raw["id"], raw.get("author_p"), raw.get("author_minutes"), bool(raw.get("preparation")), bool(raw.get("irreversible")),
        float(raw.get("risk_minutes") or 0.0), tuple(raw.get("after") or ()),
    )  # fmt: skip


def _progress_of(history: WireHistory) -> Progress:
    events = history.get("events") or ()
    steps = [each for each in events if each["kind"] == STEP]
    return Progress(
        history.get("variant") or "",
        history.get("evidence") or "",
        tuple(each["id"] for each in steps if _result_of(each) != COULD_NOT),
        tuple(each["id"] for each in steps if _result_of(each) == COULD_NOT),
        {each["id"]: _result_of(each) for each in events if each["kind"] == ASK},
        str(history.get("session_id") or ""),
    )


def _pattern_of(session: WireHistory) -> Pattern:
    events = tuple(PatternEvent(each["kind"], each["id"], _result_of(each)) for each in session.get("events") or ())
    end = session.get("end", ABANDONED)
    left_in = session.get("abandoned_in") if end == ABANDONED else None
    return Pattern(events, end, session.get("variant") or "", session.get("evidence") or "", left_in)


def _result_of(event: WireEvent) -> str:
    """The outcome of a step, or the answer to a question."""
    return event.get("outcome", DONE) if event["kind"] == STEP else event.get("answer", "")
