"""Weights on disk: complete, bit-equal, never a pickle; damage is found, and no crash leaves a run without weights."""

import errno
import hashlib
import json
import os
import pickletools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError
from unet_core.models.checkpoint import (
    SavedState,
    load_model,
    load_state,
    save_checkpoint,
    usable,
    verify,
)
from unet_core.models.unet import UNet

CONFIG = ModelConfig(in_channels=1, num_classes=3, base_channels=2, depth=1, image_size=16, threshold=0.25)
MODEL_FILES = ["config.json", "model.safetensors", "sha256"]
ALL_FILES = [*MODEL_FILES, "state.json", "state.safetensors"]


def model(number: int) -> UNet:
    """A net that is told from all others by its head's bias."""
    torch.manual_seed(number)
    made = UNet(CONFIG)
    made.head.bias.data.fill_(number)
    return made


def state(number: int) -> SavedState:
    tensors = {"head.bias:exp_avg": torch.full((3,), number / 3), "head.bias:step": torch.tensor(float(number))}
    return SavedState({"epoch": number, "best_dice": 0.1 * number, "best_iou": None, "scaler": {}}, tensors)


def save(folder: Path, number: int) -> None:
    save_checkpoint(folder, model(number), state(number))


def stored(folder: Path) -> tuple[int, int, str]:
    """(number of the model, number of the state, warning) of what is loaded."""
    found, warning = load_model(folder)
    return int(found.head.bias[0]), int(load_state(folder).values["epoch"]), warning


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A checkpoint (2) with the one before it (1) still beside it, as after a kill just before that was removed."""
    folder = tmp_path / "checkpoints" / "last"
    save(folder, 1)
    shutil.copytree(folder, folder.with_name("last.old"))
    save_checkpoint(tmp_path / "two", model(2), state(2))
    shutil.rmtree(folder)
    (tmp_path / "two").rename(folder)
    return folder


# Content ------------------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_exactly_these_files(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "runs" / "best", model(1))
    save(tmp_path / "runs" / "last", 1)
    save(tmp_path / "runs" / "last", 2)
    assert names(tmp_path / "runs") == ["best", "last", "last.old"]
    assert names(tmp_path / "runs" / "last.old") == ALL_FILES
    assert names(tmp_path / "runs" / "best") == MODEL_FILES
    assert names(tmp_path / "runs" / "last") == ALL_FILES


def test_prediction_only_replaces_one_with_a_state(tmp_path: Path) -> None:
    save(tmp_path / "best", 1)
    save_checkpoint(tmp_path / "best", model(2))
    assert names(tmp_path / "best") == MODEL_FILES
    with pytest.raises(CheckpointError, match="prediction only"):
        load_state(tmp_path / "best")


def test_config_is_the_model_config_and_nothing_else(tmp_path: Path) -> None:
    save(tmp_path / "last", 1)
    written = json.loads((tmp_path / "last" / "config.json").read_text())
    assert written == json.loads(json.dumps(CONFIG.to_dict()))


def test_sha256_is_what_the_command_of_that_name_reads(tmp_path: Path) -> None:
    save(tmp_path / "last", 1)
    lines = (tmp_path / "last" / "sha256").read_text().splitlines()
    assert [line[64:] for line in lines] == [
        "  config.json",
        "  model.safetensors",
        "  state.json",
        "  state.safetensors",
    ]
    assert all(set(line[:64]) <= set("0123456789abcdef") for line in lines)


def test_no_file_is_a_pickle_or_a_zip(tmp_path: Path) -> None:
    save(tmp_path / "last", 1)
    for name in ALL_FILES:
        data = (tmp_path / "last" / name).read_bytes()
        assert not data.startswith((b"\x80", b"PK")), name
        with pytest.raises(Exception):  # noqa: B017 - whatever the parser says to what is no pickle
            list(pickletools.genops(data))


def test_what_is_loaded_equals_what_was_saved_bit_for_bit(tmp_path: Path) -> None:
    saved = model(5).to(memory_format=torch.channels_last)
    with torch.no_grad():
        saved.train()(torch.randn(2, 1, 16, 16))  # batch norms have statistics of their own
    kept = SavedState(
        {"epoch": 3, "best_rank": 1 / 3, "best_dice": None, "seconds": 1e-300, "scaler": {"scale": 65536.0}},
        {"x": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last), "step": torch.tensor(7.0)},
    )
    save_checkpoint(tmp_path / "last", saved, kept)
    loaded, warning = load_model(tmp_path / "last")
    assert warning == ""
    assert loaded.config == CONFIG
    assert list(loaded.state_dict()) == list(saved.state_dict())
    for name, tensor in saved.state_dict().items():
        assert loaded.state_dict()[name].dtype == tensor.dtype
        assert torch.equal(loaded.state_dict()[name], tensor), name
    found = load_state(tmp_path / "last")
    assert found.values == kept.values
    assert found.tensors.keys() == kept.tensors.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in kept.tensors.items())


def test_a_number_that_is_not_finite_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    save(tmp_path / "last", 1)
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(tmp_path / "last", model(2), SavedState({"best_rank": float("-inf")}, {}))
    assert stored(tmp_path / "last") == (1, 1, "")


# Damage -------------------------------------------------------------------------------------------------------------


def damages(data: bytes) -> Iterator[tuple[str, bytes]]:
    for offset in sorted({0, 1, len(data) // 4, len(data) // 2, len(data) - 2, len(data) - 1}):
        yield f"cut at byte {offset} of {len(data)}", data[:offset]
    for index, line_end in enumerate(index for index, byte in enumerate(data[:1000]) if byte == ord("\n")):
        yield f"cut before line end {index}", data[:line_end]
        yield f"cut after line end {index}", data[: line_end + 1]
    for offset in sorted({0, 8, len(data) // 3, len(data) // 2, len(data) - 1}):
        for bit in range(8):
            yield (
                f"bit {bit} of byte {offset} flipped",
                data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :],
            )
    yield "a byte too much", data + b"\n"


@pytest.mark.parametrize("name", ALL_FILES)
def test_any_file_cut_or_with_a_bit_flipped_is_found_and_the_one_before_is_taken(last: Path, name: str) -> None:
    whole = (last / name).read_bytes()
    for what, damaged in damages(whole):
        if damaged == whole:
            continue
        (last / name).write_bytes(damaged)
        with pytest.raises(CheckpointError):
            verify(last)
            pytest.fail(f"{name}, {what}: not found")
        number, epoch, warning = stored(last)
        assert (number, epoch) == (1, 1), what
        assert str(last) in warning
        assert warning.endswith("The previous checkpoint was used instead.")
    (last / name).write_bytes(whole)
    assert stored(last) == (2, 2, "")


@pytest.mark.parametrize("name", ALL_FILES)
def test_a_missing_file_is_found_and_the_one_before_is_taken(last: Path, name: str) -> None:
    (last / name).unlink()
    assert stored(last)[:2] == (1, 1)


def test_a_missing_folder_is_found_and_the_one_before_is_taken(last: Path) -> None:
    shutil.rmtree(last)
    assert usable(last)[0] == last.with_name("last.old")
    assert stored(last)[:2] == (1, 1)


def test_with_both_damaged_the_error_speaks_of_the_newer(last: Path) -> None:
    (last / "model.safetensors").write_bytes(b"")
    (last.with_name("last.old") / "sha256").unlink()
    for load in (load_model, load_state, usable):
        with pytest.raises(CheckpointError, match=r"last/model.safetensors: damaged"):
            load(last)


def test_a_folder_that_is_no_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing: not a complete checkpoint"):
        load_model(tmp_path / "nothing")


def test_the_list_of_files_cannot_name_files_elsewhere(last: Path) -> None:
    shutil.rmtree(last.with_name("last.old"))
    with (last / "sha256").open("a") as file:
        file.write(f"{'0' * 64}  ../last/config.json\n")
    with pytest.raises(CheckpointError):
        verify(last)


# Crashes ------------------------------------------------------------------------------------------------------------


def no_space() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


CALLS: list[tuple[Any, str]] = [
    (os, "fsync"),
    (Path, "rename"),
    (Path, "open"),
    (Path, "mkdir"),
    (os, "open"),
    (shutil, "rmtree"),
]


def at_each_call(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None]) -> None:
    """Call `before(n)` before the n-th call, from 1, of anything in CALLS."""
    count = 0
    inside = False

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count, inside
            if inside:
                return original(*args, **kwargs)
            count += 1
            inside = True
            try:
                before(count)
            finally:
                inside = False
            return original(*args, **kwargs)

        return call

    for owner, name in CALLS:
        monkeypatch.setattr(owner, name, wrapped(getattr(owner, name)))


def calls_of_a_save(folder: Path) -> int:
    """How many places there are to fail at, when a checkpoint is replaced."""
    numbers: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        at_each_call(patch, numbers.append)
        save(folder, 2)
    return len(numbers)


def test_an_error_of_the_disk_at_any_call_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    save(tmp_path / "count", 1)
    calls = calls_of_a_save(tmp_path / "count")
    assert calls > 10
    outcomes = []
    for failing in range(1, calls + 1):
        folder = tmp_path / str(failing) / "last"
        save(folder, 1)

        def fail(number: int, failing: int = failing) -> None:
            if number == failing:
                raise no_space()

        with pytest.MonkeyPatch.context() as patch:
            at_each_call(patch, fail)
            try:
                save(folder, 2)
                told = False
            except (OSError, CheckpointError):
                told = True
        number, epoch, _ = stored(folder)
        assert number == epoch
        assert told or number == 2, "a checkpoint that was not saved must be told of"
        outcomes.append(number)
        save(folder, 3)  # once there is room again nothing is in the way
        assert stored(folder) == (3, 3, "")
        assert names(folder.parent) == ["last", "last.old"]
    assert outcomes == sorted(outcomes), "once the new one is there it stays"
    assert set(outcomes) == {1, 2}


@pytest.mark.parametrize("begin", ["whole", "interrupted", "damaged"])
def test_a_kill_at_any_call_leaves_the_old_or_the_new_one(last: Path, tmp_path: Path, begin: str) -> None:
    """A kill runs no cleanup: the folder is looked at as it lies before each call.

    It begins with whole checkpoints, after a kill between the two renames, and with a damaged newest one.
    """
    if begin == "whole":
        shutil.rmtree(last.with_name("last.old"))
    elif begin == "interrupted":
        shutil.rmtree(last)
    else:
        (last / "model.safetensors").write_bytes(b"damaged")
    before = stored(last)[0]
    places: list[Path] = []

    def photograph(number: int) -> None:
        places.append(tmp_path / f"seen{number}")
        shutil.copytree(last.parent, places[-1])

    with pytest.MonkeyPatch.context() as patch:
        at_each_call(patch, photograph)
        save(last, 3)
    assert len(places) > 10
    for place in places:
        number, epoch, _ = stored(place / "last")
        assert number == epoch
        assert number in (before, 3), place.name
        save(place / "last", 4)
        assert stored(place / "last") == (4, 4, "")
        assert names(place) == ["last", "last.old"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the names of open files")
def test_everything_is_on_the_disk_before_it_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut only what was flushed is there: the files and their folder, then the new name."""
    save(tmp_path / "last", 1)
    done: list[str] = []
    sync, rename = os.fsync, Path.rename

    def noted_sync(handle: int) -> None:
        done.append(f"flush {Path(f'/proc/self/fd/{handle}').resolve().relative_to(tmp_path)}")
        sync(handle)

    def noted_rename(path: Path, target: Path) -> Path:
        done.append(f"rename {path.name} to {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    save(tmp_path / "last", 2)
    files = len(ALL_FILES)
    assert sorted(done[:files]) == [f"flush last.new/{name}" for name in ALL_FILES]
    assert done[files:] == ["flush last.new", "rename last to last.old", "rename last.new to last", "flush ."]


def test_a_failed_first_save_leaves_nothing_that_looks_like_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise no_space()

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path / "last", 1)
    assert names(tmp_path) == []


