"""Credentials and card data in customers' words: what is told by the words around it, however short it is.

Every pattern begins at a word boundary and does not backtrack, so that time grows with the length of the text.
"""

from __future__ import annotations

import re

from guiado.text.fold import fold
from guiado.text.stopwords import FUNCTION_WORDS

REMOVED = "…"
"""The mark in place of redacted text."""

_ORDINARY_WORDS = """
    incorrecta incorrecto incorreta incorreto erronea errónea equivocada invalida inválida valida válida correcta
    correcto correta certa errada mala buena nueva vieja antigua larga corta muy demasiado la el lo un una mi que no
    de se ya para por siempre otra diferente distinta misma igual débil debil segura fácil facil difícil dificil
    obligatoria necesaria temporal caducada vencida expirada bloqueada rechazada aceptada reconocida wrong incorrect
    invalid valid correct right not too the a an my your expired weak strong short long old new required rejected
    blocked locked different same being never always case temporary ok bien mal muito o uma um não nao sempre mesma
    outra fraca forte solo sólo imposible requerida olvidada perdida desconocida saved forgotten lost reset ¿cómo como
    cómo cual cuál error erro fail failed fails i me it this
"""
_HEADINGS = """
    router módem modem wifi wi-fi internet correo mail email cuenta cambiar cambiarla recuperar recuperarla
    restablecer olvido cambio ayuda problema bloqueo app aplicación portal página web conta celular computadora
    ordenador teléfono recovery change help issue account problem forgot page login mínimo minimo máximo maximo minimum debe
"""
_STATES = """
    bloqueado bloqueada caducado vencido inválido invalido válidos validos incorrectos incorrectas inválidas inválidos
    invalidos desconocido existente anterior actual asignada asignado definida definido creada creado taken found
    login logged password username user usuario usuário clave contraseña senha pass nuevo novo nova premium admin
    account page name not already is and or y o e ou sin sem without with con com manager field screen button through
    válido valido mínimo minimo mínima máximo maximo minimum debe exige requiere requires must deve ter obligatorio
    protected expira expires something algo alguna nothing ayer hoy yesterday today ontem hoje
"""
ORDINARY = frozenset(_ORDINARY_WORDS.split())
"""What is said of a password instead of the password."""
_NO_NAME = ORDINARY | frozenset(_STATES.split()) | FUNCTION_WORDS
_KEYWORD = (
    r"(?:contrase(?:ñ|n|ni)as?|clave|password|passwd|passcode|pwd|pass|senha|psw|pw|palavra[- ]passe|"
    r"(?<=\bla )contra|(?<=\bmi )contra|contra(?=[ ]?:))"
)
_USER = r"(?:usuario|usuário|user(?:name)?|login)"
_IS = r"(?:[ ]?[:=][ ]?|[ ](?:es|is|é|era|was)[ ]:?[ ]?|[ ])"
_VALUE = r"[^\s…,;]+"

