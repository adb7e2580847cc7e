"""Checks of how texts read: the readability of a guide's steps in each language, and sentences that are too long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import OF_STEPS, ShownText, TextPart, shortened
from guiado.domain.guide import Guide
from guiado.text.readability import fernandez_huerta, flesch, martins, sentences_of, words_of

LONGEST_SENTENCE = 25
"""Most words of a sentence that a customer reads."""
_FEWEST_WORDS = 60
"""Fewest words of steps whose readability is measured: fewer say little."""
_HARDEST_QUOTED = 12
"""Fewest words of a text that is quoted as the hardest one."""
_MEASURES: Mapping[str, tuple[Callable[[Sequence[str]], float], float]] = {
    "es": (fernandez_huerta, 70.0),
    "en": (flesch, 60.0),
    "pt": (martins, 50.0),
}
"""Language -> its index, and the least that is easy enough; English and Portuguese are warned of only where clearly hard."""


def doubt_readability(guide: Guide, texts: Iterable[ShownText], findings: Findings) -> None:
    """Name the languages in which the steps of a guide are hard to read, with the hardest text."""
    spoken: dict[str, list[ShownText]] = defaultdict(list)
    for shown in texts:
        if shown.part in OF_STEPS:
            spoken[shown.language].append(shown)
    for language, found in spoken.items():
        if language not in _MEASURES or sum(len(words_of(each.text)) for each in found) < _FEWEST_WORDS:
            continue
        measure, least = _MEASURES[language]
        index = measure([each.text for each in found])
        if index < least:
            path = f"$.{guide.problem_id}" if language == "es" else f"$.{guide.problem_id}.translations.{language}"
            findings.of("readability").warn(
                f"{path}.steps",
                "Cuesta leer sus pasos: facilidad {index} y se piden {least}. Usa palabras y frases más cortas; el texto más "
                "difícil es «{phrase}».",
                index=int(index),
                least=int(least),
                phrase=shortened(_hardest(found, measure).text),
            )


def _hardest(found: Sequence[ShownText], measure: Callable[[Sequence[str]], float]) -> ShownText:
    long = [each for each in found if len(words_of(each.text)) >= _HARDEST_QUOTED] or found
    return min(long, key=lambda each: measure([each.text]))


def doubt_long_sentences(texts: Iterable[ShownText], findings: Findings) -> None:
    """Name each sentence with too many words, save those of customers."""
    for shown in texts:
        if shown.part is TextPart.PHRASE or shown.text.count(" ") < LONGEST_SENTENCE:
            continue
        for sentence in sentences_of(shown.text):
            count = len(sentence.split())
            if count > LONGEST_SENTENCE:
                findings.of("long_sentence").warn(
                    shown.path,
                    "La frase «{phrase}» tiene {count} palabras. Divídela: lo más cómodo son {most} o menos.",
                    phrase=shortened(sentence),
                    count=count,
                    most=LONGEST_SENTENCE,
                )
