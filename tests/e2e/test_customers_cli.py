"""`guiado customers`: an export that only its owner can read, and an erasure that asks first."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.cli import main


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    return int(ended.value.code or 0)


def test_export_and_erase(facade: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    del facade
    TroubleshootingAgent().start_troubleshooting("no me deja instalar el programa", "Ana@Example.com", "Ana")
    close_engines()
    file = tmp_path / "ana.json"
    assert run("customers", "export", "ana@example.com", "--output", str(file)) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (session,) = json.loads(file.read_bytes())["sessions"]
    assert (session["customer_email"], session["customer_name"]) == ("ana@example.com", "Ana")
    capfd.readouterr()
    assert run("customers", "export", "ANA@example.com") == 0
    assert json.loads(capfd.readouterr().out)["sessions"] == [session]

    assert run("customers", "erase", "ana@example.com") == 1
    assert "--yes" in capfd.readouterr().err
    assert run("customers", "erase", "ana@example.com", "--yes", "--json") == 0
    assert json.loads(capfd.readouterr().out)["deleted"]["support_troubleshooting_sessions"] == 1
    assert run("customers", "erase", "ana@example.com", "--yes") == 0
    assert "No hay nada guardado" in capfd.readouterr().out


def test_an_export_to_a_terminal_leaves_its_rights(facade: str) -> None:
    del facade
    leader, follower = os.openpty()
    try:
        terminal = Path(os.ttyname(follower))
        terminal.chmod(0o622)
        assert run("customers", "export", "nadie@example.com", "--output", str(terminal)) == 0
        assert stat.S_IMODE(terminal.stat().st_mode) == 0o622
    finally:
        os.close(follower)
        os.close(leader)


def test_bad_input(facade: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    del facade
    assert run("customers", "erase", "no es un correo", "--yes") == 2
    assert "dirección de correo" in capfd.readouterr().err
    assert run("customers", "export", "ana@example.com", "--output", str(tmp_path / "no" / "hay.json")) == 1
    assert "No se puede escribir" in capfd.readouterr().err
