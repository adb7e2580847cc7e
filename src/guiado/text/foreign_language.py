"""Languages that guiado does not speak: named by their function words or their letters, so that nothing near is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from guiado.text.fold import fold
from guiado.text.language import FUNCTION_WORDS_OF, MIXED, NO_WORD
from guiado.text.tokenize import part_words

_MOST_WORDS = 60
_MOST_CHARS = 800
_LEAST_WORDS = 1.7
_OF_LETTER = 0.9  # a word that is theirs by a letter alone, which several languages share
_OF_ELISION = 2.0  # "m'arriba", "j'ai": none of ours has it, but for "d'água"
_LEAST_LEAD = 1.4  # times what speaks for one of our own languages
_LEAST_LETTERS = 0.5  # the share of letters of another alphabet

_FUNCTION_WORDS = {
    "fr": """
        je tu il elle nous vous ils elles ne pas le les des du au aux un une et est sont mon ma mes ton votre vos
        notre ce cette qui dans pour avec sur plus ai suis peux pouvez avez marche fonctionne connecter mot passe
        compte erreur bonjour merci depuis j' l' d' n' c' m' s' t' qu' y toujours aucun aucune impossible probleme connexion
        oublie refusee plante carte ecran reseau panne en la peut etre fois noir facturation double veux voudrais parler quelqu un
    """,
    "de": """
        ich du er sie es wir ihr nicht kein keine der die das den dem des ein eine einen einem und ist sind war mein
        meine meinen meinem meiner mich mir zu auf mit von im in fur bei nach seit kann konnen funktioniert geht
        passwort konto fehler anmelden einloggen hallo bitte danke wird wurde habe hat bin immer mehr noch auch aber
        wenn vergessen abgelehnt karte rechnung gesperrt sturzt bildschirm verbindung langsam ab weg geht
        doppelt zahlung fehlgeschlagen schwarzer schwarz
    """,
    "it": """
        io lui lei noi non il lo gli un una uno di del della dei delle al alla nel nella sul mio mia miei sono ho hai
        abbiamo posso riesco funziona accesso accedere errore ciao grazie per con che da si piu ancora questo questa
        mi perche dopo quando anche sempre schermo hanno ieri chiude volte stato stata la e in l' c' d' un' nell' dell' all'
        dimenticata dimenticato rifiutata rifiutato blocca bloccato fattura doppia nero addebito doppio dimenticato niente
    """,
    "ca": """
        jo no puc el els les amb meu meva meus tinc funciona entrar contrasenya compte de del al dels es esta aquest
        aquesta perque quan pero molt hola gracies si us plau he ha fa des ahir surt em m' d' l' s' n' hi mes res cap tampoc
        vull dues vegades han cobrat oblidat contrasenyes targeta rebutjada la engega i
    """,
    "gl": """
        eu non podo na no do da ao coa cun unha uns unhas teño tenho ten mina miña meu conta contrasinal funciona
        dende onte grazas ola moi pero tamen xa nin cando porque ningun esquecin cobraronme acende
    """,
    "eu": """
        nik ez dut da du ezin naiz nire zaio ditut zait eta dago ari sartu kontua pasahitza errorea kaixo eskerrik
        asko mesedez dabil funtzionatzen baina gabe dudan nago
    """,
    "nl": """
        ik je jij hij zij wij niet geen de het een en is zijn mijn van op met voor bij naar kan kunnen werkt
        wachtwoord account inloggen hallo bedankt alstublieft heb heeft ben wordt al meer nog ook maar als sinds
        steeds fout dit dat vergeten rekening kaart geweigerd traag scherm zwart
    """,
    "pl": """
        nie moge sie do na jest mam moj moje mojego konto haslo hasla zapomnialem zapomnialam zalogowac dziala internet nie z
        w i ze od prosze pomoc bledem blad karta odrzucona
    """,
    "cs": """
        nemohu nemuzu se do na je mi nefunguje heslo ucet uctu prihlasit zapomnel zapomnela prosim chyba mam jsem karta
    """,
    "ro": """
        nu pot sa ma la cont contul meu mea parola functioneaza conectez am uitat si cardul merge internetul eroare va rog
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
_WORDS["ca"] |= {"no em", "no puc", "el meu", "la meva"}
_LANGUAGES_OF = {word: [each for each in _WORDS if word in _WORDS[each]] for known in _WORDS.values() for word in known}
_LETTERS = {
    "pl": "łśżźćńąę",
    "cs": "řěůčšžďťň",
    "ro": "ățș",
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
_NEVER_IN = {language: "".join(letter for letter in _OURS_ONLY if letter not in own) for language, own in _THEIRS_TOO.items()}
_ELIDED = re.compile(r"(?<![^\W_])((?:[cdjlmnst]|qu|un|dell|nell|all)['’])(?=[aeiouhàâéèêíóúï])", re.IGNORECASE)
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
    written = part_words(part := NO_WORD.sub(" ", part[:_MOST_CHARS]))[:_MOST_WORDS]
    letters = [letter for word in written if word not in MIXED for letter in word if letter.isalpha()]
    strange = [letter for letter in letters if letter > "\u036f" and not "\u1e00" <= letter <= "\u1eff"]  # those are Latin
    if strange and len(strange) >= _LEAST_LETTERS * len(letters):
        return next((language for language, alphabet in _ALPHABETS.items() if alphabet.search(part)), None)
    elided = [found[1].lower().replace("’", "'") for found in _ELIDED.finditer(part)][:_MOST_WORDS]
    words = [(fold(word), word) for word in written if len(word) > 1 or not elided]
    words += [(word, word) for word in elided]
    words += [(pair, pair) for (one, _), (other, _) in pairwise(words) if (pair := f"{one} {other}") in _LANGUAGES_OF]
    leads = {language: min(_lead(words, language, own) for own in FUNCTION_WORDS_OF.values()) for language in _hinted(words)}
    best = max(leads, key=lambda language: leads[language], default=None)
    return best if best and leads[best] > 0 else None


def _hinted(words: Iterable[tuple[str, str]]) -> list[str]:
    """The languages of which there is a word or a letter: most texts of ours have few."""
    hinted = {language for word, _ in words for language in _LANGUAGES_OF.get(word, ())}
    hinted |= {language for _, written in words for language, letters in _LETTERS.items() if _has(written, letters)}
    return [language for language in _WORDS if language in hinted]


def _lead(words: Sequence[tuple[str, str]], language: str, own: AbstractSet[str]) -> float:
    """How far words speak for another language against one of ours; 0 where they are too few.

    Args:
        words: folded, and as they were written.
        own: the function words of ours.
    """
    known = _WORDS[language]
    theirs = sum(_worth(word, written, language) for word, written in words if word not in own)
    ours = sum(word in own and word not in known for word, _ in words)
    if theirs >= _LEAST_WORDS:
        return theirs - _LEAST_LEAD * ours
    return theirs if _is_all(words, language) else 0.0


def _worth(word: str, written: str, language: str) -> float:
    """How far one word speaks for a language."""
    if _has(written, _NEVER_IN.get(language, _OURS_ONLY)):
        return 0.0
    if word in _WORDS[language]:
        return _OF_ELISION if word.endswith("'") and word != "d'" else 1.0
    return _OF_LETTER if _has(written.replace("gü", ""), _LETTERS.get(language, "")) else 0.0


def _has(written: str, letters: str) -> bool:
    return not written.isascii() and any(letter in written for letter in letters)


def _is_all(words: Sequence[tuple[str, str]], language: str) -> bool:
    """Whether a short text has nothing but words of a language and those that all mix in, and a long one that is not ours."""
    telling = [(word, written) for word, written in words if word not in MIXED]
    if not all(_worth(word, written, language) for word, written in telling):
        return False
    return any(len(word) >= _LEAST_LONG and word not in _NOT_TELLING for word, _ in telling)


_SHARED = """
    plante merge double impossible passe plus pour notre sempre volte mina
    unha unhas ancora alla sono della este yang dang carta lento tempo
"""
_NOT_TELLING = frozenset(_SHARED.split()).union(*FUNCTION_WORDS_OF.values())
"""Words that ours have too: alone they tell no other language."""
