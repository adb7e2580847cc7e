"""The detector as a whole: what it finds, how sure it says it is, and what it learns at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from guiado.detection import Example, Problem, build_index
from guiado.detection.classifier.calibration import fit_intercept, shifted
from guiado.detection.classifier.fitted_model import FittedModel
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import DEFAULT_ACCEPT
from guiado.errors import EncoderUnavailable

PROBLEMS = [
    Problem(
        "wifi",
        "Problemas de conexión a internet",
        "La red se corta o no hay internet",
        ("se cae el wifi", "no tengo internet", "la red va muy lenta", "no carga ninguna página", "el router no da señal"),
    ),
    Problem(
        "cuenta",
        "Recuperar el acceso a la cuenta",
        "No se puede entrar a la cuenta",
        (
            "olvidé mi contraseña",
            "no puedo iniciar sesión",
            "mi cuenta está bloqueada",
            "no me llega el código",
            "cambiar la clave",
        ),
    ),
    Problem(
        "factura",
        "Problemas de facturación",
        "Cobros que no se esperaban",
        (
            "me cobraron dos veces",
            "la factura está mal",
            "quiero un reembolso",
            "no reconozco este cargo",
            "me subieron el precio",
        ),
    ),
    Problem(
        "instalar",
        "Instalación del programa",
        "El programa no se instala",
        ("la instalación se queda parada", "no se abre el instalador", "error al instalar", "falta espacio en el disco"),
    ),
]


@pytest.fixture(scope="module")
def encoder():
    return make_encoder()


@pytest.fixture(scope="module")
def index(encoder):
    built = build_index(PROBLEMS, encoder=encoder)
    return built.with_model(built.fit())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("se me cae el wifi a cada rato", "wifi"),
        ("NO ME DEJA ENTRAR A MI CUENTA", "cuenta"),
        ("m sale q la contraseña esta mal", "cuenta"),
        ("my wifi keeps dropping", "wifi"),
        ("minha internet caiu de novo", "wifi"),
        ("I was charged twice this month", "factura"),
        ("olvidÃ© mi contraseÃ±a", "cuenta"),
        ("El 3/11/2025 Ana escribió:\n> me cobraron dos veces\n\nHola, el instalador no se abre", "instalar"),
        (
            "Hola, el instalador no se abre\n\nEl lun, 3 nov 2025 a las 10:00, Ana <ana@example.com> escribió:\n> me cobraron dos veces",
            "instalar",
        ),
    ],
)
def test_the_right_problem_is_found(index, text, wanted):
    best = index.rank(text)[0]
    assert best.problem_id == wanted
    assert best.example in next(p for p in PROBLEMS if p.problem_id == wanted).texts


@pytest.mark.parametrize(
    "text", ["qué tiempo hace mañana en Sevilla", "la receta de la tortilla de patatas", "what is the capital of France"]
)
def test_what_is_about_nothing_known_gets_little_confidence(index, text):
    sure = min(index.rank(known)[0].confidence for known in ("se cae el wifi siempre", "he olvidado la contraseña"))
    assert index.rank(text)[0].confidence < 0.33 < sure


def test_confidences_are_in_order_and_add_up_to_one_at_most(index):
    for text in ("no funciona", "error", "mi cuenta no tiene internet", "cobro", "ayuda por favor", "wifi contraseña factura"):
        found = index.rank(text, 10)
        sure = [candidate.confidence for candidate in found]
        assert sure == sorted(sure, reverse=True)
        assert sum(sure) <= 1 + 1e-6
        assert all(0 < each <= 1 for each in sure)


def test_a_confirmed_text_counts_at_once_and_a_denied_one_against_it(index, encoder):
    text = "el cacharro de las lucecitas parpadea en naranja"
    before = {c.problem_id: c.confidence for c in index.rank(text, 4)}
    other = max((p for p in ("factura", "instalar")), key=lambda p: -before.get(p, 0))
    taught = [replace(p, learned=(Example(text),)) if p.problem_id == other else p for p in PROBLEMS]
    after = build_index(taught, index, encoder=encoder)
    assert after.model is index.model  # nothing was fitted
    assert after.rank(text)[0].problem_id == other
    assert after.rank(text)[0].confidence > before.get(other, 0)

    denied = "no puedo iniciar sesión"
    negative = [
        replace(p, learned=(Example("no puedo iniciar sesion", negative=True),)) if p.problem_id == "cuenta" else p
        for p in PROBLEMS
    ]
    assert build_index(negative, index, encoder=encoder).rank(denied)[0].confidence < index.rank(denied)[0].confidence


def test_a_stored_model_is_the_same_and_a_damaged_one_is_none(index, encoder):
    stored = index.model.to_bytes()
    read = FittedModel.from_bytes(stored)
    assert read.version == FittedModel.from_bytes(read.to_bytes()).version
    fresh = build_index(PROBLEMS, encoder=encoder).with_model(read)
    for text in ("se cae la red", "quiero mi dinero", "no entra"):
        one, other = index.rank(text), fresh.rank(text)
        assert [c.problem_id for c in one] == [c.problem_id for c in other]
        assert np.allclose([c.confidence for c in one], [c.confidence for c in other], atol=0.01)  # stored in half precision
    for damaged in (b"", b"no", stored[: len(stored) // 2], stored[:200] + b"\0" * 50 + stored[250:]):
        assert FittedModel.from_bytes(damaged) is None or FittedModel.from_bytes(damaged).version != ""


def test_a_model_that_does_not_know_a_problem_is_not_used(index, encoder):
    new = Problem("impresora", "La impresora no imprime", "", ("no imprime", "atasco de papel", "sale en blanco"))
    grown = build_index([*PROBLEMS, new], index, encoder=encoder)
    assert grown.model is None
    assert grown.rank("la impresora no imprime nada")[0].problem_id == "impresora"
    assert build_index(PROBLEMS[:3], index, encoder=encoder).model is index.model


def test_without_an_encoder_words_decide():
    built = build_index(PROBLEMS)
    fitted = built.with_model(built.fit())
    assert fitted.rank("se me cae el wifi")[0].problem_id == "wifi"
    assert fitted.rank("olvide la contrasena")[0].problem_id == "cuenta"
    assert not fitted.rank("🙂🙂🙂")


def test_an_encoder_that_fails_leaves_the_words(index):
    class Broken:
        name, dimensions = index.encoder.name, 512

        def encode(self, texts):
            raise EncoderUnavailable("x\ny")

    broken = build_index(PROBLEMS, encoder=index.encoder).with_model(index.model)
    broken.encoder = Broken()
    assert broken.rank("se me cae el wifi")[0].problem_id == "wifi"
    assert build_index(PROBLEMS, encoder=Broken()).rank("olvidé mi contraseña")[0].problem_id == "cuenta"


def test_judged_answers_move_the_confidence_towards_the_truth():
    assert fit_intercept([(0.9, False)] * 19) == 0
    too_sure = fit_intercept([(0.9, number % 2 == 0) for number in range(100)])
    too_shy = fit_intercept([(0.5, number % 10 != 0) for number in range(100)])
    assert shifted(0.9, too_sure) == pytest.approx(0.5, abs=0.05)
    assert shifted(0.5, too_shy) == pytest.approx(0.9, abs=0.05)
    assert shifted(0.7, 0.0) == 0.7


def test_what_several_other_subjects_speak_for_is_taken_from_the_problems(encoder):
    cars = Problem(
        "autos", "", "", ("el coche no arranca", "el motor se queda parado", "la moto no enciende en frío"), is_none=True
    )
    works = Problem("obras", "", "", ("la obra se queda parada", "la pintura no seca", "el albañil no vino"), is_none=True)

    def found(*others: Problem) -> dict[str, float]:
        built = build_index([*PROBLEMS, *others], encoder=encoder)
        ranked = built.with_model(built.fit()).rank("error al instalar el motor", 6)
        return {each.problem_id: each.confidence for each in ranked}

    assert found()["instalar"] > 0.9
    for others in ((cars,), (cars, works)):
        assert found(*others)["instalar"] < DEFAULT_ACCEPT  # the likeliest, and the customer is asked
        assert {"autos", "obras"}.isdisjoint(found(*others))
