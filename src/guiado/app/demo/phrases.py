"""What people write in synthetic sessions, in their own language: greetings, notes, reasons, ratings. Rows, not messages."""

from __future__ import annotations

from collections.abc import Mapping

Phrases = Mapping[str, tuple[str, ...]]
GREETINGS: Phrases = {
    "es": ("", "", "", "Hola. ", "Buenos días. ", "Buenas tardes. ", "Hola, necesito ayuda. "),
    "pt": ("", "", "", "Oi. ", "Bom dia. ", "Boa tarde. "),
    "en": ("", "", "", "Hi. ", "Good morning. ", "Hello, I need some help. "),
}
UNKNOWN: Phrases = {
    "es": (
        "quiero cambiar el color de los informes del tablero",
        "la cafetera de la oficina marca un número raro",
        "cómo consigo la ficha técnica de un proveedor",
        "el mapa de sucursales muestra una dirección vieja",
        "necesito que el catálogo salga también en francés",
    ),
    "pt": (
        "quero mudar a cor dos relatórios do painel",
        "o mapa das lojas mostra um endereço antigo",
        "preciso do catálogo também em francês",
    ),
    "en": (
        "I want to change the colour of the dashboard reports",
        "the branch map shows an old address",
        "we need the catalogue in French as well",
    ),
}
WANTS_A_PERSON: Phrases = {
    "es": ("quiero hablar con una persona", "comuníquenme con un asesor por favor", "prefiero que me llame alguien"),
    "pt": ("quero falar com uma pessoa", "me passa para um atendente por favor"),
    "en": ("I want to talk to a person", "please put me through to an agent"),
}
COULD_NOT: Phrases = {
    "es": ("No encuentro esa opción.", "No tengo permiso de administrador.", "No entiendo la instrucción."),
    "pt": ("Não encontro essa opção.", "Não tenho permissão de administrador.", "Não estou com o aparelho aqui."),
    "en": ("I can't find that option.", "I don't have administrator rights.", "I don't have the device with me."),
}  # fmt: skip
NOT_HELPED: Phrases = {
    "es": ("Sigue igual.", "Lo hice dos veces y nada.", "Por un momento pareció que sí, pero volvió.", "Sale el mismo aviso."),
    "pt": ("Continua igual.", "Fiz duas vezes e nada.", "Aparece o mesmo aviso."),
    "en": ("Still the same.", "I did it twice and nothing changed.", "The same notice comes up."),
}
SOLVED: Phrases = {
    "es": ("¡Ya funciona, gracias!", "Era eso.", "Listo, quedó."),
    "pt": ("Funcionou, obrigado!", "Era isso."),
    "en": ("It works now, thank you!", "That was it."),
}
AGENT: Phrases = {
    "es": (
        "Llamé al cliente y lo dejamos funcionando.",
        "Se cambió la configuración desde nuestro lado.",
        "Era un caso del operador.",
    ),
    "pt": ("Liguei para o cliente e ficou funcionando.", "Ajustamos a configuração do nosso lado."),
    "en": ("Called the customer and got it working.", "We changed the setting on our side."),
}
PLEASED: Phrases = {
    "es": ("Muy claro y rápido.", "Me sirvió el segundo paso.", "Gracias, así da gusto.", "Fácil de seguir."),
    "pt": ("Muito claro e rápido.", "Fácil de seguir, obrigado."),
    "en": ("Clear and quick.", "Easy to follow, thanks."),
}
DISPLEASED: Phrases = {
    "es": ("Perdí media mañana y sigue fallando.", "Tardaron mucho en llamarme.", "No me ayudó."),
    "pt": ("Perdi a manhã e continua falhando.", "Os passos não batem com o que vejo.", "Demoraram para me ligar."),
    "en": ("I lost half a morning and it still fails.", "It took long until somebody called."),
}  # fmt: skip


def of(phrases: Phrases, language: str) -> tuple[str, ...]:
    """The phrases in a language, or else in Spanish."""
    return phrases.get(language) or phrases["es"]
