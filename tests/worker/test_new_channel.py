"""A channel is one file in one folder: with it, and nothing else, messages leave through every door."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from guiado.delivery.channels import kind_of, names

ROOT = Path(__file__).parents[2]
PIGEON = '''
"""Pigeons: a message is a line in a file."""

from pathlib import Path

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.base import Outgoing, Receipt
from guiado.delivery.channels.common.console import shown_as_json
from guiado.errors import DeliveryFailed, FieldProblem, Message


class PigeonChannel:
    async def send(self, outgoing: Outgoing) -> Receipt:
        if outgoing.recipient == "cerrado":
            raise DeliveryFailed("El palomar está cerrado.", of_channel=True)
        with Path({loft!r}).open("a", encoding="utf-8") as loft:
            loft.write(f"{{outgoing.recipient}}: {{outgoing.text}}\\n")
        return Receipt(detail="voló")


def check(recipient: str) -> FieldProblem | None:
    return None if recipient.isalpha() else FieldProblem("recipient", Message("Un palomar se nombra con letras."))


@channel("pigeon", show=shown_as_json(lambda outgoing: {{"words": outgoing.text}}), check_recipient=check, normal_form=str.lower)
def make(tools: Tools) -> PigeonChannel:
    return PigeonChannel()
'''
BEFORE = "import sys, guiado.delivery.channels as channels; channels.__path__.append(sys.argv.pop(1))\n"
FACADE = """
import json
from guiado.agent import NotificationChannel, NotificationConfig, TroubleshootingNotificationManager
manager = TroubleshootingNotificationManager()
manager.set_recipient(NotificationChannel.PIGEON, "Norte", events=["session_escalated"])
told = manager.send_notification(NotificationConfig("pigeon", "NORTE"), {"subject": "a", "body": "por la fachada"})
closed = manager.send_notification(NotificationConfig("pigeon", "cerrado"), {"subject": "a", "body": "b"})
wrong = manager.send_notification(NotificationConfig("pigeon", "n1"), {"subject": "a", "body": "b"})
print(json.dumps([told, closed, wrong, manager.recipients]))
"""
API = """
import asyncio, json, httpx2
from guiado.server import create_app
from guiado.settings import read_settings
from guiado.wiring import Runtime

async def go():
    runtime = await Runtime.open(read_settings())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app(runtime)), base_url="http://localhost") as api:
        base = "/api/support/troubleshooting"
        given = {"notification_type": "aviso", "message": "por la API", "channel": "pigeon", "recipient": "Cerrado"}
        answers = [await api.post(f"{base}/notifications", json=given), await api.get(f"{base}/notifications?channel=pigeon")]
        answers += [await api.post(f"{base}/notifications", json={**given, "recipient": "s 1"})]
        print(json.dumps([[one.status_code, one.json()] for one in answers]))
    await runtime.close()

asyncio.run(go())
"""
CLI = """
import os
from guiado.cli import main
from guiado.sync import close_engines

def shell(*words):
    sys.argv = ["guiado", *words]
    try:
        main()
    except SystemExit as end:
        print(f"== {end.code or 0}", flush=True)
    close_engines()  # else the sender of the settings before may take what is meant for the next ones

shell("doctor", "--json")
shell("notifications", "test", "--help")
shell("notifications", "test", "pigeon", "oeste")
os.environ["GUIADO_NOTIFICATIONS"] = "console"
shell("notifications", "test", "pigeon", "este")
"""


def test_a_new_channel_is_one_file(dsn: str, tmp_path: Path) -> None:
    folder, loft = tmp_path / "folder", tmp_path / "loft"
    folder.mkdir()
    (folder / "pigeon.py").write_text(PIGEON.format(loft=str(loft)), "utf-8")
    environment = {**os.environ, "DATABASE_URL": dsn, "GUIADO_ENCODER": "lexical", "GUIADO_HOME": str(tmp_path / "home")}

    def run(script: str) -> tuple[str, str]:
        command = [sys.executable, "-c", BEFORE + script, str(folder)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
        return done.stdout, done.stderr

    facade, api = map(json.loads, run(FACADE + API)[0].splitlines())
    told, closed, wrong, recipients = facade
    assert (told["success"], told["note"]) == (True, "voló")
    assert (closed["success"], closed["error"]) == (False, "El palomar está cerrado.")
    assert "Un palomar se nombra con letras." in wrong["error"]
    assert [(one["channel"], one["recipient"]) for one in recipients] == [("pigeon", "norte")]

    stored, listed, refused = api
    assert (stored[0], stored[1]["notification"]["channel"]) == (200, "pigeon")
    assert {row["channel"] for row in listed[1]["notifications"]} == {"pigeon"}
    assert (refused[0], "Un palomar se nombra con letras." in json.dumps(refused[1], ensure_ascii=False)) == (400, True)

    shown, twin = run(CLI)
    doctor, usage, sent, _, _ = shown.split("== ")
    (said,) = [one["what"] for one in json.loads(doctor)["checks"] if one["check"] == "channels"]
    assert "pigeon" in said
    assert "El palomar está cerrado." in said
    assert "pigeon" in usage
    assert "✓ Enviado." in sent
    assert "── pigeon → este" in twin
    flown = loft.read_text("utf-8").splitlines()
    assert "norte: por la fachada" in flown
    assert {line.partition(":")[0] for line in flown} == {"norte", "oeste"}


@pytest.mark.parametrize("name", names())
def test_every_channel_is_registered_under_the_name_of_its_file_and_in_the_manual(name: str) -> None:
    kind = kind_of(name)
    assert kind is not None
    assert kind.name == name
    manual = (ROOT / "docs" / "TROUBLESHOOTING_ADVANCED_FEATURES.md").read_text("utf-8")
    (line,) = [line for line in manual.splitlines() if line.startswith("Mensajes a personas y canales (")]
    assert name in line
