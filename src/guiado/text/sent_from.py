"""Lines that a mail program or a phone adds below a mail: "Enviado desde mi iPhone", "Get Outlook for Android"."""

from __future__ import annotations

import re

from guiado.text.patterns import compiled, one_of

_MOST_CHARS = 120
_NAMES = r"[A-ZÁÉÍÓÚÇ0-9][\w+.’'®™-]* i(?:Phone|Pad|Pod|OS)\b\w* e-?mail m[óo]vil tel[ée]m[óo]vel aplicaci[óo]n"
_WORDS = """
    correo electrónico electronico seguro
    mail secure smartphone celular teléfono telefono telefone phone mobile tablet dispositivo device aplicativo app
    iphone ipad android samsung huawei xiaomi motorola outlook gmail yahoo windows mi my meu minha the a an el la um uma
    un una para con com for on de do da del from desde using usando y and e
"""
_DEVICE = one_of(*_NAMES.split(), *_WORDS.split())
"""What such a line names: products with a capital, and few words around them."""
_EXCUSE = r"(?:(?:please|por favor),? )?(?:excuse|disculp|perd[oó]n|desculp|sorry for|pardon)"
_SENT = re.compile(
    rf"^[\s>]*+(?i:(?:enviado|mandado|escrito|redactado) (?:desde|con|mediante|de|do|da|pelo|pela|a partir d[oea]|usando|"
    rf"via|por|com)|"
    rf"(?:sent|written|typed) (?:from|via|with|using|on|by))\b(?:,?\s++{_DEVICE})*\s*+(?:<[^\s>]{{5,200}}>\s*+)?(?:[.!]\s*+)?"
    rf"(?:[,.;:–—-]\s*+(?i:{_EXCUSE})[^\n]{{0,80}}+\s*+)?$"
)
_PROGRAM = compiled(
    r"^[\s>]*(?:get|obt[eé]n(?:er|ga)?|obter|obtenha|descarg\w{1,4}|baix\w{1,3}|download) (?:o |a |la |the )?"
    r"(?:outlook|bluemail|gmail|spark|proton ?mail|yahoo|mail)\b[^\n]{0,80}$",
    r"^[\s>]*yahoo mail: [^\n]{5,60}$",
    rf"^[\s>]*{_EXCUSE}\w{{0,4}} (?:por |for )?(?:los |las |mis |my |any |the |os |as |meus )?"
    r"(?:errores|faltas|erros|typos|brevity|brevedad|tildes|acentos|ortograf\w{1,4})\b[^\n]{0,20}"
    r"\b(?:celular|m[óo]vil|tel[eé]fono|telefone|phone|mobile|iphone|smartphone|brevity|typos)[^\n]{0,10}$",
)


def is_sent_from(line: str) -> bool:
    """Whether a line tells which device or program a mail was sent from, and nothing else."""
    return len(line) <= _MOST_CHARS and (_SENT.match(line) or _PROGRAM.match(line)) is not None
