"""Customers of a synthetic desk: their companies, languages, devices and pseudonyms; the same ones come back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from guiado.app.sessions.start import customer_id_of

_SESSIONS_EACH = 4
_MOST = 200_000
_COMPANIES = (
    *("andina", "cafetal", "mistral", "horizonte", "pampa", "sierra"),
    *("litoral", "nuevomundo", "ribera", "aurora", "cobre", "atlas"),
)
_FIRST = {
    "es": ("Ana", "Luis", "María", "Carlos", "Lucía", "Jorge", "Camila", "Andrés", "Sofía", "Diego", "Elena"),
    "pt": ("João", "Beatriz", "Rafael", "Juliana", "Thiago", "Larissa", "Bruno", "Fernanda", "Caio", "Marina"),
    "en": ("Emma", "Jack", "Olivia", "Harry", "Grace", "Oscar", "Ruby", "Leo"),
}  # fmt: skip
_LAST = {
    "es": ("García", "Rojas", "Martínez", "Fernández", "Quispe", "Ramírez", "Vargas", "Ortega", "Navarro", "Castro"),
    "pt": ("Silva", "Souza", "Oliveira", "Pereira", "Lima", "Carvalho", "Ribeiro", "Almeida"),
    "en": ("Smith", "Taylor", "Brown", "Walker", "Hughes", "Clarke", "Wood"),
}  # fmt: skip
_HOURS = {"es": (-5, -6, -3, -4, 1, -5, -6), "pt": (-3,), "en": (0,)}
"""Hours from UTC where the customers of a language live."""
_DEVICES = ("Android", "iPhone", "Windows", "Windows", "Mac", "Windows", "Android", "Linux")
_PRODUCTS = ("Plan Hogar", "Plan Hogar", "Plan Empresa", "Plan Empresa", "Plan Pro")
_LANGUAGES = ("es", "pt", "en")
_LANGUAGE_SHARES = (0.7, 0.19, 0.11)
_PLAIN = str.maketrans("áéíóúãõçñÁÉÍÓÚ", "aeiouaocnAEIOU")


@dataclass(frozen=True, slots=True)
class SyntheticCustomer:
    """A synthetic customer.

    Args:
        utc_h: hours of their clock from UTC.
        pace: how long they take for a step; 1 is usual.
    """

    email: str
    name: str
    customer_id: str | None
    language: str
    utc_h: int
    device: str
    product: str
    pace: float


class Customers:
    """The customers of a tenant's synthetic desk.

    Args:
        sessions: number of sessions that they have together.
    """

    def __init__(self, tenant: str, sessions: int, random: np.random.Generator) -> None:
        self._tenant = tenant
        self.count = max(8, min(_MOST, sessions // _SESSIONS_EACH))
        self._languages = random.choice(len(_LANGUAGES), self.count, p=_LANGUAGE_SHARES).astype(np.int8)
        self._marks = random.integers(0, 2**31, self.count)
        self.get = lru_cache(maxsize=20_000)(self._get)

    def draw(self, count: int, random: np.random.Generator) -> list[int]:
        """Numbers of the customers of some sessions: a few write often, most of them once or twice."""
        return [int(number) for number in self.count * random.random(count) ** 1.8]

    def _get(self, number: int) -> SyntheticCustomer:
        language, mark = _LANGUAGES[int(self._languages[number])], int(self._marks[number])
        first = _FIRST[language][mark % len(_FIRST[language])]
        last = _LAST[language][mark // 17 % len(_LAST[language])]
        company = _COMPANIES[min(mark // 251 % len(_COMPANIES), mark // 4_003 % len(_COMPANIES))]
        email = f"{first}.{last}.{number}@{company}.demo.example".lower().translate(_PLAIN)
        hours = _HOURS[language]
        return SyntheticCustomer(
            email=email,
            name=f"{first} {last}",
            customer_id=customer_id_of(self._tenant, email),
            language=language,
            utc_h=hours[mark // 31 % len(hours)],
            device=_DEVICES[mark // 101 % len(_DEVICES)],
            product=_PRODUCTS[mark // 499 % len(_PRODUCTS)],
            pace=0.6 + mark // 7 % 100 / 100,
        )
