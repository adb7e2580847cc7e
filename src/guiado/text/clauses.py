"""Cuts a message into clauses: the parts that each say one thing, such as "el wifi anda bien" and "lo que no anda es la app".

Cut is after the marks that end a sentence, at the numbers of a list, and before the words that begin another statement ("pero",
"y además", "ahora lo que"). People who dictate write no marks at all: there the words alone decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guiado.text.fold import fold_in_place

MOST_CLAUSES = 24
"""Of a message; what comes after belongs to the last one."""
_LEAST_WORDS = 2
_WORD = re.compile(r"[^\W_]+")
_END = re.compile(
    r"(?<=[^\W\d_])[.;!?…]++(?=\s|$|[¿¡])|(?<=\d)[.;!?…]++(?=\s++[^\W\d_]|$)|(?<![!?…;])[!?…;]++(?=\s|$)|\n++|\s[-–—•*]\s"
    r"|[\U0001F300-\U0001FAFF☀-➿]++"
    r"|(?:^|(?<=\s))\(?(?:\d|[a-e])[.)](?=\s)"
)
"""Where a sentence ends, or a list begins its next item."""
_OPENERS = (
    # Spanish
    r"pero", r"sino(?: que)?", r"sin embargo", r"aunque", r"asi que", r"porque", r"por(?:que| eso)", r"ya que", r"es que",
    r"ademas", r"encima(?! de)", r"por otro lado", r"y (?:ademas|encima|tambien|ahora|despues|luego|de paso|aparte|otra cosa)",
    r"(?:y )?ahora(?: (?:resulta|lo que|no|me|se|el|la|ya))", r"(?:y )?lo que (?:no|pasa|sucede|me|si|falla|necesito|quiero)",
    r"y (?:no|me|se|le|les|ya|nada|tampoco|cuando|el|la|los|las|lo|mi|por|yo|que|fui|entonces)(?= )",
    r"(?:y )?entonces", r"solo (?:que|q|quiero|queria|quisiera|me|falta)", r"en cambio", r"cuando", r"desde que", r"hasta que",
    r"no es que", r"igual", r"gracias", r"muchas gracias", r"quisiera", r"queria", r"quiero",
    # English
    r"but", r"however", r"although", r"though", r"because", r"so", r"plus", r"besides",
    r"and (?:now|also|after|then|the|my|it|i|when|another|besides|on top|they|we|no|not)", r"now (?:i|it|the|my)", r"it'?s (?:just|that|the|my)",
    r"instead", r"when", r"since", r"just (?:want|wanted|need)", r"thanks", r"thank you",
    # Portuguese
    r"porem", r"so que", r"entretanto", r"alem (?:disso|do mais)", r"pois",
    r"e (?:agora|tambem|ainda|alem|depois|nao|o|a|os|as|me|eu|meu|minha|quando|ja|nem)(?= )", r"agora (?:o|a|eu|nao|ta|esta)",
    r"o que (?:nao|acontece|eu|falta)", r"obrigad[oa]", r"quero", r"queria",
)  # fmt: skip
_OPENER = re.compile(rf"(?<=\s)(?:{'|'.join(_OPENERS)})(?=[\s,])")
_ACCENTED_OPENER = re.compile(r"(?<=\s)mas(?=[\s,])", re.IGNORECASE)
"""Portuguese "mas", which without its missing accent would be Spanish "más"."""
_WRAPPED = re.compile(r"(?<=[^\n]{50})\n(?=[a-zà-öø-ÿ])")
"""The end of a long line before one that goes on in lower case."""
_JOINT = re.compile(r"(?<=\s)(?:y|e|and|also|tambien|tb|ademas|ni|plus|mas|encima|aparte)(?=\s)|,(?=\s)")
_LEAST_STATEMENT = 3
_COMMA = re.compile(r",(?!\d)\s*|:\s+")


_WAITS = re.compile(r"\b(?:dejan?|permiten?|puedo|puede|podemos|consigo|logro|consegue|can'?t|cannot|unable to|lets? me)\s*$")
_INFINITIVE = re.compile(r"[\s,]*\w+(?:ar|er|ir)(?:me|lo|la|se)?\b")
"""A verb that waits for another, and that other one: a comma between them ends nothing."""


class Span(NamedTuple):
    """A clause's place in its message; `message[start:end]` is its text."""

    start: int
    end: int


