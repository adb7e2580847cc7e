"""Steps of the session's guide that the customer says they tried already."""

from __future__ import annotations

from guiado.domain.guide import Guide
from guiado.guidance.already_tried import StepTitles, tried


def already_tried(guide: Guide | None, text: str, language: str) -> tuple[dict[str, object], ...]:
    """The steps that a customer says they did, as they are kept on the session: step_id, words, confidence of each.

    Args:
        guide: the one that the session follows, or None.
        text: all that the customer wrote.
        language: of the session; its titles are read besides the author's own.
    """
    if guide is None:
        return ()
    spoken = guide.in_language(language).steps
    steps = [
        StepTitles(step.step_id, tuple(dict.fromkeys((step.title, other.title))), informs=step.type == "diagnostic")
        for step, other in zip(guide.steps, spoken, strict=False)
    ]
    return tuple({"step_id": each.step_id, "words": each.words, "confidence": each.confidence} for each in tried(text, steps))
