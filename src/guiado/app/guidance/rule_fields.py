"""Fields of the rules of a guide, as a caller gives them and as they are stored.

Source: ADR 0046.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from guiado.app.validation import Command, Line
from guiado.guidance.facts import Costs

_MOST_STEPS = 500
Minutes = Annotated[float, Meta(ge=0, le=100_000, examples=[45])]


class CostRules(Command):
    """Costs of what may end a session of one guide, in minutes; those that are left out are the installation's."""

    person: Minutes | None = None
    leaving: Minutes | None = None
    recontact: Minutes | None = None


class GuideRules(Command):
    """Rules about the order of a guide's steps; without a field, as the installation is set.

    Args:
        order: author's, learned, or in the shadow of the author's; None for the setting of the installation.
        pinned: step_ids that come first, in this order.
        kept: pairs of step_ids of which the first comes before the second.
        floor: steps that are tried before a person is called.
        explores: whether a step may be offered to learn from it.
    """

    order: Annotated[Literal["author", "learned", "shadow"] | None, Meta(examples=["author"])] = None
    pinned: Annotated[list[Line], Meta(max_length=_MOST_STEPS, examples=[["reinicia-el-router"]])] = msgspec.field(
        default_factory=list[str]
    )
    kept: Annotated[list[tuple[Line, Line]], Meta(max_length=_MOST_STEPS, examples=[[["mira-las-luces", "cambia-el-cable"]]])] = (
        msgspec.field(default_factory=list[tuple[str, str]])
    )
    floor: Annotated[int, Meta(ge=0, le=_MOST_STEPS, examples=[2])] = 0
    explores: bool = True
    costs: CostRules | None = None

    def costs_over(self, usual: Costs) -> Costs:
        """The costs of the guide: its own where it has them, else the usual ones."""
        own = self.costs or CostRules()
        return Costs(
            usual.person if own.person is None else own.person,
            usual.leaving if own.leaving is None else own.leaving,
            usual.recontact if own.recontact is None else own.recontact,
        )
