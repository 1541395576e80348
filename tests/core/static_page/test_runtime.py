"""The pinned runtime: what is not it is refused, whatever sent it; without network the remedy is named."""

import base64
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.static_page import load_runtime
from unet_core.errors import Cancelled, ConfigError, HubError
from unet_core.static_page import runtime


def tarball() -> bytes:
    """A small one with the files that a page needs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as package:
        for member in runtime.PARTS.values():
            data = member.encode() * 1000
            entry = tarfile.TarInfo(f"package/dist/{member}")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
    return out.getvalue()


class Registry:
    """What a registry on 127.0.0.1 answers, and how often it was asked."""

    def __init__(self) -> None:
        self.data, self.status, self.cut, self.asked = b"", 200, 0, 0
        self.url = ""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    state = Registry()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            assert self.path == f"/npm/onnxruntime-web/-/{runtime.FILE}"
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.data)))
            self.end_headers()
            self.wfile.write(state.data[: len(state.data) // 2] if state.asked <= state.cut else state.data)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/npm/"
    state.data = tarball()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", state.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        runtime, "INTEGRITY", "sha512-" + base64.b64encode(hashlib.sha512(state.data).digest()).decode()
    )
    monkeypatch.setattr(runtime.time, "sleep", lambda seconds: None)
    yield state
    server.shutdown()
    server.server_close()


def test_it_is_downloaded_once_and_kept(registry: Registry) -> None:
    steps: list[tuple[int, int]] = []
    files = runtime.load(progress=lambda done, total: steps.append((done, total)))
    assert set(files) == set(runtime.PARTS)
    for name, member in runtime.PARTS.items():
        data = gzip.decompress(files[name]) if name.endswith(".gz") else files[name]
        assert data == member.encode() * 1000
    assert steps[-1] == (len(registry.data), len(registry.data))
    assert runtime.cached_file().read_bytes() == registry.data
    assert runtime.load() == files
    assert registry.asked == 1


def test_another_file_is_refused_and_not_kept(registry: Registry) -> None:
    registry.data = registry.data[:-1] + b"x"
    with pytest.raises(HubError, match=r"SHA-512 differs.*nothing of it was kept.*--runtime FILE"):
        runtime.load()
    assert not runtime.cached_file().exists()
    assert registry.asked == 1


def test_a_damaged_copy_is_downloaded_again(registry: Registry) -> None:
    runtime.load()
    runtime.cached_file().write_bytes(registry.data[:100])
    runtime.load()
    assert registry.asked == 2
    assert runtime.cached_file().read_bytes() == registry.data


def test_a_connection_that_breaks_off_is_tried_again(registry: Registry) -> None:
    registry.cut = 2
    assert runtime.load()
    assert registry.asked == 3


def test_a_refusal_is_said_with_the_way_without_network(registry: Registry) -> None:
    registry.status = 404
    with pytest.raises(HubError) as caught:
        runtime.load()
    text = str(caught.value)
    assert registry.url in text and "Not Found" in text
    assert f"download {runtime.FILE} elsewhere and give it with --runtime FILE" in text
    assert registry.asked == 1  # asking again would not help


def test_without_network_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(runtime.time, "sleep", lambda seconds: None)
    with pytest.raises(
        HubError, match=r"could not be downloaded from http://127.0.0.1:9/.*Connect to the internet once"
    ):
        runtime.load()


def test_a_file_of_the_user_is_checked_as_well(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / runtime.FILE
    with pytest.raises(ConfigError, match="cannot be read"):
        runtime.load(file)
    file.write_bytes(registry.data)
    assert set(runtime.load(file)) == set(runtime.PARTS)
    file.write_bytes(registry.data[:-5])
    with pytest.raises(ConfigError, match="SHA-512 differs"):
        runtime.load(file)
    assert registry.asked == 0


def test_a_download_can_be_canceled(registry: Registry) -> None:
    with pytest.raises(Cancelled):
        runtime.load(cancelled=lambda: True)
    assert not runtime.cached_file().exists()


def test_the_registry_sends_what_is_pinned() -> None:
    """From the registry itself, or what this environment has kept of it."""
    files = load_runtime()
    assert b"Microsoft" in files["ort.wasm.mjs"][:1000]
    assert gzip.decompress(files["ort.wasm.wasm.gz"])[:4] == b"\0asm"
    assert sum(map(len, files.values())) < 11_000_000
