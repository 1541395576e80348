"""Weights that a visitor brings: in every way they are taken home, and never more than the file is worth."""

import io
import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from tests.core.io.test_zip_reader import packed
from tests.core.models.references import brain_weights, smp_weights
from tests.core.models.test_foreign import SMP_CONFIG
from tests.core.models.test_milesial import weights as milesial_weights
from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError
from unet_core.models import convert
from unet_core.models.checkpoint import load_about, load_model, save_checkpoint
from unet_core.models.import_weights import import_model
from unet_core.models.unet import UNet

CONFIG = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16, threshold=0.25)
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files of a checkpoint folder."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("made") / "best"
    save_checkpoint(folder, UNet(CONFIG), about={"val_dice": 0.5})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def other_net(files: Files) -> Files:
    tensors = load(files["model.safetensors"])
    tensors["head.bias"] += 1
    return {"config.json": files["config.json"], "model.safetensors": save(tensors)}


def inside(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": data for name, data in files.items()}


def assert_is(folder: Path, files: Files) -> None:
    model, warning = load_model(folder)
    assert (model.config, warning) == (CONFIG, "")
    wanted, found = load(files["model.safetensors"]), model.state_dict()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)


def test_the_ways_in(files: Files, tmp_path: Path) -> None:
    run = inside("20261120-run", {"config.json": b"{}", "events.jsonl": b"", "sub/notes.txt": b""})
    run |= inside("20261120-run/checkpoints/best", files) | inside("20261120-run/checkpoints/last", other_net(files))
    run |= inside("20261120-run/checkpoints/best.old", other_net(files))
    run |= {"20261120-run/checkpoints/last/state.safetensors": b"x"}
    several = {name: files[name] for name in ("config.json", "model.safetensors")}
    ways: dict[str, dict[str, bytes | Path]] = {
        "nuclei": {"nuclei.zip": packed(files)},
        "deep": {"deep.zip": packed(inside("a/b", files))},
        "of_a_run": {"of a run.zip": packed(run)},
        "20261120-run": dict(run),
        "model": dict(several),
        "lone": {"lone.safetensors": files["model.safetensors"]},
        "mine": inside("mine", files),  # type: ignore[dict-item]
        "renamed": {"config.json": files["config.json"], "renamed.safetensors": files["model.safetensors"]},
    }
    for name, upload in ways.items():
        folder = import_model(upload, tmp_path / "models")
        assert folder == tmp_path / "models" / name
        assert_is(folder, files)
        told = any("training.json" in key for key in upload) or name in ("nuclei", "deep", "of_a_run")
        assert load_about(folder) == ({"val_dice": 0.5} if told else {})


def test_from_the_disk(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(files))
    (tmp_path / "b.safetensors").write_bytes(files["model.safetensors"])
    assert_is(import_model({"a.zip": tmp_path / "a.zip"}, tmp_path / "models"), files)
    assert_is(import_model({"b.safetensors": tmp_path / "b.safetensors"}, tmp_path / "models"), files)
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: cannot be read"):
        import_model({"gone.safetensors": tmp_path / "gone.safetensors"}, tmp_path / "models")
    with pytest.raises(CheckpointError, match=r"gone\.zip: cannot be read"):
        import_model({"gone.zip": tmp_path / "gone.zip"}, tmp_path / "models")


def test_milesials_weights_as_before(tmp_path: Path) -> None:
    data = io.BytesIO()
    torch.save(milesial_weights(bilinear=False), data)
    told: list[str] = []
    folder = import_model({"unet carvana.pth": data.getvalue()}, tmp_path, tell=told.append)
    assert ["'unit'" in note for note in told] == [True]
    assert folder.name == "unet_carvana"
    assert load_model(folder)[0].config.num_classes == 2
    with pytest.raises(CheckpointError, match=r"^bad\.pth: not a file of PyTorch weights"):
        import_model({"bad.pth": b"x"}, tmp_path)


def test_a_name_is_safe_and_kept_apart_from_those_of_the_hub(files: Files, tmp_path: Path) -> None:
    upload = {"x.safetensors": files["model.safetensors"]}
    names = {
        "../../etc": "etc",
        "a/b\n<b>": "a_b_b",
        "org--net": "org-net",
        "": "x",
        "...": "model",
        "a.old.": "a_old",
    }
    for name, safe in names.items():
        folder = import_model(upload, tmp_path / (safe + "-place"), name)
        assert (folder.name, folder.parent) == (safe, tmp_path / (safe + "-place"))


def test_no_model_is_replaced_by_another_of_its_name_and_none_doubled(files: Files, tmp_path: Path) -> None:
    first, other = {"a.zip": packed(files)}, {"a.zip": packed(other_net(files))}
    assert [import_model(upload, tmp_path).name for upload in (first, other, first, other)] == ["a", "a_2", "a", "a_2"]
    assert_is(tmp_path / "a", files)
    assert_is(tmp_path / "a_2", other_net(files))


