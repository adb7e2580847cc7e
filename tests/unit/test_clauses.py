"""Messages are cut into clauses, in three languages, with and without punctuation marks."""

from __future__ import annotations

import pytest

from guiado.text.clauses import MOST_CLAUSES, clauses_of

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
