"""Datasets of the Hub, from a server of our own on 127.0.0.1: what is taken, what is refused before a byte is."""

import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.core.data.library.test_unpack import content, packed
from tests.helpers.hub_server import Hub, Repo, running_hub
from tests.helpers.processes import picture, png
from unet_core.data import discovery
from unet_core.data.library.library import Library
from unet_core.errors import Cancelled, DataError, HubError
from unet_core.hub import datasets
from unet_core.hub import parquet as parquet_files
from unet_core.hub.datasets import add, download, notes_of
from unet_core.hub.repo_id import Reference, parse

IMAGE, MASK = (png(array) for array in picture(0))
FILES = {"images/1.png": IMAGE, "masks/1.png": MASK, "README.md": b"# cells"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def repo(server: Hub) -> Repo:
    return server.repos.setdefault("datasets/org/cells", Repo(dict(FILES)))


def files_of(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in content(folder).items() if not name.startswith(".")}


def zipped(files: dict[str, bytes], folder: Path) -> bytes:
    return packed(folder / "made.zip", files).read_bytes()


def test_images_masks_and_texts_are_taken_and_code_is_not(repo: Repo, server: Hub, tmp_path: Path) -> None:
    repo.files |= {"cells.py": b"raise SystemExit", "model.bin": b"\x80", ".gitattributes": b"x", "x/._1.png": b"x"}
    told: list[tuple[int, int, str]] = []
    folder = download("org/cells", tmp_path / "cells", progress=lambda *values: told.append(values))
    assert folder == tmp_path / "cells"
    assert files_of(folder) == FILES
    assert notes_of(folder) == (
        "org/cells: not downloaded, as they are not images or annotations: cells.py, model.bin.",
    )
    total = sum(map(len, FILES.values()))
    assert told[-1][:2] == (total, total)
    assert json.loads((folder / ".hub.json").read_text()) == {
        "repo": "org/cells",
        "revision": "",
        "commit": repo.commit,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]
    assert not any(path.endswith((".py", ".bin")) for path in server.paths())
    assert [sample.id for sample in discovery.search(folder).samples] == ["1"]


def test_it_is_a_dataset_of_the_library(repo: Repo, tmp_path: Path) -> None:
    repo.files["x.py"] = b""
    library = Library(tmp_path / "datasets")
    entry, notes = add(library, "https://huggingface.co/datasets/org/cells/tree/v1")
    assert (entry.name, entry.kind) == ("cells", "hub")
    assert "x.py" in notes[0]
    assert library.entries() == [entry]
    assert add(library, "org/cells")[0].name == "cells_2"
    assert list((library.folder / ".downloads").iterdir()) == []


def test_no_token_is_sent(repo: Repo, server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    download("org/cells", tmp_path / "cells")
    assert "hf_canary" not in server.headers()
    download("org/cells", tmp_path / "own", token="hf_mine")
    assert "hf_mine" in server.headers()


def test_zip_files_become_folders(repo: Repo, tmp_path: Path) -> None:
    repo.files = {"data/images.zip": zipped({"1.png": IMAGE, "__MACOSX/._1.png": b""}, tmp_path)}
    repo.files |= {"data/masks.zip": zipped({"1.png": MASK}, tmp_path), "data/masks/0.png": MASK}
    folder = download("org/cells", tmp_path / "cells")
    assert files_of(folder) == {"data/images/1.png": IMAGE, "data/masks/0.png": MASK, "data/masks_2/1.png": MASK}
    assert notes_of(folder) == ("org/cells, data/images.zip: skipped 1 hidden or system files, such as __MACOSX.",)


def test_a_hostile_zip_leaves_nothing_at_the_target(repo: Repo, tmp_path: Path) -> None:
    repo.files = {"a.zip": zipped({"../out.png": b"out"}, tmp_path)}
    with pytest.raises(DataError, match="leads out of the archive"):
        download("org/cells", tmp_path / "cells")
    assert not (tmp_path / "cells").exists()
    assert not (tmp_path / "out.png").exists()


def table(rows: list[dict[str, object]], image: str = "image", mask: str = "mask") -> bytes:
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [(name, struct) for name in (image, mask) if name]
    data = io.BytesIO()
    schema = pa.schema([*fields, ("label", pa.int64())])
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), data, row_group_size=3)
    return data.getvalue()


