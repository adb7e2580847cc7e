"""Whatever is asked of detection and whatever it knows: no error, and an honest answer."""

from __future__ import annotations

import time
from statistics import median

import pytest

from guiado.app.sessions.detect import detect
from guiado.cli.detection_setup import index_of
from guiado.detection import DEFAULT_THRESHOLD, Index, Problem, build_index
from guiado.detection.verdict import DEFAULT_ACCEPT, Verdict

PROBLEMS = (
    Problem(
        "entrar", "No puedo entrar a mi cuenta", "La contraseña no funciona o la cuenta está bloqueada",
        ("olvidé mi contraseña", "me dice que la clave está mal", "mi cuenta está bloqueada", "no me deja iniciar sesión"),
    ),
    Problem(
        "cobro", "Cobro incorrecto", "Un cargo repetido o una factura con un monto equivocado",
        ("me cobraron dos veces", "la factura está mal", "quiero un reembolso", "no reconozco un cargo en mi tarjeta"),
    ),
    Problem(
        "red", "Sin conexión a internet", "El equipo no se conecta o la red está lenta",
        ("se cae el wifi a cada rato", "no tengo internet", "error al conectarse", "el router tiene una luz roja"),
    ),
    Problem(
        "imprimir", "La impresora no imprime", "El papel se atasca o sale en blanco",
        ("no puedo imprimir un documento", "el papel se atasca", "la impresora no responde", "sale la hoja en blanco"),
    ),
)  # fmt: skip
FOREIGN = ("quiero una pizza con anchoas", "mi gato tiene hambre", "¿cuál es la capital de Mongolia?", "recomiéndame una novela")
NOTHING = {
    "empty": "", "spaces": " \n\t\u00a0\u2003", "a letter": "a", "a mark": "?", "a digit": "7", "emoji": "😀🔥👍🏽👨‍👩‍👧‍👦", "dots": "..." * 500,
    "NUL": "\x00", "controls": "\x00\x07\x1b[31m\x9f", "half a pair": "\ud800", "other half": "\udfff" * 50, "invisible": "\u200b\u2060\ufeff",
    "combining": "\u0301" * 300, "direction": "\u202e\u202d\u2066", "private": "\ue000\U000f0000", "unassigned": "\U000e0fff",
}  # fmt: skip
STRANGE = {
    "cyrillic": "Я хочу пиццу", "arabic": "أريد بيتزا", "chinese": "我想吃比萨饼", "thai": "ฉันอยากกินพิซซ่า", "greek": "γειά σου κόσμε",
    "code": "def f(x):\n    return {k: v for k, v in x.items() if v is not None}\n" * 5, "json": '{"a": [1, 2, {"b": null}]}' * 20,
    "sql": "'; DROP TABLE users; --", "template": "{{7*7}} ${jndi:ldap://x} %s %n {0}", "html": "<script>alert(1)</script>" * 10,
    "stack trace": 'Traceback (most recent call last):\n  File "x.py", line 1\nKeyError: 5\n' * 30, "base64": "QWxhZGRpbjpvcGVuIHNlc2FtZQ==" * 40,
    "one word for ever": "w" * 100_000, "numbers": "3.14159 " * 3_000, "long nonsense": "xqzt wvrk " * 10_000,
}  # fmt: skip


@pytest.fixture(scope="module")
def index() -> Index:
    return index_of(PROBLEMS)


def verdict(index: Index, text: str) -> Verdict:
    return detect(index, {}, text, DEFAULT_THRESHOLD, DEFAULT_ACCEPT).verdict


def check_honest(index: Index, text: str, limit: int = 20) -> None:
    """Sorted, bounded, without twice the same, and the same the second time."""
    found = index.rank(text, limit)
    sure = [candidate.confidence for candidate in found]
    assert sure == sorted(sure, reverse=True)
    assert all(0 < confidence <= 1 for confidence in sure)
    assert len({candidate.problem_id for candidate in found}) == len(found) <= limit
    assert all(isinstance(word, str) and word for candidate in found for word in candidate.evidence)
    assert index.rank(text, limit) == found


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_a_text_that_says_nothing_is_about_nothing(index: Index, text: str) -> None:
    check_honest(index, text)
    assert verdict(index, text) is Verdict.NONE


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_what_nobody_can_compare_is_never_taken_for_sure(index: Index, text: str) -> None:
    check_honest(index, text)
    assert verdict(index, text) is not Verdict.ACCEPT


@pytest.mark.parametrize("text", FOREIGN)
def test_another_subject_is_not_taken(index: Index, text: str) -> None:
    assert verdict(index, text) is not Verdict.ACCEPT


def test_the_right_problem_is_found_through_what_surrounds_it(index: Index) -> None:
    asked = "olvidé mi contraseña y no puedo entrar a mi cuenta"
    thread = (
        f"Hola, buenas tardes:\n\n{asked}\n\nSaludos,\nAna Pérez\nTel. +34 600 000 000\n\n"
        "El lun, 3 nov 2025 a las 10:00, Soporte <soporte@example.com> escribió:\n"
        "> Hola Ana, ¿pudo imprimir el documento? ¿Se atasca el papel de la impresora?\n> Saludos\n" * 20
    )
    for text in (asked, thread, f"😀\x00{asked}\x1b[0m🔥", f"{asked}\n" + "9f3a" * 30_000, asked.encode().decode("cp1252")):
        assert index.rank(text, 1)[0].problem_id == "entrar", text[:60]
        check_honest(index, text)


