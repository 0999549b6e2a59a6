"""The page's controls without a browser, and who may reach it."""

import base64
import logging
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from bokeh.document import Document
from bokeh.models import Div
from click.testing import CliRunner

from ceph_pipeline import cli
from ceph_pipeline.page.page import Page
from ceph_pipeline.page.server import page_server
from ceph_pipeline.page.settings import OF_PHANTOMS, PageError

PROJECT = Path(__file__).parents[2]
EVIL = "<img src=x onerror=alert(1)>.png"


class Tab:
    """A document in the place of a browser's tab."""

    def __init__(self, settings):
        self.document = Document()
        Page(self.document, settings)

    def __getitem__(self, name):
        return self.document.get_model_by_name(name)

    def upload(self, name, content):
        file = self["file"]
        file.set_from_json("filename", name)
        file.set_from_json("value", base64.b64encode(content).decode())
        for waiting in self.document.session_callbacks:
            waiting.callback()  # and is over


@pytest.fixture
def tab(settings):
    return Tab(settings)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_norms_and_analysis_are_choices(tab, film_bytes):
    tab.upload("a.png", film_bytes)
    assert "made_up" in tab["norms"].options
    assert "80 ± 2" not in tab["values"].text
    tab["norms"].value = ["made_up"]
    assert "80 ± 2" in tab["values"].text
    assert "<h3>Downs</h3>" in tab["values"].text
    tab["analysis"].value = "Steiner"
    assert "<h3>Downs</h3>" not in tab["values"].text


def test_a_typed_pixel_size_makes_millimetres_and_leaves_its_field(tab, film_bytes):
    tab.upload("a.png", film_bytes)
    assert "millimetres are absent" in tab["status"].text
    tab["pixel_size"].value = 0.1
    assert "0.1 mm per pixel, from a number given by a person." in tab["status"].text
    assert tab["pixel_size"].value is None
    assert not tab["undo"].disabled


def test_a_bad_film_is_said_and_named_in_no_log(tab, film_bytes, caplog):
    caplog.set_level(logging.DEBUG)
    tab.upload(EVIL, b"hello")
    assert "&lt;img src=x onerror=alert(1)&gt;.png: damaged or not an image" in tab["status"].text
    tab.upload(EVIL, film_bytes)
    assert "&lt;img src=x" in tab["status"].text
    assert "<img src=x" not in tab["status"].text + tab["values"].text
    assert "img src" not in caplog.text


def test_a_fault_of_ours_is_said_in_words_and_its_message_in_no_log(tab, settings, film_bytes, caplog):
    def fail(*_, **__):
        raise RuntimeError("anna.png went wrong")

    settings.detector.predict = fail
    tab.upload("anna.png", film_bytes)
    assert tab["status"].text == "This film could not be treated (RuntimeError)."
    assert "anna" not in caplog.text


def test_it_is_said_what_this_is(tab):
    said = " ".join(model.text for model in tab.document.models if isinstance(model, Div))
    assert "Research software, no medical device" in said
    assert OF_PHANTOMS in said


def test_only_this_machine_is_answered(settings, port):
    server = page_server(settings, port)
    try:
        listening = [each.laddr for each in psutil.Process().net_connections() if each.status == "LISTEN"]
        assert [address.ip for address in listening if address.port == port] == ["127.0.0.1"]
        with pytest.raises(PageError, match=f"port {port} cannot be used"):
            page_server(settings, port)
    finally:
        server.unlisten()


def test_the_command_says_what_to_run_where_no_detector_is(tmp_path):
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    result = CliRunner().invoke(cli.cli, ["page"], obj=SimpleNamespace(project_path=tmp_path))
    assert result.exit_code == 1
    assert f"{tmp_path / 'data' / '06_models'} or {tmp_path / 'data' / 'demo' / '06_models'}" in result.output.replace("\n", " ")
    assert "kedro run --env demo --pipelines demo" in result.output
