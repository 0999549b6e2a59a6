"""Draws docs/dag.png: the demo as kedro-viz shows it when it opens, one box per pipeline.

Run it in the project's environment, after a pipeline has changed:

    .venv/bin/python docs/draw_dag.py

It needs Chromium or Chrome. The picture carries a digest of the pipelines that it shows, so that a test notices when it is older.
"""

import argparse
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "dag.png"
PIPELINE = "demo"
DIGEST = "pipelines"
"""Name of the picture's text that holds the digest."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WINDOW = (1000, 1250)
MARGIN = 24

# The light theme, without the panels around the graph.
SETTINGS = {"theme": "light", "orientation": "vertical", "visible": {"sidebar": False, "miniMap": False}}
HIDDEN = "[class*=sidebar], [class*=toolbar], [class*=minimap], [class*=reminder], [class*=hints] {display: none !important}"


def pipelines_digest() -> str:
    """Digest of the pipelines' nodes with the tables and files that they read and make; parameters are not in the picture."""
    nodes = sorted((node.name, _data_sets(node.inputs), _data_sets(node.outputs)) for node in pipelines[PIPELINE].nodes)
    return hashlib.sha256(json.dumps(nodes).encode()).hexdigest()


def _data_sets(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith(("params:", "parameters")))


def drawn_digest(picture: Path = PICTURE) -> str | None:
    """Digest of the pipelines that a picture shows."""
    with Image.open(picture) as image:
        return image.info.get(DIGEST)


def build_site(folder: Path) -> Path:
    """Kedro-viz as a static site, set to the light theme."""
    kedro = Path(sys.executable).with_name("kedro")
    subprocess.run([kedro, "viz", "build"], cwd=PROJECT, check=True, env=os.environ | {"KEDRO_ENV": "demo"}, capture_output=True)
    site = Path(shutil.move(PROJECT / "build", folder / "site"))
    page = site / "index.html"
    opening = f"<script>localStorage.setItem('KedroViz', '{json.dumps(SETTINGS)}')</script><style>{HIDDEN}</style>"
    page.write_text(page.read_text("utf-8").replace("<script", f"{opening}<script", 1), "utf-8")
    return site


def photograph(site: Path, target: Path) -> None:
    """Open the site in a headless browser: boxes alone, without data sets."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is on the path: install Chromium.")
    handler = functools.partial(_Silent, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, tempfile.TemporaryDirectory() as profile:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/?pid={PIPELINE}&types=task"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
        size, wait = f"--window-size={WINDOW[0]},{WINDOW[1]}", "--virtual-time-budget=15000"
        command = [browser, *flags, f"--user-data-dir={profile}", size, wait, f"--screenshot={target}", address]
        subprocess.run(command, check=True, capture_output=True)
        server.shutdown()


def trim(source: Path, target: Path) -> None:
    """Cut the empty border off, and note which pipelines are shown."""
    note = PngInfo()
    note.add_text(DIGEST, pipelines_digest())
    with Image.open(source) as image:
        picture = image.convert("RGB")
    background = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, background).getbbox()
    if box is None:
        sys.exit("the picture is empty: kedro-viz has not drawn the graph.")
    left, upper, right, lower = box
    frame = (left - MARGIN, upper - MARGIN, right + MARGIN, lower + MARGIN)
    picture.crop(frame).quantize(64).save(target, pnginfo=note, optimize=True)


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing about requests."""


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=Path, default=PICTURE, help="where the picture goes (default: %(default)s)")
    target: Path = parser.parse_args().target
    bootstrap_project(PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        screenshot = Path(folder) / "screenshot.png"
        photograph(build_site(Path(folder)), screenshot)
        trim(screenshot, target)
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
