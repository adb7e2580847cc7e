"""Verbs of repair in three languages: which action a word names, and whether its form says that it was done."""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from typing import NamedTuple

from guiado.text.fold import fold
from guiado.text.stemming import stem


class Form(IntEnum):
    """Grammatical form of a verb, by which a clause says that the action was done."""

    OTHER = 0
    """A noun, an imperative, another person."""
    INFINITIVE = 1
    """"reiniciar", "restarting": something was done only if the words before say so."""
    PARTICIPLE = 2
    """"reiniciado", "restarted": something was done only after "he" or "I"."""
    WRITTEN_PLAIN = 3
    """"reinicie", "reiniciamos": the past without its accent, or a wish."""
    PAST = 4
    """"reinicié", "reiniciei"."""


class Verb(NamedTuple):
    """A verb: the actions that it may name, and its form.

    Args:
        actions: what it may mean.
    """

    actions: frozenset[str]
    form: Form


_SPANISH = {
    "restart": "reiniciar resetear rebootear apagar desconectar desenchufar",
    "off": "apagar desactivar desconectar deshabilitar quitar",
    "reset": "restablecer restaurar resetear cambiar recuperar",
    "remove": "quitar desinstalar eliminar borrar reinstalar",
    "install": "instalar reinstalar ejecutar",
    "download": "descargar bajar redescargar",
    "update": "actualizar",
    "clear": "borrar limpiar vaciar eliminar",
    "repair": "reparar",
    "close": "cerrar forzar",
    "forget": "olvidar",
    "check": "revisar comprobar verificar mirar chequear confirmar",
    "find": "buscar encontrar",
    "use": "usar utilizar",
    "ask": "pedir solicitar",
    "correct": "corregir",
    "allow": "permitir",
    "wait": "esperar",
    "open": "abrir",
    "connect": "conectar",
}
_PORTUGUESE = {
    "restart": "reiniciar resetar desligar desconectar",
    "off": "desligar desativar desconectar",
    "reset": "redefinir trocar mudar restaurar resetar",
    "remove": "remover desinstalar apagar excluir reinstalar",
    "install": "instalar reinstalar executar",
    "download": "baixar",
    "update": "atualizar",
    "clear": "limpar apagar",
    "repair": "reparar",
    "close": "fechar",
    "forget": "esquecer",
    "check": "conferir verificar checar",
    "find": "encontrar procurar buscar",
    "use": "usar",
    "ask": "pedir solicitar",
    "correct": "corrigir",
    "allow": "liberar permitir",
    "wait": "esperar",
    "open": "abrir",
    "connect": "conectar",
}
_ENGLISH = {
    "restart": "restart/restarted/restarting reboot/rebooted/rebooting unplug/unplugged/unplugging "
    "powercycle/powercycled/powercycling "
    "reset/reset/resetting",
    "off": "turnoff/turnedoff/turningoff disable/disabled/disabling disconnect/disconnected/disconnecting",
    "reset": "reset/reset/resetting change/changed/changing",
    "remove": "remove/removed/removing uninstall/uninstalled/uninstalling delete/deleted/deleting "
    "reinstall/reinstalled/reinstalling",
    "install": "install/installed/installing reinstall/reinstalled/reinstalling run/ran/running",
    "download": "download/downloaded/downloading redownload/redownloaded/redownloading",
    "update": "update/updated/updating upgrade/upgraded/upgrading",
    "clear": "clear/cleared/clearing delete/deleted/deleting empty/emptied/emptying",
    "repair": "repair/repaired/repairing",
    "close": "close/closed/closing quit/quit/quitting",
    "forget": "forget/forgot/forgetting",
    "check": "check/checked/checking verify/verified/verifying see/saw/seeing",
    "find": "find/found/finding search/searched/searching",
    "use": "use/used/using",
    "ask": "ask/asked/asking request/requested/requesting",
    "correct": "fix/fixed/fixing correct/corrected/correcting",
    "allow": "allow/allowed/allowing",
    "wait": "wait/waited/waiting",
    "open": "open/opened/opening",
    "connect": "connect/connected/connecting",
}
_IRREGULAR = {
    "cierra": "cerrar", "restablece": "restablecer", "pide": "pedir", "encuentra": "encontrar", "corrige": "corregir",
    "espera": "esperar", "mira": "mirar", "redefina": "redefinir", "peca": "pedir", "confira": "conferir", "corrija": "corrigir",
    "esqueca": "esquecer", "remova": "remover", "feche": "fechar", "olvide": "olvidar", "permite":
    "permitir", "libere": "liberar",
    "reinicio": "reiniciar",
}  # fmt: skip


