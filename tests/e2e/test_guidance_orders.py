"""`guiado guidance show`, `set` and `simulate`: an author sees what is known, what follows from it, and what each rule costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from terminal import Ran

from guiado.app.guidance.refit import refit_tenant
from guiado.sync import engine

Run = Callable[..., Ran]
STEPS = [
    {"step_id": "llamar", "title": "Llama al proveedor", "instructions": ["Llama."], "minutes": 20, "chance": 0.1},
    {"step_id": "reiniciar", "title": "Reinicia el router", "instructions": ["Apágalo."], "minutes": 2, "chance": 0.6},
    {"step_id": "cable", "title": "Mira el cable", "instructions": ["Míralo."], "minutes": 1, "chance": 0.2},
]
GUIDE = {"problem_title": "No hay internet", "common_issues": ["no hay internet"], "steps": STEPS, "variants": {"mac": "Mac"}}


@pytest.fixture(autouse=True)
def _one_guide(facade: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    path.write_text(json.dumps({"internet": GUIDE}), "utf-8")
    for name, value in (("ENCODER", "lexical"), ("HOME", str(tmp_path)), ("KB_PATH", str(path))):
        monkeypatch.setenv(f"GUIADO_{name}", value)


def told(here: Run, *words: str) -> dict[str, Any]:
    ran = here("guidance", *words, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_the_order_is_shown_with_what_it_saves_and_as_a_picture(here: Run, tmp_path: Path) -> None:
    picture = tmp_path / "orden.svg"
    shown = here("guidance", "show", "internet", "--plot", str(picture))
    assert shown.code == 0
    for words in (
        "Todavía no se aprendió nada",
        "Si nada ayuda: Reinicia el router → Mira el cable → una persona",
        "persona antes",
    ):
        assert words in shown.out
    assert "✓ Guardado" in shown.err
    drawn = "".join(ET.fromstring(picture.read_text("utf-8")).itertext())  # noqa: S314 our own
    assert "Reinicia el router" in drawn
    assert "Aquí, una persona" in drawn

    report = told(here, "show", "internet", "--variant", "mac")
    assert (report["order"], report["variant"], report["order_in_use"]) == (["reiniciar", "cable"], "mac", None)
    first = report["steps"][0]
    assert (first["step_id"], first["place"], first["moved"], first["too_few"]) == ("llamar", None, None, True)
    assert report["saved"]["minutes"] == pytest.approx(report["author_minutes"] - report["learned_minutes"], abs=0.001)
    for words, named in ((("show", "nada"), "Guía no encontrada"), (("show", "internet", "--variant", "linux"), "mac")):
        refused = here("guidance", *words)
        assert refused.code != 0
        assert named in refused.err


def test_a_rule_is_kept_and_its_cost_is_told_at_once(here: Run) -> None:
    changed = here("guidance", "set", "internet", "--pin", "llamar", "--order", "author", "--no-explore")
    assert changed.code == 0, changed.err
    assert "Primero «Llama al proveedor»" in changed.out
    assert "Orden: el del autor. Ningún paso se ofrece solo para aprender." in changed.out
    report = told(here, "set", "internet", "--keep", "cable:reiniciar", "--floor", "3", "--order", "auto")
    assert report["order"] == ["llamar", "cable", "reiniciar"]
    rules = report["rules"]
    assert (rules["pinned"], rules["kept"], rules["floor"], rules["explores"]) == (["llamar"], [["cable", "reiniciar"]], 3, False)
    assert rules["order"] is None
    costs = {each["kind"]: each["cost"] for each in report["rule_costs"]}
    assert costs["pin"] > 10  # twenty minutes before anything that helps
    assert set(costs) == {"pin", "keep", "floor"}

    loose = told(here, "set", "internet", "--unpin", "llamar", "--unkeep", "cable:reiniciar")["rules"]
    assert (loose["pinned"], loose["kept"], loose["floor"]) == ([], [], 3)
    assert told(here, "set", "internet", "--clear")["rules"]["floor"] == 0
    for words, field in (
        (("--pin", "nada"), "--pin"),
        (("--keep", "reiniciar"), "--keep"),
        (("--order", "mine"), "--order"),
        (("--unpin", "llamar"), "--unpin"),
        (("--unkeep", "cable"), "--unkeep"),
    ):
        refused = here("guidance", "set", "internet", *words)
        assert refused.code != 0
        assert field in refused.err


def test_a_trial_on_invented_customers_is_the_same_again(here: Run) -> None:
    found = told(here, "simulate", "internet", "--sessions", "200", "--seed", "3")
    assert found == told(here, "simulate", "internet", "--sessions", "200", "--seed", "3")
    both = found["comparison"]
    assert both["author"]["minutes"] - both["plan"]["minutes"] == pytest.approx(both["saved"])
    assert both["low"] > 0
    assert found["learned"] is False
    said = here("guidance", "simulate", "internet", "--sessions", "50")
    assert said.code == 0
    assert "Resueltas sin una persona" in said.out


def test_a_plan_of_no_session_is_not_told_as_learned(here: Run) -> None:
    assert here("guidance", "set", "internet", "--order", "learned").code == 0
    running = engine()
    assert running.portal.call(refit_tenant, running.runtime.parts) == 1
    assert told(here, "show", "internet")["order_in_use"] == "learned"
    assert told(here, "simulate", "internet", "--sessions", "50")["learned"] is False
