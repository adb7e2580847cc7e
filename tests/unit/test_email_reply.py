"""What is read of a mail: the customer's own words, and what is told besides: subject, original sender, a program's hand."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.text.html_text import visible_text
from guiado.text.tokenize import mail_of, meaningful_part

MAILS = [json.loads(line) for line in Path(__file__).with_name("mails.jsonl").read_text("utf-8").splitlines()]
"""Each with its kind, the parts that must be read ("a|b"), and those that must not."""
OF_CUSTOMERS = [mail for mail in MAILS if "read" in mail]


def _parts(listed: str) -> list[str]:
    return [part.lower() for part in listed.split("|") if part]


@pytest.mark.parametrize("mail", OF_CUSTOMERS, ids=lambda mail: f"{mail['kind']}: {mail['text'][:40]}")
def test_what_the_customer_says_is_read_and_nothing_else(mail):
    read = meaningful_part(mail["text"]).lower()
    assert [part for part in _parts(mail["read"]) if part not in read] == []
    assert [part for part in _parts(mail.get("unread", "")) if part in read] == []


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: f"{mail['kind']}: {mail['text'][:40]}")
def test_a_program_is_told_from_a_customer_by_its_words_or_headers(mail):
    assert mail_of(mail["text"]).automatic is (mail["kind"] == "automatic")


@pytest.mark.parametrize(
    ("frame", "sender"),
    [
        ("---------- Mensaje reenviado ---------\nDe: Marta Ruiz <marta@example.com>\nFecha: hoy\nAsunto: x", "Marta Ruiz <marta@example.com>"),
        ("Begin forwarded message:\n\nFrom: ben@example.com\nSubject: x\nDate: today", "ben@example.com"),
        ("---------- Mensagem encaminhada ---------\n*De:* Rui <rui@example.com>\n*Data:* hoje\n*Assunto:* x", "Rui <rui@example.com>"),
        ("________________________________\nDe: Ana <ana@example.com>\nEnviado: lunes\nPara: Luis\nAsunto: x", "Ana <ana@example.com>"),
    ],
)  # fmt: skip
def test_the_original_sender_of_a_forward_is_kept(frame, sender):
    read = mail_of(f"Les paso este caso.\n\n{frame}\n\nno abre la app")
    assert (read.body, read.original_sender) == ("no abre la app", sender)


def test_the_innermost_of_several_forwards_is_the_original_one():
    inner = "---------- Mensaje reenviado ---------\nDe: Ana <ana@example.com>\nFecha: ayer\n\nno abre la app"
    outer = f"---------- Mensaje reenviado ---------\nDe: Luis <luis@example.com>\nFecha: hoy\n\nver abajo\n\n{inner}"
    assert mail_of(outer).original_sender == "Ana <ana@example.com>"


@pytest.mark.parametrize(
    "text",
    [
        "se cae el wifi",
        "-----Mensaje original-----\nDe: Soporte <x@example.com>\nPara: Ana\nAsunto: x\n\n¿Sigue igual?",
        "sí\n\nEl lun, 3 nov 2025 a las 10:00, Soporte <x@example.com> escribió:\n> hola",
    ],
)
def test_where_nothing_was_forwarded_nobody_else_wrote_it(text):
    assert mail_of(text).original_sender == ""


def test_the_subject_is_told_without_its_marks():
    assert mail_of("[Ticket #48213] RE: Reclamo por factura\nno me abre la app").subject == "Reclamo por factura"


def test_forwards_without_end_are_read_to_some_depth():
    frame = "---------- Mensaje reenviado ---------\nDe: Ana <ana@example.com>\nFecha: hoy\n\n"
    assert meaningful_part(frame * 40 + "no abre la app")


MARKUP = [
    "<",
    ">",
    "<s>",
    "</s>",
    "<!--",
    "-->",
    "<p>",
    "<style>",
    "</style>",
    "{",
    "margin:0",
    "}",
    "<blockquote>",
    "~~",
    "wifi ",
    "\n",
]


@given(st.lists(st.sampled_from(MARKUP), max_size=30).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_markup_leaves_something_to_read_where_there_is_something(text):
    assert "wifi" not in text or any(character.isalpha() for character in visible_text(text))


HOSTILE = (
    ">",
    " ",
    "-",
    "<",
    "_",
    "#",
    "=",
    "*",
    "~~",
    "<s>",
    "<!--",
    "<a href='",
    "<p",
    "a{b:c}",
    "{",
    "@a",
    "> x\n",
    "Ana Paz\n",
    "gracias\n",
    "De: x\n",
    "x-a: b\n",
    "RE: ",
    "[#1] ",
    "PD: a\n",
    "Me sale esto:\n> a\n",
    "above this line ",
    "-- above this line",
    "este virus avast ",
    "www.avast.com ",
    "sin otro particular. ",
    "1 2025 ",
    "Estoy ",
    "---------- Forwarded message ---------\nDe: a\n",
    "hemos recibido ",
    "reciba un ",
    "saludos, ",
    "no se pudo entregar ",
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_100_000_characters_of_a_mark_take_little_time(unit):
    started = time.process_time()
    meaningful_part(unit * (100_000 // len(unit)))
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Hola, no me anda el wifi desde ayer y ya reinicié el módem dos veces pero sigue igual. " * 46,
        "no me anda el wifi desde ayer\n" * 140,
        '<p class="MsoNormal" style="margin:0">no me <b>abre</b> la app &aacute; desde ayer</p>' * 47,
        "Les paso este caso.\n\n---------- Forwarded message ---------\nDe: Ana <a@example.com>\n\n"
        + "no anda el wifi de la casa " * 144,
    ],
    ids=["one line", "lines", "HTML", "forward"],
)
def test_a_message_of_4_000_characters_takes_5_ms(text):
    assert min(_seconds(text[:4_000]) for _ in range(10)) < 0.005


def _seconds(text):
    started = time.process_time()
    meaningful_part(text)
    return time.process_time() - started
