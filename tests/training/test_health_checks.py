"""Every check on records made by hand: it speaks where its symptom is, and is silent where it is not."""

import math

import numpy as np
import pytest

from ceph_pipeline.training.health.checks import CHECKS, run_checks
from ceph_pipeline.training.health.record import Epoch, TrainingRecord, Validation
from ceph_pipeline.training.health.verdict import examine, hopeless
from ceph_pipeline.training.params import Stage1Params

NAMES = ("Sella", "Nasion", "Menton", "Gonion")
K = len(NAMES)
SETTINGS = {
    "optim.epochs": 20,
    "optim.learning_rate": 1e-3,
    "loss.kind": "combined",
    "loss.sigma_px": 1.5,
    "net.pretrained": False,
    "optim.unfreeze_after_epochs": 0,
    "loop.find": None,
}


def validation(**changes):
    """A good one: errors a tenth of a guess's, spread as the truth's, sure peaks, nothing at the border."""
    values = {
        "error": 1.0,
        "guess": 10.0,
        "error_px": 2.0,
        "error_mm": 0.5,
        "peak": 0.9,
        "spread": 11.0,
        "target_spread": 11.5,
        "at_border": 0.0,
        "target_at_border": 0.0,
        "outside": 0.0,
    }
    centres = tuple((20.0 * k, 30.0) for k in range(K))
    full = {name: (value,) * K for name, value in values.items()} | {"centre": centres, "target_centre": centres}
    return Validation(**(full | {name: (value,) * K if np.isscalar(value) else value for name, value in changes.items()}))


def record(valid=validation, train=None, val=None, steps=(3e-3, 5e-3), epochs=20, stage="stage1", **settings):
    """A training whose losses fall from 1 to 0.2 and whose validations are all alike, but for what is given."""
    train = np.geomspace(1, 0.2, epochs) if train is None else train
    val = np.geomspace(1, 0.2, epochs) if val is None else val
    return TrainingRecord(
        stage=stage,
        landmarks=NAMES,
        settings=SETTINGS | {name.replace("__", "."): value for name, value in settings.items()},
        input_size=(128, 128),
        stride=4,
        epochs=tuple(
            Epoch(
                epoch=n + 1,
                steps=10,
                curves={"train/loss": float(train[n]), "val/loss": float(val[n]), "val/mre_mm": 0.5, "val/mre_px": 2.0},
                learning_rate=1e-3,
                step_size=dict(zip(("backbone", "heads"), steps, strict=True)),
                validation=valid(n) if valid is not validation else valid(),
            )
            for n in range(epochs)
        ),
    )


def guessing(**changes):
    return lambda _: validation(error=9.5, **changes)


def test_a_healthy_training_is_met_with_silence():
    assert run_checks(record()) == {}
    assert examine(record()).empty


def test_every_check_is_silent_before_the_first_validation():
    empty = record().model_copy(update={"epochs": ()})
    assert run_checks(empty) == {}


SICK = {
    "not_finite": record(val=[0.5] * 19 + [math.nan]),
    "rate_too_high": record(guessing(), steps=(0.1, 0.13)),
    "stuck": record(guessing(), steps=(1e-5, 2e-5)),
    "frozen_backbone": record(guessing(), steps=(0.0, 5e-3)),
    "not_learned": record(guessing()),
    "collapsed_images": record(lambda _: validation(spread=(0.1, 0.2, 0.1, 11.0))),
    "collapsed_landmarks": record(lambda _: validation(centre=((20, 30), (21, 30), (40, 30), (60, 30)))),
    "dead_channels": record(lambda _: validation(error=(1.0, 28.0, 1.1, 0.9), peak=(0.9, 0.02, 0.9, 0.9))),
    "out_of_range": record(lambda _: validation(outside=0.2)),
    "border": record(lambda _: validation(at_border=0.4)),
    "sudden_drop": record(lambda n: validation(error=6.0 if n == 12 else 1.0)),
    "overfitting": record(train=np.geomspace(1, 0.05, 20), val=np.r_[np.geomspace(1, 0.4, 8), np.geomspace(0.4, 0.6, 12)]),
    "flat_validation": record(train=np.geomspace(1, 0.2, 20), val=np.r_[np.geomspace(1, 0.35, 10), [0.35] * 10]),
}


def test_a_rate_that_was_searched_for_is_to_be_set_by_hand():
    too_high = {"valid": guessing(), "steps": (0.1, 0.13), "optim__learning_rate": 0.2}
    assert run_checks(record(**too_high))["rate_too_high"].suggestion == "0.009"
    searched = record(**too_high, loop__find="learning_rate")
    assert run_checks(searched)["rate_too_high"].suggestion == "0.009, with loop.find: null"


