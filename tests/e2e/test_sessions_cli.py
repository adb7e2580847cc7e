"""`guiado sessions`: what an operator does with a session, named by its short reference."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
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


async def _attach(dsn: str, session_id: str, contents: list[tuple[str, bytes]]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for number, (kind, content) in enumerate(contents):
            await connection.execute(
                "INSERT INTO support_session_attachments"
                " (attachment_id, session_id, media_type, width, height, size_bytes, content, created_at)"
                " VALUES (gen_random_uuid(), $1::text::uuid, $2, 40, 30, $3, $4, now() + make_interval(secs => $5))",
                session_id, kind, len(content), content, number,
            )  # fmt: skip
    finally:
        await connection.close()


def test_the_pictures_of_a_session_are_saved_under_names_of_our_making(
    facade: str, here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = TroubleshootingAgent().start_troubleshooting("No puedo instalar el software", "ana@example.com", ticket_id="T-1")
    session_id, name = started.session_id, started.session_id[-8:]
    monkeypatch.chdir(tmp_path)
    assert "no tiene imágenes" in here("sessions", "attachments", name).out
    assert "Imágenes" not in here("sessions", "show", name).out
    assert [*tmp_path.iterdir()] == []

    asyncio.run(_attach(facade, session_id, [("image/png", b"uno"), ("image/jpeg", b"dos")]))
    assert f"Imágenes del cliente: 2. Para guardarlas: guiado sessions attachments {name}" in here("sessions", "show", name).out
    assert len(json.loads(here("sessions", "show", name, "--json").out)["attachments"]) == 2
    outside, folder = tmp_path / "ajeno", tmp_path / "fotos"
    outside.write_text("mío")
    folder.mkdir()
    (folder / f"{name}-1.png").symlink_to(outside)
    told = here("sessions", "attachments", name, "--output", "fotos")
    assert told.code == 0
    assert "40×30" in told.out
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == {f"{name}-1.png": b"uno", f"{name}-2.jpg": b"dos"}
    assert outside.read_text() == "mío", "a link in the folder leads nowhere"
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    again = json.loads(here("sessions", "attachments", name, "--output", "nueva", "--json").out)
    assert again["files"] == [f"nueva/{name}-1.png", f"nueva/{name}-2.jpg"]
    assert (tmp_path / "nueva").stat().st_mode & 0o777 == 0o700
    refused = here("sessions", "attachments", name, "--output", "ajeno/x")
    assert refused.code == 1
    assert "Elige otra ruta" in refused.err