def test_parquet_files_become_paired_files_by_split(repo: Repo, tmp_path: Path) -> None:
    jpeg = b"\xff\xd8\xff\xe0 as it is"
    row = {"image": {"bytes": jpeg, "path": None}, "mask": {"bytes": MASK, "path": None}, "label": 1}
    named = {"image": {"bytes": IMAGE, "path": "../b/well 1.png"}, "mask": {"bytes": MASK, "path": "m.png"}, "label": 2}
    lone = {"image": {"bytes": IMAGE, "path": "a.tif"}, "mask": None, "label": 1}
    lost = {"image": {"bytes": None, "path": "/etc/passwd"}, "mask": None, "label": 1}
    repo.files = {
        "data/train-00000-of-00002.parquet": table([row, named]),
        "data/train-00001-of-00002.parquet": table([row, named, lone, lost]),
        "data/validation-00000-of-00001.parquet": table([named]),
    }
    folder = download("org/cells", tmp_path / "cells")
    assert files_of(folder) == {
        "train/images/000000.jpg": jpeg, "train/masks/000000.png": MASK,
        "train/images/000002.jpg": jpeg, "train/masks/000002.png": MASK,
        "train/images/well 1.png": IMAGE, "train/masks/well 1.png": MASK,
        "train/images/well 1_2.png": IMAGE, "train/masks/well 1_2.png": MASK,
        "train/images/a.png": IMAGE,
        "val/images/well 1.png": IMAGE, "val/masks/well 1.png": MASK,
    }  # fmt: skip
    assert notes_of(folder) == (
        "org/cells: 6 images read from Parquet, column 'image' as image, 'mask' as mask.",
        "org/cells: 1 of 6 images have no mask.",
        "org/cells: 1 rows without the bytes of an image were skipped.",
    )


def test_a_dataset_from_parquet_can_be_trained_on(repo: Repo, tmp_path: Path) -> None:
    pairs = [tuple(png(array) for array in picture(number)) for number in range(4)]
    rows: list[dict[str, object]] = [
        {"pixel_values": {"bytes": image}, "semantic_seg": {"bytes": mask}} for image, mask in pairs
    ]
    repo.files = {
        "train.parquet": table(rows[:3], "pixel_values", "semantic_seg"),
        "test.parquet": table(rows[3:], "pixel_values", "semantic_seg"),
    }
    samples = discovery.search(download("org/cells", tmp_path / "cells")).samples
    assert sorted((sample.subset, sample.image.read_bytes()) for sample in samples) == sorted(
        [*(("train", image) for image, _ in pairs[:3]), ("test", pairs[3][0])]
    )
    assert {sample.masks[0].read_bytes() for sample in samples} == {mask for _, mask in pairs}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PAR1 no parquet", "a Parquet file is damaged"),
        (table([{"label": 1}], "", ""), "no column of images in it, only label"),
        (table([{"label": 1}], "left", "right"), r"several columns may be the images \(left, right\)"),
        (table([{"label": 1}], "mask", "label_image"), "no column of images in it, only mask, label_image, label"),
        (table([{"image": {"bytes": b"GIMP", "path": None}}]), "no row of its Parquet files has the bytes of an image"),
    ],
)
def test_parquet_files_without_images_are_refused(repo: Repo, tmp_path: Path, data: bytes, says: str) -> None:
    repo.files = {"a.parquet": data}
    with pytest.raises(HubError, match=says):
        download("org/cells", tmp_path / "cells")
    assert not (tmp_path / "cells").exists()


