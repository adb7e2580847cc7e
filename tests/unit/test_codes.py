"""Codes, models and versions in texts: what is one, what is an amount, and which includes which."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.text.code import CodeKind, covers, without_codes
from guiado.text.codes import LONGEST_CODE, MOST_CODES, codes_in, declared_code


def certain(text: str) -> set[str]:
    return {code.value for code in codes_in(text) if code.certain}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("error 1402", "1402"),
        ("Error nº 1402 al instalar", "1402"),
        ("me da error, el 1402", "1402"),
        ("código de error: 691", "691"),
        ("me aparece el código 800-2004", "8002004"),
        ("o erro 5100 aparece na tela", "5100"),
        ("código de erro 5100", "5100"),
        ("error code 1402 on setup", "1402"),
        ("it stops with err404", "404"),
        ("falla 0x80070005", "0x80070005"),
        ("update error 80070005", "0x80070005"),
        ("la tele dice E105", "e105"),
        ("sale E-45 en el visor", "e45"),
        ("sale E045 en el visor", "e45"),
        ("net::ERR_CONNECTION_RESET", "err_connection_reset"),
        ("stop DRIVER_IRQL_NOT_LESS", "driver_irql_not_less"),
        ("KB5005565 no se instala", "kb5005565"),
    ],
)
def test_an_error_code_is_found_in_three_languages(text: str, value: str) -> None:
    found = [code for code in codes_in(text) if code.certain]
    assert [(code.kind, code.value) for code in found] == [(CodeKind.ERROR, value)]


@pytest.mark.parametrize(
    ("text", "family", "value"),
    [
        ("windows 11 no se instala", "windows", "11"),
        ("la falla es en win10", "windows", "10"),
        ("me da error en windows 11", "windows", "11"),
        ("error con la M404", "model", "m404"),
        ("tenho Android 14", "android", "14"),
        ("my phone has iOS 17.2", "ios", "17.2"),
        ("w11 no arranca", "windows", "11"),
        ("en Windows Server 2019 no abre", "windows", "2019"),
        ("mac os 14 no lo deja", "macos", "14"),
        ("mi moto G52 no carga", "model", "g52"),
        ("windows versión 11", "windows", "11"),
        ("la versión 11 de windows", "windows", "11"),
        ("desde la v2.3 no abre", "version", "2.3"),
        ("a versão 2.3 fecha sozinha", "version", "2.3"),
        ("version 4.5 crashes", "version", "4.5"),
        ("mi HP 2135 no imprime", "model", "2135"),
        ("la impresora M404 no imprime", "model", "m404"),
        ("the epson L3150 is offline", "model", "l3150"),
        ("el router tl-wr840n no enciende", "model", "tlwr840n"),
    ],
)
def test_a_version_and_a_model_are_found_with_what_they_are_of(text: str, family: str, value: str) -> None:
    assert [(code.family, code.value) for code in codes_in(text) if code.certain] == [(family, value)]


@pytest.mark.parametrize(
    "text",
    [
        "la instalación se queda al 50 %",
        "it hangs at 99%",
        "me cobraron 2 veces",
        "me cobraram 3 vezes",
        "I was charged 2 times",
        "pagué $ 1.200 de más",
        "son 1402 pesos",
        "me debitaron 4500",
        "paguei 350 reais",
        "a las 10:30 se corta",
        "desde el 12/11 no funciona",
        "from 2024-11-12 on",
        "el 12-11 vino el técnico",
        "el error fue 3 veces ayer",
        "me dio error el 3 de mayo",
        "falla desde el 12 diciembre",
        "an error since the 4",
        "mi pedido 48213 no llegó",
        "order #48213 is late",
        "o pedido 9981 não chegou",
        "mi teléfono es 555-2004",
        "desde 2019 soy cliente",
        "me llegó el código 482913",
        "I entered the code 482913",
        "digitei o código 482913",
        "el código promocional 2024 no sirve",
        "el módem tiene 4 luces",
        "plan de 300 megas",
        "no hay 5G en mi barrio",
        "una hoja A4",
        "vivo en el piso 12",
    ],
)
def test_amounts_counts_times_dates_and_orders_are_no_codes(text: str) -> None:
    assert certain(text) == set()


def test_a_list_names_each_of_its_codes() -> None:
    assert certain("errores 1402, 1406 y 1409") == {"1402", "1406", "1409"}
    assert {code.written for code in codes_in("sirve en Windows 7/8/10")} == {"Windows 7", "Windows 8", "Windows 10"}
    assert certain("windows 10 y 2 veces al día") == {"10"}


@pytest.mark.parametrize(
    ("known", "named", "is_one"),
    [
        ("error 1402", "error 1402", True),
        ("error 1402", "error 1406", False),
        ("error 0x80070002", "error 80070002", True),
        ("la versión 4.5", "la versión 4.5.1", True),
        ("la versión 4.5", "la versión 4", True),
        ("la versión 4.5", "la versión 4.6", False),
        ("windows 10", "android 10", False),
        ("Android 10 o superior", "android 14", True),
        ("Android 10 or later", "android 9", False),
        ("desde iOS 15", "iOS 17", True),
        ("Android 9 ou anterior", "android 12", False),
        ("Android 9 o anterior", "android 8", True),
        ("iOS 15+", "iOS 16", True),
        ("la M404", "la m404dn", True),
        ("la M404", "la M405", False),
        ("E105", "E-105", True),
    ],
)
def test_a_known_code_includes_what_it_names_and_nothing_else(known: str, named: str, *, is_one: bool) -> None:
    assert covers(codes_in(known)[0], codes_in(named)[0]) is is_one


def test_a_text_is_read_without_its_codes_and_what_introduces_them() -> None:
    text = "no puedo pagar, sale el error 51 en la caja"
    assert without_codes(text, codes_in(text)) == "no puedo pagar, sale en la caja"
    assert without_codes("código 5100", codes_in("código 5100")) == ""


@pytest.mark.parametrize(
    "text", ["1402", "E-45", "Windows 10", "HP 2135", "0x80070005", "ERR_CONNECTION_RESET", "v2.3", "error 51"]
)
def test_an_author_may_declare_any_code_that_can_be_looked_for(text: str) -> None:
    assert declared_code(text) is not None


@pytest.mark.parametrize("text", ["", "  ", "error", "el que sale siempre", "plan 300 de la casa", "x" * 300 + "1", "…"])
def test_a_declared_code_that_nobody_could_find_is_none(text: str) -> None:
    assert declared_code(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "error " + "A1" * 150,
        "error " + "9" * 300,
        " ".join(f"error {number}" for number in range(1_000)),
        ", ".join(map(str, range(1_000, 2_000))),
        "a-" * 2_000 + "1",
        "a_" * 2_000 + "1",
        "." * 4_000 + "1",
        "1:00:" * 800,
        "windows " * 500 + "1",
    ],
)
def test_bad_input_takes_little_time_and_gives_few_codes(text: str) -> None:
    codes_in("error 1")
    begin = time.process_time()
    found = codes_in(text)
    assert time.process_time() - begin < 0.2
    assert len(found) <= MOST_CODES
    assert all(len(code.value) <= LONGEST_CODE + 2 for code in found)


@given(st.text(alphabet="error código windows hp0123456789.,:;/-_%$#xEabc \n", max_size=120))
def test_every_code_is_a_part_of_its_text(text: str) -> None:
    for code in codes_in(text):
        assert 0 <= code.start < code.end <= len(text)
        assert code.written.split()[-1] in text
    assert len(without_codes(text, codes_in(text))) <= len(text)
