"""An index that grew by edits answers exactly like one that was built from the same problems at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.detection import Problem, build_index
from guiado.text.fold import fold
from guiado.text.normalise import normalise
from guiado.text.stemming import stem

WORDS = (
    "impresora",
    "papel",
    "atasca",
    "red",
    "wifi",
    "internet",
    "cuenta",
    "clave",
    "cobro",
    "factura",
    "no",
    "puedo",
    "mi",
    "la",
    "imprime",
    "conecta",
    "olvidé",
    "lento",
)
SLIPS = ("impresra", "papl", "atascada", "wfi", "internt", "cuneta", "factrua", "imprimir", "conectar", "olvide", "desconocida")
sentences = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
problems = st.builds(Problem, st.sampled_from("abcdefgh"), sentences, sentences, st.lists(sentences, max_size=3).map(tuple))
knowledge = st.lists(problems, max_size=8, unique_by=lambda problem: problem.problem_id)
texts = st.lists(st.sampled_from(WORDS + SLIPS), max_size=7).map(" ".join)


@settings(max_examples=20, deadline=None)
@given(st.lists(knowledge, min_size=2, max_size=5), st.lists(texts, min_size=1, max_size=5))
def test_edits_lead_to_the_same_answers_as_building_anew(states: list[list[Problem]], asked: list[str]) -> None:
    grown = build_index(())
    for state in states:
        grown = build_index(state, grown)
        anew = build_index(reversed(state))
        assert grown.version == anew.version
        assert [grown.rank(text, 8) for text in asked] == [anew.rank(text, 8) for text in asked]


def test_an_edit_reads_the_edited_problem_only() -> None:
    many = [Problem(f"p{n:03}", f"Falla la pieza {n}", "No funciona", ()) for n in range(100, 400)]
    first = build_index(many)
    edited = [*many[:7], Problem("p107", "La cafetera está fría", "", ()), *many[8:]]
    second = build_index(edited, first)
    shared = [i for i, entry in first.lexical.contents.entries.items() if second.lexical.contents.entries[i] is entry]
    assert len(shared) == 299
    assert second.rank("mi cafetera")[0].problem_id == "p107"
    # The old one is as it was: sessions may be asking it this very moment.
    assert first.rank("mi cafetera") == ()
    assert first.rank("falla la pieza 107")[0].problem_id == "p107"


def test_what_is_remembered_of_customers_words_has_an_end() -> None:
    index = build_index([Problem("a", "No puedo imprimir", "", ())])
    index.rank("impresoras gigantescas " * 20)
    # A word has up to 40 letters, so that 16,384 of them take a few MB.
    assert all(0 < cache.cache_info().currsize <= cache.cache_parameters()["maxsize"] <= 16_384 for cache in (fold, stem))
    before = fold.cache_info().currsize
    normalise("un texto largo " * 500)
    assert fold.cache_info().currsize == before
