"""Recognition of the deeds that a text's writer reports: a clause counts when its verb says that the writer did it before."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from guiado.guidance.action_verbs import Form, Verb, thing, verb
from guiado.text.fold import fold
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS

_READ_CHARS = 2_000
_MOST_EVIDENCE = 120
_REACH = 4


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed that was done or is to be done: the actions that it may be, and the things that it is done to."""

    actions: frozenset[str]
    things: frozenset[str]


WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_BREAK = re.compile(
    r"[.;:!\n\r,¿?()…]|\s(?:y|e|and|pero|but|mas|aunque|porque|because|although|sino|so|then)\s"
    r"|\s[-–—]\s"
)
_PHRASES = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (
            r"\b(apagu[eé]|desconect[eé]|desenchuf[eé]) (?:y|e) (?:lo |la )?(?:volv[ií] a )?(?:encend|prend|conect|enchuf)\w+",
            r"\1",
        ),
        (r"\b(desliguei|desconectei) e (?:o |a )?(?:liguei|religuei|conectei)(?: de novo)?", r"\1"),
        (r"\bturned (?:(the \w+|my \w+|it) )?off and (?:back )?on(?: again)?", r"rebooted \1"),
        (r"\bturning (?:(the \w+|my \w+|it) )?off and (?:back )?on(?: again)?", r"rebooting \1"),
        (r"\bturned off\b", "turnedoff"),
        (r"\bturning off\b", "turningoff"),
        (r"\bturn off\b", "turnoff"),
        (r"\bturned ((?:the |my )?(?:vpn|proxy)) off\b", r"turnedoff \1"),
        (r"\bpower[ -]cycled\b", "powercycled"),
        (r"\bun plugged\b", "unplugged"),
        (r"\bwi[ -]fi\b", "wifi"),
        (r"\b(?:di de baja)\b", "cancelé"),
        (r"\bhice un (?:reinicio|reset)\b|\bfiz um (?:reset|reinício)\b|\bdid a (?:restart|reboot|reset)\b", "reinicié"),
    )
)
_ATTEMPTED = re.compile(
    r"\b(?:prob[eé]|he probado|hemos probado|intent[eé]|he intentado|trat[eé] de|volv[ií] a|acabo "
    "de|tentei|acabei de|experimentei|"
    r"i tried|i've tried|i have tried|already tried|we tried|tried|i already tried|mesmo depois de|even "
    "after|después de|despues de|"
    r"luego de|tras|depois de)\b"
)
_ALREADY = frozenset("ya ja já already".split())  # noqa: SIM905
_HAVE = frozenset(("he", "hemos", "tengo", "have", "i've", "ive", "we've", "had", "i'd", "tenho"))
_I = frozenset(("i", "we", "i've", "ive", "we've", "i'd", "just", "already", "have"))
_NOT = frozenset(
    ("no", "nunca", "tampoco", "sin", "not", "never", "without", "didn't", "didnt", "haven't", "havent", "couldn't", "couldnt",
     "can't", "cant", "cannot", "nao", "nem", "sem", "jamas", "won't", "hadn't")
)  # fmt: skip
_UNREAL = frozenset(
    ("si", "if", "se", "cuando", "when", "whenever", "quando", "desde", "since", "que", "creo", "think", "acho", "should", "debo",
     "quiero", "would", "will", "to", "quizas", "talvez", "maybe", "casi", "almost", "quase", "could", "must", "need", "want",
     "whether", "olvide", "forgot", "esqueci", "until", "hasta", "ate", "before", "antes", "nadie", "nobody", "ninguem", "quiera")
)  # fmt: skip
_FAILED = re.compile(
    r"^\W*(?:(?:y|e|and|pero|but|mas) )?(?:(?:no|não|nao) (?:pude|puedo|me deja|me dej[oó]|se "
    "puede|consegui|consigo|deixa|d[aá]|sale"
    r"|encuentro|encontr[eé]|supe|s[eé] c[oó]mo)|i? ?(?:couldn't|can't|could not|cannot|couldnt|cant)|it (?:won't|wouldn't) let)"
)
_RESULT = re.compile(
    r"\b(?:y|e|and|pero|but|mas) (?:ni |sigue|nada|no|nothing|still|não|nao|continua|igual|persiste|tampoco|it|el problema|the)"
)
_IDLE_TOO = (
    "nada igual sigue sigo funciona funciono sirve sirvio veces times time vezes vez twice dos no not nao "
    "luck sorte internet already "
    "ajustes configuracion settings configuracoes completo completely total one todo everything tudo app's "
    "varias several hoy manana "
    "today ayer yesterday hace rato tried try probe probado intente tente tentei old vieja antigua version "
    "versao oficial official "
    "another antes again back forma way metodo way manera properly bien correctamente completamente ahora now wifi's i've we've "
    "el la lo los las o a os as um uma the my mi mis meu minha tu it he hemos volvi volver acabo acabei luego "
    "let's same mismo"
)
_IDLE = FUNCTION_WORDS | GREETINGS | frozenset(_IDLE_TOO.split())  # fmt: skip


