"""Models of the Hub, looked at and pulled from a server of our own: kinds, tokens, dropped connections, silence."""

import json
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from tests.core.models.references import brain_weights, smp_logits, smp_weights
from tests.core.models.test_foreign import SMP_CONFIG
from tests.core.models.test_milesial import weights as milesial_weights
from tests.helpers.hub_server import Hub, Repo, running_hub
from unet_core.config.schema import ModelConfig
from unet_core.errors import Cancelled, CheckpointError, ConfigError, HubError
from unet_core.hub import access, pull, resolve
from unet_core.inference.predictor import load_predictor
from unet_core.models.checkpoint import load_model, save_checkpoint, verify
from unet_core.models.unet import UNet

CONFIG = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16)
CANARY = "hf_canaryThatMustBeNowhere"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    for name in ("HF_TOKEN", "UNET_STUDIO_PUBLIC"):
        monkeypatch.delenv(name, raising=False)
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A checkpoint folder as it is pushed."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("made") / "best"
    save_checkpoint(folder, UNet(CONFIG), about={"val_dice": 0.5})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def repo(server: Hub, files: dict[str, bytes]) -> Repo:
    return server.repos.setdefault("org/net", Repo(dict(files), license="apache-2.0"))


def smp_repo(**changes: Any) -> Repo:
    config = json.dumps(SMP_CONFIG | changes).encode()
    return Repo({"config.json": config, "model.safetensors": save(smp_weights("resnet18")), "README.md": b"# Unet"})


def test_a_look_tells_all_and_keeps_nothing(repo: Repo, server: Hub, tmp_path: Path) -> None:
    repo.files |= {"README.md": b"# x", "pytorch_model.bin": b"x"}
    offer = pull.look("org/net@v1")
    assert (str(offer.reference), offer.commit, offer.license) == ("org/net@v1", repo.commit, "apache-2.0")
    assert offer.files == {
        name: len(repo.files[name]) for name in ("config.json", "model.safetensors", "sha256", "training.json")
    }
    assert offer.size == sum(offer.files.values())
    assert offer.left_out == ("README.md", "pytorch_model.bin")
    assert (offer.recognized.kind.title, offer.recognized.config) == ("UNet Studio", CONFIG)
    assert not list((tmp_path / "hf-home").rglob("*"))


