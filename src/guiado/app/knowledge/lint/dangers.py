"""Check that what can lose data, money or access is warned of, and that what nobody can undo says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import shortened, texts_of
from guiado.domain.guide import Guide, GuideKind
from guiado.text.json_shapes import items_in, object_in

_FOLLOWING = r"[^.;,]{0,60}"
"""What a verb may be about."""


def _any(patterns: str) -> str:
    return "|".join(patterns.split())


_DEVICE = {
    "es": _any(r"f[aá]brica equipo sistema windows mac\b computad celular iphone"),
    "en": _any(r"factory computer system windows mac\b phone"),
    "pt": _any(r"f[aá]brica computad sistema windows mac\b celular iphone"),
}
"""What is restored as a whole, so that what is on it is lost."""
_HARMLESS = {
    "es": _any(r"""
        cach[eé] cookies b[uú]squeda historial contrase[nñ]a clav[ei] espacios?\b texto letras?\b filtros?\b regla borrador cola\b
        trabajos?\b descarga impresi[oó]n pesta[nñ]a sesi[oó]n impresora extensi[oó]n red\b wifi emparejamiento brillo zoom
        volumen env[ií]o aviso pista cita llamada bandeja temporal esc[aá]ner bloqueo n[uú]mero\b bluetooth
    """),
    "en": _any(r"""
        cache cookies search history password passcode pin\b spaces?\b text\b letters?\b filter rule draft queue jobs?\b download
        print tabs?\b session extension network wi-?fi pairing brightness zoom volume notice call outbox temporary scanner
        number\b
    """),
    "pt": _any(r"""
        cache cookies busca pesquisa hist[oó]rico senha espa[cç]os?\b texto letras?\b filtros?\b regra rascunho fila\b
        trabalhos?\b download impress aba\b sess[aã]o extens[aã]o rede\b wi-?fi pareamento brilho zoom volume aviso chamada
        sa[ií]da tempor[aá]ri scanner n[uú]mero\b luz luzes l[aâ]mpada
    """),
}
"""Things that may be deleted or reset without a loss."""
_VERBS = {
    "es": _any(rf"""
        b[oó]rr(?:a|ar) el[ií]mina(?:r)? format[eé]a(?:r)? resetea(?:r)? rest[aá]ble(?:ce|cer) desinst[aá]la(?:r)?
        reinst[aá]la(?:r)? vac[ií]a(?:r)? canc[eé]la(?:r)? restaura(?:r)?(?=\b[^.;]{{0,40}}(?:{_DEVICE["es"]}))
    """),
    "en": _any(rf"""
        delete erase format uninstall reinstall empty cancel reset
        wipe(?=\b[^.;]{{0,20}}(?:disk|drive|phone|device|computer|data))
        restore(?=\b[^.;]{{0,40}}(?:{_DEVICE["en"]}))
    """),
    "pt": _any(rf"""
        apag(?:ue|ar) exclu(?:a|ir) delet(?:e|ar) format(?:e|ar) redefin(?:a|ir) desinstal(?:e|ar) reinstal(?:e|ar) esvazi(?:e|ar)
        cancel(?:e|ar) restaur(?:e|ar)(?=\b[^.;]{{0,40}}(?:{_DEVICE["pt"]}))
    """),
}
"""Imperatives and infinitives that can lose data, money or access; to restore is one for a whole device."""
_CLITIC = {"es": r"(?:l[oae]s?|te)?", "en": "", "pt": "(?:-[oa]s?)?"}
_DANGER = {
    language: re.compile(rf"(?<![\w«“])(?P<verb>(?:{verbs}){_CLITIC[language]})\b(?P<rest>{_FOLLOWING})", re.IGNORECASE)
    for language, verbs in _VERBS.items()
}
_SAFE = {language: re.compile(things, re.IGNORECASE) for language, things in _HARMLESS.items()}
_WHOLE = {
    "es": r"tu\scuenta|para\ssiempre|definitiva|permanente|todo\sel\scontenido|todo\slo\s(?:que|del)",
    "en": r"your\saccount|permanently|for\s?ever|all\scontent",
    "pt": r"sua\sconta|para\ssempre|definitiva|permanente|todo\so\sconte[uú]do",
}
"""What says that something is deleted for good."""
_LOST = {
    "es": _any(rf"""
        format[eé]a(?:r|l[oa]s?)?\b(?!\sde) restabl[eé](?:ce|cer)\b[^.;]{{0,40}}\sf[aá]brica
        vac[ií]a(?:r)?\s(?:la\s|tu\s)?papelera
        (?:borra|elimina|cancela)r?\b[^.;]{{0,40}}(?:{_WHOLE["es"]})
    """),
    "en": _any(rf"""
        format\s(?:the|your) factory\sreset\b empty\s(?:the\s|your\s)?(?:recycle\sbin|trash|bin)
        wipe\b[^.;]{{0,20}}(?:disk|drive|phone|device|computer|data) (?:delete|erase)\b[^.;]{{0,40}}(?:{_WHOLE["en"]})
    """),
    "pt": _any(rf"""
        formate\b restaur(?:e|ar)\b[^.;]{{0,40}}f[aá]brica esvazie\s(?:a\s|sua\s)?lixeira
        (?:apag(?:ue|ar)|exclu(?:a|ir))\b[^.;]{{0,40}}(?:{_WHOLE["pt"]})
    """),
}
_FOR_EVER = {language: re.compile(rf"(?<![\w«“])(?:{verbs})", re.IGNORECASE) for language, verbs in _LOST.items()}
_NOT_DONE = re.compile(
    r"\b(?:no|sin|nunca|evita|without|never|not|don't|sem|n[aã]o|antes de|before|pide|si\b|if\b|se\b)\W+(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)
"""What stands before a verb that is not asked for."""
_AT_WILL = re.compile(r"(?:si|if|se)\b", re.IGNORECASE)
"""Beginning of an instruction that not everybody follows: it makes no step irreversible."""


class _Way(NamedTuple):
    """A way through a step: its common texts, or those of a variant with them."""

    path: str
    instructions: list[str]
    is_warned: bool


def doubt_dangers(guide: Guide, findings: Findings) -> None:
    """Name steps that can do harm and say no warning, and those that nobody can undo and do not say `irreversible`."""
    if guide.kind != GuideKind.GUIDE.value:
        return
    marked: set[int] = set()
    warned: set[str] = set()
    for language, path, texts in texts_of(guide):
        if language not in _DANGER:
            continue
        for place, step in enumerate(map(object_in, items_in(texts.get("steps")))):
            for way in _ways(f"{path}.steps[{place}]", step):
                _doubt_warnings(way, language, warned, findings)
                is_open = place < len(guide.steps) and not guide.steps[place].irreversible and place not in marked
                if is_open and _doubt_reversible(f"$.{guide.problem_id}.steps[{place}]", way, language, findings):
                    marked.add(place)


def _doubt_warnings(way: _Way, language: str, warned: set[str], findings: Findings) -> None:
    """Name a way without warnings that has a dangerous verb, in one language."""
    name = way.path.rpartition(".steps[")[2]
    found = None if way.is_warned or name in warned else _first(way.instructions, language)
    if found:
        warned.add(name)
        verb, text = found
        findings.of("missing_warning").warn(
            f"{way.path}.warnings",
            "Falta un aviso para «{phrase}»: con «{verb}» se puede perder algo. Di en warnings qué se pierde, antes de empezar.",
            phrase=shortened(text),
            verb=verb,
        )


def _doubt_reversible(path: str, way: _Way, language: str, findings: Findings) -> bool:
    said = _lost_for_ever(way.instructions, language)
    if said:
        findings.of("missing_irreversible").warn(
            f"{path}.irreversible",
            "«{phrase}» no se puede deshacer. Pon irreversible: true, y se pedirá confirmación.",
            phrase=shortened(said),
        )
    return bool(said)


def _ways(path: str, step: Mapping[str, object]) -> Iterator[_Way]:
    common, is_warned = list(map(str, items_in(step.get("instructions")))), bool(items_in(step.get("warnings")))
    yield _Way(path, common, is_warned)
    for name, said in object_in(step.get("variants")).items():
        texts = object_in(said)
        own = list(map(str, items_in(texts.get("instructions"))))
        yield _Way(f"{path}.variants.{name}", own, is_warned or bool(items_in(texts.get("warnings"))))


def _first(instructions: list[str], language: str) -> tuple[str, str] | None:
    """The first dangerous verb of some instructions, and the instruction with it."""
    for text in instructions:
        for found in _DANGER[language].finditer(text):
            if not _SAFE[language].search(found["rest"]) and not _NOT_DONE.search(text[: found.start()]):
                return found["verb"].lower(), text
    return None


def _lost_for_ever(instructions: list[str], language: str) -> str | None:
    for text in instructions:
        found = _FOR_EVER[language].search(text)
        if found and not _NOT_DONE.search(text[: found.start()]) and not _AT_WILL.match(text):
            return text
    return None
