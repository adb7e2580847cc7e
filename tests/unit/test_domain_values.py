"""Values of the domain that others store or send: hashes, event bodies, step ids, translated steps."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from guiado.app.knowledge.entry_reader import Findings, is_storable
from guiado.app.knowledge.parse import read_entry
from guiado.domain.decide import begin, decide
from guiado.domain.events import feedback_received
from guiado.domain.guide import Guide, Step, content_hash
from guiado.domain.guide_versions import carry_step_ids
from guiado.domain.session import Actor, Session
from guiado.domain.session_commands import Abandon, EscalateSession
from guiado.errors import NoStepLeft
from guiado.store.check_result import CheckState, bad, doubtful, good

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEP = {"step_number": 1, "title": "Paso", "description": "Qué", "instructions": ["Haz esto"], "expected_result": "Va"}
ENTRY = {
    "problem_title": "No va",
    "problem_description": "Nada va",
    "category": "otro",
    "estimated_time": "5 minutos",
    "difficulty": "fácil",
    "steps": [STEP],
    "common_issues": ["no va"],
    "escalation_criteria": ["Sigue igual"],
}


def test_a_content_hash_stays_the_same_over_releases() -> None:
    # It is stored with every guide version: another one would make a new version of every guide at an upgrade.
    canonical = '{"a":"ñ","b":[1,{"c":null}]}'
    assert content_hash({"b": [1, {"c": None}], "a": "ñ"}) == hashlib.sha256(canonical.encode()).hexdigest()
    assert content_hash({"a": "\ud800"}) != content_hash({"a": "\ud801"})


def test_a_rating_is_told_with_everything_that_was_said() -> None:
    session = Session("s-1", "a@example.com", "No va", NOW, NOW, ticket_id="T-1")
    told = feedback_received(session, 4, True, "gracias")
    assert told.data == {
        "session_id": "s-1",
        "ticket_id": "T-1",
        "rating": 4,
        "was_helpful": True,
        "feedback_text": "gracias",
    }


def translated(**texts: object) -> tuple[Guide | None, list[str]]:
    findings = Findings()
    guide = read_entry("p", {**ENTRY, "translations": {"en": {"problem_title": "It fails", "steps": [texts]}}}, findings)
    return guide, [problem.field for problem in findings.errors]


def test_every_text_of_a_translated_step_is_read() -> None:
    resource = {"title": "Help", "url": "https://ejemplo.org/en"}
    texts = {
        "title": "Step",
        "description": "What",
        "instructions": ["Do this", "And that"],
        "expected_result": "It works",
        "warnings": ["Careful"],
        "resources": [resource],
    }
    guide, faults = translated(**texts)
    assert faults == []
    step = guide.in_language("en").steps[0]
    assert (step.title, step.description, step.expected_result) == ("Step", "What", "It works")
    assert (step.instructions, step.warnings, step.resources) == (("Do this", "And that"), ("Careful",), (resource,))
    assert (step.step_number, guide.steps[0].title) == (1, "Paso")


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({}, "title"),
        ({"title": "S", "description": 3}, "description"),
        ({"title": "S", "instructions": "no"}, "instructions"),
        ({"title": "S", "expected_result": []}, "expected_result"),
        ({"title": "S", "warnings": 1}, "warnings"),
        ({"title": "S", "resources": "no"}, "resources"),
    ],
)
def test_a_fault_of_a_translated_step_is_named_at_its_place(texts: dict[str, object], field: str) -> None:
    _, faults = translated(**texts)
    assert [fault for fault in faults if fault.endswith(f"translations.en.steps[0].{field}")] == faults != []


def test_a_translation_with_fewer_steps_keeps_those_that_it_has() -> None:
    steps = (Step(1, "Uno"), Step(2, "Dos"))
    guide = Guide("g", "P", steps=steps, translations={"en": {"steps": [{"title": "One"}]}})
    assert [step.title for step in guide.in_language("en").steps] == ["One"]


def ids(*titles: str) -> list[str]:
    steps = tuple(Step(number, title, instructions=(f"{number}",)) for number, title in enumerate(titles, 1))
    return [step.step_id for step in carry_step_ids(Guide("g", "P", steps=steps), None).steps]


def test_new_steps_of_one_title_are_numbered_and_long_titles_are_cut() -> None:
    assert ids("Abre, ya", "Abre ya", "abre ya", "¿?") == ["abre-ya", "abre-ya-2", "abre-ya-3", "paso"]
    assert ids("a" * 60) == ["a" * 48]


def test_of_two_equally_like_steps_the_nearer_keeps_its_id() -> None:
    def guide(*steps: tuple[str, str]) -> Guide:
        return Guide("g", "P", steps=tuple(Step(n, title, step_id=own) for n, (title, own) in enumerate(steps, 1)))

    before = guide(("Igual", "a"), ("Otro", "b"), ("Igual", "c"))
    after = carry_step_ids(guide(("Nada que ver", ""), ("Tampoco esto", ""), ("Igual", "")), before)
    assert after.steps[2].step_id == "c"


def test_a_half_rewritten_step_is_the_same_and_a_mostly_rewritten_one_is_new() -> None:
    old = Guide("g", "P", steps=(Step(1, "abcdefghij", step_id="viejo"),))

    def kept(title: str) -> bool:
        return carry_step_ids(Guide("g", "P", steps=(Step(1, title),)), old).steps[0].step_id == "viejo"

    assert kept("abcdefWXYZ")  # six letters of ten
    assert not kept("abcdeVWXYZ")


@pytest.mark.parametrize(("text", "fits"), [("ñ 😀", True), ("", True), ("a\x00", False), ("\ud800", False)])
def test_what_the_database_can_keep(text: str, fits: bool) -> None:
    assert is_storable(text) is fits
    assert is_storable("\ud7ff\ue000")
    assert not is_storable("\udfff")


def test_a_finding_carries_its_check_its_state_and_its_words() -> None:
    made = [good("x", "Bien {n}.", n=1), doubtful("x", "Mira {n}.", n=1), bad("x", "Mal {n}.", n=1)]
    assert [(one.check, one.state, str(one.said)) for one in made] == [
        ("x", CheckState.GOOD, "Bien 1."),
        ("x", CheckState.DOUBTFUL, "Mira 1."),
        ("x", CheckState.BAD, "Mal 1."),
    ]
    assert bad("x", NoStepLeft()).said == NoStepLeft().message


def started(**facts: object) -> tuple[Session, Guide, list[dict[str, object]]]:
    guide = Guide("g", "P", steps=(Step(1, "Uno"),))
    decision = begin(Session("s-1", "a@example.com", "No va", NOW, NOW, total_steps=1, facts=facts), guide, NOW)
    return decision.session, guide, [event.data for event in decision.events]


def test_nobody_but_time_ends_an_abandoned_session() -> None:
    session, guide, _ = started()
    assert decide(session, guide, Abandon(), NOW).session.ended_by is Actor.ASSUMED


def test_a_wish_without_a_reason_says_whose_it_was() -> None:
    session, guide, _ = started()
    said = [decide(session, guide, EscalateSession(by=by), NOW).session.escalation_reason for by in (Actor.CUSTOMER, Actor.AGENT)]
    assert said == ["El cliente pidió hablar con una persona.", "El equipo decidió que la atienda una persona."]


def test_a_detected_problem_is_told_with_its_confidence() -> None:
    _, _, told = started(detection_confidence=0.75)
    assert told[1]["confidence"] == 0.75
