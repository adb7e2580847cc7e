"""Alarms: a customer's words that meet an escalation criterion, so that a person takes over.

Whole words are compared, in any of their forms, without case, accents and small words; one other word may stand in between. A
phrase that is denied ("no me robaron la tarjeta") is not met.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from guiado.domain.criteria import Trigger
from guiado.domain.guide import Guide
from guiado.domain.session_commands import Alarm
from guiado.text.fold import fold
from guiado.text.tokenize import meaningful_part

_SMALL = frozenset(
    """
    el la los las lo un una unos unas mi mis tu tus su sus de del al a en con por para que me se te le les nos y e o u
    the an my your his her their our of to in on at with by for and i is was has have been
    os as um uma meu minha meus minhas seu sua seus suas do da dos das ao na nas em com foi eu
    """.split()  # noqa: SIM905 so many words read better in lines
)
"""Words that are not compared: a customer may change them or leave them out, and mean the same."""
_DENIALS = frozenset(
    """
    no nunca tampoco nadie ninguno sin not never nobody without t nao nem ninguem nenhum sem
    """.split()  # noqa: SIM905 so many words read better in lines
)
"""Words that deny the one that follows; "t" is what is left of "didn't"."""
_BETWEEN = frozenset(
    """
    creo es fue fui sido ser ha han haya hayan he esta este estan tarjeta cuenta
    be been being get got had think believe isn didn wasn hasn haven don ever card account
    acho creio fui tem tenha tenham ter esta cartao conta
    """.split()  # noqa: SIM905 so many words read better in lines
)
"""Words that may stand between a denial and the denied word: "no creo que me hayan hackeado"."""
_DONE_TO_SOMEBODY = re.compile(r"(?<=\w\w)(?:aron|eron|aram|eram|iram|ad[oa]s?|id[oa]s?|ou|ó|ed|len)$")
_DONE = re.compile(r"(?:aron|eron|aram|eram|iram|ad[oa]s?|id[oa]s?|ou|ó)$")
"""Verb endings of the past in the third person, and of participles: "robaron", "robó", "robada". Other persons are other words: a
customer who cannot get into an account says "entrar", one whose account was broken into says "entraron"."""
_JUST_DONE = re.compile(r"\bacab(?:an|aron|ó|am|aram|ou|aba|aban) de (\w{2,}?)([aei])r(?:me|nos|se|le|les|te)?\b")
"""Verbs for what others did a moment ago: "me acaban de hackear", "acaban de hackearme", "acabaram de roubar"."""
_LEAST_ROOT, _LEAST_WORD = 3, 4
_STOP = ""
_PART = re.compile(r"(?<=[.,;:!?…\n])")
_TOKEN = re.compile(r"[^\W_]+|[.,;:!?…\n]")


def hear(words: Iterable[str | None], own: Guide | None, others: Iterable[Guide], language: str) -> Alarm | None:
    """The alarm that the customer's words set off, an urgent one first; None without one.

    Args:
        words: what the customer wrote just now.
        own: the guide of the session, all of whose criteria count.
        others: further guides of the knowledge base, whose urgent criteria count.
        language: of the session.
    """
    text, candidates = "\n".join(filter(None, words)), tuple(_candidates(own, others))
    return _heard(meaningful_part(text), candidates, language) if text and candidates else None


def hear_part(part: str, own: Guide | None, others: Iterable[Guide], language: str) -> Alarm | None:
    """The same of the meaningful part of what the customer wrote; see `hear`."""
    return _heard(part, _candidates(own, others), language)


def _heard(part: str, candidates: Iterable[Trigger], language: str) -> Alarm | None:
    said = _read(part)
    met = [trigger for trigger in candidates if any(_meets(said, phrase) for phrase in trigger.phrases)]
    found = next((trigger for trigger in met if trigger.urgent), met[0] if met else None)
    return Alarm(" ".join(found.text_in(language).split()), found.urgent) if found else None


class UrgentCriteria:
    """Urgent criteria of many guides, by the first words of their phrases, so that a text is compared with few of them.

    Args:
        guides: of a knowledge base.
    """

    def __init__(self, guides: Iterable[Guide]) -> None:
        self._phrases: dict[str, dict[str, Guide]] = {}
        for guide in guides:
            for phrase in (phrase for trigger in guide.triggers if trigger.urgent for phrase in trigger.phrases):
                for form in _forms(next(iter(_of_phrase(phrase)), "")):
                    self._phrases.setdefault(form, {})[phrase] = guide

    def met_by(self, part: str) -> list[Guide]:
        """The guides with an urgent criterion that the meaningful part of a text meets."""
        said = _read(part)
        forms = {form for word in set(said) for form in _forms(word)}
        near = {phrase: guide for form in forms for phrase, guide in self._phrases.get(form, {}).items()}
        return [near[phrase] for phrase in sorted(near) if _meets(said, phrase)]


def meets(text: str, phrase: str) -> bool:
    """Whether a text meets the phrase of a criterion."""
    return _meets(_read(meaningful_part(text)), phrase)


def denies(text: str, guide: Guide) -> bool:
    """Whether a text denies the subject of a guide: "no me robaron la tarjeta, solo quiero saber…".

    What somebody did, or what was done, must be denied wherever the text speaks of it; one mention that is not denied counts.
    """
    happened = _happened(_spoken_in(guide))
    said = _read(meaningful_part(text))
    mentions = [_is_denied(said, place) for place, word in enumerate(said) if not _forms(word).isdisjoint(happened)]
    return bool(mentions) and all(mentions)


def undenied(text: str, guides: Iterable[Guide]) -> list[str]:
    """The parts of a text, between punctuation marks, that do not deny the subject of these guides."""
    told = list(guides)
    parts = (part.strip() for part in _PART.split(text))
    return [part for part in parts if part and not any(denies(part, guide) for guide in told)]


def _spoken_in(guide: Guide) -> tuple[str, ...]:
    spoken = (guide, *map(guide.in_language, guide.translations))
    return tuple(text for each in spoken for text in (each.problem_title, *each.common_issues))


@lru_cache(maxsize=256)
def _happened(texts: tuple[str, ...]) -> frozenset[str]:
    """Forms of the words in these texts for what was done to a customer, without the denied ones."""
    read = [_read(text) for text in texts]
    found = [(word, _is_denied(said, place)) for said in read for place, word in enumerate(said)]
    done = {word for word, is_denied in found if not is_denied and _DONE_TO_SOMEBODY.search(word)}
    return frozenset(form for word in done for form in _forms(word))


def is_too_short(phrase: str) -> bool:
    """Whether a phrase has no word that could be compared."""
    return not _of_phrase(phrase)


def _candidates(own: Guide | None, others: Iterable[Guide]) -> Iterable[Trigger]:
    yield from own.triggers if own else ()
    for guide in others:
        yield from (trigger for trigger in guide.triggers if trigger.urgent)


def _meets(said: tuple[str, ...], phrase: str) -> bool:
    wanted = _of_phrase(phrase)
    first = _forms(wanted[0]) if wanted else frozenset[str]()
    return any(_begins(said, start, wanted) for start, word in enumerate(said) if not first.isdisjoint(_forms(word)))


def _begins(said: tuple[str, ...], start: int, wanted: tuple[str, ...]) -> bool:
    if _is_denied(said, start):
        return False
    place = start
    for word in wanted[1:]:
        near = said[place + 1 : place + 3]
        found = next((step for step, other in enumerate(near, 1) if _is_form(other, word)), None)
        if found is None or (found > 1 and fold(near[0]) in {_STOP, *_DENIALS}):
            return False
        place += found
    return True


def _is_denied(said: tuple[str, ...], place: int) -> bool:
    """Whether a denial stands before a word, with nothing but helping words in between."""
    before = place - 1
    while before >= 0 and fold(said[before]) in _BETWEEN:
        before -= 1
    return before >= 0 and fold(said[before]) in _DENIALS


def _is_form(one: str, other: str) -> bool:
    """Whether two words are forms of the same: in number, in gender, or in the ending of a past verb."""
    return not _forms(one).isdisjoint(_forms(other))


@lru_cache(maxsize=8_192)
def _forms(word: str) -> frozenset[str]:
    plain = fold(word)
    forms = {plain}
    if plain in _DENIALS or len(plain) < _LEAST_WORD:
        return frozenset(forms)
    singular = {plain.removesuffix("s"), plain.removesuffix("es")}
    forms |= singular | {f"{each[:-1]}*" for each in singular if each[-1] in "ao" and len(each) > _LEAST_WORD}
    root = _DONE.sub("", word)
    if root != word and len(root) >= _LEAST_ROOT:
        forms.add(f"{fold(root)}+")
    return frozenset(forms)


@lru_cache(maxsize=4_096)
def _of_phrase(phrase: str) -> tuple[str, ...]:
    return tuple(word for word in _read(phrase) if word != _STOP)


@lru_cache(maxsize=16)
def _read(text: str) -> tuple[str, ...]:
    """The compared words of a text, in lower case, with a stop for each punctuation mark."""
    plain = _JUST_DONE.sub(_as_done, unicodedata.normalize("NFC", text).casefold())
    tokens = [token if token[0].isalnum() else _STOP for token in _TOKEN.findall(plain)]
    return tuple(token for token in tokens if fold(token) not in _SMALL)


def _as_done(just: re.Match[str]) -> str:
    """The past form of a verb for what was just done: "hackearon" for "acaban de hackear"."""
    return just[1] + ("aron" if just[2] == "a" else "ieron")
