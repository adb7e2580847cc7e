"""The words around codes, folded, in the three languages: what introduces a code, and what makes a number an amount."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ERROR_WORDS = _words("error errores errors erro erros err stop excepcion exception excecao http fallo falla falha fault")
"""Introduce the code of an error."""
CODE_WORDS = _words("codigo codigos code codes cod")
"""Introduce a code: of an error, or one to type in."""
FILLERS = _words(
    "de numero nro num no n nº es is e el the o que dice said says diz sale aparece status estado respuesta response resposta"
)
"""May stand between such a word and its code."""
ONE_TIME_WORDS = _words(
    "llega llego llegaron llegado recibo recibi recibido recibir ingreso ingrese ingresar ingresado puse pongo poner escribo "
    "escribi escribir meto meti introduzco introduje introducir digito digite digitar tecleo sms verificacion postal "
    "promocional promo descuento cupon seguridad acceso enviaron envian mandaron mandan pide piden "
    "received receive receiving enter entered entering type typed texted sent verification zip discount coupon "
    "promo gift security "
    "recebi receber recebo chegou chega digitei digitar coloquei coloco enviaram mandaram verificacao desconto cupom seguranca"
)
"""Say that a code is one to type in."""
SHOWING = _words(
    "sale salio aparece aparecio dice muestra mostro tira tiro arroja marca salta salto da dio pone lanza indica lee "
    "responde respondio devuelve devolvio retorna retorno arrojo lanzo "
    "returns returned returning responds responded throws threw retornou responde "
    "shows showing show says say said displays display reads gives get getting got "
    "mostra mostrou diz aparecendo exibe deu"
)
"""Say what a screen shows."""
VERSION_WORDS = _words(
    "version versiones versions versao versoes ver release build firmware fw revision actualizacion update atualizacao"
)
TO_VERSION = _words("la the a ao to na con com")
"""May stand before the number of a version that nothing else names: "con la 4.5 no abre"."""
MODEL_WORDS = _words(
    "sku modelo modelos model models impresora printer router modem impressora roteador multifuncional decodificador"
)
LISTING = _words("y e o u and or ou ni")
OR_WORDS = _words("o u y e and or ou en em")
UP_WORDS = _words(
    "superior superiores posterior posteriores mas nuevo nuevas adelante later newer higher above up newest onwards "
    "mais recente recentes diante acima"
)
OLDER_WORDS = _words(
    "inferior inferiores anterior anteriores menos menor viejo viejas earlier older lower below menos antigo antigos abaixo"
)
SINCE_WORDS = _words("desde partir since from minimo minima minimum least")
UNITS = _words(
    "vez veces dia dias hora horas hs h hr hrs minuto minutos min mins segundo segundos seg semana semanas mes meses ano anos "
    "peso pesos euro euros eur usd dolar dolares sol soles real reales mil millon millones lucas plata cop ars mxn clp brl "
    "gb mb tb kb mbps gbps mhz ghz mega megas giga gigas kg gramos metro metros km cm mm pulgada pulgadas litros watts w v "
    "persona personas usuario usuarios equipo equipos pagina paginas hoja hojas archivo archivos foto fotos mensaje mensajes "
    "correo correos unidad unidades cuota cuotas intento intentos error errores cargo cargos cobro cobros factura facturas "
    "grados por porciento compras paquetes clientes amigos barras lineas am pm de-descuento "
    "time times day days hour hours hrs minute minutes second seconds sec week weeks month months year years dollar dollars "
    "bucks pounds cents percent inch inches feet miles people users devices pages files photos messages emails attempts charges "
    "payments bills items units degrees "
    "vezes hora segundos semanas mes meses reais centavos pessoas usuarios paginas arquivos fotos mensagens tentativas "
    "cobrancas faturas polegadas porcento"
)
"""After a number: it is an amount."""
MONTHS = _words(
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre "
    "january february march april may june july august september october november december "
    "janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro"
)
"""After a number: it is a day."""
ARTICLES = _words("el un este the a an this o um los unos os ese of de")
"""May stand before the word that introduces a code."""
CURRENCIES = _words("usd eur euro euros ars cop mxn clp brl pen us rs")
"""Before a number: it is an amount."""
LINKS = _words("al a nº numero # con en y del do da to at")
"""May stand between the word for an order or a phone and its number, beside fillers and articles."""
PHONE_WORDS = _words(
    "tel cel movil whatsapp wasap wsp llame llamo llamar llamen llamenme llamaron marque marco marcar call called calling "
    "ligue liguei ligar"
)
"""Before a number: it is one to dial."""
ORDER_WORDS = _words(
    "pedido pedidos orden ordenes ticket tickets caso contrato factura facturas boleta recibo cliente cuenta reserva tramite "
    "referencia ref guia envio seguimiento expediente solicitud folio paso opcion piso casa calle avenida apartamento apto "
    "oficina linea telefono celular extension ext plan cedula dni nit cuit rut rfc cpf id serie serial imei pagina "
    "terminada termina termino numero-de tarjeta postal puerto canal "
    "order invoice account case booking reservation reference tracking step option floor room street phone ending serial "
    "page flight bus line card port channel gate "
    "encomenda nota fatura conta chamado protocolo passo opcao andar rua apartamento telefone pagina cartao canal porta voo"
)
"""Before a number: it is the number of an order, a flat, a step, a phone."""
BRANDS = _words(
    "hp epson canon brother lexmark xerox ricoh kyocera samsung lg sony tcl hisense philips panasonic asus acer dell lenovo "
    "toshiba motorola moto xiaomi redmi huawei nokia oppo realme tplink zte dlink cisco linksys netgear mikrotik arris "
    "technicolor sagemcom ubiquiti gopro nikon deskjet laserjet officejet envy ecotank pixma latitude inspiron thinkpad"
)
NO_MODEL = _words(
    "mp usb wifi covid piso av ave avda cra cll art iso rfc cp dni nit cuit rut apto plan dia mes sala bus vuelo ruta cv tel "
    "cel ext no nro num n utf win x h gb mb kb ip port ipv hdmi"
)
"""Letters before digits that are no model: "covid-19", "cp1425"."""
NO_LETTERS = _words(
    "a e o u y al de el en la lo mi no se si su tu un ya my of on in an at to is it em do da os as los las que por son"
)
"""Words in capitals before a number that are no letters of a model."""
PRODUCTS = {
    word: name
    for name, words in {
        "windows": "windows win windous window w",
        "android": "android",
        "ios": "ios",
        "ipados": "ipados",
        "macos": "macos osx mac",
        "iphone": "iphone iphones",
        "ipad": "ipad",
        "office": "office",
        "word": "word",
        "excel": "excel",
        "outlook": "outlook",
        "ubuntu": "ubuntu",
        "debian": "debian",
        "fedora": "fedora",
        "chrome": "chrome",
        "firefox": "firefox",
        "safari": "safari",
        "edge": "edge",
        "java": "java",
        "python": "python",
        "php": "php",
        "node": "node nodejs",
        "mysql": "mysql",
        "postgres": "postgres postgresql",
        "photoshop": "photoshop",
        "autocad": "autocad",
        "playstation": "playstation play ps",
        "xbox": "xbox",
        "galaxy": "galaxy",
        "note": "note",
        "pixel": "pixel",
        "wordpress": "wordpress",
        "odoo": "odoo",
        "sap": "sap",
        "exchange": "exchange",
        "emui": "emui",
        "miui": "miui",
        "harmonyos": "harmonyos",
    }.items()
    for word in words.split()
}
"""Words for products that have versions, with the family of each."""
SYSTEMS = (_words("windows macos ubuntu debian fedora"), _words("android ios ipados harmonyos"))
"""Operating systems of computers, and of phones: a text about one is not about another of its kind."""
NAMED_VERSIONS = {
    "windows": {"xp": "5.1", "vista": "6.0"},
    "macos": {"catalina": "10.15", "monterey": "12", "ventura": "13", "sonoma": "14", "sequoia": "15", "tahoe": "26"},
}
"""Versions that have a name, with their number."""
EDITIONS = _words("server pro home enterprise os phone edition")
"""May stand between a product and its version: "Windows Server 2019"."""
