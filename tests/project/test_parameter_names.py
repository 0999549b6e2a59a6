import copy
import math
import re
import shutil

import pytest
import yaml
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.validation import TypeExtractor

from ceph_pipeline.hooks import ParameterError, ParameterNamesHook
from ceph_pipeline.hooks.parameter_names import invalid_values


def numbers(values, path=()):
    """Paths to the numbers of nested parameters."""
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, key)
        yield from numbers(value, (*path, key))


def replaced(values, path, value):
    """Nested parameters with another value at a path."""
    (key, *rest), changed = path, copy.copy(values)
    changed[key] = replaced(values[key], rest, value) if rest else value
    return changed


@pytest.fixture
def check(context):
    def run(env="demo", **params):
        ParameterNamesHook().after_context_created(context(env, **params))

    return run


class TestAccepted:
    @pytest.mark.parametrize("env", [None, "demo", "isbi2015"])
    def test_the_configuration_as_it_is(self, check, env):
        check(env)

    def test_a_parameter_within_its_range(self, check):
        check(stage1={"optim": {"epochs": 3}})

    @pytest.mark.parametrize("name", ["data_root", "raw_folder", "raw_format", "inference_folder", "export_folder", "backend"])
    def test_a_global_value(self, check, name):
        check(**{name: "threading"})

    @pytest.mark.parametrize(
        "preset",
        [
            "devices",
            "few_films",
            "fast",
            "isbi2015_max_accuracy",
            "isbi2015_random_weights",
            "low_memory",
            "max_accuracy",
            "ruler",
            "stable",
        ],
    )
    def test_every_preset(self, check, project, preset):
        content = yaml.safe_load((project / "conf" / "presets" / f"{preset}.yml").read_text())
        check("isbi2015" if preset.startswith("isbi2015") else None, **content["run"]["params"])
        assert set(content["run"].get("pipelines", "__default__").split(",")) <= set(pipelines)

    @pytest.mark.parametrize("name", ["inference", "inference_2026-01-31", "inference.2"])
    def test_folders_of_results(self, check, name):
        check(inference_name=name)

    @pytest.mark.parametrize(
        "given",
        [{"raw_images": None}, {"raw_images": "films"}, {"data_root": 2024}, {"data_root": "010"}, {"raw_folder": "a b #1"}],
        ids=str,
    )
    def test_a_place(self, check, given):
        check(**given)


