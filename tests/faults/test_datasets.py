"""Rows E03, E06 and F02 of the fault table for datasets: hostile archives, hostile paths, memory of many uploads."""
# ruff: noqa: N802 - the rows of the table have capital letters

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.test_uploads import bomb, escaping, lying, many_entries, overlapping_bomb
from tests.helpers.browser import Server
from tests.helpers.processes import ROOT
from unet_core.data.library.folders import list_folders, parse_path
from unet_core.errors import DataError

# -------------------------------------------------------------------------------------------------------- E03 archives

UNPACK = """
import json, resource, sys, time
from pathlib import Path
from unet_core.data.library.unpack import unpack
from unet_core.errors import UnetError
before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
try:
    error = f"none: {unpack(Path(sys.argv[1]), Path(sys.argv[2]))}"
except UnetError as raised:
    error = str(raised)
mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps({"seconds": time.monotonic() - begun, "mb": mb, "error": error}))
"""


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (escaping, "leads out of the archive, so nothing was unpacked"),
        (bomb, "would unpack to 1,073,741,824"),
        (overlapping_bomb, "would unpack to 100,000,000,000"),
        (many_entries, "contains 200,000 entries, over the limit of 100,000"),
        (lying(b"a.png"), "a.png is damaged"),
        (lying(b"a.nii"), "a.nii is damaged"),
    ],
    ids=["path-escape", "bomb", "overlapping-bomb", "200000-entries", "lying-size", "lying-size-nifti"],
)
def test_E03_hostile_zip_of_a_dataset(make: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "it.zip").write_bytes(make())
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", UNPACK, str(tmp_path / "work" / "it.zip"), str(tmp_path / "work" / "out")],
        cwd=tmp_path / "work", env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert says in told["error"]
    assert told["seconds"] < 3, "the table's number"
    assert told["mb"] < 64
    assert sorted(tmp_path.rglob("*")) == before, "something was left"
    assert not Path("/tmp/out.png").exists()


# ----------------------------------------------------------------------------------------------------------- E06 paths

HOSTILE = [
    *("/etc/passwd", "/etc", "/", "//etc", "/proc/self/root/etc", "/dev/stdin"),
    *("..", "../", "../outside", "in/../../outside", "./../outside", "images/../../outside"),
    *("file:///etc", "file:///etc/passwd", "file://localhost/etc", "file:///%2e%2e/etc", "file:..%2foutside"),
    *("~root", "~", "~/..", "'/etc'", '"../outside"', "..\\outside", "\\..\\outside"),
    *(
        "link",
        "link/secret",
        "link/../outside",
        "chain",
        "{root}/../outside",
        "{root}2",
        "{root}/link",
        "a\0/../../etc",
    ),
]


@pytest.mark.parametrize("payload", HOSTILE)
def test_E06_only_below_the_data_root(payload: str, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("data/images", "data2", "outside/secret"):
        (tmp_path / name).mkdir(parents=True)
    (root / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "chain").symlink_to(root / "link", target_is_directory=True)
    text = payload.format(root=root)
    with pytest.raises(DataError) as raised:
        parse_path(text, root)
    assert "secret" not in str(raised.value).replace(text, "")
    with pytest.raises(DataError):
        list_folders(Path(text), root)
    assert [item.name for item in list_folders(root, root)] == ["images"]


# -------------------------------------------------------------------------------------------------- memory of uploads


def test_F02_fifty_uploads_of_20_mb_go_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "datasets"))
    from pages.server.uploads import datasets as uploads

    server = Server(tmp_path, "app.py")
    headers = {"X-Upload-Token": uploads.issue_token(), "Origin": server.url}
    size, chunk = 20_000_000, 2**23

    def ask(method: str, path: str, data: bytes) -> dict[str, object]:
        request = urllib.request.Request(f"{server.url}/api/uploads{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return dict(json.load(answer))

    def upload(number: int) -> None:
        files = [["a.png", size - 5], ["b.png", 5]]
        path = f"/{ask('POST', '', json.dumps({'name': str(number), 'files': files}).encode())['id']}"
        for offset in range(0, size, chunk):
            ask("PUT", f"{path}?offset={offset}", bytes(min(chunk, size - offset)))
        ask("POST", f"{path}/finish", b"{}")
        while True:
            with urllib.request.urlopen(
                urllib.request.Request(f"{server.url}/api/uploads{path}", headers=headers), timeout=60
            ) as answer:
                status = json.load(answer)
            if status["state"] != "unpacking":
                break
        assert (status["state"], status["name"]) == ("done", str(number))

    server.start()
    try:
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(upload, range(50)))
        lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    finally:
        server.kill()
    print(f"peak of the server: {peak:.0f} MB")
    assert peak < 600, "the table's number"
    sizes = [path.stat().st_size for path in (tmp_path / "datasets").glob("*/a.png")]
    assert sizes == [size - 5] * 50
