"""Question of a guide: the customer's answer to it, their wish to go on without one, or another answer than before."""

from __future__ import annotations

from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import command_session, telling_state
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.domain.session_commands import AnswerQuestion
from guiado.errors import FieldProblem, InvalidInput, Message


async def answer_question(
    work: UnitOfWork, session_id: object, command: commands.AnswerGuideQuestion
) -> tuple[Session, Guide | None]:
    """Note the answer to the question of the guide that is open, or another one to an earlier question; decide what comes next.

    The same once more changes nothing.

    Raises:
        SessionNotFound: no session has this id.
        InvalidInput: the question has no such answer, or the command says both an answer and none.
        SessionEnded, QuestionNotOpen: see `domain.question_answer`; with the session's present state, as `StaleSession` too.
        StaleSession: others kept changing the session.
    """
    said = AnswerQuestion(command.question_id, _answer_of(command))
    told = {"question_id": said.question_id, "answer_id": said.answer_id}
    async with telling_state(work, session_id):
        return await command_session(work, session_id, "guide_question", said, told)


def _answer_of(command: commands.AnswerGuideQuestion) -> str | None:
    if command.answer_id is None and not command.skip:
        why = Message("Falta la respuesta. Elige una de answers, o envía skip: true si el cliente no la sabe.")
        raise InvalidInput([FieldProblem("answer_id", why)])
    if command.answer_id is not None and command.skip:
        raise InvalidInput([FieldProblem("skip", Message("Contradice a answer_id. Envía solo uno de los dos."))])
    return command.answer_id
