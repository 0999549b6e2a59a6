import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from ceph_pipeline.artifacts import dotted, fingerprint


class Params(BaseModel):
    sigma_px: float = 2.0
    force: bool = False


class Nested(BaseModel):
    loop: Params = Params()


TABLE = pd.DataFrame({"image_id": ["a", "b"], "x": [1.0, np.nan]})


def test_equal_inputs_agree_whatever_their_index():
    assert fingerprint(TABLE, Params()) == fingerprint(TABLE.set_axis([7, 9]), Params())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TABLE, TABLE.rename(columns={"x": "y"})),
        (TABLE, TABLE.fillna(0)),
        (TABLE, TABLE[::-1]),
        (Params(), Params(sigma_px=3)),
        ([1, 2], [2, 1]),
        ([[1], 2], [1, [2]]),
        ({"a": 1}, {"a": "1"}),
        (1, 1.5),
        (None, False),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2, np.float32), np.zeros(2, np.float64)),
    ],
    ids=["column", "value", "order", "parameter", "sequence", "nesting", "type", "number", "none", "shape", "dtype"],
)
def test_different_inputs_differ(one, other):
    assert fingerprint(one) != fingerprint(other)


def test_force_is_no_input():
    assert fingerprint(Params()) == fingerprint(Params(force=True))
    assert fingerprint(Nested()) == fingerprint(Nested(loop=Params(force=True)))


def test_the_order_of_keys_does_not_count():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_a_file_counts_with_its_bytes_not_its_name(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"weights")
    other.write_bytes(b"weights")
    assert fingerprint(one) == fingerprint(other)

    other.write_bytes(b"Weights")
    assert fingerprint(one) != fingerprint(other)


def test_an_object_without_a_stable_digest_is_refused():
    with pytest.raises(TypeError, match="no stable digest for a object"):
        fingerprint(object())


def test_nested_values_get_dotted_names():
    assert dotted({"stage1": {"optim": {"epochs": 3}, "reader": "consensus"}}) == {
        "stage1.optim.epochs": 3,
        "stage1.reader": "consensus",
    }
