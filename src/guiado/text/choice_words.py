"""Words that choose one of several options, such as "la segunda" or "ambas", and words that do not know, such as "no sé"."""

from __future__ import annotations

import re

from guiado.text.fold import fold_text

_LEAD = (
    r"(?:(?:es|era|seria|elijo|quiero|creo que|it'?s|it is|e|ver|vamos con|con|con|con el|empecemos con)? ?"
    r"(?:por )?(?:el|la|lo|the|o|a)? ?(?:opcion|option|opcao|numero|number|nro)? ?)"
)
_TAIL = r"(?: (?:problema|opcion|one|option|opcao|cosa|por favor|please|gracias))*"
_PLACES = (
    r"(primer[oa]?|1|1ro|1ra|uno|una|first|one|primeir[oa]|um)"
    r"|(segund[oa]|2|2do|2da|dos|second|two|dois|ultim[oa]|last)"
    r"|(tercer[oa]?|3|3ro|3ra|tres|third|three|terceir[oa])"
)
_CHOOSING = re.compile(rf"{_LEAD}(?:{_PLACES}){_TAIL}")
_ALL = re.compile(
    r"(?:son |es |e |it'?s )?(?:las|los|the|both|as|os)? ?(?:dos|tres|two|three|duas|dois|ambos|ambas|both|todo|todos|todas|all)"
    r"(?: (?:cosas|problemas|things|coisas|de ell[oa]s|of them))?"
)
_OTHER = re.compile(r"\b(?:(?:lo|el|la) otr[oa]|the other(?: one)?|[oa] outr[oa])\b")
_LOST = re.compile(
    r"(?:la verdad |pues |uy |mmm? |ay )?(?:no (?:lo )?se|ni idea|no (?:lo |la |te |les )?entiendo|no entendi|no estoy segur[oa]"
    r"|i don'?t know|no idea|not sure|i don'?t understand|nao sei|nao entendi|sei la|cual|como|que|what|which one|qual"
    r"|ok|si|yes|sim|no|nao)"
    r"(?: (?:la pregunta|que es|que poner|cual es|the question|a pergunta|bien|la verdad|nada))*"
)


def chosen_place(words: str, options: int) -> int | None:
    """Place, from 0, of the option that words choose, and nothing else; None where they choose none.

    Args:
        options: how many were shown.
    """
    said = _plain(words)
    if options > 1 and _ALL.fullmatch(said):
        return 0  # the likeliest first: the others stay on the session
    found = _CHOOSING.fullmatch(said)
    place = found.lastindex - 1 if found and found.lastindex else None
    return place if place is not None and place < options else None


def chooses_other(words: str) -> bool:
    """Whether words choose the other one of two, as in "el wifi ya anda, lo otro"."""
    return bool(_OTHER.search(_plain(words)))


def is_lost(words: str) -> bool:
    """Whether words do nothing but say that the customer does not know, or does not understand."""
    return bool(_LOST.fullmatch(_plain(words)))


def _plain(words: str) -> str:
    return " ".join(re.findall(r"[\w']+", fold_text(words)))
