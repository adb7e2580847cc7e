"""Commands of the use cases, with the limits of every field.

Source: contract.md §3.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from guiado.app.guidance.rule_fields import CostRules as CostRules  # noqa: PLC0414 a command of this room too
from guiado.app.guidance.rule_fields import GuideRules as GuideRules  # noqa: PLC0414
from guiado.app.start_commands import Language, Secretive
from guiado.app.start_commands import Start as Start  # noqa: PLC0414 a command of this room too
from guiado.app.start_commands import StartHere as StartHere  # noqa: PLC0414
from guiado.app.validation import (
    Addressee,
    Command,
    Days,
    Description,
    Email,
    Line,
    Name,
    Notes,
    Rating,
    Seconds,
    StepNumber,
    Url,
)
from guiado.delivery.channels import names
from guiado.domain.clarification import Reply
from guiado.domain.events import EventKind
from guiado.domain.session import Outcome, Status

Speaker = Literal["customer", "machine", "agent"]
"""Author of an answer, or of a request for a person."""


class Contact(Command):
    """The address at which the customer of a session can be written to."""

    customer_email: Email
    customer_name: Name | None = None


class Detect(Command):
    """A text whose problem is to be detected, without a session."""

    problem_description: Description
    limit: Annotated[int, Meta(ge=1, le=20, examples=[3])] = 3
    language: Language | None = None


class AnswerStep(Command):
    """The answer to the current step."""

    success: Annotated[bool, Meta(examples=[True], description="Si el paso se pudo hacer.")]
    notes: Annotated[Notes, Meta(examples=["Salió un aviso de permisos"])] | None = None
    step_number: StepNumber | None = None
    step_title: Notes | None = None
    step_id: Line | None = None
    outcome: Outcome | None = None
    reason: Annotated[Notes, Meta(examples=["Prefiero hablar con una persona"])] | None = None
    active_seconds: Seconds | None = None
    source: Speaker | None = None
    first_seen_at: Annotated[datetime, Meta(tz=True, examples=["2026-11-22T10:00:00Z"])] | None = None


class Undo(Command):
    """The customer's wish to take back the last answer to a step."""

    step_number: StepNumber | None = None


class Clarify(Command):
    """The answer to a clarification: an option, a reply to the question, other words, or none of the options."""

    problem_id: Annotated[Line, Meta(examples=["conexion_internet"])] | None = None
    answer: Reply | None = None
    question_id: Line | None = None
    text: Annotated[Notes, Meta(examples=["El router parpadea en rojo"])] | None = None
    none: bool = False


class Reject(Command):
    """The rejection of the problem whose guide the session follows."""

    rejected: Annotated[Line, Meta(examples=["conexion_internet"])] | None = None
    problem_id: Annotated[Line, Meta(examples=["error_aplicacion"])] | None = None
    text: Annotated[Notes, Meta(examples=["Internet va bien; es el programa"])] | None = None


class SetVariant(Command):
    """The variant of the guide that the customer uses."""

    variant: Annotated[Line, Meta(examples=["windows"])]


class AnswerGuideQuestion(Command):
    """The answer to a question of the guide, open or answered before, or the wish to pass it over."""

    question_id: Annotated[Line, Meta(examples=["luz"])]
    answer_id: Annotated[Line, Meta(examples=["roja"])] | None = None
    skip: bool = False


class StartNext(Command):
    """The wish to see to another problem that the customer named in a session."""

    problem_id: Annotated[Line, Meta(examples=["problema_facturacion"])] | None = None


class Rate(Command):
    """The customer's rating of a session."""

    rating: Rating
    feedback_text: Annotated[Notes, Meta(examples=["Muy útil"])] | None = None
    was_helpful: bool | None = None


class Escalate(Command):
    """The request to hand a session over to a person."""

    source: Speaker | None = None

    reason: Annotated[Notes, Meta(examples=["Prefiero hablar con una persona"])] | None = None


class Resolve(Command):
    """The closing of a session as solved: by an agent, or on the customer's word."""

    source: Annotated[Speaker, Meta(description="Quién lo dice; si falta, un agente.")] | None = None
    problem_id: Annotated[Line, Meta(examples=["instalacion_software"])] | None = None
    step_id: Line | None = None
    minutes: Annotated[float, Meta(ge=0, le=100_000, examples=[12])] | None = None
    notes: Annotated[Notes, Meta(examples=["Salió un aviso de permisos"])] | None = None