_PAIR = re.compile(
    rf"(?<!\w)((?i:{_USER}){_IS})({_VALUE})([,;]?[ ](?:(?i:y|e|and|con|com|with)[ ])?(?:(?i:mi|my|minha|la|the|a)[ ])?"
    rf"(?i:{_KEYWORD}){_IS})({_VALUE})"
)
_USER_IS = re.compile(
    rf"(?<!\w)((?:(?i:mi|my|meu|el|su|the|o)[ ])(?i:{_USER}(?:[ ](?:de|del|do|da|for|of)[ ][\w-]{{1,20}}+)?)[ ](?i:es|is|"
    rf"era|was|é)[ ]:?[ ]?"
    rf"|(?i:{_USER}[ ](?:de|del|do|da|for|of)[ ][\w-]{{1,20}}+)[ ]?:[ ]?)({_VALUE})"
)
_SET = re.compile(
    rf"(?<!\w)((?i:puse|pongo|usé|use|uso|elegí|coloqué|coloquei|usei|pus|ingresé|set|used)[ ](?i:de|como|por|as)[ ]"
    rf"(?i:{_KEYWORD})[ ])({_VALUE})"
)
_CHANGED = re.compile(
    rf"(?<!\w)((?i:cambi[eé]|cambio|changed?|set|mudei|troquei|alterei)[ ](?i:mi|la|my|the|minha|a)[ ](?i:{_KEYWORD})[ ]"
    rf"(?i:a|por|to|para|as)[ ])({_VALUE})"
)
_AS_SECRET = re.compile(
    rf"(?<![^\s(\"'“«])(?=[^ ]{{5,60}}+[ ])([^\s…,;]{{5,60}}+)"
    rf"([ ](?i:como|de|as|por)[ ](?:(?i:mi|la|my|minha|a|the)[ ])?(?i:{_KEYWORD})(?!\w))"
)
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?!\s|\Z))+")
_HAS_KEYWORD = re.compile(rf"(?i)(?<!\w){_KEYWORD}(?!\w)")
_SECRET_WORD = re.compile(r"(?<![\w/@.#-])[\"'“«(]?([^\W\d_]{3,20}\d{2,8}[!#$*&%^+=.\w-]{0,20})")
_CODE_BEFORE = re.compile(r"(?i)\b(?:c[oó]digo|code|error|erro|modelo|model)(?: de)?[ :]{1,2}$")
_SIGN_INSIDE = re.compile(r"\w[#$!*&%^+=]\w")
_BARE = re.compile(rf"(?<!\w)((?i:{_KEYWORD})[ ])({_VALUE})")
_KNOWN_MODEL = re.compile(
    r"(?i)(?:wpa|wep|win(?:dows)?|iphone|ipad|ios|android|office|outlook|galaxy|archer|deco|redmi|moto|note|hp|dell|asus|"
    r"acer|zte|excel|chrome|wi-?fi|usb|ps|xbox|err?(?:or)?|v|e|m|s|"
    r"a)-?\d[\w.-]*"
)
_CARD_CODE = re.compile(
    r"(?<!\w)((?i:cvv2?|cvc2?|csc|c[oó]digo de (?:seguridad|seguran[cç]a)|security code)(?:[ ]?[:=][ ]?|[ ](?i:es|is|é)[ ]|[ ]))"
    r"\d{3,8}(?![\w]|[.,]\d)"
)
_PIN = re.compile(r"(?<!\w)((?i:pin|nip)[ ])\d{4,8}(?![\w]|[.,]\d)")
_EXPIRES = (
    r"vence|vencimiento|vto\.?|caduca|expira|expires?|exp\.?(?: date)?|expir(?:y|ation)(?: date)?|valid (?:until|thru)|"
    r"v[aá]lida hasta|validade|v[aá]lid[oa] at[eé]|fecha|date|data"
)
_EXPIRY = re.compile(
    rf"(?<!\w)((?i:{_EXPIRES})[ ]?:?[ ]?(?:(?i:el|en|on|in|em|no|is|es|é)[ ])?)"
    r"(?:0?[1-9]|1[0-2])[ ]?[/-][ ]?(?:20)?(?:2[3-9]|3\d|4[0-5])(?![\w]|[/-]\d)"
)
_CARD_WORD = r"\b(?:tarjeta|card|cart[aã]o|cvv|cvc|visa|mastercard|amex|cr[eé]dito|d[eé]bito|credit|debit)"
_CARD = re.compile(rf"(?i){_CARD_WORD}|(?<!\d)(?:\d[ -]?){{13,19}}(?!\d)")
_MESSAGE_CODE = re.compile(
    r"(?<!\w)((?i:(?:me )?lleg[oó](?: el| un| este)?|recib[ií](?: el| un)?|(?:me )?(?:enviaron|mandaron)(?: el| un)?|mi|my|meu|"
    r"(?:got|received|sent me)(?: the| a)?|recebi(?: o| um)?|chegou(?: o| um)?|me mandaram(?: o| um)?)[ ]"
    r"(?i:c[oó]digo|code)(?:[ ]|:[ ]?)(?:(?i:es|is|é)[ ])?)(?:\d{4,}+|\d{3}[- ]\d{3})(?![.,]*+\w)"
    r"|(?<!\w)((?i:c[oó]digo que (?:me )?(?:lleg[oó]|(?:envi|mand|di)[oae]ron|chegou)|code (?:that )?(?:i got|i received|"
    r"you sent)(?: me)?)[ ]"
    r"(?i:es|era|fue|is|was|é|foi)[ ])(?:\d{4,}+|\d{3}[- ]\d{3})(?![.,]*+\w)"
)


