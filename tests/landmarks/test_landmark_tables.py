import numpy as np
import pandas as pd
import pandera.errors
import pytest

from ceph_pipeline.landmarks.tables import ImageTable, LandmarkTable, PredictionTable, points_array, points_table, reader_points


@pytest.fixture
def landmarks():
    return pd.DataFrame(
        {
            "image_id": ["a", "a", "b", "a"],
            "reader": ["senior", "senior", "senior", "junior"],
            "landmark": ["Sella", "Nasion", "Sella", "Sella"],
            "x": [1.0, 2.0, 3.0, 9.0],
            "y": [4.0, 5.0, 6.0, 9.0],
        }
    )


class TestValidTables:
    def test_a_missing_point_keeps_its_row(self, landmarks):
        landmarks.loc[0, ["x", "y"]] = np.nan
        assert len(LandmarkTable.validate(landmarks)) == 4

    def test_integer_coordinates_become_floats(self, landmarks):
        valid = LandmarkTable.validate(landmarks.astype({"x": int}))
        assert valid["x"].dtype == np.float64

    def test_an_unknown_pixel_size_is_allowed(self):
        row = {"image_id": "a", "path": "a.png", "split": "train", "subset": "train", "width": 10, "height": 12,
               "pixel_size_mm": np.nan, "machine": "", "dataset": "aariz"}  # fmt: skip
        assert ImageTable.validate(pd.DataFrame([row])).loc[0, "height"] == 12


class TestInvalidTables:
    def test_a_point_given_twice_is_refused(self, landmarks):
        with pytest.raises(pandera.errors.SchemaError, match="occurs once"):
            LandmarkTable.validate(pd.concat([landmarks, landmarks[:1]]))

    def test_half_a_point_is_refused(self, landmarks):
        landmarks.loc[1, "x"] = np.nan
        with pytest.raises(pandera.errors.SchemaError, match="missing together"):
            LandmarkTable.validate(landmarks)

    @pytest.mark.parametrize("identifier", ["../secret", "", ".hidden", "a/b", "x" * 129])
    def test_an_identifier_that_cannot_be_a_file_name_is_refused(self, landmarks, identifier):
        landmarks.loc[2, "image_id"] = identifier
        with pytest.raises(pandera.errors.SchemaError, match="str_matches"):
            LandmarkTable.validate(landmarks)

    def test_an_unknown_stage_is_refused(self):
        row = {"image_id": "a", "stage": "stage3", "landmark": "Sella", "x": 1.0, "y": 1.0, "sigma_px": 1.0}
        with pytest.raises(pandera.errors.SchemaError, match="stage3"):
            PredictionTable.validate(pd.DataFrame([row]))


class TestPoints:
    def test_points_come_in_the_order_asked_for_and_missing_ones_as_nan(self, landmarks):
        points = points_array(reader_points(landmarks, "senior"), ["b", "a"], ["Nasion", "Sella"])

        np.testing.assert_array_equal(points, [[[np.nan, np.nan], [3, 6]], [[2, 5], [1, 4]]])

    def test_table_and_array_are_inverse(self):
        points = np.arange(12.0).reshape(2, 3, 2)
        table = points_table(points, ["a", "b"], ["Sella", "Nasion", "Gonion"])

        np.testing.assert_array_equal(points_array(table, ["a", "b"], ["Sella", "Nasion", "Gonion"]), points)

    def test_two_readers_at_once_are_refused(self, landmarks):
        with pytest.raises(ValueError, match="select one reader"):
            points_array(landmarks, ["a"], ["Sella"])

    def test_an_absent_reader_is_named_with_those_there_are(self, landmarks):
        with pytest.raises(ValueError, match=r"no landmarks of reader 'consensus'; the table has junior, senior"):
            reader_points(landmarks)
