"""Redacts personal data from a text before it is stored or sent.

Each redaction leaves the same neutral mark, which is no word: it shows neither kind nor length, and detection ignores it. All
long numbers are redacted (a card, an identity document, a phone, an order), so that no list of formats has to be complete; error
codes, versions, models and dates stay.

Every pattern begins at a word boundary and does not backtrack, so that time grows with the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from guiado.text.credentials import ORDINARY, REMOVED, is_heading, remove_credentials
from guiado.text.fold import fold_in_place
from guiado.text.introduced_names import KIN, remove_introduced

__all__ = ["REMOVED", "remove_personal_data"]

_LEAST_DIGITS = 6
_LEAST_DIGITS_IN_GROUPS = 7
_ROUNDS = 5
_MOST_KNOWN = 50

_Change = str | Callable[[re.Match[str]], str]

# ------------------------------------------------------------------------------------------- what can be told by its form

_TOP_LEVEL = "com|net|org|edu|gob|gov|info|io|es|mx|co|ar|cl|pe|br|pt|uk|us|ec|uy|ve|bo|eu"
_HANDLE = re.compile(r"(?<![\w@.+/])@(?!soporte|ayuda|support|help|suporte)[A-Za-z_][\w.]{2,30}")
_EMAIL = re.compile(
    r"(?<![\w.+%'-])(?:[\w.+%'-]++@[\w-]++(?:\.[\w-]++)++|[\w.+%'-]{2,}+@[\w-]{4,}+)"  # "cl@ve" and "tod@s" are words
    r"|(?<![\w.+%-])[\w.+%-]++ ?(?:[(\[](?:at|arroba|@)[)\]]|\barroba\b) ?[\w-]++"
    r"(?: ?(?:\.|\(dot\)|\[dot\]|\bpunto\b|\bponto\b) ?[\w-]++){1,3}+"
    r"|(?<![\w.+%-])[\w.+%-]++ at [\w-]++(?: dot [\w-]++)++"
    rf"|(?<![\w.+%'-])[\w.+%'-]++ ?@ ?[\w-]++(?: ?\. ?[\w-]{{2,}}+){{0,2}} ?\. ?(?:{_TOP_LEVEL})(?!\w)"
    r"|(?<![\w.+%-])(?!(?:de|del|correo|mail|email|mi|en|con|por|y|o|the|my|on|in|app|cuenta|account|conta|do|no|entrar|a|"
    r"abre|uso)\b)"
    r"[\w.+%-]{3,}+ ?(?:gmail|hotmail|outlook|yahoo|icloud|live) ?(?:punto|ponto|dot|\.)? ?com(?!\w)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?|ftp)://\S++|(?<!\w)www\.\S++", re.IGNORECASE)
_PROFILE = re.compile(
    r"(?<![\w.@])(?:https?://)?(?:www\.)?(?:(?:fb|facebook|instagram|twitter|x|tiktok|linkedin)\.com|t\.me|wa\.me|fb\.me)/"
    r"(?!login|signin|help|ayuda|settings|recover|password)[^\s,;]{2,200}+", re.IGNORECASE,
)  # fmt: skip
_FOLDER = re.compile(r"(?i:(?<=[\\/]users[\\/])|(?<=[\\/]usuarios[\\/])|(?<=/home/))[^\\/\s:;,\"'<>|]++")
_KEY = re.compile(r"(?<![\w-])(?:sk|pk|rk|whsec|gh[opsu]|github_pat|glpat|xox[abpr]|AKIA|AIza|eyJ)[-_]?[\w./+=-]{8,}+")
_LONG_TOKEN = re.compile(r"(?<![\w+/=-])[\w+/=-]{20,}+")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?!\w)")
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{1,4}(?![\w:])|(?<![\w:])[0-9A-Fa-f]{1,4}::[0-9A-Fa-f:]{1,30}+"
)
_CODE = re.compile(r"(?<!\w)(?=[^\W\d]*+\d)\w++(?:-[\dA-Za-z](?!\w))?")
_NUMBER = re.compile(
    r"(?<![\w])(?<!\d[.,])(?:(?P<date>(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)?\d\d(?![\w]|[/.-]\d)"
    r"|(?:19|20)\d\d([/.-])(?:0?[1-9]|1[0-2])\3(?:0?[1-9]|[12]\d|3[01])(?![\w]|[/.-]\d))"
    r"|[+(]{0,2}\d(?:[ .()/-]{0,2}\d)*+(?:-[\dKkA-Z](?!\w))?)"
)
_KEPT_CODE = re.compile(r"0[xX][0-9A-Fa-f]+|[Kk][Bb]\d+|\d{3,4}[xX]\d{3,4}|\d+(?:[kKmMgGtT]?[bB](?:ps)?|[kKmMgG]?[hH]z|px|ms)")
_AFTER_ERROR = re.compile(
    r"(?i)(?:(?:error|erro|err|stop|code|c[oó]digo de error|c[oó]digo de erro)[\s:#ºn°.(-]{0,4}"
    r"|(?:sale|aparece|muestra|tira|arroja|marca|mostra|dá?)(?: el| un| o| um)? c[oó]digo[\s:]{1,2})$"
)
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,5}){2,4}|\d{5}\.\d{1,5}")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)")
_NAMES_A_VERSION = re.compile(r"(?i)(?:\bv|\bver\.?|\bversi[oó]n|\bvers[aã]o|\bversion|\bfirmware|\bbuild)[\s:]{0,2}$")
_IN_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+")
_PHONE_WITH_DOTS = re.compile(r"(?:\d{1,2}\.)?\d{2,3}\.\d{3,4}\.\d{3,4}|\d{2,3}(?:\.\d{2}){3,4}")
_AMOUNT = re.compile(r"\d{1,9}|\d{1,3}(?:[.,' ]\d{3}){1,3}(?:[.,]\d{1,2})?")
_CURRENCY_BEFORE = re.compile(r"(?i)(?:[$€£]|us\$|r\$|s/\.?|\b(?:cop|mxn|usd|eur|ars|clp|brl|gbp))\s?$")
_CURRENCY_AFTER = re.compile(r"(?i)\s?(?:[$€£]|(?:pesos?|euros?|d[oó]lares|dollars?|soles|reais|cop|mxn|usd|eur|ars)\b)")
_YEARS = re.compile(r"(?:19|20)\d\d(?:[ /-]{1,3}(?:19|20)\d\d)*")

# ---------------------------------------------------------------------------------- what can be told by the words before it

_NAME = r"[A-ZÁÉÍÓÚÜÑÂÊÔÃÕÇ][\w'’-]*+"
_NAMES = rf"{_NAME}(?: (?:(?:de|del|la|las|los|da|do|dos|das|e|y|van|von) ){{0,2}}{_NAME}){{0,3}}"
_NO_NAME = (
    "y no de que e and but pero tengo quiero quisiera necesito soy vivo desde con por para from i have am with my mi meu minha "
    "tenho quero preciso sou moro com mas the el la los las un una o a os as do da del en em se me te le ayer hoy since "
    "cliente usuario"
)
_NO_FIRST_NAME = "es is é era su sus tu tus seu sua your our their nuestro nuestra este esta ese esa estimado estimada"
_NOT_NAMED, _NOT_FIRST = "|".join(_NO_NAME.split()), "|".join((*_NO_NAME.split(), *_NO_FIRST_NAME.split()))
_LOWER_NAMES = rf"(?!(?:{_NOT_FIRST})\b)[^\W\d_][\w'’-]*+(?: (?!(?:{_NOT_NAMED})\b)[^\W\d_][\w'’-]*+)?"
_NAMED = re.compile(
    r"(?<!\w)((?i:me llamo|mi nombre (?:completo )?es|my (?:full )?name(?: is|'s)|meu nome (?:completo )?[eé]|(?:eu )?me chamo|"
    r"nombre completo|nome completo|full name|(?:nombre|apellidos?|titular|name|nome|paciente|alumn[oa]|afiliad[oa]|"
    r"cliente|usuario|usuário|username|user)[ ]?:)[ ]{1,2})"
    rf"(?:{_NAMES}|{_LOWER_NAMES})"
)
_I_AM = re.compile(
    r"(?<!\w)((?:[Ss]oy|[Ii]'m|I am|[Ss]ou|[Tt]his is|[Hh]abla|[Hh]ablo con|[Aa]qui é|(?<!de )(?<!desde )[Aa]quí(?! a )|"
    r"[Dd]e parte de|[Ll]e escribe|"
    r"[Ss]r[.]?|[Ss]ra[.]?|[Ss]rta[.]?|[Dd]on|[Dd]oña|[Dd]ña[.]|Mr[.]?|Mrs[.]?|Ms[.]?|[Ss]eñor(?:a|ita)?|[Ss]enhora?|"
    r"[Dd]ona|Dra?[.]|"
    r"[Ll]ic[.]|[Ii]ng[.]|[Aa]qui (?:quem )?[Ff]ala(?: é)?|[Qq]uem fala é|[Aa] nombre de|[Ee]m nome de|[Ii]n the name of|"
    rf"(?:[Ss]oy|[Ss]ou|I am|I'm) (?:el|la|o|a|the) {KIN} (?:de|do|da|of)|"
    rf"(?:[Mm]i|[Nn]uestr[oa]|[Mm]y|[Oo]ur|[Mm]eu|[Mm]inha) {KIN})[ ](?:(?:el|la|o|a|es|is|é|se llama) )?)"
    rf"(?!(?:Cliente|Internet|Wi-?Fi|Netflix|Facebook|WhatsApp|Apple|Samsung|iPhone|Usuari[oa]|Nuev[oa]|Premium|Windows|"
    rf"Android|Mac|Linux|Google|Microsoft|Movistar|Nov[oa]|Using)\b){_NAMES}"
)
_SIGNED = re.compile(
    r"(?<!\w)((?i:saludos(?: cordiales)?|un (?:cordial )?saludo|atentamente|cordialmente|att|atte|gracias|muchas gracias|regards|"
    r"best|thanks|thank you|cheers|sincerely|yours|abraços?|abs|um abraço|un abrazo|atenciosamente|obrigad[oa])"
    rf"(?:[ ]?[,.!:;-]{{1,3}}[ ]?|[ ]?[,.!:;-]{{0,3}}[ ]?\n\s{{0,4}}|(?<=saludos)[ ]|(?<=Saludos)[ ])(?:(?:Lic|Ing|Dra?|"
    rf"Prof|Sra?)[.]? )?){_NAMES}(?=[ .]*(?:\n|\Z))"
)
_WORD_FOR_IT = (
    r"contrase(?:ñ|n|ni)as?|clave|password|passwd|passcode|pwd|pass|senha|pin|cvv|cvc|token|api[ _-]?key|secret|secreto|nip|"
    r"psw|pw|palavra[- ]passe|(?<=\bla )contra|(?<=\bmi )contra|contra(?=[ ]?:)"
)
_SECRET_PHRASE = re.compile(
    rf"(?<!\w)((?i:{_WORD_FOR_IT})(?: (?:de|del|for|da|do|of|para) [\w-]{{1,20}}+(?: [\w-]{{1,20}}+)?)?(?: (?i:actual|"
    rf"nuev[ao]|viej[ao]|vigente|new|current|old|atual|nova|antiga))?"
    r"(?:[ ]?[:=][ ]?|[ ](?i:es|era|is|was|é|eh|e|puse|fue)[ ](?:[:][ ]?)?))"
    r"(\"[^\"\n…]{1,60}\"|“[^”\n…]{1,60}”|«[^»\n…]{1,60}»|'[^'\n…]{1,60}'|[^\s…]++)"
)
_SHORT_CODE = re.compile(
    r"(?<!\w)((?i:c[oó]digo(?: postal| de (?:seguridad|verificaci[oó]n|acceso))|otp|c\.?p\.?|zip(?: code)?|security code|"
    r"verification code)(?:[ ]?[:=][ ]?|[ ](?i:es|is|é|era)[ ]|[ ])|(?i:c[oó]digo)[ ](?i:es|era|é)[ ])\d{4,}+(?![\w.,]*\w)"
)
_SPOKEN_DIGIT = (
    r"(?:cero|un[oa]?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|veint\w{1,9}|"
    r"treinta|cuarenta|"
    r"cincuenta|sesenta|setenta|ochenta|noventa|zero|oh|one|two|three|four|five|six|seven|eight|nine|double|dois|duas|quatro|"
    r"meia|sete|oito|nove)"
)
_SPOKEN_NUMBER = re.compile(
    rf"(?<!\w){_SPOKEN_DIGIT}(?:(?:[ ]?[,-][ ]?|[ ](?:y[ ])?){_SPOKEN_DIGIT}(?!\w)){{6,}}+", re.IGNORECASE
)
"""A telephone number as a voice assistant writes it down."""
_STREET = re.compile(
    r"(?<!\w)((?i:calle|c/|avenida|avda?\.?|av\.?|paseo|pza\.?|plaza|rua|travessa|alameda|jir[oó]n|jr\.|pasaje|diagonal|calzada|"
    r"cra\.?|carrera|cl\.)(?![^\W\d_])[ ]?)(?:[^\W\d_]{1,25}+[.,]?[ ]){0,5}(?:[#,nN][º°o.]{0,2}[ ]?)?\d{1,5}\b"
    r"(?:[ ](?i:sur|norte|este|oeste|bis))?(?:[ ]?(?:#|-|,|[nN][º°o]\.?|(?i:n[uú]mero|num\.?))[ ]?\d{1,4}\w?)*"
    r"(?:,?[ ](?i:apto\.?|apartamento|apt\.?|piso|torre|bloque|interior|int\.?|depto\.?|dpto\.?)[ ]?\w{1,5})*"
)
_STREET_IN_ENGLISH = re.compile(
    r"(?<!\w)\d{1,5}[A-Za-z]? (?:(?!in |on |at |the |of |down |men |cars )[a-z][\w'’]{2,20}+ ){1,2}(?:street|avenue|boulevard)\b"
    r"|(?<!\w)\d{1,5}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z][\w'’]{1,20}+ ){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Court|Square)\b\.?"
)
_DAY = (
    r"(?:\d{1,2}[/. -]\d{1,2}[/. -]\d{2,4}|\d{4}-\d{2}-\d{2}"
    r"|\d{1,2}(?:st|nd|rd|th)?(?: de| of)? [^\W\d]{3,12}+,?(?: (?:de |del )?\d{4})?"
    r"|"
    r"[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{4})"
)
_BORN = re.compile(
    r"(?<!\w)((?i:nac[ií]|nacimiento|nacid[oa]|born|birth|birthday|birth ?date|date of birth|dob|nasci|nascimento|nascid[oa]|"
    rf"cumpleaños)[ ]?[:=]?[ ]?(?:(?i:el|en|on|in|em|no|is|es|é|día|dia)[ ]){{0,2}}){_DAY}(?!\w)"
)


def remove_personal_data(text: str, known: Iterable[str] = ()) -> str:
    """Redact the personal data and secrets of a text.

    They are addresses of mail, networks and streets, long numbers of any kind, passwords and keys, names that are introduced as
    such ("my name is"), and dates of birth.

    Args:
        text: anything that a customer may type, of any length.
        known: further personal data of this customer (name, address): redacted wherever it is a whole word, in any case and with
            or without accents; a name of several words also part by part.

    Returns:
        The text with `REMOVED` in place of each; redacting it again changes nothing.
    """
    text = _without_known(text, known)
    for _ in range(_ROUNDS):
        cleaned = _clean(text)
        if cleaned == text:
            break
        text = cleaned
    return text


def _clean(text: str) -> str:
    text = remove_credentials(text)
    before = text
    for pattern, change in _ADDRESSES:  # first: a name in one is no word
        text = pattern.sub(change, text)
    text = remove_introduced(text)
    for pattern, change in _WORDED if text == before else (*_ADDRESSES, *_WORDED):
        text = pattern.sub(change, text)
    if any(map(str.isdigit, text)):
        for pattern, change in _NUMERIC:
            text = pattern.sub(change, text)
    return text


def _keep_start(match: re.Match[str]) -> str:
    return match[1] + REMOVED


def _clean_url(match: re.Match[str]) -> str:
    # The path of a page tells the subject and stays; its query may tell who asked for it.
    return REMOVED if any(mark in match[0] for mark in "?@#=") else match[0]


def _clean_secret(match: re.Match[str]) -> str:
    word = match[2].strip(".,;:!?\"'«»“”()").lower()
    kept = not word or word in ORDINARY or _names_subject(match)
    if not kept and word.isalpha():  # "mi clave fue cambiada", and in Portuguese "o PIN e o nome"
        kept = _PARTICIPLE.fullmatch(word) is not None or _AND.search(match[1]) is not None
    return match[0] if kept else match[1] + REMOVED


_PARTICIPLE = re.compile(r"[^\W\d_]{3,}(?:[ai]d[ao]s?|(?:[dgkst]|ok)en|[gkst]ed)")
_AND = re.compile(r"(?: e|(?<!senha) eh) $", re.IGNORECASE)


def _names_subject(match: re.Match[str]) -> bool:
    return ":" in match[1] and is_heading(match.string[max(0, match.start() - 40) : match.start()], match[2])


def _clean_token(match: re.Match[str]) -> str:
    token = match[0]
    has_both = any(map(str.isdigit, token)) and any(map(str.isalpha, token))
    return REMOVED if has_both and not _KEPT_CODE.fullmatch(token) else token


def _clean_iban(match: re.Match[str]) -> str:
    return REMOVED if _digits(match[0]) >= 10 else match[0]  # noqa: PLR2004 the shortest account number


def _clean_code(match: re.Match[str]) -> str:
    code = match[0]
    if _digits(code) < _LEAST_DIGITS or not any(map(str.isalpha, code)) or _KEPT_CODE.fullmatch(code) or _follows_error(match):
        return code
    return REMOVED


def _clean_number(match: re.Match[str]) -> str:
    number = match[0]
    if match["date"] or _digits(number) < 4:  # noqa: PLR2004 not even an address of four numbers
        return number
    if _is_money(match):
        return number
    if _VERSION.fullmatch(number):
        return number if _is_version(match) else REMOVED
    in_groups = not number.strip("+(").isdigit()
    least = _LEAST_DIGITS_IN_GROUPS if in_groups else _LEAST_DIGITS
    kept = _digits(number) < least or _YEARS.fullmatch(number) or _follows_error(match)
    return number if kept else REMOVED


def _is_version(match: re.Match[str]) -> bool:
    number = match[0]
    if _NAMES_A_VERSION.search(match.string[max(0, match.start() - 12) : match.start()]):
        return True
    alike = (_IPV4, _PHONE_WITH_DOTS, _IN_THOUSANDS)
    return not any(each.fullmatch(number) for each in alike)


def _is_money(match: re.Match[str]) -> bool:
    """Whether a number is an amount: "$1.250.000", "120000 pesos"."""
    text = match.string
    if not _AMOUNT.fullmatch(match[0]):
        return False
    return _CURRENCY_BEFORE.search(text[max(0, match.start() - 8) : match.start()]) is not None or (
        _CURRENCY_AFTER.match(text[match.end() : match.end() + 12]) is not None
    )


def _follows_error(match: re.Match[str]) -> bool:
    return _AFTER_ERROR.search(match.string[max(0, match.start() - 32) : match.start()]) is not None


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


_ADDRESSES: tuple[tuple[re.Pattern[str], _Change], ...] = ((_URL, _clean_url), (_EMAIL, REMOVED))
_WORDED: tuple[tuple[re.Pattern[str], _Change], ...] = (
    (_PROFILE, REMOVED),
    (_HANDLE, REMOVED),
    (_SPOKEN_NUMBER, REMOVED),
    (_FOLDER, REMOVED),
    (_SECRET_PHRASE, _clean_secret),
    (_KEY, REMOVED),
    (_NAMED, _keep_start),
    (_I_AM, _keep_start),
    (_SIGNED, _keep_start),
    (_MAC, REMOVED),
    (_IPV6, REMOVED),
)
_NUMERIC: tuple[tuple[re.Pattern[str], _Change], ...] = (
    (_BORN, _keep_start),
    (_STREET, _keep_start),
    (_STREET_IN_ENGLISH, REMOVED),
    (_SHORT_CODE, _keep_start),
    (_IBAN, _clean_iban),
    (_LONG_TOKEN, _clean_token),
    (_CODE, _clean_code),
    (_NUMBER, _clean_number),
)

# ----------------------------------------------------------------------------------------------------- what is known besides

_CONNECTIVES = frozenset(("del", "las", "los", "dos", "das", "van", "von", "and"))
_LEAST_LETTERS = 3


def _without_known(text: str, known: Iterable[str]) -> str:
    values = sorted({part for value in list(known)[:_MOST_KNOWN] for part in _parts(value)}, key=lambda v: (-len(v), v))
    if not values:
        return text
    text = unicodedata.normalize("NFC", text)
    folded = fold_in_place(text)
    found = re.finditer(rf"(?<!\w)(?:{'|'.join(map(re.escape, values))})(?!\w)", folded)
    end, kept = 0, list[str]()
    for match in found:
        kept += [text[end : match.start()], REMOVED]
        end = match.end()
    return "".join((*kept, text[end:]))


def _parts(value: str) -> list[str]:
    whole = " ".join(fold_in_place(unicodedata.normalize("NFC", value)).split())
    words = whole.split() if whole.replace(" ", "").isalpha() else []
    return [part for part in (whole, *words) if len(part) >= _LEAST_LETTERS and part not in _CONNECTIVES]
