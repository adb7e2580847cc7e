"""Courses of synthetic sessions: what the state machine of a session decides on a sequence of commands.

Many sessions take the same course, with other people at other times. Each decision is made once, by `domain.decide`, at a moment
that stands for its place in the sequence; whoever writes a session down puts the real moments there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

from guiado.domain.clarification import Clarification, Considered, Declared, Pick
from guiado.domain.decide import begin, decide
from guiado.domain.decision import Decision
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.domain.policy import AUTHOR_ORDER
from guiado.domain.session import Actor, Attempt, Offer, Outcome, Session
from guiado.domain.session_commands import Abandon, Alarm, Answer, ClarifyProblem, EscalateSession, ResolveSession, SessionCommand
from guiado.i18n import translate

_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_NODES = 60_000
PERSON, TAKEN, CLOSED, LEFT, EXPIRED, PICKED = "person", "taken", "closed", "left", "expired", "picked"
"""Moves that are no answer to a step: the customer asks for a person; an agent takes over, or closes; nobody does anything more;
the customer picks the problem."""
_COMMANDS: Mapping[str, SessionCommand] = {
    **{outcome.value: Answer(outcome) for outcome in Outcome},
    PERSON: EscalateSession(by=Actor.CUSTOMER),
    TAKEN: EscalateSession(by=Actor.AGENT),
    CLOSED: ResolveSession(by=Actor.AGENT),
    LEFT: Abandon(),
    EXPIRED: Abandon(expired=True),
}


def _moment(depth: int) -> datetime:
    return _ORIGIN + timedelta(seconds=depth)


def depth_of(moment: datetime | None) -> int | None:
    """Place in the sequence for which a moment of a course stands; None for None."""
    return None if moment is None else (moment - _ORIGIN).seconds


@dataclass(frozen=True, slots=True)
class WrittenOffer:
    """An offer as it is written down, but for its session and moment.

    Args:
        steps: the candidate steps, as JSON.
        weighed: whether the problems that were weighed stand before them.
    """

    offer: Offer
    steps: msgspec.Raw
    weighed: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """The guide version that a course follows, in one language, with the failures after which a person is called."""

    guide: Guide
    version_id: str
    language: str
    failures_allowed: int


@dataclass(slots=True)
class Node:
    """A place in a course: the state of the session after a sequence of commands.

    Args:
        depth: number of commands so far.
        attempt: the last command, where it was an answer to a step.
        since: depth of the activity before, from which the attempt's duration counts.
        answers: of the session, as JSON.
    """

    session: Session
    depth: int
    offers: tuple[WrittenOffer, ...]
    attempt: Attempt | None
    since: int
    answers: msgspec.Raw
    followed: Followed | None
    courses: Courses
    _after: dict[str, Node] = field(default_factory=dict[str, "Node"])

    def after(self, move: str) -> Node:
        """The place after one more move."""
        return self.then(move, _COMMANDS[move], self.followed)

    def then(self, move: str, command: SessionCommand, followed: Followed | None) -> Node:
        """The place after a move that is this command, and from which a guide is followed."""
        known = self._after.get(move)
        if known is None:
            known = self._after[move] = self.courses.next(self, command, followed)
        return known


class Courses:
    """All courses of a load, as far as they were needed; forgotten when they are too many."""

    def __init__(self) -> None:
        self._roots: dict[object, Node] = {}
        self._count = 0

    def plain(self, followed: Followed, tried: tuple[dict[str, object], ...], alarm: Alarm | None) -> Node:
        """The beginning of a guide whose problem was recognised.

        Args:
            tried: the steps that the customer said they did.
            alarm: what the customer's words set off.
        """
        key = (followed.version_id, followed.language, msgspec.json.encode(tried), alarm)
        if key not in self._roots:
            self._forget()
            self._roots[key] = self._begin(followed, tried, alarm)
        return self._roots[key]

    def without_guide(self, language: str, instead: Declared | None) -> Node:
        """The beginning of a session about no known problem."""
        key = (language, instead.kind if instead else None)
        if key not in self._roots:
            session = replace(_new(language), message_kind=instead.kind if instead else MessageKind.PROBLEM)
            self._roots[key] = self._node(begin(session, None, _ORIGIN, speak=translate, instead=instead), 0, 0, None)
        return self._roots[key]

    def clarified(self, followed: Followed, asked: Clarification, considered: Considered, confidence: float) -> list[Node]:
        """The first two places of a session whose customer chose the problem from several."""
        key = (followed.version_id, followed.language, confidence)
        if key not in self._roots:
            self._forget()
            begun = begin(_new(followed.language), None, _ORIGIN, asked=asked, considered=considered, speak=translate)
            self._roots[key] = self._node(begun, 0, 0, None)
        root, guide = self._roots[key], followed.guide
        title = guide.in_language(followed.language).problem_title
        pick = Pick(guide, followed.version_id, title, confidence)
        command = ClarifyProblem({"problem_id": guide.problem_id}, pick, considered)
        return [root, root.then(PICKED, command, followed)]

    def next(self, node: Node, command: SessionCommand, followed: Followed | None) -> Node:
        """The place after a command."""
        depth, guide = node.depth + 1, node.followed.guide if node.followed else None
        allowed = followed.failures_allowed if followed else 2
        decided = decide(node.session, guide, command, _moment(depth), failures_allowed=allowed, speak=translate)
        if not isinstance(decided, Decision):
            raise TypeError(command)  # a move of a course is never a repetition
        since = depth_of(node.session.updated_at) or 0
        return self._node(decided, depth, since, followed, weighs=isinstance(command, ClarifyProblem))

    def _begin(self, followed: Followed, tried: tuple[dict[str, object], ...], alarm: Alarm | None) -> Node:
        guide = followed.guide
        session = Session(
            session_id="",
            customer_email=None,
            problem_description="",
            started_at=_ORIGIN,
            updated_at=_ORIGIN,
            total_steps=len(guide.steps),
            problem_id=guide.problem_id,
            problem_title=guide.in_language(followed.language).problem_title,
            guide_version_id=followed.version_id,
            language=followed.language,
            facts={"already_tried": tried},
        )
        return self._node(begin(session, guide, _ORIGIN, speak=translate, alarm=alarm, policy=AUTHOR_ORDER), 0, 0, followed)

    def _node(self, decided: Decision, depth: int, since: int, followed: Followed | None, *, weighs: bool = True) -> Node:
        self._count += 1
        written = tuple(
            WrittenOffer(offer, _json([each for each in offer.candidates if "step_id" in each]), weighed=weighs and place == 0)
            for place, offer in enumerate(decided.offers)
        )
        answers = _json(decided.session.answers)
        return Node(decided.session, depth, written, decided.attempt, since, answers, followed, self)

    def _forget(self) -> None:
        if self._count > _MOST_NODES:
            self._roots.clear()
            self._count = 0


def _json(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _new(language: str) -> Session:
    return Session("", None, "", _ORIGIN, _ORIGIN, language=language)
