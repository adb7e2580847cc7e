"""Imperatives of instructions in three languages, and the words around them that tell actions from other uses."""

from __future__ import annotations

from collections.abc import Mapping


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ES = _set("""
abre acepta acerca activa actualiza agrega aleja ajusta anota anade apaga apunta arrastra asegúrate avísanos baja borra
busca cambia cancela carga cierra coloca compara completa comprueba conecta configura confirma conserva contesta copia
corrige crea cuelga deja desactiva descarga desconecta desenchufa desinstala desliza desmarca devuelve di dinos elige
elimina enchufa enciende entra envía escanea escribe espera evita expulsa fíjate formatea gira guarda habla haz importa
ingresa inicia inserta instala intenta introduce lee levanta limpia llama llena mantén marca mete mira muestra mueve
observa olvida oprime pasa pega pide pon presiona prueba pulsa quita reconecta recorre recuerda regresa reinicia
reinstala rellena repite responde restablece restaura revisa saca selecciona sigue silencia sube suelta teclea termina
toca toma usa vacía verifica vuelve
""")
_EN = _set("""
accept add answer ask attach back buy call cancel change charge check choose clean clear click close compare confirm
connect copy delete disconnect download drag empty enable disable enter erase fill find follow format go hold install
keep leave log look make mark move note open paste pick place plug press push put read reboot reconnect reinstall
release remove repeat reply reset restart restore run save scroll search select send set sign slide start stop swipe
take tap tell tick try turn type uninstall unplug untick update use wait wipe write
""")
_PT = _set("""
abra aceite ache adicione afaste ajuste altere anote apague aperte apoie aproxime arraste atualize ative avise baixe
busque cancele carregue clique cole coloque compare complete confirme conecte confira configure copie corrija crie
desative desconecte desinstale deslize desligue deixe desmarque devolva diga digite encontre ejete entre envie escaneie
escolha escreva espere evite exclua faça feche formate grave guarde insira instale inicie leia ligue limpe marque
mantenha mexa mostre mova observe olhe passe peça pegue ponha preencha pressione procure recarregue reconecte redefina
reinicie reinstale remova repita responda restaure retire salve segure selecione siga solte teste tente aguarde tire
toque troque use vá verifique veja volte
""")
IMPERATIVES: Mapping[str, frozenset[str]] = {"es": _ES, "en": _EN, "pt": _PT}
"""Language -> imperatives of what customers are asked to do; Spanish ones are found with any accents."""
ALSO_NOUNS: Mapping[str, frozenset[str]] = {
    "es": _set("""
        marca prueba copia busca carga pasa llama toma baja usa cambia termina entra sube guarda crea pega
    """),
    "en": _set("""
        answer back call change charge check click copy download find format hold install log look mark move note
        place plug press push reply reset restart restore run save search set sign slide start stop try turn type
        update use wait write
    """),
    "pt": _set("marque baixe teste entre pegue passe toque grave cole volte use"),
}
"""Imperatives that are something else as often; they count only where an article, a preposition or such a word follows."""
LEADS: Mapping[str, frozenset[str]] = {
    "es": _set("""
        a al en el la los las un una unos unas tu tus su sus este esta ese esa lo de si sobre con otra otro todo toda
        todos todas cada solo
    """),
    "en": _set("""
        the a an your it its on in to into off up this that these those them again for with from all any out
    """),
    "pt": _set("""
        a o as os um uma seu sua seus suas em no na nos nas de novo se com para até outra outro esse essa
    """),
}
JOINING: Mapping[str, frozenset[str]] = {
    "es": frozenset(("y", "e", "luego", "después")),
    "en": frozenset(("and", "then")),
    "pt": frozenset(("e", "depois", "então")),
}
"""Words that join two actions."""
SUBORDINATING: Mapping[str, frozenset[str]] = {
    "es": _set("si que cuando mientras donde porque como hasta qué quién cómo dónde"),
    "en": _set("if that when while where because until what which who whether how so"),
    "pt": _set("se que quando enquanto onde porque como até quem"),
}
"""Words after which a verb tells what happens rather than what to do."""
CLITICS: Mapping[str, tuple[str, ...]] = {
    "es": ("lo", "la", "los", "las", "le", "te", "nos"),
    "en": (),
    "pt": ("-o", "-a", "-os", "-as"),
}
LIGHT: Mapping[str, frozenset[str]] = {
    "es": _set("""
        espera suelta mantén deja mira fíjate comprueba verifica observa prueba intenta repite sigue
    """),
    "en": _set("wait hold release keep leave check look make note try repeat move"),
    "pt": _set("""
        espere aguarde solte segure mantenha deixe olhe veja verifique confira observe teste tente repita siga
    """),
}
"""Imperatives that ask to wait, to look, to hold or to try again: with an action beside them they are no second one."""
PRONOUNS: Mapping[str, frozenset[str]] = {
    "es": frozenset(),
    "en": _set("it them"),
    "pt": frozenset(("ele", "ela", "eles", "elas", "de", "")),
}
"""Words after a verb that does something to what was named just before; in Portuguese the object may be left out."""
