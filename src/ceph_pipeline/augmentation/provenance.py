"""What the images of a store were made from: a recipe that must not change, and sources that may come, go and change."""

import hashlib
import inspect
import json
import sys
from typing import Any

from ceph_pipeline.artifacts import Ledger, fingerprint
from ceph_pipeline.augmentation.kinds import Kind, Source
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.augmentation.plan import Plan
from ceph_pipeline.errors import CephError
from ceph_pipeline.images import ImageStore, RawFolder


class OtherRecipeError(CephError, RuntimeError):
    """A store holds images of another recipe, which would have to be deleted."""


class Provenance:
    """The record beside the full-size copies, which says what both stores' images were made from.

    Args:
        store: Full-size copies.
        cache: Their pre-resized training copies.
        params: The recipe as it is now.
    """

    def __init__(self, store: ImageStore, cache: ImageStore, params: AugmentationParams) -> None:
        self.stores = (store, cache)
        self.ledger = Ledger(store.folder)
        self.summary: dict[str, Any] = {
            "recipe": {name: kind.model_dump(mode="json") for name, kind in params.recipe.items()},
            "seed": params.seed,
            "cache_long_side": params.cache_long_side,
            "format": store.format,
            "quality": store.quality if store.format == "jpg" else None,
        }
        if own := {name: code for name, kind in params.recipe.items() if (code := own_code(kind))}:
            self.summary["code of own kinds"] = own

    def refuse_other_recipe(self) -> None:
        """Make sure that the stores are empty or hold images of this recipe.

        Raises:
            OtherRecipeError: they do not; the message names the difference and the ways out.
        """
        store = self.stores[0]
        record = self.ledger.read()
        if not record and not store.folder.names():
            return
        changed = self.ledger.difference(self.summary)
        if not record:
            reason = "has files, but no record of what they were made from (.ledger.json)"
        elif changed:
            differences = "; ".join(f"{key} was {_in_words(old)}, is {_in_words(new)}" for key, (old, new) in changed.items())
            reason = f"holds images of another recipe: {differences}"
        else:
            return
        raise OtherRecipeError(
            f"{store.path} {reason}. Go back to that recipe; or keep those images and set data_root in globals.yml to another "
            "place; or delete them and make them again: kedro run --pipelines augmentation --params augmentation.force=true"
        )

    def clear(self) -> None:
        """Delete all images of both stores."""
        for store in self.stores:
            store.clear()

    def begin(self, plan: Plan, raw: RawFolder) -> set[str]:
        """Delete what cannot be kept, record what the images are made from, and say which are there already.

        Half-written files go, images that are not planned, and images of a source whose file, size or points have changed.
        Deleting comes before recording: a run that is killed between the two deletes again.

        Returns:
            Identifiers of the images that are whole in both stores.
        """
        known = self.ledger.read().get("sources", {})
        stamps = raw.stamps(source.path for source in plan.sources.values())
        prints = map(source_print, plan.sources.values(), stamps)
        sources = dict(zip(plan.sources, prints, strict=True))
        unchanged = {source_id for source_id, print_ in sources.items() if known.get(source_id) == print_}
        usable = {copy.image_id for copy in plan.copies if copy.source_id in unchanged}
        found = []
        for store in self.stores:
            store.sweep()
            ids = store.ids()
            store.discard(ids - usable)
            found.append(ids & usable)
        self.ledger.begin(fingerprint(self.summary), self.summary, sources=sources)
        return set.intersection(*found)


def source_print(source: Source, stamp: str | None) -> str:
    """A short digest of everything that a source's copies are made from: its file's stamp, size, scale and points."""
    facts = [stamp, source.path, source.size, source.pixel_size_mm, sorted(source.landmarks.items())]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def own_code(kind: Kind) -> str | None:
    """Hash of the module that defines a user's own kind; None for this package's, and where no file holds the source code."""
    module = type(kind).__module__
    if module.startswith("ceph_pipeline."):
        return None
    try:
        return fingerprint(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):  # such as a class that is defined in a notebook
        return None


def _in_words(value: Any) -> str:
    return "not there" if value is None else json.dumps(value)
