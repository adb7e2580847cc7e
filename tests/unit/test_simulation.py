"""Simulated guides: the sums agree with each other, and with those of the literature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import _textbook_engine as textbook
from guiado.guidance.simulation.customer import play
from guiado.guidance.simulation.expectation import BadDecision, expected_cost_of
from guiado.guidance.simulation.families import FAMILIES, Family, draw_worlds
from guiado.guidance.simulation.known import plain_world, world_of_guide
from guiado.guidance.simulation.optimum import Optimum
from guiado.guidance.simulation.orders import FixedOrder, author_order, best_prefix_cost, cost_of_order
from guiado.guidance.simulation.ratio import RatioPolicy
from guiado.guidance.simulation.trial import run_trial
from guiado.guidance.simulation.world import PREPARATION, ReportNoise, World

STEPS = ("reboot", "antivirus", "reinstall", "replace")
PROGRAM_VIRUS_HARDWARE = (0.8, 0.15, 0.05)
REMOVES = np.array([[1.0, 0.0, 0.99, 1.0], [0.0, 0.95, 0.99, 1.0], [0.0, 0.0, 0.0, 1.0]])
"""Textbook case: cause × step."""


def textbook_world(c_esc: float = 10_000) -> World:
    return plain_world(PROGRAM_VIRUS_HARDWARE, REMOVES, (1, 2, 25, 500), c_esc, STEPS)


def drawn(family: Family, number: int, noise: float = 1.0) -> World:
    """A world with more noise than usual, so that a wrong sum shows."""
    world = draw_worlds(family, np.random.default_rng([11, number]), number)[-1]
    kinds = world.noise
    louder = replace(kinds, late=kinds.late * noise, silent=kinds.silent * noise, false=kinds.false * noise)
    return replace(world, noise=louder, could_not=world.could_not * noise, hazard=world.hazard * noise)


def test_the_textbook_case_costs_what_the_textbook_says() -> None:
    world = textbook_world()
    assert cost_of_order(world, (0, 1, 2, 3)) == pytest.approx(27.875, abs=1e-12)
    assert best_prefix_cost(world) == pytest.approx(27.875, abs=1e-12)
    assert Optimum(world).cost == pytest.approx(27.875, abs=1e-12)


def test_each_part_of_a_cost_is_charged_once() -> None:
    world = plain_world((0.5, 0.5), np.array([[1.0], [0.0]]), (4,), 40)
    order = FixedOrder(world, (0,))

    def cost(**changes: object) -> float:
        return expected_cost_of(order, replace(world, abandon_penalty=30, recontact_penalty=7, **changes)).cost

    assert cost() == pytest.approx(4 + 0.5 * 40)
    assert cost(risk_minutes=np.array([6.0])) == pytest.approx(4 + 6 + 0.5 * 40)
    assert cost(hazard=np.array([0.1])) == pytest.approx(0.1 * (2 + 30) + 0.9 * (4 + 0.5 * 40))
    assert cost(could_not=np.array([0.1])) == pytest.approx(0.1 * (4 * 0.3 + 40) + 0.9 * (4 + 0.5 * 40))
    assert cost(noise=ReportNoise(silent=0.2)) == pytest.approx(cost())  # solved, and never told
    assert cost(noise=ReportNoise(late=0.2)) == pytest.approx(4 + 0.5 * 40 + 0.5 * 0.2 * 40)  # too late for the last step
    assert cost(noise=ReportNoise(false=0.2)) == pytest.approx(4 + 0.5 * 40 + 0.5 * 0.2 * 7)


def test_the_optimum_is_the_best_of_all_orders_where_nothing_on_the_way_matters() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        count = int(rng.integers(2, 6))
        theta = rng.dirichlet(np.ones(count + 1))
        removes = np.vstack([np.diag(rng.beta(9, 1.3, count)), np.zeros(count)])
        plain = plain_world(theta, removes, rng.lognormal(1.5, 0.8, count), float(rng.uniform(10, 60)))
        noise = ReportNoise(silent=0.05, false=0.05)
        world = replace(plain, noise=noise, hazard=rng.uniform(0, 0.1, count), risk_minutes=rng.uniform(0, 5, count))
        assert Optimum(world).cost == pytest.approx(best_prefix_cost(world), abs=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_expected_cost_is_the_mean_of_many_sessions(family: Family) -> None:
    world, sessions = drawn(family, 4, noise=4), 3_000
    rng, order = np.random.default_rng(5), author_order(world, None)
    expected = expected_cost_of(order, world)
    played = [play(world, order, rng, str(number)) for number in range(sessions)]
    for mean, each in (
        (expected.cost, [session.cost for session in played]),
        (expected.solved, [session.solved for session in played]),
        (expected.false, [session.false for session in played]),
        (expected.escalated, [session.record.get("end") == "escalated" for session in played]),
    ):
        assert np.mean(each) == pytest.approx(mean, abs=3.5 * np.std(each) / sessions**0.5)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_policy_costs_less_than_the_optimum_and_the_optimum_costs_what_it_says(family: Family) -> None:
    rng = np.random.default_rng(6)
    for number in range(4):
        world = drawn(family, number, noise=3)
        optimum = Optimum(world)
        assert expected_cost_of(optimum, world).cost == pytest.approx(optimum.cost, abs=1e-9)
        policies = [RatioPolicy(world.guide()), author_order(world), author_order(world, None)]
        policies += [FixedOrder(world, rng.permutation(len(world.steps)).tolist(), stop) for stop in (0, 1, 2, None)]
        assert min(expected_cost_of(policy, world).cost for policy in policies) >= optimum.cost - 1e-9


def test_guides_have_the_traits_of_their_family() -> None:
    worlds = {family: [draw_worlds(family, np.random.default_rng([1, n]), n) for n in range(40)] for family in FAMILIES}
    guides = {family: [epochs[0].guide() for epochs in drawn] for family, drawn in worlds.items()}
    assert not any(step["after"] or step["preparation"] for guide in guides["independent"] for step in guide["steps"])
    assert {len(guide["steps"]) for guide in guides["independent"]} == {4, 5, 6, 7, 8}
    assert any(step["preparation"] for guide in guides["overlap"] for step in guide["steps"])
    assert 0.4 < np.mean([bool(guide["questions"]) for guide in guides["overlap"]]) < 0.8
    assert {len(guide["variants"]) for guide in guides["drift"]} == {3}
    assert {len(epochs) for epochs in worlds["drift"]} == {4}
    assert not any(np.allclose(epochs[0].theta, epochs[1].theta) for epochs in worlds["drift"])
    for guide in (guide for each in guides.values() for guide in each):
        assert [step["author_position"] for step in guide["steps"]] == list(range(1, len(guide["steps"]) + 1))
        places = {step["id"]: step["author_position"] for step in guide["steps"]}
        assert all(places[before] < step["author_position"] for step in guide["steps"] for before in step["after"])


def test_a_world_made_from_a_guide_has_its_numbers() -> None:
    guide = drawn("overlap", 2).guide()
    world = world_of_guide(guide)
    assert world.guide()["steps"] == guide["steps"]
    total = sum(step["author_p"] for step in guide["steps"])
    believed = [step["author_p"] * min(1, 0.95 * 0.95 / total) for step in guide["steps"]]
    assert world.first_chances(0) == pytest.approx(believed)
    assert [world.is_preparation(n) for n in range(len(world.steps))] == [step["preparation"] for step in guide["steps"]]
    assert world.evidence_chances.sum(axis=1) == pytest.approx(1)
    assert Optimum(world).cost <= world.c_esc


def test_what_is_out_of_order_is_counted_and_helps_nobody() -> None:
    world = plain_world((1.0, 0.0), np.array([[0.0, 1.0], [0.0, 0.0]]), (1, 2), 10)
    world = replace(world, after=np.array([[False, False], [True, False]]), cause_of=(PREPARATION, 0))

    class WrongWay:
        def next(self, history):
            return {"decision": "step", "id": "s1"} if not history["events"] else {"decision": "escalate"}

    assert expected_cost_of(WrongWay(), world).broken == 1
    assert expected_cost_of(WrongWay(), world).cost == pytest.approx(2 + 10)
    played = play(world, WrongWay(), np.random.default_rng(0), "x")
    assert (played.broken, played.cost, played.solved) == (1, pytest.approx(12), False)
    assert expected_cost_of(FixedOrder(world, (1, 0)), world).cost == pytest.approx(1 + 2)


def test_an_irreversible_step_before_one_that_is_as_good_is_counted() -> None:
    world = plain_world((0.5, 0.5, 0.0), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), (2, 2), 10)
    world = replace(world, irreversible=np.array([True, False]))
    assert expected_cost_of(FixedOrder(world, (0, 1)), world).irreversible_first == 1
    assert expected_cost_of(FixedOrder(world, (1, 0)), world).irreversible_first == 0
    dearer = replace(world, minutes=np.array([2.0, 3.0]))
    assert expected_cost_of(FixedOrder(dearer, (0, 1)), dearer).irreversible_first == 0


@pytest.mark.parametrize(
    "decision", [{"decision": "step", "id": "s9"}, {"decision": "step", "id": "s0"}, {"decision": "ask", "id": "q"}]
)
def test_a_decision_that_is_not_open_is_refused(decision) -> None:
    world = plain_world((0.5, 0.5), np.array([[1.0], [0.0]]), (4,), 40)

    class Stubborn:
        def next(self, history):
            return decision

    with pytest.raises(BadDecision):
        expected_cost_of(Stubborn(), world)


def test_an_engine_that_learns_ends_nearer_to_the_optimum_than_its_author() -> None:
    worlds = [draw_worlds("overlap", np.random.default_rng([2026, 1, n]), n) for n in range(8)]
    trials = [run_trial(each, textbook.make(), np.random.default_rng(n), (0, 200)) for n, each in enumerate(worlds)]
    start, end = ([trial.checkpoints[at] for trial in trials] for at in (0, 1))
    assert sum(point.expected.cost for point in end) < 0.97 * sum(point.expected.cost for point in start)
    assert all(point.expected.cost >= point.optimum - 0.1 for point in start + end)
    assert {len(trial.played) for trial in trials} == {200}


def test_an_engine_is_told_of_those_who_come_back_a_little_later() -> None:
    told: list[tuple[int, str]] = []

    class Listener(textbook.TextbookEngine):
        recorded = 0

        def record(self, session):
            super().record(session)
            self.recorded += 1

        def amend(self, guide_id, session_id):
            super().amend(guide_id, session_id)
            told.append((self.recorded, session_id))

    trial = run_trial([drawn("independent", 1, noise=3)], Listener(), np.random.default_rng(2), (0, 150))
    back = [played.record["session_id"] for played in trial.played[:139] if played.comes_back]
    assert back
    assert set(back) <= {session_id for _, session_id in told}
    assert all(0 < recorded - 1 - int(session_id.split(".")[1]) <= 10 for recorded, session_id in told)
    assert all(played.false and played.record.get("end") == "solved" for played in trial.played if played.comes_back)


def test_explored_decisions_are_counted_and_do_not_count_as_first_steps() -> None:
    world = plain_world((0.5, 0.5), np.array([[1.0], [0.0]]), (4,), 40)
    world = replace(world, irreversible=np.array([True]))

    class Explorer:
        def next(self, history):
            return {"decision": "step", "id": "s0", "explore": True} if not history["events"] else {"decision": "escalate"}

    expected = expected_cost_of(Explorer(), world)
    assert (expected.explored, expected.explored_irreversible) == (1, 1)
    played = play(world, Explorer(), np.random.default_rng(0), "x")
    assert (played.explored, played.explored_irreversible, played.first) == (1, 1, None)
