"""The commands plan and preflight, as a terminal sees them."""

import json

from unet_core.cli.parser import main
from unet_core.runs import queue

SMALL = ["--base-channels", "2", "--depth", "1", "--image-size", "32", "--batch-size", "4", "--crops-per-image", "2"]


def test_plan_prints_reasons_and_the_command_that_trains(sample_folder, capsys):
    assert main(["plan", str(sample_folder), "--image-size", "64"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["plan"]["image_size"] == 128 and found["fingerprint"]["images"] == 8
    assert set(found["plan"]) <= set(found["reasons"])
    command = next(line for line in err.splitlines() if line.startswith("train with:"))
    assert "--image-size" not in command  # 128 is the default again
    assert f"--epochs={found['plan']['epochs']}" in command


def test_preflight_prints_what_a_run_would_cost(sample_folder, tmp_path, capsys):
    assert main(["preflight", str(sample_folder), "--runs-dir", str(tmp_path), *SMALL]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["steps"] == 3
    assert "largest batch" in err and "warning: " in err


def test_preflight_waits_for_nobody(sample_folder, tmp_path, capsys):
    with queue.hold_device(tmp_path):
        assert main(["preflight", str(sample_folder), "--runs-dir", str(tmp_path), *SMALL]) == 2
        assert "error: " in capsys.readouterr().err
        assert main(["preflight", str(sample_folder), "--runs-dir", str(tmp_path), "--json-lines", *SMALL]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("type") for line in lines] == ["refused", None]
