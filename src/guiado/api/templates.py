"""Templates: list, create, render."""

from __future__ import annotations

from litestar import get, post, put
from litestar.params import FromQuery, JSONBody

from guiado.api.template_models import RenderedOut, TemplateList, TemplateOut, TemplateRow, as_stored
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.knowledge import templates
from guiado.app.knowledge.templates import Content
from guiado.errors import TemplateNotFound
from guiado.http.request import Checked, Http, Write, language_of, run_read
from guiado.i18n import text


@get("/templates", operation_id="list_templates", responses=TROUBLES)
async def list_templates(
    request: Http, category: FromQuery[str | None] = None, template_id: FromQuery[str | None] = None
) -> TemplateList:
    """Plantillas, todas o de una categoría; con `template_id`, una entera."""
    found = await run_read(request, templates.every, templates.seed_path(), category)
    if template_id is None:
        return TemplateList(success=True, templates=[_row(key, value) for key, value in found.items()])
    if template_id not in found:
        raise TemplateNotFound(template_id)
    whole = {"template_id": template_id, **found[template_id]}
    return TemplateList(success=True, templates=[_row(template_id, found[template_id])], template=as_stored(whole))


def _row(template_id: str, content: Content) -> TemplateRow:
    return TemplateRow(**templates.row(template_id, content))


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
    message = text(language_of(request), "Plantilla guardada.")

    def shape(content: Content) -> TemplateOut:
        return TemplateOut(success=True, template_id=data.template_id, template=as_stored(content), message=message)

    return await Write(request, shape).run(templates.create, data)


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
    found = await run_read(request, templates.every, templates.seed_path())
    rendered = templates.render(data.template_id, found, data.variables)
    return RenderedOut(success=True, rendered_template=as_stored(rendered))


HANDLERS = [list_templates, create, render]
