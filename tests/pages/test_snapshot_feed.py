"""The learning film for the browser: an index that grows, pictures as they lie on the disk."""

import base64
import os

import pytest

from pages.server import snapshot_feed
from tests.helpers.pages import STARTED, make_run, shoot


@pytest.fixture
def run(tmp_path, sample_folder):
    return make_run(tmp_path / "runs", sample_folder, STARTED)


def test_no_film_yet(run):
    assert snapshot_feed.list_epochs(run, 0) == {"count": 0, "epochs": []}
    assert snapshot_feed.read_probes(run)["probes"] == []
    assert snapshot_feed.read_masks(run, 1) == {"epoch": 1, "masks": []}


def test_the_index_grows_and_tells_only_what_is_new(run):
    shoot(run, 1, [0.25, None])
    first = snapshot_feed.list_epochs(run, 0)
    assert first["count"] == 1 and first["epochs"][0][:2] == (1, [0.25, None])
    version = first["epochs"][0][2]
    assert snapshot_feed.list_epochs(run, version) == {"count": 1, "epochs": []}
    shoot(run, 2, [0.5, 0.12345678])
    later = version + 1
    os.utime(run.snapshots / "0002.json", ns=(later * 1000, later * 1000))
    assert [row[:2] for row in snapshot_feed.list_epochs(run, version)["epochs"]] == [(2, [0.5, 0.1235])]


def test_an_epoch_that_is_gone_or_damaged_is_left_out(run):
    for epoch in (1, 2, 3):
        shoot(run, epoch, [0.5])
    (run.snapshots / "0001.json").unlink()
    (run.snapshots / "0002.json").write_text('{"dice": 3}')
    assert [row[0] for row in snapshot_feed.feed_of(run).rows()] == [3]
    assert snapshot_feed.list_epochs(run, 0)["count"] == 1


def test_pictures_come_as_they_lie_on_the_disk(run):
    shoot(run, 7, [0.5, 0.6])
    (run.snapshots / "1-truth.png").unlink()
    (run.snapshots / "0007-1.png").unlink()
    told = snapshot_feed.read_probes(run)
    assert [probe["name"] for probe in told["probes"]] == ["cell 0", "cell 1"]
    assert base64.b64decode(told["probes"][0]["image"]) == (run.snapshots / "0-image.png").read_bytes()
    assert told["probes"][1]["truth"] is None
    assert told["bare"] and len(told["colors"]) == 2 and told["colors"][1] == [230, 159, 0]
    frame = snapshot_feed.read_masks(run, 7)
    assert base64.b64decode(frame["masks"][0]) == (run.snapshots / "0007-0.png").read_bytes()
    assert frame["masks"][1] is None
