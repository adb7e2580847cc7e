"""The Python facade of the contract: synchronous, durable, in Spanish.

Every change is in PostgreSQL when a call returns, so that the API and `psql` see it at once.

Source: contract.md §1.
"""

from __future__ import annotations

from guiado.agent.notifications import (
    NotificationChannel,
    NotificationConfig,
    NotificationPriority,
    TroubleshootingNotificationManager,
)
from guiado.agent.templates import TemplateVariable, TroubleshootingTemplate, TroubleshootingTemplateManager
from guiado.agent.troubleshooting import TroubleshootingAgent, TroubleshootingSession
from guiado.agent.webhooks import TroubleshootingWebhookManager, WebhookConfig
from guiado.domain.events import EventKind
from guiado.domain.guide import Guide, ProblemCategory, Step, StepStatus
from guiado.domain.session import Status
from guiado.sync import close_engines

TroubleshootingGuide = Guide
TroubleshootingStep = Step
TroubleshootingStatus = Status
WebhookEvent = EventKind

__all__ = [
    "NotificationChannel",
    "NotificationConfig",
    "NotificationPriority",
    "ProblemCategory",
    "StepStatus",
    "TemplateVariable",
    "TroubleshootingAgent",
    "TroubleshootingGuide",
    "TroubleshootingNotificationManager",
    "TroubleshootingSession",
    "TroubleshootingStatus",
    "TroubleshootingStep",
    "TroubleshootingTemplate",
    "TroubleshootingTemplateManager",
    "TroubleshootingWebhookManager",
    "WebhookConfig",
    "WebhookEvent",
    "close_engines",
]