def verb(surface: str) -> Verb | None:
    """The verb of which a word is a form, or None.

    Args:
        surface: one word in lower case, with its accents.
    """
    exact = _FORMS.get(surface)
    return exact or _FORMS.get(fold(surface))


def _collect() -> dict[str, Verb]:
    named: dict[str, dict[Form, set[str]]] = defaultdict(lambda: defaultdict(set))
    for action, infinitives in (*_SPANISH.items(), *_PORTUGUESE.items()):
        for infinitive in infinitives.split():
            for word, form in _romance(infinitive):
                named[word][form].add(action)
    for action, forms in _ENGLISH.items():
        for triple in forms.split():
            base, past, continuous = triple.split("/")
            for word, form in ((base, Form.OTHER), (past, Form.PARTICIPLE), (continuous, Form.INFINITIVE)):
                named[word][form].add(action)
    for word, infinitive in _IRREGULAR.items():
        named[word][Form.OTHER] |= named[infinitive][Form.INFINITIVE]
    return {word: Verb(frozenset().union(*forms.values()), max(forms)) for word, forms in named.items()}


def _romance(infinitive: str) -> list[tuple[str, Form]]:
    root, ending = infinitive[:-2], infinitive[-2:]
    if ending != "ar":
        forms = [(root + "í", Form.PAST), (root + "i", Form.PAST), (root + "ido", Form.PARTICIPLE)]
        forms += [(root + "imos", Form.WRITTEN_PLAIN), (root + "iendo", Form.INFINITIVE), (root + "endo", Form.INFINITIVE)]
        more = [(root + end, Form.OTHER) for end in ("e", "a", "o")]
    else:
        hard = _hard(root)
        forms = [
            (hard + "é", Form.PAST),
            (hard + "ei", Form.PAST),
            (root + "ei", Form.PAST),
            (hard + "e", Form.WRITTEN_PLAIN),
            (root + "ado", Form.PARTICIPLE),
        ]
        forms += [(root + "amos", Form.WRITTEN_PLAIN), (root + "ando", Form.INFINITIVE)]
        more = [(root + "a", Form.OTHER), (root + "o", Form.OTHER)]
    clitic = [(infinitive + end, Form.INFINITIVE) for end in ("", "lo", "la", "los", "las", "me")]
    return [*more, *clitic, *forms]


def _hard(root: str) -> str:
    """The root before "e": "descarg" becomes "descargu", "busc" becomes "busqu"."""
    match root[-1]:
        case "c":
            return root[:-1] + "qu"
        case "g":
            return root + "u"
        case "z" | "ç":
            return root[:-1] + "c"
        case _:
            return root


_FORMS = _collect()

_THINGS = {
    "router": "router rutero modem roteador enrutador wifirouter",
    "device": "dispositivo equipo pc computadora ordenador computador compu laptop portatil notebook telefono "
    "celular cel movil phone "
    "telefone device aparelho maquina tablet iphone computer windows mac celu cell smartphone",
    "network": "red rede network",
    "app": "app apps aplicacion aplicativo aplicacao programa program software application apli",
    "password": "contrasena contrasenia clave senha password contra passwd",
    "mail": "correo email mail correos mails",
    "code": "codigo code codigos",
    "refund": "reembolso refund devolucion devolucao",
    "subscription": "suscripcion suscripciones subscription subscriptions assinatura assinaturas",
    "again": "nuevo novo again cero zero scratch reinstalar",
    "charge": "cobro charge cobranca cargo",
    "invoice": "factura invoice fatura bill",
    "browser": "navegador browser",
    "admin": "administrador administrator admin",
    "installer": "instalador installer",
    "cache": "cache cookies",
}
_THING = {word: thing for thing, words in _THINGS.items() for word in words.split()}


def thing(surface: str) -> str:
    """The name of the thing that a word means, the same in three languages; the word's stem where it is unknown."""
    folded = fold(surface)
    return _THING.get(folded) or stem(folded)