def clauses_of(part: str) -> tuple[Span, ...]:
    """The clauses of a message, in order.

    Args:
        part: the meaningful part of a message, see `meaningful_part`.

    Returns:
        Places that do not overlap, at most `MOST_CLAUSES`; none where the message has no word.
    """
    plain = fold_in_place(part)
    places = [span for sentence in _sentences(plain) for span in _statements(part, plain, sentence)]
    if len(places) > MOST_CLAUSES:
        places = [*places[: MOST_CLAUSES - 1], Span(places[MOST_CLAUSES - 1].start, places[-1].end)]
    return tuple(places)


def unwrapped(body: str) -> str:
    """The body of a mail with its line breaks, without those in the middle of sentences that a mail program made.

    Args:
        body: lines of any length.
    """
    return _WRAPPED.sub(" ", body)


def coordinated(clause: str) -> tuple[Span, ...]:
    """The statements that "y", "and" or a comma join in a clause, wherever both sides have words enough; itself where none does."""
    plain = fold_in_place(clause)
    parts, begin = list[Span](), 0
    for joint in _JOINT.finditer(plain):
        enough = min(_words(plain, begin, joint.start()), _words(plain, joint.end(), len(plain))) >= _LEAST_STATEMENT
        if enough and not _goes_on(plain, joint.start(), joint.end()):
            parts += _trimmed(plain, begin, joint.start())
            begin = joint.start()
    return (*parts, *_trimmed(plain, begin, len(plain)))


def whole(part: str) -> tuple[Span, ...]:
    """A message as one clause; none where it has no word."""
    return tuple(_trimmed(part, 0, len(part)))


def _sentences(plain: str) -> Iterator[Span]:
    start = 0
    for mark in _END.finditer(plain):
        yield from _trimmed(plain, start, mark.start() if mark.group()[-1:] in ")-–—•*" else mark.end())
        start = mark.end()
    yield from _trimmed(plain, start, len(plain))


def _statements(part: str, plain: str, sentence: Span) -> Iterator[Span]:
    """A sentence cut before its openers and after its commas, wherever both sides have words enough."""
    start, end = sentence
    cuts = sorted(
        {match.start() for match in _OPENER.finditer(plain, start + 1, end)}
        | {match.start() for match in _ACCENTED_OPENER.finditer(part, start + 1, end)}
        | {match.end() for match in _COMMA.finditer(plain, start, end) if not _goes_on(plain, match.start(), match.end())}
    )
    parts, begin = list[Span](), start
    for cut in cuts:
        if _words(plain, begin, cut) >= _LEAST_WORDS and _words(plain, cut, end) >= _LEAST_WORDS:
            parts.append(Span(begin, cut))
            begin = cut
    parts.append(Span(begin, end))
    for each in parts:
        yield from _trimmed(plain, each.start, each.end)


def _goes_on(plain: str, end: int, start: int) -> bool:
    """Whether what ends here waits for a verb, and what starts there is one."""
    return _INFINITIVE.match(plain, start) is not None and _WAITS.search(plain, max(0, end - 20), end) is not None


def _words(plain: str, start: int, end: int) -> int:
    return sum(1 for _ in _WORD.finditer(plain, start, end))


def _trimmed(plain: str, start: int, end: int) -> Sequence[Span]:
    """The place without blanks and commas around it; none where it has no word."""
    while start < end and (plain[start].isspace() or plain[start] in ",:-–—"):
        start += 1
    while end > start and (plain[end - 1].isspace() or plain[end - 1] in ",:-–—"):
        end -= 1
    return (Span(start, end),) if _WORD.search(plain, start, end) else ()
