"""Codes of every family are exact, and numbers that are none change nothing: errors, statuses, models, versions, products, names."""

from __future__ import annotations

import pytest

from guiado.detection import Index, Problem, build_index
from guiado.detection.message_reader import read_message
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import Verdict, verdict_of
from guiado.detection.worded_codes import is_one_slip

PROBLEMS = (
    Problem("copying", "Error 0x80070057 al copiar archivos", "El parámetro no es correcto.", (
        "error 0x80070057", "me sale 0x80070057 al copiar", "no puedo copiar archivos", "0x80070057 when copying files")),
    Problem("page", "Error 503 al abrir la página", "El servicio no está disponible.", (
        "me da error 503", "503 service unavailable", "la página dice 503", "erro 503 no site")),
    Problem("deskjet", "La impresora HP DeskJet 2775 no imprime", "La impresora no responde.", (
        "la hp 2775 no imprime", "deskjet 2775 no responde", "HP 2775 doesn't print")),
    Problem("ecotank", "La Epson L3250 no toma papel", "La impresora no toma el papel.", (
        "la L3250 no toma papel", "mi l3250 no agarra la hoja")),
    Problem("windows", "La app no abre en Windows 10", "La aplicación no arranca.", (
        "no abre en windows 10", "en win10 la app no arranca", "the app won't open on windows 10")),
    Problem("phone", "La app se cierra en Android 13", "Se cierra al abrir.", (
        "se cierra en android 13", "con android 13 la app se cierra", "no app crash android 13")),
    Problem("camera", "La cámara se reinicia con el firmware 2.1.4", "Se reinicia cada hora.", (
        "firmware 2.1.4 se reinicia", "la cámara se reinicia sola con la versión 2.1.4")),
    Problem("sms", "No llegan los SMS del 85432", "No llegan los mensajes del número corto.", (
        "no me llegan los sms del 85432", "el 85432 no me manda mensajes")),
    Problem("kit", "El kit SKU AB-1234 viene incompleto", "Faltan piezas en el kit.", (
        "al kit AB-1234 le faltan piezas", "el AB-1234 viene sin tornillos")),
    Problem("refused", "ERR_CONNECTION_REFUSED al abrir el panel", "El navegador no puede conectar.", (
        "ERR_CONNECTION_REFUSED", "el panel rechaza la conexión", "me sale err_connection_refused")),
    Problem("order", "El pedido no llega", "El envío se demora o se perdió.", (
        "no me llegó el pedido", "mi paquete está perdido", "my order never arrived", "meu pedido não chegou")),
    Problem("card", "Mi tarjeta fue rechazada", "El pago no pasa.", (
        "me rechazan la tarjeta", "el pago no pasa", "my card was declined", "cartão recusado")),
    Problem("wifi", "El wifi se corta", "La conexión se cae.", (
        "se me corta el wifi", "se cae internet a cada rato", "my wifi keeps dropping")),
)  # fmt: skip


@pytest.fixture(scope="module")
def index() -> Index:
    built = build_index(PROBLEMS, encoder=make_encoder())
    return built.with_model(built.fit())


def verdict(index: Index, text: str) -> tuple[Verdict, str]:
    reading = read_message(index, text)
    found = reading.candidates
    return verdict_of(found, 0.4, 0.6, reading.kind, tuple(reading.several)), found[0].problem_id if found else ""


KNOWN = {
    "copying": [
        "0x 80070057 al copiar archivos",
        "al copiar una carpeta me sale el error 80070057",
        "ERROR 0X80070057 AL COPIAR",
    ],
    "page": ["error HTTP/1.1 503", "código de respuesta de error 503 en la página", "server error 503"],
    "deskjet": ["HP2775 no imprime", "mi hp-2775 no imprime", "impresora hp modelo 2775 no imprime"],
    "ecotank": ["mi impresora L 3250 no toma papel", "L-3250 no agarra la hoja"],
    "windows": ["w10: la app no arranca", "no abre con Windows 10 22H2", "the app won't open on Windows 10 Pro"],
    "phone": ["Android 13: la app se cierra sola", "app crashes on android 13"],
    "camera": ["con fw 2.1.4 la cámara se reinicia", "Firmware V2.1.4 build 2201 se reinicia"],
    "sms": ["no llega el mensaje del 85432"],
    "kit": ["al AB 1234 le faltan piezas", "el AB1234 viene sin tornillos", "kit AB-1234 is missing pieces"],
    "refused": [
        "me sale ERR CONNECTION REFUSED",
        "error err-connection-refused al abrir el panel",
        "ERR_CONECTION_REFUSED al abrir",
    ],
}


