"""Pipeline `ruler`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.ruler import nodes

PARAMS = "params:calibration"


def create_pipeline(*, folds: bool = False) -> Pipeline:
    """From predicted marks to pixel sizes, their errors and a report.

    Args:
        folds: Whether the out-of-fold predictions of pipeline `folds` are evaluated too, as the headline metrics.
    """
    located = ["fold_predictions"] if folds else []
    return Pipeline(
        [
            Node(
                nodes.learn_presence,
                ["predictions", "landmarks", "included_images", PARAMS],
                "ruler_presence",
                name="learn_presence",
            ),
            Node(
                nodes.measure_rulers,
                ["predictions", "included_images", "ruler_presence", PARAMS, *located],
                "ruler_sizes",
                name="measure_rulers",
            ),
            Node(
                nodes.judge_rulers,
                ["ruler_sizes", "predictions", "ruler_presence", "landmarks", "included_images", PARAMS],
                {name: name for name in ("ruler_errors", "ruler_metrics", "ruler_devices")},
                name="judge_rulers",
            ),
            Node(
                nodes.draw_rulers,
                ["ruler_errors", "landmarks", "included_images", "raw_cephalograms"],
                {name: name for name in ("ruler_errors_figure", "ruler_gallery", "embedded_ruler_figures")},
                name="draw_rulers",
            ),
            Node(
                nodes.write_ruler_report,
                ["ruler_metrics", "ruler_devices", "embedded_ruler_figures"],
                {name: name for name in ("ruler_html", "ruler_run_metrics")},
                name="write_ruler_report",
            ),
        ]
    )
