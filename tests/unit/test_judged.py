"""Files of judged texts: three forms, and every fault named by its place with a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guiado.app.learning import labelled_texts
from guiado.app.learning.evaluate import problems_of
from guiado.app.learning.labelled_texts import read_trial
from guiado.detection import Problem
from guiado.errors import InvalidInput

KNOWN = ("red", "cuenta")
GOOD = [("se cae el wifi", "red"), ('dice "error", y ya', "cuenta"), ("quiero una pizza", None)]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def faults(path: Path) -> dict[str, str]:
    """What is refused: place -> reason."""
    with pytest.raises(InvalidInput) as caught:
        read_trial(path, KNOWN)
    return {problem.field: str(problem.message) for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "\n".join(json.dumps({"text": t, "problem_id": p}) for t, p in GOOD) + "\n\n"),
        ("lines.txt", "\n".join(json.dumps({"text": t, "problem_id": p}) for t, p in GOOD)),
        ("a.json", json.dumps([{"text": t, "problem_id": p} for t, p in GOOD], indent=1)),
        ("pairs.json", json.dumps({"test": GOOD})),
        ("a.csv", 'text,problem_id\nse cae el wifi,red\n"dice ""error"", y ya",cuenta\nquiero una pizza,\n'),
        ("excel.csv", '\ufefftext;problem_id\r\nse cae el wifi;red\r\n"dice ""error"", y ya"; cuenta \r\nquiero una pizza; \r\n'),
        ("a.tsv", 'more\ttext\tproblem_id\nx\tse cae el wifi\tred\ny\t"dice ""error"", y ya"\tcuenta\nz\tquiero una pizza\t\n'),
    ],
)
def test_every_form_is_read(tmp_path: Path, name: str, content: str) -> None:
    trial = read_trial(write(tmp_path, name, content), KNOWN)
    assert [(row.text, row.problem_id) for row in trial.rows] == GOOD


def test_a_file_may_bring_its_own_problems_and_phrases(tmp_path: Path) -> None:
    problems = [{"id": "p1", "title": "Uno", "description": ""}, {"id": "p2", "title": "Dos"}]
    raw = {"problems": problems, "train": [["primera", "p1"], ["de nadie", None]], "test": [["x", "p1"]], "name": "n"}
    trial = read_trial(write(tmp_path, "set.json", json.dumps(raw)), KNOWN)
    found = problems_of(trial, ())
    assert [(p.problem_id, p.title, p.phrases) for p in found] == [("p1", "Uno", ("primera",)), ("p2", "Dos", ())]

    more = read_trial(write(tmp_path, "more.json", json.dumps({"train": [["nueva", "red"]], "test": [["x", "red"]]})), KNOWN)
    assert problems_of(more, [Problem("red", "Red", "", ("vieja",))])[0].phrases == ("vieja", "nueva")


@pytest.mark.parametrize(
    ("name", "content", "place", "said"),
    [
        ("a.jsonl", "", "a.jsonl", "Está vacío"),
        ("a.csv", " \n\n", "a.csv", "Está vacío"),
        ("a.csv", "texto,problema\nx,red\n", "a.csv:1", "Faltan las columnas"),
        ("a.csv", "text,problem_id\nme cobraron, y mal,red\n", "a.csv:2", "más columnas"),
        ("a.csv", "text,problem_id\nx,red\nsolo texto\n", "a.csv:3", "Falta el campo problem_id"),
        ("a.csv", 'text,problem_id\n"x"y,red\n', "a.csv:2", "comillas"),
        ("a.csv", 'text,problem_id\nx,red\n"y\nz\n', "a.csv:3", "comillas"),
        ("a.csv", "text,problem_id\n,red\n", "a.csv:2", "text está vacío"),
        ("a.csv", "text,problem_id\n", "a.csv", "No hay ninguna fila"),
        ("a.jsonl", '{"text": "x", "problem_id": "red"}\n{"text": }', "a.jsonl:2", "JSON está mal escrito"),
        ("a.jsonl", '{"text": "x", "problem_id": "red"}\n{"text": "y"}', "a.jsonl:2", "Falta el campo problem_id"),
        ("a.jsonl", '{"text": "x", "problem_id": "red"}\n[1]', "a.jsonl:2", "Una fila es"),
        ("a.jsonl", '{"text": "x", "problem_id": "red"}\n{}', "a.jsonl:2", "Falta el campo text, problem_id"),
        ("a.jsonl", '{"text": "x", "problem_id": "cuentas"}', "a.jsonl:1", "¿Quisiste decir cuenta?"),
        ("a.jsonl", '{"text": "x", "problem_id": "zzz"}', "a.jsonl:1", "guiado kb show"),
        ("a.jsonl", '{"text": 5, "problem_id": "red"}', "a.jsonl:1", "no es un texto"),
        ("a.jsonl", '{"text": "x", "problem_id": 5}', "a.jsonl:1", "o null"),
        ("a.jsonl", '{"text": "x", "problem_id": ""}', "a.jsonl:1", "o null"),
        ("a.jsonl", json.dumps({"text": "x" * 100_001, "problem_id": "red"}), "a.jsonl:1", "Acórtalo"),
        ("a.jsonl", '{"text": "x", "problem_id": null}\n{"text": "y", "problem_id": null}', "a.jsonl", "Ninguna fila"),
        ("a.json", "{", "a.json:1", "JSON está mal escrito"),
        ("a.json", '[\n["x", "red"],\n["y" "red"]]', "a.json:3", "falta una coma"),
        ("a.json", "[" * 100_000, "a.json", "anidados"),
        ("a.json", "5", "a.json:$", '"test"'),
        ("a.json", '{"rows": []}', "a.json:$", '"test"'),
        ("a.json", '{"test": {}}', "a.json:$.test", "lista de filas"),
        ("a.json", '{"test": [["x", "red"], ["y"]]}', "a.json:$.test[1]", "Una fila es"),
        ("a.json", '{"test": [["x", "red"]], "problems": [{"title": "x"}]}', "a.json:$.problems[0]", '"id"'),
        ("a.csv", b"text,problem_id\nx,red\ncontrase\xf1a,red\n", "a.csv:3", "UTF-8"),
        ("a.json", b"\xff\xfe\x00\x01", "a.json:1", "UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_the_remedy(tmp_path: Path, name: str, content, place: str, said: str) -> None:
    found = faults(write(tmp_path, name, content))
    assert said in found[place]
    assert found[place].count(".") >= 1
    assert list(found) == [place]


def test_many_faults_are_told_at_once_but_not_all(tmp_path: Path) -> None:
    rows = ['{"text": "x", "problem_id": "red"}', "{", '{"text": ""}', '{"text": "", "problem_id": "red"}']
    assert set(faults(write(tmp_path, "a.jsonl", "\n".join(rows)))) == {"a.jsonl:2", "a.jsonl:3", "a.jsonl:4"}
    assert len(faults(write(tmp_path, "b.jsonl", "{\n" * 1_000))) == 20


def test_what_is_no_readable_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "nada.csv", tmp_path, Path("a\x00b")):
        assert "No se puede leer" in str(faults(path))
    monkeypatch.setattr(labelled_texts, "MOST_ROWS", 2)
    assert "Divide el archivo" in str(faults(write(tmp_path, "a.json", json.dumps([["x", "red"]] * 9))))
    monkeypatch.setattr("guiado.app.text_file._MAX_FILE_MB", 0)
    assert "pasa de 0 MB" in str(faults(write(tmp_path, "a.json", "[]")))
