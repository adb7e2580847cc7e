"""`guiado sessions`: what an operator does with a session, named by its short reference."""

from __future__ import annotations

import json

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
