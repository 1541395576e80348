"""A check in a process of its own: found again by its settings, cancelled, refused while a run trains."""

import time

import pytest

from unet_core.cli.common import read_settings
from unet_core.cli.parser import make_parser
from unet_core.config.presets import get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.io.files import is_locked
from unet_core.planning import process
from unet_core.planning.process import Check, CheckState
from unet_core.planning.report import LrRange, Progress, Refused, Report, encode
from unet_core.runs import queue

SMALL = {"base_channels": 2, "depth": 1, "image_size": 32, "batch_size": 4, "crops_per_image": 2}


@pytest.fixture
def config(sample_folder):
    return RunConfig().replace(root=str(sample_folder), **SMALL)


def until_over(check: Check, seconds: float = 90) -> CheckState:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (state := check.state()) is not CheckState.RUNNING:
            return state
        time.sleep(0.05)  # between two looks
    raise AssertionError(f"the check is not over: {check.last_message()} {check.log.read_text()}")


@pytest.mark.parametrize(("kind", "result"), [("check", Report), ("lr-range", LrRange)])
def test_a_check_from_its_start_to_its_result(config, tmp_path, kind, result):
    check = process.start(config, tmp_path, kind)
    assert until_over(check) is CheckState.DONE, check.problem()
    assert isinstance(check.result(), result)
    assert process.check_for(config.replace(epochs=99), tmp_path, kind) == check  # found again
    assert process.check_for(config.replace(batch_size=5), tmp_path, kind) != check
    assert check.config == config


def test_it_is_refused_while_a_run_has_the_device_and_says_so(config, tmp_path):
    with queue.hold_device(tmp_path):
        check = process.start(config, tmp_path)
        assert until_over(check) is CheckState.FAILED
    assert "device" in check.problem() and "Wait" in check.problem()
    assert check.result() is None


def test_cancelled_it_ends_and_gives_the_device_back(config, tmp_path):
    check = process.start(config, tmp_path, "lr-range")
    deadline = time.monotonic() + 60
    while not isinstance(check.last_message(), Progress) and time.monotonic() < deadline:
        time.sleep(0.02)  # until it has the device
    assert isinstance(check.last_message(), Progress)
    check.cancel()
    assert check.state() is CheckState.CANCELLED
    while time.monotonic() < deadline:
        if not is_locked(check.folder / "lock"):
            break
        time.sleep(0.05)
    with queue.hold_device(tmp_path):
        pass


def fabricated(tmp_path, *told) -> Check:
    check = Check(tmp_path / "check")
    check.folder.mkdir()
    (check.folder / "wanted").touch()
    check.output.write_text("".join(encode(item) + "\n" for item in told) + '{"type": "rep')
    return check


def test_a_process_that_died_without_a_word_is_told(tmp_path, monkeypatch):
    check = fabricated(tmp_path)
    assert check.state() is CheckState.RUNNING  # it is about to begin
    monkeypatch.setattr(process, "START_SECONDS", 0.0)
    assert check.state() is CheckState.FAILED
    check.output.write_text(encode(Progress(0.3, "making a few steps")) + "\n")
    assert "while it was making a few steps" in check.problem()


def test_one_that_told_something_and_holds_no_lock_has_died(tmp_path):
    check = fabricated(tmp_path, Progress(0.3, "making a few steps"))
    assert check.state() is CheckState.FAILED


def test_a_refusal_is_told_as_it_stands(tmp_path):
    check = fabricated(tmp_path, Refused("No images."))
    assert check.state() is CheckState.FAILED and check.problem() == "No images."


def test_old_checks_are_forgotten(config, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "MAX_CHECKS", 2)
    monkeypatch.setattr(process, "spawn_detached", lambda *args, **kwargs: None)
    for number in range(4):
        process.start(config.replace(seed=number), tmp_path)
    assert len(list((tmp_path / ".preflight").iterdir())) == 2


@pytest.mark.parametrize("name", ["default", "paper-2015", "nuclei-128"])
def test_the_command_line_of_settings_gives_these_settings(name, tmp_path):
    config = get_preset(name).replace(
        root=str(tmp_path), deep_supervision=name != "paper-2015", ignore_index=7, color_map="-1,odd", lr=1e-05
    )
    words = process.arguments(config, tmp_path, "check", tmp_path)
    parsed = make_parser().parse_args(words)
    assert RunConfig().replace(**read_settings(parsed)) == config
    assert parsed.json_lines and parsed.check_folder == tmp_path and parsed.runs_dir == tmp_path
    assert {option.name for option in all_fields()} >= {"deep_supervision", "color_map"}
