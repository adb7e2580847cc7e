"""Messages that say too much, too little or the contrary: an honest verdict with its reason, in bounded time."""

from __future__ import annotations

import time

import pytest
from test_code_families import PROBLEMS

from guiado.app.sessions.detect import Detected, detect
from guiado.app.sessions.explanation import explanation
from guiado.detection import DEFAULT_THRESHOLD, Index, build_index
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import DEFAULT_ACCEPT, Verdict

MOST_CPU_S = 0.2
"""Time of one message at most: a third of it on a quiet machine."""
NONE = "No es ninguno de los problemas conocidos: lo atiende una persona."
SEVERAL = "Cuenta varios problemas: conviene preguntar por cuál empezar."
STORY = "el wifi de mi casa se corta cuando mi hijo mira una película en la tele y mi mujer trabaja con la computadora nueva "


@pytest.fixture(scope="module", params=["use", "lexical"])
def index(request: pytest.FixtureRequest) -> Index:
    built = build_index(PROBLEMS, encoder=make_encoder(request.param))
    return built.with_model(built.fit()).prepare()


def read(index: Index, text: str) -> Detected:
    return detect(index, {}, text, DEFAULT_THRESHOLD, DEFAULT_ACCEPT)


HONEST = {
    "codes that nobody knows": ("0x80070005 0x80244022 E999 ERR_X_Y", [NONE, "Código desconocido: 0x80070005, 0x80244022, E999, ERR_X_Y."]),
    "a code of 300 digits": ("error " + "7" * 300, [NONE, f"Código desconocido: {'7' * 40}…."]),
    "a code of 300 hexadecimal digits": ("0x" + "8f" * 150, [NONE]),
    "a name of 300 letters": ("ERR_" + "CONNECTION_" * 27, [NONE]),
    "500 codes": (" ".join(f"error {number}" for number in range(1_000, 1_500)), [NONE]),
    "500 codes of a series": (" ".join(f"E{number}" for number in range(1_000, 1_500)), [NONE]),
    "codes of five guides": ("0x80070057 503 L3250 ERR_CONNECTION_REFUSED", []),
    "one word": ("x" * 5_000, []),
    "only negations": ("no, nada, nunca, tampoco, ni ahí", []),
    "4,000 characters of negations": (("no nunca jamás tampoco nadie " * 150)[:4_000], []),
    "yes and no": ("no. sí. " * 250, []),
    "contradiction": ("no anda, no, sí anda", []),
    "numbers": (("4 8 15 16 23 42 " * 260)[:4_000], []),
    "dots": ("1.2.3.4." * 500, []),
    "phone numbers": ("11 4567 8901 " * 300, []),
    "slashes": ("1/2/3/4/5/" * 400, []),
    "hyphens": ("a-" * 2_000, []),
    "underscores": ("a_" * 2_000, []),
    "shouted": (("ERR CONNECTION RESET AL ABRIR " * 130)[:4_000], [NONE, "Código desconocido: ERR CONNECTION RESET."]),
    "three languages": ("se me corta el wifi, my card was declined, meu pedido não chegou", [SEVERAL]),
    "500 clauses about two things": ("".join(f"el wifi {n} se corta. la hp 2775 no imprime. " for n in range(250)), [SEVERAL]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), HONEST.values(), ids=HONEST)
def test_nothing_is_taken_for_sure_and_the_reason_is_told(index: Index, text: str, told: list[str]) -> None:
    found = read(index, text)
    reasons = explanation(found, {}, "es")
    assert found.verdict is not Verdict.ACCEPT
    assert set(told) <= set(reasons), reasons
    assert reasons[-1].endswith((".", "?"))
    assert sum(each.confidence for each in found.candidates) <= 1.001


LONG = {
    "500 clauses": "se me corta el wifi. " * 500,
    "a clause of 5,000 characters": (STORY * 50)[:5_000],
    "4,000 characters without a mark": ("no me anda el wifi y la impresora tampoco y me rechazan la tarjeta " * 70)[:4_000],
    **{name: text for name, (text, _) in HONEST.items() if len(text) >= 2_000},
}  # fmt: skip


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_message_takes_little_time(index: Index, text: str) -> None:
    read(index, "error 1")
    took = []
    for _ in range(3):
        begin = time.process_time()
        found = read(index, text)
        took.append(time.process_time() - begin)
    assert min(took) < MOST_CPU_S
    assert len(found.reading.clauses) <= 40
    assert len(found.reading.unknown_codes) <= 40
