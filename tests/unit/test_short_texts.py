"""Short texts are answered in the language that they are written in."""

from __future__ import annotations

import pytest
from seven_guides import SEVEN_GUIDES
from short_texts import short_texts

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.sessions.language import example_in, message_language, phrases_in, text_language
from guiado.cli.detection_setup import quick_index_of
from guiado.detection import Candidate, Index
from guiado.detection.spoken_language import KnownPhrase, spoken_language
from guiado.domain.guide import Guide
from guiado.text.foreign_language import foreign_language

GUIDES = read_file(SEVEN_GUIDES).guides


@pytest.fixture(scope="module")
def index() -> Index:
    return quick_index_of(map(problem_of, GUIDES.values()))


def test_of_short_texts_hardly_one_is_taken_for_another_language(index: Index) -> None:
    texts = short_texts()
    found = [(text, language, message_language(text, index.rank(text), GUIDES).language) for language, text in texts]
    wrong = [each for each in found if (each[2] or "es") != each[1]]
    assert len(texts) >= 120
    assert len(wrong) <= 0.05 * len(texts), wrong


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("cl@ve", None),
        ("login crash", None),
        ("www.example.com", None),
        ("0x80070005", None),
        ("", None),
        ("la app hizo crash en el login", "es"),
        ("meu login no app deu crash", "pt"),
    ],
)
def test_words_that_everybody_mixes_in_tell_nothing(text: str, language: str | None) -> None:
    assert spoken_language(text).language == language


def test_where_the_words_leave_it_open_the_phrase_that_has_them_decides() -> None:
    assert spoken_language("login crash").language is None
    assert spoken_language("internet lenta", KnownPhrase("minha internet lenta", "pt")).language == "pt"
    assert spoken_language("internet lenta", KnownPhrase("la internet lenta", "es")).language == "es"
    assert spoken_language("my card was rejected", KnownPhrase("rechazaron mi tarjeta", "es")).language == "en"


FOREIGN = {
    "fr": [
        "je n'arrive pas à me connecter",
        "le wifi ne marche pas",
        "mot de passe oublié",
        "j'ai été facturé deux fois",
        "l'application plante",
        "connexion impossible",
        "écran noir",
        "je veux parler à quelqu'un",
    ],
    "de": [
        "ich kann mich nicht anmelden",
        "das WLAN geht nicht",
        "mein Passwort ist falsch",
        "die App stürzt immer ab",
        "Passwort vergessen",
        "kein Internet",
    ],
    "it": [
        "non riesco ad accedere",
        "la password non funziona",
        "mi hanno addebitato due volte",
        "password dimenticata",
        "la carta è stata rifiutata",
        "app si blocca",
    ],
    "ca": [
        "no puc entrar al meu compte",
        "el wifi no funciona des d'ahir",
        "no em deixa instal·lar res amb el meu mac",
        "he oblidat la contrasenya",
    ],
    "gl": ["non podo entrar na miña conta", "o wifi non funciona dende onte", "esquecín o contrasinal"],
    "eu": ["ezin dut nire kontuan sartu"],
    "nl": ["ik kan niet inloggen", "het internet werkt niet"],
    "ru": ["не могу войти"],
    "zh": ["我无法登录", "wifi 不能用"],
    "pl": ["nie mogę się zalogować", "zapomniałem hasła"],
    "cs": ["nemohu se přihlásit"],
    "ro": ["nu pot să mă conectez la cont"],
    "sv": ["jag kan inte logga in", "glömt lösenord"],
    "da": ["jeg kan ikke logge ind"],
    "fi": ["en voi kirjautua sisään"],
    "hu": ["nem tudok belépni"],
    "tr": ["hesabıma giremiyorum", "internet çalışmıyor"],
    "vi": ["tôi không thể đăng nhập"],
    "id": ["saya tidak bisa masuk ke akun"],
    "ja": ["ログインできません"],
    "ko": ["로그인이 안 돼요"],
    "ar": ["لا أستطيع الدخول"],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in FOREIGN.items() for text in texts])
def test_another_language_is_named_and_none_is_guessed_as_nearest(code: str, text: str) -> None:
    assert spoken_language(text, KnownPhrase("no puedo entrar", "es")) == (None, code)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("es", "no m llega l codigo"), ("es", "prende, apaga, prende, apaga"), ("es", "averigüen ya, qué vergüenza"), ("es", "me hackearon"), ("es", 'me sale "mot de passe incorrect" al entrar'),
        ("es", "voy a Firenze y no tengo roaming"), ("en", "the hotel in Le Mans has no wifi"), ("pt", "comprei na Fnac e a fatura não veio"),
        ("es", "la carta de pago no llega"), ("es", "la factura de este mes no llega"), ("es", "soy Müller y Günther no entra"),
    ],
)  # fmt: skip
def test_foreign_names_and_quoted_words_change_no_language(code: str, text: str) -> None:
    assert spoken_language(text) == (code, None)


def test_no_text_in_our_languages_is_called_foreign() -> None:
    written = [text for guide in GUIDES.values() for text in problem_of(guide).texts]
    assert [text for text in (*written, *(text for _, text in short_texts())) if foreign_language(text)] == []


TEXTS = {"problem_title": "Não consigo entrar", "common_issues": ["minha conta está bloqueada"]}
GUIDE = Guide("c", "No puedo entrar", common_issues=("mi cuenta está bloqueada",), translations={"pt": TEXTS, "en": {}})


def test_each_known_text_has_the_language_of_its_translation() -> None:
    assert text_language(GUIDE, "mi cuenta está bloqueada") == "es"
    assert text_language(GUIDE, "minha conta está bloqueada") == "pt"
    assert text_language(GUIDE, "I was told by another customer") == "en"
    both = Guide("c", "Login", common_issues=("login",), translations={"pt": {"common_issues": ["login"]}})
    assert text_language(both, "login") is None


def test_a_translation_without_phrases_has_no_phrases_of_another_language() -> None:
    assert phrases_in(GUIDE, "es") == ("mi cuenta está bloqueada",)
    assert phrases_in(GUIDE, "pt") == ("minha conta está bloqueada",)
    assert phrases_in(GUIDE, "en") == phrases_in(GUIDE, "fr") == ()
    near = Candidate("c", 0.5, ("account",), "mi cuenta está bloqueada")
    assert example_in(GUIDE, near, "en") is None
    assert example_in(GUIDE, near, "es") == "mi cuenta está bloqueada"
