"""The synthetic year: batches of sessions, day after day, the same for the same seed and last moment."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import numpy as np

from guiado.app.demo import phrases
from guiado.app.demo.behaviour import Circumstances, Told, live
from guiado.app.demo.customers import Customers, SyntheticCustomer
from guiado.app.demo.demand import ProblemMix, local_seconds, sessions_per_day
from guiado.app.demo.draws import Draws
from guiado.app.demo.openings import Opening, Openings
from guiado.app.demo.rows import Frame, Party, SyntheticSession, rating_row, write_story
from guiado.domain.guide import Guide
from guiado.domain.session import Status
from guiado.domain.step_answer import RECONTACT_WINDOW
from guiado.store.demo import Batch

_BATCH, _FIRST_BATCH = 4_000, 500
"""Sessions of a batch at most; the first ones are smaller, so that something is seen soon."""
_DAY = timedelta(days=1)
_WITHOUT_ADDRESS, _WITH_TICKET = 0.04, 0.35
_CHANNELS = ("web", "web", "web", "web", "api", "api", "facade", "terminal")
_COMES_BACK, _RELAPSES = 0.62, 0.025
_WINDOW_DAYS = 5
"""Days, from the next one on, in which a customer is back whose problem is not solved after all."""
_RATED = {Status.RESOLVED: 0.36, Status.ESCALATED: 0.22, Status.ABANDONED: 0.04}
_HIGHEST = 5


@dataclass(frozen=True, slots=True)
class SyntheticDesk:
    """The desk whose year is made up.

    Args:
        version_ids: guide id -> stored version.
        metadata: of every real session, as detection writes it now.
        failures_allowed: at this many failed attempts a person is called.
    """

    tenant: str
    guides: Mapping[str, Guide]
    version_ids: Mapping[str, str]
    detector_version: str
    metadata: Mapping[str, object]
    failures_allowed: int


@dataclass(frozen=True, slots=True)
class YearSpan:
    """Span of a year: number of sessions and days.

    Args:
        until: nothing happens later; aware, in UTC.
        seed: the same year for the same seed.
    """

    sessions: int
    days: int
    until: datetime
    seed: int

    @property
    def dates(self) -> list[date]:
        """The days, the one of `until` last."""
        last = self.until.astimezone(UTC).date()
        return [last - timedelta(days=back) for back in reversed(range(self.days))]


@dataclass(frozen=True, slots=True, order=True)
class _Return:
    """A customer who will be back: the problem that counted as solved is not."""

    day: int
    number: int
    customer: int
    problem_id: str
    session_id: UUID
    solved_at: datetime


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A session that begins: the customer's day, second of it, and number, and the problem."""

    day: date
    at_s: float
    progress: float
    customer: int
    problem_id: str

    def began(self, customer: SyntheticCustomer) -> datetime:
        """Beginning of the session."""
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return midnight + timedelta(seconds=self.at_s) - timedelta(hours=customer.utc_h)


