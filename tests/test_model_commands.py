"""Weights from elsewhere and masks of judged images, from the command line."""

import json

import numpy as np
import pytest
import torch

from tests.test_milesial import weights
from unet_core import images, samples
from unet_core.__main__ import main
from unet_core.inference import load_predictor


def test_imported_weights_predict(tmp_path, sample_folder, capsys):
    torch.save(weights(bilinear=True), tmp_path / "carvana.pth")
    assert main(["import", str(tmp_path / "carvana.pth"), "--output", str(tmp_path / "checkpoint")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["num_classes"] == 2
    picture = sorted((sample_folder / "images").iterdir())[0]
    output = tmp_path / "masks"
    assert main(["predict", str(tmp_path / "checkpoint"), str(picture), "--output", str(output)]) == 0
    predictor, warning = load_predictor(tmp_path / "checkpoint")
    assert warning == ""
    assert (images.read_mask(output / picture.name) == predictor.mask(images.read(picture))).all()


def test_a_file_that_is_no_such_weights_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "w.pth").write_text("text")
    assert main(["import", str(tmp_path / "w.pth"), "--output", str(tmp_path / "checkpoint")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "checkpoint").exists()


def test_masks_of_judged_images_are_saved(tmp_path, sample_folder, capsys):
    torch.save(weights(bilinear=False), tmp_path / "w.pth")
    assert main(["import", str(tmp_path / "w.pth"), "--output", str(tmp_path / "checkpoint")]) == 0
    command = ["evaluate", str(tmp_path / "checkpoint"), str(sample_folder), "--save-masks", str(tmp_path / "saved")]
    assert main(command) == 0
    found = samples.find(sample_folder)
    assert sorted(path.stem for path in (tmp_path / "saved").iterdir()) == [sample.id for sample in found]
    for sample in found:
        saved = images.read_mask(tmp_path / "saved" / f"{sample.id}.png")
        assert saved.shape == images.size(sample.image)
        assert set(np.unique(saved).tolist()) <= {0, 1}
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["images"] == pytest.approx(len(found))