def deed_of(words: Sequence[str], chosen: Verb | None) -> Deed:
    """The deed in the words: the given action or else the first one; all words that are neither actions nor idle are things."""
    things: set[str] = set()
    for word in words:
        named = verb(word)
        if named and not chosen:
            chosen = named
        folded = fold(word)
        if folded.startswith("reinstal") or folded in {"nuevo", "novo", "again"}:
            things.add("again")
        elif not named and folded not in _IDLE and not folded.isdigit() and len(folded) > 1:
            things.add(thing(word))
    return Deed(chosen.actions if chosen else frozenset(), frozenset(things))


def prepare(text: str) -> str:
    """The text in lower case, with phrases that name one action as one word: "turned off" is "turnedoff"."""
    text = unicodedata.normalize("NFC", text[:_READ_CHARS]).lower().replace("’", "'")
    for pattern, instead in _PHRASES:
        text = pattern.sub(instead, text)
    return text


def deeds_in(text: str) -> list[tuple[str, Deed]]:
    """The deeds that a text's writer reports, each with the clause that says it."""
    prepared = prepare(text)
    breaks = list(_BREAK.finditer(prepared))
    ends = [*((match.start(), match.end(), match[0]) for match in breaks), (len(prepared), len(prepared), "")]
    found: list[tuple[str, Deed]] = []
    start, carried = 0, ""
    for end, following, mark in ends:
        clause = prepared[start:end].strip()
        rest = prepared[end : end + 60]
        how = "" if "?" in mark and not _says_already(clause) else _said_how(clause, carried, rest)
        if how and (chosen := _verb_of(clause)):
            found.append((clause[:_MOST_EVIDENCE], deed_of(WORD.findall(clause), chosen)))
        start, carried = following, how if mark.strip() in {",", "y", "e", "and", "luego", "then"} else ""
    return found


def _says_already(clause: str) -> bool:
    return not _ALREADY.isdisjoint(WORD.findall(clause)[:3])


def _verb_of(clause: str) -> Verb | None:
    named = [found for word in WORD.findall(clause) if (found := verb(word))]
    return max(named, key=lambda each: each.form) if named else None


def _said_how(clause: str, carried: str, rest: str) -> str:
    """The way in which a clause reports a deed of its writer: "attempt", "already" or "past"; empty where it reports none."""
    words = WORD.findall(clause)
    for place, word in enumerate(words):
        named = verb(word)
        if named is None or named.form is Form.OTHER:
            continue
        before = words[max(0, place - _REACH) : place]
        if how := _how(named.form, before, clause, carried if place == 0 else "", rest):
            return how
    return ""


def _how(form: Form, before: list[str], clause: str, carried: str, rest: str) -> str:
    folded = {fold(word) for word in before}
    if folded & _NOT:
        return ""
    attempted = _ATTEMPTED.search(clause)
    if form is Form.INFINITIVE:
        fine = (attempted or carried == "attempt") and not _FAILED.match(rest.lstrip(" ,.;"))
        first = clause[: attempted.start()].split() if attempted else []
        return "attempt" if fine and not {fold(word) for word in first} & (_NOT | {"si", "if", "cuando", "when"}) else ""
    if folded & _UNREAL:
        return ""
    already = bool(folded & _ALREADY)
    if form is Form.PAST:
        return "past"
    if form is Form.WRITTEN_PLAIN:
        spoken = already or carried == "already" or (not before and _RESULT.match(rest.strip()) is not None)
        return "already" if spoken else ""
    mine = (
        folded & _HAVE or (folded & _I and before) or (carried in {"past", "attempt", "already"}) or (not before and not carried)
    )
    return "past" if mine else ""
