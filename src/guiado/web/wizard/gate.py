"""Gate of a step's page before the instructions: which variant the customer uses, and whether they know that it is for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from guiado.app.sessions.models import StepOut
from guiado.domain.session import Session, Status
from guiado.http.request import Http
from guiado.web.render import LANGUAGE_FIELD
from guiado.web.wizard.door import CaseDoor, Form

SURE_FIELD = "entiendo"
"""Parameter with the step that the customer knows cannot be undone."""
ALL_FIELD = "todo"
"""Parameter with the step of which the customer wants the instructions for every variant."""
STEPS_FIELD = "pasos"
"""Parameter with which a customer who waits for a person goes on with the steps."""
_WAITS = {Status.NEEDS_ESCALATION, Status.ESCALATED}
_KEPT = (SURE_FIELD, STEPS_FIELD)


@dataclass(frozen=True, slots=True)
class Gate:
    """The questions before the instructions of a step; at most one is asked at once.

    Args:
        asks_variant: whether the customer is to say which variant they use.
        asks_sure: whether they are to say that they know that the step cannot be undone.
        chosen: the title of their variant; empty where it is not known, or makes no difference.
        all_path: address of the page with the instructions of every variant.
        kept: parameters of the address that the forms of the page keep.
    """

    asks_variant: bool
    asks_sure: bool
    chosen: str
    all_path: str
    kept: Mapping[str, str]

    @property
    def is_open(self) -> bool:
        """Whether the instructions are shown."""
        return not (self.asks_variant or self.asks_sure)


def gate_of(request: Http, door: CaseDoor, session: Session, step: StepOut) -> Gate:
    """The gate of a session's open step."""
    given = request.query_params
    asks_variant = bool(step.variants) and step.variant is None and given.get(ALL_FIELD) != step.step_id
    # Who tried it already has read that it cannot be undone.
    is_sure = given.get(SURE_FIELD) == step.step_id or session.failures_at(step.step_id) > 0
    kept = kept_at(session, {name: given.get(name, "") for name in _KEPT}, door.wished)
    return Gate(
        asks_variant=asks_variant,
        asks_sure=step.irreversible and not is_sure and not asks_variant,
        chosen=next((each.title for each in step.variants if each.id == step.variant), ""),
        all_path=door.case_with({**kept, ALL_FIELD: step.step_id}),
        kept=kept | ({ALL_FIELD: step.step_id} if given.get(ALL_FIELD) == step.step_id else {}),
    )


def kept_at(session: Session, given: Mapping[str, str], language: str) -> dict[str, str]:
    """The parameters that the addresses and forms of a step's page keep.

    Args:
        given: those of the page's own address.
        language: that the page was asked for in; "" for the session's.
    """
    steps = {STEPS_FIELD: "1"} if session.status in _WAITS else {}
    sure = {SURE_FIELD: given[SURE_FIELD]} if given.get(SURE_FIELD) else {}
    return {**sure, **steps, **({LANGUAGE_FIELD: language} if language else {})}


def place_after(form: Form) -> str:
    """The place that a form of the step's page leads back to, with what its address said."""
    kept = {name: value for name in _KEPT if (value := form.get(name, ""))}
    return f"caso?{urlencode(kept)}" if kept else "caso"
