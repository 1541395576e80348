"""`download-dataset`, with a Hub of our own."""

import json
from pathlib import Path

import pytest

from tests.helpers.hub_server import Repo, running_hub
from unet_core.cli.parser import main


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
