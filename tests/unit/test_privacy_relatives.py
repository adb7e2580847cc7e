"""Personal data as people really write them, beside what only looks like it."""

from __future__ import annotations

import pytest

from guiado.text.privacy import REMOVED, remove_personal_data

# The parts in «» are personal: they go, and all around them stays.
PERSONAL = """
la tarjeta vence «12/27» cvv «123»
mi tarjeta caduca el «03/28» y no pasa
visa válida hasta «08/2029» rechazada
tarjeta de débito, vencimiento: «11-26»
my card expires «04/27» cvc «987»
card exp date «04/2027» declined
cartão com validade «05/28» cvv «321»
o cartão vence em «09/30» e recusam
cvv «4321» y me rechaza
código de seguridad «456» no lo toma
security code «456» is refused
código de segurança «789» recusado
pin «4821» y nada
mi nip «12345» no sirve
user «jperez» pass «Sol2024»
usuario «mlopez» clave «perrito»
usuario «mlopez77» contraseña «Verano99» no entra
user: «ana.gomez» password: «Perro123»
mi usuario es «agomez» y mi clave es «Perro123»
username «jsmith» password «Summer22» does not work
my login is «jsmith» and pass «Abc12345»
login «jsilva» senha «Gato2023»
usuário «jsilva» e senha «Gato2023» e não entra
pongo la clave «Verano99» y no entra
con la contraseña «Otoño#23» no abre
my password «Tiger2021» is rejected
minha senha «Lua2020x» não funciona
puse de contraseña «Luna2020»
puse de contraseña «perrito» y no la acepta
usé como clave «mar12345» y falla
cambié la contraseña a «Otoño2023» y nada
i changed my password to «Tiger21» and it fails
mudei a senha para «Gato77x» e não entra
coloquei como senha «gatinho» e recusa
escríbanme a «ana.perez (arroba) example.com»
mi mail es «ana.perez [arroba] correo.com.ar»
mi correo «ana (at) correo punto com»
meu email é «ana.silva (arroba) exemplo.com.br»
write to «john.smith at example dot com» please
mi correo es «ana77@gmail» y no llega
soy «juan perez», no puedo entrar
soy «maría», no anda internet
hola soy «carlos ruiz gomez» y me cobraron dos veces
habla «lucía fernández», sin internet
les escribe «pedro salas», la app no abre
soy la «carmen», no me llega el código
i'm «john smith», can't log in
hi i am «mary jones» and my card was declined
this is «robert», the app crashes
sou «maria silva», não consigo entrar
aqui é o «joão», sem internet
eu sou a «fernanda souza» e a fatura está errada
me llegó el código «4821» y no lo acepta
mi código «482913» no sirve
i got the code «4821» but it fails
recebi o código «4821» e não aceita
"""

HARMLESS = """
me sale el código 5100
codigo 1402 al instalar
cl@ve no me llega
Cl@ve
no entro con cl@ve pin
me aparece el código 800-2004
el televisor muestra el código 3321
código 5100
código: 5100 en la pantalla
la lavadora da el código 1020
installation ends with code 1603
the screen shows code 2203
aparece o código 1402 ao instalar
o código 5100 aparece na tela
Error contraseña: router
Problema con la clave: módem
Contraseña: cómo cambiarla
Password: reset
hola a tod@s, no anda el wifi
l@s usuari@s no pueden entrar
un@ de nosotros no puede entrar
usuario bloqueado
usuario o contraseña incorrectos
usuario y contraseña no válidos
usuario nuevo sin clave
user account locked
user not found password wrong
username already taken
login fails password rejected
login page does not load
usuário ou senha inválidos
usuário sem senha definida
la contraseña nueva no sirve
puse la contraseña correcta y no entra
puse la clave y se cerró
cambié la contraseña a otra y nada
cambié la clave ayer
i changed my password yesterday
mudei a senha ontem
la clave wpa2 no aparece
contraseña de windows11 olvidada
password iphone14 forgotten
clave wifi
my pass expired
la licencia vence 03/2027
mi plan vence el 05/12
la oferta caduca el 12/10
my trial expires 04/27
o plano vence em 10/11
soy nuevo, no puedo entrar
soy cliente, no anda internet
soy usuario premium, me cobran de más
soy de madrid, sin señal
soy yo otra vez, sigue igual
i'm new, can't log in
i'm stuck, the app crashes
i am angry, the bill is wrong
this is urgent, the app crashes
sou cliente, não consigo entrar
sou novo aqui, sem internet
aqui é assim todo dia
no me llega el código de 6 dígitos
el pin no llega
pin incorrecto 3 veces
cvv incorrecto
el cvv no lo toma
código de seguridad inválido
me quedo at home sin internet
arroba no sale
"""


@pytest.mark.parametrize("line", PERSONAL.strip().splitlines())
def test_what_is_personal_goes(line: str) -> None:
    parts = line.replace("»", "«").split("«")
    assert remove_personal_data("".join(parts)) == "".join(REMOVED if n % 2 else part for n, part in enumerate(parts))


@pytest.mark.parametrize("line", HARMLESS.strip().splitlines())
def test_what_only_looks_personal_stays(line: str) -> None:
    assert remove_personal_data(line) == line
