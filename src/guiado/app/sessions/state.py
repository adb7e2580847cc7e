"""State: a session as it stands, with every attempt."""

from __future__ import annotations

from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import load
from guiado.app.sessions.models import StateOut
from guiado.app.sessions.views import attempt_view, session_view, summary_view, understood_view
from guiado.store import sessions


async def state(work: UnitOfWork, session_id: object) -> StateOut:
    """A session with all its attempts.

    Raises:
        SessionNotFound: no session has this id.
    """
    loaded, guide = await load(work, session_id)
    tried = await sessions.attempts(work.connection, work.tenant, loaded.session.session_id)
    return StateOut(
        session=session_view(loaded.session, guide),
        attempts=[attempt_view(stored) for stored in tried],
        summary=summary_view(tried),
        understood=understood_view(loaded.session),
    )
