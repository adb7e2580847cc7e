"""The guide's module: re-exports of `guiado.agent`."""

from guiado.agent import ProblemCategory as ProblemCategory
from guiado.agent import StepStatus as StepStatus
from guiado.agent import TroubleshootingAgent as TroubleshootingAgent
from guiado.agent import TroubleshootingGuide as TroubleshootingGuide
from guiado.agent import TroubleshootingSession as TroubleshootingSession
from guiado.agent import TroubleshootingStatus as TroubleshootingStatus
from guiado.agent import TroubleshootingStep as TroubleshootingStep
