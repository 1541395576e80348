"""Where the app keeps datasets, and who may look at the disk."""

from pathlib import Path

import pytest

from pages.server import paths


def test_the_folders_are_those_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNET_DATASETS", "UNET_DATA_ROOT", "UNET_STUDIO_PUBLIC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert (paths.datasets_dir(), paths.data_root()) == (tmp_path / "datasets", Path("/"))
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "d"))
    monkeypatch.setenv("UNET_DATA_ROOT", str(tmp_path))
    assert (paths.datasets_dir(), paths.data_root()) == (tmp_path / "d", tmp_path)
    assert paths.library().folder == tmp_path / "d"


@pytest.mark.parametrize(("value", "closed"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_a_public_server_shows_no_folder(monkeypatch: pytest.MonkeyPatch, value: str, closed: bool) -> None:
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", value)
    monkeypatch.setenv("UNET_DATA_ROOT", "/tmp")
    assert (paths.data_root() is None) is closed


def test_messages_name_what_a_visitor_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "d"))
    assert paths.shorten(f"{tmp_path}/d/cells/images/a.png: empty file.") == "cells/images/a.png: empty file."
    elsewhere = f"{tmp_path}/lab/cells: there is no such folder. Check the path."
    assert paths.shorten(elsewhere) == elsewhere