@torch.inference_mode()
def test_smp_is_converted_and_predicts_as_its_own_program(server: Hub, tmp_path: Path) -> None:
    server.repos["org/pets"] = smp_repo()
    told: list[str] = []
    folder = resolve.download("org/pets", tmp_path, tell=told.append)
    assert told == [
        "org/pets: The files do not say how images were normalized; 'imagenet' is assumed. Choose another "
        "normalization if not."
    ]
    verify(folder)
    assert pull.source_of(folder)["kind"] == "segmentation_models.pytorch Unet"
    predictor, warning = load_predictor(folder, "cpu", "fp32")
    image = np.random.default_rng(0).integers(256, size=(64, 96, 3)).astype(np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    tensor = torch.from_numpy(((image / 255 - mean) / std).transpose(2, 0, 1)).float()[None]
    expected = smp_logits(smp_weights("resnet18"), "resnet18", tensor)
    assert warning == ""
    np.testing.assert_allclose(predictor.logits(image), expected[0].numpy(), rtol=1e-4, atol=1e-4)


def test_a_normalization_that_is_stated_is_kept_and_the_model_made_anew(server: Hub, tmp_path: Path) -> None:
    server.repos["org/pets"] = smp_repo()
    told: list[str] = []
    folder = pull.download("org/pets", tmp_path, tell=told.append, normalization="unit")
    assert (told, load_model(folder)[0].config.normalization) == ([], "unit")
    assert pull.download("org/pets", tmp_path) == folder  # asked for again without it: as it was stated
    assert load_model(folder)[0].config.normalization == "unit"
    pull.download("org/pets", tmp_path, normalization="imagenet")
    assert load_model(folder)[0].config.normalization == "imagenet"
    with pytest.raises(ConfigError, match="says itself"):
        server.repos["org/own"] = Repo({"config.json": json.dumps(CONFIG.to_dict()).encode(),
                                        "model.safetensors": save(UNet(CONFIG).state_dict())})  # fmt: skip
        pull.download("org/own", tmp_path, normalization="unit")


@pytest.mark.parametrize(
    ("state", "kind"),
    [(brain_weights(), "mateuszbuda/brain-segmentation-pytorch"), (milesial_weights(True), "milesial/Pytorch-UNet")],
)
def test_other_kinds_are_recognized_by_their_tensors(server: Hub, tmp_path: Path, state: Any, kind: str) -> None:
    server.repos["org/unet"] = Repo({"unet.safetensors": save(state)})
    offer = pull.look("org/unet")
    assert (offer.recognized.kind.title, list(offer.files), offer.license) == (kind, ["unet.safetensors"], "")
    model, _ = load_model(pull.download("org/unet", tmp_path))
    assert model.config == offer.recognized.config


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: without(f, "encoder.0.0.weight"), "weights do not fit config.json: encoder.0.0.weight is missing."),
        (lambda f: shaped(f, "head.bias", 2), "head.bias has shape 2 instead of 1."),
        (
            lambda f: without(f, "encoder.0.0.weight", "head.bias", "head.weight", "up.0.bias"),
            "encoder.0.0.weight is missing; up.0.bias is missing; head.weight is missing and 1 more.",
        ),
        (lambda f: f | {"modeling.py": b""}, "contains code (modeling.py)"),
        (lambda f: f | {"a/b.py": b""}, "contains code (a/b.py)"),
        (lambda f: {"pytorch_model.bin": b"\x80"}, "may run code when they are opened (pytorch_model.bin)"),
        (lambda f: {"weights.pt": b"\x80", "config.json": b"{}"}, "Ask its owner for model.safetensors"),
        (lambda f: {}, "model.safetensors missing. It is empty."),
        (lambda f: {"model.safetensors": f["model.safetensors"][:-8]}, "the file has"),
        (lambda f: {"a.safetensors": b"", "b.safetensors": b""}, "several files of weights (a.safetensors, b.saf"),
        (lambda f: f | {"config.json": b"[" * 70_000}, "config.json has 70,000 bytes, at most 65,536"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_refused_before_weights_are_fetched(
    server: Hub, files: dict[str, bytes], tmp_path: Path, change: Any, says: str
) -> None:
    server.repos["org/net"] = Repo(change({name: files[name] for name in ("config.json", "model.safetensors")}))
    for attempt in (lambda: pull.look("org/net"), lambda: pull.download("org/net", tmp_path)):
        with pytest.raises(CheckpointError, match=f"^org/net.*{re.escape(says)}"):
            attempt()
    assert all(range_of(headers) for _, path, headers in server.requests if not path.startswith("/api/"))
    assert not list(tmp_path.glob("*/config.json"))


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    tensors = {name: value for name, value in load(files["model.safetensors"]).items() if name not in names}
    return files | {"model.safetensors": save(tensors)}


def shaped(files: dict[str, bytes], name: str, size: int) -> dict[str, bytes]:
    return files | {"model.safetensors": save(load(files["model.safetensors"]) | {name: torch.zeros(size)})}


# Connections ---------------------------------------------------------------------------------------------------------


def test_a_dropped_connection_is_taken_up_where_it_was(server: Hub, tmp_path: Path) -> None:
    server.repos["org/pets"] = smp_repo()
    server.repos["org/pets"].cuts["model.safetensors"] = [20_000_000]
    verify(pull.download("org/pets", tmp_path))
    starts = [range_of(headers) for _, path, headers in server.requests if path.startswith("/cdn/")]
    assert starts[:2] == ["bytes=0-2097152", None]
    assert [0 < int(str(start)[6:-1]) <= 20_000_000 for start in starts[2:]] == [True]


def range_of(headers: dict[str, str]) -> str | None:
    return {name.lower(): value for name, value in headers.items()}.get("range")


def let_go(name: str) -> None:
    """Wait for the end of a download that nobody waits for any more."""
    for thread in [thread for thread in threading.enumerate() if thread.name == name]:
        thread.join(60)
        assert not thread.is_alive()


def test_the_next_try_goes_on_where_the_last_ended(server: Hub, tmp_path: Path) -> None:
    server.repos["org/pets"] = smp_repo()

    def stop(done: int, total: int) -> None:
        if done > 10_000_000:
            raise KeyboardInterrupt

    server.repos["org/pets"].cuts["model.safetensors"] = [20_000_000]
    server.repos["org/pets"].stalls = True
    with pytest.raises(KeyboardInterrupt):
        pull.download("org/pets", tmp_path, progress=stop)
    server.released.set()
    let_go("download org/pets")
    server.requests.clear()
    verify(pull.download("org/pets", tmp_path))
    starts = [range_of(headers) for _, path, headers in server.requests if path.startswith("/cdn/")]
    assert starts[0] == "bytes=0-2097152"
    assert [0 < int(str(start)[6:-1]) <= 60_000_000 for start in starts[1:]] == [True]
    assert not [path for path in (tmp_path / pull.UNFINISHED).iterdir() if path.is_dir()]


def test_a_cancelled_download_leaves_nothing(server: Hub, tmp_path: Path) -> None:
    server.repos["org/pets"] = smp_repo()
    with pytest.raises(Cancelled):
        pull.download("org/pets", tmp_path, cancelled=lambda: True)
    let_go("download org/pets")
    assert not list(tmp_path.glob("*/config.json"))


def test_a_silent_server_is_told_soon(server: Hub) -> None:
    assert pull.LISTING_SECONDS < 10
    server.silent.add("/api/")
    with pytest.raises(HubError, match=r"^org/net: http.* cannot be reached .*Check the connection and try again\."):
        pull.look("org/net")


def test_a_look_is_cancelled_while_the_server_is_silent(server: Hub) -> None:
    server.silent.add("/api/")
    with pytest.raises(Cancelled):
        pull.look("org/net", cancelled=lambda: bool(server.requests))


def test_no_network_says_so(server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"127\.0\.0\.1:9 cannot be reached .*Check the connection and try again"):
        pull.download("org/net", tmp_path)


# Tokens --------------------------------------------------------------------------------------------------------------


def test_a_gated_model_is_pulled_with_a_token_that_is_found_nowhere(
    repo: Repo, server: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    repo.refusal, repo.token = (403, "GatedRepo"), CANARY
    with pytest.raises(HubError, match="access is restricted by its owner") as refused:
        pull.look("org/net", token="hf_another")
    folder = pull.download("org/net", tmp_path, token=CANARY)
    verify(folder)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CANARY not in server.endpoint + caplog.text + str(refused.value)
    assert CANARY.encode() not in written
    assert "hf_another" not in caplog.text + str(refused.value)
    assert all(CANARY not in str(headers) for _, path, headers in server.requests if path.startswith("/cdn/"))


def test_the_token_of_the_environment_is_never_sent_for_a_visitor(
    repo: Repo, server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", CANARY)
    repo.refusal, repo.token = (401, "RepoNotFound"), CANARY
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    assert access.token_for() is False
    with pytest.raises(HubError, match="no such model"):
        resolve.find_checkpoint("org/net", tmp_path)
    assert CANARY not in server.headers()
    assert access.token_for("hf_mine") == "hf_mine"
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "0")
    assert resolve.find_checkpoint("org/net", tmp_path)[0].name == "org--net"
    assert CANARY in server.headers()


def test_what_can_be_no_token_is_refused_without_being_told() -> None:
    with pytest.raises(HubError) as refused:
        access.token_for(f"{CANARY}\nX: y")
    assert CANARY not in str(refused.value)


logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # what is refused here on purpose
