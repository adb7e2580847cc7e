"""Refit of detection to the present knowledge base and the examples learned since the last fit."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from guiado import clock
from guiado.app.background import Stopped, run_aside
from guiado.app.context import AppContext
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.detection.classifier.calibration import fit_intercept, shifted
from guiado.detection.prepared.model import model_for
from guiado.detection.semantic.encoders.mapped_arrays import release_memory
from guiado.logs import get_logger
from guiado.store import fitted_models

REST_FACTOR = 20
"""Least rest after a fit, in times of its duration: examples count at once without a new fit."""
_MEMORY = timedelta(days=90)
_SAME_INTERCEPT = 0.1
log = get_logger()


async def refit(parts: AppContext, knowledge: KnowledgeBase) -> int:
    """Fit detection to a knowledge base that changed since the last fit: seconds to minutes of one core, at low priority.

    Returns:
        1 when something was fitted.
    """
    await knowledge.refresh()
    try:
        await knowledge.complete()
        return await _refit(parts, knowledge)
    except Stopped:
        return 0


async def _refit(parts: AppContext, knowledge: KnowledgeBase) -> int:
    index, scope = knowledge.snapshot.index, knowledge.scope
    async with parts.connection() as connection:
        last = await fitted_models.last_fit(connection, parts.tenant, scope)
        judged = await fitted_models.judged(connection, parts.tenant, scope, _MEMORY)
    intercept = fit_intercept([(shifted(one.confidence, -one.intercept), one.was_right) for one in judged])
    is_same = last is not None and last.contents == index.contents
    if is_same and abs(intercept - index.intercept) < _SAME_INTERCEPT:
        return 0
    if not is_same and last is not None and 0 <= last.age_s < REST_FACTOR * last.fit_s:
        return 0
    if not len(index):
        return 0
    begun = clock.monotonic_s()
    if is_same and index.model is not None:
        model, fit_s = index.model.with_intercept(intercept), last.fit_s if last else 0.0
    elif (fitted := knowledge.fitted_before(index, intercept)) is not None:
        model, fit_s = fitted, 0.0
    elif (shipped := await asyncio.to_thread(model_for, index.contents)) is not None:
        model, fit_s = shipped.with_intercept(intercept), 0.0
    else:
        model = await run_aside(lambda pause: index.fit(pause, intercept))
        fit_s = clock.monotonic_s() - begun
    async with parts.transaction() as connection:
        await fitted_models.keep(connection, parts.tenant, scope, index.contents, model.version, model.to_bytes(), fit_s)
    await knowledge.refresh()
    release_memory()
    log.info("detector_fitted", detector=knowledge.snapshot.index.version, seconds=round(fit_s, 2), judged=len(judged))
    return 1
