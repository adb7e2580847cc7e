"""`guiado kb check`: what may be published, for people and for continuous integration; imports, and edits that are in use."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from terminal import Ran

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.app import diagnostics
from guiado.app.knowledge.check.diagnostics import look_at_changes
from guiado.sync import engine

Run = Callable[..., Ran]


def step(title: str, minutes: float, chance: float, **more: object) -> dict[str, Any]:
    key = title.split(maxsplit=1)[0].lower()
    result = "Funciona."
    return {"step_id": key, "title": title, "instructions": [f"{title} ahora."], "minutes": minutes, "chance": chance,
            "expected_result": result, **more}  # fmt: skip


QUICK, SLOW = step("Enchufa el aparato", 2, 0.5), step("Restablece el aparato", 25, 0.1)


def entry(*steps: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"problem_title": "No sale café", "common_issues": ["no sale café", "sale frío"], "steps": list(steps), **more}


def write(path: Path, **guides: object) -> Path:
    path.write_text(json.dumps(guides, ensure_ascii=False, indent=1), "utf-8")
    return path


@pytest.fixture(autouse=True)
def lexical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old.json", cafetera=entry(QUICK, SLOW), horno=entry(QUICK, problem_title="El horno humea"))


# -------------------------------------------------------------------------------------------------- two files, without a database


@pytest.fixture
def checked(here: Run, old: Path, tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    """Checks a base against the old one: exit code, and what is told as JSON."""

    def call(*words: str, **guides: object) -> tuple[int, Any]:
        new = write(tmp_path / "new.json", **guides)
        said = here("kb", "check", str(new), "--against", str(old), "--json", *words)
        return said.code, json.loads(said.out)

    return call


HORNO = entry(QUICK, problem_title="El horno humea")


def of(told: Any, guide: str) -> Any:
    return next(each for each in told["guides"] if each["guide"] == guide)


def test_a_costlier_guide_is_refused_and_the_better_one_accepted(checked: Callable[..., tuple[int, Any]]) -> None:
    code, told = checked(cafetera=entry(SLOW, QUICK), horno=HORNO)
    worse = of(told, "cafetera")
    assert (code, told["ok"], worse["ok"], worse["change"]) == (1, False, False, "changed")
    assert [each["kind"] for each in worse["refusals"]] == ["costlier"]
    assert worse["refusals"][0]["line"] > 1
    replay = worse["replay"]
    assert replay["sessions"] == 500
    assert replay["new_minutes"] > replay["old_minutes"] * 1.05
    assert replay["low"] > 0
    assert (of(told, "horno")["change"], of(told, "horno")["replay"]) == ("unchanged", None)

    code, told = checked("--sessions", "900", cafetera=entry({**QUICK, "minutes": 1}, SLOW), tostadora=entry(QUICK))
    better = of(told, "cafetera")
    assert (code, told["ok"], told["removed"], of(told, "tostadora")["change"]) == (0, True, ["horno"], "added")
    assert better["replay"]["sessions"] == 900
    assert better["replay"]["difference"] < 0


def test_every_kind_of_defect_is_told_with_its_line(checked: Callable[..., tuple[int, Any]]) -> None:
    circle = [{**QUICK, "after": ["restablece"]}, {**SLOW, "after": ["enchufa"]}]
    silent = {**QUICK, "instructions": [], "variants": {"mac": {"instructions": ["Pulsa."]}}}
    code, told = checked(
        vuelta=entry(*circle),
        nadie=entry({**QUICK, "after": ["no-existe"]}),
        hueco=entry({**QUICK, "instructions": ["Llama al {{numero}}."]}),
        variante=entry(silent, variants={"mac": "Mac", "pc": "PC"}),
        cafetera=entry(QUICK, SLOW),
    )
    kinds = {each["guide"]: {found["kind"] for found in each["refusals"]} for each in told["guides"] if each["refusals"]}
    assert code == 1
    assert kinds == {"vuelta": {"structure"}, "nadie": {"structure"}, "hueco": {"missing_variable"}, "variante": {"dead_end"}}
    assert all(found["line"] for each in told["guides"] for found in each["refusals"])
    assert of(told, "cafetera")["ok"], "what is wrong with others does not touch it"


def test_warnings_refuse_when_asked_to(checked: Callable[..., tuple[int, Any]]) -> None:
    assert checked(cafetera=entry(QUICK, SLOW), horno=HORNO)[0] == 0
    code, told = checked("--strict", cafetera=entry(QUICK, SLOW), horno=HORNO)
    assert (code, told["ok"]) == (1, False)
    assert told["warnings"] or any(each["warnings"] for each in told["guides"])


def test_people_read_a_table_and_a_verdict(here: Run, old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.json", cafetera=entry(SLOW, {**QUICK, "after": ["nadie"]}), horno=entry(SLOW, QUICK))
    said = here("kb", "check", str(new), "--against", str(old))
    assert said.code == 1
    lines = said.out.splitlines()
    assert "cafetera" in lines
    assert any(line.startswith("✗ new.json:") and "No hay ningún paso nadie" in line for line in lines)
    assert any(line.startswith("horno  ") and " %" in line and line.endswith("500") for line in lines)
    assert "✗ new.json: no se debe publicar así. Guías con fallos: 2." in said.out
    assert here("kb", "check", str(old), "--against", str(old)).out.splitlines()[-1].startswith("✓ old.json: se puede publicar")


def test_junit_has_a_case_for_each_guide(here: Run, old: Path, tmp_path: Path) -> None:
    odd = {**QUICK, "title": "Pulsa <Intro> & «espera» ]]>", "after": ["ni<ngu>no"]}
    new, report = write(tmp_path / "new.json", cafetera=entry(SLOW, QUICK), horno=entry(odd)), tmp_path / "report.xml"
    report.write_text("antes", "utf-8")
    assert here("kb", "check", str(new), "--against", str(old), "--junit", str(report)).code == 1
    suite = ET.fromstring(report.read_bytes())[0]  # noqa: S314 our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    failed = {case.get("name"): case.find("failure") for case in suite}
    assert list(failed) == ["Todo el archivo", "cafetera", "horno"]
    assert failed["Todo el archivo"] is None
    assert failed["cafetera"].get("type") == "costlier"
    assert "ni<ngu>no" in failed["horno"].get("message")
    assert failed["horno"].text.startswith("new.json:")
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".guiado")]


def test_junit_goes_into_a_pipe_too_and_says_where_it_cannot(here: Run, old: Path, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert here("kb", "check", str(old), "--against", str(old), "--junit", str(pipe)).code == 0
    reader.join(10)
    assert ET.fromstring(read[0]).get("failures") == "0"  # noqa: S314 our own
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    said = here("kb", "check", str(old), "--against", str(old), "--junit", str(tmp_path / "no" / "report.xml"))
    assert said.code == 1
    assert "No se puede escribir" in said.err


@pytest.mark.parametrize("broken", ["{", "[]", "", '{"cafetera": 5}', '{"cafetera": {"problem_title": "T", "steps": [{}]}}'])
def test_a_file_that_cannot_be_read_is_a_failure_for_programs_too(here: Run, old: Path, tmp_path: Path, broken: str) -> None:
    new, report = tmp_path / "new.json", tmp_path / "report.xml"
    new.write_text(broken, "utf-8")
    said = here("kb", "check", str(new), "--against", str(old), "--json", "--junit", str(report))
    told = json.loads(said.out)
    assert (said.code, told["ok"]) == (1, False)
    assert told["errors"] or told["guides"][0]["refusals"]
    assert ET.fromstring(report.read_bytes()).get("failures") == "1"  # noqa: S314 our own


@pytest.mark.parametrize("words", [["--sessions", "10"], ["--sessions", "99999999"], ["--against", "no-existe.json"]])
def test_what_cannot_be_is_refused(here: Run, old: Path, words: list[str]) -> None:
    said = here("kb", "check", str(old), *words)
    assert said.code != 0
    assert said.err


def test_other_formats_are_checked_too(here: Run, tmp_path: Path) -> None:
    table = tmp_path / "lote.csv"
    table.write_text("id,título,pasos\ncafetera,La cafetera no calienta,Enchúfala\n", "utf-8")
    said = here("kb", "check", str(table), "--against", str(table), "--json")
    assert (said.code, of(json.loads(said.out), "cafetera")["change"]) == (0, "unchanged")


# --------------------------------------------------------------------------------------------------------------- what is in use


@pytest.fixture
def file(facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The knowledge base in use, which everybody has taken in."""
    made = write(tmp_path / "kb.json", cafetera=entry(QUICK, SLOW), horno=HORNO)
    monkeypatch.setenv("GUIADO_KB_PATH", str(made))
    assert TroubleshootingAgent().knowledge_base
    yield made
    close_engines()


