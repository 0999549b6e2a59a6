"""Milestones are those of a 250-epoch training, at the same share of the configured epochs."""

from ceph_pipeline.training.health.milestones import compare, summary
from ceph_pipeline.training.health.record import Epoch, TrainingRecord


def record(mre, sdr=None, planned=250):
    curves = [{"val/mre_mm": m} | ({"val/sdr_2mm": s} if sdr else {}) for m, s in zip(mre, sdr or mre, strict=True)]
    return TrainingRecord(
        stage="stage1",
        landmarks=("Sella",),
        settings={"optim.epochs": planned},
        input_size=(128, 128),
        stride=4,
        epochs=tuple(Epoch(epoch=n, steps=1, curves=c, learning_rate=1e-3, step_size={}) for n, c in enumerate(curves, 1)),
    )


def test_a_training_of_250_epochs_is_measured_at_their_epochs():
    table = compare(record([19.0] * 20 + [9.9] * 30))
    assert table["epoch"].tolist() == [5, 20, 50]
    assert table["expected"].tolist() == [20.0, 10.0, 5.0]
    assert table["met"].tolist() == [True, False, False]


def test_a_training_of_25_epochs_is_measured_at_a_tenth():
    table = compare(record([19.0, 9.0, 6.0, 5.0, 4.9], planned=25))
    assert table["epoch"].tolist() == [1, 2, 5]
    assert table["met"].all()


def test_the_best_until_then_counts():
    assert compare(record([8.0] + [30.0] * 19))["reached"].tolist() == [8.0, 8.0]


def test_detection_rates_have_milestones_of_their_own():
    table = compare(record([3.0] * 30, sdr=[51.0] * 30))
    rates = table[table["measure"] == "SDR 2 mm %"]
    assert rates[["of_250", "expected", "met"]].to_numpy().tolist() == [[30, 50.0, True]]
    assert summary(table).startswith("milestones met: 2 of 2 for MRE mm, 1 of 1 for SDR 2 mm % (")


def test_without_a_pixel_size_there_are_none():
    bare = record([1.0] * 50)
    epochs = tuple(entry.model_copy(update={"curves": {"val/mre_px": 3.0}}) for entry in bare.epochs)
    assert compare(bare.model_copy(update={"epochs": epochs})).empty
