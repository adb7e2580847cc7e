"""Stand of a session by the plan of its guide, for the person who takes it over."""

from __future__ import annotations

from dataclasses import replace

from guiado.app.guidance.explanations import agent_lines
from guiado.app.guidance.policy import LearningPolicy, progress_of
from guiado.app.sessions.models import LikelyStepRow, NamedStepRow, StandOut
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.policy import Policy
from guiado.domain.session import Outcome, Session, Status
from guiado.guidance.handover import AgentSummary, agent_summary
from guiado.guidance.plan import Progress
from guiado.logs import get_logger

_DIGITS = 4
log = get_logger()


def stand_of(policy: Policy, session: Session, guide: Guide | None, language: str) -> StandOut | None:
    """The stand of a session; None where it is solved, or nothing was learned of its guide.

    Args:
        policy: that the caller's sessions go by.
        language: of the person who reads it.
    """
    is_led = guide is not None and guide.kind == GuideKind.GUIDE and session.status is not Status.RESOLVED
    if guide is None or not is_led or not isinstance(policy, LearningPolicy):
        return None
    try:
        plan = policy.plan_of(session, guide)
        summary = agent_summary(plan, _progress(session)) if plan is not None else None
    except Exception as error:  # noqa: BLE001 the session is shown, whatever is wrong with a plan
        log.error("stand_fails", problem=guide.problem_id, error=f"{type(error).__name__}: {error}"[:500])
        return None
    return _view(summary, guide.in_language(language), language) if summary is not None else None


def _progress(session: Session) -> Progress:
    """How far a session has come, with all that could not be done."""
    passed, said = session.passed, session.said_tried
    could_not = [each.step_id for each in session.answers if each.outcome is Outcome.COULD_NOT]
    unable = tuple(dict.fromkeys(each for each in could_not if each not in passed and each not in said))
    return replace(progress_of(session), unable=unable)


def _view(summary: AgentSummary, guide: Guide, language: str) -> StandOut:
    titles = {step.step_id: step.title for step in guide.steps}
    questions = {each.question_id: each.text for each in guide.questions}

    def named(step_id: str) -> NamedStepRow:
        return NamedStepRow(step_id=step_id, title=titles.get(step_id, step_id))

    return StandOut(
        ruled_out=list(map(named, summary.ruled_out)),
        unable=list(map(named, summary.unable)),
        likeliest=[
            LikelyStepRow(
                step_id=each.step_id,
                title=titles.get(each.step_id, each.step_id),
                chance=round(each.chance, _DIGITS),
                unable=each.unable,
            )
            for each in summary.likeliest
        ],
        other=round(summary.other, _DIGITS),
        next_step=named(summary.next_step) if summary.next_step is not None else None,
        next_question=questions.get(summary.next_question or ""),
        too_few=summary.too_few,
        lines=agent_lines(summary, titles, questions, language),
    )
