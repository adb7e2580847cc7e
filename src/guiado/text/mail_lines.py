"""Lines of a mail that are not the customer's words: headers, what stands above a quote, marks of help desks, footers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from guiado.text.patterns import mentions, one_of

_DATE_OR_CLOCK = r"(?=\d)(?:\d{1,2}[:.h]\d{2}|\b\d{4}\b|\d{1,2}[/.-]\d{1,2})"
_DAY = (
    r"(?:d[ií]a )?(?:lun|mar|mi[eé]|jue|vie|s[aá]b|dom|mon|tue|wed|thu|fri|sat|sun|seg|ter|qua|qui|sex|mer|jeu|ven|sam|dim|"
    r"ene|feb|abr|may|mai|jun|jul|ago|sep|set|oct|out|nov|dic|dez|dec|jan|apr|aug)|\d"
)
"""How the day of a quoted mail begins: a weekday, a month or a number."""
_WROTE = ("escribi", "wrote", "escreveu", "a écrit", "schrieb")
_ATTRIBUTION = re.compile(
    rf"(?:^|(?<=\s)(?:(?<!\s\s)|(?=>)))>*+\s*+(?-i:El|On|Em|En|[NO] dia|Le|Am)\s(?={_DAY})(?=[^\n]{{0,160}}{_DATE_OR_CLOCK})"
    r"[^\n]{5,200}\b(?:(?<!me )(?<!nos )(?<!le )(?:escribi[oó]|wrote|escreveu|a écrit)\s*:|schrieb\b[^\n:]{0,100}:)",
    re.IGNORECASE,
)
_MAIL_ADDRESS = r"<(?:mailto:)?[^\s<>@]{1,64}@[^\s<>]{1,100}>"
_SENDER_LINE = re.compile(
    rf"^[\s>]*+(?:\d{{4}}-\d\d-\d\d \d{{1,2}}:\d\d [^\n<]{{1,120}}+{_MAIL_ADDRESS}|(?:citando|quoting|"
    rf"cita de)(?: a)? [^\n]{{2,120}}|"
    rf"[^\n<:]{{0,80}}+(?<=[^\n<:]{{2}}){_MAIL_ADDRESS} (?:escribi[oó]|wrote|escreveu)\b[^\n]{{0,60}}|"
    rf"[^\n<:]{{0,60}}(?<=[^\n<:]{{2}})\b(?:escribi[oó]|wrote|escreveu)\b (?=[^\n]{{0,60}}{_DATE_OR_CLOCK})[^\n]{{4,60}})"
    r"\s*+:\s*+$",
    re.IGNORECASE,
)
"""What stands above a quote, where it does not begin with its day."""
_BROKEN_ATTRIBUTION = re.compile(
    r"^([ >]*(?:El|On|Em|En|Le) [^\n]{10,120})\n([^\n]{0,100}(?:escribi[oó]|wrote|escreveu) ?:)", re.IGNORECASE | re.MULTILINE
)
_SHORT_ATTRIBUTION = re.compile(r"^[^\n]{2,60}\b(?:escribi[oó]|wrote|escreveu)\s*:\s*$", re.IGNORECASE)
_SPEAKER = re.compile(
    r"^\s*(?:soporte|suporte|support|help ?desk|mesa de|agente|asesor[a]?|atenci[oó]n|atendimento|ustedes|uds|vocês|you|agent|"
    r"customer service|la empresa|a empresa)\b[^\n?]{0,30}:\s*$",
    re.IGNORECASE,
)
"""A line that only names who says what is quoted below it."""
_DIVIDER = re.compile(
    r"^[\s>]*+(?:[-_=*]{2,}+\s*+(?:(?:begin\s++)?(?:mensaje|message|mensagem|correo|forwarded|original|"
    r"e-?mail)\b[^\n]{0,40}?|(?:el|on|em|le|am)\s[^\n]{5,200}\b(?:escribi[oó]|wrote|escreveu|a écrit|schrieb)\s*+)"
    r"[-_=*]{2,}+"
    r"|inicio del mensaje reenviado|begin forwarded message|início da mensagem (?:re)?encaminhada)\s*+(?::\s*+)?$",
    re.IGNORECASE,
)
_FORWARDING_DIVIDER = re.compile(r"reenviado|forwarded|encaminhad", re.IGNORECASE)
_DESK_PHRASE = re.compile(
    r"(?<!\w)(?=\w{3})(?:(?:por )?(?:encima|arriba|debajo|abajo) de est[ae] (?:l[ií]nea|marca|texto)|"
    r"sobre esta (?:l[ií]nea|marca)|"
    r"(?:above|below|under) this (?:dotted )?(?:line|marker|text)|(?:acima|por cima|abaixo) d(?:[ei]s[st]a|a) (?:linha|marca)|"
    r"(?:borr(?:e|es|ar)|elimin(?:e|es|ar)|modifi(?:que|ques|car)|edit(?:e|es|ar)) esta l[ií]nea|"
    r"(?:apag(?:ue|ar)|remov(?:a|er)|exclu(?:a|ir)|edit(?:e|ar)) est[ae] linha|"
    r"(?:delete|modify|edit|remove) (?:below )?this line)\b(?P<rest>[^\n#=—–_*?!]{0,60}?(?:[#=\-—–_*]{2,40}|"
    r"(?=\n|$)))",
    re.IGNORECASE,
)
_DESK_OPENING = re.compile(
    r"(?:(?<![#=\-—–_*])[#=\-—–_*]{2,}+[^\n]{0,80}+|"
    r"(?:^|(?<=[\s>]))(?:(?:please|por favor|favor),? )?(?:type|write|enter|reply|do not|"
    r"no (?=borr|elimin|modifi|edit|escrib)|não (?=apag|remov|exclu|edit|escrev)|"
    r"escrib[ae]s?|redacte|introdu(?:zca|ce)|"
    r"ingres[ea]|respond[ae]|contest[ea]|digite|escreva|insira)\b[^\n]{0,60}+)$",
    re.IGNORECASE,
)
_DESK_OPENING_CHARS = 100
_DESK_WORDS = (
    "this line", "this dotted", "this marker", "this text", "esta l", "este texto", "esta marca", "e linha", "a linha", "a marca",
)  # fmt: skip
_RULE = re.compile(r"^[\s>]*(?:[-_=*—–]\s?){5,}$")
_COMMENTED = re.compile(
    r"^[^\n.?!]{2,80}\b(?:coment[oó]|commented|comentou|(?:ha )?respondi(?:[oó]|do)|replied|respondeu|added a comment|"
    r"(?:agreg[oó]|añadi[oó]) un comentario|adicionou um comentário)\b[^\n?]{0,40}:?\s*$",
    re.IGNORECASE,
)
"""How a help desk introduces what somebody wrote, below a rule."""
DESK_LINE = "##- -##"
"""Stands for the mark of a help desk, above which the customer is asked to answer."""
HEADER = re.compile(
    r"^[\s>*]*+(?:de|from|para|to|enviad[oa](?: el| em| por)?|sent|fecha|date|data|asunto|subject|assunto|cc|cco|bcc|"
    r"responder a|reply-to|importancia|importance)\s*+(?:\*\s*+)?:",
    re.IGNORECASE,
)
MACHINE_HEADER = re.compile(
    r"^(?:message-id|mime-version|content-(?:type|transfer-encoding|language|disposition)|return-path|received(?:-spf)?|"
    r"auto-submitted|precedence|x-[\w-]{1,60}|list-[\w-]{1,40}|references|in-reply-to|delivered-to|user-agent|sender|"
    r"thread-(?:topic|index)|dkim-signature|authentication-results|arc-[\w-]{1,40}|feedback-id)\s*:",
    re.IGNORECASE,
)
SENDER_HEADER = re.compile(r"^[\s>*]*+(?:de|from)\s*+(?:\*\s*+)?:\s*+(?:\*\s*+)?(?P<sender>[^\n]{0,300})", re.IGNORECASE)
SUBJECT_HEADER = re.compile(
    r"^[\s>*]*+(?:asunto|subject|assunto)\s*+(?:\*\s*+)?:\s*+(?:\*\s*+)?(?P<subject>[^\n]{0,500})$", re.IGNORECASE
)
REPLY_MARK = re.compile(
    r"^(?:\s*+(?:(?:re|rv|fw|fwd|res|enc|tr|aw|wg)\.?\s*+:|\[[^\]\n]{0,60}[#\d][^\]\n]{0,60}\](?:\s*+[:\-–])?|"
    r"(?:ticket|caso|case|chamado)\s*+#\s*+\d{2,12}\s*+[:\-–])\s*+)++",
    re.IGNORECASE,
)
"""What mail programs and help desks put before a subject."""
FORWARD_MARK = re.compile(r"^[^\n]{0,60}\b(?:fwd?|rv|enc|tr|wg)\.?\s*:", re.IGNORECASE)
LEGAL = re.compile(
    r"^[^\w\n]*+(?:P )?(?:(?:important|nota|importante|note|atenci[oó]n|advertencia|warning|"
    r"atenção)\s*+:\s*+)?(?:aviso (?:legal|de confidencialidad|de privacidad)|nota de confidencialidad|"
    r"confidential(?:ity)? notice|disclaimer|aviso de confidencialidade|este (?:mensaje|correo|e-?mail|mensagem)|esta mensagem|"
    r"this (?:message|e-?mail|communication)|la información contenida|the information (?:contained|in this)|"
    r"as informações contidas|antes de imprimir|please consider the environment|(?:por favor,? )?(?:piens[ea] en|"
    r"consider[ea]) el medio|"
    r"protección de datos|política de (?:privacidad|protección)|proteção de dados|data protection|"
    r"si (?:ya )?no (?:dese|quier)[ea]s? (?:seguir )?recib|se não deseja|if you (?:no longer wish|do not want) to receive|"
    r"no imprima (?:este|esta|si|el)|não imprima (?:este|esta|se)|before printing|(?:por favor,? )?pense (?:no meio|"
    r"antes de imprimir)|"
    r"(?:the contents? of this|el contenido de este|o conteúdo dest[ea]) (?:mensaje|correo|e-?mail|message|mensagem)|"
    r"(?:de conformidad con|en cumplimiento (?:de|con)|de acuerdo con) (?:la ley|el reglamento|lo (?:dispuesto|"
    r"establecido)|el rgpd)|"
    r"(?:em conformidade com|nos termos da) (?:a )?(?:lei|lgpd)|in accordance with (?:the )?(?:gdpr|data protection)|"
    r"you (?:have )?(?:received|are receiving) this (?:message|e-?mail) because|to unsubscribe from|"
    r"(?:ha recibido|has recibido|recibes?|est[aá]s? recibiendo) este (?:mensaje|correo) porque|para (?:cancelar|"
    r"anular) (?:la|su|tu) suscripción|"
    r"você (?:recebeu|está recebendo) est[ea] (?:mensagem|e-?mail) porque|para cancelar (?:a|sua) (?:inscrição|assinatura)|"
    r"si (?:usted )?(?:no es|ha recibido)|if you (?:are not|have received))",
    re.IGNORECASE,
)
_LEGAL_WORDS = re.compile(
    r"confiden[ct]ia|privilegiad|destinat[aá]ri|recipient|imprim|environment|(?:medio|meio) ambiente|proteção de dados|"
    r"protección de datos|datos personales|dados pessoais|data protection|(?:un)?subscribe|su?scri|de baja|cancelar|"
    r"descadastr|inscrev|inscri[çt]",
    re.IGNORECASE,
)
_DESK_FOOTER = re.compile(
    r"^[\s>]*(?:this e-?mail is a service (?:from|of)|este (?:correo|e-?mail|mensaje) es un servicio de|"
    r"este e-?mail é um serviço|"
    r"(?:delivered|powered) by \w+\s*$|(?:entregado|desarrollado) por \w+\s*$|\[[A-Z0-9]{5,6}-[A-Z0-9]{4,6}\]\s*$|"
    r"(?:view (?:this |the )?(?:request|ticket|case)|ver (?:la |el |esta |este )?(?:solicitud|caso|ticket)|ver (?:o |"
    r"a )?chamado)\b"
    r"[^\n]{0,30}(?:https?://|·))",
    re.IGNORECASE,
)
"""How help desks end their mails."""
_LEGAL_CHARS = 60  # least length of a legal notice; a shorter line with "confidencial" is the customer's own

_SCANNER_NAMES = (
    "avast", "avg", "avira", "norton", "mcafee", "eset", "nod32", "kaspersky", "bitdefender", "panda", "sophos", "mailscanner",
    "trend micro", "trendmicro", "clamav", "f-secure",
)  # fmt: skip
_SCANNERS = rf"(?=[abcefkmnpst]){one_of(*_SCANNER_NAMES)}"  # the first letters, which a text is quickly asked for
_FREE = r"(?:libre de virus|sin virus|no contiene virus|virus[- ]free|(?:livre de|sem|não contém) v[ií]rus)"
_ADDRESS = r"(?:https?://)?(?:www\.)?"
_BELOW = rf"(?:\n[ -]{{0,40}}{_ADDRESS}[^\s]{{3,80}}(?=\s|$))?"
_ANTIVIRUS = re.compile(
    one_of(
        rf"{_FREE}\s*+(?:\.\s*+)?{_ADDRESS}{_SCANNERS}\.[a-z]{{2,4}}[^\s<]{{0,80}}(?:\s*+<https?://[^\s>]{{0,300}}>)?",
        rf"\b(?=\w)(?:(?:este|esta|this|el software|o software) ?[^\n.]{{0,60}}\b(?=[bp])(?:busca|"
        rf"presen[çc]a) de v[ií]rus[^\n]{{0,80}}{_SCANNERS}[^\n]{{0,60}}{_BELOW}|"
        rf"this [^\n.]{{0,40}}\b(?:checked|scanned) for viruses[^\n]{{0,80}}{_SCANNERS}[^\n]{{0,60}}{_BELOW}|"
        rf"(?:el software de )?(?:antivirus )?{_SCANNERS}[^\n.]{{0,40}}\b(?:ha (?:analizado|comprobado|verificado)|"
        rf"verificou|analisou|"
        rf"has (?:checked|scanned))\b[^\n.]{{0,20}} (?:este|esta|this) [^\n]{{0,80}}{_BELOW}|"
        rf"(?:este|this|esta) (?:mensaje|correo|e-?mail|message|mensagem)[^\n.]{{0,60}} (?:analizad|comprobad|escanead|"
        rf"verificad|checked|"
        rf"scanned|analisad)[^\n.]{{0,40}} {_SCANNERS}[^\n]{{0,40}}|"
        rf"(?:checked by|comprobado por|verificado por) {_SCANNERS}[^\n]{{0,120}})",
        rf"_{{5,12}} [^\n_]{{0,30}}{_SCANNERS}[^\n_]{{0,120}}_{{5,12}}",
        r"^ *+(?:(?:no virus found in this|no se (?:han )?encontr(?:aron|ado) virus en este|"
        r"nenhum vírus encontrado nessa) [^\n]{0,40}|"
        r"(?:version|versión|versão): [^\n]{0,60}(?:virus database|base de datos de virus|"
        r"banco de dados de vírus)[^\n]{0,120})$",
        rf"^[ >-]*+{_ADDRESS}{_SCANNERS}\.[a-z]{{2,4}}(?:/[^\s]{{0,80}})?$",
    ),
    re.IGNORECASE | re.MULTILINE,
)
_BANNER_SAYS = (
    r"(?:originated|sent|came) (?:from )?outside|outside (?:of )?(?:the|your|our) organi[sz]ation|"
    r"fuera de (?:la|su|tu|nuestra) (?:organización|empresa|entidad|compañía)|remitente externo|external sender|"
    r"(?:de )?fora da (?:sua )?(?:organização|empresa)|remetente externo|"
    r"(?:don['’]t|do not) often get e-?mail|no suele[sn]? recibir correo|não costuma receber e-?mail"
)
_BANNER = re.compile(
    rf"^(?=[^\n]{{0,200}}(?:{_BANNER_SAYS}))(?:\s*\[[^\]\n]{{2,30}}\])?[^\w\n]*(?:caution|warning|external|attention|"
    rf"notice|precaución|atención|advertencia|"
    rf"cuidado|aviso|atenção|este (?:mensaje|correo|e-?mail)|this (?:message|e-?mail)|some people who|you (?:don|do not)|"
    rf"no suele|"
    rf"(?:você )?não costuma|algun[ao]s personas)\b[^\n]{{0,500}}(?:\n[^\n]{{0,200}}\b(?:haga clic|no abra|do not click|"
    rf"don['’]t click|click links|"
    rf"não clique|attachments|adjuntos|anexos)\b[^\n]{{0,300}})?$",
    re.IGNORECASE | re.MULTILINE,
)
"""What a mail server puts above mail from outside; it stands at the top, so that it is no footer."""
_BANNER_WORDS = ("outside", "fuera de", "extern", "fora da", "often get", "suele recibir", "suelen recibir", "costuma receber")
_REFERENCE = re.compile(r"\{#HS:[\d-]{3,40}#\}|\[? ?ref:[!_.\w-]{8,80}:ref ?\]?|\[(?:external|externo)\]", re.IGNORECASE)
"""What help desks put into a mail so that its answer finds its request."""
_IMAGE = re.compile(r"\[(?:https?://[^\]\s]{5,300}|cid:[^\]\s]{1,100}|(?:image|imagen|imagem): ?[^\]\n]{0,100})\]", re.IGNORECASE)


class Quote(Enum):
    """Quoted part that begins with a line: an answered mail, a forwarded one, or what a help desk keeps below its mark."""

    ANSWERED = "answered"
    FORWARDED = "forwarded"
    DESK = "desk"


def quote_at(lines: Sequence[str], position: int) -> Quote | None:
    """The quote that begins with a line."""
    line = lines[position]
    if not line or line.isspace():
        return None
    if _DIVIDER.match(line):
        return Quote.FORWARDED if _FORWARDING_DIVIDER.search(line) else Quote.ANSWERED
    if has_attribution(line) or _SENDER_LINE.match(line):
        return Quote.ANSWERED
    if line == DESK_LINE or (_RULE.match(line) and _COMMENTED.match(_next_line(lines, position))):
        return Quote.DESK
    if not SENDER_HEADER.match(line):
        return None
    headers = sum(1 for after in lines[position + 1 : position + 6] if HEADER.match(after))
    return Quote.ANSWERED if headers >= 2 else None  # noqa: PLR2004


def _next_line(lines: Sequence[str], position: int) -> str:
    """The next line with words, of the few below a position."""
    return next((line for line in lines[position + 1 : position + 4] if line.strip()), "")


def has_attribution(text: str) -> bool:
    """Whether "El lunes … escribió:", or its like, stands in a text."""
    return mentions(text, *_WROTE) and _ATTRIBUTION.search(text) is not None


def lines_of(text: str) -> list[str]:
    """The lines of a text, with each attribution on one of its own: mail programs break it."""
    if mentions(text, *_WROTE):
        text = _ATTRIBUTION.sub("\n\\g<0>\n", _BROKEN_ATTRIBUTION.sub(r"\1 \2", text))
    return text.split("\n")


def attributes(line: str) -> bool:
    """Whether a line names the writer of what is quoted below it."""
    return has_attribution(line) or (_SHORT_ATTRIBUTION.match(line) or _SPEAKER.match(line)) is not None


def is_legal(lines: Sequence[str], position: int) -> bool:
    """Whether a legal notice begins with a line."""
    if _DESK_FOOTER.match(lines[position]):
        return True
    if not LEGAL.match(lines[position]):
        return False
    text = " ".join(lines[position : position + 3])
    return len(text) > _LEGAL_CHARS and _LEGAL_WORDS.search(text) is not None


def without_footers(text: str) -> str:
    """The text without what antivirus programs, mail servers and help desks add, and without the names of pictures."""
    if "[" in text or ":ref" in text or "{#" in text:
        text = _REFERENCE.sub(" ", _IMAGE.sub(" ", text))
    if mentions(text, *_BANNER_WORDS):
        text = _BANNER.sub("", text)
    return _ANTIVIRUS.sub("\n", text) if mentions(text, *_SCANNER_NAMES) else text


def with_desk_lines(text: str) -> str:
    """The text with each mark of a help desk as `DESK_LINE`, on a line of its own."""
    if not mentions(text, *_DESK_WORDS):
        return text
    parts, at = list[str](), 0
    for phrase in _DESK_PHRASE.finditer(text):
        before = text[at : phrase.start()]
        opening = _DESK_OPENING.search(before[-_DESK_OPENING_CHARS:])
        if opening:
            parts += [before[: len(before) - len(opening.group())], f"\n{DESK_LINE}\n"]
            at = phrase.end()
    return "".join([*parts, text[at:]])
