"""A visitor without a browser: a websocket to Streamlit, and the messages that travel on it."""

import re
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

SECONDS = 60.0  # a deadline, never a pause


def open_socket(url: str, **headers: str) -> ClientConnection:
    """A websocket of the server at `url`; `Host` may be another than the server's. Raises InvalidStatus."""
    address = re.sub("^http", "ws", url)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    host = names.pop("Host", "")
    if host:  # the library writes that header itself, from the address
        parts = urlsplit(url)
        connection = socket.create_connection((parts.hostname, parts.port))
        address = address.replace(parts.netloc, host)
        return _open(address, names, connection)
    return _open(address, names, None)


def _open(address: str, headers: dict[str, str], connection: socket.socket | None) -> ClientConnection:
    return connect(
        f"{address}/_stcore/stream",
        subprotocols=["streamlit"],
        additional_headers=headers,
        sock=connection,
        proxy=None,
        open_timeout=SECONDS,
        max_size=None,
        legacy=True,  # a connection, not a context
    )


def refusal(url: str, **headers: str) -> tuple[int, str]:
    """(status, text) with which a websocket is refused; (101, "") where it opens."""
    try:
        with open_socket(url, **headers):
            return 101, ""
    except InvalidStatus as error:
        return error.response.status_code, (error.response.body or b"").decode()


class RawSession:
    """A session of the app; a context manager."""

    def __init__(self, url: str, **headers: str) -> None:
        self.socket = open_socket(url, **headers)
        self.id = ""
        self.received: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, message: BackMsg) -> None:
        self.socket.send(message.SerializeToString())

    def visit(self, page: str = "", query: str = "") -> bytes:
        """Run a page; all that the server sent for it."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        before = len(self.received)
        self.send(message)
        while True:
            data = self.socket.recv(SECONDS)
            assert isinstance(data, bytes)
            self.received.append(data)
            answer = ForwardMsg.FromString(data)
            if answer.WhichOneof("type") == "new_session":
                self.id = answer.new_session.initialize.session_id or self.id
            if answer.WhichOneof("type") == "script_finished":
                return b"\n".join(self.received[before:])
