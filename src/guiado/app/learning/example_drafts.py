"""Drafts of examples of a problem: a language model writes them, and a person decides which of them count.

Source: ADR 0012.
"""

from __future__ import annotations

from guiado import clock
from guiado.app.context import AppContext, Scope
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions.llm_choice import RULE, is_allowed
from guiado.domain.learning_signal import fit_to_learn
from guiado.errors import GuiadoError, NotFound, SettingsInvalid, printable
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.language_model import ProblemSummary, draft
from guiado.store import learning


async def draft_examples(
    parts: AppContext, snapshot: Snapshot, problem_id: str, language: str = DEFAULT_LANGUAGE, caller: Scope | None = None
) -> list[str]:
    """Have examples written for a problem, and store them for review.

    Args:
        snapshot: of the knowledge base that is published for everybody.
        language: es, en or pt.
        caller: asks for it; by default the process itself.

    Returns:
        What waits for review now; empty when the model had no usable answer.

    Raises:
        NotFound: there is no such problem.
        SettingsInvalid: no language model is in use.
        GuiadoError: the operator's switch in the database is off.
    """
    guide = snapshot.guides.get(problem_id)
    if guide is None:
        raise NotFound("No hay ningún problema {id}. Mira los que hay con: guiado kb show", id=printable(problem_id))
    if parts.model is None:
        raise SettingsInvalid(
            "No hay ningún modelo de lenguaje en uso.\nDefine GUIADO_USE_LLM=true y OPENAI_API_KEY (u OPENAI_BASE_URL)."
        )
    if not await is_allowed(parts):
        raise GuiadoError("El modelo de lenguaje está desactivado (enable_llm_enhancement). Actívalo en la configuración.")
    spoken = guide.in_language(language)
    option = ProblemSummary(problem_id, spoken.problem_title, spoken.problem_description)
    texts = await draft(parts.model, option, spoken.common_issues, language)
    caller = caller or parts.scope()
    audit = caller.audit("draft_examples", rule=RULE, model=parts.model.name, problem_id=problem_id)
    async with parts.transaction() as connection:
        fit = [text for text in map(fit_to_learn, texts) if text]
        return await learning.keep_drafts(connection, parts.tenant, problem_id, fit, audit, clock.now()) if fit else []
