"""TroubleshootingTemplateManager: guides with variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guiado.agent.arguments import kind_problem, path_problem, refuse
from guiado.app.knowledge import templates
from guiado.app.lenient import storable
from guiado.errors import InvalidInput, TemplateNotFound
from guiado.sync import Facade


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """One variable of a template."""

    name: str
    description: str = ""
    required: bool = False
    type: str = "string"
    default: str | None = None


@dataclass(frozen=True, slots=True)
class TroubleshootingTemplate:
    """A guide with variables."""

    template_id: str
    name: str
    description: str
    category: str
    variables: list[TemplateVariable]
    steps_template: list[dict[str, Any]]
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


class TroubleshootingTemplateManager(Facade):
    """Lists, creates and renders templates.

    Args:
        templates_path: JSON file with templates that ship; by default the project's own.
    """

    def __init__(self, templates_path: str | Path | None = None) -> None:
        refuse(path_problem("templates_path", templates_path))
        super().__init__()
        self._path = Path(templates_path) if templates_path is not None else templates.seed_path()

    def _every(self, category: str | None = None) -> dict[str, templates.Content]:
        return self._door.read(templates.every, self._path, category)

    def list_templates(self, category: str | None = None) -> list[dict[str, Any]]:
        """Rows of `template_id name description category variables_count steps_count`.

        Args:
            category: only templates of this category.

        Raises:
            ValueError: the category is no text.
        """
        refuse(kind_problem("category", category, str, optional=True))
        return [templates.row(template_id, content) for template_id, content in self._every(category).items()]

    def get_template(self, template_id: str) -> TroubleshootingTemplate | None:
        """A template by its id, or None."""
        content = self._every().get(template_id) if isinstance(template_id, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        return _template(template_id, content) if content else None

    def create_template(
        self,
        template_id: str,
        name: str,
        description: str,
        category: str,
        variables: Sequence[Mapping[str, object] | TemplateVariable],
        steps_template: Sequence[Mapping[str, object]],
        metadata: Mapping[str, object] | None = None,
    ) -> TroubleshootingTemplate:
        """Store a template; the same id again replaces it.

        Args:
            variables: `name`, `description`, `required`, `type`, `default` each.
            steps_template: steps as in the knowledge base, with `{{name}}` where a value goes.

        Raises:
            ValueError: names every bad field with the remedy.
        """
        given = {
            "template_id": template_id,
            "name": name,
            "description": description or None,
            "category": category,
            "variables": [_plain_variable(v) for v in variables] if isinstance(variables, (list, tuple)) else variables,
            "steps_template": list(steps_template) if isinstance(steps_template, tuple) else steps_template,
            "metadata": metadata or None,
        }
        command = templates.checked(given)
        return _template(command.template_id, self._door.write(templates.create, command))

    def render_template(self, template_id: str, variables: Mapping[str, object]) -> dict[str, Any]:
        """The guide that a template makes with these values.

        Returns:
            `problem_title problem_description category steps metadata`; `{"error": …}` names a missing variable or template.
        """
        if not isinstance(variables, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            return {"error": "variables: Debe ser un objeto: variable → valor."}
        try:
            return templates.render(template_id, self._every(), {name: storable(value, 1) for name, value in variables.items()})
        except (TemplateNotFound, InvalidInput) as error:
            return {"error": str(error)}


def _plain_variable(variable: Mapping[str, object] | TemplateVariable) -> object:
    if isinstance(variable, TemplateVariable):
        variable = {name: getattr(variable, name) for name in TemplateVariable.__slots__}
    if not isinstance(variable, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        return variable  # named by the check that follows
    return {name: value for name, value in variable.items() if value not in (None, "")}


def _template(template_id: str, content: templates.Content) -> TroubleshootingTemplate:
    known = TemplateVariable.__slots__
    variables = [
        TemplateVariable(**{k: v for k, v in item.items() if k in known and v is not None}) for item in content["variables"]
    ]
    return TroubleshootingTemplate(
        template_id=template_id,
        name=content["name"],
        description=content.get("description", ""),
        category=content.get("category", "otro"),
        variables=variables,
        steps_template=content["steps_template"],
        metadata=content.get("metadata") or {},
    )
