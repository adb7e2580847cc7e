"""A small knowledge base with every kind of content: variants, an answer, a person, a step for good, a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PRINTER = "la impresora no imprime"
HOURS = "a qué hora abren la tienda"
INHERITANCE = "falleció el titular de la cuenta"
SHOWN_OF_WINDOWS = "Abre «Configuración» y entra en «Impresoras»."
SHOWN_OF_MAC = "Abre «Ajustes del Sistema» y entra en «Impresoras»."
ENGLISH = {
    "problem_title": "My printer does not print",
    "steps": [
        {
            "title": "Check the queue",
            "instructions": ["Switch the printer on."],
            "variants": {
                "windows": {"instructions": ["Open “Settings” and go to “Printers”."]},
                "mac": {"instructions": ["Open “System Settings” and go to “Printers”."]},
            },
        },
        {"title": "Reset the printer", "instructions": ["Hold the button."]},
    ],
    "variants": {"tablet": "A tablet"},
}


def entries(picture: str = "") -> dict[str, Any]:
    """The knowledge base.

    Args:
        picture: address of a stored one that the first step shows; empty for none.
    """
    media = [{"type": "image", "url": picture, "alt": "El botón de encendido", "caption": "Está atrás."}] if picture else []
    return {
        "impresora": {
            "problem_title": "Mi impresora no imprime",
            "variants": {"windows": None, "mac": None, "tablet": "Una tableta"},
            "common_issues": [PRINTER, "la impresora está conectada y no saca nada", "mando a imprimir y no sale el papel"],
            "escalation_criteria": ["La impresora echa humo."],
            "steps": [
                {
                    "step_number": 1,
                    "step_id": "cola",
                    "title": "Revisa la cola",
                    "instructions": ["Enciende la impresora."],
                    "expected_result": "La cola está vacía.",
                    "media": media,
                    "variants": {
                        "windows": {"instructions": [SHOWN_OF_WINDOWS]},
                        "mac": {"instructions": [SHOWN_OF_MAC], "expected_result": "La lista está vacía."},
                    },
                },
                {
                    "step_number": 2,
                    "step_id": "fabrica",
                    "title": "Restablece la impresora",
                    "description": "Deja la impresora como nueva.",
                    "instructions": ["Mantén pulsado el botón diez segundos."],
                    "warnings": ["Se borran las redes guardadas."],
                    "irreversible": True,
                },
            ],
            "translations": {"en": ENGLISH},
        },
        "horario": {
            "kind": "answer",
            "problem_title": "¿A qué hora abren?",
            "problem_description": "El horario de la tienda.",
            "answer": ["Abrimos de lunes a viernes, de 9:00 a 18:00.", "Los festivos cerramos."],
            "common_issues": [HOURS, "cuál es el horario de la tienda", "están abiertos los sábados"],
        },
        "herencia": {
            "kind": "person",
            "problem_title": "Falleció el titular de la cuenta",
            "tell": ["El certificado de defunción.", "El número de la cuenta."],
            "common_issues": [INHERITANCE, "murió mi papá y la cuenta estaba a su nombre", "cuenta de una persona fallecida"],
        },
        "camara": {
            "problem_title": "La cámara no se ve",
            "variants": ["wifi", "windows", "mac"],
            "common_issues": ["la cámara no se ve en la videollamada", "no prende la camara", "mi cámara sale negra"],
            "steps": [
                {
                    "step_number": 1,
                    "step_id": "permiso",
                    "title": "Revisa el permiso",
                    "instructions": ["Cierra la llamada."],
                    "variants": {"mac": {"instructions": ["Abre «Privacidad»."]}},
                }
            ],
        },
    }


def write(path: Path, picture: str = "") -> Path:
    """Write the knowledge base to a file."""
    path.write_text(json.dumps(entries(picture), ensure_ascii=False, indent=1), "utf-8")
    return path
