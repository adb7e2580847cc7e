"""First names by which customers introduce themselves in small letters: "soy juan perez, no puedo entrar"."""

from __future__ import annotations

import re

from guiado.text.credentials import REMOVED
from guiado.text.fold import fold
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS

_FIRST_NAMES = """
    juan jose luis carlos jorge pedro pablo miguel manuel francisco javier antonio alejandro fernando ricardo roberto
    eduardo sergio raul rafael daniel david diego andres oscar alberto enrique mario martin hugo ivan victor gustavo
    julio cesar felipe sebastian nicolas matias lucas tomas joaquin emilio ernesto guillermo gerardo hector rodrigo
    ramon ruben adrian alvaro gonzalo esteban mauricio leonardo cristian facundo ignacio agustin bruno ulises wilson
    jhon edgar efrain fabian fidel german gilberto maria ana carmen laura marta lucia elena isabel patricia sandra
    monica silvia andrea claudia beatriz teresa cristina rocio raquel paula julia sara sofia valentina camila daniela
    gabriela fernanda natalia carolina veronica adriana alejandra lorena yolanda susana norma gloria juana rosario
    josefa angela marcela liliana viviana noelia florencia micaela agustina ines irene eva noemi lidia olga nuria
    montserrat pilar mercedes dolores concepcion guadalupe fatima leticia miriam ximena jimena karina joao paulo joana
    marcos mateus thiago tiago vinicius henrique caio renato marcelo leandro anderson wagner wellington fabio fabricio
    flavio otavio luiz luiza larissa mariana juliana bruna vanessa aline simone renata tatiana priscila rafaela
    eduarda isabela manuela antonia francisca rita rui nuno duarte goncalo vasco margarida catarina inês john james
    robert michael william richard joseph thomas charles christopher matthew anthony donald steven andrew kenneth
    joshua kevin brian george timothy ronald jason edward jeffrey ryan jacob gary nicholas eric jonathan stephen larry
    justin scott brandon benjamin samuel gregory alexander patrick dennis jerry tyler aaron henry peter adam nathan
    zachary kyle mary jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret ashley
    kimberly emily donna michelle amanda melissa deborah stephanie rebecca sharon cynthia kathleen amy shirley anna
    brenda pamela emma nicole helen samantha katherine christine rachel carolyn janet olivia heather diane julie joyce
    victoria kelly lauren christina joan evelyn judith hannah megan cheryl jacqueline martha tom tim jim bob mike dave
    steve chris kate jane
"""
FIRST_NAMES = frozenset(map(fold, _FIRST_NAMES.split()))
_OTHERS = "no not nao sin sem without tengo quiero necesito vivo cliente usuario user desde since llevo estoy internet the"
_NO_SURNAME = FUNCTION_WORDS | GREETINGS | frozenset(_OTHERS.split())
_INTRODUCED = re.compile(
    r"(?<!\w)((?i:soy|habla|hablo con|aquí habla|aqui habla|les? escribe|te escribe|de parte de|i'm|i am|this is|sou|aqui é|"
    r"aqui fala|fala)[ ](?:(?i:el|la|o|a)[ ])?)([^\W\d_]+)((?:[ ][^\W\d_]+){0,3})"
)
_MOST_SURNAMES = 2


def remove_introduced(text: str) -> str:
    """Redact the names by which somebody introduces themselves, where the first one is a common first name."""
    return _INTRODUCED.sub(_clean, text)


def _clean(match: re.Match[str]) -> str:
    if fold(match[2]) not in FIRST_NAMES:
        return match[0]
    following = match[3].split()
    surnames = following[:_MOST_SURNAMES]
    taken = next((n for n, word in enumerate(surnames) if fold(word) in _NO_SURNAME), len(surnames))
    after = following[taken] if taken < len(following) else ""
    is_cut = bool(after) and fold(after) not in _NO_SURNAME  # "soy maria llevo tres días": a sentence goes on without a comma
    kept = following[0 if is_cut else taken :]
    return match[1] + REMOVED + "".join(f" {word}" for word in kept)
