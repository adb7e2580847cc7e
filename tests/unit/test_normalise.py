"""What is read of a customer's text: the newest mail, in the letters that were meant, with short forms in full."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.text.normalise import MEANINGFUL_CHARS, clean_sentence, surface_words
from guiado.text.short_forms import ENGLISH, PORTUGUESE, SPANISH

QUOTES = [
    "El lun, 3 nov 2025 a las 10:00, Soporte <x@y.es> escribió:\n> Reinicie el router",
    "El lun, 3 nov 2025 a las 10:00, Soporte de la empresa con nombre largo\n<x@y.es> escribió:\n\n> Reinicie el router",
    "El 3/11/2025 10:00, Soporte escribiÃ³:\n> Reinicie el router",
    "On Mon, Nov 3, 2025 at 10:00 AM Support <x@y.com> wrote:\n> Restart the router",
    "Em seg., 3 de nov. de 2025 às 10:00, Suporte <x@y.br> escreveu:\n> Reinicie o roteador",
    "-----Mensaje original-----\nDe: Soporte\nAsunto: RE: caso\n\nReinicie el router",
    "---------- Forwarded message ---------\nFrom: Support\n\nRestart the router",
    "________________________________\nDe: Soporte <x@y.es>\nEnviado: lunes, 3 de noviembre de 2025 10:00\nPara: Ana\nAsunto: caso\n\nReinicie",
    "From: Support\nSent: Monday\nTo: Ana\nSubject: case\n\nRestart the router",
    "> Reinicie el router\n> y espere",
]
ENDINGS = [
    "-- \nAna Pérez\nVentas",
    "Saludos,\nAna Pérez",
    "Un cordial saludo.\n\nAna Pérez\nTel. 600 000 000",
    "Atentamente\nAna Pérez",
    "Muchas gracias de antemano.\nAna",
    "Best regards,\nAna",
    "Atenciosamente,\nAna",
    "Obrigada!\nAna",
    "Enviado desde mi iPhone",
    "Sent from my Samsung Galaxy smartphone.",
    "Enviado do meu iPhone",
    "AVISO LEGAL: Este mensaje y sus anexos son confidenciales y van dirigidos solo a su destinatario.",
    "This e-mail and any attachments are confidential and intended solely for the named recipient.",
    "Antes de imprimir este mensaje, piense en el medio ambiente y en si de verdad lo necesita.",
]


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("ending", ENDINGS[:3])
def test_what_a_mail_quotes_and_signs_is_not_read(quote, ending):
    assert (
        clean_sentence(f"Hola:\n\nYa lo hice y sigue sin internet.\n\n{ending}\n\n{quote}\n")
        == "ya lo hice y sigue sin internet."
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_signatures_and_footers(ending):
    assert clean_sentence(f"Buenos días,\r\n\r\nse cae el wifi\r\n\r\n{ending}") == "se cae el wifi"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Saludos", "saludos"),
        ("Hola", "hola"),
        ("Gracias,\nAna", "ana"),
        ("Enviado desde mi iPhone", "enviado desde mi iphone"),
        ("> se cae el wifi", "se cae el wifi"),
        (
            "-----Mensaje original-----\nDe: Ana\nPara: soporte\nAsunto: x\n\nMe cobraron dos veces.\n\nGracias\nAna",
            "me cobraron dos veces.",
        ),
        ("De: Ana\nEnviado: lunes\nPara: soporte\nAsunto: wifi\n\nse cae el wifi", "se cae el wifi"),
        ("Hola\n\n-- \nAna", "hola"),
        ("-- \nno abre", "no abre"),
    ],
)
def test_something_is_always_left(text, read):
    assert read in clean_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "gracias a la actualización\nno puedo entrar a mi cuenta desde hace tres días y me urge mucho porque tengo que pagar",
        "de: mi banco\nme llegó un cobro",
        "el lunes el técnico escribió que ya estaba\ny no está",
        "el correo es confidencial y no abre\nqué hago",
    ],
)
def test_what_only_looks_like_a_mail_is_read_to_its_end(text):
    assert clean_sentence(text).split() == text.split()


@pytest.mark.parametrize(
    "broken",
    [
        "contraseÃ±a",
        "contraseÃƒÂ±a",
        "contrase帽a",
        "contrase=C3=B1a",
        "contrase=F1a",
        "contrase&ntilde;a",
        "contrase&#241;a",
        "contrase\\u00f1a",
        "contrase\\xc3\\xb1a",
        "contrase%C3%B1a",
        "contrase√±a",
        "contrase├▒a",
        "contrase¤a",
        "CONTRASEÑA",
        "contrasen\u0303a",
        "contra\u200bse\u00adña",
        "contraseñaaaaa",
        "<b>contraseña</b>",
    ],
)
def test_letters_are_those_that_were_meant(broken):
    assert clean_sentence(f"mi {broken} no sirve") == "mi contraseña no sirve"


def test_bytes_that_were_lost_do_not_end_the_repair():
    text = "Ábreme la sesión ya"
    assert clean_sentence(text.encode().decode("cp1252", "replace")) == text.lower()


@pytest.mark.parametrize(
    "text", ["a=3d y b=4f", "5000 pesos y 1000000", "https://x.com/?a=1&b=c3", "c:\\users\\ana", "1 < 2 y 3 > 2"]
)
def test_what_is_not_broken_is_not_repaired(text):
    assert clean_sentence(text) == text


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("m sale q la contraseña esta mal", "me sale que la contraseña esta mal"),
        ("xq n m deja entrar a mi cta", "porque no me deja entrar a mi cuenta"),
        ("toy n la pag y kiero mi msj xfa", "estoy en la página y quiero mi mensaje por favor"),
        ("how 2 reset mi pw plz", "how to reset my password please"),
        ("r u going 2 refund da money 4 my order", "are you going to refund the money for my order"),
        ("i hv 2 accounts and was charged 4 times", "i have 2 accounts and was charged 4 times"),
        ("i m locked out and it doesn t open", "i'm locked out and it doesn't open"),
        ("vc n consegue ver pq minha cta tá fora hj", "você não consegue ver porque minha conta tá fora hoje"),
        ("el cable mide 10 m x 2", "el cable mide 10 m x 2"),
        ("no puedo abrir x.com ni q@x.es", "no puedo abrir x.com ni q@x.es"),
    ],
)
def test_short_forms_are_written_out_in_their_own_language(short, full):
    assert clean_sentence(short) == full


def test_a_short_form_of_one_language_is_a_word_of_another():
    assert clean_sentence("my mi band does not work with the app") == "my my band does not work with the app"
    assert clean_sentence("mi cuenta no funciona y no puedo entrar") == "mi cuenta no funciona y no puedo entrar"
    assert clean_sentence("to") == "to"


def test_what_the_knowledge_base_uses_is_no_short_form():
    assert clean_sentence("my mi band does not work with the app", {"mi"}) == "my mi band does not work with the app"


def test_tables_are_sound():
    for table in (SPANISH, ENGLISH, PORTUGUESE):
        assert all(short != full and short == short.lower().strip() and " " not in short for short, full in table.items())
        chained = {short for short, full in table.items() for word in full.split() if table.get(word, word) != word}
        assert not chained


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_read(text):
    sentence = clean_sentence(text)
    assert len(sentence) <= MEANINGFUL_CHARS
    assert "\n" not in sentence
    assert sentence == sentence.strip()
    if any(character.isascii() and character.isalpha() for character in text):
        assert sentence
    surface_words(text)


LONG = [
    "a",
    "hola mundo ",
    "ñÃ±\n",
    "> x\n",
    "El ",
    "<p",
    "--",
    "\n",
    " \t",
    "De: x\n",
    "=C3",
    "&a",
    "El lun 2025 ",
    "On 1:00 ",
    "\\u00f1",
    "no no ",
    "_",
]


@pytest.mark.parametrize("unit", LONG)
def test_100_kb_of_anything_take_little_time(unit):
    started = time.process_time()
    clean_sentence(unit * (100_000 // len(unit)))
    assert time.process_time() - started < 1


def test_a_mail_of_a_single_line():
    text = "sigue igual. El lun, 3 nov 2025 a las 10:00, X <x@y> escribió: > reinicie el router"
    assert clean_sentence(text) == "sigue igual."
    assert surface_words(text) == ["sigue", "igual"]
