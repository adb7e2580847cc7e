"""Words that tell nothing of a problem: they pass a mail on, point at an attachment, or ask for help as such; all folded."""

from __future__ import annotations

import re

from guiado.text.fold import fold
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PASSING_ON = _words("""
    paso pasamos reenvio reenviamos reenviado remito remitimos derivo derivamos envio enviamos comparto compartimos
    siguiente traslado trasladamos transfiero adelanto dejo mando mandamos copio atender atencion atiendan gestion gestionar
    gestionen tramite revisar revisen seguimiento fyi forwarding forward forwarded fwd below passing encaminho
    encaminhamos repasso repassamos segue seguem verificar verifiquem tratativa analise handle
""")
_CASE = _words("""
    caso casos correo correos mail mails email mensaje mensajes cliente clienta clientes usuario usuaria usuarios ticket
    solicitud consulta pedido abajo arriba siguiente hilo cadena asunto adjunto adjunta adjuntos adjunte captura
    capturas pantallazo pantallazos pantalla foto fotos imagen imagenes archivo documento anexo soporte equipo
    companeros compas senores muchachos chicos por ver vean ves mira mirar miren revisa revise respuesta responder
    respondan contestar espero esperamos saber avisen avisar avisame avisenme cualquier cosa duda dudas comentario
    comentarios resolver solucionar solucion solucionen apoyo apoyar apoyen apoyarlo apoyarla apoyarme ayudarlo ayudarla
    ayudarle ayudarlos ayudan ayuden ayudame colaboracion colaborar colaboren pronto rapido antes posible brevedad
    informacion fines pertinentes conocimiento corresponda sr sra don dona buen gracia favor anda funciona sirve pasa
    sigue igual mismo hay no si case customer client user message attached attachment screenshot screenshots picture
    pictures photo see look take someone somebody above subject line team folks guys request query advise check
    kindly asap reply answer waiting works working work still fix it this same mensagem print prints tela abaixo acima
    seguinte equipe pessoal time poderiam podem olhar veja vejam chamado solicitacao retorno aguardo resposta nao mesmo
    pls plz reclamo reclamacion reclamacao queja complaint conseguem alguem texto text titulo title
    conforme segun per dicho assunto puede verlo verla mirarlo revisarlo revisarla atenderlo atenderla nos buzon
    general bandeja inbox
""")
_HANDED_OVER = _words(
    "buzon bandeja inbox cliente clienta usuario usuaria caso correo mail customer client user case mensagem chamado"
)
_BRINGS = _words("escribe reporta adjunto adjuntamos anexo va llego llega recibimos contacta writes reports")
_ASKS = _words("ayuda ayudar ayuden ayudan apoyo apoyar apoyen favor please help kindly ajuda ajudar")
_VAGUE = _PASSING_ON | _CASE | _BRINGS | FUNCTION_WORDS | GREETINGS
_WORD = re.compile(r"[^\W\d_]{2,}")
_CAPITALISED = "[A-ZÁÉÍÓÚÑ][a-záéíóúñãçõ]+"
_NAME = re.compile(
    rf"(?<=[a-záéíóúñãçõ,] ){_CAPITALISED}(?: {_CAPITALISED})*|^ *{_CAPITALISED}(?: {_CAPITALISED}){{0,2}} *$", re.MULTILINE
)
_MOST_CHARS = 400
"""A longer text says something."""


def is_vague(text: str, most: int = 0) -> bool:
    """Whether a text tells nothing of a problem.

    Args:
        most: so many other words may stand in it.
    """
    if len(text) > _MOST_CHARS:
        return False
    told = {word for word in map(fold, _WORD.findall(_NAME.sub(" ", text))) if word not in _VAGUE}
    return len(told) <= most


def passes_on(text: str) -> bool:
    """Whether a note only hands over the mail below it: "Les paso este caso"."""
    if not is_vague(text, most=1):
        return False
    words = set(map(fold, _WORD.findall(text)))
    return bool(words & _PASSING_ON) or bool(words & _HANDED_OVER and words & (_ASKS | _BRINGS))
