"""Words that close a case: "listo, solucionado", "all good now". They say so only to those whose case is open.

They are read in short messages alone, and not where something else denies them: "no se arregló", "listo, pero sigue igual".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from guiado.text.fold import fold_text

_MOST_WORDS = 14


def _any_of(*groups: Sequence[str]) -> str:
    return rf"\b(?:{'|'.join(phrase for group in groups for phrase in group)})\b"


_CALM = (
    "no se preocupen?", "no te preocupes", "no hay (?:ningun )?problema", "sin problemas?", "no worries", "no problem",
    "don'?t worry", "nao se preocupem?", "sem problemas?", "nunca mas fallo",
    r"no (?:falla|fallo|se (?:cae|corta|cuelga|traba))\w* mas",
)  # fmt: skip
"""What calms down; its "no" denies nothing of the rest."""
_NOT_NEEDED = (
    "(?:ya )?no (?:hace|hizo) falta", "ya no (?:lo |la )?necesito", "ya no (?:es necesario|necesitamos)", "no longer need(?:ed)?",
    "not needed any ?more", "don'?t need (?:it|help|you)? ?any ?more", "never ?mind", "nao preciso mais", "nao e mais necessario",
    "ja nao preciso",
)  # fmt: skip
_SPANISH = (
    "(?:se )?(?:me |nos |lo |la )?(?:arreglo|solucione|soluciono|resolvio|resolvi|compuso|reparo)(?: sol[oa])?",
    "arreglamos", "solucionamos", "resuelt[oa]s?", "solucionad[oa]s?", "arreglad[oa]s?",
    "ya (?:esta|estan|quedo|estuvo|volvio|volvieron|sirve|va)",
    "ya (?:pude|pudimos|puedo|podemos|logre)", "^listo", "todo (?:bien|ok|listo|en orden|perfecto|solucionado)(?: ya)?",
    r"(?:ya|ahora|ahora si|por fin)(?: (?:me|nos|se|les?))* (?:funciona|anda|carga|abre|entro|entre|entra|conecta|conecto)\w*",
    r"(?:ya|ahora si|por fin)(?: (?:me|nos|se|les?))* (?:llego|llegaron)\w*", "(?:funciona|anda) (?:de nuevo|otra vez bien)",
    "volvio (?:a (?:funcionar|andar|cargar|abrir|conectar)|(?:el |la )?(?:internet|wifi|senal|luz|servicio))",
    "ahora (?:si )?pued[oe]",
    r"(?:ya|ahora si|por fin)(?: (?:me|nos|se|les?))* (?:deja|dejo|prende|imprime|salio|devolvieron)\w*",
)  # fmt: skip
_ENGLISH = (
    "(?:fixed|solved|resolved|sorted)(?: now| out)?", "works? (?:again|now|fine)", "working (?:again|now|fine)", "all good",
    "it'?s back", "i (?:got|managed to get) (?:in|it working)", "that did it",
)  # fmt: skip
_PORTUGUESE = (
    "resolvid[oa]s?", "resolveu", "resolvemos", "consertou", "deu certo", "tudo (?:certo|bem|ok|resolvido)(?: ja| agora)?",
    "(?:ja|agora|finalmente)(?: (?:me|se))* (?:funciona|funcionou|voltou|consegui|conseguimos|entrei|abriu|chegou|foi|deu)",
)  # fmt: skip
_DENIALS = (
    "no", "not", "isn'?t", "wasn'?t", "hasn'?t", "never", "nunca", "nao", "sigue", "siguen", "sigo", "still", "todavia", "aun",
    "ainda", "continua", "pero", "but", "porem", "tampoco", "salvo", "excepto", "hasta que", "otra vez", "creia", "pense",
    "thought", "cuando", "when", "quando", "falta", "mal", "mala", "bad", "wrong", "quiero", "quisiera", "queria", "necesito",
    "i need", "i want", "quero", "preciso", "pido", "un rato", "que hago", "veces",
    "cortad[oa]s?", "caid[oa]s?", "rot[oa]s?", "bloquead[oa]s?", "lent[oa]s?",
    "roj[oa]s?", r"fall\w+", r"error\w*", "agua",
)  # fmt: skip
_CALMING, _NEEDLESS = re.compile(_any_of(_CALM)), re.compile(_any_of(_NOT_NEEDED))
_CLOSING = re.compile(_any_of(_SPANISH, _ENGLISH, _PORTUGUESE, _NOT_NEEDED))
_DENYING = re.compile(_any_of(_DENIALS))


def calms(words: str) -> bool:
    """Whether words do nothing but calm down: "no se preocupen"."""
    return not _CALMING.sub(" ", fold_text(words)).strip(" .,;!")


def closes_case(words: str) -> bool:
    """Whether a short message says that a case is over, to those who know which one."""
    text = " ".join(fold_text(words).split())
    if not text or "?" in text or len(text.split()) > _MOST_WORDS:
        return False
    rest = _CALMING.sub(" ", text)
    return bool(_CLOSING.search(rest)) and not _DENYING.search(_NEEDLESS.sub(" ", rest))