@pytest.mark.parametrize(("problem_id", "text"), [(key, text) for key, texts in KNOWN.items() for text in texts])
def test_a_known_code_is_recognised_however_it_is_written(index: Index, problem_id: str, text: str) -> None:
    assert verdict(index, text) == (Verdict.ACCEPT, problem_id)
    assert read_message(index, text).unknown_codes == ()


UNKNOWN = [
    "error 0x80070005 al copiar", "80070005 al copiar archivos", "8024402f al copiar", "error 0xc0000005",
    "error 404 en la página", "la página da 504", "a página mostra 500", "502 bad gateway",
    "mi hp 2710 no imprime", "la L3210 no toma papel", "mi impresora L 4260 no toma papel", "EPSON XP-4100 no toma papel",
    "la app no abre en windows 11", "la app no abre en windows xp", "en windows vista no abre", "se cierra en android 14",
    "la cámara se reinicia con el firmware 2.1.5", "con la 2.3.1 la cámara se reinicia",
    "no me llegan los sms del 85439", "al kit AB-1235 le faltan piezas", "SKU XZ-9981 sin tornillos",
    "ERR_CONNECTION_RESET", "me sale ERR CONNECTION RESET al abrir", "err-connection-closed al abrir el panel",
]  # fmt: skip


@pytest.mark.parametrize("text", UNKNOWN)
def test_another_code_of_the_family_is_told_and_not_taken(index: Index, text: str) -> None:
    assert verdict(index, text)[0] is not Verdict.ACCEPT
    assert read_message(index, text).unknown_codes


@pytest.mark.parametrize("text", ["la app no abre en macOS 14", "en macos sonoma no abre la app", "no abre en ubuntu 22.04"])
def test_another_operating_system_is_not_taken_for_the_one_of_a_guide(index: Index, text: str) -> None:
    assert verdict(index, text)[0] is not Verdict.ACCEPT


PLAIN = {
    "order": [
        "no me llegó el pedido 503", "my order #2775 never arrived", "no me llegó el pedido L3250", "meu pedido 77123 não chegou",
        "no me llegó el pedido, mi celular es 311 555 0192", "el pedido N.º 2024-00123 no llega",
    ],
    "card": [
        "me rechazan la tarjeta por $503", "el pago de USD 503 no pasa", "intenté 503 veces y el pago no pasa",
        "el pago de 2775 no pasa", "la tarjeta terminada en 2775 me la rechazan", "cartão recusado R$ 503,00",
    ],
    "wifi": [
        "se me corta el wifi 10 veces por día", "desde el 10/11 se me corta el wifi", "se corta el wifi con 503 usuarios",
        "llamé al *611 y nadie contesta, se me corta el wifi", "se me corta el wifi, llámenme al 11 4567 8901",
        "tengo 300 megas y se cae internet a cada rato",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("problem_id", "text"), [(key, text) for key, texts in PLAIN.items() for text in texts])
def test_amounts_orders_phones_and_counts_are_no_codes(index: Index, problem_id: str, text: str) -> None:
    assert verdict(index, text) == (Verdict.ACCEPT, problem_id)
    assert read_message(index, text).unknown_codes == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("conection", "connection", True),
        ("refsued", "refused", True),
        ("reset", "refused", False),
        ("closed", "close", True),
        ("timed", "timer", True),
        ("a", "abc", False),
    ],
)
def test_one_slip_of_the_finger(one: str, other: str, same: bool) -> None:
    assert is_one_slip(one, other) is is_one_slip(other, one) is same
