"""Slips put right for the encoder, and words that are none left alone."""

from __future__ import annotations

import pytest

from guiado.detection.lexical.ngram_index import NgramIndex, deletions
from guiado.detection.lexical.spelling import Speller
from guiado.detection.lexical.vocabulary import slip
from guiado.detection.semantic.encoders import use
from guiado.detection.semantic.encoders.sentencepiece import PieceLexicon
from guiado.errors import EncoderUnavailable
from guiado.text.normalise import clean_sentence

TEXT = "la contraseña es incorrecta no llega el código me cobraron dos veces reiniciar el router conexión a internet tarjeta card"
KNOWN = TEXT.split()


@pytest.fixture(scope="module")
def speller():
    return Speller(KNOWN)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("contraeña", "contraseña"),
        ("contrasña", "contraseña"),
        ("contrassena", "contraseña"),
        ("reiniicar", "reiniciar"),
        ("ruter", "router"),
        ("incorecta", "incorrecta"),
        ("crd", "card"),
        ("conexion", "conexión"),
        ("codigo", "código"),
        ("acount", "account"),
        ("pantlla", "pantalla"),
        ("aplicacoin", "aplicación"),
    ],
)
def test_a_slip_is_put_right(speller, typed, meant):
    assert speller.repair(f"mi {typed}, por favor") == f"mi {meant}, por favor"


@pytest.mark.parametrize(
    "word",
    ["contraseña", "card", "account", "puedo", "gracias", "españa", "usd", "wifi", "xyz", "bcn", "12345", "日本語", "no", "você"],
)
def test_what_is_a_word_stays(speller, word):
    assert speller.repair(word) == word


@pytest.mark.parametrize(
    "text",
    [
        "cómo me instalo el programa",
        "me quedo sin internet",
        "yo reinicio y nada",
        "si cambio la clave no entra",
        "entro en www.avast.com y nada",
        "no abre http://incorecta.acount.es/codigo hoy",
        "escribo a acount@codigo.com siempre",
        "la página incorecta.com.mx no carga",
        "no corre setpu.exe ni nada",
    ],
)
def test_verbs_of_the_first_person_and_addresses_stay(speller, text):
    assert speller.repair(clean_sentence(text)) == text


def test_verbs_of_somebody_else_get_their_accent_and_words_beside_addresses_are_put_right(speller):
    known = Speller([*KNOWN, "quedó"])
    assert known.repair("se me quedo colgado") == "se me quedó colgado"
    assert known.repair("me quedo sin red") == "me quedo sin red"
    assert speller.repair("www.avast.com no abre el ruter") == "www.avast.com no abre el router"
    assert speller.repair("no abre.el ruter parpadea") == "no abre.el router parpadea"


def test_words_that_the_encoder_knows_stay_though_the_knowledge_base_has_one_like_it():
    assert Speller(["carta", "router"]).repair("the route of the card") == "the route of the card"


def test_the_knowledge_base_goes_before_the_language():
    assert Speller(["winback"]).repair("winbak") == "winback"
    assert Speller([]).repair("winbak") == "winbak"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("quieor hablra con alguien", "quiero hablar con alguien"),
        ("¿dónnde está mi dinreo?", "¿dónde está mi dinero?"),
        ("eu nao consgio acesasr a minha cnta", "eu nao consigo acessar a minha conta"),
    ],
)
def test_slips_are_put_right_in_the_customers_language_whatever_the_knowledge_base_is_written_in(typed, meant):
    assert Speller(["card", "account", "talk", "person"]).repair(typed) == meant


def test_without_the_encoder_the_knowledge_base_alone_repairs():
    speller = Speller(KNOWN, lambda: None)
    assert speller.repair("mi contraeña del bancco") == "mi contraseña del bancco"


def test_nothing_to_repair_loads_nothing():
    def refuse():
        raise AssertionError

    assert Speller(KNOWN, refuse).repair("la contraseña es incorrecta 404 !") == "la contraseña es incorrecta 404 !"


def test_a_text_of_nothing_but_slips_ends(speller):
    assert len(speller.repair("zxcvbnmq " * 5_000 + "a" * 10_000)) == 55_000


def test_what_is_one_slip_away_is_found_and_nothing_else():
    known = ["ab", "bac", "abd", "abcz", "xabc", "abc", "cba", "a", "abcde", "bca"]
    assert {near for near in NgramIndex(known, deletions).sharing("abc") if slip("abc", near)} == {
        "ab",
        "bac",
        "abd",
        "abcz",
        "xabc",
    }


def test_words_that_came_later_are_found_and_those_that_went_are_not():
    filed = NgramIndex(["cuenta", "carta"], deletions).with_words(["carta", "cuanta"])
    assert filed.sharing("cunta") == {"cuanta"}
    assert filed.with_words(["carta", "cuanta", "cuenta"]).sharing("cunta") == {"cuanta", "cuenta"}


def test_a_tokenizer_of_another_version_is_said():
    class Other:
        def encode(self, texts, **options):
            return []

    with pytest.raises(EncoderUnavailable, match="versión"):
        PieceLexicon(Other())


def test_the_package_still_has_its_tables():
    lexicon = use.load_lexicon()
    assert lexicon.weigh_word("account") > lexicon.weigh_word("refund") > lexicon.weigh_letters("zqxkvj")
    assert lexicon.accented("aplicacion") == "aplicación"
    assert lexicon.weigh_word("ac") is None
    assert lexicon.weigh_word("cuetna") is None
