"""Messages are read before they are ranked: what works, is denied or is only asked starts no guide; what is wrong does."""

from __future__ import annotations

import pytest

from guiado.detection import Index, Problem, build_index
from guiado.detection.message_reader import read_message
from guiado.detection.reading import Reading
from guiado.detection.roles.role import MessageKind, Role
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import DEFAULT_ACCEPT

PROBLEMS = (
    Problem("printer", "La impresora no imprime", "No sale nada de la impresora.", (
        "la impresora no imprime", "mando a imprimir y no sale nada", "impresora atascada", "the printer does not print",
        "a impressora não imprime", "se atasca el papel en la impresora")),
    Problem("parcel", "El pedido no llega", "El envío se perdió o se demora.", (
        "no me llegó el pedido", "mi paquete está perdido", "el envío viene demorado", "my parcel never arrived",
        "meu pacote não chegou", "el pedido figura entregado y no lo recibí")),
    Problem("card", "La tarjeta no funciona", "La tarjeta es rechazada.", (
        "me rechazan la tarjeta", "la tarjeta no pasa", "mi tarjeta está bloqueada", "my card was declined",
        "meu cartão foi recusado", "no puedo pagar con la tarjeta")),
)  # fmt: skip


@pytest.fixture(scope="module", params=["use", "lexical"])
def index(request: pytest.FixtureRequest) -> Index:
    built = build_index(PROBLEMS, encoder=make_encoder(request.param))
    return built.with_model(built.fit())


def is_accepted(reading: Reading) -> bool:
    best = reading.candidates[0].confidence if reading.candidates else 0.0
    return reading.kind is MessageKind.PROBLEM and not reading.several and best >= DEFAULT_ACCEPT


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("la impresora no imprime", "printer"),
        ("hola, buenas tardes. la impresora no imprime, gracias", "printer"),
        ("my parcel never arrived", "parcel"),
        ("meu cartão foi recusado", "card"),
        ("ya no puedo pagar con la tarjeta", "card"),
        ("imprimir impresora abc", "printer"),
    ],
)
def test_what_is_wrong_is_found(index: Index, text: str, problem: str) -> None:
    reading = read_message(index, text)
    assert (reading.kind, reading.candidates[0].problem_id) == (MessageKind.PROBLEM, problem)
    assert is_accepted(reading) or index.vectors is None


@pytest.mark.parametrize(
    "text",
    [
        "la impresora volvió a funcionar",
        "ya no tengo ningún problema con la impresora",
        "my parcel is not lost anymore, it is here",
        "a impressora não trava mais",
        "quiero comprar una impresora",
        "¿a qué hora entregan los pedidos?",
        "buenas tardes",
        "no puedo",
        "no funciona",
    ],
)
def test_what_works_or_is_only_asked_starts_nothing(index: Index, text: str) -> None:
    assert not is_accepted(read_message(index, text)), read_message(index, text)


def test_praise_and_a_short_word_that_it_works_start_nothing() -> None:
    built = build_index(PROBLEMS, encoder=make_encoder())
    index = built.with_model(built.fit())
    assert not is_accepted(read_message(index, "se compuso la impresora"))  # few words, and no search
    for text in ("felicitaciones por el servicio, el pedido llegó rapidísimo", "great service, my parcel came early"):
        assert not is_accepted(read_message(index, text)), text


def test_what_is_not_said_is_asked(index: Index) -> None:
    assert [read_message(index, text).kind for text in ("hola", "no anda", "ayuda por favor")] == [MessageKind.NOTHING_SAID] * 3


def test_whoever_asks_for_a_person_is_understood(index: Index) -> None:
    for text in ("quiero hablar con una persona", "pásame con un asesor por favor", "i want to talk to a human agent"):
        assert read_message(index, text).kind is MessageKind.PERSON, text


def test_of_not_this_but_that_the_second_is_ranked(index: Index) -> None:
    reading = read_message(index, "la impresora anda perfecto, lo que pasa es que no me llegó el pedido")
    assert reading.candidates[0].problem_id == "parcel"
    assert {clause.role for clause in reading.clauses} & {Role.WORKS, Role.DENIED}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("La tarjeta anda perfecto. Lo que no llega es el pedido.", "parcel"),
        ("I no longer have the card problem, now the printer does not print", "printer"),
        ("ya no tengo el problema de la impresora, ahora me rechazan la tarjeta", "card"),
        ("a impressora funciona perfeitamente, o que não chegou foi o meu pacote", "parcel"),
        ("the printer works great, it's my card that was declined", "card"),
        ("la impresora va de maravilla, pero la tarjeta no pasa", "card"),
    ],
)
def test_what_is_said_to_work_or_to_be_over_is_not_what_is_ranked(index: Index, text: str, problem: str) -> None:
    assert read_message(index, text).candidates[0].problem_id == problem


@pytest.mark.parametrize("text", ["no anda perfecto el envío, viene demorado", "la tarjeta no pasa bien"])
def test_what_does_not_work_well_is_wrong(index: Index, text: str) -> None:
    assert read_message(index, text).kind is MessageKind.PROBLEM


def test_a_wish_that_is_refused_is_not_the_wish() -> None:
    wishes = (
        Problem("paper", "Factura en papel", "Volver al papel.", (
            "quiero factura en papel", "no quiero más factura por mail", "volver a recibir papel", "i want a paper bill")),
        Problem("mail", "Factura por correo", "Pasar a digital.", (
            "quiero factura por mail", "activar factura digital", "quiero dejar de recibir papel", "i want my bill by mail")),
    )  # fmt: skip
    built = build_index(wishes, encoder=make_encoder())
    index = built.with_model(built.fit())
    assert is_accepted(read_message(index, "quiero factura en papel"))
    assert is_accepted(read_message(index, "no quiero más factura por mail"))
    for text in ("no quiero factura en papel", "i don't want a paper bill"):
        found = read_message(index, text).candidates
        assert not found or found[0].problem_id == "mail" or found[0].confidence < DEFAULT_ACCEPT, text


def test_two_problems_are_both_named() -> None:
    index = build_index(PROBLEMS, encoder=make_encoder())
    reading = read_message(index.with_model(index.fit()), "la impresora no imprime y además me rechazan la tarjeta")
    assert tuple(reading.several) == ("printer", "card")


def test_a_knowledge_base_about_questions_does_not_refuse_questions() -> None:
    asked = (
        Problem("hours", "Horario de la tienda", "Cuándo abre.", (
            "¿a qué hora abren?", "¿cuál es el horario?", "¿abren los domingos?", "¿hasta qué hora atienden?", "¿qué días abren?")),
        Problem("price", "Precio del envío", "Cuánto cuesta.", (
            "¿cuánto cuesta el envío?", "¿qué precio tiene mandar un paquete?", "quiero saber cuánto sale el envío",
            "¿es gratis la entrega?", "¿cobran el despacho?")),
    )  # fmt: skip
    built = build_index(asked, encoder=make_encoder())
    reading = read_message(built.with_model(built.fit()), "¿a qué hora abren los sábados?")
    assert (reading.kind, reading.candidates[0].problem_id) == (MessageKind.PROBLEM, "hours")
    assert is_accepted(reading)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00\u200b",
        "no " * 2_000,
        "x" * 5_000,
        "no anda, no, sí anda",
        "la impresora no imprime. " * 500,
        "0x80070005 " * 300,
        "😀" * 300,
    ],
)
def test_whatever_is_sent_is_read(index: Index, text: str) -> None:
    reading = read_message(index, text)
    assert all(0 < each.confidence <= 1 for each in reading.candidates)
    assert sum(each.confidence for each in reading.candidates) <= 1.001
