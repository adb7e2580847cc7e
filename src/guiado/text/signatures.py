"""Closings and signatures of a mail: "Quedo a su disposición", a name, a job title, telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, takewhile

from guiado.text.fold import fold
from guiado.text.introduced_names import FIRST_NAMES
from guiado.text.mail_lines import is_legal
from guiado.text.patterns import compiled
from guiado.text.sent_from import is_sent_from

_MOST_SIGNATURE_LINES = 8
_MOST_SIGNATURE_CHARS = 70
_MOST_COURTESY_CHARS = 140
_MOST_FORMAL_CHARS = 220

_ENDS = r"\s*[,.:;!]*\s*$"
_THANKS = r"(?:(?:muchas |mil |muchísimas )?gracias(?: y|,|\.)? )?"
_CLOSING = compiled(  # whole lines
    rf"^\s*{_THANKS}(?:un |muchos |reciban? un |con )?(?:cordial(?:es)? )?(?:saludos?|abrazos?)(?: cordial(?:es)?| atentos?|"
    rf" a todos)?{_ENDS}",
    rf"^\s*{_THANKS}(?:atentamente|atte|cordialmente|s(?:a?l)?ds|sl?dos|muy agradecid[oa]|besos|bss){_ENDS}",
    rf"^\s*(?:muchas |mil |de antemano )?gracias(?: de antemano| por su ayuda| por todo)?{_ENDS}",
    rf"^\s*(?:que tengas? )?(?:feliz|lind[oa]|excelente|bonit[oa]|[oó]tim[oa]|buen (?=fin)|buena (?=semana)|bom (?=fim)|"
    rf"boa (?=semana))"
    rf" ?(?:d[ií]a|tarde|noche|noite|semana|finde|fin de semana|fim de semana|jornada)s?{_ENDS}",
    rf"^\s*quedo (?:a la espera|atent[oa])[^\n]{{0,40}}{_ENDS}",
    rf"^\s*(?:(?:(?:with )?(?:best|kind(?:est)?|warm(?:est)?|many) )?(?:regards|wishes)|(?:all the )?best|"
    rf"respectfully(?: yours)?){_ENDS}",
    rf"^\s*(?:rgds|cheers|thx|yours|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)){_ENDS}",
    rf"^\s*(?:(?:many )?thanks(?: and regards| in advance)?|thank you(?: very much)?){_ENDS}",
    rf"^\s*(?:abraços?|abs|att|(?:com )?(?:os )?(?:(?:meus |nossos )?(?:melhores|atenciosos|cordiais) )?(?:cumprimentos|"
    rf"saudações)(?: cordiais)?|beijos?|bjs?|gratidão|"
    rf"(?:muito )?(?:atenciosamente|agradecid[oa])|"
    rf"(?:muito )?obrigad[oa](?: desde já)?){_ENDS}",
)
_COURTESY = compiled(  # beginnings of lines
    rf"^\s*{_THANKS}sin (?:otro (?:particular|asunto)|m[aá]s (?:por|que|al))\b",
    rf"^\s*{_THANKS}qued(?:o|amos) (?:a (?:su|tu|la|sus|vuestra)|muy|(?:al )?pendientes?|atent[oa]s?|en espera)\b",
    rf"^\s*{_THANKS}estar(?:[eé]|emos) (?:atent|pendiente|al pendiente|a la espera)",
    rf"^\s*{_THANKS}(?:(?:a|en) (?:la )?espera (?:de|a)|(?:espero|esperando|esperamos) (?:su|tu|una|sus|pronta|respuesta|"
    rf"noticias))\b",
    rf"^\s*{_THANKS}(?:agrade(?:zco|cemos|ciendo)|desde ya|de antemano|me despido|(?:le|les|lo|los) saludan?|a sus órdenes)\b",
    rf"^\s*{_THANKS}(?:(?:muchos |un |cordiales |atentos )?saludos?|un (?:fuerte |gran )?abrazo|bendiciones|con (?:un )?gusto|"
    rf"hasta pronto)\b",
    rf"^\s*{_THANKS}(?:que |les deseo |te deseo )?(?:tengas?|tengan|pasen?) (?:un|una|buen|muy)\b",
    r"^\s*(?:muchas |mil )?gracias (?:por|de)\b",
    r"^\s*(?:i look|looking) forward\b",
    r"^\s*(?:any help|awaiting your|hop(?:e|ing) to hear|take care)\b",
    r"^\s*(?:many thanks|thanks (?:so much|a lot|for|in advance)|thank you (?:for|in advance|so much))\b",
    r"^\s*(?:have a (?:great|nice|good|lovely)|(?:best|kind|warm) (?:regards|wishes))\b",
    r"^\s*(?:sem mais (?:para|no)|fic(?:o|amos) (?:no aguardo|à disposição|a disposição)|(?:no )?aguard(?:o|amos|ando))\b",
    r"^\s*(?:desde já|agradeço|agradecemos|certo de sua|grat[oa]|(?:um |forte |grande )*abraços?|até (?:logo|breve)|"
    r"tenham? (?:um|uma))\b",
    r"^\s*(?:muito )?obrigad[oa] (?:pela|pelo|por)\b",
)
"""How a mail takes its leave; see `_TROUBLE` for what it must not say besides."""
_FORMAL = compiled(  # beginnings of sentences
    r"^\s*(?:sin (?:otro (?:particular|asunto)|m[aá]s que|m[aá]s por el momento)|me despido)\b",
    r"^\s*qued(?:o|amos) (?:a (?:su|la|sus) (?:disposici|entera|espera)|en espera|atent[oa]s? a|de ustede?s?\b)",
    r"^\s*agradeciendo (?:de antemano|desde|su)\b",
    r"^\s*(?:le|les) saluda (?:atte|atent|cordial)",
    r"^\s*(?:i )?look(?:ing)? forward to hearing\b",
    r"^\s*(?:sem mais (?:para|no)|fic(?:o|amos) (?:no aguardo|à disposição))\b",
)
_FORMAL_OPENING = compiled(
    r"\brecib(?:a|an|e) (?:un|una|nuestro|mi|el)[^.!?]{0,60}\bsaludos?\b",
    r"\bme es grato saludar",
)
_TROUBLE = compiled(
    r"\b(?:nunca|porque|ya que|pues|pero|sigue|sigo|todav[ií]a|a[uú]n|para que|si me)\b",
    r"\bno\b(?! aguardo| momento)",
    r"\bsin (?:internet|señal|servicio|acceso|luz|poder)\b",
    r"\b(?:not|never|but|since|because|still|cannot)\b|n['’]t\b",
    r"\b(?:não|pois|mas|ainda)\b|\bsem (?:internet|sinal|acesso)\b",
    r"[?¿]",
)
_PROSE = re.compile(
    r"\b(?i:no|me|se|pero|porque|ya|sigue|sigo|puedo|tengo|hay|mis?|también|además)\b"
    r"|\b(?i:i|my|is|are|can|cannot|still|not|that|also)\b|\bit\b|n['’]t\b"  # not "IT", a department
    r"|\b(?i:não|meus?|minhas?|mas|está|estou|tenho|consigo|ainda|que|também)\b"
)
"""Words of a sentence, which a name or a post has not."""
_CAPITAL = r"[A-ZÁÉÍÓÚÜÑÂÊÔÃÕÇ]"
_NAME = re.compile(
    rf"^\s*(?:(?:Ing|Lic|Licda|Dr|Dra|Sr|Sra|Srta|Prof|Arq|Abg|Mr|Mrs|Ms|Mg|C\.P)\.?\s+)?{_CAPITAL}[\w'’.-]{{0,20}}"
    rf"(?:\s+(?:(?:de|del|la|las|los|da|do|dos|das|van|von|y|e)\s+){{0,2}}{_CAPITAL}[\w'’.-]{{0,20}}){{1,4}}\s*[,.]?"
    rf"\s*(?:\([^()\n]{{2,25}}\)|,\s?(?:PhD|MBA|MSc|Ing|Lic|CPA|Esq)\.?)?\s*$"
)
_BARE_NAME = re.compile(rf"^\s*[-—–~]?\s*{_CAPITAL}[\w'’.-]{{1,20}}(?:\s+{_CAPITAL}[\w'’.-]{{0,20}}){{0,3}}\s*[,.]?\s*$")
_POST = compiled(  # where a line begins
    r"^\s*(?:(?:sub)?jef[ea]|jefatura|(?:sub)?gerente|gerencia|(?:sub)?director[a]?|dirección|coordinador[a]?|coordinación)\b",
    r"^\s*(?:dueñ[oa]|propietari[oa]|fundador[a]?|dono|analista|asistente|auxiliar|encargad[oa]|responsable|técnic[oa]|"
    r"ingenier[oa]|licenciad[oa]|contador[a]?)\b",
    r"^\s*(?:administrador[a]?|administrativ[oa]|secretari[oa]|departamento|depto\.?|dpto\.?|área|area|sector|oficina)\b",
    r"^\s*(?:ejecutiv[oa]|asesor[a]?|consultor[a]?|soci[oa]|supervisor[a]?|representante|docente|profesor[a]?|abogad[oa]|"
    r"médic[oa])\b",
    r"^\s*(?:operador[a]?|atención al|mesa de|facturación|cobranzas|soporte|tesorer[oa]|tesorería|comprador[a]?|ventas|"
    r"president[ea])\b",
    r"^\s*(?:\w{3,20}ólog[oa]|\w{4,20}ista|arquitect[oa]|veterinari[oa]|rector[a]?|decan[oa]|alcalde|alcaldesa|pastor[a]?|"
    r"coord\.?)\b",
    r"^\s*(?:ceo|cto|cfo|coo|head|chief|manager|lead|senior|junior|engineer|accountant|assistant|officer|vice)\b",
    r"^\s*(?:diretor[a]?|coordenador[a]?|coordenação|assistente|encarregad[oa]|responsável|engenheir[oa]|secretári[oa]|"
    r"executiv[oa])\b",
    r"^\s*(?:assessor[a]?|sóci[oa]|chefe|estagiári[oa]|vendas|professor[a]?|advogad[oa]|setor)\b",
    r"\b(?:manager|director|engineer|officer|executive|coordinator|assistant|owner|founder|ceo|cto|cfo|president|"
    r"specialist|analyst|department|team|consultant)\b",
    r"\b(?:s\.?a\.?s?|s\.?l\.?|s\.?a\.? de c\.?v|ltda|ltd|inc|llc|gmbh)\.?\s*$",
)
_CONTACT = compiled(
    r"\+?\d[\d\s().-]{6,20}\d",
    r"[\w.+-]{1,64}@[\w-]{1,63}\.",
    r"\b(?:https?://|www\.)\S",
    r"^\s*(?:tel|cel|of|móvil|movil|phone|mobile|fax|whatsapp|ext|dir|dirección|address|endereço|telefone|celular|"
    r"teléfono)\b\.?\s*[:\d]",
    r"^\s*(?:calle|av\.?|avenida|cra\.?|carrera|rua|plaza|praça)\s+\S",
)
_NAMED_CLOSING = re.compile(
    rf"^\s*(?:(?i:saludos|atentamente|atte\.?|cordialmente|atenciosamente|att|abraços?|regards|best|cheers|thanks|gracias|besos|"
    rf"beijos|obrigad[oa]))"
    rf"\s*[,.:;!-]\s*{_CAPITAL}[\w'’.-]{{1,20}}(?:\s+{_CAPITAL}[\w'’.-]{{0,20}}){{0,3}}\s*[.]?\s*$"
)
_POSTSCRIPT = re.compile(r"^\s*(?:p\.?\s?d\.?|p\.?\s?s\.?|post ?data|nota)\s?[:.\-–]\s*(?=\S)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def is_closing(line: str) -> bool:
    """Whether a line takes leave and says nothing else."""
    if _CLOSING.match(line) or _NAMED_CLOSING.match(line):
        return True
    return len(line) <= _MOST_COURTESY_CHARS and _COURTESY.match(line) is not None and not _TROUBLE.search(line)


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
    if len(sentence) > _MOST_FORMAL_CHARS or _TROUBLE.search(sentence):
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
        and (_POST.search(line) or _CONTACT.search(line)) is not None
        and not _PROSE.search(line)
    )
