"""Checks of a knowledge base for detection: texts that make problems hard to tell apart or to find.

Every warning names a JSON path and the remedy. Time grows with the number of phrases, not with its square.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.lint_texts import doubt_markup, doubt_tags
from guiado.app.knowledge.lint_titles import doubt_near_titles
from guiado.app.sessions.alarms import hear, is_too_short
from guiado.app.sessions.detect import detect
from guiado.detection import Index, Problem, build_index
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide
from guiado.text.codes import declared_code
from guiado.text.json_shapes import items_in
from guiado.text.privacy import REMOVED, remove_personal_data
from guiado.text.terms import read_words

ENOUGH_PHRASES = 5
"""Number of customers' phrases from which detection finds a problem most of the time."""
MOST_TRIED = 600
"""Most phrases that are tried one by one: more would take minutes."""
_ALIKE = 0.8
"""Share of common words from which two phrases say the same."""
_LEAST_WORDS = 3
"""Fewest words of phrases that are compared by shared words; shorter ones say the same only when they are equal."""
_MOST_HAVING = 16
"""Most phrases that are compared because of one word; a more frequent word tells nothing about two of them."""
_FOLDS = 5
_MOST_QUOTED = 80
_MINUTES = re.compile(r"\D{0,20}(\d+) ?min")
Build = Callable[[Iterable[Problem]], Index]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One text of a guide that detection reads.

    Args:
        path: where it stands in the file.
        words: as they are compared, in order.
        distinct: each of them once.
        is_customers: whether it is one of `common_issues`.
    """

    problem_id: str
    path: str
    text: str
    words: tuple[str, ...]
    distinct: frozenset[str]
    is_customers: bool


def lint(guides: Mapping[str, Guide], none_below: float, accept_from: float, build: Build = build_index) -> Findings:
    """Warnings about a knowledge base as detection sees it.

    Args:
        guides: the knowledge base.
        none_below, accept_from: the two thresholds of detection, 0..1.
        build: makes the index of some problems, as the service does.
    """
    findings = Findings()
    phrases = [phrase for guide in guides.values() for phrase in _phrases(guide)]
    _doubt_whole(guides, findings)
    for guide in guides.values():
        _doubt_few(guide, findings)
        _doubt_criteria(guide, findings)
        _doubt_time(guide, findings)
        doubt_markup(guide, findings)
        doubt_tags(guide, findings)
    for phrase in phrases:
        _doubt_phrase(phrase, findings)
        _doubt_alarming(phrase, guides, findings)
    for phrase in (other for guide in guides.values() for other in _not_this(guide)):
        _doubt_phrase(phrase, findings)
    _doubt_codes(guides.values(), findings)
    pairs = _doubt_alike(phrases, guides, findings)
    if encoder := build(()).encoder:
        doubt_near_titles(guides, encoder, pairs, findings)
    if len(guides) > 1 and can_try(guides):
        for phrase, taken in _taken(guides, phrases, build, (none_below, accept_from)):
            _doubt_taken(phrase, taken, pairs, findings)
    return findings


def can_try(guides: Mapping[str, Guide]) -> bool:
    """Whether a knowledge base is small enough to try every phrase against the others."""
    return sum(len(problem_of(guide).phrases) for guide in guides.values()) <= MOST_TRIED


def _phrases(guide: Guide) -> Iterator[Phrase]:
    path = f"$.{guide.problem_id}"
    parts: list[tuple[str, Mapping[str, object]]] = [
        (path, {"problem_title": guide.problem_title, "common_issues": guide.common_issues})
    ]
    parts += [(f"{path}.translations.{language}", texts) for language, texts in guide.translations.items()]
    for place, texts in parts:
        title = str(texts.get("problem_title") or "")
        if title:
            yield _phrase(guide.problem_id, f"{place}.problem_title", title, is_customers=False)
        for number, text in enumerate(items_in(texts.get("common_issues"))):
            yield _phrase(guide.problem_id, f"{place}.common_issues[{number}]", str(text), is_customers=True)


def _not_this(guide: Guide) -> Iterator[Phrase]:
    """The phrases that a guide says are something else, in all its languages."""
    path = f"$.{guide.problem_id}"
    places = {path: guide.not_this}
    for language, texts in guide.translations.items():
        places[f"{path}.translations.{language}"] = tuple(map(str, items_in(texts.get("not_this"))))
    for place, phrases in places.items():
        for number, text in enumerate(phrases):
            yield _phrase(guide.problem_id, f"{place}.not_this[{number}]", text, is_customers=False)


def _phrase(problem_id: str, path: str, text: str, *, is_customers: bool) -> Phrase:
    words = tuple(word.key for word in read_words(text))
    return Phrase(problem_id, path, text, words, frozenset(words), is_customers)


def _doubt_whole(guides: Mapping[str, Guide], findings: Findings) -> None:
    if len(guides) == 1:
        findings.warn("$", "Hay un solo problema, y nada con qué compararlo. Agrega otros para que se distinga mejor.")
    spoken = Counter(language for guide in guides.values() for language in guide.translations)
    if not spoken:
        findings.warn("$", "Está en un solo idioma. Agrega translations si tus clientes escriben en otros.")
    for guide in guides.values():
        for language in sorted(spoken.keys() - guide.translations.keys()):
            path = f"$.{guide.problem_id}.translations"
            findings.warn(path, "Falta el idioma {language}, que otras guías tienen. Tradúcela también.", language=language)


def _doubt_few(guide: Guide, findings: Findings) -> None:
    count = len(guide.common_issues)
    if 0 < count < ENOUGH_PHRASES:
        findings.warn(
            f"$.{guide.problem_id}.common_issues",
            "Frases de clientes: {count}. Agrega {more} más, dichas de otra manera, y se reconocerá mejor.",
            count=count,
            more=ENOUGH_PHRASES - count,
        )


def _doubt_phrase(phrase: Phrase, findings: Findings) -> None:
    if not phrase.words:
        findings.warn(
            phrase.path,
            "En «{phrase}» no queda ninguna palabra con la que comparar. Escribe qué pasa o bórrala.",
            phrase=_shortened(phrase.text),
        )
        return
    harmless = remove_personal_data(phrase.text)
    if harmless.count(REMOVED) > phrase.text.count(REMOVED):
        findings.warn(
            phrase.path,
            "«{phrase}» lleva datos personales. Bórralos: quien vea la guía los leería.",
            phrase=_shortened(harmless),
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED].rstrip()}…"


def _doubt_codes(guides: Iterable[Guide], findings: Findings) -> None:
    """A code that two guides call their own tells neither from the other."""
    seen: dict[str, tuple[str, str]] = {}
    for guide in guides:
        for number, written in enumerate(guide.codes):
            code, path = declared_code(written), f"$.{guide.problem_id}.codes[{number}]"
            if code is None:
                continue
            owner, other = seen.setdefault(code.key, (guide.problem_id, path))
            if owner != guide.problem_id:
                shared = "El código {code} está también en {other}. Déjalo solo en la guía que es suya."
                findings.warn(path, shared, code=written, other=other)


def _doubt_time(guide: Guide, findings: Findings) -> None:
    """Warn where a guide's estimated time is not the sum of its steps' minutes, if all of them have some."""
    minutes = [step.minutes for step in guide.steps if step.minutes is not None]
    if len(minutes) < len(guide.steps):
        return
    for language in ("", *guide.translations):
        said = (guide.in_language(language) if language else guide).estimated_time
        number = _MINUTES.match(said)
        if number and float(number[1]) != sum(minutes):
            path = f"$.{guide.problem_id}" + (f".translations.{language}" if language else "")
            total = f"{sum(minutes):g}"
            findings.warn(
                f"{path}.estimated_time",
                "Dice «{time}» y sus pasos suman {total} minutos. Corrige uno de los dos.",
                time=said,
                total=total,
            )


def _doubt_criteria(guide: Guide, findings: Findings) -> None:
    path = f"$.{guide.problem_id}.escalation_criteria"
    for phrase in (phrase for trigger in guide.triggers for phrase in trigger.phrases):
        if is_too_short(phrase):
            findings.warn(path, "De la frase «{phrase}» no queda ninguna palabra con la que comparar. Cámbiala.", phrase=phrase)
        elif remove_personal_data(phrase).count(REMOVED) > phrase.count(REMOVED):
            findings.warn(path, "La frase «{phrase}» lleva datos personales. Bórralos.", phrase=phrase)


def _doubt_alarming(phrase: Phrase, guides: Mapping[str, Guide], findings: Findings) -> None:
    """Warn about a customer's phrase, of a guide that is not urgent, on which a person would always take over."""
    own = guides[phrase.problem_id]
    alarm = None if own.urgent or not phrase.is_customers else hear([phrase.text], own, guides.values(), "es")
    if alarm is not None:
        findings.warn(
            phrase.path,
            "Con «{phrase}» atiende siempre una persona: «{criterion}». Pásala a una guía urgente o cambia el criterio.",
            phrase=_shortened(phrase.text),
            criterion=alarm.reason,
        )


