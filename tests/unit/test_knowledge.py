"""Knowledge-base entries: the guide's sample, faults by their JSON path, identity over edits, storage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado import clock
from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.incremental_json import UNCHANGED, walk
from guiado.app.knowledge.parse import read_entry
from guiado.app.knowledge.sources.json_file import read_file
from guiado.domain.guide import Guide, ProblemCategory, Step, content_hash
from guiado.domain.guide_versions import carry_step_ids, guide_from_json, guide_to_json
from guiado.errors import KnowledgeBaseInvalid

SAMPLE = json.loads("""
{
  "mi_nuevo_problema": {
    "problem_title": "Título del Problema",
    "problem_description": "Descripción del problema",
    "category": "categoría",
    "estimated_time": "15 minutos",
    "difficulty": "medio",
    "steps": [
      {
        "step_number": 1,
        "title": "Paso 1",
        "description": "Descripción del paso",
        "instructions": ["Instrucción 1", "Instrucción 2"],
        "expected_result": "Resultado esperado",
        "warnings": ["Precaución importante"],
        "resources": [
          {"title": "Recurso", "url": "https://..."}
        ]
      }
    ],
    "common_issues": ["Problema común 1"],
    "escalation_criteria": ["Cuándo escalar"]
  }
}
""")
ENGLISH = {
    "problem_title": "Title",
    "problem_description": "",
    "common_issues": ["it does not work"],
    "steps": [{"title": "Step 1", "instructions": ["Do this"]}],
}


def entry(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(SAMPLE["mi_nuevo_problema"]), **changes}


def step(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(SAMPLE["mi_nuevo_problema"]["steps"][0]), **changes}


def test_the_sample_of_the_guide_loads_as_it_stands() -> None:
    findings = Findings()
    guide = read_entry("mi_nuevo_problema", entry(), findings)

    assert findings.errors == []
    assert [problem.field for problem in findings.warnings] == ["$.mi_nuevo_problema.steps[0].resources[0].url"]
    assert guide.category == "categoría"
    assert guide.estimated_time == "15 minutos"
    assert guide.prerequisites == ()
    assert guide.steps[0].instructions == ("Instrucción 1", "Instrucción 2")
    assert guide.steps[0].resources == ({"title": "Recurso", "url": "https://..."},)
    assert guide.escalation_criteria == ("Cuándo escalar",)


def test_a_shipped_category_becomes_its_member() -> None:
    assert read_entry("p", entry(category="facturación"), Findings()).category is ProblemCategory.BILLING


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (None, "$.p"),
        (["lista"], "$.p"),
        (entry(problem_title=None), "$.p.problem_title"),
        (entry(problem_title="  "), "$.p.problem_title"),
        (entry(problem_title=7), "$.p.problem_title"),
        (entry(problem_description="x" * 4_001), "$.p.problem_description"),
        (entry(category=["cuenta"]), "$.p.category"),
        (entry(estimated_time=15), "$.p.estimated_time"),
        (entry(prerequisites="uno"), "$.p.prerequisites"),
        (entry(common_issues=["bien", 3]), "$.p.common_issues[1]"),
        (entry(common_issues=["bien", " "]), "$.p.common_issues[1]"),
        (entry(escalation_criteria={"a": 1}), "$.p.escalation_criteria"),
        (entry(codes="1402"), "$.p.codes"),
        (entry(codes=["1402", 1406]), "$.p.codes[1]"),
        (entry(codes=["el de siempre"]), "$.p.codes[0]"),
        (entry(codes=["7" * 300]), "$.p.codes[0]"),
        (entry(codes=[str(n) for n in range(1_000, 1_201)]), "$.p.codes"),
        (entry(not_this="no"), "$.p.not_this"),
        (entry(not_this=["bien", " "]), "$.p.not_this[1]"),
        (entry(not_this=["x" * 501]), "$.p.not_this[0]"),
        (entry(not_this=[f"frase {n}" for n in range(201)]), "$.p.not_this"),
        (entry(not_this=["otra cosa", "problema  COMÚN 1"]), "$.p.not_this[1]"),
        (entry(translations={"en": {**ENGLISH, "not_this": [7]}}), "$.p.translations.en.not_this[0]"),
        (entry(translations={"en": {**ENGLISH, "not_this": ["it does not work"]}}), "$.p.translations.en.not_this[0]"),
        (entry(problem_title="nulo \x00"), "$.p.problem_title"),
        (entry(common_issues=["\ud800"]), "$.p.common_issues[0]"),
        (entry(steps=None), "$.p.steps"),
        (entry(steps=[]), "$.p.steps"),
        (entry(steps={"1": step()}), "$.p.steps"),
        (entry(steps=[step(), "paso"]), "$.p.steps[1]"),
        (entry(steps=[step(step_number=2)]), "$.p.steps[0].step_number"),
        (entry(steps=[step(step_number="1")]), "$.p.steps[0].step_number"),
        (entry(steps=[step(step_number=True)]), "$.p.steps[0].step_number"),
        (entry(steps=[step(), step(step_number=1)]), "$.p.steps[1].step_number"),
        (entry(steps=[step(title="")]), "$.p.steps[0].title"),
        (entry(steps=[step(instructions="una")]), "$.p.steps[0].instructions"),
        (entry(steps=[step(instructions=["ok", None])]), "$.p.steps[0].instructions[1]"),
        (entry(steps=[step(warnings=[["x"]])]), "$.p.steps[0].warnings[0]"),
        (entry(steps=[step(resources={})]), "$.p.steps[0].resources"),
        (entry(steps=[step(resources=["https://a.es"])]), "$.p.steps[0].resources[0]"),
        (entry(steps=[step(resources=[{"url": "https://a.es"}])]), "$.p.steps[0].resources[0].title"),
        (entry(steps=[step(resources=[{"title": "R", "url": "javascript:alert(1)"}])]), "$.p.steps[0].resources[0].url"),
        (entry(steps=[step(minutes="5")]), "$.p.steps[0].minutes"),
        (entry(steps=[step(minutes=float("nan"))]), "$.p.steps[0].minutes"),
        (entry(steps=[step(minutes=0)]), "$.p.steps[0].minutes"),
        (entry(steps=[step(chance=1.5)]), "$.p.steps[0].chance"),
        (entry(steps=[step(irreversible="sí")]), "$.p.steps[0].irreversible"),
        (entry(steps=[step(step_id="a"), step(step_number=2, step_id="a")]), "$.p.steps[1].step_id"),
        (entry(steps=[step(after=["nadie"])]), "$.p.steps[0].after"),
        (entry(steps=[step(step_id="a", after=["b"]), step(step_number=2, step_id="b")]), "$.p.steps[0].after"),
        (entry(steps=[step(step_id="a", after=["a"])]), "$.p.steps[0].after"),
        (entry(steps=[step(step_id="a", after=["b"]), step(step_number=2, step_id="b", after=["a"])]), "$.p.steps[0].after"),
        (entry(translations=["en"]), "$.p.translations"),
        (entry(translations={"en": "texto"}), "$.p.translations.en"),
        (entry(translations={"en": {**ENGLISH, "steps": []}}), "$.p.translations.en.steps"),
        (entry(translations={"en": {**ENGLISH, "problem_title": 5}}), "$.p.translations.en.problem_title"),
        (entry(translations={"en": {**ENGLISH, "steps": [{"title": ""}]}}), "$.p.translations.en.steps[0].title"),
        (entry(translations={"e\x00": ENGLISH}), "$.p.translations"),
        (entry(translations={"\ud800": ENGLISH}), "$.p.translations"),
    ],
)
def test_a_fault_is_named_by_its_json_path(broken: object, path: str) -> None:
    findings = Findings()
    assert read_entry("p", broken, findings) is None
    assert [problem.field for problem in findings.errors] == [path]
    # What is said can be written to any log.
    assert str(findings.errors[0]).encode()


@pytest.mark.parametrize("problem_id", ["", "  ", "x" * 129, "a\x00b", "\ud800"])
def test_an_identifier_that_cannot_be_stored_is_named(problem_id: str) -> None:
    findings = Findings()
    assert read_entry(problem_id, entry(), findings) is None
    assert str(findings.errors[0]).startswith("$: El identificador ")


def test_every_fault_of_an_entry_is_named_at_once() -> None:
    findings = Findings()
    broken = entry(problem_title=1, common_issues="no", steps=[step(title=None, resources=[{}])])
    read_entry("p", broken, findings)
    assert {problem.field for problem in findings.errors} == {
        "$.p.problem_title",
        "$.p.common_issues",
        "$.p.steps[0].title",
        "$.p.steps[0].resources[0].title",
        "$.p.steps[0].resources[0].url",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "problem_title", "category", "difficulty", "steps", "common_issues", "translations", "prerequisites", "codes", "not_this"
)  # fmt: skip
STEP_KEYS = (
    "step_number",
    "title",
    "instructions",
    "resources",
    "warnings",
    "minutes",
    "chance",
    "after",
    "step_id",
    "irreversible",
)


@given(
    top=st.dictionaries(st.sampled_from(KEYS), JSON), own=st.dictionaries(st.sampled_from(STEP_KEYS), JSON), deep=st.booleans()
)
def test_whatever_an_author_writes_is_a_guide_or_named_faults(top: dict[str, Any], own: dict[str, Any], deep: bool) -> None:
    findings = Findings()
    guide = read_entry("p", entry(**({"steps": [step(**own)]} if deep else top)), findings)
    assert (guide is None) == bool(findings.errors)
    assert all(problem.field.startswith("$.p") for problem in findings.errors)
    if guide is not None:
        assert guide_from_json(guide_to_json(guide)) == guide


# ------------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": ', "línea 1, columna"),
        ('{\n "a": {},\n "a": {}\n}', "$.a: Está repetido"),
        ("[]", "$: Debe ser un objeto"),
        ('{"p": null}', "$.p: Debe ser un objeto"),
        ("[" * 100_000, "niveles anidados"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Any, text: str, said: str) -> None:
    path = tmp_path / "kb.json"
    path.write_text(text, "utf-8")
    with pytest.raises(KnowledgeBaseInvalid) as caught:
        read_file(path)
    assert said in str(caught.value)


@pytest.mark.parametrize("depth", [*range(300, 1_000, 20)])
def test_deep_nesting_is_a_named_fault_whatever_its_depth(tmp_path: Any, depth: int) -> None:
    path = tmp_path / "kb.json"
    path.write_text('{"p": {"problem_title": "T", "extra": ' + "[" * depth + "]" * depth + "}}", "utf-8")
    with pytest.raises(KnowledgeBaseInvalid):
        read_file(path)


def test_bytes_that_are_no_text_are_a_named_fault(tmp_path: Any) -> None:
    path = tmp_path / "kb.json"
    path.write_bytes(b'{"p": "\xff\xfe"}')
    with pytest.raises(KnowledgeBaseInvalid, match="UTF-8"):
        read_file(path)


def test_the_hash_of_an_entry_ignores_the_order_of_its_keys() -> None:
    turned = dict(reversed(entry().items()))
    assert content_hash(turned) == content_hash(entry())
    assert content_hash(entry(difficulty="fácil")) != content_hash(entry())


# ------------------------------------------------------------------------------------------------------ identity over edits

TEXTS = {
    "abre": ("Abre la aplicación", "Busca el icono en el escritorio y haz doble clic."),
    "red": ("Reinicia el router", "Desconecta el cable de corriente, espera un minuto y vuelve a conectarlo."),
    "pc": ("Reinicia el ordenador", "Desconecta el cable de corriente, espera un minuto y vuelve a conectarlo."),
    "borra": ("Borra la caché", "En Ajustes, elige Almacenamiento y pulsa Borrar."),
}


def guide_of(*names: str, **changes: dict[str, Any]) -> Guide:
    made = [
        replace(Step(number, TEXTS[name][0], instructions=(TEXTS[name][1],)), **changes.get(name, {}))
        for number, name in enumerate(names, 1)
    ]
    return Guide("g", "Problema", steps=tuple(made))


def ids(guide: Guide) -> list[str]:
    return [step.step_id for step in guide.steps]


def first(*names: str) -> Guide:
    return carry_step_ids(guide_of(*names), None)


def test_first_ids_come_from_titles_and_are_unique() -> None:
    guide = carry_step_ids(
        Guide("g", "P", steps=tuple(Step(n, title) for n, title in enumerate(["Abre", "¡Abre!", "¿?", "¿?"], 1))), None
    )
    assert ids(guide) == ["abre", "abre-2", "paso", "paso-2"]
    assert {step.revision for step in guide.steps} == {1}


def test_an_unchanged_guide_keeps_ids_and_revisions() -> None:
    before = first(*TEXTS)
    assert carry_step_ids(guide_of(*TEXTS), before) == before


def test_reordered_steps_keep_their_ids() -> None:
    before = first(*TEXTS)
    by_title = {step.title: step.step_id for step in before.steps}
    after = carry_step_ids(guide_of(*reversed(TEXTS)), before)
    assert {step.title: step.step_id for step in after.steps} == by_title
    assert {step.revision for step in after.steps} == {1}


def test_a_new_step_before_a_similar_one_does_not_take_its_id() -> None:
    before = first("abre", "red")
    after = carry_step_ids(guide_of("abre", "pc", "red"), before)
    assert ids(after) == [ids(before)[0], "reinicia-el-ordenador", ids(before)[1]]
    assert [step.revision for step in after.steps] == [1, 1, 1]


def test_a_retitled_step_keeps_its_id_and_counts_a_revision() -> None:
    before = first("abre", "borra")
    after = carry_step_ids(guide_of("abre", "borra", borra={"title": "Borra la memoria caché"}), before)
    assert ids(after) == ids(before)
    assert [step.revision for step in after.steps] == [1, 2]


def test_two_edited_steps_go_to_those_that_they_are_most_like() -> None:
    before = first("red", "pc")
    edited = {"red": {"title": "Reinicia el router ya"}, "pc": {"title": "Reinicia el ordenador ya"}}
    after = carry_step_ids(guide_of("pc", "red", **edited), before)
    assert ids(after) == ["reinicia-el-ordenador", "reinicia-el-router"]


def test_a_deleted_step_takes_no_id_with_it_and_comes_back_as_a_new_one() -> None:
    before = first("abre", "red", "borra")
    after = carry_step_ids(guide_of("abre", "borra"), before)
    assert ids(after) == [ids(before)[0], ids(before)[2]]


def test_a_rewritten_step_is_a_new_one_and_the_old_id_is_not_given_again() -> None:
    before = first("abre")
    rewritten = Guide(
        "g",
        "P",
        steps=(Step(1, "Abre la aplicación", instructions=("Es otra cosa por completo: llama por teléfono al 900.",) * 3),),
    )
    after = carry_step_ids(rewritten, before)
    assert ids(after) == ["abre-la-aplicación-2"]
    assert after.steps[0].revision == 1


def test_the_authors_own_ids_win_over_likeness() -> None:
    before = first("abre", "red")
    after = carry_step_ids(guide_of("red", "abre", red={"step_id": ids(before)[0]}), before)
    # The author says that this text is the first step now; the other one is then the first step's text under a new id.
    assert ids(after) == [ids(before)[0], "abre-la-aplicación-2"]
    assert after.steps[0].revision == 2


def test_twins_keep_their_order() -> None:
    before = first("abre", "red", "abre")
    assert ids(before) == ["abre-la-aplicación", "reinicia-el-router", "abre-la-aplicación-2"]
    assert ids(carry_step_ids(guide_of("abre", "red", "abre"), before)) == ids(before)


@given(old=st.lists(st.sampled_from(sorted(TEXTS)), max_size=6), new=st.lists(st.sampled_from(sorted(TEXTS)), max_size=6))
def test_ids_are_unique_and_a_text_that_stays_keeps_its_id(old: list[str], new: list[str]) -> None:
    before = first(*old)
    after = carry_step_ids(guide_of(*new), before)
    assert len(set(ids(after))) == len(new)
    for name in TEXTS:
        title = TEXTS[name][0]
        had = {step.step_id for step in before.steps if step.title == title}
        has = {step.step_id for step in after.steps if step.title == title}
        assert len(had & has) == min(len(had), len(has))


def test_long_guides_are_matched_in_a_moment() -> None:
    words = [f"palabra{n}" for n in range(400)]
    old = [Step(n, f"Paso {n}", instructions=(" ".join(words[n:] + words[:n])[:3_900],)) for n in range(1, 31)]
    new = [replace(step, instructions=(step.instructions[0] + " más",)) for step in old]
    before, started = carry_step_ids(Guide("g", "P", steps=tuple(old)), None), clock.monotonic_s()
    after = carry_step_ids(Guide("g", "P", steps=tuple(new)), before)
    assert ids(after) == ids(before)
    assert clock.monotonic_s() - started < 10


# ------------------------------------------------------------------------------------------------------ storage, languages

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8)
LISTS = st.lists(WORDS, max_size=2).map(tuple)
STEPS = st.builds(
    Step,
    step_number=st.just(1),
    title=WORDS,
    instructions=LISTS,
    warnings=LISTS,
    after=LISTS,
    resources=st.lists(st.fixed_dictionaries({"title": WORDS, "url": WORDS}), max_size=2).map(tuple),
    step_id=WORDS,
    revision=st.integers(1, 99),
    minutes=st.none() | st.floats(0, 1e6),
    chance=st.none() | st.floats(0, 1),
    replaces=st.none() | WORDS,
    irreversible=st.booleans(),
)
GUIDES = st.builds(
    Guide,
    problem_id=WORDS,
    problem_title=WORDS,
    category=st.sampled_from(ProblemCategory) | st.just("propia"),
    steps=st.lists(STEPS, max_size=3).map(tuple),
    common_issues=LISTS,
    prerequisites=LISTS,
    escalation_criteria=LISTS,
    codes=LISTS,
    not_this=LISTS,
    translations=st.dictionaries(
        WORDS, st.fixed_dictionaries({"problem_title": WORDS, "common_issues": st.lists(WORDS)}), max_size=2
    ),
)


@given(guide=GUIDES)
def test_a_stored_guide_is_read_back_the_same(guide: Guide) -> None:
    stored = json.loads(json.dumps(guide_to_json(guide)))
    assert guide_from_json(stored) == guide


def test_a_guide_speaks_the_languages_that_its_author_wrote() -> None:
    guide = read_entry("p", entry(translations={"en": ENGLISH}), Findings())
    spoken = guide.in_language("en")

    assert (spoken.problem_title, spoken.common_issues) == ("Title", ("it does not work",))
    assert (spoken.steps[0].title, spoken.steps[0].instructions) == ("Step 1", ("Do this",))
    # What the author left out stays in Spanish.
    assert spoken.problem_description == "Descripción del problema"
    assert spoken.steps[0].warnings == ("Precaución importante",)
    assert spoken.steps[0].resources == guide.steps[0].resources
    assert guide.in_language("pt") is guide
    assert guide.in_language("es") is guide


def _members(
    text: str, known: Mapping[str, tuple[int, int]] | None = None
) -> tuple[dict[str, object], dict[str, tuple[int, int]]]:
    found = walk(text, known or {})
    assert found is not None
    return found


def test_an_edited_file_decodes_the_edited_entries_only() -> None:
    plain = {f"p{n}": {"n": n, "t": "}" * n} for n in range(6)}
    _, known = _members(json.dumps(plain))
    for edited in (
        plain | {"p0": {"n": 9}},
        plain | {"p3": {"n": 9}, "p5": {}},
        {"new": {"n": 1}} | plain,
        {key: value for key, value in plain.items() if key not in ("p0", "p4")},
        {"p5": plain["p5"], "x": {}, "p2": plain["p2"], "p1": {"n": 2}},
    ):
        values, sources = _members(json.dumps(edited), known)
        assert list(values) == list(edited) == list(sources)
        read = {key: value for key, value in values.items() if value is not UNCHANGED}
        moved = {next(iter(plain)), next(iter(edited))}  # the first one is written without a space before it
        assert {key for key, value in edited.items() if plain.get(key) != value} <= read.keys()
        assert read.keys() <= {key for key, value in edited.items() if plain.get(key) != value} | moved
        assert all(edited[key] == value for key, value in read.items())
        assert _members(json.dumps(edited), sources)[0] == dict.fromkeys(edited, UNCHANGED)


@pytest.mark.parametrize(
    "tail", ['{"p0": {"n": 0}, "p0": {"n": 0}}', '{"p0": {"n": 0}, "p1": 1}', '{"p0": {"n": 0}} x', '{"p0": {"n": 0},', "", "["]
)
def test_a_text_that_is_wrong_is_never_taken_for_an_unchanged_one(tail: str) -> None:
    _, known = _members('{"p0": {"n": 0}, "p1": {}}')
    assert walk(tail, known) is None