class Correct(Command):
    """The correction of a session's problem by an agent; the session stays open or closed as it is."""

    problem_id: Annotated[Line, Meta(examples=["conexion_internet"], description="El problema real, u «otro» si no es ninguno.")]
    notes: Annotated[Notes, Meta(examples=["Era el cable de red"])] | None = None


EventName = Annotated[
    Literal[
        "*", "session_started", "step_completed", "step_failed", "session_resolved", "session_escalated", "feedback_received",
        "problem_detected", "session_abandoned", "retry_attempt",
    ],
    Meta(description="Un evento; «*» son todos, también los que haya más adelante."),
]  # fmt: skip
"""Name of a kind of event, or `*` for all of them."""
EventNames = Annotated[list[EventName], Meta(min_length=1, max_length=20, examples=[["session_started", "session_resolved"]])]
Secret = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        description="Firma los envíos. Las bibliotecas de Standard Webhooks solo comprueban los que empiezan por whsec_.",
        extra={"kind": "line"},
    ),
]
Headers = Annotated[dict[str, str], Meta(max_length=20, examples=[{"X-Equipo": "soporte"}])]
AttemptSeconds = Annotated[float, Meta(gt=0, le=60, examples=[10], description="Segundos para cada intento; 10 si falta.")]
AttemptsInAll = Annotated[int, Meta(ge=1, le=20, examples=[10], description="Intentos en total; 10 si falta.")]
Thin = Annotated[bool, Meta(description="Enviar solo identificadores, sin palabras ni datos de clientes.")]
PerSecond = Annotated[float, Meta(ge=0, le=1_000, examples=[5], description="Envíos por segundo, como máximo; 0 son todos.")]
AtATime = Annotated[
    int,
    Meta(ge=1, le=32, examples=[8], description="Envíos a la vez; 1 si falta, y solo con 1 se conserva el orden."),
]
OverlapHours = Annotated[float, Meta(ge=0, le=168, description="Horas en las que también firma el secreto anterior.")]


class Webhook(Secretive, Command):
    """The registration of an endpoint; where it is registered already, fields left out stay as they are."""

    url: Url
    events: EventNames
    webhook_id: Line | None = None
    secret: Secret | None = None
    headers: Headers | None = None
    timeout: AttemptSeconds | UnsetType = UNSET
    retry_attempts: AttemptsInAll | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    thin: Thin | UnsetType = UNSET
    max_per_second: PerSecond | None = None
    max_parallel: AtATime | UnsetType = UNSET


class WebhookChange(Secretive, Command):
    """Changes to an endpoint; fields left out stay as they are."""

    url: Url | None = None
    events: EventNames | None = None
    secret: Secret | None = None
    overlap_hours: OverlapHours = 24
    headers: Headers | None = None
    timeout: AttemptSeconds | UnsetType = UNSET
    retry_attempts: AttemptsInAll | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    thin: Thin | UnsetType = UNSET
    max_per_second: PerSecond | None = None
    max_parallel: AtATime | UnsetType = UNSET


class Replay(Command):
    """The events to send again: one event, those of a kind, or those of a range of time."""

    event_id: Line | None = None
    event: EventKind | None = None
    begin: Annotated[datetime, Meta(tz=True, examples=["2026-11-22T10:00:00Z"])] | None = None
    end: Annotated[datetime, Meta(tz=True, examples=["2026-11-23T10:00:00Z"])] | None = None
    delivered: Annotated[bool, Meta(description="También lo que ya llegó.")] = False


class Rotate(Secretive, Command):
    """A new secret for an endpoint."""

    secret: Secret | None = None
    overlap_hours: OverlapHours = 24


class CreateKey(Command):
    """A new API key."""

    name: Annotated[Line, Meta(examples=["Tienda"])]
    scopes: Annotated[list[Line], Meta(max_length=50, examples=[["sessions:write", "sessions:read"]])] | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=3_650, examples=[90])] | None = None


class RotateKey(Command):
    """A new secret for an API key."""

    overlap_hours: Annotated[float, Meta(ge=0, le=168, description="Horas en las que también sirve el secreto anterior.")] = 24


