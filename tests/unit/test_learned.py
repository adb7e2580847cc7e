"""What counts of what was learned, and how texts without a problem fall into groups."""

from __future__ import annotations

import numpy as np
import pytest

from guiado.detection.clustering import group, word_vectors
from guiado.detection.learned_examples import CUSTOMERS_SHARE, teach
from guiado.detection.problem import Problem
from guiado.domain.learning_signal import Taught, fit_to_learn, text_key

PROBLEMS = [
    Problem("wifi", "Sin internet", "No hay conexión", ("no tengo wifi", "se cae la red")),
    Problem("pago", "Problemas de pago", "Un cobro sale mal", ("me cobraron dos veces",)),
]


def taught(problem_id: str, text: str, source: str = "customer", *, negative: bool = False) -> Taught:
    return Taught(text, problem_id, text, 0.9 if source == "agent" else 0.6, negative, source)


def learned(*lessons: Taught) -> dict[str, list[tuple[str, float, bool]]]:
    return {
        problem.problem_id: [(each.text, each.weight, each.negative) for each in problem.learned]
        for problem in teach(PROBLEMS, lessons)
    }


# ------------------------------------------------------------------------------------------------------------- what counts


def test_examples_reach_their_problem_with_the_weight_of_their_source() -> None:
    found = learned(taught("wifi", "la wifi va y viene"), taught("pago", "cobro doble", "agent"), taught("nadie", "otra cosa"))
    assert found == {"wifi": [("la wifi va y viene", 0.6, False)], "pago": [("cobro doble", 0.9, False)]}


def test_customers_together_weigh_no_more_than_author_and_agents() -> None:
    many = [taught("pago", f"frase número {number}") for number in range(100)]
    alone = learned(*many)["pago"]
    assert len(alone) == 100
    assert sum(weight for _, weight, _ in alone) == pytest.approx(CUSTOMERS_SHARE * len(PROBLEMS[1].texts))
    helped = learned(*many, taught("pago", "cobro doble", "agent"))["pago"]
    assert sum(weight for _, weight, _ in helped[:-1]) == pytest.approx(CUSTOMERS_SHARE * (len(PROBLEMS[1].texts) + 0.9))
    assert helped[-1] == ("cobro doble", 0.9, False)


def test_the_authors_word_on_a_text_is_the_last() -> None:
    assert learned(taught("pago", "¡No tengo WiFi!"), taught("wifi", "wifi no tengo"))["pago"] == []
    assert learned(taught("pago", "¡No tengo WiFi!"), taught("wifi", "wifi no tengo"))["wifi"] == []
    assert learned(taught("wifi", "no tengo wifi", "agent", negative=True))["wifi"] == []
    assert learned(taught("pago", "no tengo wifi", "agent", negative=True))["pago"] == [("no tengo wifi", 0.9, True)]


@pytest.mark.parametrize("same", ["NO TENGO WIFI", "no tengo wifi!!", "wifi no tengo", "no no tengo   wifí"])
def test_texts_that_say_the_same_have_one_key(same: str) -> None:
    assert text_key(same) == text_key("no tengo wifi")
    assert text_key("no tengo wifi") != text_key("tengo wifi")


def test_what_is_too_short_teaches_nothing_and_what_is_too_long_is_cut_between_words() -> None:
    assert [fit_to_learn(text) for text in ("", " ", "hola", "¿?", "… hola !")] == [None] * 5
    assert fit_to_learn(" no \n va ") == "no va"
    mail = (
        "RE: factura\nno va la tele\n\nSaludos\nMarta Ruiz\nJefa de Cuentas\n\nEl lun, 3 nov 2025, Soporte escribió:\n> ¿ya pagó?"
    )
    assert fit_to_learn(mail) == "no va la tele"
    assert fit_to_learn("la tele de marta no va, soy vecina", ("Marta Ruiz",)) == "la tele de … no va, soy vecina"
    long = fit_to_learn("palabra " * 1_000)
    assert long is not None
    assert 500 < len(long) <= 600
    assert long.endswith("palabra")


# ------------------------------------------------------------------------------------------------------------------ groups


def planted(sizes: tuple[int, ...], noise: int, dimensions: int = 64) -> tuple[list[str], np.ndarray, list[int]]:
    """Texts of groups of these sizes and of none (-1), in a mixed order, with their vectors."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(len(sizes), dimensions))
    owners = [owner for owner, size in enumerate(sizes) for _ in range(size)] + [-1] * noise
    random.shuffle(owners)
    rows = np.array(
        [centres[o] + random.normal(size=dimensions) / 4 if o >= 0 else random.normal(size=dimensions) for o in owners]
    )
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [f"texto {number} de {owner}" for number, owner in enumerate(owners)], rows.astype(np.float32), owners


def test_planted_groups_are_found_largest_first_and_noise_stays_out() -> None:
    texts, vectors, owners = planted((5, 12, 30), 40)
    found = group(texts, vectors, 3)
    assert [len(members) for members in found] == [30, 12, 5]
    assert [{owners[member] for member in members} for members in found] == [{2}, {1}, {0}]
    assert group(texts, vectors, 3) == found
    assert [len(members) for members in group(texts, vectors, 6)] == [30, 12]
    assert len(group(texts, vectors, 3, most=1)) == 1


def test_the_first_of_a_group_is_its_most_typical() -> None:
    spread = np.array([[1, 0.6], [1, 0.3], [1, 0], [1, -0.3], [1, -0.6]], dtype=np.float32)
    rows = spread / np.linalg.norm(spread, axis=1, keepdims=True)
    ((first, *_),) = group(["a a", "b b", "c c", "d d", "e e"], rows)
    assert first == 2


def test_the_same_words_again_count_but_are_no_group_of_their_own() -> None:
    rows = np.eye(4, dtype=np.float32)
    assert group(["a b", "b a", "c d", "e f"], rows) == [(0, 1)]
    assert group(["a b", "b a", "c d", "e f"], rows, 3) == []


def test_nothing_to_group_is_no_error() -> None:
    assert group([], np.zeros((0, 8), np.float32)) == []
    assert group(["uno", "dos"], np.zeros((2, 8), np.float32)) == []
    assert word_vectors([]).shape[0] == 0


def test_without_an_encoder_words_decide() -> None:
    texts = ["el horno no calienta", "¿por qué mi HORNO ya no calienta?", "adoptar gatos", "adopté unos gatos", "hola"]
    found = group(texts, word_vectors(texts), near=0.4)
    assert [set(members) for members in found] == [{0, 1}, {2, 3}]


@pytest.mark.long
def test_ten_thousand_texts_take_seconds() -> None:
    texts, vectors, _ = planted((500, 300, 100, *([10] * 300)), 6_100, 512)
    found = group(texts, vectors, 3)
    assert [len(members) for members in found[:3]] == [500, 300, 100]
    assert len(found) == 200
