"""A language model's choice between known problems, where detection is unclear and a model may be asked.

The model is asked before any connection to the database is taken, so that a model that hangs keeps nobody else waiting.

Source: ADR 0012; contract.md §6, rule 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from guiado.app.commands import Start, StartHere
from guiado.app.context import AppContext, Scope
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.ranking import Ranking, verdict_on
from guiado.detection import Candidate
from guiado.detection.verdict import Verdict
from guiado.domain.session import Offer
from guiado.errors import DatabaseUnavailable
from guiado.store.configuration import is_on
from guiado.store.log_rows import Audit

if TYPE_CHECKING:
    from guiado.language_model import LanguageModel, ProblemSummary

RULE = "language-model"
_SWITCH = "enable_llm_enhancement"
_OFFERED = 3


@dataclass(frozen=True, slots=True)
class Opinion:
    """A language model's choice between problems.

    Args:
        model: its name.
        offered: ids of the problems that it could choose from, best first.
        chosen: one of them; None means none of them.
    """

    model: str
    offered: tuple[str, ...]
    chosen: str | None

    def audit(self, caller: Scope) -> Audit:
        """An audit note that a machine chose."""
        detail = {"rule": RULE, "model": self.model, "offered": list(self.offered), "chosen": self.chosen}
        return Audit("machine", "choose_problem", caller.request_id, detail)

    def sign(self, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        """The first offers of a session with the rule that led to them."""
        return tuple(replace(offer, rule=RULE) for offer in offers)


async def is_allowed(parts: AppContext) -> bool:
    """Whether the operator's switch in the database lets a model help; it is read each time."""
    try:
        async with parts.connection() as connection:
            return await is_on(connection, parts.tenant, _SWITCH)
    except DatabaseUnavailable:  # what follows finds out by itself
        return False


async def second_opinion(
    parts: AppContext, model: LanguageModel | None, ranking: Ranking, command: Start | StartHere
) -> Opinion | None:
    """Ask the model which of the likely problems a description is about.

    Args:
        model: None where none is in use.
        ranking: of the description.
        command: checked input.

    Returns:
        Its opinion; None where detection is sure by itself, no model may be asked, or no usable answer came in time.
    """
    if model is None:
        return None
    known = tuple(filter(None, (command.customer_name, command.customer_email)))
    return await opinion_on(parts, model, ranking, known)


async def opinion_on(parts: AppContext, model: LanguageModel, ranking: Ranking, known: tuple[str, ...] = ()) -> Opinion | None:
    """Ask the model as `second_opinion` does, for a text alone.

    Args:
        known: personal data that must not leave.
    """
    snapshot, ranked = ranking.snapshot, ranking.candidates[: _OFFERED + 1]
    verdict, _ = verdict_on(ranking.reading, snapshot.guides, parts.threshold, parts.accept_from)
    if verdict is not Verdict.UNCLEAR or not await is_allowed(parts):
        return None
    from guiado.language_model import choose  # most processes ask no model

    options = [_option(snapshot, candidate) for candidate in ranked[:_OFFERED] if candidate.problem_id in snapshot.guides]
    choice = await choose(model, ranking.text, options, known)
    return Opinion(model.name, tuple(option.problem_id for option in options), choice.problem_id) if choice else None


def heed(opinion: Opinion, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with the chosen one first; their confidences stay what they are."""
    return tuple(sorted(candidates, key=lambda candidate: candidate.problem_id != opinion.chosen))


def _option(snapshot: Snapshot, candidate: Candidate) -> ProblemSummary:
    from guiado.language_model import ProblemSummary

    guide = snapshot.guides[candidate.problem_id]
    return ProblemSummary(candidate.problem_id, guide.problem_title, guide.problem_description)