def test_what_reads_back_differently_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that stores something else: found before the old checkpoint is given up."""
    save(tmp_path / "last", 1)
    write = os.fsync

    def corrupt(handle: int) -> None:
        if os.fstat(handle).st_size > 5000:
            os.ftruncate(handle, 5000)
        write(handle)

    monkeypatch.setattr(os, "fsync", corrupt)
    assert (tmp_path / "last" / "model.safetensors").stat().st_size > 5000
    with pytest.raises(CheckpointError, match="damaged"):
        save(tmp_path / "last", 2)
    assert names(tmp_path) == ["last"]
    assert stored(tmp_path / "last") == (1, 1, "")


# Weights that do not fit --------------------------------------------------------------------------------------------


def rewrite(folder: Path, name: str, data: bytes | None = None, sums: bool = True) -> None:
    """Change a file and the list of sums with it, as someone who edits a checkpoint would."""
    if data is not None:
        (folder / name).write_bytes(data)
    if sums:
        lines = [line.partition("  ")[2] for line in (folder / "sha256").read_text().splitlines()]
        digests = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in lines}
        (folder / "sha256").write_text("".join(f"{digest}  {file}\n" for file, digest in digests.items()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"base_channels": 4}, "the weights do not fit config.json .*size mismatch for encoder.0.0.weight"),
        ({"depth": 2}, "the weights do not fit config.json .*Missing key"),
        ({"num_classes": 1}, "the weights do not fit config.json .*size mismatch for head.weight"),
        ({"in_channels": 0}, "cannot be loaded .*in_channels"),
        ({"color": 1}, "cannot be loaded .*Unknown setting 'color'"),
        ({"depth": "two"}, "cannot be loaded .*depth"),
    ],
)
def test_weights_that_do_not_fit_their_config_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    save(tmp_path / "last", 1)
    rewrite(tmp_path / "last", "config.json", json.dumps(CONFIG.to_dict() | change).encode())
    verify(tmp_path / "last")
    with pytest.raises(CheckpointError, match=said):
        load_model(tmp_path / "last")


def test_an_older_config_without_a_newer_setting_is_read(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last", UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1)))
    older = {"in_channels": 1, "num_classes": 1, "base_channels": 2, "depth": 1}
    rewrite(tmp_path / "last", "config.json", json.dumps(older).encode())
    assert load_model(tmp_path / "last")[0].config == ModelConfig(**older)


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_config_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    save(tmp_path / "last", 1)
    rewrite(tmp_path / "last", "config.json", data)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_model(tmp_path / "last")


def test_weights_that_are_none_or_too_many_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "last", 1)
    weights = tmp_path / "last" / "model.safetensors"
    save_file(load_file(weights) | {"more": torch.zeros(1)}, weights)
    rewrite(tmp_path / "last", "model.safetensors")
    with pytest.raises(CheckpointError, match=r"do not fit config.json .*Unexpected key.*more"):
        load_model(tmp_path / "last")
    rewrite(tmp_path / "last", "model.safetensors", b"no safetensors at all")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_model(tmp_path / "last")
