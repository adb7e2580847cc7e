"""Reader of a Containerfile: its stages and instructions, as far as ours uses the format.

Source: the Dockerfile reference of Docker and `containerfile(5)`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in capitals, its flags, and the rest as it stands.

    Args:
        flags: by name, as {"from": "build"}.
    """

    name: str
    rest: str
    flags: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """The arguments: those of the exec form, else the words of the line."""
        return json.loads(self.rest) if self.is_exec else shlex.split(self.rest)

    @property
    def is_exec(self) -> bool:
        """Whether the arguments stand in a JSON list, without a shell."""
        return self.rest.startswith("[")


@dataclass(frozen=True)
class Stage:
    """What lies between one FROM and the next.

    Args:
        base: image that the stage begins with.
    """

    name: str
    base: str
    instructions: list[Instruction]

    def all(self, name: str) -> list[Instruction]:
        """All instructions of a name, in their order."""
        return [each for each in self.instructions if each.name == name]

    def last(self, name: str) -> Instruction:
        """The one that counts, where an instruction may come several times."""
        return self.all(name)[-1]

    def environment(self) -> dict[str, str]:
        """All variables that the stage sets."""
        return dict(pair.split("=", 1) for each in self.all("ENV") for pair in each.words)


def read(path: Path) -> list[Stage]:
    """Read the stages of a Containerfile."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for each in _instructions(path.read_text("utf-8")):
        if each.name == "FROM":
            base, _, name = _VARIABLE.sub(lambda found: arguments[found[1]], each.rest).partition(" AS ")
            stages.append(Stage(name or str(len(stages)), base, []))
        elif each.name == "ARG" and not stages:
            name, _, value = each.rest.partition("=")
            arguments[name] = value
        else:
            stages[-1].instructions.append(each)
    return stages


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        name, _, rest = line.strip().partition(" ")
        flags: dict[str, str] = {}
        while found := re.match(r"--(\w[\w-]*)=(\S+)\s+", rest):
            flags[found[1]], rest = found[2], rest[found.end() :]
        yield Instruction(name.upper(), rest.strip(), flags)
