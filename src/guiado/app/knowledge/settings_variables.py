"""Variables of guides that the settings give: what the team is called, and how and when it is reached."""

from __future__ import annotations

from collections.abc import Mapping

from guiado.app.support_hours import hours_in_words
from guiado.i18n import LANGUAGES
from guiado.settings import DEFAULT_BRAND, Settings


def settings_variables(settings: Settings) -> dict[str, Mapping[str, str]]:
    """Name -> language -> value; they go before the variables of the file. A setting that the team left out gives none."""
    brand = "" if settings.brand_name == DEFAULT_BRAND else settings.brand_name
    same = {"marca": brand, "telefono": settings.support_phone, "correo": settings.support_email}
    written = settings.support_hours
    hours = {language: hours_in_words(written, language) for language in LANGUAGES} if written else dict[str, str]()
    return {**{name: {"": value} for name, value in same.items() if value}, **({"horario": hours} if hours else {})}
