"""`pull` and `download-dataset`, with a Hub of our own."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save

from tests.core.models.references import brain_weights
from tests.helpers.hub_server import Repo, running_hub
from tests.helpers.processes import picture, png
from unet_core.cli.parser import main
from unet_core.models.checkpoint import load_model


def test_a_dataset_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.repos["datasets/org/cells"] = Repo({"images/1.png": b"image", "code.py": b""})
        assert main(["download-dataset", "org/cells", "--output", str(tmp_path / "cells")]) == 0
        out, err = capsys.readouterr()
        result = json.loads(out.splitlines()[-1])
        assert result["output"] == str(tmp_path / "cells")
        assert "code.py" in result["notes"][0]
        assert "code.py" in err and "100 %" in err
        assert (tmp_path / "cells" / "images" / "1.png").read_bytes() == b"image"
        assert main(["download-dataset", "https://evil.example/a/b", "--output", str(tmp_path / "x")]) == 2
        assert "not the name of a dataset" in capsys.readouterr().err


def test_a_model_is_looked_at_pulled_and_predicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    (tmp_path / "a.png").write_bytes(png(np.dstack([picture(0)[0]] * 3)))
    runs_dir = ["--runs-dir", str(tmp_path / "runs")]
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        repo = Repo(
            {"unet.safetensors": save(brain_weights())}, license="mit", refusal=(403, "GatedRepo"), token="hf_mine"
        )
        hub.repos["org/brain"] = repo
        assert main(["pull", "org/brain", "--list", *runs_dir]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out.splitlines()[-1])["kind"] == "mateuszbuda/brain-segmentation-pytorch"
        assert "license mit" in err and "unet.safetensors" in err and not (tmp_path / "runs").exists()
        assert main(["pull", "org/brain", "--normalization", "zscore", *runs_dir]) == 0
        out, err = capsys.readouterr()
        folder = Path(json.loads(out.splitlines()[-1])["output"])
        assert folder == tmp_path / "runs" / "models" / "org--brain" and "100 %" in err
        assert load_model(folder)[0].config.normalization == "zscore"
        masks = ["--output", str(tmp_path / "masks"), "--device", "cpu"]
        assert main(["predict", "org/brain", str(tmp_path / "a.png"), *masks, *runs_dir]) == 0
        assert (tmp_path / "masks" / "a.png").is_file()
        capsys.readouterr()
        assert main(["pull", "org/none", *runs_dir]) == 2
        assert "no such model" in capsys.readouterr().err
