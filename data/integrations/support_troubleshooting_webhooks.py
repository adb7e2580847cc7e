"""The guide's module: re-exports of `guiado.agent`."""

from guiado.agent import TroubleshootingWebhookManager as TroubleshootingWebhookManager
from guiado.agent import WebhookConfig as WebhookConfig
from guiado.agent import WebhookEvent as WebhookEvent
