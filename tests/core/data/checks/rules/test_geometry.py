"""Photos of as many rows as columns, whose orientation no size gives away."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.core.data.checks.planted import draw, write_png
from tests.core.data.checks.test_planted import load_masks
from unet_core.config.schema import DataConfig
from unet_core.data.checks.finding import WARNING
from unet_core.data.checks.scan import scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe


def write_photo(path: Path, image: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(image).save(path.with_suffix(".jpg"), exif=exif, quality=95)


def make(root: Path, shared: bool) -> Path:
    """Square images; two are stored lying on their side, and their masks too, unless these `shared` the turn."""
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(8):
        image, mask = (part[:96, :96] for part in draw(number))
        if number in (2, 5):
            write_photo(root / "images" / f"p{number}", np.ascontiguousarray(image), 6)
            mask = np.rot90(mask, -1) if shared else mask
        else:
            write_png(root / "images" / f"p{number}.png", image)
        write_png(root / "masks" / f"p{number}.png", np.ascontiguousarray(mask))
    return root


def test_square_masks_that_are_turned_already_are_no_fault(tmp_path: Path) -> None:
    assert scan(DataConfig(root=str(make(tmp_path / "photos", shared=True)))).findings == ()


def test_square_masks_are_turned_once(tmp_path: Path) -> None:
    truth = load_masks(make(tmp_path / "truth", shared=True))
    root = make(tmp_path / "photos", shared=False)
    [finding] = scan(DataConfig(root=str(root))).findings
    assert (finding.check, finding.severity, finding.samples) == ("orientation", WARNING, ("p2", "p5"))
    assert "the mask fits the edges better" in finding.message
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert scan(DataConfig(root=str(root))).findings == ()
    assert all((mask == truth[name]).all() for name, mask in load_masks(root).items())