def _doubt_alike(phrases: Sequence[Phrase], guides: Mapping[str, Guide], findings: Findings) -> set[frozenset[str]]:
    """Warn about phrases and whole problems that say the same.

    Returns:
        The pairs of problems that are as good as one.
    """
    found = list(_alike(phrases))
    sizes = Counter(phrase.problem_id for phrase in phrases)
    matched = Counter(frozenset((one.problem_id, other.problem_id)) for one, other in found)
    twins = {pair for pair, count in matched.items() if count >= _ALIKE * max(sizes[problem_id] for problem_id in pair)}
    for one, other in sorted(sorted(pair) for pair in twins):
        findings.warn(
            f"$.{other}",
            "«{title}» dice casi lo mismo que «{near}», de {other}. Únelas, o escribe en cada una lo que la distingue.",
            title=_shortened(guides[other].problem_title),
            near=_shortened(guides[one].problem_title),
            other=f"$.{one}",
        )
    told: set[str] = set()
    for one, other in found:
        if other.path in told or frozenset((one.problem_id, other.problem_id)) in twins:
            continue
        told.add(other.path)
        if one.words == other.words:
            same = "La misma frase, «{phrase}», está también en {other}. Déjala solo en una guía."
            findings.warn(other.path, same, phrase=_shortened(other.text), other=one.path)
        else:
            alike = "Casi la misma frase que «{phrase}» está en {other}: «{there}». Déjala solo en una guía."
            findings.warn(other.path, alike, phrase=_shortened(other.text), other=one.path, there=_shortened(one.text))
    return twins


