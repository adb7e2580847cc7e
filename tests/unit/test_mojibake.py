"""Letters that stand alone are no broken encoding: the tables for repairing those are not loaded for them."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import ftfy
import pytest

from guiado.text.mojibake import _ORDINARY, _PLAIN, repair

LETTERS = "ã“”«»’‘–—…€ºª°•áéíóúüñçõàâêôÁÉÍÓÚÜÑ¿¡"
ASCII = "aeoz AN.,1-'<"


def test_what_is_taken_for_whole_is_whole():
    choose = Random(5)  # noqa: S311
    texts = {"".join(choose.choice(LETTERS if choose.random() < 0.55 else ASCII) for _ in range(5)) for _ in range(40_000)}
    whole = [text for text in texts if _ORDINARY.fullmatch(text) and not _PLAIN.fullmatch(text)]
    assert len(whole) > 1_000
    assert [text for text in whole if ftfy.fix_encoding(text) != text] == []


@pytest.mark.parametrize("broken", ["contraseÃ±a “no”", "canâ€™t", "nÃ£o «funciona»", "mÃ¡s â€“ menos"])
def test_broken_encodings_beside_them_are_repaired(broken):
    assert repair(broken) == ftfy.fix_encoding(broken) != broken


def test_ordinary_texts_load_no_tables():
    code = "import sys; from guiado.text.tokenize import meaningful_part as m; print(m('A instalação não “abre”: «¿por qué?»')); print('ftfy' in sys.modules)"
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["A instalação não “abre”: «¿por qué?»", "False"]
