"""The routes of uploads, asked as a browser asks: who may, what is refused, and a whole upload."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.server.uploads import datasets as uploads
from pages.server.visitors.secret import read_secret
from tests.core.data.library.test_uploads import content, zipped

URL = "/api/uploads"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "datasets"))
    return tmp_path / "datasets"


@pytest.fixture
def client(folder: Path) -> TestClient:
    headers = {"X-Upload-Token": uploads.issue_token(), "Origin": "http://testserver"}
    return TestClient(Starlette(routes=uploads.routes()), headers=headers)


def begin(client: TestClient, files: dict[str, bytes], name: str = "cells") -> str:
    answer = client.post(URL, json={"name": name, "files": [[path, len(data)] for path, data in files.items()]})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["id"])


def ended(client: TestClient, upload_id: str) -> dict[str, Any]:
    uploads._JOBS.find(upload_id).wait()
    return dict(client.get(f"{URL}/{upload_id}").json())


def test_a_whole_upload(client: TestClient, folder: Path) -> None:
    files = {"x/a.png": b"a" * 3_000_000, "x/b.zip": zipped({"b.png": b"b"})}
    upload_id, stream = begin(client, files), b"".join(files.values())
    status = client.get(f"{URL}/{upload_id}").json()
    assert status == {"state": "receiving", "arrived": 0, "total": len(stream), "chunk": 2**23}
    half = len(stream) // 2
    for offset, data in ((0, stream[:half]), (half, stream[half:])):
        answer = client.put(f"{URL}/{upload_id}?offset={offset}", content=data)
        assert (answer.status_code, answer.json()) == (200, {"arrived": offset + len(data)})
    answer = client.post(f"{URL}/{upload_id}/finish", json={"name": "My cells"})
    assert answer.status_code == 202
    status = ended(client, upload_id)
    assert (status["state"], status["name"], status["notes"], status["error"]) == ("done", "My cells", [], "")
    assert client.post(f"{URL}/{upload_id}/finish", json={"name": "again"}).json()["name"] == "My cells"
    assert content(folder / "My cells") == {"a.png": b"a" * 3_000_000, "b/b.png": b"b"}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}, True),  # a proxy of the app's own
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, True),
        ({"X-Upload-Token": ""}, False),
        ({"X-Upload-Token": "1.2.3"}, False),
        ({"X-Upload-Token": "9999999999.x." + "0" * 64}, False),
        ({"X-Upload-Token": b"\xfc.\xfc.\xfc"}, False),
    ],
)
def test_only_the_own_page_may_upload(client: TestClient, headers: dict[str, Any], allowed: bool) -> None:
    upload_id = begin(client, {"a.png": b"a"})
    asked: list[Callable[[], Any]] = [
        lambda: client.post(URL, json={"files": [["a.png", 1]]}, headers=headers),
        lambda: client.get(f"{URL}/{upload_id}", headers=headers),
        lambda: client.put(f"{URL}/{upload_id}?offset=0", content=b"a", headers=headers),
        lambda: client.delete(f"{URL}/{upload_id}", headers=headers),
    ]
    assert [ask().status_code for ask in asked] == ([201, 200, 200, 200] if allowed else [403] * 4)
    if not allowed:
        assert client.get(f"{URL}/{upload_id}").json()["arrived"] == 0


def test_a_token_outlives_the_server_and_no_other_user_reads_its_secret(folder: Path) -> None:
    token = uploads.issue_token()
    read_secret.cache_clear()
    assert uploads.is_token(token)
    assert (folder / uploads.SECRET).stat().st_mode & 0o777 == 0o600
    (folder / uploads.SECRET).unlink()
    read_secret.cache_clear()
    assert not uploads.is_token(token)


def test_a_folder_that_cannot_be_written_has_a_secret_of_the_process(folder: Path) -> None:
    folder.write_text("no folder")
    assert uploads.is_token(uploads.issue_token())


def test_a_token_ends_after_two_days(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = uploads.issue_token(), time.time()
    assert uploads.is_token(token)
    assert uploads.issue_token() != token
    monkeypatch.setattr(uploads.time, "time", lambda: now + 2 * 86_400 + 2)
    assert not uploads.is_token(token)


@pytest.mark.parametrize("query", ["", "?offset=", "?offset=-1", "?offset=1e3", "?offset=²", "?offset=" + "9" * 30])
def test_an_offset_that_is_none(client: TestClient, query: str) -> None:
    upload_id = begin(client, {"a.png": b"a"})
    assert client.put(f"{URL}/{upload_id}{query}", content=b"a").status_code == 400


def test_chunks_that_do_not_fit_say_where_to_go_on(client: TestClient) -> None:
    upload_id = begin(client, {"a.png": b"abc"})
    gap = client.put(f"{URL}/{upload_id}?offset=1", content=b"b")
    assert (gap.status_code, gap.json()["arrived"]) == (409, 0)
    beyond = client.put(f"{URL}/{upload_id}?offset=0", content=b"abcd")
    assert beyond.status_code == 409
    assert "More bytes are sent than the 3" in beyond.json()["error"]
    early = client.post(f"{URL}/{upload_id}/finish", json={})
    assert early.status_code == 202
    assert (ended(client, upload_id)["error"], ended(client, upload_id)["again"]) == (
        "3 bytes have not arrived yet.",
        True,
    )
    client.put(f"{URL}/{upload_id}?offset=0", content=b"abc")
    client.post(f"{URL}/{upload_id}/finish", json={})
    assert ended(client, upload_id)["state"] == "done"


def test_what_is_too_large_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_id = begin(client, {"a.png": bytes(100)})
    monkeypatch.setattr(uploads, "CHUNK", 10)
    assert client.put(f"{URL}/{upload_id}?offset=0", content=bytes(11)).status_code == 413
    monkeypatch.setattr(uploads, "MOST_LIST", 10)
    assert client.post(URL, json={"files": [["a.png", 1]]}).status_code == 413


def test_bad_lists_and_names_are_refused(client: TestClient, folder: Path) -> None:
    for files, says in (([["../a.png", 1]], "leads out"), ([["a.png", -1]], "cannot be read"), ([], "No files")):
        answer = client.post(URL, content=json.dumps({"files": files}))
        assert answer.status_code == 400
        assert says in answer.json()["error"]
    assert [path.name for path in folder.iterdir()] == [uploads.SECRET]
    upload_id = begin(client, {"a.png": b""})
    assert client.post(f"{URL}/{upload_id}/finish", content=b"[]").status_code == 400
    client.post(f"{URL}/{upload_id}/finish", json={"name": "../../etc/<b>"})
    assert ended(client, upload_id)["name"] == "_.._etc__b_"
    assert [path.name for path in folder.parent.iterdir()] == ["datasets"]


def test_a_refused_archive_leaves_nothing(client: TestClient, folder: Path) -> None:
    files = {"a.zip": zipped({"../out.png": b"out"})}
    upload_id = begin(client, files)
    client.put(f"{URL}/{upload_id}?offset=0", content=files["a.zip"])
    client.post(f"{URL}/{upload_id}/finish", json={})
    status = ended(client, upload_id)
    assert (status["state"], status["again"]) == ("failed", False)
    assert "leads out of the archive" in status["error"]
    assert list((folder / ".uploads").iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == [uploads.SECRET, ".uploads"]


def test_cancelled(client: TestClient, folder: Path) -> None:
    upload_id = begin(client, {"a.png": b"abc"})
    client.put(f"{URL}/{upload_id}?offset=0", content=b"ab")
    assert client.delete(f"{URL}/{upload_id}").json() == {"state": "cancelled"}
    assert list((folder / ".uploads").iterdir()) == []
    for answer in (client.get(f"{URL}/{upload_id}"), client.put(f"{URL}/{upload_id}?offset=2", content=b"c")):
        assert answer.status_code == 404
        assert "no longer exists" in answer.json()["error"]


def test_the_routes_lie_below_the_base_path(folder: Path) -> None:
    assert uploads.root_of("/a/b/") == "/a/b/api/uploads"
    client = TestClient(Starlette(routes=uploads.routes("a")))
    assert client.get("/a/api/uploads/x").status_code == 403
