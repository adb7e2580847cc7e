"""Answers of the template routes; authors' content is returned as stored, and the types here describe it.

Source: contract.md §3.
"""

from __future__ import annotations

from typing import Any

from guiado.app.models import Model
from guiado.app.sessions.models import ResourceRow


def as_stored(content: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return a template's content unchanged, to be encoded as stored."""
    return content


class TemplateRow(Model):
    """Summary of a template in a list."""

    template_id: str
    name: str
    description: str
    category: str
    variables_count: int
    steps_count: int


class VariableRow(Model):
    """A variable of a template."""

    name: str
    description: str = ""
    required: bool = False
    type: str = "string"
    default: str | None = None


class StepText(Model):
    """A step of a template or of a rendered guide."""

    title: str
    step_number: int | None = None
    description: str | None = None
    instructions: list[str] = []  # noqa: RUF012 every instance has its own
    expected_result: str | None = None
    warnings: list[str] = []  # noqa: RUF012
    resources: list[ResourceRow] = []  # noqa: RUF012


class TemplateWhole(Model):
    """A template with its variables and steps."""

    name: str
    category: str
    variables: list[VariableRow]
    steps_template: list[StepText]
    template_id: str | None = None
    description: str | None = None
    problem_title: str | None = None
    problem_description: str | None = None
    metadata: dict[str, Any] | None = None


class RenderedGuide(Model):
    """The guide that a template renders to."""

    template_id: str
    problem_title: str
    problem_description: str
    category: str
    steps: list[StepText]
    metadata: dict[str, Any] | None = None


class TemplateList(Model):
    """Answer with the templates; with `template_id`, with that one in full."""

    success: bool
    templates: list[TemplateRow]
    template: TemplateWhole | None = None


class TemplateOut(Model):
    """Answer to storing a template."""

    success: bool
    template_id: str
    template: TemplateWhole
    message: str


class RenderedOut(Model):
    """Answer to rendering a template."""

    success: bool
    rendered_template: RenderedGuide
