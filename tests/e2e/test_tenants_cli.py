"""`guiado tenants`: create tenants, and list those that there are."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from terminal import Ran

from guiado.agent import TroubleshootingAgent, close_engines

Run = Callable[..., Ran]


def test_a_created_tenant_is_listed_and_has_the_guides(here: Run, facade: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = json.loads(here("tenants", "create", "acme", "--json").out)
    assert (made["tenant"], made["problems"] > 5) == ("acme", True)
    assert "✓ Organización otra creada" in here("tenants", "create", "otra").out
    monkeypatch.setenv("GUIADO_TENANT", "acme")
    noted = [(one["action"], one["object_id"]) for one in json.loads(here("audit", "list", "--json").out)]
    assert noted == [("create", "acme")]
    monkeypatch.delenv("GUIADO_TENANT")
    listed = json.loads(here("tenants", "list", "--json").out)
    assert [(each["tenant"], each["is_own"], each["created_at"] is not None) for each in listed] == [
        ("acme", False, True), ("default", True, False), ("otra", False, True),
    ]  # fmt: skip
    said = here("tenants", "list").out
    assert "GUIADO_TENANT" in said
    assert "acme" in said
    close_engines()
    monkeypatch.setenv("GUIADO_TENANT", "acme")
    assert len(TroubleshootingAgent().knowledge_base) == made["problems"]


@pytest.mark.parametrize("name", ["", " acme", "a" * 65, "a\nb", "a\x00b"])
def test_a_name_that_cannot_be_used_is_refused(here: Run, facade: str, name: str) -> None:
    said = here("tenants", "create", "--", name)
    assert said.code == 2
    assert "de 1 a 64 caracteres" in said.err
    assert len(json.loads(here("tenants", "list", "--json").out)) == 1


@pytest.mark.parametrize("name", ["default", "acme"])
def test_a_tenant_that_exists_is_not_created_again(here: Run, facade: str, name: str) -> None:
    here("tenants", "create", "acme")
    said = here("tenants", "create", name)
    assert said.code == 1
    assert f"La organización {name} ya existe." in said.err