def giant(files: Files, **changes: object) -> Files:
    config = json.dumps(json.loads(files["config.json"]) | changes).encode()
    return {"config.json": config, "model.safetensors": files["model.safetensors"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: {}, "No file was uploaded"),
        (lambda f: {"model.safetensors": save(load(f["model.safetensors"]))}, "without the config.json"),
        (lambda f: {"config.json": f["config.json"]}, "(config.json). Upload config.json and"),
        (lambda f: {"a.zip": packed({"x.txt": b""})}, "No .safetensors file in the upload (x.txt)"),
        (lambda f: {"a.zip": b"PK\3\4"}, "a.zip: not a ZIP"),
        (lambda f: {"a.zip": packed({"pytorch_model.bin": b"\x80", "config.json": b"{}"})}, "may run code"),
        (lambda f: {"a.bin": b"\x80"}, "may run code"),
        (lambda f: inside("a", f) | inside("b", f), "contains 2 models: a, b"),
        (lambda f: {"a.safetensors": b"", "b.safetensors": b""}, "contains 2 weight files"),
        (lambda f: giant(f, base_channels=256, depth=8, image_size=512), "do not fit config.json: the network"),
        (lambda f: giant(f, norm="group"), "do not fit config.json"),
        (lambda f: giant(f, activation="elu", up="bilinear", norm="none"), "do not fit config.json"),
        (lambda f: giant(f, num_classes=0), "must be 1 or more"),
        (lambda f: f | {"config.json": b'{"model_type": "bert"}'}, "config.json: damaged"),
        (lambda f: giant(f) | {"config.json": b'{"model_type": "bert"}'}, "not the config.json of a model"),
        (lambda f: f | {"model.safetensors": f["model.safetensors"][:-4] + b"1234"}, "model.safetensors: damaged"),
        (lambda f: giant(f) | {"model.safetensors": f["model.safetensors"][:-4]}, "damaged one"),
        (lambda f: giant(f) | {"model.safetensors": (2**21).to_bytes(8, "little") + b" " * 2**21}, "its header of"),
        (lambda f: giant(f) | {"config.json": b" " * 70_000}, "70,000 bytes are more than"),
        (lambda f: {"a.zip": packed(giant(f) | {"config.json": b" " * 70_000})}, "70,000 bytes are more than"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_kept(files: Files, tmp_path: Path, monkeypatch, change, says: str) -> None:
    monkeypatch.setattr(convert, "build", lambda *arguments: pytest.fail("the model was built"))
    with pytest.raises(CheckpointError, match=re.escape(says)):
        import_model(change(files), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_what_has_as_many_values_in_other_places_is_refused(files: Files, tmp_path: Path) -> None:
    tensors = load(files["model.safetensors"])
    tensors["elsewhere"] = tensors.pop("head.bias")
    with pytest.raises(CheckpointError, match=r"do not fit config.*head\.bias"):
        import_model(giant(files) | {"model.safetensors": save(tensors)}, tmp_path)


def test_weights_that_are_not_finite_are_refused(files: Files, tmp_path: Path) -> None:
    tensors = load(files["model.safetensors"])
    tensors["head.bias"][0] = float("nan")
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        import_model(giant(files) | {"model.safetensors": save(tensors)}, tmp_path)


def test_half_precision_is_taken(files: Files, tmp_path: Path) -> None:
    tensors = {name: tensor.half() if tensor.is_floating_point() else tensor
               for name, tensor in load(files["model.safetensors"]).items()}  # fmt: skip
    folder = import_model(giant(files) | {"model.safetensors": save(tensors)}, tmp_path)
    assert load_model(folder)[0].head.weight.dtype == torch.float32


@pytest.mark.parametrize("about", [b"[1]", b"{", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_told_of_the_training_and_makes_no_sense_is_left(files: Files, tmp_path: Path, about: bytes) -> None:
    assert load_about(import_model(giant(files) | {"training.json": about}, tmp_path)) == {}


def test_a_full_disk_is_told(files: Files, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="cannot be written"):
        import_model({"a.zip": packed(files)}, tmp_path / "models")


def test_weights_of_other_programs_and_what_is_assumed_of_them(tmp_path: Path) -> None:
    told: list[str] = []
    data = save(brain_weights())
    folder = import_model({"brain.safetensors": data}, tmp_path, tell=told.append)
    assert load_model(folder)[0].config.normalization == "zscore_per_channel"
    assert ["pre-contrast" in note for note in told] == [True]
    smp = {"config.json": json.dumps(SMP_CONFIG).encode(), "model.safetensors": save(smp_weights("resnet18"))}
    told.clear()
    folder = import_model(inside("pets", smp), tmp_path, tell=told.append)
    assert (folder.name, load_model(folder)[0].config.encoder) == ("pets", "resnet18")
    assert ["'imagenet' is assumed" in note for note in told] == [True]
    stated = import_model(inside("pets", smp), tmp_path, normalization="unit")
    assert (stated.name, load_model(stated)[0].config.normalization) == ("pets_2", "unit")
    with pytest.raises(CheckpointError, match=r"model\.safetensors: the weights are not those of segmentation_models"):
        import_model(smp | {"model.safetensors": data}, tmp_path)


def test_an_upload_that_says_what_it_was_trained_on_completes_one_that_did_not(tmp_path: Path) -> None:
    from unet_core.data.groups import training_images
    from unet_core.data.groups.training_images import TrainingImages

    model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16))
    images = TrainingImages(frozenset({"px:0123456789abcdef"}))
    save_checkpoint(tmp_path / "first", model)
    save_checkpoint(tmp_path / "second", model, images=images.to_values())
    uploads = [{path.name: path for path in (tmp_path / name).iterdir()} for name in ("first", "second")]
    folders = [import_model(upload, tmp_path / "models", "net") for upload in (*uploads, uploads[0])]
    assert folders == [tmp_path / "models" / "net"] * 3
    assert training_images.load(folders[0]) == images