def _alike(phrases: Sequence[Phrase]) -> Iterator[tuple[Phrase, Phrase]]:
    """Pairs of phrases of different problems that say the same; of each phrase, the first such pair with each problem."""
    counts = Counter(word for phrase in phrases for word in phrase.distinct)
    having: dict[object, list[Phrase]] = defaultdict(list)
    for phrase in phrases:
        if not phrase.words:
            continue
        seen: set[str] = set()
        for key in _keys(phrase, counts):
            for other in having[key]:
                if other.problem_id != phrase.problem_id and other.problem_id not in seen and _say_the_same(other, phrase):
                    seen.add(other.problem_id)
                    yield other, phrase
            if len(having[key]) < _MOST_HAVING:
                having[key].append(phrase)


def _keys(phrase: Phrase, counts: Counter[str]) -> Iterator[object]:
    """Keys that two phrases share when they say the same: all words, or one of the rarest of each."""
    yield phrase.words
    distinct = sorted(phrase.distinct, key=lambda word: (counts[word], word))
    if len(distinct) >= _LEAST_WORDS:
        yield from distinct[: len(distinct) - ceil(_ALIKE * len(distinct)) + 1]


def _say_the_same(one: Phrase, other: Phrase) -> bool:
    if one.words == other.words:
        return True
    fewer, more = sorted((len(one.distinct), len(other.distinct)))
    if fewer < _LEAST_WORDS or fewer < _ALIKE * more:
        return False
    shared = len(one.distinct & other.distinct)
    return shared >= _ALIKE * (fewer + more - shared)


def _taken(
    guides: Mapping[str, Guide], phrases: Sequence[Phrase], build: Build, thresholds: tuple[float, float]
) -> Iterator[tuple[Phrase, str]]:
    """Customers' phrases that detection, without knowing them, takes for another problem with confidence, and that problem."""
    problems = [problem_of(guide) for guide in guides.values()]
    for fold in range(_FOLDS):
        held = [phrase for n, phrase in enumerate(phrases) if phrase.is_customers and n % _FOLDS == fold]
        out = {(phrase.problem_id, phrase.text) for phrase in held}
        index = build(_without(problem, out) for problem in problems)
        for phrase in held:
            found = detect(index, guides, phrase.text, *thresholds)
            # An urgent problem that is named beside another goes first, however much less likely it is.
            likeliest = max(found.candidates, key=lambda each: each.confidence, default=None)
            if found.verdict is Verdict.ACCEPT and likeliest is not None and likeliest.problem_id != phrase.problem_id:
                yield phrase, likeliest.problem_id


def _doubt_taken(phrase: Phrase, taken: str, twins: set[frozenset[str]], findings: Findings) -> None:
    told = any(warning.field == phrase.path for warning in findings.warnings)
    if not told and frozenset((taken, phrase.problem_id)) not in twins:
        findings.warn(
            phrase.path,
            "La frase «{phrase}» se parece más a la guía {other}. Escríbela de otra manera, pásala a esa guía o agrega aquí más "
            "frases parecidas.",
            phrase=_shortened(phrase.text),
            other=taken,
        )


def _without(problem: Problem, out: set[tuple[str, str]]) -> Problem:
    return replace(problem, phrases=tuple(text for text in problem.phrases if (problem.problem_id, text) not in out))