@pytest.mark.parametrize(("check", "field"), [("border", "at_border"), ("out_of_range", "outside")])
def test_a_landmark_without_a_validation_crop_hides_nothing(check, field):
    finding = run_checks(record(lambda _: validation(**{field: (0.4, 0.4, 0.4, math.nan)})))[check]
    assert finding.value == pytest.approx(0.4)


def test_each_check_has_its_sick_training():
    assert set(SICK) == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_speaks_of_its_symptom_with_evidence_and_remedy(check):
    finding = run_checks(SICK[check])[check]
    assert finding.severity in {"warning", "error"}
    assert finding.suggestion
    assert any(character.isdigit() for character in finding.detail)
    fields = Stage1Params
    for part in finding.setting.split(".") if finding.setting else ():
        assert part in fields.model_fields
        fields = fields.model_fields[part].annotation


@pytest.mark.parametrize("check", ["collapsed_images", "dead_channels", "border"])
def test_a_symptom_by_itself_brings_no_other_finding(check):
    assert set(run_checks(SICK[check])) == {check}


@pytest.mark.parametrize(
    ("check", "well"),
    {
        "not_finite": record(val=[1e9] * 20, train=[1e9] * 20),
        "rate_too_high": record(guessing(), steps=(0.02, 0.03)),
        "stuck": record(guessing(), steps=(1e-3, 1e-3)),  # 200 steps of 0.1 %: it went somewhere
        "frozen_backbone": record(steps=(0.0, 5e-3), net__pretrained=True),  # pretrained features can be good enough
        "not_learned": record(lambda _: validation(error=4.0)),
        "collapsed_images": record(lambda _: validation(spread=0.1, target_spread=2.0)),  # crops centred on the truth
        "collapsed_landmarks": record(
            lambda _: validation(
                centre=((20, 30), (21, 30), (40, 30), (60, 30)), target_centre=((20, 30), (22, 30), (40, 30), (60, 30))
            )
        ),
        "dead_channels": record(lambda _: validation(error=(1.0, 5.0, 1.1, 0.9))),  # Gonion is hard
        "out_of_range": record(lambda _: validation(outside=0.005)),
        "border": record(lambda _: validation(at_border=0.4, target_at_border=0.4)),
        "sudden_drop": record(lambda n: validation(error=12.0 - 0.5 * n)),
        "overfitting": record(val=np.geomspace(1, 0.25, 20)),
        "flat_validation": record(train=[0.2] * 20, val=[0.2] * 20),
    }.items(),
)
def test_a_check_is_silent_beside_its_symptom(check, well):
    assert check not in run_checks(well)


@pytest.mark.parametrize("check", ["not_learned", "collapsed_images", "dead_channels", "border", "rate_too_high"])
def test_predictions_are_not_judged_in_the_first_third(check):
    early = SICK[check].until(6)
    assert run_checks(early) == {}


def test_crops_are_centred_near_the_truth_so_that_half_a_guess_is_good():
    assert "not_learned" in run_checks(record(lambda _: validation(error=5.0)))
    assert "not_learned" not in run_checks(record(lambda _: validation(error=5.0), stage="stage2"))


def test_the_epoch_of_the_least_loss_is_named_although_earlier_losses_are_unknown():
    val = np.r_[np.nan, np.nan, np.geomspace(1, 0.4, 6), np.geomspace(0.42, 0.6, 12)]
    found = run_checks(record(train=np.geomspace(1, 0.05, 20), val=val))["overfitting"]
    assert "above its minimum (epoch 8)" in found.detail


def test_a_lost_landmark_is_not_taken_for_overfitting():
    run = record(lambda _: validation(error=(1.0, 28.0, 1.1, 0.9)), train=[0.1] * 20, val=[0.4] * 20)
    assert set(run_checks(run)) == {"dead_channels"}


def test_a_rate_too_high_that_happened_to_do_no_harm_is_a_warning():
    finding = run_checks(record(steps=(0.1, 0.13)))["rate_too_high"]
    assert finding.severity == "warning"
    assert "has learned nevertheless" in finding.detail
    assert not finding.hopeless


def test_trials_of_a_few_epochs_are_silent():
    assert run_checks(record(guessing(), epochs=4, optim__epochs=4)) == {}


def test_shuffled_labels_are_named_as_what_a_guess_may_mean():
    detail = run_checks(SICK["not_learned"])["not_learned"].detail
    assert "0.95 of the error of the mean-shape baseline" in detail
    assert "Labels of other images, a wrong learning rate" in detail


def test_a_frozen_random_backbone_is_a_fault_however_far_its_heads_come():
    finding = run_checks(record(steps=(0.0, 5e-3)))["frozen_backbone"]
    assert (finding.severity, finding.hopeless) == ("warning", False)
    assert "random weights, without any training" in finding.detail


