"""Short words that close a case, that choose an option, or that only say that the customer is lost."""

from __future__ import annotations

import pytest

from guiado.app.sessions.running import says_solved
from guiado.text.choice_words import chooses_other, chosen_place, is_lost
from guiado.text.closing_words import closes_case

CLOSING = (
    "ya se arregló, gracias", "al final ya me llegó el código, no se preocupen", "listo, solucionado", "todo bien ya, gracias",
    "gracias, ya está", "ya pude", "Listo", "ya quedó", "resuelto", "ya no necesito ayuda", "ya no hace falta, se solucionó solo",
    "it works now, thanks", "all good now", "já voltou a internet, obrigado", "resolvido, obrigada", "deu certo!", "never mind, fixed it",
    "Se me solucionó solo", "ya puedo entrar", "ya anda todo joya", "problem solved", "tudo certo agora", "ahora sí carga",
)  # fmt: skip
OPEN = (
    "no se arregló", "sigue igual", "listo, pero sigue igual", "ya hice todo y no funciona", "todavía no está resuelto", "¿ya se arregló?",
    "it is not fixed", "still not working", "não resolveu", "ya está otra vez caído", "no me llegó", "ya reinicié el router",
    "se me cae el wifi", "la factura ya está mal otra vez", "quiero que me quede solucionado hoy", "when will it be fixed",
    "ya está cortado el servicio", "ya está fallando", "ya me llegó la factura mal", "funciona un rato y se corta", "",
    "me dijeron que ya estaba arreglado y que esperara la llamada de alguien de la empresa esa misma tarde, cosa que hice con paciencia",
)  # fmt: skip


@pytest.mark.parametrize("words", CLOSING)
def test_words_that_close_a_case(words: str) -> None:
    assert closes_case(words)
    assert says_solved(words)


@pytest.mark.parametrize("words", OPEN)
def test_words_that_leave_it_open(words: str) -> None:
    assert not closes_case(words)
    assert not says_solved(words)


@pytest.mark.parametrize(
    ("words", "place"),
    [("la segunda", 1), ("el primero por favor", 0), ("2", 1), ("opción 2", 1), ("the first one", 0), ("a segunda", 1), ("ambas", 0),
     ("las dos cosas", 0), ("la tercera", None), ("la segunda factura vino mal", None), ("dos veces me cobraron", None), ("", None)],
)  # fmt: skip
def test_a_place_chooses_an_option(words: str, place: int | None) -> None:
    assert chosen_place(words, 2) == place


def test_the_other_one_is_heard() -> None:
    assert chooses_other("el wifi ya anda, lo otro")
    assert not chooses_other("se me corta otra vez")


@pytest.mark.parametrize(
    ("words", "lost"), [("no sé", True), ("la verdad no entiendo la pregunta", True), ("I don't know", True), ("não sei", True),
                        ("no sé por qué se corta el wifi", False), ("no entiendo la factura", False)],
)  # fmt: skip
def test_who_is_lost_says_nothing(words: str, lost: bool) -> None:
    assert is_lost(words) is lost
