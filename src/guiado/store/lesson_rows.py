"""Rows of the database for lessons, without personal data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from guiado import clock
from guiado.domain.learning_signal import Lesson, LessonKind, fit_to_learn, text_key


def lesson_rows(lessons: Sequence[Lesson], now: datetime) -> list[dict[str, object]]:
    """Rows of lessons for `guiado_learn`, without personal data; an example with too little text left is dropped."""
    return [row for lesson in lessons if (row := _lesson_row(lesson, now))]


def _lesson_row(lesson: Lesson, now: datetime) -> dict[str, object] | None:
    text = fit_to_learn(lesson.text, lesson.known) if lesson.text else None
    if text is None and lesson.kind in {LessonKind.EXAMPLE, LessonKind.NEGATIVE}:
        return None
    return {
        "id": clock.new_id(),
        "session_id": lesson.session_id,
        "kind": lesson.kind.value,
        "problem_id": lesson.problem_id,
        "source": lesson.source.value,
        "text": text,
        "text_key": text_key(text) if text else None,
        "weight": lesson.weight,
        "reason": lesson.reason,
        "at": now,
    }
