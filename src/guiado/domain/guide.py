"""Guides: a known problem and the steps that solve it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from guiado.domain.criteria import Trigger
from guiado.text.json_shapes import is_list, items_in, object_in


class ProblemCategory(StrEnum):
    """Category of a problem, of those that ship; any other text is kept as text."""

    INSTALLATION = "instalación"
    CONFIGURATION = "configuración"
    CONNECTIVITY = "conectividad"
    PERFORMANCE = "rendimiento"
    ERROR = "error"
    BILLING = "facturación"
    ACCOUNT = "cuenta"
    FEATURE = "funcionalidad"
    SECURITY = "seguridad"
    OTHER = "otro"


class GuideKind(StrEnum):
    """Kind of a guide: steps to follow, an answer without steps, a person at once, or messages that are none of the problems."""

    GUIDE = "guide"
    ANSWER = "answer"
    PERSON = "person"
    NONE = "none"


class StepStatus(StrEnum):
    """Status of a step in one session."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a guide: one thing for the customer to do.

    Args:
        step_number: place in the author's order, from 1.
        title: a few words.
        description: what the step is for.
        instructions: one action each, in order.
        expected_result: what the customer sees when it worked.
        warnings: what to know before starting.
        resources: further reading, `{"title", "url"}`.
        step_id: stable for ever, whatever happens to number and wording.
        revision: counts the edits of this step, from 1.
        meaning_changed: whether this revision asks for something else than the one before.
        replaces: step_id of the step that this one took over from.
        type: diagnostic, fix or check; `answer` and `tell` are the only steps of the guides of these kinds.
        minutes: the author's estimate of its duration.
        chance: the author's estimate, 0..1, that it ends the problem.
        irreversible: whether it cannot be undone.
        risk: low, medium or high.
        after: step_ids that must come before.
        risk_minutes: expected damage, in minutes, where the author says it as a number.
        preparation: whether it only prepares others and ends no problem by itself.
        variants: id of a variant -> the texts in which the step differs there; its instructions follow the common ones.
        media: pictures and videos, `{"type", "url", "alt", "caption"}`.

    Source: contract.md §2; data-model.md, guide version.
    """

    step_number: int
    title: str
    description: str = ""
    instructions: tuple[str, ...] = ()
    expected_result: str = ""
    warnings: tuple[str, ...] = ()
    resources: tuple[Mapping[str, str], ...] = ()
    step_id: str = ""
    revision: int = 1
    meaning_changed: bool = False
    replaces: str | None = None
    type: str = "fix"
    minutes: float | None = None
    chance: float | None = None
    irreversible: bool = False
    risk: str = "low"
    after: tuple[str, ...] = ()
    risk_minutes: float | None = None
    preparation: bool = False
    variants: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    media: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GuideAnswer:
    """An answer to a question of a guide.

    Args:
        answer_id: stable for ever.
        text: for the customer.
        weights: step_id -> how many times likelier the step is to end the problem, if this is the answer; above 0.
    """

    answer_id: str
    text: str
    weights: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class GuideQuestion:
    """A question of a guide whose answer says which steps are likelier.

    Args:
        question_id: stable for ever.
        text: for the customer.
        answers: to choose one from.
        minutes: that it takes to answer.
    """

    question_id: str
    text: str
    answers: tuple[GuideAnswer, ...]
    minutes: float = 0.5

    def to_json(self) -> dict[str, object]:
        """The question as plain JSON values."""
        answers = [{"id": each.answer_id, "text": each.text, "weights": dict(each.weights)} for each in self.answers]
        return {"id": self.question_id, "text": self.text, "minutes": self.minutes, "answers": answers}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> GuideQuestion:
        """Read back a question that `to_json` wrote."""
        answers = tuple(GuideAnswer(each["id"], each["text"], each["weights"]) for each in raw["answers"])
        return cls(raw["id"], raw["text"], answers, raw["minutes"])

    def with_texts(self, texts: Mapping[str, object]) -> GuideQuestion:
        """The question in another language, as far as it is translated.

        Args:
            texts: `text`, and `answers` with a text for each answer, in order.
        """
        said = items_in(texts.get("answers"))
        answers = tuple(
            replace(each, text=str(said[place])) if place < len(said) and said[place] else each
            for place, each in enumerate(self.answers)
        )
        return replace(self, text=str(texts.get("text") or self.text), answers=answers)


@dataclass(frozen=True, slots=True)
class Guide:
    """A known problem with its steps, as one immutable version.

    Args:
        problem_id: key in the knowledge base.
        problem_title: the problem in the customer's words.
        problem_description: one or two sentences.
        category: a `ProblemCategory`, or the author's own text.
        estimated_time: in words, for example "15 minutos".
        difficulty: fácil, medio or avanzado.
        prerequisites: what the customer needs at hand.
        steps: in the author's order.
        common_issues: how customers say it; also shown when a step fails.
        escalation_criteria: when a person should take over.
        translations: language code -> the same texts in that language.
        urgent: whether a person is called at once; the first step is then what to do meanwhile.
        triggers: the criteria that act by themselves, see `criteria.triggers_of`.
        codes: error codes, versions or models that are this problem's own.
        not_this: what customers say when it is something else.
        kind: guide, answer or person, see `GuideKind`.
        variants: id -> label of the variants in which its steps differ, by device, network or whatever the author chose; an
            empty label is the usual one of that id.
        questions: to be asked where the answer is worth its time.

    Source: contract.md §2.
    """

    problem_id: str
    problem_title: str
    problem_description: str = ""
    category: ProblemCategory | str = ProblemCategory.OTHER
    estimated_time: str = ""
    difficulty: str = "medio"
    prerequisites: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    common_issues: tuple[str, ...] = ()
    escalation_criteria: tuple[str, ...] = ()
    translations: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    urgent: bool = False
    triggers: tuple[Trigger, ...] = ()
    codes: tuple[str, ...] = ()
    not_this: tuple[str, ...] = ()
    kind: str = GuideKind.GUIDE.value
    variants: Mapping[str, str] = field(default_factory=dict[str, str])
    questions: tuple[GuideQuestion, ...] = ()
    _spoken: dict[str, Guide] = field(default_factory=dict[str, "Guide"], init=False, repr=False, compare=False)
    """Cache of the translated guides, by language code."""

    def step(self, step_id: str | None) -> Step | None:
        """The step with this id, or None."""
        return next((step for step in self.steps if step.step_id == step_id), None)

    def question(self, question_id: str | None) -> GuideQuestion | None:
        """The question with this id, or None."""
        return next((each for each in self.questions if each.question_id == question_id), None)

    def in_language(self, language: str) -> Guide:
        """The guide with its texts in this language, as far as the author translated them."""
        if language not in self.translations:
            return self
        if language not in self._spoken:
            self._spoken[language] = self._translated(self.translations[language])
        return self._spoken[language]

    def _translated(self, texts: Mapping[str, object]) -> Guide:
        own = {key: value for key, value in _given(texts).items() if key not in _TRANSLATED_APART}
        steps = zip(self.steps, map(object_in, items_in(texts.get("steps"))), strict=False)
        translated = tuple(replace(step, **_given(step_texts)) for step, step_texts in steps)
        labels = {**self.variants, **{key: str(label) for key, label in object_in(texts.get("variants")).items() if label}}
        return replace(self, **own, steps=translated or self.steps, variants=labels, questions=self._asked_in(texts))

    def _asked_in(self, texts: Mapping[str, object]) -> tuple[GuideQuestion, ...]:
        said = [object_in(each) for each in items_in(texts.get("questions"))]
        return tuple(each.with_texts(said[place]) if place < len(said) else each for place, each in enumerate(self.questions))


_TRANSLATED_APART = frozenset(("steps", "variants", "questions"))


def _given(texts: Mapping[str, object]) -> dict[str, Any]:
    return {key: tuple(value) if is_list(value) else value for key, value in texts.items() if value}


def category_of(text: str) -> ProblemCategory | str:
    """The shipped category with this text, else the text itself."""
    try:
        return ProblemCategory(text)
    except ValueError:
        return text


def content_hash(entry: Mapping[str, object]) -> str:
    """SHA-256, in hexadecimal, of an entry as its author wrote it, whatever the order of its keys."""
    canonical = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
