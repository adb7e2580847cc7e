"""The guide's module: re-exports of `guiado.agent`."""

from guiado.agent import NotificationChannel as NotificationChannel
from guiado.agent import NotificationConfig as NotificationConfig
from guiado.agent import NotificationPriority as NotificationPriority
from guiado.agent import TroubleshootingNotificationManager as TroubleshootingNotificationManager
