"""Forms of the facade: sessions, answers and figures as plain dictionaries.

Source: contract.md §1.
"""

from __future__ import annotations

import msgspec

from guiado.app.analytics.models import AnalyticsOut
from guiado.app.models import plain
from guiado.app.sessions import answer, customer_messages, escalate, views
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.session import NextAction, Session
from guiado.store.sessions import RunningSession, StoredAttempt


def without_step(session: Session, guide: Guide | None) -> dict[str, object]:
    """The form of a session without an open step."""
    status = "no_problem_detected" if session.total_steps == 0 and not session.status.ended else "completed"
    if (session.urgent or (guide is not None and guide.kind == GuideKind.PERSON)) and not session.status.ended:
        status = "needs_escalation"
    asked = views.clarification_view(session)
    return {
        **({"options": plain(asked)["options"]} if asked else {}),
        "session_id": session.session_id,
        "status": status,
        "message": customer_messages.nothing_to_do(session, guide),
        "suggest_escalation": views.wants_person(session),
    }


def answered(result: answer.Answered) -> dict[str, object]:
    """The form of an answer to a step."""
    session, shown = result.session, views.open_step(result.session, result.guide)
    following = plain(shown) if shown else None
    said, closable = customer_messages.after_answered(result), closable_form(result.running)
    if result.action is NextAction.RESOLVED:
        return resolved(session, said)
    if result.action is NextAction.ESCALATE:
        reason = session.escalation_reason
        return {"status": "needs_escalation", "message": said, "suggest_escalation": True, "escalation_reason": reason}
    asks, offered = views.wants_person(session), {"closable_session": closable} if closable else {}
    if result.outcome.success:
        return {"status": "next_step", "message": said, "suggest_escalation": asks, "next_step": following, **offered}
    common = list(result.guide.common_issues) if result.guide else []
    base = {"status": "step_failed", "message": said, "suggest_escalation": asks, **offered}
    return {**base, "current_step": following, "common_issues": common}


def resolved(session: Session, said: str) -> dict[str, object]:
    """The form of a session that is solved, with what else the customer named."""
    others = [plain(each) for each in views.other_problems_view(session)]
    left = {"other_problems": others} if others else {}
    return {"status": "resolved", "message": said, "suggest_escalation": False, "next_action": "collect_feedback", **left}


def closable_form(running: RunningSession | None) -> dict[str, object] | None:
    """The session that is offered to be closed, which `TroubleshootingAgent.close_session` closes."""
    if running is None:
        return None
    return {"session_id": running.session_id, "problem_id": running.problem_id, "problem_title": running.title}


def attempt_form(stored: StoredAttempt) -> dict[str, object]:
    """An attempt at a step as a dictionary."""
    attempt = stored.attempt
    return {
        "step_number": attempt.step_number,
        "step_id": attempt.step_id,
        "step_title": attempt.step_title,
        "success": attempt.success,
        "outcome": attempt.outcome.value,
        "notes": attempt.notes,
        "timestamp": attempt.attempted_at.isoformat(),
    }


def handed_over(handover: escalate.Handover) -> dict[str, object]:
    """The hand-over of a session as a dictionary."""
    session = handover.session
    return {
        "session_id": session.session_id,
        "ticket_id": session.ticket_id,
        "customer_email": session.customer_email,
        "customer_name": session.customer_name,
        "problem_description": session.problem_description,
        "detected_problem": session.problem_id,
        "attempted_steps": len(handover.attempts),
        "failed_steps": len(handover.failed),
        "reason": session.escalation_reason,
        "notes": [stored.attempt.notes for stored in handover.attempts if stored.attempt.notes],
        "escalated_at": handover.escalated_at.isoformat(),
        "already_tried": session.said_tried,
        "message_kind": session.message_kind.value,
        "other_problems": [plain(each) for each in views.other_problems_view(session)],
        "attachments": [msgspec.to_builtins(each) for each in handover.pictures],
        "stand": plain(handover.stand) if handover.stand else None,
        "guide_answers": [plain(each) for each in handover.guide_answers],
    }


def flat(figures: AnalyticsOut) -> dict[str, object]:
    """The figures of a period, flat."""
    summary, given = figures.summary, figures.feedback_summary
    failed: dict[int, int] = {}
    for row in figures.common_failed_steps:
        failed[row.step_number] = failed.get(row.step_number, 0) + row.failed_attempts
    return {
        "period_days": figures.period_days,
        "total_sessions": summary.total_sessions,
        "resolved_sessions": summary.resolved_sessions,
        "escalated_sessions": summary.escalated_sessions,
        "resolution_rate": float(summary.resolution_rate),
        "average_steps_to_resolution": float(summary.avg_steps_to_resolution),
        "average_rating": float(given.average_rating),
        "problem_distribution": {row.detected_problem_id: row.total_sessions for row in figures.problem_distribution},
        "common_failed_steps": failed,
        "message_kinds": plain(figures.message_kinds),
        "feedback_summary": {
            "total_feedback": given.total_feedback,
            "average_rating": float(given.average_rating),
            "helpful_percentage": float(given.helpful_percentage),
        },
    }