def test_without_pyarrow_it_says_what_to_install(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.files = {"a.parquet": table([])}
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(HubError, match="pip install pyarrow"):
        download("org/cells", tmp_path / "cells")


@pytest.mark.parametrize(
    ("files", "sizes", "says"),
    [
        ({}, {}, "no images, ZIP or Parquet files in this dataset. It is empty"),
        ({"a.py": b"", "b.arrow": b""}, {}, r"no images, .* It contains a\.py, b\.arrow\."),
        ({"a.png": b""}, {"a.png": 10**13}, "1 files with 10,000,000,000,000 bytes, over the limits"),
        ({"a.png": b""}, {"a.png": -1}, "has no listed size"),
        ({"../a.png": b""}, {}, "leads out of its folder"),
        ({"a.png": b"", "/b.png": b""}, {}, "leads out of its folder"),
    ],
)
def test_what_is_refused_from_the_listing(
    repo: Repo, server: Hub, tmp_path: Path, files: dict[str, bytes], sizes: dict[str, int], says: str
) -> None:
    repo.files, repo.sizes = files, sizes
    with pytest.raises(HubError, match=says):
        download("org/cells", tmp_path / "cells")
    assert len(server.requests) == 1, "nothing but the listing was asked for"
    assert not (tmp_path / "cells").exists()


def test_too_many_files_are_refused(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, says in (
        ("MOST_LISTED", "3 files are more than the 1"),
        ("MOST_FILES", "3 files with .* over the limits"),
    ):
        with monkeypatch.context() as patch, pytest.raises(HubError, match=says):
            patch.setattr(datasets, name, 1)
            download("org/cells", tmp_path / "cells")


def test_sizes_that_lie_and_damaged_files_are_found(repo: Repo, tmp_path: Path) -> None:
    repo.files = {"a.zip": zipped({"1.png": IMAGE}, tmp_path)}
    repo.sizes = {"a.zip": 10}
    with pytest.raises(HubError):
        download("org/cells", tmp_path / "cells")
    assert not (tmp_path / "cells").exists()


def test_a_second_try_goes_on_where_the_first_ended(repo: Repo, server: Hub, tmp_path: Path) -> None:
    server.silent.clear()
    repo.files = {f"images/{number}.png": IMAGE for number in range(10)}
    told: list[int] = []

    def fail(done: int, total: int, name: str) -> None:
        told.append(done)
        if done == total:
            raise RuntimeError("the page broke")

    with pytest.raises(RuntimeError):
        download("org/cells", tmp_path / "cells", progress=fail)
    server.requests.clear()
    folder = download("org/cells", tmp_path / "cells")
    assert len(files_of(folder)) == 10
    assert [path for path in server.paths() if "resolve" in path] == []


def test_remains_of_killed_downloads_are_removed_after_a_day(repo: Repo, tmp_path: Path) -> None:
    library = Library(tmp_path / "datasets")
    downloads = library.folder / ".downloads"
    for name in ("0123", ".org--old.abc.partial", "new"):
        (downloads / name).mkdir(parents=True)
    (downloads / ".org--old.abc.partial.lock").touch()
    yesterday = time.time() - 86_500
    for path in downloads.iterdir():
        if path.name != "new":
            os.utime(path, (yesterday, yesterday))
    add(library, "org/cells")
    assert [path.name for path in downloads.iterdir()] == ["new"]


def test_a_download_of_the_same_at_the_same_time_is_refused(repo: Repo, tmp_path: Path) -> None:
    errors: list[str] = []

    def again(done: int, total: int, name: str) -> None:
        with pytest.raises(HubError) as raised:
            download("org/cells", tmp_path / "other")
        errors.append(str(raised.value))

    folder = download("org/cells", tmp_path / "cells", progress=again)
    assert files_of(folder) == FILES
    assert set(errors) == {"org/cells: is being downloaded already. Wait for its end."}
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


def test_cancelled_nothing_is_left(repo: Repo, tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(Cancelled):
        download(
            "org/cells",
            tmp_path / "in" / "cells",
            progress=lambda done, total, name: told.append(done),
            cancelled=lambda: True,
        )
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        ((401, "RepoNotFound"), "no such dataset at .* or it is private"),
        ((403, "GatedRepo"), "access is restricted by its owner .*/datasets/org/cells"),
        ((404, "RevisionNotFound"), "the dataset exists, but not this revision"),
        ((503, ""), r"responded with error 503\. The Hub has a problem of its own, so try again later"),
    ],
)
def test_refusals_of_the_hub(repo: Repo, tmp_path: Path, refusal: tuple[int, str], says: str) -> None:
    repo.refusal = refusal
    with pytest.raises(HubError, match=says):
        download("org/cells", tmp_path / "cells")


def test_a_hub_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="cannot be reached"):
        download("org/cells", tmp_path / "cells", endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("org/cells", Reference("org/cells")),
        ("datasets/org/cells@v1", Reference("org/cells", "v1")),
        ("hf://datasets/org/cells", Reference("org/cells")),
        (" https://huggingface.co/datasets/org/cells/viewer/default/train ", Reference("org/cells")),
        ("huggingface.co/datasets/org/cells/blob/v1/a.png", Reference("org/cells", "v1")),
    ],
)
def test_what_names_a_dataset(name: str, reference: Reference) -> None:
    assert parse(name, kind="dataset") == reference


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("https://huggingface.co/org/net", "a model of the Hub, not a dataset"),
        ("https://huggingface.co/spaces/org/app", "a space of the Hub, not a dataset"),
        ("cells", "not the name of a dataset on the Hub"),
        ("../../etc", "not the name of a dataset on the Hub"),
        ("https://huggingface.co/datasets/cells", "not the name of a dataset on the Hub"),
        ("https://evil.example/datasets/org/cells", "not the name of a dataset on the Hub"),
    ],
)
def test_what_names_none(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=says):
        download(name, tmp_path / "cells")


def test_the_folders_of_parquet_files() -> None:
    names = ["data/train-00000-of-00002.parquet", "a/test.parquet", "train/0000.parquet", "default/x.parquet"]
    assert [parquet_files.folder_of(name) for name in names] == ["train", "a/test", "train", ""]
