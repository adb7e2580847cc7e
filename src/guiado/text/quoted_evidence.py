"""Quoted lines of a mail: left out where others wrote them, kept where the customer points at them: "Me aparece esto:"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from guiado.text.mail_lines import HEADER, attributes
from guiado.text.patterns import compiled, lowered
from guiado.text.signatures import is_closing

GREETING = re.compile(
    r"^\s*(?:hola|ola|olá|oi|buen[oa]s(?: d[ií]as| tardes| noches)?|buen d[ií]a|bo[am] (?:dia|tarde|noite)|hi|hello|hey|"
    r"good (?:morning|afternoon|evening)|estimad[oa]s?|apreciad[oa]s?|querid[oa]s?|prezad[oa]s?|car[oa]s|dear|"
    r"a quien (?:corresponda|pueda interesar)|to whom it may concern)\b"
    r"(?:(?:\s++[^\s,.?!:;]{1,20}+){0,4}+\s*+[,:;]++\s*+|[\s.!]*+)$",
    re.IGNORECASE,
)
_SHOWS = (
    r"(?:dice|muestra|aparece|sale|pone|marca|tira|arroja|(?:me )?lanza|veo|leo|(?:apareci|sali|mostr|tir|arroj|dij)[oó]|"
    r"says|said|shows?|displays?|reads?|pops? up|appears?|appeared|comes? up|came up|i (?:see|saw|get|got)|"
    r"diz|disse|mostra|mostrou|apareceu|vejo)"
)
_WHERE = r"(?: (?:en|na|no|on|in|at) (?:(?:la|el|mi|my|the|a|o|minha|meu) )?[^\W\d]{2,14})?"
_POINTS_AT = lowered(
    r":\s*+$",
    r"\b(?=\w)(?:"
    r"(?:(?:esto|lo siguiente|(?:este|el siguiente) (?:mensaje|error|aviso|texto|cartel)|"
    r"(?:copio|pego|adjunto|transcribo) [^\n]{0,40}\b(?:aviso|mensaje|texto|error|cartel)|"
    r"this|(?:this|the following) (?:message|error|text|notice)|the following|"
    r"isto|isso|(?:ess[ea]|est[ea]) (?:mensagem|erro|aviso)|o seguinte(?: erro| aviso)?|a seguinte mensagem)\s*+[.:…]*+"
    rf"|{_SHOWS}{_WHERE}\s*+[.…]*+)\s*+$)",
)
_DENIES = compiled(r"\b(?:no|not|nada|nunca|nothing|never|não|nem)\b[^\n]{0,40}[^:\s]\s*$|n['’]t\b[^\n]{0,40}[^:\s]\s*$")
"""A line that says that nothing is shown points at nothing."""
_POINTS_BACK = compiled(
    rf"^\W*+(?:(?:(?:y|pero) )?(?:eso|esto|ese|este|así|lo (?:anterior|de arriba))(?: mensaje| error| aviso| texto|"
    rf" cartel)?(?: mismo)?"
    rf" (?:es lo que |es lo único que )?(?:me |nos |le )?(?:{_SHOWS}|lleg[aó]|manda)\b|"
    rf"(?:es|era|fue) lo (?:único )?que (?:me |nos )?{_SHOWS}\b|"
    r"qu[eé] (?:significa|quiere decir|es (?:eso|esto)|hago con (?:eso|esto))\b|"
    rf"(?:(?:and|but) )?(?:that|this|the above)(?: message| error| text)?(?:['’]s| is)?(?: what| all)?(?: i| it)? {_SHOWS}\b|"
    r"what (?:does (?:this|that|it) mean|is (?:this|that))\b|"
    rf"(?:(?:e|mas) )?(?:isso|isto|ess[ea]|est[ea])(?: mensagem| erro| aviso)? (?:é (?:só )?o que )?(?:me )?{_SHOWS}\b|"
    r"o que (?:significa|é isso|quer dizer)\b)",
)
_ANSWERS = lowered(
    r"\b(?=\w)(?:(?:respond(?:o|emos)|contest(?:o|amos|aron|ando)|respuestas?|coment(?:o|arios?)|entre l[ií]neas)\b|"
    r"(?:ustedes|uds|vocês)(?:\s*+:|\.? (?:me |nos )?(?:dij|dic|escrib|pregunt|contest|respond|pid|ped|indic|disse|diss|escrev|"
    r"pergunt)\w*[nm]\b)|"
    r"(?:dij|escrib|pregunt|contest|respond|pid|indic|disse|escrev|pergunt)\w*[nm] (?:ustedes|uds|vocês)\b|"
    r"me (?:dijeron|escribieron|mandaron|preguntan|preguntaron|piden|pidieron|disseram|responderam|perguntaram)\b|"
    r"(?:answers?|repl(?:y|ies|ied|ying)|inline|comments?|you (?:said|wrote|told|asked)|respostas?|comentários?)\b)",
)


_IN_QUOTE = compiled(
    r"\b(?:respuestas?|respond[oi]|contest[oé]|coment(?:o|é|arios?))\b[^\n]{0,30}\b(?:abajo|debajo|en (?:rojo|azul|verde|"
    r"color|l[ií]nea)|dentro|"
    r"entre l[ií]neas|en el mismo)\b",
    r"\b(?:answers?|repl(?:y|ies|ied)|comments?|see)\b[^\n]{0,30}\b(?:below|in ?line|in (?:red|blue|green))\b",
    r"\b(?:respostas?|respondi|comentários?)\b[^\n]{0,30}\b(?:abaixo|em (?:vermelho|azul|verde))\b",
)
_QUESTION = re.compile(r"¿[^¿?\n]{1,200}\?|(?:^|(?<=[.!?] ))[^.!?¿\n]{1,200}\?(?=\s|$)")


def without_quotes(lines: Sequence[str]) -> list[str]:
    """The lines without quoted ones, but with those that the customer points at, above or below them."""
    groups = [(quoted, list(group)) for quoted, group in groupby(lines, key=_Runs())]
    kept, others_wrote = list[str](), False
    for place, (quoted, group) in enumerate(groups):
        if not quoted:
            kept += group
            continue
        above = _last(groups[place - 1][1]) if place else ""
        below = _first(groups[place + 1][1]) if place + 1 < len(groups) else ""
        if (not others_wrote and _points_at(above)) or (_POINTS_BACK.match(below) and "?" not in "".join(group)):
            kept += [line.lstrip("> \t") for line in group]
        else:
            others_wrote = True
    return kept


def answers_inline(note: str) -> bool:
    """Whether a note announces answers between the quoted lines, or speaks of what others wrote."""
    return _ANSWERS.search(note.lower()) is not None


def answers_between(note: str, lines: Sequence[str]) -> list[str]:
    """The lines between and below the quoted ones of an answered mail.

    Where the quote is not marked line by line, and the note announces answers in it, all but its questions.

    Args:
        lines: what stands below the line that names the writer of the quote.
    """
    if is_quoted(_first(lines)):
        return without_quotes(lines)
    if not _IN_QUOTE.search(note):
        return []
    start = next((at for at, line in enumerate(lines) if line.strip() and not HEADER.match(line)), len(lines))
    return [_QUESTION.sub(" ", line) for line in lines[start:]]


def is_quoted(line: str) -> bool:
    """Whether a line is marked as quoted."""
    return line.lstrip().startswith(">")


class _Runs:
    """Tells quoted from other lines; a blank line goes with the line above it."""

    def __init__(self) -> None:
        self.quoted = False

    def __call__(self, line: str) -> bool:
        if line.strip():
            self.quoted = is_quoted(line)
        return self.quoted


def _first(lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip()), "")


def _last(lines: Sequence[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def _points_at(line: str) -> bool:
    lowered_line = line.lower()
    return (
        _POINTS_AT.search(lowered_line) is not None
        and not _DENIES.search(line)
        and not GREETING.match(line)
        and not _ANSWERS.search(lowered_line)
        and not attributes(line)
        and not is_closing(line)
    )
