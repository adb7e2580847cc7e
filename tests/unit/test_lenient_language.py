"""A locale means its language wherever one is given: at the terminal as over HTTP."""

from __future__ import annotations

import pytest

from guiado.cli import main


@pytest.mark.parametrize("locale", ["pt-BR", "PT", "pt_PT.UTF-8", "pt"])
def test_the_terminal_takes_a_locale(locale: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for environment, words in ((locale, ["nope"]), ("es", ["--lang", locale, "nope"]), ("en", [f"--lang={locale}", "nope"])):
        monkeypatch.setenv("GUIADO_LANG", environment)
        with pytest.raises(SystemExit):
            main(words)
        assert "Não existe o comando nope" in capsys.readouterr().err


@pytest.mark.parametrize("locale", ["fr-FR", "esx", "zh", "C.UTF-8", ""])
def test_another_language_is_refused(locale: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIADO_LANG", "es")
    with pytest.raises(SystemExit):
        main(["--lang", locale, "version"])
    assert "Elige es, en o pt" in capsys.readouterr().err
