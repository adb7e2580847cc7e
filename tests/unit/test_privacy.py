"""What tells who somebody is goes; what tells what is wrong stays."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seven_guides import SEVEN_GUIDES

from guiado.text.privacy import REMOVED, remove_personal_data

# The part in «» is personal: it goes, and all around it stays.
PERSONAL = """
mi correo es «ana.perez+tienda@correo.example.mx» y no llega nada
escríbanme a «ANA@EXAMPLE.COM»
my email is «o'neil@mail.example.co.uk».
o meu e-mail é «joao_silva@exemplo.com.br», não recebo nada
respondan a <«x@y.es»>
mi correo: «ana arroba correo punto com»
it is «john (at) mail (dot) com»
«ana[at]mail.example»
llámenme al «+34 612 34 56 78» por favor
mi teléfono es «612345678»
tel. «612-345-678»
«612.345.678» es mi móvil
fijo «91 123 45 67»
mi celular «55 1234 5678» no recibe el código
cel «5512345678»
marquen «+52 1 55 1234 5678»
estoy en el «(55) 1234-5678»
buenos aires «+54 9 11 2345-6789»
«011 4321-5678» es de casa
bogotá «300 123 4567»
«+57 3001234567» colombia
chile «+56 9 8765 4321»
«9 8765 4321» chile
lima «987 654 321»
brasil «(11) 98765-4321» não funciona
«11987654321» whatsapp
portugal «+351 912 345 678»
call «(212) 555-0187» please
call «212-555-0187» please
call «212.555.0187» please
call «+1 212 555 0187» please
«555-1234» local
mi tarjeta «4111 1111 1111 1111» fue rechazada
mi tarjeta «4111-1111-1111-1111» no pasa
card «5500005555555559» declined
amex «3782 822463 10005» declined
iban «ES91 2100 0418 4502 0005 1332» no válido
iban «ES9121000418450200051332»
iban «GB82 WEST 1234 5698 7654 32» rejected
iban «PT50000201231234567890154» rejeitado
dni «12345678Z»
dni «12.345.678-Z»
dni «12345678-Z»
nie «X1234567L»
dni argentino «12.345.678»
meu cpf «123.456.789-09» não entra
cpf «12345678909»
cnpj «12.345.678/0001-95»
curp «GARC850101HDFRRL09» no aparece
rfc «GARC850101AB1» mal
rfc «ABC850101AB1»
cuit «20-12345678-9»
cuil «20123456789»
rut «12.345.678-5» rechazado
rut «12345678-K» rechazado
ssn «123-45-6789»
mi ip es «192.168.1.34» y no navego
ip «8.8.8.8»
ipv6 «2001:0db8:85a3:0000:0000:8a2e:0370:7334» falla
ipv6 «fe80::1ff:fe23:4567:890a» falla
mac «00:1A:2B:3C:4D:5E» no conecta
mac «00-1a-2b-3c-4d-5e» no conecta
abre «https://user:pass@example.com/panel» y falla
abre «https://example.com/reset?token=abc» y falla
abre «www.example.com/x?u=ana» y falla
open «HTTPS://EXAMPLE.COM/#access_token=1» fails
mi pedido «123456» no llega
pedido #«00123456»
order AB-«1234567» missing
ticket «TCK2024001234»
cuenta «0001234567»
factura «F2024000123» duplicada
nota fiscal «000123456»
session «3f2504e0-4f89-11d3-9a0c-0305e82c3301» is broken
mi contraseña es «hunter2» y no entra
mi contraseña es «perrito» y no entra
la contraseña: «Secreta!9»
password: «hunter2»
my password is «correcthorse» and it fails
my wifi password is «Tr0ub4dor»
minha senha é «gato123» e não entra
senha: «gato»
clave del wifi: «casaazul»
mi clave era «luna2020»
mi pin es «4821»
pin: «4821»
cvv: «123»
token: «abc.def»
api key: «foo-bar»
api_key=«foobar»
la contraseña de netflix es «milanesa9»
el código es «4821»
código de verificación: «4821»
key «sk-abcdefghij0123456789» rejected
key «whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw» rejected
key «ghp_abcdefghijklmnopqrstuvwxyz012345» leaked
key «AKIAIOSFODNN7EXAMPLE» leaked
me llamo «Ana Pérez» y no puedo entrar
me llamo «ana» y no puedo entrar
me llamo «ana perez» y no puedo entrar
Me llamo «José María de la Cruz» y no llega
mi nombre es «Lucía» y no llega
mi nombre completo es «Lucía Gómez» y no llega
Hola, soy «Ana» y no tengo internet
Hola, soy «Ana Belén Ruiz», no tengo internet
soy el «Pedro» y no tengo internet
my name is «John» and I can't log in
my name is «john smith» and I can't log in
my name's «Mary» and I can't log in
Hi, I'm «Mary» and it fails
Hi, I am «Mary Jones» and it fails
This is «Robert Brown», it fails
meu nome é «João» e não entra
meu nome é «joão silva» e não entra
me chamo «Maria dos Santos» e não entra
eu sou «Maria» e não entra
Sou «Maria Silva» e não entra
Sr. «García» otra vez sin internet
Sra «López» otra vez sin internet
Mr. «Smith» has no internet
nombre: «Ana Pérez»
name: «John Smith»
username: «ana77»
usuario: «anita»
no funciona. Saludos, «Juan»
no funciona. Un saludo, «Juan Pérez»
no funciona. Atte. «Juan Pérez»
no funciona. Att. «João»
no funciona. Gracias, «María»
it fails. Regards, «John»
it fails. Best, «John Smith»
it fails. Thanks, «Mary»
não funciona. Abraços, «Rui»
não funciona. Obrigada, «Inês»
vivo en la calle «Mayor 12»
vivo en calle «de la Luna 4, 2»
mi casa, Av. «Reforma 222»
avenida «Corrientes 1234» sin servicio
rua «das Flores 123» sem internet
carrera «7 # 12-34» sin señal
plaza «España 3» sin señal
no internet at «12 Main Street»
no internet at «1600 Pennsylvania Avenue»
código postal «28001»
zip code «90210»
cep «01310-100» sem internet
nací el «12/03/1980»
fecha de nacimiento: «12-03-1980»
fecha de nacimiento «3 de marzo de 1980»
date of birth: «March 3, 1980»
born on «03/12/1980»
nasci em «12/03/1980»
dob «1980-03-12»
el archivo está en C:\\Users\\«juanp»\\Desktop
está en /home/«juanp»/x
soy «yeison david rojas» y no me deja entrar
soy la señora «Gómez» y no tengo señal
it's «Sarah» here, the app crashes
aqui quem fala é a «Maria Souza»
la cuenta está a nombre de «Marta Ruiz»
la línea está a nombre de «juan pérez»
mi esposo «Carlos Gómez» no puede entrar
my wife «Mary» cannot log in
no abre. Atentamente: Lic. «Marta Ruiz»
mi usuario es «jperez77»
my username is «jperez»
usuario de windows: «marta.ruiz»
probé con «Luna2020» como contraseña
puse «Luna2020» de clave y no entra
uso la misma clave de siempre, «Luna2020»
la contraseña que pongo es "«Luna2020»" y no
contraseña «Luna#sol» no entra
la clave es «"gato negro 77"» y no entra
mi cel es «tres cero cero uno dos tres cuatro cinco seis siete»
mi correo es «ana.perez @ example . com» y nada
mi correo es «anaperez gmail com» y nada
mi instagram es «@anaperez» y no entro
vivo en la Cra «7 No. 12-34 apto 301»
no internet at «221B Baker Street»
la contra es «toby2019» y no entra
my pw is «Toby99» and it fails
minha palavra passe: «toby2019»
mi contraseña actual es «"toby 2019"» y no entra
el código que me llegó es «4821»
me llegó este código: «482-913»
«4111 1111 1111 1111» fecha «09/27»
«ana.perez[@]example.com» no recibe
mi perfil es «https://www.facebook.com/ana.perez.1»
vivo en calle «26 sur no 39-12»
soy la mamá de «Juan Pérez» y no entra
el titular es «Carlos Gómez»
cliente «Carlos Gómez» sin señal
paciente: «María López»
no abre. att. «carlos gómez»
yo, «Ana Paz», no puedo entrar
"""

HARMLESS = """
error 404 al abrir la página
error 0x80070005 al instalar
error 1234567 al abrir
código de error 123456
error code: 80070005
E-1234 en la pantalla
ERR_CONNECTION_RESET
error 0xc000007b
DNS_PROBE_FINISHED_NXDOMAIN
tengo Windows 11 de 64 bits
Windows 10.0.19045 se reinicia
Windows 10 versión 22H2 build 19045.3803
la actualización KB5034441 falla
Chrome 120.0.6099.109 no abre
versión 2.4.1 del programa
versión 2.4.1.0 del programa
firmware 1.0.0.7 del router
iPhone 14 Pro Max con iOS 17.2.1
Galaxy A52 5G con Android 13
la red de 2.4 GHz y la de 5 GHz
la pantalla es 1920x1080
RTX 3060 de 12GB e i7-12700K
tengo 300 Mbps y llegan 20
el modelo HP DeskJet 2700
Office 2019 y Office 2021
desde 2019-2021 pasa
el 12/03/2024 a las 10:30 se cortó
el 2024-03-12 se cortó
a las 10:30:45 se cortó
hace 3 días, 12 veces
me cobraron 49,99 dos veces
me cobraron $1,299.00
pago de 1200 pesos
el paso 3 de 7
la contraseña es incorrecta
me dice que la contraseña es inválida
la contraseña es muy corta
mi contraseña es correcta y no entra
olvidé mi contraseña
no me llega el código de verificación
la clave del wifi no funciona
password is wrong
my password is not working
my password is incorrect
it says password: incorrect
a senha é inválida
minha senha não funciona
esqueci a senha
soy cliente desde hace años
soy nueva y no puedo entrar
soy el titular de la cuenta
Soy Cliente Premium
I'm not able to log in
I am unable to log in
I'm using Windows
sou cliente e não consigo entrar
gracias por la ayuda
Gracias, no funciona
saludos desde casa
muchas gracias
thanks for your help
no hay señal en la calle
vivo en la calle principal
se corta en el garaje
no me llama nadie
nací para esto
mi cuenta de correo no abre
arroba no sale en el teclado
la página https://www.example.com/login no abre
www.example.com no carga
pulso Ctrl+Alt+Supr y nada
el puerto 8080 está cerrado
LTE y 4G no van
el código no llega
el token no llega
wifi 802.11ac
USB 3.0 y HDMI 2.1
me cobraron $1.250.000
debo 120000 pesos
pago de 1.250.000 pesos dos veces
me debitaron R$ 1.299,90
mi login is broken
my login is failing since monday
el usuario es válido pero no entra
mi usuario es nuevo
la contraseña de outlook365 no sirve
la clave del router HG8245H5 no está
error ERR1402 al cambiar la contraseña
código ABC12 al poner la contraseña
contraseña: mínimo 8 caracteres
mi hijo no puede entrar a la app
a nombre de otra persona
it's Outlook that crashes
escribo @ y no sale
mi clave fue modificada, yo no he sido
reclamo contra la factura de marzo
no se me olvidó la contra eh sino que me la bloquearon
cliente VPN no conecta
facebook.com/login no abre
el código que me llegó no sirve
me avisan 24 horas antes
Estimado usuario: su solicitud ha sido registrada
de aquí a Cochabamba tarda mucho
la cuenta gmail com no abre
uno dos tres probando el micrófono
la luz esta roja
😀😀😀
…
"""


@pytest.mark.parametrize("line", PERSONAL.strip().splitlines())
def test_what_is_personal_goes_and_the_rest_stays(line: str) -> None:
    before, _, rest = line.replace("\\", "\\").partition("«")
    personal, _, after = rest.partition("»")
    assert remove_personal_data(f"{before}{personal}{after}") == f"{before}{REMOVED}{after}"


@pytest.mark.parametrize("line", HARMLESS.strip().splitlines())
def test_what_tells_the_problem_stays(line: str) -> None:
    assert remove_personal_data(line) == line


def test_a_signature_on_a_line_of_its_own_goes() -> None:
    assert remove_personal_data("No puedo entrar.\nSaludos\nMaría López") == f"No puedo entrar.\nSaludos\n{REMOVED}"


def test_no_phrase_of_the_knowledge_base_looks_personal() -> None:
    entries = json.loads(SEVEN_GUIDES.read_text(encoding="utf-8"))
    texts = [text for entry in entries.values() for text in _strings(entry) if not text.startswith("http")]
    assert len(texts) > 500
    assert [text for text in texts if remove_personal_data(text) != text] == []


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _strings(part)]


@pytest.mark.parametrize(
    ("text", "known", "left"),
    [
        ("PEREZ no puede entrar", ("Ana Pérez",), "… no puede entrar"),
        ("soy ana pérez", ("Ana Perez",), "soy …"),
        ("firma: Ana Pe\u0301rez", ("Ana Pérez",), "firma: …"),
        ("la banana de Ana", ("Ana",), "la banana de …"),
        ("cuenta ANA-X", ("ana-x",), "cuenta …"),
        ("el (a.b) falla", ("a.b", "(", ""), "el (…) falla"),
        ("de la red", ("De la Cruz",), "de la red"),
    ],
)
def test_what_is_known_of_a_customer_goes(text: str, known: tuple[str, ...], left: str) -> None:
    assert remove_personal_data(text, known=known) == left


@given(st.text(max_size=60), st.lists(st.text(max_size=6), max_size=3))
def test_cleaning_again_changes_nothing(text: str, known: list[str]) -> None:
    cleaned = remove_personal_data(text, known)
    assert remove_personal_data(cleaned, known) == cleaned


PIECES = [
    "mi contraseña es ",
    "Ana ",
    "ana@x.com",
    "12345",
    "678-",
    "+34 ",
    "Saludos,\n",
    "soy ",
    "calle ",
    "é ",
    ": ",
    "A1",
    "…",
    ".",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_cleaning_pieces_again_changes_nothing(text: str) -> None:
    cleaned = remove_personal_data(text)
    assert remove_personal_data(cleaned) == cleaned


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "a@", "a.", "1.", "a1", "-", " ", "\n", ":", "+(", "Aa ", "calle ", "saludos ", "saludos,\n", "me llamo "],
)
def test_time_grows_with_the_length(piece: str) -> None:
    hostile = "saludos" + piece * (100_000 // len(piece))
    started = process_time()
    remove_personal_data(hostile)
    assert process_time() - started < 1  # what goes back over its words takes many times that
