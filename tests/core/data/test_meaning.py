"""What a folder says besides pixels reaches the masks: field of view, no data, names, annotations, stored codings."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_core import open_dataset
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.errors import DataError
from unet_core.evaluation.scores import load_selected
from unet_core.io.pixels import encode_png

TINY = ModelConfig(depth=1, image_size=16, base_channels=2)
RNG = np.random.default_rng(0)


def squares(seed: int, side: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    for _ in range(4):
        top, left = rng.integers(0, side - 8, 2)
        mask[top : top + 7, left : left + 7] = 1
    return mask


def put(root: Path, name: str, pixels: np.ndarray) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))


def photo(side: int = 40) -> np.ndarray:
    return RNG.integers(0, 255, (side, side, 3)).astype(np.uint8)


def binary(root: Path, factor: int = 255, number: int = 4) -> Path:
    for n in range(number):
        put(root, f"images/{n}.png", photo())
        put(root, f"masks/{n}.png", squares(n) * np.uint8(factor))
    return root


def loaded(root: Path, coding: MaskCoding | None = None, **settings: object) -> Dataset:
    data = DataConfig(str(root), **settings)  # type: ignore[arg-type]
    search = discovery.search_data(data)
    model = (
        TINY if coding is None else ModelConfig(depth=1, image_size=16, base_channels=2, in_channels=3, num_classes=1)
    )
    return load_dataset(list(search.samples), data, model, coding, search)


def test_outside_the_field_of_view_nothing_counts(tmp_path: Path) -> None:
    view = np.zeros((40, 40), np.uint8)
    view[5:35, 5:35] = 255
    for n in range(4):
        put(tmp_path, f"training/images/{n}_training.png", photo())
        put(tmp_path, f"training/1st_manual/{n}_manual1.png", squares(n) * np.uint8(255))
        put(tmp_path, f"training/mask/{n}_training_mask.png", view)
    cells = open_dataset(tmp_path)
    for n, item in enumerate(cells):
        assert (item.mask == np.where(view > 0, squares(n), IGNORE)).all()
    assert any("field of view" in warning for warning in cells.warnings)


def test_pixels_without_data_do_not_count_and_are_told(tmp_path: Path) -> None:
    for n in range(3):
        height = RNG.normal(100, 5, (40, 40)).astype(np.float32)
        height[:4] = -9999
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / f"images/{n}.tif", height, photometric="minisblack")
        put(tmp_path, f"masks/{n}.png", squares(n) * np.uint8(255))
    cells = open_dataset(tmp_path)
    for n, item in enumerate(cells):
        assert (item.mask[:4] == IGNORE).all()
        assert (item.mask[4:] == squares(n)[4:]).all()
        assert item.image.min() > 0
    assert any("3 images have pixels without data (0, 1, 2)" in warning for warning in cells.warnings)


def labelme(root: Path, name: str, labels: tuple[str, ...]) -> None:
    put(root, f"{name}.png", photo())
    shapes = [
        {"label": label, "shape_type": "rectangle", "points": [[10 * k, 4], [10 * k + 6, 12]]}
        for k, label in enumerate(labels)
    ]
    content = {"version": "5.0", "shapes": shapes, "imagePath": f"{name}.png", "imageHeight": 40, "imageWidth": 40}
    (root / f"{name}.json").write_text(json.dumps(content))


def test_annotations_give_masks_objects_and_names(tmp_path: Path) -> None:
    for name in "abcd":
        labelme(tmp_path, name, ("wall", "cell", "cell"))
    cells = loaded(tmp_path)
    assert cells.model.names == ("background", "cell", "wall")
    assert cells.model.num_classes == 3
    mask, numbers = cells[0].mask, cells.objects(0)
    assert np.unique(mask).tolist() == [0, 1, 2]
    assert numbers is not None
    assert len(np.unique(numbers)) == 4
    assert (mask[5:11, 1:5] == 2).all()
    assert any("The masks are drawn from LabelMe JSON" in warning for warning in cells.warnings)


def test_classes_of_other_annotations_go_by_name(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in "abcd":
        labelme(tmp_path / "new", name, ("cell",))
    search = discovery.search(tmp_path / "new")
    model = replace(TINY, in_channels=3, num_classes=3, class_names="background,axon,cell")
    data = load_dataset(list(search.samples), DataConfig(str(tmp_path / "new")), model, None, search)
    assert np.unique(data[0].mask).tolist() == [0, 2]
    labelme(tmp_path / "new", "e", ("dirt",))
    search = discovery.search(tmp_path / "new")
    with pytest.raises(
        DataError, match=r"hold the classes dirt, which the model does not have \(background, axon, cell\)"
    ):
        load_dataset(list(search.samples), DataConfig(str(tmp_path / "new")), model, None, search)


def test_a_table_beside_colored_masks_orders_and_names_the_classes(tmp_path: Path) -> None:
    colors = np.array([[0, 0, 0], [250, 50, 83], [51, 221, 255]], np.uint8)
    for n in range(3):
        put(tmp_path, f"images/{n}.png", photo())
        put(tmp_path, f"masks/{n}.png", colors[squares(n) + squares(n + 9)])
    (tmp_path / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell wall:250,50,83::\ndirt:51,221,255::\n"
    )
    cells = loaded(tmp_path)
    assert cells.model.names == ("background", "cell wall", "dirt")
    assert (cells[0].mask == squares(0) + squares(9)).all()
    assert any("in the order of the table beside them" in warning for warning in cells.warnings)


def test_a_background_is_class_0_whatever_its_color_and_place_in_the_table(tmp_path: Path) -> None:
    colors = np.array([[10, 200, 10], [0, 0, 0], [200, 0, 0]], np.uint8)
    for n in range(3):
        put(tmp_path, f"images/{n}.png", photo())
        put(tmp_path, f"masks/{n}.png", colors[squares(n) + squares(n + 9)])
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nroad,0,0,0\nBackground,10,200,10\ncar,200,0,0\n")
    cells = loaded(tmp_path)
    assert cells.model.names == ("Background", "road", "car")
    assert (cells[0].mask == squares(0) + squares(9)).all()


def test_an_image_that_shows_nothing_has_an_empty_mask(tmp_path: Path) -> None:
    binary(tmp_path)
    (tmp_path / "masks/3.png").unlink()
    with pytest.raises(DataError, match="Set unlabeled to 'leave_out'"):
        open_dataset(tmp_path)
    assert len(open_dataset(tmp_path, unlabeled="leave_out")) == 3
    cells = open_dataset(tmp_path, unlabeled="empty")
    assert [item.mask.any() for item in cells] == [True, True, True, False]


@pytest.mark.parametrize("factor", [1, 7])
def test_other_masks_are_read_by_their_own_values_and_told(tmp_path: Path, factor: int) -> None:
    coding = loaded(binary(tmp_path / "a")).coding
    other = loaded(binary(tmp_path / "b", factor), coding)
    assert all((other[n].mask == squares(n)).all() for n in range(4))
    (warning,) = (text for text in other.warnings if "training" in text)
    assert f"The masks hold {factor} (" in warning
    assert "(training: binary: 0 = background, 255 = foreground)" in warning


def test_masks_that_follow_the_training_are_read_by_it_without_a_word(tmp_path: Path) -> None:
    coding = MaskCoding.from_json(loaded(binary(tmp_path / "a")).coding.to_json())
    other = loaded(binary(tmp_path / "b", number=2), coding)
    assert other.coding == coding
    assert other.warnings == []


def test_object_numbers_are_scored_as_foreground_by_a_binary_model(tmp_path: Path) -> None:
    coding = loaded(binary(tmp_path / "a")).coding
    for n in range(4):
        numbers = np.zeros((40, 40), np.uint8)
        for index in range(7 + n):
            row, column = divmod(index, 4)
            numbers[row * 9 + 1 : row * 9 + 7, column * 9 + 1 : column * 9 + 7] = index + 1
        put(tmp_path / "b", f"images/{n}.png", photo())
        put(tmp_path / "b", f"masks/{n}.png", numbers)
    search = discovery.search(tmp_path / "b")
    model = replace(TINY, in_channels=3, num_classes=1)
    data = load_selected({"new": list(search.samples)}, DataConfig(), model, coding=coding, search=search)
    assert set(np.unique(data[0].mask).tolist()) == {0, 1}
    numbers = data.objects(0)
    assert numbers is not None
    assert len(np.unique(numbers)) == 1 + 7
    assert any("number objects" in warning for warning in data.warnings)


def test_masks_that_may_be_inverted_are_told_and_the_remedy_turns_them(tmp_path: Path) -> None:
    for n in range(4):
        put(tmp_path, f"images/{n}.png", photo())
        frame = squares(n)
        frame[0], frame[-1], frame[:, 0], frame[:, -1] = 0, 0, 0, 0
        put(tmp_path, f"masks/{n}.png", 255 - frame * np.uint8(255))
    (warning,) = (text for text in open_dataset(tmp_path).warnings if "covers" in text)
    remedy = warning.partition('set color_map to "')[2].removesuffix('".')
    cells = open_dataset(tmp_path, color_map=remedy)
    assert cells.warnings == []
    assert cells.num_classes == 1
    assert [item.mask.mean() < 0.5 for item in cells] == [True] * 4


def test_masks_that_are_all_the_same_are_told(tmp_path: Path) -> None:
    view = np.zeros((40, 40), np.uint8)
    view[5:35, 5:35] = 255
    for n in range(5):
        put(tmp_path, f"images/{n}.png", photo())
        put(tmp_path, f"masks/{n}.png", view)
    assert any("5 of 5 masks (of 5 in all) are nearly the same" in text for text in open_dataset(tmp_path).warnings)


@pytest.mark.parametrize(("orientation", "told"), [(3, True), (6, True), (1, False)])
def test_square_photos_that_exif_turns_are_told(tmp_path: Path, orientation: int, told: bool) -> None:
    for n in range(4):
        (tmp_path / "images").mkdir(exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(photo()).save(tmp_path / f"images/{n}.jpg", exif=exif)
        put(tmp_path, f"masks/{n}.png", squares(n) * np.uint8(255))
    cells = open_dataset(tmp_path)
    assert any("4 photos are turned by their EXIF orientation" in text for text in cells.warnings) == told
