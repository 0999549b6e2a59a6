"""Environments and files of the configuration are refused by name before anything runs."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ceph_pipeline import cli
from ceph_pipeline.configuration import ConfigLoader
from ceph_pipeline.hooks import ConfigurationError, ConfigurationHook, UnknownEnvironmentError
from ceph_pipeline.settings import CONFIG_LOADER_ARGS


@pytest.fixture
def check(tmp_path):
    """Writes a file of an environment, and checks the configuration."""
    for name in ("base", "local", "demo", "presets"):
        (tmp_path / "conf" / name).mkdir(parents=True)
    (tmp_path / "conf" / "presets" / "fast.yml").write_text("run: {params: {}}\n")

    (tmp_path / "conf" / "base" / "globals.yml").write_text("data_root: data\n")
    patterns = ConfigLoader(str(tmp_path / "conf"), **CONFIG_LOADER_ARGS).config_patterns

    def run(text="", name="demo/parameters_stage1.yml", env="demo"):
        (tmp_path / "conf" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "conf" / name).write_text(text, encoding="utf-8")
        loader = SimpleNamespace(conf_source=str(tmp_path / "conf"), config_patterns=patterns)
        ConfigurationHook().after_context_created(SimpleNamespace(config_loader=loader, env=env))

    return run


class TestEnvironments:
    def test_those_there_are(self, check):
        for env in (None, "base", "local", "demo"):
            check(env=env)

    def test_one_without_a_folder(self, check):
        with pytest.raises(UnknownEnvironmentError, match=r"--env dmeo: there is no folder .*dmeo\. Did you mean 'demo'\?"):
            check(env="dmeo")

    @pytest.mark.parametrize(("env", "name"), [("presets", "NAME"), ("fast", "fast")])
    def test_presets_are_none_and_how_they_are_used(self, check, env, name):
        with pytest.raises(
            UnknownEnvironmentError, match=rf"a preset is not an environment.* kedro run --config .*presets/{name}\.yml"
        ):
            check(env=env)


class TestFiles:
    @pytest.mark.parametrize("name", ["ingestion.yml", "parametes.yml", "own/reading.yaml", "global.yml"])
    def test_one_that_kedro_does_not_read_is_named(self, check, name, caplog):
        check(name=f"local/{name}", env=None)
        assert f"{name} is not read, because of its name. Names begin with parameters" in caplog.text

    @pytest.mark.parametrize(
        "name", ["parameters.yml", "parameters_own.yml", "own/parameters.yaml", "globals.yml", "mlflow.yml", "credentials.yml"]
    )
    def test_those_that_are_read_are_not_mentioned(self, check, name, caplog):
        check(name=f"local/{name}", env=None)
        assert not caplog.text

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("stage1:\n  optim: {epochs: 3\n  loop: 4\n", r"parameters_stage1\.yml, line 3: .*close brackets, quotes"),
            ("stage1:\n\toptim: 3\n", r"line 2: .*indent with blanks, not tabs"),
            ("stage1: a: b\n", r"line 1: mapping values are not allowed here"),
            ("stage1:\n  optim: 1\n  loop: 2\n  optim: 3\n", r"line 4: 'optim' is already set in line 2; .*Delete one"),
            ("a: [{b: 1, c: 2,\n b: 3}]\n", r"line 2: 'b' is already set in line 1"),
            ("stage1: 1\n---\nstage1: 2\n", r"line 2: .*another document"),
            ("- stage1\n", r"line 1: expected names with their values"),
            ("stage1: \x07\n", r"parameters_stage1\.yml: .*Delete that character"),
        ],
    )
    def test_what_cannot_be_read_is_named_with_file_line_and_way_out(self, check, text, message):
        with pytest.raises(ConfigurationError, match=message):
            check(text)

    def test_one_in_another_encoding_is_named(self, check, tmp_path):
        (tmp_path / "conf" / "base" / "globals.yml").write_bytes("data_root: Zähne".encode("latin-1"))
        with pytest.raises(ConfigurationError, match=r"globals\.yml: the file is not UTF-8 text"):
            check()

    def test_all_of_them_at_once_and_of_no_other_environment(self, check, tmp_path):
        for name in ("base/a.yml", "local/b.yml"):
            (tmp_path / "conf" / name).write_text("[")
        with pytest.raises(ConfigurationError) as caught:
            check("x: 1\nx: 2\n")
        assert [line.rpartition("/")[2].split(",")[0] for line in str(caught.value).splitlines()[1:]] == [
            "a.yml",
            "parameters_stage1.yml",
        ]

    def test_merged_mappings_and_anchors_are_fine(self, check):
        check("a: &a {x: 1}\nb: {<<: *a, <<: *a, y: 2}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run:\n  env: demo\n  env: base\n", "line 3: 'env' is already set in line 2"),
        ("stage1: {epochs: 3}\n", "not a preset"),
        ("run: [\n", "line 2"),
        ("run:\n", "not a preset"),
        ("run: 5\n", "not a preset"),
        ("", "not a preset"),
        ("run: {pipelins: phantom}\n", "run.pipelins: no such option of kedro run. Did you mean 'pipelines'"),
        ("run: {params: phantom.n_images=8}\n", "run.params = 'phantom.n_images=8': expected names with their values beneath"),
        ("run: {pipelines: phantom, params: [1]}\n", "run.params = [1]: expected names with their values beneath"),
    ],
)
def test_a_preset_that_cannot_be_used_is_named(tmp_path, text, message):
    preset = tmp_path / "mine.yml"
    preset.write_text(text)
    result = CliRunner().invoke(cli.cli, ["run", "--config", str(preset)])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {preset}")
    assert message in result.output
    assert "Traceback" not in result.output