class Variable(Command):
    """One variable of a template."""

    name: Line
    description: Notes | None = None
    required: bool = False
    type: Line | None = None
    default: Notes | None = None


class Template(Command):
    """A guide with variables."""

    template_id: Line
    name: Name
    category: Annotated[Line, Meta(examples=["general"])]
    variables: Annotated[list[Variable], Meta(max_length=100, examples=[[{"name": "producto", "required": True}]])]
    steps_template: Annotated[
        list[dict[str, Any]], Meta(min_length=1, max_length=100, examples=[[{"title": "Abre {{producto}}"}]])
    ]
    description: Notes | None = None
    metadata: dict[str, Any] | None = None


class Render(Command):
    """Values for the variables of a template."""

    template_id: Line
    variables: Annotated[
        dict[str, Any], Meta(max_length=200, examples=[{"product_name": "Mi App", "reset_url": "https://example.com"}])
    ]


if TYPE_CHECKING:
    ChannelName = str
else:
    ChannelName = Literal[names()]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]


class Notification(Secretive, Command):
    """A message to one recipient."""

    notification_type: Annotated[Line, Meta(examples=["session_escalated"])]
    recipient: Addressee
    subject: Name | None = None
    message: Notes | None = None
    session_id: Line | None = None
    channel: ChannelName = "email"
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    webhook_url: Url | None = None


class NotificationPage(Command):
    """Size and filters of a page of notifications."""

    limit: Annotated[int, Meta(ge=1, le=200, examples=[50])] = 100
    status: Literal["pending", "sent", "failed", "cancelled"] | None = None
    channel: ChannelName | None = None


class RetryNotifications(Command):
    """The notifications to send again; without a field, all that were given up or wait for another attempt."""

    channel: ChannelName | None = None
    status: Annotated[
        Literal["failed", "pending"] | None,
        Meta(description="failed: lo que se dio por perdido; pending: lo que espera otro intento.", examples=["failed"]),
    ] = None
    since: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="Lo que se guardó desde entonces.", examples=["2026-11-22T10:00:00Z"]),
    ] = None


class Recipient(Secretive, Command):
    """Notification preferences of a recipient."""

    channel: ChannelName
    recipient: Addressee
    events: Annotated[list[EventKind], Meta(max_length=20, examples=[["session_escalated"]])] | None = None
    muted: Annotated[list[Line], Meta(max_length=50, examples=[["step_completed"]])] | None = None
    language: Language | None = None
    time_zone: Annotated[Line, Meta(examples=["Europe/Madrid"])] = "UTC"
    quiet_from: TimeOfDay | None = None
    quiet_to: Annotated[TimeOfDay, Meta(examples=["07:30"])] | None = None
    digest_minutes: Annotated[int, Meta(ge=0, le=1_440, examples=[30])] = 0
    webhook_url: Url | None = None
    secret: Line | None = None


class SetMessageTemplate(Command):
    """Subject and body of a message, with `{placeholders}`."""

    template_id: Line
    subject: Name
    body: Notes


class TriggerEvent(Command):
    """An event that a caller sends by hand."""

    event: EventKind
    data: dict[str, Any]
    webhook_id: Line | None = None


class Period(Command):
    """Length of a report's period, in days back from now."""

    days: Days = 30


class Page(Command):
    """Size and filters of a page of sessions."""

    limit: Annotated[int, Meta(ge=1, le=200, examples=[50])] = 50
    status: Status | None = None
    ticket_id: Line | None = None
    customer_email: Email | None = None
    problem_id: Line | None = None
    since: Annotated[Line, Meta(examples=["2026-11-22"])] | None = None
    until: Annotated[Line, Meta(examples=["2026-11-22T10:00:00Z"])] | None = None


class Customer(Command):
    """A customer, whose data is exported or erased."""

    customer_email: Email


class AuditPage(Command):
    """Size and filters of a page of the audit log."""

    limit: Annotated[int, Meta(ge=1, le=200, examples=[50])] = 50
    actor: Line | None = None
    action: Line | None = None
    since: Annotated[Line, Meta(examples=["2026-11-22"])] | None = None
    until: Annotated[Line, Meta(examples=["2026-11-22T10:00:00Z"])] | None = None
