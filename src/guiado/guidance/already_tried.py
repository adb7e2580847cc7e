"""What a customer says they have tried already, recognised among the steps of a guide.

A step that is wrongly taken for done costs the customer's trust, one that is offered again costs a minute: where there is doubt,
nothing was tried. So a clause counts only when its verb says that the customer themselves did it, and did it before, and when it
names the first action of a step's title and the thing that it is done to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import log

from guiado.guidance.action_verbs import Form, Verb, thing, verb
from guiado.text.fold import fold
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS

LEAST_CONFIDENCE = 0.6
"""From here on a step counts as tried."""

_READ_CHARS = 2_000
_MOST_EVIDENCE = 120
_LEAST_COVERED = 0.45
_LEAST_LEAD = 0.12
_UNNAMED = 0.9
"""What a clause counts that names the action only, where just one step has it."""
_REACH = 4


@dataclass(frozen=True, slots=True)
class StepText:
    """A step of a guide, as far as it matters here.

    Args:
        step_id: names it for ever.
        titles: in the languages that the customer may use.
        informs: whether its use is what it tells, so that having done it is no reason to skip it.
    """

    step_id: str
    titles: tuple[str, ...]
    informs: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A step that the customer says they did.

    Args:
        step_id: of the guide.
        words: the customer's own, which say so.
        confidence: 0 to 1.
    """

    step_id: str
    words: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing that somebody did or is to do: what may be its action, and the things that it is done to."""

    actions: frozenset[str]
    things: frozenset[str]


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
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


def tried(text: str, steps: Sequence[StepText]) -> tuple[Tried, ...]:
    """The steps of a guide that a customer says they did already.

    Args:
        text: the customer's words, of any length; the first 2,000 characters are read.
        steps: of the guide that was found, in order.

    Returns:
        Each step at most once, in the guide's order, with the words that say so.
    """
    known = [(step, deeds) for step in steps if not step.informs and (deeds := _deeds_of(step))]
    found: dict[str, Tried] = {}
    weights = _Weights([deeds for _, deeds in known])
    for words, deed in _done(text) if known else ():
        best = _best(deed, known, weights)
        if best and (best[0] not in found or best[1] > found[best[0]].confidence):
            found[best[0]] = Tried(best[0], words, round(best[1], 2))
    return tuple(found[step.step_id] for step in steps if step.step_id in found)


# ------------------------------------------------------------------------------------------------------- what the steps ask


class _Weights:
    """How much each action and thing tells the steps of one guide apart."""

    def __init__(self, deeds: Sequence[Sequence[_Deed]]) -> None:
        self._count = len(deeds)
        self._frequency: dict[str, int] = {}
        for of_step in deeds:
            for named in {each for deed in of_step for each in deed.things}:
                self._frequency[named] = self._frequency.get(named, 0) + 1

    def of(self, named: AbstractSet[str]) -> float:
        """The weight of these together; what no step names counts as much as what two name."""
        return sum(log(1 + self._count / self._frequency.get(each, 2)) for each in named)

    @property
    def action(self) -> float:
        """What an action counts."""
        return log(1 + self._count)


_ALTERNATIVES = re.compile(r"\s(?:o|u|or|ou)\s")


def _deeds_of(step: StepText) -> tuple[_Deed, ...]:
    found: list[_Deed] = []
    for title in step.titles:
        actions: frozenset[str] = frozenset()
        for part in _ALTERNATIVES.split(_prepare(title)):
            deed = _deed(_WORD.findall(part), None)
            actions = deed.actions or actions
            if actions and deed.things:
                found.append(_Deed(actions, deed.things))
    return tuple(found)


def _deed(words: Sequence[str], chosen: Verb | None) -> _Deed:
    """The first action among the words, or the given one; all that is neither action nor idle is a thing."""
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
    return _Deed(chosen.actions if chosen else frozenset(), frozenset(things))


def _best(deed: _Deed, known: Sequence[tuple[StepText, tuple[_Deed, ...]]], weights: _Weights) -> tuple[str, float] | None:
    if not deed.things:
        having = [step for step, deeds in known if any(_same_deed(deed, asked) for asked in deeds)]
        sure = deed.actions & {"restart", "remove"} and len(having) == 1
        return (having[0].step_id, _UNNAMED) if sure else None
    rated = sorted(((max(_alike(deed, asked, weights) for asked in deeds), step.step_id) for step, deeds in known), reverse=True)
    lead = rated[0][0] - (rated[1][0] if len(rated) > 1 else 0.0)
    return (rated[0][1], rated[0][0]) if rated[0][0] >= LEAST_CONFIDENCE and lead >= _LEAST_LEAD else None


def _same_deed(deed: _Deed, asked: _Deed) -> bool:
    # What clears or resets is done to something that would have been named.
    return bool(deed.actions & asked.actions) and not asked.actions & {"clear", "reset"}


def _alike(deed: _Deed, asked: _Deed, weights: _Weights) -> float:
    common = deed.things & asked.things
    if not deed.actions & asked.actions or not common - {"again"}:
        return 0.0
    if "again" in asked.things and "again" not in deed.things and asked.actions & {"install", "download"}:
        return 0.0  # everybody who has a program downloaded it once
    if "forget" in deed.actions and "password" in deed.things:
        return 0.0
    matched = weights.of(common) + weights.action
    covered = matched / (weights.of(asked.things - {"again"} | common) + weights.action)
    return matched / (weights.of(deed.things) + weights.action) if covered >= _LEAST_COVERED else 0.0


# --------------------------------------------------------------------------------------------------- what the customer did


def _prepare(text: str) -> str:
    text = unicodedata.normalize("NFC", text[:_READ_CHARS]).lower().replace("’", "'")
    for pattern, instead in _PHRASES:
        text = pattern.sub(instead, text)
    return text


def _done(text: str) -> list[tuple[str, _Deed]]:
    """What the text says that its writer did, with the words that say it."""
    prepared = _prepare(text)
    breaks = list(_BREAK.finditer(prepared))
    ends = [*((match.start(), match.end(), match[0]) for match in breaks), (len(prepared), len(prepared), "")]
    found: list[tuple[str, _Deed]] = []
    start, carried = 0, ""
    for end, following, mark in ends:
        clause = prepared[start:end].strip()
        rest = prepared[end : end + 60]
        how = "" if "?" in mark and not _says_already(clause) else _said_how(clause, carried, rest)
        if how and (chosen := _verb_of(clause)):
            found.append((clause[:_MOST_EVIDENCE], _deed(_WORD.findall(clause), chosen)))
        start, carried = following, how if mark.strip() in {",", "y", "e", "and", "luego", "then"} else ""
    return found


def _says_already(clause: str) -> bool:
    return not _ALREADY.isdisjoint(_WORD.findall(clause)[:3])


def _verb_of(clause: str) -> Verb | None:
    named = [found for word in _WORD.findall(clause) if (found := verb(word))]
    return max(named, key=lambda each: each.form) if named else None


def _said_how(clause: str, carried: str, rest: str) -> str:
    """How the clause says that its writer did something: "attempt", "already" or "past"; empty where it does not."""
    words = _WORD.findall(clause)
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
