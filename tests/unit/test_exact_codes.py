"""Detection takes codes exactly: another code is another problem, an unknown one counts nothing; and what an author denies is out."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from guiado.detection import Index, Problem, build_index
from guiado.detection.codes import CodeIndex
from guiado.detection.message_reader import read_message
from guiado.detection.problem import Example
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import Verdict, verdict_of

SETUP = Problem(
    "setup",
    "Error 2503 al instalar",
    "El instalador no puede escribir",
    ("error 2503", "la instalación falla con 2503", "me sale 2503 al instalar", "setup stops with error 2503"),
)
TV = Problem("tv", "Error E201 en el decodificador", "No llega señal", ("la tele dice E201", "sale e201", "decodificador E201"))
PHONE = Problem(
    "phone",
    "No puedo actualizar a Android 12",
    "La actualización no avanza",
    ("android 12 no se instala", "quiero pasar a android 12", "falla la actualización a android 12"),
)
PRINTER = Problem("printer", "La impresora L355 no imprime", "Atasco", ("la L355 no imprime", "mi epson l355 atasca papel"))
ACCOUNT = Problem(
    "account",
    "No puedo entrar a mi cuenta",
    "No llega el código para iniciar sesión",
    ("no me llega el código", "olvidé mi contraseña", "the code never arrives", "o código não chega"),
)
PAYMENT = Problem(
    "payment", "No puedo pagar", "El pago es rechazado", ("me rechaza la tarjeta", "pago rechazado", "no pasa el pago")
)
ALL = (SETUP, TV, PHONE, PRINTER, ACCOUNT, PAYMENT)


@pytest.fixture(scope="module")
def index() -> Index:
    made = build_index(ALL, encoder=make_encoder())
    return made.with_model(made.fit())


def verdict(index: Index, text: str) -> tuple[Verdict, str]:
    found = index.rank(text)
    return verdict_of(found, 0.4, 0.6), found[0].problem_id if found else ""


@pytest.mark.parametrize(
    ("text", "problem_id"),
    [
        ("error 2503", "setup"),
        ("me sale 2503", "setup"),
        ("setup error code 2503", "setup"),
        ("aparece o erro 2503 ao instalar", "setup"),
        ("sale E-201 en la tele", "tv"),
        ("android 12 no se instala", "phone"),
        ("la instalación falla desde 2024", "setup"),
        ("la l355 no imprime", "printer"),
        ("error 2503 en android 13", "setup"),
    ],
)
def test_a_code_that_one_guide_has_is_recognised(index: Index, text: str, problem_id: str) -> None:
    assert verdict(index, text) == (Verdict.ACCEPT, problem_id)


@pytest.mark.parametrize(
    "text",
    [
        "error 2504",
        "me sale 2504 al instalar",
        "la instalación falla con 2504",
        "setup 2504",
        "the setup stops with error 2504",
        "a instalação falha com o erro 2504",
        "error 0x80070643 al instalar",
        "la tele dice E202",
        "el decodificador muestra E2021",
        "android 13 no se instala",
        "no me actualiza a android 14",
        "la L3110 no imprime",
        "mi impresora l365 atasca papel",
        "me aparece el código 700-1001",
        "I get code 5200",
        "aparece o código 5200",
    ],
)
def test_another_code_is_not_taken_for_the_one_of_a_guide(index: Index, text: str) -> None:
    assert verdict(index, text)[0] is Verdict.NONE
    assert read_message(index, text).unknown_codes


@pytest.mark.parametrize(
    ("text", "problem_id"),
    [
        ("no puedo pagar, me rechazó la tarjeta 2 veces", "payment"),
        ("no pasa el pago de $ 2.504", "payment"),
        ("no pasa el pago, error 51", "payment"),
        ("el 12/11 me rechaza la tarjeta", "payment"),
        ("no me llega el código 4821", "account"),
        ("puse el código 482913 y no puedo entrar a mi cuenta", "account"),
    ],
)
def test_amounts_and_codes_to_type_in_change_nothing(index: Index, text: str, problem_id: str) -> None:
    assert verdict(index, text) == (Verdict.ACCEPT, problem_id)


def test_a_candidate_says_which_code_decided(index: Index) -> None:
    assert index.rank("error 2503")[0].codes == ("2503",)
    other = next(each for each in index.rank("error 2504") if each.problem_id == "setup")
    assert (other.codes, other.other_codes) == ((), ("2504",))
    assert read_message(index, "error 2504").unknown_codes == ("2504",)
    assert read_message(index, "error 2503").unknown_codes == ()
    assert read_message(index, "no puedo pagar").unknown_codes == ()


def test_a_declared_code_counts_where_no_text_has_it(index: Index) -> None:
    with_code = build_index([*ALL[:-1], replace(PAYMENT, codes=("Z-99", "Windows 11"))], index)
    assert "payment" not in {each.problem_id for each in index.rank("ayuda con Z99") if each.confidence > 0.4}
    assert with_code.rank("ayuda con Z99")[0].problem_id == "payment"
    assert with_code.version != index.version, "the same words with another code are another detector"


def test_a_guide_for_a_version_or_newer_serves_newer_ones() -> None:
    newer = replace(PHONE, title="No puedo instalar la app en Android 12 o superior", phrases=("no se instala la app",))
    found = build_index([newer, *ALL[:2]], encoder=make_encoder())
    assert not any(each.other_codes for each in found.rank("no puedo instalar la app en android 14"))
    assert any(each.other_codes for each in found.rank("no puedo instalar la app en android 9"))


def test_confidences_stay_chances(index: Index) -> None:
    for text in ("error 2503", "error 2503 y E201 en android 13", "error 2504, no puedo pagar", "2503 E201"):
        found = index.rank(text, 6)
        assert sum(each.confidence for each in found) <= 1 + 1e-6
        assert list(found) == sorted(found, key=lambda each: -each.confidence)
        assert len(index.rank(text, 1)) <= 1


def test_a_code_is_not_put_right_as_a_slip(index: Index) -> None:
    assert "err_conection_rest" in index.read("no carga, err_conection_rest")
    assert "setp-2503" in index.read("falla setp-2503 siempre")


def test_words_alone_tell_codes_apart_too() -> None:
    words = build_index(ALL)
    assert words.rank("error 2503")[0].problem_id == "setup"
    assert verdict(words, "error 2504")[0] is Verdict.NONE


def test_an_edit_reads_the_codes_of_the_edited_problem_only() -> None:
    many = [Problem(f"p{n:05}", f"Error {n} al abrir", "", (f"sale error {n}",)) for n in range(10_000, 12_000)]
    first = CodeIndex.of(many)
    edited = [*many[:5], replace(many[5], title="Error 77 al abrir"), *many[6:]]
    begin = time.process_time()
    second = CodeIndex.of(edited, first)
    took = time.process_time() - begin
    assert took < 0.5
    assert sum(second.read[key] is found for key, found in first.read.items()) == 1_999
    assert "77" in second.owners
    assert second.owners == CodeIndex.of(edited).owners
    assert first.owners.get("77") is None


@pytest.mark.parametrize(
    "text",
    ["error " + "7" * 300, " ".join(f"error {n}" for n in range(1_000)), "E1 E2 E3 0x11 0x22 HP 2135", "error 2503 " * 300],
)
def test_only_codes_are_answered_in_bounded_time(index: Index, text: str) -> None:
    index.rank("error 1")
    begin = time.process_time()
    found = index.rank(text)
    assert time.process_time() - begin < 1.0
    assert sum(each.confidence for each in found) <= 1 + 1e-6


# -------------------------------------------------------------------------------------------------------- what it is not


DENIED = replace(
    ACCOUNT,
    not_this=("quiero eliminar mi cuenta", "I want to delete my account", "me llegó un código que yo no pedí"),
)


@pytest.mark.parametrize("text", ["quiero eliminar mi cuenta", "quiero excluir minha conta", "ME LLEGO UN CODIGO QUE YO NO PEDI"])
def test_what_an_author_says_is_something_else_is_not_taken_for_it(index: Index, text: str) -> None:
    denied = build_index([DENIED, *(each for each in ALL if each is not ACCOUNT)], index, encoder=make_encoder())
    found = denied.with_model(denied.fit())
    assert verdict(found, text)[0] is not Verdict.ACCEPT
    assert verdict(found, "no puedo entrar a mi cuenta") == (Verdict.ACCEPT, "account")
    assert verdict(found, "no me llega el código") == (Verdict.ACCEPT, "account")
    told = [each.not_this for each in found.rank(text) if each.problem_id == "account"]
    assert told
    assert told[0] in DENIED.not_this


def test_a_negative_example_counts_before_any_fit_and_without_an_encoder() -> None:
    others = [each for each in ALL if each is not ACCOUNT]
    for encoder in (make_encoder(), None):
        plain = build_index([ACCOUNT, *others], encoder=encoder).rank("quiero eliminar mi cuenta")
        denied = build_index([DENIED, *others], encoder=encoder).rank("quiero eliminar mi cuenta")
        before = next((each.confidence for each in plain if each.problem_id == "account"), 0.0)
        after = next((each.confidence for each in denied if each.problem_id == "account"), 0.0)
        assert after < 0.5 * before
        assert max((each.confidence for each in denied), default=0.0) < 0.4, "it does not make another problem of it"


def test_what_the_author_denies_is_not_learned_from_customers() -> None:
    taught = replace(DENIED, learned=(Example("quiero eliminar mi cuenta", 0.6),))
    assert build_index([taught]).texts.spoken.count("quiero eliminar mi cuenta") == 1
