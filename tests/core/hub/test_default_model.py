"""The model that a server offers first: a folder, or one of the Hub that its own token may read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.hub_server import Hub, Repo, running_hub
from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError
from unet_core.hub import default_model
from unet_core.models.checkpoint import save_checkpoint, verify
from unet_core.models.unet import UNet

CONFIG = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "cells", UNet(CONFIG))
    return tmp_path / "cells"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def test_without_the_variable_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UNET_STUDIO_MODEL", raising=False)
    assert default_model.find_folder(tmp_path) is None and not default_model.is_missing(tmp_path)


def test_a_folder_is_there_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNET_STUDIO_MODEL", str(folder))
    assert default_model.find_folder(tmp_path / "models") == folder
    assert not default_model.is_missing(tmp_path / "models")


@pytest.mark.parametrize(
    ("name", "says"),
    [("/nowhere", "/nowhere has no config.json"), ("cells", "'cells' is neither a folder nor a model of the Hub")],
)
def test_what_is_neither_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, says: str) -> None:
    monkeypatch.setenv("UNET_STUDIO_MODEL", name)
    with pytest.raises(CheckpointError, match=f"UNET_STUDIO_MODEL: {says}"):
        default_model.find_folder(tmp_path)


def test_a_private_model_of_the_hub_is_fetched_once_with_the_servers_token(
    folder: Path, server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    server.repos["org/net"] = Repo(files, refusal=(401, "RepoNotFound"), token="hf_ofTheServer")
    monkeypatch.setenv("UNET_STUDIO_MODEL", "org/net")
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")  # its owner chose the model, not a visitor
    monkeypatch.setenv("HF_TOKEN", "hf_ofTheServer")
    models = tmp_path / "models"
    assert default_model.find_folder(models) is None and default_model.is_missing(models)
    fetched = default_model.fetch(models)
    verify(fetched)
    assert default_model.find_folder(models) == fetched == models / "org--net"
    assert not default_model.is_missing(models)
