"""The index that tenants share where they have the same guides and no examples, and the model that was fitted to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guiado.detection import Index
from guiado.detection.classifier.fitted_model import FittedModel
from guiado.domain.guide import Guide


@dataclass(slots=True)
class PlainIndex:
    """The last index that was built from guides alone, and the guides that it is about.

    An index of 10,000 guides takes minutes and hundreds of megabytes: tenants that use the file as it is need one between them.
    No model is in it: its calibration is learned from one tenant's sessions. The rest of a model is fitted to texts that all of
    them have, and is shared.
    """

    guides: Mapping[str, Guide] | None = None
    index: Index | None = None
    fitted: tuple[str, FittedModel] | None = None
    """Contents of an index, and the model that was fitted to them."""

    def model_for(self, contents: str, intercept: float) -> FittedModel | None:
        """The model that was fitted to these contents, if it is the one that is kept, with a tenant's own intercept."""
        return self.fitted[1].with_intercept(intercept) if self.fitted is not None and self.fitted[0] == contents else None

    def same_model(self, contents: str, model: FittedModel) -> FittedModel:
        """This model, made of the arrays that are in memory already where they are equal."""
        known = self.model_for(contents, model.intercept)
        if known is not None and known.version == model.version:
            return known
        if self.index is not None and self.index.contents == contents:
            self.fitted = contents, model
        return model

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
