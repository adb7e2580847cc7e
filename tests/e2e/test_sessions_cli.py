"""`guiado sessions`: what an operator does with a session, named by its short reference."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from terminal import Ran

from guiado.agent import TroubleshootingAgent


def test_an_operator_finds_rates_hands_over_and_closes_a_session(facade, here):
    TroubleshootingAgent().start_troubleshooting("No puedo instalar el software", "ana@example.com", ticket_id="T-1")
    (found,) = json.loads(here("sessions", "--ticket", "T-1", "--email", "ANA@example.com", "--status", "empezada", "--json").out)
    name = found["reference"]
    assert found["session_id"].endswith(name)

    assert here("sessions", "rate", name, "4", "--comment", "Muy claro").code == 0
    shown = here("sessions", "show", name).out
    assert "4 de 5" in shown
    assert "Muy claro" in shown
    assert here("sessions", "escalate", name, "--reason", "Pidió que lo llamen").code == 0
    assert name in here("sessions", "--status", "with a person").out
    assert json.loads(here("sessions", "resolve", name, "--problem", "otro", "--json").out)["status"] == "resolved"
    assert here("sessions", "resume", name).code == 1
    assert json.loads(here("sessions", "--until", "2020-01-01", "--json").out) == []
    assert here("sessions", "--since", "ayer").code == 2


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({}, "http://127.0.0.1:3000"),
        ({"GUIADO_HOST": "0.0.0.0", "PORT": "3001"}, "http://localhost:3001"),
        ({"GUIADO_HOST": "::1"}, "http://[::1]:3000"),
        ({"GUIADO_PUBLIC_URL": "https://soporte.example.com"}, "https://soporte.example.com"),
        ({"GUIADO_PUBLIC_URL": "https://example.com", "GUIADO_ROOT_PATH": "/soporte"}, "https://example.com/soporte"),
    ],
)
def test_a_link_begins_with_the_address_that_customers_see(
    facade: str, here: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, given: dict[str, str], base: str
) -> None:
    session = TroubleshootingAgent().start_troubleshooting("No puedo instalar el software", "ana@example.com")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    shown = here("sessions", "link", session.session_id[-8:]).out
    assert f"{base}/ayuda/gl_" in shown
    assert ("GUIADO_PUBLIC_URL" in shown) is ("GUIADO_PUBLIC_URL" not in given)
