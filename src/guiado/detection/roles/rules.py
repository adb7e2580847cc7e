"""Rules that a language really has, on top of the classifier: what a negation covers, what came back, what says nothing.

A rule does not decide, it moves the odds: each names the roles that it speaks for, and how strongly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.roles.role import ROLES, Role
from guiado.text.fold import fold_text
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS

_NEVER = r"(?:no|nunca|ya no|no longer|not|never|nao|ja nao|don'?t|doesn'?t|didn'?t|isn'?t|aren'?t|wasn'?t|hasn'?t|haven'?t|without|sin|sem|ningun|ninguna|nenhum|nenhuma)"
_TROUBLE = (
    r"(?:problemas?|dramas?|inconvenientes?|errores|error|erros?|fallas?|lios?|bronca|quejas?|drama|issues?|trouble|problems?|errors?"
    r"|complaints?|novedad|novedades)"
)
_BREAKS = (
    r"(?:falla|fallo|fallando|cuelga|colgo|colgando|traba|trabo|trabando|tilda|cierra|cerro|cerrando|corta|corto|cortando|cae|cayo"
    r"|cayendo|congela|rechaza|rechazo|bloquea|bloqueo|llora|hanging|hangs?|crash(?:es|ing|ed)?|freez(?:es|ing|e)|drop(?:s|ping|ped)?"
    r"|fail(?:s|ing|ed)?|disconnect(?:s|ing|ed)?|lag(?:s|ging)?|trava|travou|travando|caiu|cai|caindo|fecha|fechou|fechando|deu erro)"
)
_RUNS = (
    r"(?:funcionar|andar|trabajar|abrir|cargar|conectar(?:se|me)?|entrar|prender|internet|la luz|la senal|el servicio|el wifi|o sinal"
    r"|a internet|o wifi|conectar|normal|al normal|la linea|el sistema|o sistema)"
)
_WELL = (
    r"(?:perfect[oa]s?|perfectamente|perfeit[oa]s?|perfeitamente|perfectly|flawless\w*|impecables?|barbar[oa]|joya|fenomenal|de (?:maravilla|diez|lujo|10|primera)"
    r"|great|fine|certinh[oa]s?|excelente|muy bien|re bien|super bien|muito bem)"
)
_GOES = (
    r"(?:anda|andan|ando|funciona|funcionan|va|van|vai|vao|trabaja|jala|marcha|carga|abre|entra|esta|estan|works?|working|runs?"
    r"|running|loads?|is|are)"
)
_HAS = r"(?:tengo|tenemos|hay|da|dan|have|has|get|tenho|temos|ha)"
_ARTICLES = r"(?: (?:el|la|los|las|ese|esa|este|esta|mas|ningun|the|that|this|any|more|o|a|os|as|esse|essa|mais|nenhum))*"
_FILLER = r"(?: (?:me|te|se|le|nos|lo|la|el|los|las|o|a|os|as|un|una|ningun|ninguna|mas|mais|any|more|the|my|mi|nada de|more|have|has|had|having|tengo|tuve|tenemos|hay|hubo|tenho|tive|ha|tiene|da|dio|esta|is|are|been|volvio a|voltou a|vuelto a))*"
_BOOSTS: tuple[tuple[str, Mapping[Role, float]], ...] = (
    # "ya no tengo problema con el wifi", "no longer have the wifi problem", "sem nenhum erro"
    (rf"\b{_NEVER}{_FILLER}(?: \w+)? {_TROUBLE}\b", {Role.DENIED: 0.6, Role.WORKS: 0.6}),
    # "ya no tengo el problema del wifi", "no longer have the wifi issue": it was there, and is no more
    (rf"\b(?:ya no|ja nao|no longer) (?:(?:me|nos|i|we) )?{_HAS}{_ARTICLES}(?: \w+)? {_TROUBLE}\b", {Role.WORKS: 1.5}),
    # "anda perfecto", "va de maravilla", "works just fine", "funciona certinho"
    (rf"\b(?<!no )(?<!nao )(?<!not ){_GOES}(?: (?:todo|toda|muy|re|super|just|all|bem|tudo))* {_WELL}\b", {Role.WORKS: 1.5, Role.WRONG: -0.5}),
    # "app is not hanging anymore", "ya no se cuelga", "não cai mais"
    (rf"\b{_NEVER}{_FILLER} {_BREAKS}\b", {Role.WORKS: 1.2}),
    # "volvió a funcionar", "volvió internet", "back to normal"
    (rf"\b(?:volvio|volvieron|voltou|voltaram|regreso|ha vuelto)(?: a)? {_RUNS}\b", {Role.WORKS: 2.5}),
    (r"\b(?:working|works|worked) (?:again|now|fine|well|perfectly)\b|\bback (?:to normal|up and running|online)\b", {Role.WORKS: 1.0}),
    # "volvió a fallar", "otra vez se corta"
    (rf"\b(?:volvio|volvieron|voltou|voltaram|ha vuelto) a {_BREAKS[:-1]}|fallar|cortar\w*|caer\w*|cobrar\w*|cair|travar)\b", {Role.WRONG: 2.0}),
    (r"\bfalsa? alarma?\b|\balarme falso\b|\bfalse alarm\b|\b(?:olviden|olvida|olvide|olvidate)(?:lo|nlo)?\b|\bnever ?mind\b", {Role.WORKS: 0.5}),
    # "can't log in", "no puedo entrar", "não consigo"
    (r"\b(?:can'?t|cannot|couldn'?t|unable to|won'?t (?:let|open|load|start|connect|accept))\b", {Role.WRONG: 1.0}),
    (r"\b(?:no|nao|tampoco|ni)(?: me| nos| se| te)? (?:puedo|podemos|pude|deja|dejan|consigo|conseguimos|logro|permite|reconoce|acepta|toma|llega|llego|abre|carga|anda|funciona|prende|enciende|conecta|instala|inicia|responde)\b(?! (?:quejarme|reclamar))", {Role.WRONG: 0.75}),
    # "never arrived", "todavía no me llega"
    (r"\b(?:nunca|jamas|never|hasn'?t|haven'?t|aun no|todavia no|ainda nao|sigue sin|sigo sin|still (?:hasn'?t|haven'?t|not|no|waiting)|not yet)\b(?: (?:me|te|se|le|les|nos|lo|la|i|we|been|got|get))* ?(?:arriv|lleg|cheg|receb|recib|receiv|came|come|show|go|got|had)", {Role.WRONG: 0.5}),
    # "ya se arregló", "já chegou"
    (r"\b(?:ya|ja|already|por fin) (?:(?:me|se|lo|la|nos|esta|fue) )*(?:arregl(?:o|aron|ado)|solucion(?:o|aron|ado)|resuelto|resolvi\w*|resolveu|funciona|anda|fixed|solved|sorted|llego|llegaron|chegou|chegaron|conecto)\b(?! (?:mal|lento|roto))", {Role.WORKS: 0.75}),
    # "ya hablé con un asesor": of a person, but none is asked for
    (r"\b(?:hable|hablamos|me atendio|me dijo|me dijeron|i spoke|i talked|they told me|falei|liguei|me disseram)\b", {Role.PERSON: -1.0}),
    (r"\b(?:ya|ja|already) (?:hable|hablamos|me atendio|me atendieron|spoke|talked|falei|falamos|me atenderam)\b", {Role.PERSON: -2.0}),
    # "ya está cortado", "ya está fallando otra vez"
    (rf"\b(?:ya|ja|already) (?:(?:me|se|le|nos) )?(?:esta|estan|ta|tao|is|are|has) (?:{_BREAKS}|caid[oa]s?|cortad[oa]s?|bloquead[oa]s?|lent[oa]s?|rot[oa]s?|down|broken)\b", {Role.WRONG: 2.0}),
    # "sigue igual", "still the same"
    (r"\b(?:sigue|siguen|sigo|continua|continuo|esta|quedo) (?:todo )?(?:igual|lo mismo|en las mismas|na mesma)\b|\bstill the same\b|\bigual que antes\b|\bno (?:cambio|cambia) nada\b|\bnada (?:cambio|mudou)\b", {Role.WRONG: 2.5, Role.WORKS: -2.0}),
    # "llegó antes de lo esperado"
    (r"\b(?:antes d[eo] (?:lo |la )?(?:esperad|previst|acordad|indicad|prometid|tiempo|hora|prazo)\w*|(?:before|earlier than|sooner than) expected|ahead of (?:time|schedule))\b", {Role.WORKS: 3.0}),
    # "necesito que me llamen", "que alguien me atienda"
    (r"\b(?:que|alguien|pueden|podrian|puede|podria|please|pra|para) (?:\w+ )?(?:me|nos) (?:llam\w+|atiend\w+|contact\w+|atenda\w*|ligue\w*|ligar)\b|\b(?:call|ring|phone) me\b", {Role.PERSON: 1.5}),
    # "no quiero factura en papel": what is refused is not what is asked for
    (r"\b(?:no|nao) (?:quiero|queremos|quisiera|deseo|quero|queremos)\b|\bdon'?t want\b", {Role.DENIED: 2.0, Role.WISH: 1.0}),
)  # fmt: skip
_COMPILED = tuple(
    (re.compile(pattern), np.array([boosts.get(role, 0.0) for role in ROLES], np.float32)) for pattern, boosts in _BOOSTS
)
_WORD = re.compile(r"[^\W_]+")
_EMPTY_WORDS = (
    FUNCTION_WORDS
    | GREETINGS
    | frozenset(
        [
            "no",
            "nao",
            "not",
            "puedo",
            "pude",
            "funciona",
            "anda",
            "sirve",
            "va",
            "funcionando",
            "consigo",
            "cosa",
            "algo",
            "nada",
            "asunto",
            "tema",
            "duda",
            "consulta",
            "pregunta",
            "caso",
            "mira",
            "miren",
            "vea",
            "foto",
            "captura",
            "pantallazo",
            "adjunto",
            "adjunta",
            "audio",
            "imagen",
            "print",
            "work",
            "works",
            "working",
            "doesn",
            "don",
            "t",
            "cant",
            "s",
            "sos",
            "help",
            "socorro",
            "hey",
            "che",
            "alo",
            "buen",
            "tal",
            "consulto",
            "escribo",
            "escribia",
            "molesto",
            "hi",
            "there",
            "anyone",
            "alguem",
            "mal",
            "raro",
            "rara",
            "pasa",
            "paso",
            "sucede",
            "problema",
            "problemas",
            "problem",
            "inconveniente",
            "wrong",
            "something",
            "errado",
        ]
    )
)
"""Words with which a clause says that there is something, and not what."""
_NOTHING = np.array([5.0 if role is Role.NOTHING else 0.0 for role in ROLES], np.float32)


def apply(clauses: Sequence[str], chances: Floats, shows_code: Sequence[int] = ()) -> Floats:
    """The chances of roles after the rules.

    Args:
        clauses: as they were written.
        chances: n x roles, in the order of `ROLES`.
        shows_code: places of the clauses in which a screen shows a known error code.

    Returns:
        n x roles; each row adds up to 1.
    """
    if all(map(says_nothing, clauses)):
        moved = chances * np.exp(_NOTHING)
    else:  # beside others "no anda" is a complaint
        moved = chances * np.exp(np.stack([_boost(clause) for clause in clauses]))
    moved[[*shows_code]] *= _AFFIRMED
    for at in range(1, len(clauses)):
        if _affirms_after_denial(clauses[at - 1], clauses[at]):
            moved[at] *= _AFFIRMED
    return (moved / moved.sum(axis=1, keepdims=True)).astype(np.float32)


def _affirms_after_denial(before: str, clause: str) -> bool:
    """Whether a clause says what it is after one that said what it is not: "no es la compu, es el wifi"."""
    return _AFFIRMS.match(fold_text(clause)) is not None and _DENIES.search(fold_text(before)) is not None


_AFFIRMS = re.compile(
    r"(?:sino|es|era|son|fue|it'?s|it is|its|e|foi) (?:que |el |la |los |las |lo |mi |o |a |os |as |the |my |de )"
)
_DENIES = re.compile(
    r"\b(?:no|nao|not|n'?t)\b(?: \w+)? ?(?:es|era|fue|son|sea|e|foi|is|was|the|because|que)\b|\b(?:isn'?t|wasn'?t|it'?s not)\b"
)
_AFFIRMED = np.array([np.exp({Role.WRONG: 2.0, Role.DENIED: -3.0}.get(role, 0.0)) for role in ROLES], np.float32)


@lru_cache(maxsize=4_096)
def _boost(clause: str) -> Floats:
    plain = fold_text(clause).replace("’", "'")
    return sum((boost for pattern, boost in _COMPILED if pattern.search(plain)), np.zeros(len(ROLES), np.float32))


@lru_cache(maxsize=4_096)
def says_nothing(clause: str) -> bool:
    """Whether a clause has only words with which one says that there is something, and not what: "hola", "no anda"."""
    words = _WORD.findall(fold_text(clause))
    return bool(words) and all(word in _EMPTY_WORDS or (len(word) == 1 and word.isalpha()) for word in words)
