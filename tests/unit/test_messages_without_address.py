"""Messages of a hand-over to a customer whose address nobody knows: they ask for one, in each language, and promise no mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guiado.app.sessions import customer_messages
from guiado.domain.escalation import REQUESTED
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Session, Status
from guiado.i18n import text

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NAMELESS = Session("01a222e9-10ae-7000-82db-cd50d6281f69", None, "no va", NOW, NOW, status=Status.NEEDS_ESCALATION)
ASKS = {"es": "Déjanos un correo", "en": "Leave us your email", "pt": "Deixe um e-mail"}
PROMISES = {"es": "Te escribiremos a", "en": "write to", "pt": "screve"}
SESSIONS = {
    "told": NAMELESS,
    "tried": replace(NAMELESS, attempts=2),
    "wanted": replace(NAMELESS, message_kind=MessageKind.PERSON),
    "urgent": replace(NAMELESS, urgent=True, escalation_reason="Huele a quemado"),
    "silent": replace(NAMELESS, message_kind=MessageKind.NOTHING_SAID),
    "other": replace(NAMELESS, message_kind=MessageKind.OTHER),
}


@pytest.mark.parametrize("language", [*ASKS])
@pytest.mark.parametrize("name", [*SESSIONS])
def test_where_nobody_can_be_written_to_the_message_asks_for_an_address(name: str, language: str) -> None:
    session = replace(SESSIONS[name], language=language)
    if name == "wanted":
        session = replace(session, escalation_reason=text(language, str(REQUESTED)))
    said = customer_messages.after_start(session, 0)
    assert ASKS[language] in said
    assert "None" not in said
    assert "{" not in said
    known = customer_messages.after_start(replace(session, customer_email="ana@example.com"), 0)
    assert ASKS[language] not in known
    assert "ana@example.com" in known
    assert PROMISES[language] in known


@pytest.mark.parametrize("language", [*ASKS])
def test_the_address_is_confirmed(language: str) -> None:
    said = customer_messages.after_contact(replace(NAMELESS, language=language, customer_email="ana@example.com"))
    assert said.endswith("ana@example.com.")
