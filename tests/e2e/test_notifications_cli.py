"""`guiado notifications` and `guiado recipients`: see, test and send again, and say who is told, without any other process."""

from __future__ import annotations

import json

import pytest
from test_delivery_cli import receiver, shell  # noqa: F401 fixtures

from guiado.cli import main


def test_a_message_from_its_test_to_its_second_sending(shell, receiver) -> None:  # noqa: F811
    receiver.status = 401
    tried = shell("notifications", "test", "teams", "equipo", "--webhook-url", receiver.url)
    assert (tried.code, "HTTP 401" in tried.err) == (1, True)
    (found,) = json.loads(shell("notifications", "list", "--channel", "teams", "--status", "pending", "--json").out)
    assert (found["recipient"], found["attempts"]) == ("equipo", 1)
    assert "HTTP 401" in shell("notifications", "list").out
    assert "HTTP 401" in shell("doctor").out
    receiver.status = 200
    remedy = "guiado notifications retry --all --channel teams"
    assert remedy in shell("doctor").out
    assert shell(*remedy.split()[1:]).out == "✓ En camino otra vez: 1.\n"
    shown = shell("notifications", "show", found["id"])
    assert "Prueba de guiado" in shown.out
    assert json.loads(shell("notifications", "show", found["id"], "--json").out)["status"] == "sent"
    assert remedy not in shell("doctor").out
    assert json.loads(shell("notifications", "retry", "--all", "--json").out) == {"retried": 0}
    assert shell("notifications", "test", "teams", "otro", "--webhook-url", receiver.url).code == 0


def test_who_is_told_is_added_shown_and_forgotten(shell) -> None:  # noqa: F811
    assert "recipients add" in shell("recipients", "list").out
    words = ["recipients", "add", "email", "Guardia@Example.com", "--event", "session_escalated", "--quiet-from", "22:00"]
    added = shell(*words, "--quiet-to", "07:30", "--time-zone", "America/Bogota", "--digest", "30", "--json")
    assert json.loads(added.out)["recipient"] == "guardia@example.com"
    (stored,) = json.loads(shell("recipients", "list", "--json").out)
    assert (stored["events"], stored["quiet_to"], stored["digest_minutes"]) == (["session_escalated"], "07:30", 30)
    assert "22:00–07:30 America/Bogota" in shell("recipients", "list").out
    assert shell("recipients", "remove", "email", "GUARDIA@example.com").code == 0
    assert json.loads(shell("recipients", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["notifications", "retry"], "--all"),
        (["notifications", "retry", "x", "--all"], "--all"),
        (["notifications", "retry", "x"], "notification_id"),
        (["notifications", "show", "x"], "notification_id"),
        (["notifications", "list", "--channel", "paloma"], "channel"),
        (["notifications", "list", "--status", "nada"], "status"),
        (["notifications", "retry", "--all", "--status", "sent"], "status"),
        (["notifications", "retry", "--all", "--from", "ayer"], "--from"),
        (["notifications", "test", "teams", "equipo"], "webhook_url"),
        (["recipients", "add", "sms", "600112233"], "recipient"),
        (["recipients", "add", "email", "a@example.com", "--event", "nada"], "--event"),
        (["recipients", "remove", "email", "a@example.com"], "recipient"),
    ],
)
def test_bad_words_are_named_with_the_remedy(shell, words: list[str], names: str) -> None:  # noqa: F811
    ran = shell(*words)
    assert ran.code == 2, ran
    assert names in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_help_speaks_every_language(capfd: pytest.CaptureFixture[str], language: str) -> None:
    with pytest.raises(SystemExit):
        main(["notifications", "retry", "--help", "--lang", language])
    assert "Envía" not in capfd.readouterr().out
