"""Watch over guides that come into use: each that changed is checked afterwards, so that an edit counts at once and is warned of.

Source: ADR 0045.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING

from guiado.domain.guide import Guide
from guiado.logs import get_logger

if TYPE_CHECKING:
    from guiado.app.knowledge.check.verdicts import GuideVerdict

_NICENESS = 10
_MOST = 500
"""Most guides of one change that are checked: an import of thousands was checked before."""
_NAMED = 5
log = get_logger()


class GuideWatch:
    """Watch over the guides of one knowledge base, in a thread of low priority for each change.

    Args:
        scope: of the knowledge base.
    """

    def __init__(self, scope: str = "") -> None:
        self.refused: Mapping[str, GuideVerdict] = {}
        """Id -> verdict, of the guides in use that a check would have refused."""
        self._scope = scope
        self._good = dict[str, Guide | None]()
        """Id -> version before the first refused one, of the guides that are refused."""
        self._last: threading.Thread | None = None

    def saw(self, before: Mapping[str, Guide], after: Mapping[str, Guide], changed: Mapping[str, str]) -> None:
        """Check the guides that came into use, soon; a first load changes none.

        Args:
            before: id -> guide that was in use.
            after: id -> guide in use.
            changed: id -> version in use, of those that came into use.
        """
        wanted = {key: after[key] for key in list(changed)[:_MOST] if key in after}
        gone = [key for key in self.refused if key not in after]
        if not before or not (wanted or gone):
            return
        work = partial(self._check, self._last, wanted, {key: before.get(key) for key in wanted}, gone)
        self._last = threading.Thread(target=work, name="guiado-check", daemon=True)
        self._last.start()

    def wait(self, timeout_s: float) -> None:
        """Wait until the last change was checked, for so long at most."""
        if self._last is not None:
            self._last.join(timeout_s)

    def _check(
        self,
        earlier: threading.Thread | None,
        wanted: Mapping[str, Guide],
        former: Mapping[str, Guide | None],
        gone: Collection[str],
    ) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        if earlier is not None:
            earlier.join()
        try:
            told = self._judge(wanted, former, gone)
        except Exception as error:  # noqa: BLE001 nobody waits for it, and the guides are in use whatever it is
            log.error("guides_not_checked", error=f"{type(error).__name__}: {error}"[:300])
            return
        if told:
            first = next(iter(told.values())).refusals[0]
            why = "están en uso, y kb check las rechaza; mira por qué con guiado kb check, y vuelve atrás con guiado kb revert"
            names = ", ".join(list(told)[:_NAMED])
            log.warning("guides_refused", scope=self._scope, guides=names, count=len(told), first=str(first)[:300], why=why)

    def _judge(
        self, wanted: Mapping[str, Guide], former: Mapping[str, Guide | None], gone: Collection[str]
    ) -> Mapping[str, GuideVerdict]:
        """Check guides; returns the verdicts on those that are refused."""
        from guiado.app.knowledge.check.verdicts import check_guide  # most processes see no change

        refused = {key: verdict for key, verdict in self.refused.items() if key not in gone and key not in wanted}
        told: dict[str, GuideVerdict] = {}
        for key, guide in wanted.items():
            good = self._good.pop(key, former[key])  # an edit of a refused version is compared with the last good one
            verdict = check_guide(guide, good)
            if verdict.is_refused:
                told[key], self._good[key] = verdict, good
        self.refused = refused | told
        return told
