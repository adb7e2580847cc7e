"""Stop words, which tell little or nothing of the problem, and one-word abbreviations of messages; all folded."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPANISH = _words("""
    a al algo alguien algun alguna algunas alguno algunos ante antes aqui asi aun aunque ayer bajo bien cada casi
    como con contra cual cuales cualquier cuando cuanto de del desde donde dos durante e el ella ellas ellos en
    entonces entre era eran eres es esa esas ese eso esos esta estaba estaban estado estamos estan estar estas este
    esto estos estoy fue fueron ha haber habia hace hacer hago han has hasta hay haya he hoy incluso ir ire la las
    le les lo los mas me mi mia mientras mio mis misma mismo mucha muchas mucho muchos muy nada nadie ni ningun
    ninguna nos nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque pues que quien quienes
    se sea ser si sido siempre sin sobre sois solo somos son soy su sus suya suyo tal tambien tampoco tan tanto te
    tengo tener tiene tienen toda todas todavia todo todos tu tus tuya tuyo u un una unas uno unos usted ustedes va
    vamos van vaya ver vez veces vosotros voy y ya yo podria podrian puede pueden podeis puedes necesito quiero
    quisiera querria
""")
"""Spanish function words: they tell little of the problem, and which language it is."""

ENGLISH = _words("""
    a about after again all also am an and any are as at be because been before being but by can could did do does
    doing each for from get getting had has have having he her here him his how i if in into is it its just like me
    more most my of on or other our out over really she should so some such than that the their them then there
    these they this those through to too up us very was we were what when where which while who why will with would
    you your need want ve ll im ive
""")
"""English function words: they tell little of the problem, and which language it is."""

PORTUGUESE = _words("""
    ao aos aquele as ate com como da das de dela dele delas deles depois do dos e ela elas ele eles em entao entre
    era essa essas esse esses esta estao estava este estes estou eu foi foram ha isso isto ja la lhe mais mas me
    mesmo meu meus minha minhas muito muitos na nas nem nenhum nesse neste nos nossa nosso num numa o onde os ou
    para pela pelas pelo pelos pode podem por porque pra qual quando que quem se sem ser seu seus so sou sua suas
    tambem te tem tenho teu toda todo um uma umas uns vai voce voces vou preciso quero gostaria
""")
"""Portuguese function words: they tell little of the problem, and which language it is."""

GREETINGS = _words("""
    hola buenas buenos dia dias tarde tardes noche noches saludos saludo gracias favor ayuda ayudar ayudame ayuden
    ayudarme ayudeme problema problemas estimado estimados senor senora disculpa disculpe oye ok vale urgente
    cordial cordiales atentamente
    hello hi hey dear thanks thank regards help please problem problems issue issues morning afternoon evening
    ola oi bom boa noite obrigado obrigada ajuda ajudar
""")
"""Courtesy, times of the day and "problem" itself, which tell nothing of the problem."""

FUNCTION_WORDS = SPANISH | ENGLISH | PORTUGUESE
"""Function words of all three languages. "no" is not among them: it is needed in "no funciona"."""

ABBREVIATIONS = {
    "q": "que",
    "k": "que",
    "ke": "que",
    "xq": "porque",
    "pq": "porque",
    "xk": "porque",
    "porq": "porque",
    "x": "por",
    "d": "de",
    "m": "me",
    "t": "te",
    "n": "en",
    "tb": "tambien",
    "tbn": "tambien",
    "tmb": "tambien",
    "pa": "para",
    "ta": "esta",
    "toy": "estoy",
    "cmo": "como",
    "komo": "como",
    "kiero": "quiero",
    "qiero": "quiero",
    "kien": "quien",
    "aki": "aqui",
    "xfa": "favor",
    "xfavor": "favor",
    "porfa": "favor",
    "porfavor": "favor",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "dnd": "donde",
    "cdo": "cuando",
    "bn": "bien",
    "msj": "mensaje",
    "msg": "mensaje",
    "cta": "cuenta",
    "tel": "telefono",
    "cel": "celular",
    "compu": "computadora",
    "num": "numero",
    "pag": "pagina",
    "app": "aplicacion",
    "apps": "aplicaciones",
    "pc": "computadora",
    "pwd": "password",
    "vc": "voce",
    "vcs": "voces",
    "tbm": "tambem",
    "qd": "quando",
    "cm": "como",
    "u": "you",
    "ur": "your",
    "r": "are",
    "cuz": "because",
    "cn": "can",
    "hv": "have",
    "wat": "what",
}
"""Spellings of short messages and their full forms, one word each."""
