"""Closings and signatures of a mail: "Quedo a su disposición", a name, a job title, telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, takewhile

from guiado.text.fold import fold
from guiado.text.introduced_names import FIRST_NAMES
from guiado.text.mail_lines import is_legal
from guiado.text.patterns import compiled, lowered
from guiado.text.sent_from import is_sent_from

_MOST_SIGNATURE_LINES = 8
_MOST_SIGNATURE_CHARS = 70
_MOST_COURTESY_CHARS = 140
_MOST_FORMAL_CHARS = 220

_ENDS = r"\s*+[,.:;!]*+\s*+$"
_THANKS = r"(?:(?:muchas |mil |muchísimas )?gracias(?: y|,|\.)? )?"
_CLOSING = compiled(  # whole lines
    rf"^\s*+(?:"
    rf"{_THANKS}(?:un |muchos |reciban? un |con )?(?:cordial(?:es)? )?(?:saludos?|abrazos?)(?: cordial(?:es)?| atentos?|"
    rf" a todos)?|"
    rf"{_THANKS}(?:atentamente|atte|cordialmente|s(?:a?l)?ds|sl?dos|muy agradecid[oa]|besos|bss)|"
    rf"(?:muchas |mil |de antemano )?gracias(?: de antemano| por su ayuda| por todo)?|"
    rf"(?:que tengas? )?(?:feliz|lind[oa]|excelente|bonit[oa]|[oó]tim[oa]|buen (?=fin)|buena (?=semana)|bom (?=fim)|"
    rf"boa (?=semana))"
    rf" ?(?:d[ií]a|tarde|noche|noite|semana|finde|fin de semana|fim de semana|jornada)s?|"
    rf"quedo (?:a la espera|atent[oa])[^\n]{{0,40}}|"
    rf"(?:(?:(?:with )?(?:best|kind(?:est)?|warm(?:est)?|many) )?(?:regards|wishes)|(?:all the )?best|"
    rf"respectfully(?: yours)?)|"
    rf"(?:rgds|cheers|thx|yours|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly))|"
    rf"(?:(?:many )?thanks(?: and regards| in advance)?|thank you(?: very much)?)|"
    rf"(?:abraços?|abs|att|(?:com )?(?:os )?(?:(?:meus |nossos )?(?:melhores|atenciosos|cordiais) )?(?:cumprimentos|"
    rf"saudações)(?: cordiais)?|beijos?|bjs?|gratidão|"
    rf"(?:muito )?(?:atenciosamente|agradecid[oa])|"
    rf"(?:muito )?obrigad[oa](?: desde já)?)"
    rf"){_ENDS}",
)
_COURTESY = compiled(  # beginnings of lines
    r"^\s*+(?:"
    rf"{_THANKS}sin (?:otro (?:particular|asunto)|m[aá]s (?:por|que|al))\b|"
    rf"{_THANKS}qued(?:o|amos) (?:a (?:su|tu|la|sus|vuestra)|muy|(?:al )?pendientes?|atent[oa]s?|en espera)\b|"
    rf"{_THANKS}estar(?:[eé]|emos) (?:atent|pendiente|al pendiente|a la espera)|"
    rf"{_THANKS}(?:(?:a|en) (?:la )?espera (?:de|a)|(?:espero|esperando|esperamos) (?:su|tu|una|sus|pronta|respuesta|"
    rf"noticias))\b|"
    rf"{_THANKS}(?:agrade(?:zco|cemos|ciendo)|desde ya|de antemano|me despido|(?:le|les|lo|los) saludan?|a sus órdenes)\b|"
    rf"{_THANKS}(?:(?:muchos |un |cordiales |atentos )?saludos?|un (?:fuerte |gran )?abrazo|bendiciones|con (?:un )?gusto|"
    rf"hasta pronto)\b|"
    rf"{_THANKS}(?:que |les deseo |te deseo )?(?:tengas?|tengan|pasen?) (?:un|una|buen|muy)\b|"
    r"(?:muchas |mil )?gracias (?:por|de)\b|"
    r"(?:i look|looking) forward\b|"
    r"(?:any help|awaiting your|hop(?:e|ing) to hear|take care)\b|"
    r"(?:many thanks|thanks (?:so much|a lot|for|in advance)|thank you (?:for|in advance|so much))\b|"
    r"(?:have a (?:great|nice|good|lovely)|(?:best|kind|warm) (?:regards|wishes))\b|"
    r"(?:sem mais (?:para|no)|fic(?:o|amos) (?:no aguardo|à disposição|a disposição)|(?:no )?aguard(?:o|amos|ando))\b|"
    r"(?:desde já|agradeço|agradecemos|certo de sua|grat[oa]|(?:um |forte |grande )*abraços?|até (?:logo|breve)|"
    r"tenham? (?:um|uma))\b|"
    r"(?:muito )?obrigad[oa] (?:pela|pelo|por)\b"
    r")",
)
"""How a mail takes its leave; see `_TROUBLE` for what it must not say besides."""
_FORMAL = compiled(  # beginnings of sentences
    r"^\s*+(?:"
    r"(?:sin (?:otro (?:particular|asunto)|m[aá]s que|m[aá]s por el momento)|me despido)\b|"
    r"qued(?:o|amos) (?:a (?:su|la|sus) (?:disposici|entera|espera)|en espera|atent[oa]s? a|de ustede?s?\b)|"
    r"agradeciendo (?:de antemano|desde|su)\b|"
    r"(?:le|les) saluda (?:atte|atent|cordial)|"
    r"(?:i )?look(?:ing)? forward to hearing\b|"
    r"(?:sem mais (?:para|no)|fic(?:o|amos) (?:no aguardo|à disposição))\b"
    r")",
)
_FORMAL_OPENING = compiled(
    r"\brecib(?:a|an|e) (?:un|una|nuestro|mi|el)[^.!?]{0,60}\bsaludos?\b",
    r"\bme es grato saludar",
)
_TROUBLE = lowered(
    r"\b(?=\w)(?:(?:nunca|porque|ya que|pues|pero|sigue|sigo|todav[ií]a|a[uú]n|para que|si me|not|never|but|since|because|still|"
    r"cannot|não|pois|mas|ainda|sin (?:internet|señal|servicio|acceso|luz|poder)|sem (?:internet|sinal|acesso))\b|"
    r"no\b(?! aguardo| momento))",
    r"n['’]t\b|[?¿]",
)
_PROSE = re.compile(
    r"\b(?=\w)(?:(?i:no|me|se|pero|porque|ya|sigue|sigo|puedo|tengo|hay|mis?|también|además"
    r"|i|my|is|are|can|cannot|still|not|that|also|não|meus?|minhas?|mas|está|estou|tenho|consigo|ainda|que|também)|it)\b"
    r"|n['’]t\b"  # not "IT", a department
)
"""Words of a sentence, which a name or a post has not."""
_CAPITAL = r"[A-ZÁÉÍÓÚÜÑÂÊÔÃÕÇ]"
_NAME = re.compile(
    rf"^\s*+(?:(?:Ing|Lic|Licda|Dr|Dra|Sr|Sra|Srta|Prof|Arq|Abg|Mr|Mrs|Ms|Mg|C\.P)\.?\s++)?{_CAPITAL}[\w'’.-]{{0,20}}"
    rf"(?:\s++(?:(?:de|del|la|las|los|da|do|dos|das|van|von|y|e)\s++){{0,2}}{_CAPITAL}[\w'’.-]{{0,20}}){{1,4}}\s*+(?:[,.]\s*+)?"
    rf"(?:(?:\([^()\n]{{2,25}}\)|,\s?(?:PhD|MBA|MSc|Ing|Lic|CPA|Esq)\.?)\s*+)?$"
)
_NAME_WORDS = rf"{_CAPITAL}[\w'’.-]{{1,20}}(?:\s++{_CAPITAL}[\w'’.-]{{0,20}}){{0,3}}\s*+"
_BARE_NAME = re.compile(rf"^\s*+(?:[-—–~]\s*+)?{_NAME_WORDS}(?:[,.]\s*+)?$")
_POST = lowered(  # where a line begins
    r"^\s*+(?:"
    r"(?:sub)?jef[ea]|jefatura|(?:sub)?gerente|gerencia|(?:sub)?director[a]?|dirección|coordinador[a]?|coordinación|"
    r"dueñ[oa]|propietari[oa]|fundador[a]?|dono|analista|asistente|auxiliar|encargad[oa]|responsable|técnic[oa]|"
    r"ingenier[oa]|licenciad[oa]|contador[a]?|"
    r"administrador[a]?|administrativ[oa]|secretari[oa]|departamento|depto\.?|dpto\.?|área|area|sector|oficina|"
    r"ejecutiv[oa]|asesor[a]?|consultor[a]?|soci[oa]|supervisor[a]?|representante|docente|profesor[a]?|abogad[oa]|"
    r"médic[oa]|"
    r"operador[a]?|atención al|mesa de|facturación|cobranzas|soporte|tesorer[oa]|tesorería|comprador[a]?|ventas|"
    r"president[ea]|"
    r"\w{3,20}ólog[oa]|\w{4,20}ista|arquitect[oa]|veterinari[oa]|rector[a]?|decan[oa]|alcalde|alcaldesa|pastor[a]?|"
    r"coord\.?|"
    r"ceo|cto|cfo|coo|head|chief|manager|lead|senior|junior|engineer|accountant|assistant|officer|vice|"
    r"diretor[a]?|coordenador[a]?|coordenação|assistente|encarregad[oa]|responsável|engenheir[oa]|secretári[oa]|"
    r"executiv[oa]|"
    r"assessor[a]?|sóci[oa]|chefe|estagiári[oa]|vendas|professor[a]?|advogad[oa]|setor)\b",
    r"\b(?:manager|director|engineer|officer|executive|coordinator|assistant|owner|founder|ceo|cto|cfo|president|"
    r"specialist|analyst|department|team|consultant)\b",
    r"\b(?:s\.?a\.?s?|s\.?l\.?|s\.?a\.? de c\.?v|ltda|ltd|inc|llc|gmbh)\.?\s*+$",
)
_CONTACT = lowered(
    r"\d[\d\s().-]{6,20}\d",
    r"[\w.+-]@[\w-]{1,63}\.",
    r"\b(?:https?://|www\.)\S",
    r"^\s*+(?:(?:tel|cel|of|móvil|movil|phone|mobile|fax|whatsapp|ext|dir|dirección|address|endereço|telefone|celular|"
    r"teléfono)\b\.?\s*+[:\d]|(?:calle|av\.?|avenida|cra\.?|carrera|rua|plaza|praça)\s++\S)",
)
_NAMED_CLOSING = re.compile(
    rf"^\s*+(?:(?i:saludos|atentamente|atte\.?|cordialmente|atenciosamente|att|abraços?|regards|best|cheers|thanks|gracias|besos|"
    rf"beijos|obrigad[oa]))\s*+[,.:;!-]\s*+{_NAME_WORDS}(?:[.]\s*+)?$"
)
_POSTSCRIPT = re.compile(r"^\s*(?:p\.?\s?d\.?|p\.?\s?s\.?|post ?data|nota)\s?[:.\-–]\s*(?=\S)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def is_closing(line: str) -> bool:
    """Whether a line takes leave and says nothing else."""
    if _CLOSING.match(line) or _NAMED_CLOSING.match(line):
        return True
    return len(line) <= _MOST_COURTESY_CHARS and _COURTESY.match(line) is not None and not _TROUBLE.search(line.lower())


def is_bare_name(lines: Sequence[str], position: int) -> bool:
    """Whether the last line of a message is a name by which somebody signs it, set apart from what stands above."""
    line = lines[position]
    if not _BARE_NAME.match(line) or position == 0 or any(map(str.strip, lines[position + 1 :])):
        return False
    marked = line.lstrip().startswith(("-", "—", "–", "~"))
    return (marked or not lines[position - 1].strip()) and fold(line.strip(" -—–~,.").split()[0]) in FIRST_NAMES


def signature_at(lines: Sequence[str], position: int) -> bool:
    """Whether a signature, with or without its closing, begins with a line and fills the rest but for footers."""
    line = lines[position]
    if line.rstrip() in {"--", "—", "__"}:
        return True
    closes = is_closing(line)
    if not closes and not _NAME.match(line):
        return False
    after = _until_postscript(lines, position + 1)
    return _is_signature(after) and (closes or (bool(after) and _tells_post(after[0])))


def postscript(lines: Sequence[str]) -> list[str]:
    """The lines of a postscript below a signature."""
    start = next((position for position, line in enumerate(lines) if _POSTSCRIPT.match(line)), len(lines))
    return [_POSTSCRIPT.sub("", line) for line in lines[start:]]


def without_formalities(text: str) -> str:
    """The text without the sentences with which a formal letter greets and takes leave, where others are left."""
    if not _FORMAL_OPENING.search(text) and not any(map(_FORMAL.match, _SENTENCE_END.split(text))):
        return text
    sentences = _SENTENCE_END.split(text)
    kept = [sentence for sentence in sentences if not _is_formality(sentence)]
    return " ".join(kept) or text


def _is_formality(sentence: str) -> bool:
    if len(sentence) > _MOST_FORMAL_CHARS or _TROUBLE.search(sentence.lower()):
        return False
    return _FORMAL.match(sentence) is not None or _FORMAL_OPENING.search(sentence) is not None


def _until_postscript(lines: Sequence[str], start: int) -> list[str]:
    """The lines with words below a closing, as many as show whether they are a signature."""
    found: list[str] = []
    for line in islice(lines, start, None):
        if _POSTSCRIPT.match(line) or len(found) > _MOST_SIGNATURE_LINES:
            break
        if line.strip():
            found.append(line)
    return found


def _is_signature(lines: Sequence[str]) -> bool:
    """Whether lines are a signature: a name, a post, telephone numbers; longer ones and sentences belong to the message."""
    footer = next((at for at in range(len(lines)) if is_sent_from(lines[at]) or is_legal(lines, at)), len(lines))
    signed = lines[:footer]
    if footer > _MOST_SIGNATURE_LINES or any(len(line) > _MOST_SIGNATURE_CHARS or line.rstrip().endswith("?") for line in signed):
        return False
    before_post = takewhile(lambda line: not _tells_post(line), signed)
    return not any(_PROSE.search(line) for line in before_post if not is_closing(line))


def _tells_post(line: str) -> bool:
    """Whether a line has a post, a company or how to reach somebody, and is no sentence."""
    return (
        len(line) <= _MOST_SIGNATURE_CHARS
        and (_POST.search(line.lower()) or _CONTACT.search(line.lower())) is not None
        and not _PROSE.search(line)
    )
