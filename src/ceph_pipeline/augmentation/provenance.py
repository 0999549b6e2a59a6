"""Inputs of the images in a store: a recipe, which must not change, and sources, which may be added, removed or changed."""

import hashlib
import inspect
import json
import sys
from typing import Any

from ceph_pipeline import __version__
from ceph_pipeline.artifacts import Ledger, fingerprint
from ceph_pipeline.augmentation.kinds import Kind, Source
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.augmentation.plan import Plan
from ceph_pipeline.errors import CephError
from ceph_pipeline.images import ImageStore, RawFolder


class OtherRecipeError(CephError, RuntimeError):
    """A store contains images of another recipe, which would have to be deleted."""


class Provenance:
    """Manifest of both stores, kept next to the full-size copies, with the fingerprints of the images' inputs.

    Args:
        store: Full-size copies.
        cache: The pre-resized training copies.
        params: The current recipe.
    """

    def __init__(self, store: ImageStore, cache: ImageStore, params: AugmentationParams) -> None:
        self.stores = (store, cache)
        self.ledger = Ledger(store.folder)
        self.summary: dict[str, Any] = {
            "version of ceph_pipeline": __version__,  # a new version may move the points of a kind differently
            "recipe": {name: kind.model_dump(mode="json") for name, kind in params.recipe.items()},
            "seed": params.seed,
            "cache_long_side": params.cache_long_side,
            "format": store.format,
            "quality": store.quality if store.format == "jpg" else None,
        }
        if own := {name: code for name, kind in params.recipe.items() if (code := own_code(kind))}:
            self.summary["code of own kinds"] = own

    def refuse_other_recipe(self) -> None:
        """Check that the stores are empty or contain images of this recipe.

        Raises:
            OtherRecipeError: otherwise; the message contains the difference and the ways to continue.
        """
        store = self.stores[0]
        record = self.ledger.read()
        if not record and not store.folder.names():
            return
        if record and not any(each.ids() for each in self.stores):  # emptied by `clear` or by hand
            return
        changed = self.ledger.difference(self.summary)
        if not record:
            reason = "contains files, but no manifest of their inputs (.ledger.json)"
        elif changed:
            differences = "; ".join(f"{key} was {_in_words(old)}, is {_in_words(new)}" for key, (old, new) in changed.items())
            reason = f"contains images of another recipe: {differences}"
        else:
            return
        raise OtherRecipeError(
            f"{store.path} {reason}. Use the earlier recipe; or keep the images and set data_root in globals.yml to another "
            "folder; or delete and replace the images: kedro run --pipelines augmentation --params augmentation.force=true"
        )

    def clear(self) -> None:
        """Delete all images of both stores."""
        for store in self.stores:
            store.clear()

    def begin(self, plan: Plan, raw: RawFolder) -> set[str]:
        """Delete outdated images, record the inputs, and return the images that exist already.

        Deleted are incomplete files, images that are not planned, and images of sources whose file, size or points have changed.
        Images are deleted before the inputs are recorded, so that a run that was killed in between deletes them again.

        Returns:
            Identifiers of the images that are complete in both stores.
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
    """A short digest of all inputs of a source's copies: the file's stamp, size, scale and points."""
    facts = [stamp, source.path, source.size, source.pixel_size_mm, sorted(source.landmarks.items())]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def own_code(kind: Kind) -> str | None:
    """Hash of the module that defines a user's own kind; None for this package's kinds and for kinds without a source file."""
    module = type(kind).__module__
    if module.startswith("ceph_pipeline."):
        return None
    try:
        return fingerprint(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):  # for example a class defined in a notebook
        return None


def _in_words(value: Any) -> str:
    return "absent" if value is None else json.dumps(value)
