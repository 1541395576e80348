"""Static files come compressed and unpack to what they are; everything else passes untouched."""

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from pages.server.delivery import static_compression
from pages.server.delivery.static_compression import StaticCompression

SCRIPT = b"export const answer = 42;\n" * 4000


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "index.js").write_bytes(SCRIPT)
    (tmp_path / "font.woff2").write_bytes(SCRIPT)
    routes = [
        Mount("/base/static", StaticFiles(directory=tmp_path)),
        Route("/base/a.js", lambda _: PlainTextResponse("a")),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(StaticCompression, base="base")]))


def raw(client: TestClient, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    with client.stream("GET", path, headers={"accept-encoding": "gzip", **headers}) as answer:
        return answer.status_code, b"".join(answer.iter_raw()), dict(answer.headers)


def test_a_script_is_compressed_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    status, body, headers = raw(client, "/base/static/js/index.js")
    assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
    assert int(headers["content-length"]) == len(body) < len(SCRIPT) / 20
    assert gzip.decompress(body) == SCRIPT
    monkeypatch.setattr(static_compression.gzip, "compress", None)  # the second time it is not called
    assert raw(client, "/base/static/js/index.js") == (status, body, headers)


def test_who_does_not_accept_gzip_gets_the_file(client: TestClient) -> None:
    status, body, headers = raw(client, "/base/static/js/index.js", **{"accept-encoding": "identity"})
    assert (status, body) == (200, SCRIPT)
    assert "content-encoding" not in headers


def test_a_range_a_missing_file_and_one_not_modified_pass(client: TestClient) -> None:
    status, body, _ = raw(client, "/base/static/js/index.js", range="bytes=0-5")
    assert (status, body) == (206, SCRIPT[:6])
    assert raw(client, "/base/static/js/other.js")[0] == 404
    tag = raw(client, "/base/static/js/index.js")[2]["etag"]
    assert raw(client, "/base/static/js/index.js", **{"if-none-match": tag})[:2] == (304, b"")


def test_other_files_and_addresses_pass(client: TestClient) -> None:
    for path, content in (("/base/static/font.woff2", SCRIPT), ("/base/a.js", b"a")):
        status, body, headers = raw(client, path)
        assert (status, body) == (200, content)
        assert "content-encoding" not in headers


def test_memory_is_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_compression, "MOST_BYTES", 10)
    for _ in range(2):
        assert gzip.decompress(raw(client, "/base/static/js/index.js")[1]) == SCRIPT
