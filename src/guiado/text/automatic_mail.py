"""Recognises mail that a program wrote: automatic replies, receipts of help desks, mail that came back.

Source: RFC 3834 (Auto-Submitted), RFC 3464 (delivery reports), RFC 5321 §4.5.5 (empty return path).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from guiado.text.patterns import lowered

_HEADER = lowered(
    r"^\s*+(?:auto-submitted\s*+:\s*+auto-|x-auto-?(?:reply|respond|response)\w*+\s*+:\s*+(?!no\b)\S|"
    r"precedence\s*+:\s*+(?:auto_reply|bulk|junk)|return-path\s*+:\s*+<>|content-type\s*+:\s*+multipart/report|"
    r"x-failed-recipients\s*+:|"
    r"(?:from|de|sender|return-path)\s*+:[^\n]{0,120}(?:mailer-daemon|postmaster@|mail delivery (?:sub)?system))",
)
_NAMED_SUBJECT = r"^\s*+(?:asunto|subject|assunto)\s*+:\s*+(?:\[[^\]\n]{0,40}\]\s*+)?"
_OWN_SUBJECT = r"(?:respuesta autom[aá]tica|resposta autom[aá]tica|auto(?:matic)?[ -]?reply|automatic response|auto)"
_AWAY_SUBJECT = r"(?:fuera de (?:la )?oficina|out of (?:the )?office|fora do escrit[oó]rio|ausente)"
_SUBJECT = lowered(
    rf"^\s*+{_OWN_SUBJECT}\s*+:",
    rf"^\s*+{_AWAY_SUBJECT}\s*+:\s*+(?:re|rv|fw|fwd|res|enc)\b",
    rf"{_NAMED_SUBJECT}(?:{_OWN_SUBJECT}|{_AWAY_SUBJECT})\s*(?::|$|\n|-|\b(?:re|rv|fw|res)\b)",
    rf"{_NAMED_SUBJECT}(?:no entregado|no se puede entregar|error de entrega|não entregue|não é possível entregar|"
    rf"falha na entrega)\b",
    r"^\s*+(?:(?:asunto|subject|assunto)\s*+:\s*+)?(?:undeliver(?:able|ed)|mail delivery failed|returned mail|failure notice|"
    r"delivery status notification)\b\s*(?:[:(]|$|\n|mail|returned)",
)
_MAIL = r"(?:mensaje|correo|e-?mail|message|mensagem)"
_REQUEST = (
    r"(?:solicitud|consulta|caso|petici[oó]n|ticket|request|inquiry|enquiry|solicitação|pedido|chamado|"
    r"mensaje|correo|e-?mail|message|mensagem)"
)
_BEGINS = r"(?:^|(?<=[.!?\n])\s{0,3}+)[-*_= ]{0,10}+"
_GREETS = (
    r"(?:(?:saludos|ausencia|ausente|férias|vacaciones|hola|hello|hi|olá|buen d[ií]a|buen[oa]s \w{4,6}|bo[am] \w{3,5}|"
    r"good \w{4,9}|"
    r"estimad[oa]s?[^\n.!?:,]{0,40}|dear [^\n.!?:,]{1,40})(?:\s?[,.:!])?\s++)?"
)
_THANKS = (
    r"(?:(?:gracias por|thank you for|thanks for|obrigad[oa] (?:pelo|pela)) "
    rf"(?:(?:su|tu|your|seu|sua) )?(?:{_MAIL}|contato|contacto|contact(?:ing|arnos)[^\n.!?]{{0,30}}|"
    rf"escribir[^\n.!?]{{0,30}})(?:\s?[.,!])?\s++)?"
)
_DAYS = r"(?:del?|desde|from|entre)(?: el| los)? \d[^\n.!?]{3,50}? "
_GENERATED = lowered(
    rf"{_BEGINS}(?=[cemt])(?:est[ea] (?:es un )?(?:mensaje|correo|email) (?:es |ha sido |fue )?(?:autom[aá]tico|"
    rf"(?:generado|enviado) autom)|"
    rf"(?:mensaje|correo) (?:generado|enviado) autom[aá]ticamente|"
    rf"this is an auto(?:mated|matic|matically generated) (?:message|e-?mail|reply|response|notification)|"
    rf"this (?:message|e-?mail) (?:was|is) (?:sent|generated) automatically|"
    rf"est[ea] é uma? (?:mensagem|resposta|e-?mail) autom[aá]tic[oa]|"
    rf"mensagem (?:gerada|enviada) automaticamente)",
    r"\bno (?:responda|conteste)s? (?:a )?este (?:mensaje|correo) autom[aá]tico\b|"
    r"\bnão responda (?:a )?est[ea] (?:mensagem|e-?mail) autom",
)
_NO_REPLY = lowered(
    r"\bno (?:responda|respondas|conteste|responder)\b",
    r"\bno (?:es monitoread|se monitorea)",
    r"\bdo not reply\b",
    r"\bplease don['’]t reply\b",
    r"\bnot monitored\b",
    r"\bnão (?:responda|responder)\b",
)
_READ = lowered(
    r"^\s*+(?:(?:asunto|subject|assunto)\s*+:\s*+)?(?:(?:no )?le[ií]d[oa]|(?:not )?read|(?:não )?lid[oa]|"
    r"aceptad[oa]|rechazad[oa]|provisional|accepted|declined|tentative|aceit[oa]|recusad[oa])\s*+:",
)
_READ_WHEN = lowered(
    r"\b(?:se ley[oó]|fue le[ií]do|ha sido le[ií]do|was (?:read|deleted)|foi (?:lid[oa]|exclu[ií]d[oa])|se elimin[oó] sin)\b",
    r"\n[^\S\n]*+(?:cu[aá]ndo|when|quando)\s*+:",
)
"""Receipts that mail programs send when a mail or an invitation was seen."""
_AWAY = lowered(
    rf"{_BEGINS}(?=[^\W\d_]){_GREETS}{_THANKS}(?:"
    rf"(?:actualmente |en este momento |{_DAYS})?(?:me encuentro|estoy|estar[eé]|me encontrar[eé]|voy a estar) "
    r"(?:fuera (?:de (?:la |mi )?oficina|del (?:país|despacho)|hasta)|de vacaciones|de licencia|de baja|ausente|"
    r"de permiso|de viaje)|"
    r"(?:i am|i['’]m|i will be|i['’]ll be) (?:currently )?"
    r"(?:out of (?:the )?office|on (?:vacation|holiday|(?:\w{4,10} )?leave)|away)|"
    rf"(?:no momento,? |{_DAYS})?(?:estou|estarei|encontro-me|me encontro) (?:fora do escrit[oó]rio|"
    rf"de f[eé]rias|em f[eé]rias|ausente|de licença))",
)
_CLOSED = lowered(
    rf"{_BEGINS}(?=[^\W\d_])(?:{_GREETS}(?:"
    rf"(?:por el momento |actualmente |en este momento )?no (?:me encuentro|estar[eé]|estoy) "
    r"(?:en (?:la |mi )?oficina|disponible)|(?:currently )?out of (?:the )?office\b)|férias[!.:])",
    r"\b(?:estaremos|permaneceremos|nuestras? oficinas? (?:estar[aá]n?|permanecer[aá]n?)) cerrad[oa]s?\b",
    r"\b(?:we (?:will be|are)|our offices? (?:is|are|will be)) closed\b",
    r"\b(?:estaremos|ficaremos) fechad[oa]s\b",
)
_LATER = lowered(
    r"\b(?=\w)(?:(?:responder|contestar|atender)[eé]\b|a mi (?:regreso|vuelta|retorno)\b|"
    r"(?:en caso de|para|por|si es)(?: asuntos?| temas?| cualquier)? (?:urgen|emergencia)|"
    r"(?:escrib[aei]\w{0,3}|escr[ií]be\w{0,2}|contact[aeá]\w{0,2}|comun[ií]c[aq]\w{1,5})\b[^\n.]{0,30}@|"
    r"acceso limitado\b|sin acceso (?:al?|a mi) (?:correo|mail|e-?mail)|"
    r"(?:regreso|vuelvo|volver[eé]|regresar[eé]) (?:el|a la oficina)\b|"
    r"will (?:reply|respond|get back)\b|"
    r"(?:when i (?:return|get back|am back)|upon my return)\b|"
    r"(?:for|in case of) (?:an |any |anything )?(?:urgent|immediate|emergency)|"
    r"contact (?:\w+ at )?[\w.+-]{1,64}@|"
    r"limited access\b|no access to\b|(?:will be|am) back\b|"
    r"urgencias?\b[^\n.]{0,10}[:@]|"
    r"(?:responderemos|retornaremos)\b|not be checking\b|no tendr(?:é|emos) acceso\b|não ter(?:ei|emos) acesso\b|"
    r"(?:responderei|retornarei)\b|(?:no|ao) meu retorno\b|"
    r"(?:urgências?|urgentes?)\b[^\n.]{0,30}[:@]|"
    r"em caso de urg|contate\b|acesso limitado\b)",
    r"['’]ll (?:reply|respond|get back|be back)\b",
)
_RECEIVED = lowered(
    rf"{_BEGINS}(?=[^\n])(?:[^\n.!?:]{{0,60}}[,.!:] ?)?(?:hemos recibido|recibimos)(?: correctamente)? (?:su|tu) {_REQUEST}\b",
    rf"\b(?:su|tu) {_REQUEST} [^\n.]{{0,30}}?(?:ha sido|fue|qued[oó]) (?:recibid|registrad|cread|abiert)[oa]\b",
    rf"\b(?:sua|seu) {_REQUEST} [^\n.]{{0,30}}?foi (?:recebid|registrad|criad|abert)[oa]\b",
    rf"\bwe(?:['’]ve| have)? (?:got|received) your {_REQUEST}\b",
    rf"\byour {_REQUEST} [^\n.]{{0,30}}has been (?:received|created|registered)\b",
    rf"\brecebemos (?:a |o )?(?:sua|seu) {_REQUEST}\b",
)
_ANSWERED_SOON = lowered(
    r"\b(?=\w)(?:(?:responder|contestar|atender)emos\b|(?:le|les|te) responder[aá]\b|"
    r"se (?:comunicará|pondrá en contacto) con\b|"
    r"nos (?:pondremos|comunicaremos|contactaremos)\b|(?:le|te|lo|la) contactar(?:[aá]|emos)\b|la estamos revisando\b|"
    r"ser[aá] (?:atendid|respondid)[oa]\b|a la brevedad\b|lo antes posible\b|"
    r"(?:get back to you|be in touch|respond|reply)\b[^\n.]{0,20}\b(?:shortly|soon|within)\b|"
    r"entraremos em contato\b|retornaremos\b|"
    r"is being reviewed\b|est[aá] siendo (?:revisad|atendid)[oa]\b|est[aá] sendo analisad[oa]\b)",
    r"(?:ticket|caso|chamado|solicitud|request)\s*+\(?(?:n[°ºo.]*+\s*+|#)\s?\d{3,}",
)
_ENDS = r"[\s*_-]{0,6}(?:[.\n]|$)"
_RECIPIENTS = (
    r"(?:estos|los siguientes|el siguiente|estes|aos seguintes|os seguintes|these|the following) (?:destinat[aá]ri|recipient)"
)
_BOUNCE = lowered(
    r"^[\s*_-]*+(?:(?:lo sentimos|i['’]m sorry|we['’]re sorry|sorry)[^\n]{0,40} )?(?:"
    rf"(?:su|tu|el|este) {_MAIL} (?:(?:a|para) [^\n]{{3,80}} )?no (?:se )?(?:pudo|ha podido|puede) (?:ser )?entreg|"
    rf"no se (?:ha podido|pudo|puede) entregar (?:el|su|tu|este) {_MAIL} (?:a|para) \S{{1,64}}@|"
    rf"(?:your|the following|this) message (?:to [^\n]{{3,80}} )?(?:could ?n['’]t|could not|was ?n['’]t|was not|can ?not) "
    r"be(?:en)? delivered|"
    rf"(?:address not found|no se (?:encontr[oó]|ha encontrado) la direcci[oó]n|endereço não encontrado|"
    rf"message blocked){_ENDS}|"
    rf"(?:su|tu|your|sua|el|a) {_MAIL} (?:a|para|to) \S{{1,64}}@\S{{1,100}} (?:ha sido|fue|has been|was|foi) "
    r"(?:bloquead|rechazad|devuelt|blocked|rejected|returned|rejeitad)|"
    rf"(?:no (?:hemos podido|pudimos|fue posible)|we (?:weren['’]t|were not|are not) able to|we could ?n['’]t|"
    rf"não (?:conseguimos|pudemos|foi possível)) (?:entregar|enviar|deliver|send) (?:(?:a|o|el|su|tu|your|sua) ){{1,2}}"
    rf"{_MAIL} (?:a|para|to) \S{{1,64}}@)",
    r"^\s*+(?:delivery (?:has failed to|to the following recipients?)|"
    r"this (?:message was created automatically by mail delivery|is the mail system at host)|"
    r"(?:a |sua |esta )?mensagem (?:para [^\n]{3,80} )?não (?:pôde|pode|foi) (?:ser )?entreg|"
    r"não foi possível entregar (?:a |sua |esta )?mensagem (?:para \S{1,64}@|aos seguintes destinat)|"
    rf"(?:no se pudo entregar|error (?:de|en la) entrega|falha na entrega|delivery|erro (?:de|"
    rf"na) entrega) [^\n]{{0,40}}{_RECIPIENTS}|"
    r"this is an automatically generated delivery status notification|la entrega del mensaje ha fallado\b)",
    r"^\W{0,8}message not delivered\b",
    r"^\W*+(?:[45]\d\d[ -][45]\.\d\.\d\b|(?:message|mail) undeliverable\b)",
)
_OWN_TROUBLE = lowered(
    r"\b(?=\w)(?:(?:me|nos) (?:sale|aparece|dice|dicen|dijeron|muestra|pone|llega|cobr\w+)\b|"
    r"cuando (?:mando|env[ií]o|escribo|quiero|intento)\b|quando (?:envio|mando|tento)\b|when i (?:send|try|write)\b|"
    r"no (?:me|nos|se) (?!encuentr|encontr|responder|pud|pued|ha |han |podr|monitore|admiten|aceptan)|"
    r"no (?:puedo|podemos|logro) (?!atender|responder|contestar|leer|revisar|ver (?:el|mi|los) (?:correo|mail))|"
    r"no (?:anda|funciona|abre|carga|conecta|sirve|prende|tengo (?!acceso|servicio de correo))\b|"
    r"(?:can['’]?t|cannot|can not|won['’]?t) (?!respond|reply|answer|read|be able|check|access)|"
    r"(?:sigo|seguimos|continuamos|estamos|quedamos|estoy|continuo) (?:sin|sem|igual) (?!acceso|acesso)|"
    r"(?:doesn['’]?t|isn['’]?t|is not) (?:work|turn|load|open|start|connect)|"
    r"não (?:consigo|posso) (?!responder|atender|acessar|ler|verificar)|não (?:funciona|abre|liga|carrega|conecta)\b)",
)
"""What a customer tells of their own; a program that answers has no trouble."""
_FIRST_CHARS = 1_000


def is_automatic(headers: Sequence[str], body: str) -> bool:
    """Whether a program wrote a mail.

    Args:
        headers: lines above the body; the subject may be among them, with or without its name.
        body: what stands below, whole; it is judged by its beginning.
    """
    if any(_HEADER.search(line) or _SUBJECT.search(line) for line in map(str.lower, headers)):
        return True
    begin = body.lstrip()[:_FIRST_CHARS].lower()
    if _SUBJECT.search(begin):
        return True
    if _OWN_TROUBLE.search(begin):
        return False
    if _BOUNCE.search(begin) or _both(_READ, _READ_WHEN, begin):
        return True
    return _both(_GENERATED, _NO_REPLY, begin) or _is_away(begin) or _is_receipt(begin)


def _is_away(begin: str) -> bool:
    return _both(_AWAY, _LATER, begin) or _both(_CLOSED, _LATER, begin)


def _is_receipt(begin: str) -> bool:
    return _both(_RECEIVED, _ANSWERED_SOON, begin) or _both(_RECEIVED, _NO_REPLY, begin)


def _both(first: re.Pattern[str], second: re.Pattern[str], text: str) -> bool:
    """Whether a text says both: each alone may be the customer's own."""
    return first.search(text) is not None and second.search(text) is not None