def remove_credentials(text: str) -> str:
    """Redact credentials and card data."""
    if any(map(str.isdigit, text)):
        text = _EXPIRY.sub(_clean_expiry, text)
        for pattern in (_CARD_CODE, _PIN, _MESSAGE_CODE):
            text = pattern.sub(_keep_start, text)
    for pattern, change in (
        (_PAIR, _clean_pair), (_USER_IS, _clean_user), (_SET, _clean_set), (_CHANGED, _clean_secret), (_BARE, _clean_secret),
        (_AS_SECRET, _clean_before),
    ):  # fmt: skip
        text = pattern.sub(change, text)
    if any(map(str.isdigit, text)) and _HAS_KEYWORD.search(text):
        text = _SENTENCE.sub(_clean_sentence, text)
    return text


def is_heading(before: str, value: str) -> bool:
    """Whether "word: value" is the title of a subject, not a secret: "Error contraseña: router".

    Args:
        before: what stands before the word.
        value: what follows the colon.
    """
    plain = value.strip(".,;:!?\"'«»“”()").lower()
    return plain in _HEADING_WORDS or _TOPIC.search(before) is not None


_HEADING_WORDS = frozenset(_HEADINGS.split())
_TOPIC = re.compile(
    r"(?i)(?:error|erro|problemas?|problem|issue|fallo|falla|olvid[eé]|cambio|cambiar)(?: (?:de|con|com|with|la|mi|a|my))*\s?$"
)


def _keep_start(match: re.Match[str]) -> str:
    return (match[1] or match[match.re.groups]) + REMOVED


def _clean_expiry(match: re.Match[str]) -> str:
    # A licence or an offer expires too, and its month is nobody's secret.
    return match[1] + REMOVED if _CARD.search(match.string) else match[0]


def _clean_pair(match: re.Match[str]) -> str:
    user, secret = match[2], match[4]
    if _plain(user) in _FOLDED or _plain(secret) in _FOLDED:
        return match[0]
    return f"{match[1]}{REMOVED}{match[3]}{REMOVED}"


def _clean_set(match: re.Match[str]) -> str:
    return match[0] if _plain(match[2]) in _FOLDED else match[1] + REMOVED


def _clean_user(match: re.Match[str]) -> str:
    # "My login is broken" tells of the door, not who stands at it.
    is_state = "login" in match[1].lower() and match[2].strip(".,;:!?").isalpha()
    return match[0] if is_state else _clean_set(match)


def _clean_secret(match: re.Match[str]) -> str:
    value = match[2].rstrip(".,;:!?)\"'»”")
    return match[1] + REMOVED + match[2][len(value) :] if _looks_secret(value) else match[0]


def _clean_before(match: re.Match[str]) -> str:
    value = match[1].strip("\"'“”«»()")
    return REMOVED + match[2] if _looks_secret(value) else match[0]


def _clean_sentence(match: re.Match[str]) -> str:
    """A sentence about passwords, without the words in it that look like one."""
    if not _HAS_KEYWORD.search(match[0]):
        return match[0]
    return _SECRET_WORD.sub(_clean_word, match[0])


def _clean_word(match: re.Match[str]) -> str:
    word = match[1].rstrip(".-")
    if _CODE_BEFORE.search(match.string[max(0, match.start() - 16) : match.start()]):
        return match[0]
    return match[0].replace(word, REMOVED, 1) if _looks_secret(word) else match[0]


def _looks_secret(value: str) -> bool:
    """Whether a word has what passwords are made of: letters with digits or signs, and no name of a product."""
    letters, digits = sum(map(str.isalpha, value)), sum(map(str.isdigit, value))
    marked = digits > 0 or _SIGN_INSIDE.search(value) is not None
    return len(value) >= _LEAST_SECRET and letters > 1 and marked and not _KNOWN_MODEL.fullmatch(value)


_LEAST_SECRET = 5


def _plain(word: str) -> str:
    return fold(word.strip(".,;:!?\"'«»“”()"))


_FOLDED = frozenset(map(fold, _NO_NAME))
