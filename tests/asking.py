"""A small knowledge base with a guide that has questions, and what opens one of them in a session."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from statements import execute

WORDS = "la cafetera no calienta"
LIGHT = "¿De qué color es la luz del frente?"
ENGLISH: dict[str, Any] = {
    "problem_title": "The coffee machine does not heat",
    "steps": [
        {"title": "Check the plug", "instructions": ["Push the plug in."]},
        {"title": "Clean the filter", "instructions": ["Take the filter out."]},
        {"title": "Reset the machine", "instructions": ["Hold the button."]},
    ],
    "questions": [{"text": "What colour is the light?", "answers": ["Red", "Green"]}],
}


def entries() -> dict[str, Any]:
    """The knowledge base."""
    titles = {"enchufe": "Revisa el enchufe", "filtro": "Limpia el filtro", "fabrica": "Restablece la cafetera"}
    steps = [
        {"step_number": number, "step_id": name, "title": title, "instructions": [f"{title} con cuidado."]}
        for number, (name, title) in enumerate(titles.items(), 1)
    ]
    answers = [{"id": "roja", "text": "Roja", "weights": {"filtro": 4}}, {"id": "verde", "text": "Verde"}]
    since = [{"id": "hoy", "text": "Desde hoy"}, {"id": "antes", "text": "Desde antes"}]
    return {
        "cafetera": {
            "problem_title": "La cafetera no calienta",
            "common_issues": [WORDS, "el café sale frío"],
            "steps": steps,
            "questions": [
                {"id": "luz", "text": LIGHT, "minutes": 0.5, "answers": answers},
                {"id": "cuando", "text": "¿Desde cuándo pasa?", "answers": since},
            ],
            "translations": {"en": ENGLISH},
        },
        "molinillo": {
            "problem_title": "El molinillo no gira",
            "common_issues": ["el molinillo no gira", "el molinillo de granos se quedó parado"],
            "steps": [{"step_number": 1, "step_id": "traba", "title": "Quita la traba", "instructions": ["Quita la traba."]}],
        },
    }


def write(path: Path) -> Path:
    """Write the knowledge base to a file."""
    path.write_text(json.dumps(entries(), ensure_ascii=False, indent=1), "utf-8")
    return path


def open_question(dsn: str, question_id: str = "luz") -> None:
    """Open a question in every session, as a policy of another process would; in a thread, since a browser has this one's loop."""
    change = f"UPDATE support_troubleshooting_sessions SET asked_question_id = '{question_id}'"
    with ThreadPoolExecutor(1) as pool:
        pool.submit(execute, dsn, change).result()