class Year:
    """Makes the sessions of a span.

    Args:
        desk: with one guide at least.
    """

    def __init__(self, desk: SyntheticDesk, span: YearSpan) -> None:
        random = np.random.default_rng((span.seed, 0))
        self._span, self._tenant = span, desk.tenant
        self._customers = Customers(desk.tenant, span.sessions, random)
        self._openings = Openings(desk.guides, desk.version_ids, desk.failures_allowed)
        self._mix = ProblemMix([desk.guides[each].urgent for each in self._openings.problem_ids], random)
        metadata = {**desk.metadata, "demo": True}
        self._frame = Frame(desk.detector_version, msgspec.Raw(msgspec.json.encode(metadata)))
        self._days = span.dates
        self._counts = sessions_per_day(self._days, span.sessions, _share_of_day(span.until), random)
        self._returns: list[_Return] = []
        self._batch = Batch()
        self._made = 0

    def batches(self) -> Iterator[Batch]:
        """All sessions, in batches of some thousands."""
        for place, count in enumerate(self._counts):
            for _ in self._day(place, count, Draws(self._span.seed, self._days[place].toordinal())):
                if len(self._batch.sessions) >= min(_BATCH, max(_FIRST_BATCH, self._made // 3)):
                    full, self._batch = self._batch, Batch()
                    yield full
        if self._batch.sessions:
            yield self._batch

    def _day(self, place: int, count: int, draws: Draws) -> Iterator[None]:
        day, progress, random = self._days[place], place / len(self._days), draws.random
        shares = self._mix.shares(place, progress)
        problems = random.choice(len(shares), size=count, p=shares).tolist()
        customers = self._customers.draw(count, random)
        seconds = local_seconds(day, count, random).tolist()
        returning = self._returning(place, count, random)
        for turn, (at_s, problem, number) in enumerate(zip(seconds, problems, customers, strict=True)):
            problem_id = self._openings.problem_ids[self._forced(problem)]
            wanted = _Wanted(day, at_s, progress, number, problem_id)
            self._session(wanted, returning.get(turn), draws)
            yield

    def _returning(self, place: int, count: int, random: np.random.Generator) -> dict[int, _Return]:
        """The customers who are back on a day, by their turn among its sessions."""
        due = list[_Return]()
        while self._returns and self._returns[0].day <= place and len(due) < count:
            due.append(heapq.heappop(self._returns))
        turns = random.permutation(count)[: len(due)].tolist()
        return dict(zip(turns, due, strict=True))

    def _forced(self, drawn: int) -> int:
        """Every problem of the knowledge base comes up, even in a short span: now and then it is simply the next one's turn."""
        count, every = len(self._openings.problem_ids), max(2, self._span.sessions // (2 * len(self._openings.problem_ids)))
        return self._made // every % count if self._made % every == 0 else drawn

    def _session(self, wanted: _Wanted, back: _Return | None, draws: Draws) -> None:
        number, problem_id = (back.customer, back.problem_id) if back else (wanted.customer, wanted.problem_id)
        customer = self._customers.get(number)
        opening = self._openings.make(problem_id, customer.language, draws, comes_back=back is not None)
        began = wanted.began(customer)
        around = Circumstances(customer, wanted.progress, back is not None, began, self._span.until)
        told = _begun(opening, draws)
        live(told, opening.guide, around, draws)
        began = _early_enough(began, sum(told.gaps_s), self._span.until)
        story = SyntheticSession(self._party(customer, back, began, draws), opening, told, began)
        write_story(story, self._frame, self._batch, draws)
        self._made += 1
        returns = self._may_return(story, number, draws)
        if draws.happens(_RATED.get(story.session.status, 0.0)):
            self._rate(story, draws, is_let_down=returns)

    def _party(self, customer: SyntheticCustomer, back: _Return | None, began: datetime, draws: Draws) -> Party:
        known = back is not None or not draws.happens(_WITHOUT_ADDRESS)
        ticket_id = f"DEMO-{self._span.seed}-{self._made:07}" if draws.happens(_WITH_TICKET) else None
        doubted = back is not None and back.solved_at < began < back.solved_at + RECONTACT_WINDOW
        recontact_of = back.session_id if back is not None and doubted else None
        return Party(draws.new_id(began), customer if known else None, draws.one_of(_CHANNELS), ticket_id, recontact_of)

    def _may_return(self, story: SyntheticSession, number: int, draws: Draws) -> bool:
        """Note whether the customer will be back within the week; only somebody with an address is known to be."""
        problem_id, solved_at = story.session.problem_id, story.at(story.session.resolved_at)
        if solved_at is None or problem_id is None or story.party.customer is None or story.told.agent_minutes is not None:
            return False
        returns = draws.happens(_RELAPSES if story.told.is_fixed else _COMES_BACK)
        if returns:
            day = solved_at.date().toordinal() - self._days[0].toordinal() + 1 + draws.below(_WINDOW_DAYS)
            heapq.heappush(self._returns, _Return(day, self._made, number, problem_id, story.party.session_id, solved_at))
        return returns

    def _rate(self, story: SyntheticSession, draws: Draws, *, is_let_down: bool) -> None:
        at = story.ended_at + timedelta(seconds=draws.about(240, 0.9))
        if at >= self._span.until:
            return
        liked = 4.7 - 0.12 * story.session.attempts if story.is_resolved else 2.6
        liked -= (1.4 if is_let_down else 0) + (0.5 if story.session.failures else 0)
        rating = min(_HIGHEST, max(1, round(liked + (draws.fraction() + draws.fraction() - 1) * 1.6)))
        said = phrases.BOOK.pleased if rating >= _HIGHEST - 1 else phrases.BOOK.displeased
        words = draws.one_of(phrases.of(said, story.session.language)) if draws.happens(0.22) and rating != 3 else None  # noqa: PLR2004
        self._batch.ratings.append(rating_row(story, rating, words, at, draws))


def _begun(opening: Opening, draws: Draws) -> Told:
    told = Told(opening.nodes[:1])
    for node in opening.nodes[1:]:
        told.nodes.append(node)
        told.gaps_s.append(draws.about(35, 0.5))
    return told


def _early_enough(began: datetime, lasts_s: float, until: datetime) -> datetime:
    """The beginning of a session, as many days earlier as it takes for all of it to be over."""
    late = began + timedelta(seconds=lasts_s) - until
    return began - _DAY * math.ceil(late / _DAY) if late >= timedelta(0) else began


def _share_of_day(moment: datetime) -> float:
    """Share of its day that is over at a moment."""
    return (moment.hour * 60 + moment.minute) / 1_440
