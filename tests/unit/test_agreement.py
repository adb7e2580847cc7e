"""Who agrees with whom: votes of customers, and the words that they dispute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from guiado.detection import Candidate, Problem, build_index
from guiado.detection.agreement import MOST_LOSS, SEVERAL, agreed, near, voices
from guiado.detection.disputes import Disputes, weighed
from guiado.detection.learned_examples import teach
from guiado.domain.learning_signal import CustomerWord, Dispute, Taught
from guiado.errors import EncoderUnavailable

TEXT = "el wifi de casa se me corta"
DAY = date(2026, 1, 1)


def word(
    mailbox: str, day: int = 0, text: str = TEXT, *, negative: bool = True, is_vote: bool = True, problem: str = "wifi"
) -> CustomerWord:
    taught = Taught(f"{mailbox} {day}", problem, text, 0.6, negative, "customer")
    return CustomerWord(taught, is_vote, mailbox, DAY + timedelta(days=day))


def no_encoder(texts: Sequence[str]) -> None:
    """Words decide."""


def away(texts: Sequence[str]) -> None:
    raise EncoderUnavailable("away")


PEOPLE = [word(f"c@{number}.example") for number in range(SEVERAL)]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 0),
        ([word("a@x.com")] * 50, 1),
        ([word("a@x.com", day) for day in range(50)], 1),
        ([word(f"a{number}@x.com") for number in range(50)], 1),
        ([word(f"a{number}@x.com", number % 3) for number in range(50)], 3),
        ([word(f"a@{number}.com") for number in range(50)], 50),
        ([word("a@x.com", 0), word("b@x.com", 1), word("b@y.com", 1)], 3),
    ],
)
def test_a_domain_has_as_many_voices_as_mailboxes_and_days(words: list[CustomerWord], count: int) -> None:
    assert voices(words) == count


@pytest.mark.parametrize("encode", [no_encoder, away])
def test_without_an_encoder_nearly_the_same_words_are_near(encode) -> None:
    texts = [TEXT, "¡El WIFI de casa se me corta!", "el wifi de mi casa se me corta", "no me llega la factura", ""]
    assert near(texts, encode).tolist() == [
        [True, True, True, False, False],
        [True, True, True, False, False],
        [True, True, True, False, False],
        [False, False, False, True, False],
        [False, False, False, False, False],
    ]


def test_with_an_encoder_meaning_decides() -> None:
    rows = np.array([[1, 0], [0.9, (1 - 0.81) ** 0.5], [0.6, 0.8], [0, 1]], np.float32)
    found = near(["uno a", "dos b", "tres c", "UNO, a"], lambda texts: rows)
    assert found[0].tolist() == [True, True, False, True]


def test_several_take_a_share_and_fewer_take_nothing() -> None:
    assert agreed(PEOPLE, no_encoder) == ([], [Dispute("wifi", TEXT, MOST_LOSS)])
    assert agreed(PEOPLE[1:], no_encoder) == ([], [])
    assert agreed([*PEOPLE[1:], word("c@1.example", 1)], no_encoder) == ([], [])
    assert agreed([], no_encoder) == ([], [])


def test_what_is_far_apart_does_not_add_up() -> None:
    other = [word(f"d@{number}.example", text="la factura no me llega") for number in range(SEVERAL - 1)]
    assert agreed([*PEOPLE[1:], *other], no_encoder) == ([], [])
    elsewhere = [word(f"d@{number}.example", problem="pago") for number in range(SEVERAL - 1)]
    assert agreed([*PEOPLE[1:], *elsewhere], no_encoder) == ([], [])


def test_those_who_confirm_lessen_the_loss_and_outweigh_a_choice() -> None:
    confirmed = [word(f"e@{number}.example", negative=False, is_vote=False) for number in range(3 * SEVERAL)]
    assert agreed([*PEOPLE, *confirmed], no_encoder)[1] == [Dispute("wifi", TEXT, MOST_LOSS / 4)]
    chosen = [word(f"f@{number}.example", negative=False) for number in range(SEVERAL)]
    assert [each.text for each in agreed(chosen, no_encoder)[0]] == [TEXT]
    assert agreed([*PEOPLE, *chosen], no_encoder)[0] == []


def test_an_encoder_is_asked_only_where_enough_customers_speak() -> None:
    asked = list[Sequence[str]]()
    agreed([word("a@x.com", number) for number in range(50)], asked.append)
    assert asked == []


def test_the_very_words_lose_their_share_and_no_others() -> None:
    problem = Problem("wifi", "Sin internet", "No hay conexión", ("no tengo wifi",), disputed=((TEXT, 0.5),))
    disputes = Disputes([problem])
    assert disputes.of("¡EL WiFi de casa se me corta...!") == disputes.of(TEXT) == {"wifi": 0.5}
    assert disputes.of("se me corta el wifi de casa") == disputes.of(f"{TEXT} siempre") == disputes.of("") == {}
    found = weighed([Candidate("wifi", 0.8, ()), Candidate("pago", 0.1, ())], {"wifi": 0.9})
    assert [(each.problem_id, round(each.confidence, 2)) for each in found] == [("pago", 0.1), ("wifi", 0.08)]


def test_an_index_weighs_what_is_disputed_and_says_so_in_its_version() -> None:
    wifi = Problem("wifi", "Sin internet", "No hay conexión", ("no tengo wifi", "se corta el wifi de casa"))
    pago = Problem("pago", "Problemas de pago", "Un cobro sale mal", ("me cobraron dos veces",))
    plain = build_index([wifi, pago])
    disputed = build_index(teach([wifi, pago], [], None, [Dispute("wifi", TEXT, 0.5)]), plain)
    assert plain.version != disputed.version == build_index(teach([wifi, pago], [], None, [Dispute("wifi", TEXT, 0.5)])).version
    assert plain.contents == disputed.contents
    assert disputed.rank(TEXT)[0].confidence == pytest.approx(plain.rank(TEXT)[0].confidence / 2)
    assert disputed.rank("se corta el wifi de casa") == plain.rank("se corta el wifi de casa")


def test_an_authors_own_words_are_not_disputed() -> None:
    (problem,) = teach(
        [Problem("wifi", "Sin internet", "", (TEXT,))], [], None, [Dispute("wifi", TEXT, 0.5), Dispute("x", TEXT, 0.5)]
    )
    assert problem.disputed == ()
