"""Extracts the newest part of a mail: without quotes, greeting, signature and legal notice."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_SIGNATURE_LINES = 8
_MOST_SIGNATURE_CHARS = 70
_LEGAL_CHARS = 60  # least length of a legal notice; a shorter line with "confidencial" is the customer's own

_DATE_OR_CLOCK = r"(?:\d{1,2}[:.h]\d{2}|\b\d{4}\b|\d{1,2}[/.-]\d{1,2})"
_ATTRIBUTION = re.compile(
    rf"(?:^|(?<=\s))>*\s*(?:El|On|Em|No dia|Le|Am)\s(?=[^\n]{{0,160}}{_DATE_OR_CLOCK})"
    r"[^\n]{5,200}\b(?:escribi[oó]|wrote|escreveu|a écrit|schrieb)\s*:",
    re.IGNORECASE,
)
_BROKEN_ATTRIBUTION = re.compile(
    r"^([ >]*(?:El|On|Em|Le) [^\n]{10,120})\n([^\n]{0,100}(?:escribi[oó]|wrote|escreveu) ?:)", re.IGNORECASE | re.MULTILINE
)
_DIVIDER = re.compile(
    r"^[\s>]*[-_=*]{2,}\s*(?:(?:begin\s+)?(?:mensaje|message|mensagem|correo|forwarded|original|e-?mail)\b[^\n]{0,40}?)[-_=*]{2,}\s*:?\s*$"
    r"|^[\s>]*(?:inicio del mensaje reenviado|begin forwarded message|início da mensagem encaminhada)\s*:?\s*$",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^[\s>*]*(?:de|from|para|to|enviado(?: el| em| por)?|sent|fecha|date|data|asunto|subject|assunto|cc|cco|bcc|"
    r"responder a|reply-to|importancia)\s*\*?\s*:",
    re.IGNORECASE,
)
_SENDER_HEADER = re.compile(r"^[\s>*]*(?:de|from)\s*\*?\s*:", re.IGNORECASE)
_SENT_FROM = re.compile(
    r"^[\s>]*(?:(?:enviado|mandado) (?:desde|con|mediante|do|pelo|a partir d[oe]|usando)\b|sent (?:from|via|with) |"
    r"obtener outlook|get outlook|obter o outlook|descarg[ao] outlook)[^\n]{0,80}$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\s*(?:(?:muchas |mil )?gracias(?: y |,? )?)?(?:(?:un |muchos |reciba(?:n)? un |con )?(?:cordial(?:es)? )?"
    r"(?:saludos?|abrazos?|abraços?|abs)(?: cordial(?:es)?| atentos?| a todos)?|atentamente|atte|cordialmente|"
    r"(?:muito |muy )?(?:atenciosamente|agradecid[oa])|att|cumprimentos|"
    r"(?:best|kind|warm|many)? ?(?:regards|wishes)|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|cheers|"
    r"(?:many )?thanks(?: and regards| in advance)?|thank you(?: very much)?|thx|"
    r"(?:muchas |mil |de antemano )?gracias(?: de antemano| por su ayuda| por todo)?|(?:muito )?obrigad[oa](?: desde já)?|"
    r"quedo (?:a la espera|atent[oa])[^\n]{0,40})\s*[,.:;!]*\s*$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\s*(?:hola|ola|olá|oi|buen[oa]s(?: d[ií]as| tardes| noches)?|buen d[ií]a|bo[am] (?:dia|tarde|noite)|hi|hello|hey|"
    r"good (?:morning|afternoon|evening)|estimad[oa]s?|apreciad[oa]s?|querid[oa]s?|prezad[oa]s?|car[oa]s|dear|"
    r"a quien (?:corresponda|pueda interesar)|to whom it may concern)\b(?:(?:\s+[^\s,.?!:;]{1,20}){0,4}\s*[,:;]+|[\s.!]*)\s*$",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"^[\s*]*(?:aviso (?:legal|de confidencialidad|de privacidad)|nota de confidencialidad|confidential(?:ity)? notice|"
    r"disclaimer|aviso de confidencialidade|este (?:mensaje|correo|e-?mail|mensagem)|esta mensagem|"
    r"this (?:message|e-?mail|communication)|la información contenida|the information (?:contained|in this)|"
    r"as informações contidas|antes de imprimir|please consider the environment|piense en el medio|"
    r"si (?:usted )?(?:no es|ha recibido)|if you (?:are not|have received))",
    re.IGNORECASE,
)
_LEGAL_WORDS = re.compile(
    r"confiden[ct]ia|privilegiad|destinatari|recipient|imprimir|environment|medio ambiente|proteção de dados|protección de datos",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")


def newest_part(text: str) -> str:
    """The newest part of a mail, without quotes, greeting, signature and legal notice.

    Never empty unless the text is: a text that is only "Saludos" stays, and of a mail forwarded without a word its content.

    Args:
        text: of any kind; a text that is no mail stays as it is.
    """
    if "\n" not in text and not _ATTRIBUTION.search(text):
        return text
    lines = _ATTRIBUTION.sub("\n\\g<0>\n", _join_attribution(text)).split("\n")
    written = _before_quote(lines)
    if not _says_something(_own(written)) and len(written) < len(lines):
        written = _below_quote(lines)
        if not _says_something(_own(written)):
            written = _passed_on(lines)
    return "\n".join(_first_with_words(_own(written), written, lines)).strip()


def _join_attribution(text: str) -> str:
    """Join the attribution line ("On … wrote:"), which mail programs break."""
    return _BROKEN_ATTRIBUTION.sub(r"\1 \2", text)


def _before_quote(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for position, line in enumerate(lines):
        if _begins_quote(lines, position):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return kept


def _begins_quote(lines: Sequence[str], position: int) -> bool:
    line = lines[position]
    if _DIVIDER.match(line) or _ATTRIBUTION.search(line):
        return True
    if not _SENDER_HEADER.match(line):
        return False
    return sum(1 for after in lines[position + 1 : position + 6] if _HEADER.match(after)) >= 2  # noqa: PLR2004


def _below_quote(lines: Sequence[str]) -> list[str]:
    """The lines below a quote, for mails whose answer stands under it."""
    quoted = [position for position, line in enumerate(lines) if line.lstrip().startswith(">")]
    return list(lines[quoted[-1] + 1 :]) if quoted else []


def _passed_on(lines: Sequence[str]) -> list[str]:
    """The lines of a forwarded mail, for one that has no words of its own."""
    bare = [line.lstrip("> \t") for line in lines]
    start = 0
    while start < len(bare) and (not bare[start].strip() or _is_frame(bare, start) or not _says_something(_own([bare[start]]))):
        start += 1
    return _before_quote(bare[start:])


def _is_frame(lines: Sequence[str], position: int) -> bool:
    return bool(_HEADER.match(lines[position])) or _begins_quote(lines, position)


def _own(lines: Sequence[str]) -> list[str]:
    """The lines without greeting, closing, signature and footers."""
    kept: list[str] = []
    for position, line in enumerate(lines):
        if _ends_message(lines, position):
            break
        if not _GREETING.match(line) and not _SENT_FROM.match(line):
            kept.append(line)
    return kept


def _ends_message(lines: Sequence[str], position: int) -> bool:
    line = lines[position]
    if line.rstrip() in {"--", "—", "__"} or (_LEGAL.match(line) and _is_legal(lines[position : position + 3])):
        return True
    if not _CLOSING.match(line):
        return False
    return _is_signature([after for after in lines[position + 1 :] if after.strip()])


def _is_legal(lines: Sequence[str]) -> bool:
    text = " ".join(lines)
    return len(text) > _LEGAL_CHARS and _LEGAL_WORDS.search(text) is not None


def _is_signature(lines: Sequence[str]) -> bool:
    """Whether lines are a signature: a name, a post, telephone numbers; longer ones belong to the message."""
    short = [line for line in lines if len(line) <= _MOST_SIGNATURE_CHARS and not line.rstrip().endswith("?")]
    footer = next((position for position, line in enumerate(lines) if _LEGAL.match(line) or _SENT_FROM.match(line)), len(lines))
    return footer <= _MOST_SIGNATURE_LINES and lines[:footer] == short[:footer]


def _says_something(lines: Sequence[str]) -> bool:
    return any(_WORD.search(line) for line in lines)


def _first_with_words(*choices: Sequence[str]) -> Sequence[str]:
    return next((lines for lines in choices if _says_something(lines)), choices[-1])