class TestRefused:
    @pytest.mark.parametrize("value", [None, "", " ", True, 1000.0, {"x": 3}, ["a"]])
    @pytest.mark.parametrize("name", ["data_root", "pseudonym_key", "raw_folder"])
    def test_a_place_that_is_none(self, check, name, value):
        with pytest.raises(ParameterError, match=rf"{name} = {re.escape(repr(value))}: should be a path or a URL"):
            check(**{name: value})

    @pytest.mark.parametrize("name", ["evaluation", "inference/2026", "../inference", "inference 2", "", None, 2026])
    def test_folders_of_results_that_could_be_those_of_others(self, check, name):
        with pytest.raises(ParameterError, match=rf"inference_name = {re.escape(repr(name))}: should be a folder"):
            check(inference_name=name)

    @pytest.mark.parametrize(
        ("file", "line", "message"),
        [
            ("globals.yml", "dataroot: /x", r"dataroot: no such value of globals\.yml\. Did you mean 'data_root'\?"),
            ("globals.yml", "data_root:", r"data_root = None: should be a path"),
            ("parameters_x.yml", "data_root: /x", r"data_root: a global has no effect in a parameters file.* to globals\.yml"),
        ],
    )
    def test_a_global_of_another_name_or_in_another_file(self, context, project, tmp_path, file, line, message):
        shutil.copytree(project / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
        (tmp_path / "conf" / "local").mkdir()
        (tmp_path / "conf" / "local" / file).write_text(f"{line}\n")
        with pytest.raises(ParameterError, match=message):
            ParameterNamesHook().after_context_created(context(conf=tmp_path / "conf"))

    def test_a_misspelt_pipeline_name_with_the_nearest(self, check):
        with pytest.raises(ParameterError, match=r"stge1: no such parameter\. Did you mean 'stage1'"):
            check(stge1={"optim": {"epochs": 3}})

    def test_a_misspelt_section_with_the_nearest(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.optm: no such parameter\. Did you mean 'optim'"):
            check(stage1={"optm": {"epochs": 3}})

    def test_a_misspelt_field_with_the_nearest(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.optim\.epoch: no such parameter\. Did you mean 'epochs'"):
            check(stage1={"optim": {"epoch": 3}})

    def test_a_name_like_no_other_with_those_there_are(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.qqqq: no such parameter\. Known here: .*optim"):
            check(stage1={"qqqq": 1})

    def test_a_value_out_of_range_with_the_range(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.optim\.epochs = 0: should be greater than or equal to 1\."):
            check(stage1={"optim": {"epochs": 0}})

    @pytest.mark.parametrize("section", [{"audit": {"exclude": [1]}}, {"ingestion": {"exclude": [False]}}])
    def test_a_name_that_yaml_took_for_something_else_with_the_way_to_write_it(self, check, section):
        with pytest.raises(ParameterError, match=r"exclude\.0 = (1|False): should be a valid string\. Put names in quotes"):
            check(**section)

    def test_a_value_of_the_wrong_type(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.optim\.batch_size = 'many': should be a valid integer"):
            check(stage1={"optim": {"batch_size": "many"}})

    def test_a_single_name_where_a_list_belongs(self, check):
        with pytest.raises(
            ParameterError, match=r"compare_with = 'steiner': expected a list, such as \[steiner\], in a YAML file"
        ):
            check(cephalometry={"compare_with": "steiner"})

    def test_a_choice_that_there_is_not(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.loss\.kind = 'l1': should be 'combined', "):
            check(stage1={"loss": {"kind": "l1"}})

    def test_a_value_where_a_section_belongs(self, check):
        with pytest.raises(ParameterError, match=r"stage1 = 3: should be a valid dictionary"):
            check(stage1=3)

    def test_a_recipe_is_not_printed_whole(self, check):
        with pytest.raises(ParameterError) as caught:
            check(augmentation={"recipe": {"brces": {"every": 2}}})
        line = str(caught.value).splitlines()[1]
        assert line.startswith("  augmentation.recipe: unknown augmentation kind 'brces'. Did you mean 'braces'?")
        assert not line.endswith("..")

    def test_a_global_value_that_its_readers_refuse(self, check):
        with pytest.raises(ParameterError, match=r"stage1\.loop\.seed = 'seven': should be a valid integer"):
            check(seed="seven")

    def test_all_that_is_wrong_at_once(self, check):
        with pytest.raises(ParameterError) as caught:
            check(stge1=1, stage1={"optim": {"epochs": 0}}, crops={"crp_px": 96})

        lines = str(caught.value).splitlines()
        assert {line.split()[0].rstrip(":") for line in lines[1:-1]} == {"stge1", "crops.crp_px", "stage1.optim.epochs"}
        assert lines[-1] == "Correct them in --params, or in conf/<env>/parameters_<pipeline>.yml and globals.yml."

    def test_parameters_of_pipelines_that_are_not_asked_for(self, project):
        session = KedroSession.create(project, env="demo", runtime_params={"stage2": {"loop": {"sed": 1}}})
        with pytest.raises(ParameterError, match=r"stage2\.loop\.sed: no such parameter\. Did you mean 'seed'"):
            session.run(pipeline_names=["phantom"])

    def test_infinite_and_undefined_numbers_wherever_a_number_stands(self, context):
        parameters = context(None).config_loader["parameters"]
        models = dict(TypeExtractor(dict(pipelines)).extract_types_from_pipelines())
        places = [path for path in numbers(parameters) if path[0] in {name.partition(".")[0] for name in models}]
        assert len(places) > 100
        for value in (math.inf, -math.inf, math.nan):
            accepted = [path for path in places if not list(invalid_values(replaced(parameters, path, value), models))]
            assert not accepted
