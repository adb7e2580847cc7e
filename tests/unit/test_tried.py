"""What customers say they have tried: recognised where they say so, and nowhere else."""

from __future__ import annotations

import json

import pytest
from seven_guides import SEVEN_GUIDES

from guiado.guidance.already_tried import StepTitles, tried

_GUIDES = {
    "C": "conexion_internet",
    "A": "error_aplicacion",
    "I": "instalacion_software",
    "F": "problema_facturacion",
    "R": "recuperar_cuenta",
}
_FILE = SEVEN_GUIDES
_ENTRIES = json.loads(_FILE.read_text(encoding="utf-8"))

# guide | language | what the customer writes | the steps that they say they did
SENTENCES = """
C|es|no tengo internet, ya reinicié el router y nada|reiniciar-router
C|es|ya reinicie el router y nada|reiniciar-router
C|es|reinicie el modem y sigue igual|reiniciar-router
C|es|he reiniciado el router tres veces|reiniciar-router
C|es|apagué y encendí el router y no hay internet|reiniciar-router
C|es|desenchufé el router de la corriente y sigue sin ir|reiniciar-router
C|es|probé a reiniciar el router pero sigue igual|reiniciar-router
C|es|ya desactivé la VPN y no navego|desactivar-vpn-y-proxy
C|es|olvidé la red y me volví a conectar|olvidar-red-y-reconectar
C|es|restablecí la red del teléfono y nada|restablecer-red-del-dispositivo
C|en|I already restarted the router and nothing|reiniciar-router
C|en|I've tried restarting the modem, no luck|reiniciar-router
C|en|turned the router off and on again, still no internet|reiniciar-router
C|en|I turned off the VPN and it still fails|desactivar-vpn-y-proxy
C|en|I already restarted it|reiniciar-router
C|pt|já reiniciei o modem e nada|reiniciar-router
C|pt|desliguei e liguei o roteador e continua sem internet|reiniciar-router
C|pt|tentei reiniciar o roteador mas continua igual|reiniciar-router
A|es|ya reinicié el celular y la app se cierra|reiniciar-dispositivo
A|es|reinicié y desinstalé la app 2 veces|reiniciar-dispositivo volver-a-instalar-aplicacion
A|es|he probado a borrar la caché y actualizar la app|limpiar-cache-o-reparar actualizar-aplicacion
A|es|cerré la app y la abrí de nuevo, igual|cerrar-y-abrir
A|es|desinstalé y volví a instalar la aplicación|volver-a-instalar-aplicacion
A|es|reinstalé la app y sigue fallando|volver-a-instalar-aplicacion
A|en|I cleared the cache and reinstalled the app|limpiar-cache-o-reparar volver-a-instalar-aplicacion
A|en|Restarted my phone, updated the app, still crashes|reiniciar-dispositivo actualizar-aplicacion
A|pt|já limpei o cache e atualizei o aplicativo|limpiar-cache-o-reparar actualizar-aplicacion
R|es|he probado a cambiar la contraseña y sigue igual|restablecer-contrasena
R|es|ya restablecí la contraseña dos veces|restablecer-contrasena
R|en|I reset my password twice|restablecer-contrasena
R|pt|já redefini a senha e não entra|restablecer-contrasena
R|es|revisé el usuario y la contraseña|revisar-usuario-y-clave
I|es|ya descargué otra vez el instalador oficial|descargar-instalador-oficial
I|es|desinstalé la versión anterior y nada|quitar-version-anterior
I|es|lo instalé como administrador y no va|usar-permisos-administrador
F|es|ya pedí el reembolso y no llega|pedir-correccion-o-reembolso
F|es|revisé mis suscripciones y no hay nada|revisar-suscripciones
C|es|no he reiniciado el router|
C|es|¿debo reiniciar el router?|
C|es|quiero reiniciar el router|
C|es|me dijeron que reinicie el router|
C|es|cuando reinicio el router se cae|
C|es|el router se reinició solo|
C|es|se me reinicia el router cada rato|
C|es|no sé si reinicié el router|
C|es|intenté reiniciar el router pero no pude|
C|es|olvidé la clave del wifi|
C|es|reinicié el celular y nada|
C|es|ya no me conecta el router|
C|es|voy a reiniciar el router ahora|
C|es|todavía no reinicié el router|
C|es|mi hijo reinició el router|
C|es|conecté la VPN y se cae internet|
C|es|reinicie el router por favor|
C|en|should I restart the router?|
C|en|I haven't restarted the router|
C|en|the router restarted by itself|
C|en|I want to restart the router|
C|en|when I restarted the router it died|
C|pt|não reiniciei o roteador|
C|pt|devo reiniciar o modem?|
C|pt|o roteador reiniciou sozinho|
A|es|instalé la app ayer y ahora falla|
A|es|actualicé el teléfono y la app dejó de abrir|
A|es|desde que actualicé la app se cierra|
A|es|abrí la app y se cierra|
A|es|la app se cierra sola|
A|en|I installed the app yesterday and it crashes|
A|en|I can't uninstall the app|
R|es|olvidé mi contraseña|
R|es|no puedo cambiar la contraseña|
R|es|cambié de teléfono y no me llega el código|
R|en|I forgot my password|
R|en|I changed my phone number|
R|pt|esqueci a senha|
I|es|descargué el programa y no se instala|
I|es|instalé el programa y da error|
I|es|quiero desinstalar la versión anterior|
F|es|quiero pedir un reembolso|
F|es|pedí una factura y no llega|
F|es|cancelé y me siguen cobrando|
F|es|usé mi tarjeta y me cobraron dos veces|
"""


def _steps(guide: str, language: str) -> list[StepTitles]:
    entry = _ENTRIES[_GUIDES[guide]]
    spoken = entry["translations"][language]["steps"] if language != "es" else entry["steps"]
    return [
        StepTitles(step["step_id"], tuple(dict.fromkeys((step["title"], other["title"]))), step["type"] == "diagnostic")
        for step, other in zip(entry["steps"], spoken, strict=True)
    ]


@pytest.mark.parametrize("line", SENTENCES.strip().splitlines())
def test_what_was_tried_is_recognised(line: str) -> None:
    guide, language, text, wanted = line.split("|")
    found = tried(text, _steps(guide, language))
    assert {each.step_id for each in found} == set(wanted.split())
    assert all(each.words and 0.6 <= each.confidence <= 1 for each in found)


@pytest.mark.parametrize("text", ["", "ya", "?" * 9, "ya reinicié " * 20_000, "😀", "\ud800 ya reinicié el router"])
def test_no_text_is_too_odd(text: str) -> None:
    assert len(tried(text, _steps("C", "es"))) <= 6
    assert tried(text, []) == ()
