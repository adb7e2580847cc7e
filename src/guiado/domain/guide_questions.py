"""Questions of a guide in a session: what is known of them without asking, and what the customer answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from guiado.domain.given_answer import GivenAnswer
from guiado.domain.guide import Guide, GuideAnswer, GuideQuestion
from guiado.domain.session import Session
from guiado.domain.variants import chosen_variant, device_named_by
from guiado.text.fold import fold_text

_LEAST_LETTERS = 4
"""Letters of an answer that is found among more words about a device; a shorter one, such as "no", must be all of them."""


def may_be_asked(session: Session, guide: Guide, question_id: str) -> bool:
    """Whether a question belongs to the guide, has answers, and nothing is known of it yet."""
    question = guide.question(question_id)
    return question is not None and bool(question.answers) and session.given_answer(question_id) is None


def answers_known(session: Session) -> dict[str, str]:
    """The questions of the guide whose answer is known: question id -> answer id; "" for one that was passed over."""
    return {each.question_id: each.answer_id or "" for each in session.guide_answers}


def with_given(session: Session, question_id: str, answer_id: str | None = None, *, known: bool = False) -> Session:
    """The session with the answer to a question, which is open no longer; an answer that is known keeps its place.

    Args:
        answer_id: None where it was passed over.
        known: whether it was known without asking.
    """
    before = session.given_answer(question_id)
    given = GivenAnswer(question_id, answer_id, before.after if before else len(session.answers), known)
    kept = tuple(given if each is before else each for each in session.guide_answers)
    is_open = session.asked_question_id not in {None, question_id}
    asked = session.asked_question_id if is_open else None
    return replace(session, asked_question_id=asked, guide_answers=kept if before else (*kept, given))


def passed_over(session: Session) -> Session:
    """The session in which the question that was open is passed over, if one was."""
    return session if session.asked_question_id is None else with_given(session, session.asked_question_id)


def before_answer(session: Session) -> Session:
    """The session without an open question, as it is when its last answer to a step is taken back; what was said stays known."""
    place = len(session.answers) - 1
    kept = tuple(replace(each, after=min(each.after, place)) for each in session.guide_answers)
    return replace(session, asked_question_id=None, guide_answers=kept)


def with_known_answers(session: Session, guide: Guide) -> Session:
    """The session with the answers that its device, product or variant name: those questions need not be asked."""
    for question in guide.questions:
        if session.given_answer(question.question_id) is None:
            found = _answer_named(session, guide, question)
            session = session if found is None else with_given(session, question.question_id, found, known=True)
    return session


def _answer_named(session: Session, guide: Guide, question: GuideQuestion) -> str | None:
    """The answer that what is known of the customer names; None where it names none, or several."""
    device, product = (session.facts.get(name) for name in ("device", "product"))
    told = {_words(each) for each in (device, product) if isinstance(each, str)}
    whole = told | _names_of_variant(session, guide)
    usual = {session.variant, device_named_by(device) if isinstance(device, str) else None}
    named = [
        answer.answer_id
        for answer, texts in _texts_of_answers(guide, question)
        if answer.answer_id in usual
        or _names(answer, texts) & whole
        or any(_is_within(each, said) for each in texts for said in told)
    ]
    return named[0] if len(named) == 1 else None


def _texts_of_answers(guide: Guide, question: GuideQuestion) -> Iterable[tuple[GuideAnswer, set[str]]]:
    """Each answer with its texts in all languages, folded."""
    spoken = [guide, *map(guide.in_language, guide.translations)]
    asked = [each for each in (said.question(question.question_id) for said in spoken) if each is not None]
    for answer in question.answers:
        texts = (each.text for said in asked for each in said.answers if each.answer_id == answer.answer_id)
        yield answer, {folded for text in texts if (folded := _words(text))}


def _names(answer: GuideAnswer, texts: set[str]) -> set[str]:
    """The names of an answer: its texts, and its id where a text has it; "app" is no name of «A program»."""
    name = _words(answer.answer_id)
    return texts | {name} if any(_has(text, name) for text in texts) else texts


def _names_of_variant(session: Session, guide: Guide) -> set[str]:
    variant = chosen_variant(session, guide)
    return {_words(guide.variants[variant])} - {""} if variant else set()


def _is_within(text: str, words: str) -> bool:
    return len(text) >= _LEAST_LETTERS and _has(words, text)


def _has(words: str, part: str) -> bool:
    return f" {part} " in f" {words} "


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold_text(text)))
