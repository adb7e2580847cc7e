"""The guide's module: re-exports of `guiado.agent`."""

from guiado.agent import TemplateVariable as TemplateVariable
from guiado.agent import TroubleshootingTemplate as TroubleshootingTemplate
from guiado.agent import TroubleshootingTemplateManager as TroubleshootingTemplateManager
