"""The index that tenants share where they have the same guides and nobody's examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.detection import Index
from guiado.domain.guide import Guide


@dataclass(slots=True)
class PlainIndex:
    """The last index that was built from guides alone, and the guides that it is about.

    An index of 10,000 guides takes minutes and hundreds of megabytes: tenants that use the file as it is need one between them.
    No model is in it: its calibration was learned from one tenant's sessions.
    """

    guides: Mapping[str, Guide] | None = None
    index: Index | None = None

    def same(self, guides: dict[str, Guide]) -> dict[str, Guide]:
        """These guides, each as the object that is in memory already where it is equal."""
        known = self.guides or {}
        return {key: kept if (kept := known.get(key)) is not None and kept == guide else guide for key, guide in guides.items()}

    def find(self, guides: Mapping[str, Guide], previous: Index, *, with_vectors: bool) -> Index | None:
        """The index over exactly these guides, if it is the one that is kept.

        Args:
            previous: the tenant's index before, whose model serves until another one is fitted.
            with_vectors: an index without vectors will not do.
        """
        known, index = self.guides, self.index
        if known is None or index is None or len(known) != len(guides) or (with_vectors and index.vectors is None):
            return None
        if not all(mine == theirs for mine, theirs in zip(known.items(), guides.items(), strict=True)):
            return None
        return index if previous.model is None else index.with_model(previous.model).prepare()

    def keep(self, guides: Mapping[str, Guide], index: Index) -> None:
        """Keep the index over these guides, in place of the one before."""
        self.guides, self.index = guides, index.with_model(None).prepare() if index.model is not None else index
