"""Draws docs/images/chat.<language>.svg: a real `guiado chat` in a real terminal, with a database of its own.

Usage: python scripts/picture.py   (a few seconds; after a change of what the terminal shows)
"""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
GUIADO = Path(sys.executable).with_name("guiado")
COLUMNS, PATIENCE_S = 84, 30
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
THEME = TerminalTheme(
    (22, 27, 34), (230, 237, 243),
    [
        (72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65),
        (121, 192, 255), (210, 168, 255), (86, 212, 221), (177, 186, 196),
    ],
)  # fmt: skip
SPINNER = re.compile(r"^[\u2800-\u28ff] ")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-HJKSThln]|\x1b[=>]|\r")


@dataclass(frozen=True)
class Scene:
    """What one customer says.

    Args:
        language: of the terminal.
        lines: what is typed when the prompt stands there.
        cut: the last line that is shown begins with this.
    """

    language: str
    lines: Sequence[str]
    cut: str


SCENES = (
    Scene("es", ("La aplicación se cierra sola\r", "ana@example.com\r", "n\r", "q\r"), "Paso 2 de "),
    Scene("en", ("My app crashes when I open it\r", "ana@example.com\r", "n\r", "q\r"), "Step 2 of "),
)


def play(scene: Scene, home: str) -> str:
    """Everything that the terminal showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(GUIADO_HOME=home, GUIADO_LANG=scene.language, TERM="xterm-256color", COLUMNS=str(COLUMNS))
        os.environ.pop("DATABASE_URL", None)
        os.chdir(home)
        os.execv(GUIADO, [str(GUIADO), "chat"])  # noqa: S606 our own program
    try:
        return converse(terminal, list(scene.lines))
    finally:
        os.close(terminal)  # a program that still waits ends by that
        os.waitpid(child, 0)


def converse(terminal: int, lines: list[str]) -> str:
    """Type a line each time that the prompt appears, until the program ends."""
    shown, answered, deadline = b"", 0, time.monotonic() + PATIENCE_S
    prompt = "› ".encode()
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # the program has ended
            return shown.decode()
        if lines and shown.count(prompt) > answered:
            answered = shown.count(prompt)
            while termios.tcgetattr(terminal)[3] & termios.ICANON and time.monotonic() < deadline:
                time.sleep(0.01)  # what is typed before the program listens to single keys is thrown away
            os.write(terminal, lines.pop(0).encode())
    raise SystemExit(f"guiado chat no termina; mostró:\n{shown.decode(errors='replace')[-2000:]}")


def visible(shown: str, cut: str) -> str:
    """What is left on the screen, to the line that begins with `cut`, with its colours."""
    lines = [CONTROL.sub("", line.rpartition("\x1b[2K")[2]).rstrip() for line in shown.split("\n")]
    lines = [line for line in lines if not SPINNER.match(Text.from_ansi(line).plain)]
    plain = [Text.from_ansi(line).plain.strip() for line in lines]
    last = next(number for number, line in enumerate(plain) if line.startswith(cut))
    return "\n".join(lines[: last + 2]).strip("\n")


def render(shown: str, title: str) -> str:
    """The picture, which asks no other host for a font."""
    console = Console(record=True, file=StringIO(), width=COLUMNS, force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(f"$ {title}\n\n{shown}\n…"))
    style = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    style = style.replace("Fira Code, monospace", FONTS).replace("Fira Code", FONTS)
    picture = console.export_svg(title="guiado", theme=THEME, code_format=style, unique_id="guiado")
    picture = re.sub(r"<!--.*?-->\s*", "", picture, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", picture.strip() + "\n", flags=re.MULTILINE)


def main() -> None:
    """Draw all scenes."""
    with tempfile.TemporaryDirectory(prefix="guiado-") as home:
        Path(home).chmod(0o755)  # run by root, the server's own user has to enter
        for scene in SCENES:
            title = "make chat" if scene.language == "es" else f'make chat ARGS="--lang {scene.language}"'
            picture = render(visible(play(scene, home), scene.cut), title)
            (ROOT / "docs" / "images" / f"chat.{scene.language}.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