def first_step() -> str:
    return TroubleshootingAgent().knowledge_base["cafetera"].steps[0].step_id


def test_a_file_is_compared_with_what_is_in_use_and_changes_nothing(here: Run, file: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.json", cafetera=entry(SLOW, QUICK), horno=HORNO)
    said = here("kb", "check", str(new), "--json")
    assert said.code == 1
    assert [each["kind"] for each in of(json.loads(said.out), "cafetera")["refusals"]] == ["costlier"]
    assert first_step() == "enchufa"
    assert here("kb", "check").code == 0


def test_an_import_leaves_out_what_the_check_refuses_unless_forced(here: Run, file: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "lote.json", cafetera=entry(SLOW, QUICK), tostadora=entry(QUICK, problem_title="No tuesta"))
    said = here("kb", "import", str(new), "--yes")
    assert said.code == 1
    assert "lote.json" in said.out
    assert "Una sesión costaría" in said.out
    assert "No se importan, porque kb check las rechaza: 1." in said.out
    assert set(TroubleshootingAgent().knowledge_base) == {"cafetera", "horno", "tostadora"}
    assert first_step() == "enchufa"
    told = json.loads(here("kb", "import", str(new), "--replace", "--json").out)
    assert (told["refused"], told["changed"], told["dropped"], told["error_count"]) == (["cafetera"], [], [], 1)
    forced = here("kb", "import", str(new), "--yes", "--force")
    assert forced.code == 0
    assert "Se importan aunque kb check las rechaza: 1." in forced.out
    assert first_step() == "restablece"


def test_a_worse_edit_is_said_and_taken_back_as_told(
    here: Run, file: Path, facade: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An edit counts at once; the log, doctor and the check say that it is worse, and the remedy helps."""

    def doubts() -> list[str]:
        found = engine().portal.call(look_at_changes, facade, "default")
        return [str(each.said) for each in found if each.state != "good"]

    assert doubts() == []
    watch = engine().runtime.knowledge.watch
    write(file, cafetera=entry(SLOW, QUICK), horno=HORNO)
    assert first_step() == "restablece"
    watch.wait(20)
    assert list(watch.refused) == ["cafetera"]
    assert "guides_refused" in caplog.text
    write(file, cafetera=entry(SLOW, QUICK, problem_title="No sale el café"), horno=HORNO)  # no better for that
    assert TroubleshootingAgent().knowledge_base["cafetera"].problem_title == "No sale el café"
    watch.wait(20)
    assert list(watch.refused) == ["cafetera"]
    write(file, cafetera=entry(QUICK, SLOW), horno=HORNO)
    assert first_step() == "enchufa"
    watch.wait(20)
    assert watch.refused == {}

    write(file, cafetera=entry(SLOW, QUICK), horno=HORNO)
    assert first_step() == "restablece"
    (said,) = doubts()
    assert "guiado kb check" in said
    assert "guiado kb revert cafetera" in said
    for words in ([], [str(file)]):
        assert "Una sesión costaría" in here("kb", "check", *words).out
    assert here("kb", "revert", "cafetera").code == 0
    assert first_step() == "enchufa"
    assert doubts() == []
    assert here("kb", "check").code == 0


def test_doctor_names_the_guides_of_the_file_with_defects(file: Path) -> None:
    (good,) = diagnostics.look_at_knowledge(file)
    write(file, cafetera=entry({**QUICK, "instructions": ["Llama al {{numero}}."]}))
    (said,) = diagnostics.look_at_knowledge(file)
    assert "kb check" not in str(good.said)
    assert said.state == "doubtful"
    assert "1 (cafetera)" in str(said.said)
