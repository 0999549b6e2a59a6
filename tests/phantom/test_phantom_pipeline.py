"""The pipeline hangs together and its nodes return what the catalog expects."""

from ceph_pipeline.images import RawFolder
from ceph_pipeline.phantom.params import PhantomParams
from ceph_pipeline.pipelines.phantom import create_pipeline
from ceph_pipeline.pipelines.phantom.nodes import draw_phantoms, show_phantoms

PARAMS = PhantomParams(n_images=4, long_side_px=256, n_jobs=1)


def test_the_raw_data_set_is_the_pipelines_output():
    pipeline = create_pipeline()
    assert "raw_cephalograms" in pipeline.all_outputs()
    assert pipeline.inputs() == {"phantom_folder", "phantom_ruler_export", "params:phantom"}


def test_the_nodes_fill_the_folder_and_show_it(tmp_path):
    raw = draw_phantoms(tmp_path / "aariz", tmp_path / "ruler.json", PARAMS)
    assert raw == RawFolder(tmp_path / "aariz", "aariz")
    assert (tmp_path / "ruler.json").exists()
    assert len(show_phantoms(raw, PARAMS).axes) == 4
