"""The order of a guide: the report for its author, and the rules about it."""

from __future__ import annotations

from litestar import get, put
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.guidance.models import GuidanceChanged
from guiado.api.troubles import TROUBLES
from guiado.app.guidance.models import GuidanceOut
from guiado.app.guidance.reporting import change, report
from guiado.app.guidance.rules import GuideRules
from guiado.http.request import Checked, Http, Write, knowledge_of, language_of, run_read
from guiado.i18n import text


@get("/guidance/{problem_id:str}", operation_id="show_guidance", responses=TROUBLES)
async def show(request: Http, problem_id: FromPath[str], variant: FromQuery[str] = "") -> GuidanceOut:
    """El orden de una guía: cuánto se sabe de cada paso, cuándo se ofrece, cuánto ahorra y cuánto cuesta cada regla."""
    await knowledge_of(request)  # with the latest edit of its file
    return await run_read(request, report, problem_id, variant)


@put(
    "/guidance/{problem_id:str}",
    dto=Checked[GuideRules],
    return_dto=None,
    status_code=200,
    operation_id="set_guidance",
    responses=TROUBLES,
)
async def set_rules(request: Http, problem_id: FromPath[str], data: JSONBody[GuideRules]) -> GuidanceChanged:
    """Reemplaza las reglas sobre el orden de una guía, y dice cuánto cuesta cada una. Sin campos, quita todas."""
    await knowledge_of(request)
    message = text(language_of(request), "Reglas guardadas.")

    def shape(found: GuidanceOut) -> GuidanceChanged:
        return GuidanceChanged(success=True, guidance=found, message=message)

    return await Write(request, shape).run(change, problem_id, data)


HANDLERS = [show, set_rules]
