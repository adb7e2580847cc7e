"""Rewording of a step in the customer's own way of speaking, where a language model may be used for that.

Source: ADR 0012; contract.md §1, format_step_response.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guiado.app.context import AppContext
from guiado.app.sessions import answer
from guiado.app.sessions.llm_choice import is_allowed
from guiado.errors import DatabaseUnavailable, SessionNotFound
from guiado.text.json_shapes import items_in

if TYPE_CHECKING:
    from guiado.language_model import LanguageModel, StepTexts


async def reword_step(parts: AppContext, model: LanguageModel, step: Mapping[str, Any]) -> Mapping[str, Any]:
    """A step with its description, instructions and expected result reworded; title, warnings and resources stay as they are.

    Args:
        step: as the facade gives it; its session is looked up for how the customer speaks.

    Returns:
        The step itself where no model may be asked, there is no answer, or the answer does not say the same.
    """
    texts = _texts(step)
    try:
        sample = await _sample(parts, step.get("session_id")) if texts and await is_allowed(parts) else None
    except (DatabaseUnavailable, SessionNotFound):
        sample = None
    if texts is None or sample is None:
        return step
    from guiado.language_model import rewrite  # most processes ask no model

    said, known = sample
    reworded = await rewrite(model, texts, said, known)
    return {
        **step,
        "description": reworded.description,
        "instructions": list(reworded.instructions),
        "expected_result": reworded.expected_result,
    }


def _texts(step: Mapping[str, Any]) -> StepTexts | None:
    description, expected = step.get("description") or "", step.get("expected_result") or ""
    instructions = items_in(step.get("instructions"))
    if "step_number" not in step or not all(isinstance(text, str) for text in (description, expected, *instructions)):
        return None
    from guiado.language_model import StepTexts

    return StepTexts(description, tuple(map(str, instructions)), expected)


async def _sample(parts: AppContext, session_id: object) -> tuple[str, tuple[str, ...]]:
    """The customer's words, and the personal data that is known of them."""
    async with parts.connection() as connection:
        loaded, _ = await answer.load(parts.work(connection), session_id)
    session = loaded.session
    return session.problem_description, tuple(filter(None, (session.customer_name, session.customer_email)))
