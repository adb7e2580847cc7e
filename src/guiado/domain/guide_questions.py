"""Questions of a guide in a session: what is known of them without asking, and what the customer answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from guiado.domain.given_answer import GivenAnswer
from guiado.domain.guide import Guide, GuideQuestion
from guiado.domain.session import Session
from guiado.domain.variants import chosen_variant, device_named_by
from guiado.text.fold import fold_text

_LEAST_LETTERS = 4
"""Letters of an answer that is found within longer words about a device; a shorter one, such as "no", must be all of them."""


def may_be_asked(session: Session, guide: Guide, question_id: str) -> bool:
    """Whether a question belongs to the guide, has answers, and nothing is known of it yet."""
    question = guide.question(question_id)
    return question is not None and bool(question.answers) and session.given_answer(question_id) is None


def answers_known(session: Session) -> dict[str, str]:
    """The questions of the guide whose answer is known: question id -> answer id; "" for one that was passed over."""
    return {each.question_id: each.answer_id or "" for each in session.guide_answers}


def with_given(session: Session, question_id: str, answer_id: str | None = None, *, known: bool = False) -> Session:
    """The session with the answer to a question, which is open no longer.

    Args:
        answer_id: None where it was passed over.
        known: whether it was known without asking.
    """
    given = GivenAnswer(question_id, answer_id, len(session.answers), known)
    is_open = session.asked_question_id not in {None, question_id}
    asked = session.asked_question_id if is_open else None
    return replace(session, asked_question_id=asked, guide_answers=(*session.guide_answers, given))


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
    told = [_words(each) for each in (session.facts.get("device"), session.facts.get("product")) if isinstance(each, str)]
    variants = _names_of_variant(session, guide)
    device = session.facts.get("device")
    usual = device_named_by(device) if isinstance(device, str) else None
    named = [
        answer_id
        for answer_id, names in _names_of_answers(guide, question)
        if answer_id == usual or names & variants or any(_is_named(name, words) for name in names for words in told)
    ]
    return named[0] if len(named) == 1 else None


def _names_of_answers(guide: Guide, question: GuideQuestion) -> Iterable[tuple[str, set[str]]]:
    """Each answer with its id and its texts in all languages, folded."""
    spoken = [guide, *map(guide.in_language, guide.translations)]
    asked = [each for each in (said.question(question.question_id) for said in spoken) if each is not None]
    for answer in question.answers:
        texts = (each.text for said in asked for each in said.answers if each.answer_id == answer.answer_id)
        yield answer.answer_id, {folded for name in (answer.answer_id, *texts) if (folded := _words(name))}


def _names_of_variant(session: Session, guide: Guide) -> set[str]:
    variant = chosen_variant(session, guide)
    return {_words(variant), _words(guide.variants[variant])} - {""} if variant else set()


def _is_named(name: str, words: str) -> bool:
    return name == words or (len(name) >= _LEAST_LETTERS and f" {name} " in f" {words} ")


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold_text(text)))