def test_a_backbone_that_is_still_to_be_unfrozen_is_no_finding():
    resting = {"steps": (0.0, 5e-3), "optim__epochs": 40}
    assert "frozen_backbone" not in run_checks(record(**resting, optim__unfreeze_after_epochs=25))
    assert "frozen_backbone" in run_checks(record(**resting, optim__unfreeze_after_epochs=5))


def test_eight_dead_channels_of_29_are_counted_and_named():
    """One public run: 8 of 29 channels failed at 28–99 mm while 21 averaged 1.1."""
    errors = tuple([28.0, 35.0, 42.0, 50.0, 61.0, 75.0, 88.0, 99.0] + [1.1] * 21)
    names = tuple(f"landmark {k}" for k in range(29))
    centres = tuple((4.0 * k, 13.0 * (k % 9)) for k in range(29))
    flat = {name: (value,) * 29 for name, value in {"guess": 15.0, "peak": 0.9, "spread": 40.0, "target_spread": 40.0}.items()}
    zeros = dict.fromkeys(("at_border", "target_at_border", "outside"), (0.0,) * 29)
    public = Validation(error=errors, error_px=errors, error_mm=errors, centre=centres, target_centre=centres, **flat, **zeros)
    run = record(lambda _: public).model_copy(update={"landmarks": names})
    finding = run_checks(run)["dead_channels"]
    assert "8 of 29 landmarks are not found (landmark 0 28.0, " in finding.detail
    assert "99.0 mm) while the others average 1.1 mm" in finding.detail
    assert finding.severity == "warning"


def test_dead_channels_are_given_in_px_where_no_pixel_size_is_known():
    run = record(lambda _: validation(error=(1.0, 28.0, 1.0, 1.0), error_px=(2.0, 57.0, 2.0, 2.0), error_mm=math.nan))
    assert "Nasion 57.0 px" in run_checks(run)["dead_channels"].detail


def test_cross_entropy_counts_above_its_entropy():
    """A target of σ 1.5 px has an entropy of 1 + ln(2π·2.25) = 3.649: losses of 3.70 and 3.95 are 0.05 and 0.30 above it."""
    run = record(train=[3.70] * 20, val=[3.95] * 20, loss__kind="cross_entropy")
    assert run_checks(run)["overfitting"].value == pytest.approx(0.301 / 0.051, rel=0.05)
    assert "overfitting" not in run_checks(record(train=[3.70] * 20, val=[3.95] * 20))


def test_the_rate_to_try_follows_from_the_evidence():
    assert run_checks(SICK["rate_too_high"])["rate_too_high"].suggestion == "5e-05"
    assert run_checks(SICK["stuck"])["stuck"].suggestion == "0.1"
    assert run_checks(record(lambda _: validation(outside=0.2)))["out_of_range"].suggestion == "0.0001"


def test_a_drop_that_stays_is_an_error_and_one_that_heals_a_warning():
    lasting = record(lambda n: validation(error=5.0 if n >= 12 else 1.0))
    assert run_checks(lasting)["sudden_drop"].severity == "error"
    assert "has not recovered" in run_checks(lasting)["sudden_drop"].detail
    assert run_checks(SICK["sudden_drop"])["sudden_drop"].severity == "warning"


def test_findings_carry_the_epoch_since_which_they_have_stood():
    collapsing = record(lambda n: validation(spread=0.1 if n >= 11 else 11.0))
    table = examine(collapsing)
    assert table[["check", "epoch", "setting"]].to_numpy().tolist() == [["collapsed_images", 12, "stage1.optim.learning_rate"]]


def test_a_symptom_that_has_healed_is_no_finding():
    assert examine(record(lambda n: validation(spread=0.1 if 8 <= n < 11 else 11.0))).empty


def test_errors_come_before_warnings():
    table = examine(record(guessing(spread=0.1, at_border=0.4)))
    assert table["severity"].tolist() == ["error", "error", "warning"]
    assert table["check"].tolist()[-1] == "border"


def test_a_training_is_hopeless_after_three_validations_in_a_row():
    lost = record(lambda n: validation(spread=0.1 if n >= 9 else 11.0))
    assert hopeless(lost.until(11)) is None
    assert "same position in all images" in hopeless(lost.until(12))


def test_numbers_that_are_none_are_hopeless_at_once():
    assert "not finite in epoch 2" in hopeless(record(train=[1.0, math.inf] + [1.0] * 18).until(2))


@pytest.mark.parametrize("check", ["dead_channels", "overfitting", "flat_validation"])
def test_what_leaves_the_network_usable_is_not_hopeless(check):
    assert hopeless(SICK[check]) is None
