"""Templates: list, create, render."""

from __future__ import annotations

from litestar import get, post, put
from litestar.params import FromQuery, JSONBody

from guiado.api.rows import shown
from guiado.api.schemas import RenderedOut, TemplateList, TemplateOut
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.knowledge import templates
from guiado.errors import TemplateNotFound
from guiado.http.request import Checked, Http, answer, language_of, read
from guiado.i18n import text


@get("/templates", operation_id="list_templates", responses=TROUBLES)
async def list_templates(
    request: Http, category: FromQuery[str | None] = None, template_id: FromQuery[str | None] = None
) -> TemplateList:
    """Plantillas, todas o de una categoría; con `template_id`, una entera."""

    async def run(work: UnitOfWork) -> TemplateList:
        found = await templates.every(work, templates.seed_path(), category)
        if template_id is None:
            return TemplateList(success=True, templates=shown([templates.row(key, value) for key, value in found.items()]))
        if template_id not in found:
            raise TemplateNotFound(template_id)
        whole = {"template_id": template_id, **found[template_id]}
        rows = [templates.row(template_id, found[template_id])]
        return TemplateList(success=True, templates=shown(rows), template=shown(whole))

    return await read(request, run)


@post(
    "/templates",
    dto=Checked[commands.Template],
    return_dto=None,
    status_code=200,
    operation_id="create_template",
    responses=TROUBLES,
)
async def create(request: Http, data: JSONBody[commands.Template]) -> TemplateOut:
    """Guarda una plantilla; el mismo identificador otra vez la reemplaza."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> TemplateOut:
        content = await templates.create(work, data)
        said = text(language, "Plantilla guardada.")
        return TemplateOut(success=True, template_id=data.template_id, template=shown(content), message=said)

    return await answer(request, run)


@put(
    "/templates",
    dto=Checked[commands.Render],
    return_dto=None,
    status_code=200,
    operation_id="render_template",
    responses=TROUBLES,
)
async def render(request: Http, data: JSONBody[commands.Render]) -> RenderedOut:
    """Rellena una plantilla con estos valores."""

    async def run(work: UnitOfWork) -> RenderedOut:
        found = await templates.every(work, templates.seed_path())
        return RenderedOut(success=True, rendered_template=shown(templates.render(data.template_id, found, data.variables)))

    return await read(request, run)


HANDLERS = [list_templates, create, render]
