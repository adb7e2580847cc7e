"""Reports on a guide's order: the figures of plans made by hand, and what a customer and an agent are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from guiado.app.guidance.explanations import agent_lines, customer_reason, reason_in, time_words
from guiado.app.guidance.reasons import step_reason
from guiado.app.sessions.customer_messages import render_step
from guiado.clock import now
from guiado.domain.session import LIKELIEST, QUICKEST, Outcome, Session, StepAnswer, StepReason
from guiado.guidance.compiled import compile_guide
from guiado.guidance.facts import Costs, GuideFacts, QuestionFacts, StepFacts
from guiado.guidance.handover import agent_summary
from guiado.guidance.learning import fit
from guiado.guidance.plan import AuthorRules, GuidePlan, Progress
from guiado.guidance.posterior import Posterior
from guiado.guidance.report import planned_order, report_on
from guiado.guidance.simulation.comparison import compare, world_of
from guiado.i18n import translate

STEPS = (StepFacts("slow", 0.2, 10), StepFacts("quick", 0.5, 2), StepFacts("rare", 0.1, 30))
FACTS = GuideFacts("guide", "1", STEPS, Costs(person=40))
SHARES = np.array([[0.2, 0.5, 0.1, 0.2], [0.3, 0.4, 0.1, 0.2]])
"""Two samples of the shares of slow, quick, rare, and something else."""


def plan(rules: AuthorRules | None = None, facts: GuideFacts = FACTS, tried: tuple[int, ...] = (50, 90, 5)) -> GuidePlan:
    """A plan in which each step removes its own cause for certain and nothing else, and nothing goes wrong."""
    guide = compile_guide(facts)
    own = np.zeros((guide.causes, guide.size))
    own[range(guide.size), range(guide.size)] = 1
    drawn = fit(guide, (), {})
    believed: Posterior = replace(
        drawn, evidence=drawn.evidence[:2], answers=drawn.answers[:2], shares=SHARES[:, None].repeat(guide.variants, axis=1), removes=np.array([own, own]),
        could_not=np.full(guide.size, 1e-9), leaves=np.full(guide.size, 1e-9), noise=np.full(4, 1e-9), sessions=100, step_sessions=np.array(tried, float),
    )  # fmt: skip
    return GuidePlan(guide, believed, rules or AuthorRules(explores=False))


def test_the_figures_of_a_report_are_those_of_the_plan() -> None:
    report = report_on(plan())
    # After quick and slow, rare (30 minutes for 1 in 3) costs more than the person whom it saves.
    assert report.order == ("quick", "slow")
    author = [10 + 2 * 0.8 + 30 * 0.3 + 40 * 0.2, 10 + 2 * 0.7 + 30 * 0.3 + 40 * 0.2]
    learned = [2 + 10 * 0.5 + 40 * 0.3, 2 + 10 * 0.6 + 40 * 0.3]
    assert report.author_minutes == pytest.approx(np.mean(author))
    assert report.learned_minutes == pytest.approx(np.mean(learned))
    saved = np.array(author) - np.array(learned)
    assert report.saved == pytest.approx((saved.mean(), saved.mean() - 1.96 * saved.std(), saved.mean() + 1.96 * saved.std()))
    slow, quick, rare = report.steps
    assert [(each.place, each.moved, each.author_place) for each in report.steps] == [(2, -1, 1), (1, 1, 2), (None, None, 3)]
    assert (slow.minutes, quick.sessions) == (10, 90)
    assert [each.too_few for each in (slow, quick, rare)] == [False, False, True]  # five sessions tried the last
    assert quick.chance.low < 0.45 < quick.chance.high


def test_a_guide_that_is_not_ordered_keeps_its_authors_order() -> None:
    report = report_on(plan(AuthorRules(floor=2)), orders=False)
    assert (report.order, report.rules, report.saved) == (("slow", "quick", "rare"), (), (0, 0, 0))


def test_each_rule_costs_what_the_session_takes_more_with_it() -> None:
    rules = AuthorRules(pinned=("rare",), kept=(("slow", "quick"),), floor=3, explores=False)
    pin, keep, floor = report_on(plan(rules)).rules
    free = plan().choose(Progress()).minutes
    assert pin.minutes == keep.minutes == floor.minutes > free
    assert pin.steps == ("rare",)
    assert (pin.cost > 10, keep.cost > 2) == (True, True)
    unknown = report_on(plan(AuthorRules(pinned=("gone",), explores=False))).rules[0]
    assert (unknown.known, unknown.cost) == (False, 0)
    (alone,) = report_on(plan(AuthorRules(floor=3, explores=False))).rules
    assert alone.cost == pytest.approx(30 * 0.3 + 40 * 0.2 - 40 * 0.3)  # rare as well, before the person


def test_the_order_goes_on_where_the_plan_would_ask() -> None:
    answers = {"yes": {"slow": 50.0, "quick": 0.01}, "no": {"slow": 0.02}}
    asking = plan(facts=replace(FACTS, questions=(QuestionFacts("seen", 0.1, answers),)))
    assert asking.choose(Progress()).target == "seen"
    assert planned_order(asking) == (("quick", "slow"), ("seen",))


def test_a_customer_is_told_why_only_where_it_is_known_and_true() -> None:
    chosen = plan()
    assert step_reason(chosen, chosen.choose(Progress())) == StepReason(LIKELIEST, 2.0)
    after = chosen.choose(Progress(done=("quick",)))
    assert step_reason(chosen, after) == StepReason(LIKELIEST, 10.0)
    unknown = plan(tried=(50, 19, 5))
    assert step_reason(unknown, unknown.choose(Progress())) is None
    assert step_reason(chosen, replace(chosen.choose(Progress()), explored=True)) is None
    person = chosen.choose(Progress(done=("quick", "slow")))
    assert (person.action, step_reason(chosen, person)) == ("escalate", None)
    costly = plan(facts=replace(FACTS, steps=(StepFacts("slow", 0.2, 1), StepFacts("quick", 0.5, 9), STEPS[2])))
    assert step_reason(costly, costly.choose(Progress())) == StepReason(QUICKEST, 1.0)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0.2, "menos de un minuto"), (0.5, "un minuto"), (1.4, "un minuto"), (1.5, "2 minutos"), (44.6, "45 minutos"),
     (59.6, "una hora"), (74, "una hora"), (80, "hora y media"), (118, "2 horas")],
)  # fmt: skip
def test_minutes_are_told_as_people_tell_them(minutes: float, words: str) -> None:
    assert translate(time_words(minutes), "es") == words


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "Empezamos por este paso: es lo que más a menudo lo resuelve y toma 2 minutos."),
     ("en", "We begin with this step: it is what solves it most often, and it takes 2 minutes."),
     ("pt", "Começamos por este passo: é o que resolve com mais frequência e leva 2 minutos.")],
)  # fmt: skip
def test_the_reason_is_in_the_customers_language(language: str, words: str) -> None:
    assert customer_reason(StepReason(LIKELIEST, 2.0), language, first=True) == words
    assert customer_reason(StepReason("of a later version", 2.0), language, first=True) == ""


def test_the_reason_stands_under_the_title_of_the_step() -> None:
    step = {"step_number": 1, "total_steps": 2, "title": "Mira", "why": "Empezamos por este paso.", "description": "Para ver."}
    assert render_step(step).splitlines()[:2] == ["Paso 1 de 2: Mira", "Empezamos por este paso."]
    assert "Empezamos" not in render_step({**step, "why": None})


def test_a_session_tells_its_reason_after_something_was_ruled_out() -> None:
    session = Session("s", None, "p", now(), now(), offered_why=StepReason(LIKELIEST, 2.0))
    assert "Empezamos" in (reason_in(session) or "")
    helped_not = replace(session, answers=(StepAnswer("slow", Outcome.NOT_HELPED),))
    assert "lo que ya descartamos" in (reason_in(helped_not) or "")
    assert reason_in(replace(session, answers=(StepAnswer("slow", Outcome.DONE),))) is None
    assert reason_in(replace(session, offered_why=None)) is None


def test_an_agent_is_told_what_was_ruled_out_and_what_is_likeliest_now() -> None:
    found = agent_summary(plan(), Progress(done=("quick",), unable=("slow",)))
    left = np.array([[0.2, 0.1, 0.2], [0.3, 0.1, 0.2]])
    share = left.sum(axis=0) / left.sum()
    assert [(each.step_id, each.unable) for each in found.likeliest] == [("slow", True), ("rare", False)]
    assert [each.chance for each in found.likeliest] == pytest.approx(share[:2])
    assert (found.other, found.ruled_out, found.next_step) == (pytest.approx(share[2]), ("quick",), None)
    titles = {"quick": "Reinicia", "slow": "Llama", "rare": "Cambia"}
    assert agent_lines(found, titles, {}, "es") == [
        "Descartado: «Reinicia».",
        "El cliente no pudo hacerlo: «Llama».",
        "Lo que más probablemente lo resuelva ahora: «Llama» (45 %), «Cambia» (18 %).",
        "Que ningún paso de los que quedan lo resuelva: 36 %.",
        "Ningún otro paso de la guía compensa el tiempo que lleva.",
    ]
    begun = agent_lines(agent_summary(plan(), Progress()), titles, {}, "en")
    assert begun[-1] == "It is worth going on with “Reinicia”."


def test_a_trial_draws_customers_as_they_are_believed_to_be() -> None:
    world = world_of(plan().guide, plan().posterior)
    assert world.theta[0] == pytest.approx(SHARES.mean(axis=0))
    found = compare(plan(), 400, seed=5)
    assert found == compare(plan(), 400, seed=5)
    report = report_on(plan())
    assert found.author.minutes == pytest.approx(report.author_minutes, rel=0.1)
    assert found.plan.minutes == pytest.approx(report.learned_minutes, rel=0.1)
    assert found.low < report.saved.minutes < found.high
    for each in (found.author, found.plan):
        assert each.solved + each.escalated + each.left + each.false == pytest.approx(1)
    assert found != compare(plan(), 400, seed=3)
