"""Facts of guides: what the order of steps is computed from, as the author of a guide wrote it."""

from __future__ import annotations

from guiado.app.guidance.facts_of import facts_of
from guiado.domain.guide import Guide, GuideAnswer, GuideQuestion, Step
from guiado.guidance.facts import Costs


def test_risk_is_the_authors_minutes_else_those_of_its_word() -> None:
    words = [Step(place, f"Paso {place}", risk=word) for place, word in enumerate(("low", "medium", "high", "raro"), 1)]
    steps = (*words, Step(5, "Paso 5", risk="high", risk_minutes=3.5, irreversible=True))
    found = facts_of(Guide("a", "A", steps=steps)).steps
    assert [each.risk_minutes for each in found] == [0, 2, 10, 0, 3.5]
    assert found[4].irreversible


def test_a_guide_without_ids_or_estimates_has_ids_and_no_estimates() -> None:
    found = facts_of(Guide("a", "A", steps=(Step(1, "Reinicia"), Step(2, "Reinicia"))), Costs(person=10), "7")
    assert len({each.step_id for each in found.steps} - {""}) == 2
    assert all(each.chance is None and each.minutes is None for each in found.steps)
    assert (found.guide_id, found.version, found.costs.person) == ("a", "7", 10)


def test_steps_questions_and_variants_keep_what_the_author_wrote() -> None:
    one, two = (
        Step(1, "Uno", step_id="uno", preparation=True),
        Step(2, "Dos", step_id="dos", after=("uno",), chance=0.4, minutes=2),
    )
    question = GuideQuestion("luz", "¿Hay luz?", (GuideAnswer("si", "Sí", {"dos": 3.0}), GuideAnswer("no", "No")), 1.0)
    found = facts_of(Guide("a", "A", steps=(one, two), variants={"mac": "Mac"}, questions=(question,)))
    assert found.steps[0].preparation
    assert (found.steps[1].after, found.steps[1].chance, found.steps[1].minutes) == (("uno",), 0.4, 2)
    assert found.variants == ("mac",)
    assert found.questions[0].answers == {"si": {"dos": 3.0}, "no": {}}
