"""Languages that guiado does not speak: named by their function words or their letters, so that nothing near is guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from guiado.text.fold import fold
from guiado.text.language import FUNCTION_WORDS_OF, MIXED, NO_WORD
from guiado.text.tokenize import part_words

_MOST_WORDS = 60
_LEAST_WORDS = 2
_LEAST_LEAD = 1.4  # times what speaks for one of our own languages
_LEAST_LETTERS = 0.5  # the share of letters of another alphabet

_FUNCTION_WORDS = {
    "fr": """
        je tu il elle nous vous ils elles ne pas le les des du au aux un une et est sont mon ma mes ton votre vos
        notre ce cette qui dans pour avec sur plus ai suis peux pouvez avez marche fonctionne connecter mot passe
        compte erreur bonjour merci depuis j' l' d' n' c' m' s' t' qu' y toujours aucun aucune impossible probleme connexion
        oublie refusee plante facture carte ecran reseau panne en la peut etre fois
    """,
    "de": """
        ich du er sie es wir ihr nicht kein keine der die das den dem des ein eine einen einem und ist sind war mein
        meine meinen meinem meiner mich mir zu auf mit von im in fur bei nach seit kann konnen funktioniert geht
        passwort konto fehler anmelden einloggen hallo bitte danke wird wurde habe hat bin immer mehr noch auch aber
        wenn vergessen abgelehnt karte rechnung gesperrt sturzt bildschirm verbindung langsam ab weg geht doppelt
    """,
    "it": """
        io lui lei noi non il lo gli un una uno di del della dei delle al alla nel nella sul mio mia miei sono ho hai
        abbiamo posso riesco funziona accesso accedere errore ciao grazie per con che da si piu ancora questo questa
        mi perche dopo quando anche sempre schermo hanno ieri chiude volte stato stata la e in l' c' d' un' nell' dell' all'
        dimenticata dimenticato rifiutata rifiutato blocca bloccato fattura doppia
    """,
    "ca": """
        jo no puc el els les amb meu meva meus tinc funciona entrar contrasenya compte de del al dels es esta aquest
        aquesta perque quan pero molt hola gracies si us plau he ha fa des ahir surt em m' d' l' s' n' hi mes res cap tampoc
        vull dues vegades han cobrat oblidat contrasenyes targeta rebutjada la
    """,
    "gl": """
        eu non podo na no do da ao coa cun unha uns unhas teño tenho ten mina miña meu conta contrasinal funciona
        dende onte grazas ola moi pero tamen xa nin cando porque ningun esquecin cobraronme
    """,
    "eu": """
        nik ez dut da du ezin naiz nire zaio ditut zait eta dago ari sartu kontua pasahitza errorea kaixo eskerrik
        asko mesedez dabil funtzionatzen baina gabe dudan nago
    """,
    "nl": """
        ik je jij hij zij wij niet geen de het een en is zijn mijn van op met voor bij naar kan kunnen werkt
        wachtwoord account inloggen hallo bedankt alstublieft heb heeft ben wordt al meer nog ook maar als sinds
        steeds fout dit dat vergeten rekening kaart geweigerd traag scherm
    """,
    "pl": """
        nie moge sie do na jest mam moj moje mojego konto haslo hasla zapomnialem zapomnialam zalogowac dziala internet nie z
        w i ze od prosze pomoc bledem blad karta odrzucona
    """,
    "cs": """
        nemohu nemuzu se do na je mi nefunguje heslo ucet uctu prihlasit zapomnel zapomnela prosim chyba mam jsem karta
    """,
    "ro": """
        nu pot sa ma la cont contul meu mea parola functioneaza conectez am uitat si cardul eroare va rog
    """,
    "sv": """
        jag kan inte logga in mitt min konto losenord losenordet fungerar har glomt och det ar som vi fel hjalp kortet
    """,
    "da": """
        jeg kan ikke logge ind min mit konto adgangskode adgangskoden virker har glemt og det er fejl hjaelp kortet passord
        fungerer inn
    """,
    "fi": """
        en voi kirjautua sisaan tilini tilille salasana salasanan unohdin toimi ei ole minun ja on virhe kiitos
    """,
    "hu": """
        nem tudok belepni jelszo jelszot jelszavam fiok fiokomba mukodik elfelejtettem az egy es van hiba kerem
    """,
    "tr": """
        hesabima hesap sifre sifremi giremiyorum unuttum calismiyor yok var bir ve icin hata kartim reddedildi lutfen
    """,
    "vi": """
        toi khong the dang nhap mat khau quen tai khoan cua loi vao duoc bi
    """,
    "id": """
        saya tidak bisa masuk ke akun kata sandi lupa kartu ditolak dan yang internet mati tolong
    """,
}
_WORDS = {language: frozenset(map(fold, words.split())) for language, words in _FUNCTION_WORDS.items()}
_LETTERS = {
    "pl": "łśżźćńąę",
    "cs": "řěůčšžďťň",
    "ro": "ățşș",
    "tr": "ğış",
    "hu": "őű",
    "de": "ßäöü",
    "sv": "åäö",
    "da": "åøæ",
    "fi": "äö",
    "vi": "đơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "fr": "èëïîûœù",
    "it": "èòì",
    "ca": "èò·",
}
"""Letters that none of our languages has; a name may bring one of them along, so that they count as one word does."""
_OURS_ONLY = "áíóúñãõ"
"""Letters of ours that hardly any other has; in French or German a word with one of them is not theirs."""
_THEIRS_TOO = {"ca": "íóú", "gl": "áíóúñ", "hu": "áíóú", "cs": "áíóú", "vi": "áíóúãõ", "pl": "ó", "it": "ú"}
_ELIDED = re.compile(r"(?<![^\W_])((?:[cdjlmnst]|qu|un|dell|nell|all)['’])(?=\w)", re.IGNORECASE)
_LEAST_LONG = 4
_ALPHABETS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "uk": re.compile(r"[\u0404\u0406\u0407\u0454\u0456\u0457\u0490\u0491]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
"""The likeliest language of each alphabet; what is rarer comes first."""


def foreign_language(part: str) -> str | None:
    """The language of a text, by its ISO 639 code, where it is none of ours.

    Args:
        part: the meaningful part of a text.
    """
    written = part_words(part := NO_WORD.sub(" ", part))[:_MOST_WORDS]
    letters = [letter for word in written if word not in MIXED for letter in word if letter.isalpha()]
    strange = [letter for letter in letters if letter > "\u036f" and not "\u1e00" <= letter <= "\u1eff"]  # those are Latin
    if strange and len(strange) >= _LEAST_LETTERS * len(letters):
        return next((language for language, alphabet in _ALPHABETS.items() if alphabet.search(part)), None)
    elided = [found[1].lower().replace("’", "'") for found in _ELIDED.finditer(part)][:_MOST_WORDS]
    words = [(fold(word), word) for word in written if len(word) > 1 or not elided]
    words += [(word, word) for word in elided]
    leads = {language: min(_lead(words, language, own) for own in FUNCTION_WORDS_OF.values()) for language in _WORDS}
    best = max(leads, key=lambda language: leads[language])
    return best if leads[best] > 0 else None


def _lead(words: Sequence[tuple[str, str]], language: str, own: AbstractSet[str]) -> float:
    """How far words speak for another language against one of ours; 0 where they are too few.

    Args:
        words: folded, and as they were written.
        own: the function words of ours.
    """
    known, letters = _WORDS[language], _LETTERS.get(language, "")
    never = [letter for letter in _OURS_ONLY if letter not in _THEIRS_TOO.get(language, "")]
    theirs = sum(
        ((word in known and word not in own) or _has(written, letters)) and not _has(written, never) for word, written in words
    )
    ours = sum(word in own and word not in known for word, _ in words)
    if theirs >= _LEAST_WORDS:
        return theirs - _LEAST_LEAD * ours
    return float(theirs) if _is_all(words, known) else 0.0


def _has(written: str, letters: Sequence[str]) -> bool:
    return not written.isascii() and any(letter in written for letter in letters)


def _is_all(words: Sequence[tuple[str, str]], known: AbstractSet[str]) -> bool:
    """Whether a short text has nothing but words of a language and those that all mix in, and a long one that is not ours."""
    if any(word not in known and word not in MIXED for word, _ in words):
        return False
    return any(len(word) >= _LEAST_LONG and word in known and word not in MIXED and word not in _NOT_TELLING for word, _ in words)


_SHARED = "impossible passe plus pour notre sempre volte mina unha unhas ancora alla sono della este yang dang carta lento tempo"
_NOT_TELLING = frozenset(_SHARED.split()).union(*FUNCTION_WORDS_OF.values())
"""Words that ours have too: alone they tell no other language."""
