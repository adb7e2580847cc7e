"""A guide's own codes and what it is not: read from its entry, versioned, given to detection, doubted by lint."""

from __future__ import annotations

from typing import Any

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.lint import lint
from guiado.app.knowledge.parse import read_entry
from guiado.domain.guide import Guide, content_hash

STEP = {"step_number": 1, "title": "Paso", "instructions": ["Haz esto"]}
ENGLISH = {
    "problem_title": "Title",
    "common_issues": ["it does not work"],
    "steps": [{"title": "Step", "instructions": ["Do it"]}],
}


def entry(**changes: Any) -> dict[str, Any]:
    return {"problem_title": "No va", "steps": [STEP], "common_issues": ["no va nada"], **changes}


def test_own_codes_and_what_it_is_not_reach_detection_in_every_language() -> None:
    findings = Findings()
    english = {**ENGLISH, "not_this": ["I want to buy one"]}
    raw = entry(codes=["1402", "Windows 10", "1402"], not_this=["quiero comprar uno"], translations={"en": english})
    guide = read_entry("p", raw, findings)
    assert guide is not None
    assert findings.errors == []
    problem = problem_of(guide)
    assert problem.codes == ("1402", "Windows 10")
    assert problem.not_this == ("quiero comprar uno", "I want to buy one")
    assert not set(problem.not_this) & set(problem.texts)
    assert guide.in_language("en").not_this == ("I want to buy one",)


def test_a_change_of_codes_or_of_what_it_is_not_is_another_version() -> None:
    hashes = {content_hash(each) for each in (entry(), entry(codes=["1402"]), entry(not_this=["quiero comprar uno"]))}
    assert len(hashes) == 3


def test_lint_names_a_code_that_two_guides_call_their_own_and_personal_data() -> None:
    one = Guide("uno", "No va", common_issues=("no va",), codes=("1402", "E-45"))
    two = Guide("dos", "No abre", common_issues=("no abre",), codes=("e45",), not_this=("escribe a ana@example.com",))
    found = {doubt.field: str(doubt) for doubt in lint({"uno": one, "dos": two}, 0.4, 0.6).warnings}
    assert "$.uno.codes[1]" in found["$.dos.codes[0]"]
    assert "datos personales" in found["$.dos.not_this[0]"]
    assert not any(field.startswith("$.uno.codes") for field in found)
