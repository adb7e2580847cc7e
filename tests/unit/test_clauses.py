"""Messages are cut into clauses, in three languages, with and without punctuation marks."""

from __future__ import annotations

import pytest

from guiado.text.clauses import MOST_CLAUSES, clauses_of, coordinated, unwrapped

CUT = {
    "la tele se ve bien pero el teléfono fijo está mudo": ["la tele se ve bien", "pero el teléfono fijo está mudo"],
    "Todo cargó rápido. Lo que no aparece es mi pedido.": ["Todo cargó rápido.", "Lo que no aparece es mi pedido."],
    "1) no imprime 2) el escáner no enciende": ["no imprime", "el escáner no enciende"],
    "me llegó el paquete y además me devolvieron la plata": ["me llegó el paquete", "y además me devolvieron la plata"],
    "a impressora imprime mas o scanner não liga": ["a impressora imprime", "mas o scanner não liga"],
    "my order arrived, however the box is empty": ["my order arrived", "however the box is empty"],
    "quiero algo más completo por favor": ["quiero algo más completo por favor"],  # "más" is no Portuguese "mas"
    "pagué 10.500,50 a las 10:30 en www.tienda.com": ["pagué 10.500,50 a las 10:30 en www.tienda.com"],
    "sin luz": ["sin luz"],
    "😀 !!! …": [],
    "": [],
}


@pytest.mark.parametrize(("message", "clauses"), CUT.items())
def test_a_message_is_cut_where_another_statement_begins(message: str, clauses: list[str]) -> None:
    assert [message[start:end] for start, end in clauses_of(message)] == clauses


@pytest.mark.parametrize(
    "message",
    [
        "no anda. " * 500,
        "y me " * 2_000,
        "x" * 5_000,
        ", " * 3_000 + "hola",
        "1) a1 " * 900,
        "(" * 3_000,
        "mas " * 1_500,
        "\n" * 5_000,
    ],
)
def test_whatever_is_sent_gives_few_clauses_in_order_that_do_not_overlap(message: str) -> None:
    spans = clauses_of(message)
    assert len(spans) <= MOST_CLAUSES
    ends = [0, *(end for _, end in spans)]
    assert all(end <= span.start < span.end <= len(message) for end, span in zip(ends, spans, strict=False))


@pytest.mark.parametrize(
    ("clause", "statements"),
    [
        ("no enciende la tele y el teléfono está mudo", ["no enciende la tele", "y el teléfono está mudo"]),
        ("the screen stays black and my parcel is lost", ["the screen stays black", "and my parcel is lost"]),
        ("la caja llegó rota, el cargador no vino", ["la caja llegó rota", "el cargador no vino"]),
        ("no anda el control y la tele", ["no anda el control y la tele"]),
        ("x y " * 900, None),
    ],
)
def test_statements_that_are_joined_in_a_clause_come_apart_where_each_has_words_enough(
    clause: str, statements: list[str] | None
) -> None:
    found = [clause[start:end] for start, end in coordinated(clause)]
    assert found == statements if statements else len(found) > 1


def test_lines_that_a_mail_program_wrapped_are_joined_and_those_of_the_writer_are_not() -> None:
    wrapped = "Desde hace tres días la lavadora del piso de arriba hace un ruido\nmuy fuerte cuando centrifuga"
    assert unwrapped(wrapped) == wrapped.replace("\n", " ")
    apart = "la lavadora hace ruido\nel horno no calienta"
    assert unwrapped(apart) == apart
    assert len(clauses_of(apart)) == len(apart.split("\n"))
