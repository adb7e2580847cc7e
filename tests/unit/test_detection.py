"""What a customer writes finds the right problem, or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.detection import DEFAULT_THRESHOLD, Index, Problem, build_index, detect_language
from guiado.text.normalise import normalise

PROBLEMS = (
    Problem(
        "imprimir",
        "La impresora no imprime",
        "La impresora no responde o el papel sale en blanco",
        ("no puedo imprimir un documento", "el papel se atasca", "my printer is jammed", "a impressora não imprime"),
    ),
    Problem(
        "entrar",
        "No puedo entrar a mi cuenta",
        "La contraseña no funciona o la cuenta está bloqueada",
        ("olvidé mi contraseña", "me dice que la clave está mal", "I forgot my password", "esqueci minha senha"),
    ),
    Problem(
        "cobro",
        "Cobro incorrecto",
        "Un cargo repetido o una factura con un monto equivocado",
        ("me cobraron dos veces", "la factura está mal", "I was charged twice", "fui cobrado duas vezes"),
    ),
    Problem(
        "red",
        "Sin conexión a internet",
        "El equipo no se conecta o la red está lenta",
        ("se cae el wifi", "no tengo internet", "error al conectarse", "my wifi keeps dropping"),
    ),
)


@pytest.fixture(scope="module")
def index() -> Index:
    return build_index(PROBLEMS)


def accepted(index: Index, text: str) -> str | None:
    best = index.rank(text, 1)
    return best[0].problem_id if best and best[0].confidence >= DEFAULT_THRESHOLD else None


@pytest.mark.parametrize(
    ("text", "problem_id"),
    [
        ("No puedo imprimir", "imprimir"),
        ("Hola, buenas tardes: la impresora no me imprime nada, gracias", "imprimir"),
        ("imprimiendo se atascó el papel", "imprimir"),
        ("NO ME DEJA ENTRAR A MI CUENTA", "entrar"),
        ("m dice q la contraseña esta mal", "entrar"),
        ("olvidÃ© mi contraseÃ±a", "entrar"),
        ("olvid茅 mi contrase帽a", "entrar"),
        ("olvide mi contrasena", "entrar"),
        ("oldivé mi contaseña", "entrar"),
        ("i forgot my pasword", "entrar"),
        ("esqueci a minha senha", "entrar"),
        ("me cobraron dos veces la suscripción", "cobro"),
        ("facturas con montos equivocados", "cobro"),
        ("Error al conectarme", "red"),
        ("se me cae el wifi a cada rato", "red"),
        ("wifiiiiii lentoooo", "red"),
        ("no puedo imprimir\n\nQuedo a sus órdenes\nRosa Gil\nEncargada de Cobros y Contraseñas", "imprimir"),
        (
            "Segue o caso.\n\n-----Mensagem original-----\nDe: Bia <b@example.com>\nPara: x\nAssunto: wifi\n\nesqueci a minha senha",
            "entrar",
        ),
        ("me cobraron dos veces\n\n-- Responda por encima de esta línea --\n¿Probó restablecer su contraseña?", "cobro"),
        ("When I sign in it says this\n\n> i forgot my password?", "entrar"),
        ("RE: [Caso 12] Contraseña vencida\nse atascó el papel al imprimir", "imprimir"),
        ("<style>p.cobro {margin:0}</style><p><del>me cobraron dos veces</del> se me cae el wifi</p>", "red"),
        ("my wifi keeps dropping", "red"),
    ],
)
def test_customers_words_find_the_problem(index: Index, text: str, problem_id: str) -> None:
    assert accepted(index, text) == problem_id


@pytest.mark.parametrize(
    "text",
    [
        "Mi gato tiene hambre",
        "quiero una pizza",
        "asdf",
        "hola buenas tardes",
        "necesito ayuda por favor",
        "¿qué hora es en Tokio?",
        "¿cómo se llama el presidente?",
        "cuánto cuesta el plan familiar",
        "Привет мир",
        "打印机坏了",
    ],
)
def test_other_subjects_find_nothing(index: Index, text: str) -> None:
    assert accepted(index, text) is None


@pytest.mark.parametrize("text", ["", " \n\t", "a", "😀😀😀", "...!?", "\x00\x07", "\ud800", "hola", "problema"])
def test_a_text_that_says_nothing_has_no_candidates(index: Index, text: str) -> None:
    assert index.rank(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Este es un mensaje automático, por favor no responda. Su contraseña fue cambiada.",
        "Subject: Automatic reply: no puedo imprimir\n\nI am away. The wifi is down here too.",
        "Return-Path: <>\nFrom: Ana <ana@example.com>\nAssunto: x\n\nme cobraron dos veces",
    ],
)
def test_what_a_program_wrote_is_about_no_problem(index: Index, text: str) -> None:
    assert index.rank(text) == ()


def test_candidates_come_best_first_and_no_more_than_asked(index: Index) -> None:
    ranked = index.rank("no puedo entrar a internet porque olvidé la contraseña", limit=3)
    assert len(ranked) == 3
    assert [c.confidence for c in ranked] == sorted((c.confidence for c in ranked), reverse=True)
    assert all(0 < c.confidence <= 1 for c in ranked)
    assert len(index.rank("no puedo entrar a internet", limit=1)) == 1
    assert index.rank("no puedo entrar", limit=0) == ()


def test_evidence_is_in_the_customers_own_words_strongest_first(index: Index) -> None:
    best = index.rank("Hola, la CONTRASEÑA de mi cuenta ya no me funciona desde el lunes")[0]
    assert best.problem_id == "entrar"
    assert {"contraseña", "cuenta", "funciona"} <= set(best.evidence)
    assert "lunes" not in best.evidence
    assert len(index.rank(" ".join(p.description for p in PROBLEMS))[0].evidence) <= 5


def test_unknown_words_lower_the_confidence(index: Index) -> None:
    alone = index.rank("se cae el wifi")[0].confidence
    among_others = index.rank("se cae el wifi cuando canta mi vecina holandesa")[0].confidence
    assert among_others < alone


def test_the_description_counts_not_the_log_behind_it(index: Index) -> None:
    text = "olvidé mi contraseña " + "\n" * 5_000 + "x9f" * 40_000
    assert accepted(index, text) == "entrar"
    beyond = "zanahoria " * 300 + "olvidé mi contraseña"
    assert index.rank(beyond) == ()


def test_identical_problems_are_ordered_by_id() -> None:
    twins = [Problem(i, "Sin internet", "", ()) for i in ("c", "a", "b")]
    ranked = build_index(twins).rank("no hay internet")
    assert [c.problem_id for c in ranked] == ["a", "b", "c"]
    assert len({c.confidence for c in ranked}) == 1


def test_an_index_of_nothing_answers_nothing() -> None:
    empty = build_index([])
    assert len(empty) == 0
    assert empty.rank("no puedo entrar") == ()
    assert build_index([Problem("x", "", "😀", ("",))]).rank("no puedo entrar") == ()


def test_one_problem_is_not_the_answer_to_everything() -> None:
    single = build_index([PROBLEMS[3]])
    assert accepted(single, "no tengo internet") == "red"
    assert accepted(single, "quiero devolver unos zapatos") is None


def test_one_problem_among_hundreds_is_found() -> None:
    many = [Problem(f"p{n:03}", f"Falla la pieza {n} del modelo", "La pieza no funciona", ()) for n in range(100, 700)]
    index = build_index([*many, *PROBLEMS])
    assert len(index) == 604
    assert index.rank("falla la pieza 437 del modelo")[0].problem_id == "p437"
    assert accepted(index, "olvide la contrasena") == "entrar"


def test_the_version_follows_the_contents_only() -> None:
    version = build_index(PROBLEMS).version
    assert version == build_index(reversed(PROBLEMS)).version
    assert version.startswith("lexical-2:")
    assert version != build_index(PROBLEMS[:3]).version


def test_threads_get_the_same_answers(index: Index) -> None:
    texts = [f"{phrase} numero{n}" for n in range(20) for problem in PROBLEMS for phrase in problem.phrases]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(index.rank, texts))
    alone = build_index(PROBLEMS)
    assert together == [alone.rank(text) for text in texts]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_answered(text: str) -> None:
    for candidate in _INDEX.rank(text):
        assert 0 < candidate.confidence <= 1
    assert detect_language(text) in {"es", "en", "pt", None}
    plain = normalise(text)
    assert plain.isprintable()
    assert plain == " ".join(plain.split()).lower()


_INDEX = build_index(PROBLEMS)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No puedo instalar el programa en mi computadora", "es"),
        ("no me deja entrar", "es"),
        ("¿Por qué me cobraron dos veces?", "es"),
        ("olvidÃ© mi contraseÃ±a", "es"),
        ("My wifi keeps dropping", "en"),
        ("I can't log in to my account", "en"),
        ("Não consigo entrar na minha conta", "pt"),
        ("esqueci a minha senha", "pt"),
        ("wifi", None),
        ("", None),
        ("😀", None),
        ("Привет, как дела", None),
    ],
)
def test_the_language_of_a_text(text: str, language: str | None) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  Contraseña\tINVÁLIDA \n", "contrasena invalida"),
        ("contraseÃ±a", "contrasena"),
        ("contrase帽a", "contrasena"),
        ("co\u200bnexio\u0301n\x00", "conexion"),
        ("", ""),
    ],
)
def test_normalise_gives_one_spelling(text: str, plain: str) -> None:
    assert normalise(text) == plain