@pytest.mark.parametrize("limit", [0, -1, 1, 1_000_000])
def test_any_limit_will_do(index: Index, limit: int) -> None:
    assert len(index.rank("no tengo internet", limit)) <= max(0, min(limit, len(PROBLEMS)))


# ------------------------------------------------------------------------------------------------- knowledge bases


def test_who_knows_nothing_says_nothing() -> None:
    for problems in ([], [Problem("vacio", "", "", ())], [Problem("signos", "...", "😀", ("\x00", "\ud800", ""))]):
        nothing = index_of(problems)
        check_honest(nothing, "no tengo internet")
        assert verdict(nothing, "no tengo internet") is Verdict.NONE
    assert index_of([]).rank("no tengo internet") == ()


def test_a_single_problem_does_not_take_everything() -> None:
    alone = index_of(PROBLEMS[2:3])
    for text in (*FOREIGN, "me cobraron dos veces", "olvidé mi contraseña", *STRANGE.values()):
        check_honest(alone, text)
        assert verdict(alone, text) is not Verdict.ACCEPT, text[:60]
    (best,) = alone.rank("se cae el wifi a cada rato")
    assert best.problem_id == "red"
    assert best.confidence > 2 * max([c.confidence for text in FOREIGN for c in alone.rank(text)], default=0.0)


def test_twins_share_the_confidence_and_both_are_shown() -> None:
    red = PROBLEMS[2]
    twins = index_of([*PROBLEMS, Problem("red2", red.title, red.description, red.phrases)])
    found = detect(twins, {}, "no tengo internet", DEFAULT_THRESHOLD, DEFAULT_ACCEPT)
    assert {c.problem_id for c in found.candidates[:2]} == {"red", "red2"}
    first, second = found.candidates[:2]
    assert first.confidence <= 0.55, "as likely the one as the other"
    assert second.confidence >= first.confidence / 2
    assert found.verdict is not Verdict.ACCEPT


def test_an_example_that_contradicts_another_leaves_doubt() -> None:
    said = "la pantalla se queda negra al abrir"
    both = [Problem(p.problem_id, p.title, p.description, (*p.phrases, said)) for p in PROBLEMS[:2]]
    contradicting = index_of([*both, *PROBLEMS[2:]])
    check_honest(contradicting, said)
    assert {c.problem_id for c in contradicting.rank(said, 2)} == {"entrar", "cobro"}
    assert verdict(contradicting, said) is not Verdict.ACCEPT
    assert contradicting.rank("olvidé mi contraseña", 1)[0].problem_id == "entrar"


def test_ids_and_texts_of_any_kind_are_taken() -> None:
    odd = [
        Problem("id con espacios", "Título", "", ("se rompe la pantalla",)),
        Problem("ñandú/../x", "x" * 100_000, "y " * 50_000, ("sale humo del aparato",)),
        Problem("😀", "\x00\ud800", "", tuple(f"frase número {n}" for n in range(500))),
    ]
    index = index_of(odd)
    for text in ("se rompe la pantalla", "sale humo del aparato", "frase número 7", *NOTHING.values()):
        check_honest(index, text)
    assert index.rank("sale humo del aparato", 1)[0].problem_id == "ñandú/../x"


def test_thousands_of_problems_are_told_apart() -> None:
    index = many(2_000)
    assert len(index) == 2_000
    check_honest(index, "el aparato banura del taller hace ruido")
    check_honest(index, "")


# ------------------------------------------------------------------------------------------------- time, as ratios


def seconds(index: Index, text: str, times: int = 15) -> float:
    took: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        index.rank(text)
        took.append(time.perf_counter() - started)
    return median(took)


def many(count: int) -> Index:
    syllables = [a + b for a in "bcdfglmnprst" for b in "aeiou"]
    name = lambda n: syllables[n % 60] + syllables[n // 60 % 60] + syllables[n // 7 % 60]  # noqa: E731
    return build_index(
        [Problem(f"p{n}", f"Falla {name(n)}", f"El aparato {name(n)} hace ruido", (f"suena {name(n)}",)) for n in range(count)]
    )


def test_a_text_of_any_length_takes_about_the_time_of_a_page(index: Index) -> None:
    page = "no tengo internet en casa y el wifi se cae a cada rato. " * 40
    for huge in (page * 45, "x" * 100_000, "😀" * 100_000, "ñ" * 100_000, "ã" * 100_000, "> cita\n" * 15_000, "a\n" * 50_000):
        assert seconds(index, huge[:100_000], 5) < 30 * seconds(index, page, 5), huge[:10]


def test_time_grows_less_than_the_knowledge_base() -> None:
    text = "el aparato banura del taller hace ruido y suena mal"
    assert seconds(many(2_000), text) < 15 * seconds(many(200), text)
