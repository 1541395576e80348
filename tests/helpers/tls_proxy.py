"""HTTPS in front of plain HTTP on this machine, as a host of the Hub has it: bytes go through, websockets too."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_certificate(folder: Path) -> Path:
    """A certificate that signs itself, with its key in the same file."""
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [*command, "-keyout", str(path), "-out", str(folder / "public.pem")], check=True, capture_output=True
    )
    path.write_text(path.read_text() + (folder / "public.pem").read_text())
    return path


@contextmanager
def running_tls_proxy(certificate: Path, target: int) -> Iterator[int]:
    """The port on 127.0.0.1 whose HTTPS reaches the plain port `target`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    thread = threading.Thread(target=_accept, args=(listener, context, target), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _accept(listener: socket.socket, context: ssl.SSLContext, target: int) -> None:
    with suppress(OSError):  # it was closed
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=_serve, args=(plain, context, target), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, target: int) -> None:
    """One connection: a thread each way, over the two ends of a pair that TLS is unpacked into."""
    with suppress(OSError):
        outer = context.wrap_socket(plain, server_side=True)
        inner = socket.create_connection(("127.0.0.1", target))
        back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
        back.start()
        _copy(outer, inner)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
