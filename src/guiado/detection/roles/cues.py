"""Cues: the words and patterns by which a clause shows its role, in Spanish, English and Portuguese.

They are features of the classifier in `head.py`, and none of them decides by itself: "gracias", "ya" and "no" stand in complaints
too. What a negation covers is read here, since neither a bag of words nor a sentence vector keeps it.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from guiado.detection.arrays import Floats
from guiado.text.fold import fold_text

_NOT = r"(?:no|nunca|jamas|tampoco|ni|sin|nada|nadie|ningun[ao]?|nao|nem|sem|nenhuma?|ninguem|nobody|nothing|none|neither|not|never|cannot|can'?t|don'?t|doesn'?t|didn'?t|won'?t|isn'?t|wasn'?t|haven'?t|hasn'?t|couldn'?t|wouldn'?t|t)"
_CLITIC = r"(?: (?:me|te|se|le|les|nos|lo|la|los|las|o|a))*"
_WORKS = (
    r"(?:anda|andan|andando|ando|funciona|funcionan|funcionando|funciono|funcionou|sirve|sirven|sirvio|jala|jalo|va|van|marcha"
    r"|carga|cargo|abre|abrio|entra|entro|llega|llego|llegaron|deja|dejo|puedo|pude|pudo|consigo|consegui|conseguiu|chegou|chegaram|abriu"
    r"|entrou|deu|works?|worked|working|opens?|opened|loads?|loaded|arrived?|came|connects?|connected|can|could|conecta|conecto|instala|instalo"
    r"|instalou|recibi|recebi|received|got|reconoce|reconocio|acepta|acepto|acepta|aceptaron|accepted|aceitou|paso|quedo|ficou)"
)
_FAIL = (
    r"(?:error|erro|falla|fallo|fallan|fallando|falha|fails?|failed|failing|problem[ao]?s?|issues?|bug|trab[ao]|trabad[ao]|traba|trava|travou"
    r"|cuelga|cuelgan|colgad[ao]|congela|congelad[ao]|freez\w+|crash\w*|cierra|cerro|fecha|fechou|bloque\w+|lock(?:ed|s)|lent[ao]s?|slow|roto|rota"
    r"|quebrou|broken|broke|cort[ao]|cae|caida|caiu|cai|drops?|dropped|down|rechaz\w+|recus\w+|declined?|rejected|vencid\w+|expired|expirou"
    r"|dos veces|twice|duas vezes|doble|duplicad\w+|perdi\w*|lost|desaparec\w+|missing|equivocad\w+|errad\w+|wrong|stuck|pegad[ao]|negr[ao]|blank)"
)
_PATTERNS: dict[str, str] = {
    "negated_work": rf"\b{_NOT}{_CLITIC} (?:\w+ ){{0,2}}?{_WORKS}\b",
    "plain_work": rf"(?<!\bno )(?<!\bnao )\b{_WORKS}\b",
    "fail": rf"\b{_FAIL}\b",
    "negated_fail": rf"\b{_NOT}{_CLITIC} (?:\w+ ){{0,3}}?{_FAIL}\b",
    "without_trouble": r"\b(?:sin|sem|no|without|ningun|nenhum|any|zero|cero) (?:ningun |mas |mais |any |more |nenhum )?(?:problem\w*|drama\w*|error\w*|erro|inconvenient\w*|lio|trouble|issues?|fallas?|novedad)\b",
    "well": r"\b(?:bien|perfect\w*|impecable|joya|barbaro|genial|de diez|bem|certinho|perfeit\w+|fine|great|perfectly|smoothly|normal(?:mente)?|de maravilla|excelente|rapid\w+|ok|okay|correct[oa]s?|de lujo|al dia|em dia|de primera|a la primera|de primeira|certo|tudo certo|en orden|listo|sorted|spot on|flawless\w*)\b",
    "adversative": r"^(?:(?:y|e|and) )?(?:pero|mas|porem|so que|solo que|sino|but|however|yet|though|lo que|lo unico|lo malo|o que|what|ahora|agora|now|donde|onde|where|el problema|mi problema|the problem|o problema|la que|el que|quien|it'?s|es que|e que|aunque|though|en cambio|ja o|ja a)\b",
    "returned": r"\b(?:devolvi\w*|devuelt\w+|devolveram|devolveu|reintegr\w+|reembols\w+|regresaron|abonaron|acreditaron|refund\w*|credited|reversed|estorn\w+|repus\w+)\b",
    "mistake_of_mine": r"\b(?:mi error|error mio|culpa mia|fui yo|era yo|my (?:mistake|fault|bad|own)|meu erro|engano meu|me equivoque|me habia equivocado|confundi\w*|me enganei|era coisa minha)\b",
    "gone": r"\b(?:se fue|se fueron|ni rastro|desaparecio|sumiu|went away|is gone|are gone|gone now|paso solo|se quito)\b",
    "intruder": r"\b(?:alguien|otra persona|someone|somebody|alguem|otro) (?:\w+ ){0,2}(?:entro|entraron|cambio|accedio|usa|uso|robo|got in|has|took|taken|changed|logged|hacked|entrou|mudou|usou)\b|\b(?:hack\w+|suplant\w+|estaf\w+|phishing)\b",
    "lasting": r"\b(?:llevo|llevamos|lleva|hace|desde hace|desde|since|for|ha|faz|estou ha|espero|esperando|waiting|aguardando) (?:\w+ ){0,2}(?:horas?|dias?|semanas?|meses|mes|hours?|days?|weeks?|months?|ayer|anoche|lunes|martes|miercoles|jueves|viernes|sabado|domingo|yesterday|monday|ontem|segunda|manana|tarde)\b",
    "except": r"\b(?:menos|salvo|excepto|except|exceto|todo menos|all but|apart from|fora|only|solo|apenas)\b",
    "already": r"\b(?:ya|ja|already|por fin|al final|finalmente|finally|enfim)\b",
    "already_not": r"\b(?:ya no|ja nao|no longer|not anymore|no more|nunca mais|nunca mas)\b",
    "still_not": r"\b(?:todavia|aun|ainda|still|sigue|siguen|sigo|seguimos|continua|continuo|yet|otra vez|de nuevo|again|outra vez)\b",
    "came_back": r"\b(?:volvi[oa]?|volvieron|voltou|voltaram|came back|back)\b(?: (?:a|to))?",
    "came_back_good": r"\b(?:volvio|volvieron|voltou|voltaram) (?:a )?(?:funcionar|andar|la luz|el servicio|internet|la senal|a internet|o sinal|conectar|normal|al normal|cargar|entrar)\b|\bback (?:up|to normal|online|on)\b|\bworking again\b",
    "came_back_bad": r"\b(?:volvio|volvieron|voltou) a (?:fallar|cort\w+|caer\w*|cobrar\w*|pasar|salir|dar|cair|travar|cerrar\w*)\b|\b(?:again|otra vez|de nuevo|outra vez)$",
    "solved": r"\b(?:solucion\w+|resuelt\w+|resolvi\w*|resolveu|arregl\w+|reparad\w+|solved|fixed|sorted|resolved|consertad\w+|olvid(?:en|a|e)(?:lo|nlo)|never ?mind|ignor\w+|falsa alarma|false alarm|ya esta|ya quedo|deixa pra la|no hace falta|esquec\w+ )\b",
    "want": r"\b(?:quiero|queria|quisiera|quisiéramos|queremos|necesito|necesitamos|me gustaria|deseo|desearia|busco|quero|gostaria|preciso|want|would like|i'?d like|looking (?:for|to)|need to|interesad\w+|interested|interesa)\b",
    "buy": r"\b(?:contrat\w+|compr\w+|adquirir|precio|precios|plan|planes|promo\w*|oferta\w*|cuesta|cuestan|vale|tarifa\w*|preco|quanto custa|assinar|buy|purchase|subscribe|price|pricing|cost|upgrade|sign up|dar de (?:alta|baja)|cancelar|cancel|cerrar|encerrar|close|cambiar|mudar|trocar|switch|change|renovar|renew|agregar|sumar|add)\b",
    "ask": r"^(?:¿|que |a que |cual|cuando|cuanto|donde|como |quien|hasta |desde cuando|qual|quando|quanto|onde|what |when |where |which |how |who |do you|does |can i|could i|is there|are there|hay |tienen|existe|posso|voces|ustedes|se puede|puedo |podria|podrian|me (?:dicen|dices|podes|puedes|pueden|podrian|confirman|pasan))",
    "why": r"\b(?:por ?que|why|how come|porque)\b.*\?|^(?:por ?que|why|how come)\b",
    "question": r"\?",
    "thanks": r"\b(?:gracias|agradec\w+|thank\w*|thx|obrigad[oa]|valeu|grato|grata|cheers|much appreciated|mil gracias|de lujo)\b",
    "praise": r"\b(?:felicit\w+|felicidades|excelente|buenisim\w+|genios?|crack\w*|encant\w+|me gusta|parabens|adorei|amo|love|great (?:job|work|app|service)|well done|congrat\w+|lindo|hermos\w+|recomiendo|de 10|muy bue\w+|otim\w+|top)\b",
    "greeting": r"^(?:hola|buenas|buenos dias|buen dia|buenas tardes|buenas noches|oi|ola|bom dia|boa tarde|boa noite|hi|hello|hey|good (?:morning|afternoon|evening)|que tal|saludos|un saludo|estimad\w+|dear|prezad\w+|alo|holis)\b",
    "person": r"\b(?:persona|humano|human|asesor\w*|agente|agent|operador\w*|operator|representante|representative|alguien|somebody|someone|atendente|pessoa|ejecutiv\w+|supervisor\w*|encargad\w+|gente de verdad|real person|tecnico|bot|robot|maquina|llamen|llamenme|ligue\w*|call me|speak|talk|hablar|falar|comunic\w+|atienda|atenda)\b",
    "did": r"\b(?:ya |ja |already |i |i'?ve )?(?:reinici\w+|apagu\w+|prendi|encendi|desenchuf\w+|desconect\w+|cambie|probe|intente|desinstal\w+|reinstal\w+|borre|limpie|revise|actualice|desliguei|liguei|reiniciei|tentei|troquei|testei|restarted|rebooted|tried|unplugged|reinstalled|reset|cleared|checked|updated|switched)\b",
    "imperative": r"\b(?:ayud\w+|help|ajud\w+|socorro|urgente|please|por favor|favor)\b",
    "is_not": r"\b(?:no es|no era|no son|nao e|nao era|isn'?t|it'?s not|is not|wasn'?t|not the|no tiene que ver|nao tem a ver|nada que ver|no se trata|no hablo|no tengo (?:ningun )?(?:problema|drama|lio)|descart\w+|nao tenho problema)\b",
    "it_is": r"\b(?:es que|sino|lo que|o que|es el|es la|e sim|it'?s (?:the|my|that)|but)\b",
    "before_now": r"\b(?:antes(?! (?:de lo|do) )|before(?! (?:expected|time|schedule))|used to|hasta (?:ayer|hoy|la semana)|ayer|ate ontem|until|era|andaba|funcionaba|funcionava|worked fine|was working|abria|entraba)\b",
    "now": r"\b(?:ahora|agora|now|hoy|hoje|today)\b",
    "stopped": r"\b(?:dejo de|dejaron de|parou de|pararam|stopped|quit|dejo|ya no|no longer|de repente|de golpe|suddenly)\b",
    "first_person": r"\b(?:puedo|pude|consigo|tengo|tenho|estoy|estou|i|i'?m|recibi|recebi|entro|quise|intento)\b",
    "unasked": r"\bno (?:ped\w+|solicit\w+|hice|fui|reconozco|autori\w+)\b|\bnao (?:pedi|solicitei|reconheco|fiz|autori\w+)\b|\b(?:didn'?t|never) (?:ask|request|order|make|authori\w+)\b",
    "automatic": r"\b(?:fuera de (?:la )?oficina|out of office|respuesta automatica|automatic reply|auto-?reply|resposta automatica|ausente|vacaciones|ferias|no responda|do not reply|nao responda|noreply|unsubscribe|darse de baja|confidencial\w*|disclaimer|delivery (?:status|failed)|undeliverable|mailer|destinatario|newsletter|oferta exclusiva|haga clic|click here|clique aqui|enviado desde|sent from|encuesta|survey|pesquisa|ticket|caso n|su solicitud|aviso legal)\b",
    "irony": r"\b(?:que (?:maravilla|lindo|bueno|genial|bonito)|una vez mas|para variar|como siempre|otra vez|of course|great,|lovely|brilliant)\b",
    "not_wanting": rf"\b{_NOT}{_CLITIC} (?:quiero|quero|want|deseo|necesito|need)\b",
    "twice": r"\b(?:dos veces|2 veces|doble|twice|duas vezes|de mas|a mais|otra vez)\b",
    "see": r"\b(?:mira|miren|vean|fijate|fijense|adjunto|te mando|les mando|segue|veja|olha|look|see (?:attached|the)|attached|pantallazo|captura|screenshot|foto|audio|print)\b",
    "short": r"^\S+(?: \S+)?$",
    "code": r"\b(?=\w*\d)(?:0x\w+|[a-z]{0,4}-?\d{3,}\w*)\b",
}
NAMES = tuple(_PATTERNS)
_COMPILED = tuple(re.compile(pattern) for pattern in _PATTERNS.values())


@lru_cache(maxsize=4_096)
def read_cues(clause: str) -> Floats:
    """The cues of a clause.

    Args:
        clause: as it was written.

    Returns:
        0 or 1 for each of `NAMES`.
    """
    plain = fold_text(clause).replace("’", "'").strip(" .,;:!")
    return np.fromiter((pattern.search(plain) is not None for pattern in _COMPILED), np.float32, len(_COMPILED))
