"""The server of the page; it accepts connections only from this machine, and serves all files that the browser loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.server import Server

from ceph_pipeline.page.page import Page
from ceph_pipeline.page.settings import PageError

if TYPE_CHECKING:
    from bokeh.document import Document

    from ceph_pipeline.page.settings import PageSettings

HOST = "127.0.0.1"
MAX_MESSAGE_BYTES = 700_000_000
"""Largest message from the browser: a film of 100 megapixels with 16 bits, or a file of 500 MB, in base64."""


def page_server(settings: PageSettings, port: int) -> Server:
    """A listening server whose event loop has not been started.

    Raises:
        PageError: the port is in use.
    """

    def open_tab(document: Document) -> None:
        Page(document, settings)

    try:
        return Server(
            {"/": Application(FunctionHandler(open_tab))},
            address=HOST,
            port=port,
            allow_websocket_origin=[f"{HOST}:{port}", f"localhost:{port}"],
            websocket_max_message_size=MAX_MESSAGE_BYTES,
        )
    except OSError as error:
        raise PageError(f"port {port} cannot be used ({error.strerror}): choose another port with --port.") from None
