"""The nodes, their catalog entries, and the contact sheet."""

from pathlib import Path

import yaml

from ceph_pipeline.augmentation import AugmentationParams
from ceph_pipeline.pipelines.augmentation import create_pipeline
from ceph_pipeline.pipelines.augmentation.nodes import augment_sources, draw_contact_sheet

CONF = Path(__file__).parents[2] / "conf"


def test_every_output_has_a_catalog_entry():
    catalog = yaml.safe_load((CONF / "base" / "catalog_augmentation.yml").read_text())
    assert create_pipeline().outputs() | {"augmented_images", "augmented_landmarks"} <= set(catalog)


def test_the_audits_exclusions_come_before_augmentation():
    assert {"exclusions", "raw_cephalograms", "params:augmentation"} <= create_pipeline().inputs()


def test_parameters_are_validated_by_their_annotation():
    assert augment_sources.__annotations__["params"] is AugmentationParams


def test_the_nodes_make_tables_and_a_sheet_of_every_kind(study, params_of):
    tables = study.tables
    params = params_of()
    made = augment_sources(
        tables.images, tables.landmarks, tables.cvm, tables.exclusions,
        study.raw, study.source_cache, study.store, study.cache, params,
    )  # fmt: skip
    assert set(made) == {output for node in create_pipeline().nodes for output in node.outputs} - {"augmentation_sheet"}
    sheet = draw_contact_sheet(made["augmented_images"], made["augmented_landmarks"], study.store)
    titles = [axes.get_title() for axes in sheet.axes if axes.get_title()]
    assert titles == ["original 0", "flip 0", "rotation 0", "rotation 1", "brightness 0", "brightness 1", "braces 0"]
    shown = [axes for axes in sheet.axes if axes.images]
    assert len(shown) == 3 * 7
    assert all(len(axes.lines[0].get_xdata()) == 11 for axes in shown)
