"""Plays the history of one session again by the rules; see `checker`, which compares. It imports nothing of guiado either."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

Row = asyncpg.Record
RECONTACT = timedelta(days=7)
ENDED = {"resolved", "escalated", "abandoned"}
CHANGING = {"start", "answer", "clarify", "reject", "escalate", "resolve", "abandon", "resume", "undo", "guide_question"}
UNDONE = ("status", "step", "failures", "failed_here", "is_over", "answers", "resolution", "resolved_at", "called_at", "ended_at", "ended_how",
          "ended_by")  # fmt: skip
"""What an answer may change, and its undo brings back."""
UNDO_WINDOW = timedelta(minutes=30)
ASKS = {"question", "options"}
ALARMS = {"urgent", "criterion"}
DECLARED = {"person": "requested", "other": "no-problem", "nothing_said": "no-problem"}
"""The rule by which a person is called for a message that reports no problem."""


@dataclass
class Facts:
    """All rows of one session."""

    row: Row
    audits: list[Row]
    attempts: list[Row]
    decisions: list[Row]
    events: list[Row]
    feedback: list[Row]


def gist(data: dict[str, Any]) -> tuple[Any, ...]:
    """What tells one event of a session from another of its kind."""
    return tuple(data.get(name) for name in ("session_id", "step_number", "outcome", "attempt", "resolution", "rating"))


@dataclass
class Play:
    """The history of one session, played again by the rules."""

    facts: Facts
    guides: dict[Any, dict[str, Any]]
    allowed: int
    guide: uuid.UUID | None = None
    asked: int = 0
    heard: int = 0
    status: str = "started"
    step: int = 0
    failures: int = 0
    failed_here: int = 0
    urgent: bool = False
    is_over: bool = False
    answers: list[tuple[str, str]] = field(default_factory=list)
    question: str | None = None
    told_of: list[tuple[str, str | None, int]] = field(default_factory=list)
    version: int = 0
    answered: int = 0
    taken_back: int = 0
    before: list[dict[str, Any]] = field(default_factory=list)
    offered: int = 0
    resolution: str | None = None
    resolved_at: datetime | None = None
    called_at: datetime | None = None
    ended_at: datetime | None = None
    ended_how: str | None = None
    ended_by: str | None = None
    last: datetime | None = None
    is_told_solved: bool = False
    faults: list[str] = field(default_factory=list)
    told: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of the guide that is followed at the time."""
        return self.guides.get(self.guide, {}).get("steps", [])

    @property
    def is_urgent_guide(self) -> bool:
        """Whether the guide that is followed calls a person at once."""
        return bool(self.guides.get(self.guide, {}).get("urgent"))

    def run(self) -> None:
        """Play everything; LookupError where the rows make no history."""
        for audit in self.facts.audits:
            if audit["action"] in CHANGING:
                self._play(audit)
        if sum(attempt["retracted_at"] is not None for attempt in self.facts.attempts) != self.taken_back:
            self.faults.append(f"{self.taken_back} answers were taken back, the attempts say otherwise")
        rest = len(self.facts.attempts) - self.answered, len(self.facts.decisions) - self.offered
        if any(rest):
            self.faults.append(f"rows that no audited command left: {rest[0]} attempts, {rest[1]} decisions")
        for rating in self.facts.feedback:
            self._tell("feedback_received", rating=rating["rating"])

    def expected(self) -> dict[str, Any]:
        """What the row must say."""
        row = self.facts.row
        expected = {
            "status": self.status,
            "current_step": self.step,
            "guide_version_id": self.guide,
            "total_steps": len(self.steps),
            "offered_step_id": self.steps[self.step]["step_id"] if self.step < len(self.steps) and not self.is_over else None,
            "asked_question_id": self.question,
            "failures": self.failures,
            "attempts": self.answered - self.taken_back,
            "decisions": self.offered,
            "version": self.version,
            "urgent": self.urgent,
            "resolution": self.resolution,
            "resolved_at": self.resolved_at,
            "escalated_at": self.called_at,
            "ended_at": self.ended_at,
            "ended_how": self.ended_how,
            "ended_by": self.ended_by,
            "recontact_until": self.resolved_at + RECONTACT if self.resolved_at and not self.is_told_solved else None,
            "started_at": self.facts.audits[0]["at"] if self.facts.audits else None,
            "updated_at": self.last,
        }
        said = [each["said"] is not None for each in row["clarifications"]]
        if (len(said), sum(said)) != (self.asked, self.heard):
            self.faults.append(f"{said} was asked and answered, the history says {self.asked} and {self.heard}")
        kept = [(each["step_id"], each["outcome"]) for each in row["answers"]]
        if kept != self.answers:
            self.faults.append(f"the answers kept are {kept}, the history says {self.answers}")
        if self._said_of_questions() != self.told_of:
            self.faults.append(f"of questions it keeps {self._said_of_questions()}, the history says {self.told_of}")
        has_reason = row["escalation_reason"] is not None
        return expected | ({} if has_reason == (self.called_at is not None) else {"escalation_reason": "the opposite"})

    def _play(self, audit: Row) -> None:
        action, detail, was = audit["action"], audit["detail"], self.status
        if (action == "start") != (self.version == 0):
            raise LookupError(f"it does not begin with exactly one start, but with {action} as change {self.version + 1}")
        takes = {
            "resolved": {"escalate", "undo"},
            "escalated": {"escalate", "resolve"},
            "abandoned": {"escalate", "resolve", "resume"},
        }
        if was in ENDED and action not in takes[was]:
            self.faults.append(f"{action} was taken when it was {was} already")
        self.version += 1
        if action != "abandon":
            self.last = audit["at"]
        getattr(self, f"_{action}")(audit)
        if action != "start" and (detail.get("before"), detail.get("after")) != (was, self.status):
            self.faults.append(f"{action} was audited as {detail}, the history says {was} to {self.status}")

    def _start(self, audit: Row) -> None:
        self._tell("session_started")
        self._turn(audit, "nothing-detected")

    def _clarify(self, audit: Row) -> None:
        if self.guide is not None or self.heard == self.asked:
            self.faults.append("something was clarified that was not asked")
        self.heard += 1
        said = self._said(self.asked - 1)
        self._turn(audit, "none-of-them" if "none" in said else "nothing-detected")

    def _reject(self, audit: Row) -> None:
        if self.guide is None:
            self.faults.append("a guide was rejected where none was followed")
        self.asked += 1
        self.heard += 1
        self._said(self.asked - 1)
        self.urgent = self.urgent and not self.is_urgent_guide
        self._turn(audit, "none-of-them")

    def _said(self, place: int) -> dict[str, Any]:
        turns = self.facts.row["clarifications"]
        if place >= len(turns) or turns[place]["said"] is None:
            raise LookupError(f"clarification {place + 1} of {len(turns)} was not answered")
        return turns[place]["said"]

    def _turn(self, audit: Row, rule: str) -> None:
        """It goes on with the first step of a guide, with a question, or with a person."""
        named = audit["detail"].get("guide_version_id")
        self.guide, self.step, self.failed_here, self.answers = uuid.UUID(named) if named else None, 0, 0, []
        self.before, self.question, self.told_of = [], None, []
        if self.steps:
            self._tell("problem_detected")
        if self._next_rule() in ALARMS:
            self._alarm(audit["at"])
        elif self._is_told_solved_by(audit):
            self.is_told_solved = True
            self._end_solved(audit["at"], "customer")
        elif self.is_urgent_guide:
            self.faults.append("an urgent guide called nobody")
        elif self.steps:
            self._offer_next()
        elif self.offered < len(self.facts.decisions) and self.facts.decisions[self.offered]["kind"] in ASKS:
            self.asked += 1
            says_nothing = self._next_rule() == "nothing-said"
            self._offer("nothing-said" if says_nothing else "unclear", kind=self.facts.decisions[self.offered]["kind"])
        else:
            self._call(audit["at"])
            self._offer(DECLARED.get(self.facts.row["message_kind"], rule) if self._next_rule() in DECLARED.values() else rule)

    def _is_told_solved_by(self, audit: Row) -> bool:
        """Whether it is this message that says that all is well."""
        turns = [each for each in self.facts.audits if each["action"] in {"start", "clarify", "reject"}]
        return self.facts.row["message_kind"] == "solved" and not self.steps and audit is turns[-1]

    def _answer(self, audit: Row) -> None:
        if self.step == len(self.steps):
            # With no step open there is nothing to attempt: the customer said that the problem is gone.
            self._resolve(audit)
            return
        self.before.append({name: getattr(self, name) for name in UNDONE} | {"answers": [*self.answers], "place": self.answered})
        if self.question is not None:
            self.told_of.append((self.question, None, len(self.answers)))
            self.question = None
        attempt = self._attempt(audit["at"])
        if self.status == "started":
            self.status = "in_progress"
        if self._next_rule() in ALARMS:
            self._answer_alarm(attempt)
        elif attempt["outcome"] == "could_not":
            self._fail(attempt)
        else:
            self._pass(attempt)

    def _attempt(self, at: datetime) -> Row:
        if self.answered == len(self.facts.attempts):
            raise LookupError(f"{self.answered + 1} answers were audited, {self.answered} attempts are there")
        attempt = self.facts.attempts[self.answered]
        self.answered += 1
        offer = self.facts.decisions[self.offered - 1]
        step = self.steps[self.step]
        wanted = (self.offered, self.step + 1, step["step_id"], step["revision"], at)
        found = tuple(attempt[name] for name in ("decision_number", "step_number", "step_id", "step_revision", "attempted_at"))
        if attempt["guide_version_id"] != self.guide:
            self.faults.append(f"attempt {attempt['id']} belongs to guide {attempt['guide_version_id']}, not {self.guide}")
        offered = tuple(offer[name] for name in ("number", "step_number", "step_id", "step_revision"))
        is_hidden = offer["rule"] in ALARMS  # the step was not shown, and answered all the same
        self.answers.append((step["step_id"], attempt["outcome"]))
        if attempt["author_position"] != step["step_number"]:
            self.faults.append(f"attempt {attempt['id']} is said to be about step {attempt['author_position']} of the guide")
        if found != wanted or (offered != wanted[:4] and not is_hidden):
            self.faults.append(f"attempt {attempt['id']} is {found}, the history says {wanted}")
        return attempt

    def _next_rule(self) -> str | None:
        return self.facts.decisions[self.offered]["rule"] if self.offered < len(self.facts.decisions) else None

    def _alarm(self, at: datetime) -> None:
        """The customer's words, or an urgent guide, call a person; the open step stays on offer where it is shown."""
        rule = self._next_rule()
        self.urgent = self.urgent or rule == "urgent"
        self._call(at)
        self._offer(str(rule))
        if self.step < len(self.steps) and (self.is_urgent_guide or not self.urgent):
            self._offer("still-open", self.step + 1)

    def _answer_alarm(self, attempt: Row) -> None:
        self.step += attempt["success"]
        self.failures += not attempt["success"]
        self.failed_here = 0 if attempt["success"] else self.failed_here + 1
        number = self.step + (not attempt["success"])
        self._tell("step_completed" if attempt["success"] else "step_failed", step_number=number, outcome=attempt["outcome"])
        self._alarm(attempt["attempted_at"])

    def _fail(self, attempt: Row) -> None:
        self.failures += 1
        self.failed_here += 1
        self._tell("step_failed", step_number=self.step + 1, outcome="could_not")
        if self.failures < self.allowed:
            self._tell("retry_attempt", step_number=self.step + 1, attempt=self.failed_here + 1)
            self._offer("try-again", self.step + 1)
            return
        self._call(attempt["attempted_at"])
        self._offer("too-many-failures")
        self._offer("still-open", self.step + 1)

    def _pass(self, attempt: Row) -> None:
        self.step, self.failed_here = self.step + 1, 0
        outcome, was_last = attempt["outcome"], self.step == len(self.steps)
        self._tell("step_completed", step_number=self.step, outcome=outcome)
        if outcome == "solved" or (was_last and outcome == "done"):
            self.is_over = True
            self._end_solved(attempt["attempted_at"], attempt["source"] if outcome == "solved" else "assumed")
        elif was_last:
            self._call(attempt["attempted_at"])
            self._offer("steps-exhausted")
        else:
            self._offer_next()

    def _offer_next(self) -> None:
        """The next step by the author's order; a question of the guide may come before it, once."""
        offer = self.facts.decisions[self.offered] if self.offered < len(self.facts.decisions) else None
        if offer is not None and offer["rule"] == "guide-question":
            self.offered += 1
            answers = [(each["question_id"], each["answer_id"]) for each in offer["candidates"] if "question_id" in each]
            self.question = answers[0][0] if answers else None
            asked = next((each for each in self._questions() if each["id"] == self.question), {"answers": []})
            known = {each[0] for each in self.told_of} | {each["question_id"] for each in self._known()}
            if answers != [(self.question, each["id"]) for each in asked["answers"]] or self.question in known:
                self.faults.append(f"decision {offer['number']} asks {answers}, known are {known}")
            if (offer["number"], offer["kind"], offer["step_id"]) != (self.offered, "question", None):
                self.faults.append(f"decision {offer['number']} is no question")
        self._offer("author-order", self.step + 1)

    def _questions(self) -> list[dict[str, Any]]:
        return self.guides.get(self.guide, {}).get("questions", [])

    def _known(self) -> list[dict[str, Any]]:
        """What the row says was known without asking, of the guide that it ended with."""
        is_last = self.guide == self.facts.row["guide_version_id"]
        return [each for each in self.facts.row["guide_answers"] if each["known"]] if is_last else []

    def _said_of_questions(self) -> list[tuple[str, str | None, int]]:
        kept = self.facts.row["guide_answers"]
        return [(each["question_id"], each["answer_id"], each["after"]) for each in kept if not each["known"]]

    def _guide_question(self, audit: Row) -> None:
        """A question was answered, the open one or again one of which something was known."""
        asked, answer = audit["detail"]["question_id"], audit["detail"]["answer_id"]
        if answer not in {None, *(each["id"] for one in self._questions() if one["id"] == asked for each in one["answers"])}:
            self.faults.append(f"the answer {answer} is none of the question {asked}")
        places = [place for place, told in enumerate(self.told_of) if told[0] == asked]
        if places:
            self.told_of[places[0]] = (asked, answer, self.told_of[places[0]][2])
        elif asked == self.question:
            self.told_of.append((asked, answer, len(self.answers)))
        else:
            raise LookupError("a question was answered that was not asked")
        self.question = None
        self._offer_next()

    def _escalate(self, audit: Row) -> None:
        if self.status != "escalated":
            self.ended_at = audit["at"]
        if self.called_at is None:
            self._call(audit["at"])
        self._offer("requested")
        self.status, self.ended_how, self.ended_by = "escalated", "escalated", audit["detail"].get("ended_by")
        self.resolution = self.resolved_at = None

    def _resolve(self, audit: Row) -> None:
        self._end_solved(audit["at"], audit["detail"].get("ended_by"))

    def _abandon(self, _audit: Row) -> None:
        if self.status in ENDED:
            self.faults.append(f"it was abandoned when it was {self.status}")
        how = "expired" if self.status == "needs_escalation" else "abandoned"
        self.status, self.ended_how, self.ended_by = "abandoned", how, "assumed"
        self.ended_at = self.facts.row["ended_at"]  # it says when it was noticed; no other row does
        self._tell("session_abandoned")

    def _resume(self, _audit: Row) -> None:
        begun = "in_progress" if self.answered > self.taken_back else "started"
        self.status = begun if self.called_at is None else "needs_escalation"
        self.ended_at = self.ended_how = self.ended_by = None
        kind = self.facts.decisions[self.offered]["kind"] if self.offered < len(self.facts.decisions) else None
        is_open = self.step < len(self.steps) and (self.is_urgent_guide or not self.urgent)
        if self.question is not None and is_open:
            self._offer("resumed", None, "question")
            kind = None
        self._offer("resumed", self.step + 1 if is_open else None, kind if kind in ASKS else None)

    def _undo(self, audit: Row) -> None:
        """The last answer is taken back: all is as before it, and what was offered is offered again."""
        if not self.before:
            raise LookupError("an answer was taken back where none was left")
        before = self.before.pop()
        attempt = self.facts.attempts[before.pop("place")]
        ended_by_it = self.ended_at in {None, attempt["attempted_at"]}
        late = audit["at"] - attempt["attempted_at"] > UNDO_WINDOW
        if attempt["retracted_at"] != audit["at"] or not ended_by_it or (late and before["status"] != self.status == "resolved"):
            self.faults.append(f"attempt {attempt['id']} was taken back at {audit['at']}, and says {attempt['retracted_at']}")
        for name, value in before.items():
            setattr(self, name, value)
        self.taken_back += 1
        self.question = None
        self.told_of = [(asked, said, min(after, len(self.answers))) for asked, said, after in self.told_of]
        is_open = self.is_urgent_guide or not self.urgent
        self._offer("undone", self.step + 1 if is_open else None)

    def _end_solved(self, at: datetime, by: str | None) -> None:
        self.status, self.ended_how, self.ended_by = "resolved", "solved", by
        self.resolution = "assumed" if by == "assumed" else "confirmed"
        self.resolved_at = self.ended_at = at
        self._tell("session_resolved", resolution=self.resolution)

    def _call(self, at: datetime) -> None:
        """A person is needed; others are told once."""
        self.status = "needs_escalation"
        if self.called_at is None:
            self.called_at = at
            self._tell("session_escalated")

    def _offer(self, rule: str, step_number: int | None = None, kind: str | None = None) -> None:
        self.offered += 1
        if self.offered > len(self.facts.decisions):
            raise LookupError(f"decision {self.offered} ({rule}) is missing")
        offer = self.facts.decisions[self.offered - 1]
        kind = kind or ("escalation" if step_number is None else "step")
        if rule == "author-order" and step_number is not None and self._was_tried(step_number, offer):
            rule = "already-tried"
        wanted = (self.offered, kind, rule, step_number)
        self._check_choice(offer)
        found = tuple(offer[name] for name in ("number", "kind", "rule", "step_number"))
        if found != wanted and not (self.version == 1 and offer["rule"] == "language-model" and found[:2] == wanted[:2]):
            self.faults.append(f"decision {self.offered} is {found}, the history says {wanted}")

    def _check_choice(self, offer: Row) -> None:
        """The author's order had every step to choose from that may come next; what a rule forces had itself alone."""
        passed = {step["step_id"] for step in self.steps[: self.step]}
        left = [step["step_id"] for step in self.steps[self.step :] if passed.issuperset(step["after"])]
        had = [each["step_id"] for each in offer["candidates"] if "step_id" in each]
        chosen = tuple(offer[name] for name in ("policy", "policy_version", "explored", "probability"))
        if chosen not in {("author-order", "1", False, 1.0), (None, None, False, 1.0)}:
            self.faults.append(f"decision {offer['number']} says that it was chosen so: {chosen}")
        if had != (left if offer["policy"] else left[:1] if offer["kind"] == "step" else []):
            self.faults.append(f"decision {offer['number']} was chosen among {had}, left were {left}")

    def _was_tried(self, step_number: int, offer: Row) -> bool:
        """Whether the customer said that they did the step; of a guide that was left, only its offer knows."""
        if self.guide != self.facts.row["guide_version_id"]:
            return bool(offer["rule"] == "already-tried")
        step_id = self.steps[step_number - 1]["step_id"]
        return step_id in {tried["step_id"] for tried in self.facts.row["already_tried"] or ()}

    def _tell(self, event: str, **data: Any) -> None:
        self.told.append((event, *gist({"session_id": str(self.facts.row["session_id"]), **data})))
