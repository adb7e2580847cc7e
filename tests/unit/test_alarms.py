"""What customers' words set off: criteria with phrases, in any form of their words, and never inside other words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from seven_guides import SEVEN_GUIDES

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint import lint
from guiado.app.knowledge.parse import read_entry
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.sessions.alarms import denies, hear, meets
from guiado.domain.guide import Guide, content_hash
from guiado.domain.guide_versions import guide_from_json, guide_to_json
from guiado.domain.session_commands import Alarm

STEPS = [{"step_number": 1, "title": "Paso"}]
OBJECT = {"text": "Te robaron la tarjeta: llama ya a tu banco.", "phrases": ["me robaron la tarjeta"], "urgent": True}


def entry(*criteria: object, **more: Any) -> dict[str, Any]:
    return {"problem_title": "T", "common_issues": ["no va"], "steps": STEPS, "escalation_criteria": list(criteria), **more}


def read(raw: dict[str, Any]) -> Guide:
    findings = Findings()
    guide = read_entry("p", raw, findings)
    assert guide is not None, findings.errors
    return guide


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Me robaron mi tarjeta ayer", "me robaron la tarjeta"),
        ("ME ROBARÓN LAS TARJETAS!!", "me robaron la tarjeta"),
        ("me robaron el celular y la tarjeta", "me robaron la tarjeta"),
        ("no, me robaron la tarjeta", "me robaron la tarjeta"),
        ("mi cuenta fue hackeada", "cuenta hackeada"),
        ("hackearam a minha conta", "hackearam minha conta"),
        ("my card was stolen yesterday", "card stolen"),
        ("salía humo del aparato", "salia humo"),
        ("alguien entró a mi cuenta", "entraron a mi cuenta"),
        ("cambiaron mi contraseña", "cambió la contraseña"),
        ("me acaban de hackear", "me hackearon"),
        ("Acaban de robarme la tarjeta", "me robaron la tarjeta"),
        ("acaban de meterse en mi cuenta", "se metieron en mi cuenta"),
        ("acabaram de roubar o meu cartão", "roubaram meu cartão"),
    ],
)
def test_a_phrase_is_met_in_other_forms_of_its_words(text: str, phrase: str) -> None:
    assert meets(text, phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("resale humor", "sale humo"),
        ("no me robaron la tarjeta", "me robaron la tarjeta"),
        ("nunca hackearon mi cuenta", "hackearon mi cuenta"),
        ("no creo que me hayan hackeado", "me hackearon"),
        ("nadie me hackeó", "me hackearon"),
        ("my account wasn't hacked", "account hacked"),
        ("ninguém hackeou minha conta", "hackearam minha conta"),
        ("compré una tarjeta. Me robaron el celular", "tarjeta robada"),
        ("me robaron. La tarjeta llegó", "me robaron la tarjeta"),
        ("la tarjeta no pasa", "me robaron la tarjeta"),
        ("", "me robaron la tarjeta"),
        ("me robaron la tarjeta", "..."),
    ],
)
def test_a_phrase_is_not_met_inside_other_words_or_when_it_is_denied(text: str, phrase: str) -> None:
    assert not meets(text, phrase)


SHIPPED = read_file(SEVEN_GUIDES).guides


@pytest.mark.parametrize(
    ("text", "problem_id"),
    [
        ("no me robaron la tarjeta, solo quiero saber cuánto debo", "tarjeta_comprometida"),
        ("no es que me hayan clonado la tarjeta, es que está vencida", "tarjeta_comprometida"),
        ("nadie me hackeó, solo olvidé mi contraseña", "cuenta_comprometida"),
        ("I don't think my card was stolen, I left it at home", "tarjeta_comprometida"),
        ("não fui hackeado, só esqueci a senha", "cuenta_comprometida"),
    ],
)
def test_what_did_not_happen_is_denied(text: str, problem_id: str) -> None:
    assert denies(text, SHIPPED[problem_id])


@pytest.mark.parametrize(
    "text",
    [
        "no, me hackearon",
        "no puedo entrar me hackearon",
        "no sé si me hackearon",
        "¿no me habrán hackeado la cuenta?",
        "no reconozco compras que no hice",
        "no han bloqueado mi tarjeta robada",
        "no me robaron la tarjeta pero la clonaron",
        "no fui yo quien compró con mi tarjeta",
        "someone hacked me and the bank has not blocked my card",
        "não consigo entrar, hackearam minha conta",
    ],
)
def test_another_denial_in_the_text_denies_nothing(text: str) -> None:
    assert not (denies(text, SHIPPED["tarjeta_comprometida"]) and denies(text, SHIPPED["cuenta_comprometida"]))
    assert hear([text], None, SHIPPED.values(), "es") is not None


def test_criteria_may_be_strings_or_objects_and_show_as_strings() -> None:
    guide = read(entry("Sigue igual", OBJECT))

    assert guide.escalation_criteria == ("Sigue igual", OBJECT["text"])
    assert [(trigger.phrases, trigger.urgent) for trigger in guide.triggers] == [(("me robaron la tarjeta",), True)]
    assert guide_from_json(json.loads(json.dumps(guide_to_json(guide)))) == guide
    assert content_hash(entry(OBJECT)) != content_hash(entry({**OBJECT, "urgent": False}))


def test_a_translated_criterion_brings_its_text_and_phrases() -> None:
    english = {
        "problem_title": "T",
        "steps": STEPS,
        "escalation_criteria": [{"text": "Call your bank.", "phrases": ["card stolen"]}],
    }
    guide = read(entry(OBJECT, translations={"en": english}))

    assert guide.in_language("en").escalation_criteria == ("Call your bank.",)
    assert hear(["my card got stolen"], guide, (), "en") == Alarm("Call your bank.", urgent=True)
    assert hear(["me robaron la tarjeta"], guide, (), "pt") == Alarm(OBJECT["text"], urgent=True)


@pytest.mark.parametrize(
    ("criterion", "path"),
    [
        ({"phrases": ["x y"]}, "$.p.escalation_criteria[0].text"),
        ({"text": 3}, "$.p.escalation_criteria[0].text"),
        ({"text": "A", "phrases": "x"}, "$.p.escalation_criteria[0].phrases"),
        ({"text": "A", "phrases": ["x", 3]}, "$.p.escalation_criteria[0].phrases[1]"),
        ({"text": "A", "phrases": ["x"], "urgent": "sí"}, "$.p.escalation_criteria[0].urgent"),
        (7, "$.p.escalation_criteria[0]"),
        (" ", "$.p.escalation_criteria[0]"),
    ],
)
def test_a_faulty_criterion_is_named_with_its_path(criterion: object, path: str) -> None:
    findings = Findings()
    assert read_entry("p", entry(criterion), findings) is None
    assert [problem.field for problem in findings.errors] == [path]


def test_urgent_is_true_or_false() -> None:
    findings = Findings()
    assert read_entry("p", entry(urgent="sí"), findings) is None
    assert [problem.field for problem in findings.errors] == ["$.p.urgent"]
    assert read(entry(urgent=True)).urgent


def test_of_a_guide_of_its_own_all_criteria_count_and_of_others_the_urgent_ones() -> None:
    mine = read(entry({"text": "Sin correo", "phrases": ["ya no tengo ese correo"]}))
    other = read(entry(OBJECT, {"text": "Otra", "phrases": ["prefiero una persona"]}))

    assert hear(["Ya no tengo ese correo"], mine, [other], "es") == Alarm("Sin correo")
    assert hear(["Ya no tengo ese correo y me robaron la tarjeta"], mine, [other], "es") == Alarm(OBJECT["text"], urgent=True)
    assert hear(["prefiero una persona"], mine, [other], "es") is None
    assert hear([None, ""], mine, [other], "es") is None


def test_what_cannot_be_recognised_or_always_would_be_is_doubted(tmp_path: Path) -> None:
    raw = {
        "a": entry({"text": "A", "urgent": True}, {"text": "B", "phrases": ["..."]}, {"text": "C", "phrases": ["no va nada"]}),
        "b": entry("X", common_issues=["hoy no va nada de nada"]),
    }
    path = tmp_path / "kb.json"
    path.write_text(json.dumps(raw), "utf-8")
    entries = read_file(path)

    assert "$.a.escalation_criteria[0].phrases" in {problem.field for problem in entries.findings.warnings}
    found = {problem.field for problem in lint({"a": entries.guides["a"], "b": entries.guides["b"]}, 0.4, 0.6).warnings}
    assert "$.a.escalation_criteria" in found


def test_a_phrase_of_customers_that_would_always_call_a_person_is_doubted() -> None:
    guide = read(entry({"text": "C", "phrases": ["no carga nada"]}, common_issues=["no carga nada desde ayer"]))
    found = {problem.field: str(problem.message) for problem in lint({"p": guide}, 0.4, 0.6).warnings}
    assert "persona" in found["$.p.common_issues[0]"]
