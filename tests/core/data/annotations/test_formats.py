"""The registry: every format's smallest example, folders with several formats or none, junk and links."""

from pathlib import Path
from typing import Any

import pytest

from tests.core.data.annotations.test_coco import FLAT, coco
from tests.core.data.annotations.test_cvat import POLYGON, cvat
from tests.core.data.annotations.test_label_studio import POLYGON as LABEL_STUDIO
from tests.core.data.annotations.test_label_studio import task
from tests.core.data.annotations.test_labelme import labelme, shape
from tests.core.data.annotations.test_qupath import RING, collection, feature
from tests.core.data.annotations.test_rle_csv import runs
from tests.core.data.annotations.test_supervisely import META, polygon, supervisely
from tests.core.data.annotations.test_via import POLYGON as VIA
from tests.core.data.annotations.test_via import region, via
from tests.core.data.annotations.test_yolo import PIXELS
from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, draw, grow, read, triangle
from unet_core.data import annotations
from unet_core.data.annotations import FORMATS, name_found, tree
from unet_core.errors import DataError

LABELME = labelme("a.jpg", shape("cell", TRIANGLE))
EXAMPLES: dict[str, dict[str, Any]] = {
    "labelme": {"a.jpg": None, "a.json": LABELME},
    "via": {"a.jpg": None, "via_project.json": via(region(VIA, label="cell"), name="a.jpg")},
    "label_studio": {"images/a.jpg": None, "project-1.json": [task(LABEL_STUDIO, image="a.jpg")]},
    "supervisely": {"meta.json": META, "ds0/img/a.jpg": None, "ds0/ann/a.jpg.json": supervisely(polygon(name="dirt"))},
    "qupath": {"a.png": None, "a.geojson": collection(feature("cell", RING))},
    "coco": {"train/a.jpg": None, "train/_annotations.coco.json": coco(["a.jpg"], (0, 1, [FLAT]))},
    "cvat": {"annotations.xml": cvat(("a.jpg", POLYGON), labels=("cell",)), "images/a.jpg": None},
    "yolo": {"data.yaml": "names: [cell]\n", "images/train/a.jpg": None, "labels/train/a.txt": PIXELS},
    "rle_csv": {"train.csv": f"ImageId,EncodedPixels\na.jpg,{runs(triangle())}\n", "train_images/a.jpg": None},
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("wrapping", ["", "export/data/"])
def test_the_smallest_example_of_each_format(tmp_path: Path, name: str, wrapping: str) -> None:
    example = EXAMPLES[name]
    assert set(example) == {line.partition(" ")[0] for line in FORMATS[name].tree} - {"labels.txt"}
    grow(tmp_path, {wrapping + path: content for path, content in example.items()})
    data = read(tmp_path)
    assert data.format == FORMATS[name].kind
    assert data.problems == data.unlabeled == data.left_out == ()
    (image,) = data.drawings
    assert (draw(tmp_path, image.relative_to(tmp_path).as_posix()) == triangle()).all()
    assert FORMATS[name].find(tmp_path) == read(tmp_path, name) == data
    assert len(name_found(tmp_path)) == 1
    assert name_found(tmp_path)[0].endswith(f"is {data.format}")
    others = [other for other in FORMATS if other != name]
    assert all(annotations.read(tmp_path, other) is None for other in others)


@pytest.mark.parametrize("name", FORMATS)
def test_junk_and_hidden_copies_are_left_out(tmp_path: Path, name: str) -> None:
    example = EXAMPLES[name]
    for folder in ("__MACOSX/", ".ipynb_checkpoints/"):
        grow(tmp_path, {folder + path: content for path, content in example.items()})
    grow(tmp_path, {str(Path(path).with_name("._" + Path(path).name)): "junk" for path in example})
    assert annotations.read(tmp_path) is None
    assert name_found(tmp_path) == []
    grow(tmp_path, example)
    assert read(tmp_path).problems == ()


def test_two_formats_are_not_chosen_from_but_one_can_be_asked_for(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.json": LABELME, "all.json": coco(["a.jpg"], (0, 1, [FLAT]))})
    with pytest.raises(DataError, match=r"LabelMe JSON \(a\.json\) and COCO JSON \(all\.json\) annotate the images"):
        annotations.read(tmp_path)
    assert read(tmp_path, "coco").format == "COCO JSON"
    assert name_found(tmp_path) == ["a.json is LabelMe JSON", "all.json is COCO JSON"]


def test_a_second_format_that_draws_nothing_here_is_told(tmp_path: Path) -> None:
    tree = {"a.jpg": None, "a.json": LABELME, "gone.json": coco(["gone.jpg"], (0, 1, [FLAT]))}
    data = read(grow(tmp_path, tree | {"b.xml": "<annotations><version>"}))
    assert data.format == "LabelMe JSON"
    assert "COCO JSON (gone.json) draws nothing on these images and is not used." in data.warnings
    assert any(text.startswith("Not read: ") and "no valid XML" in text for text in data.warnings)


def test_a_folder_without_annotations(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": "a photo", "b.json": "{}", "c.csv": "a,b\n1,2\n", "d.xml": "<a/>"})
    assert annotations.read(tmp_path) is None
    assert name_found(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.xml", "<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>", "Pascal VOC XML"),
        ("a.json", '{"imgHeight": 1, "imgWidth": 1, "objects": []}', "Cityscapes JSON"),
        ("a.csv", "filename,region_shape_attributes\n", "VIA CSV"),
        ("a.json", '{"dm_format_version": "1.0", "items": []}', "Datumaro JSON"),
    ],
)
def test_kinds_that_are_not_read_are_named(tmp_path: Path, name: str, text: str, kind: str) -> None:
    grow(tmp_path, {"a.jpg": None, name: text})
    assert annotations.read(tmp_path) is None
    assert name_found(tmp_path)[0].startswith(f"{name} is {kind}")


def test_several_files_are_named_by_the_first(tmp_path: Path) -> None:
    grow(tmp_path, {f"x/{name}.json": labelme(f"{name}.jpg") for name in "abc"})
    assert name_found(tmp_path) == ["3 files such as x/a.json are LabelMe JSON"]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_BYTES", 100)
    grow(tmp_path, EXAMPLES["coco"])
    with pytest.raises(DataError, match=r"_annotations\.coco\.json: the file has 0 MB; at most 0 MB are read"):
        annotations.read(tmp_path)


def test_json_with_a_mark_of_its_encoding_is_read(tmp_path: Path) -> None:
    grow(tmp_path, EXAMPLES["labelme"])
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert (draw(tmp_path, "a.jpg") == triangle()).all()


def test_json_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.json": '{"imagePath": "a.jpg", "shapes": ' + "[" * 200_000})
    with pytest.raises(DataError, match=r"a\.json"):
        annotations.read(tmp_path)


def test_names_are_composed_and_letters_large_or_small(tmp_path: Path) -> None:
    composed, decomposed = "Zelle_\u00e4.jpg", "Zelle_a\u0308.jpg"
    grow(tmp_path, {f"images/{decomposed}": None, "all.json": coco([composed.upper()], (0, 1, [FLAT]))})
    assert (draw(tmp_path, f"images/{decomposed}") == triangle()).all()


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    grow(tmp_path / "store", {"a.jpg": None})
    grow(tmp_path / "data", {"all.json": coco(["a.jpg"], (0, 1, [FLAT]))})
    (tmp_path / "data/images").symlink_to(tmp_path / "store")
    (tmp_path / "store/back").symlink_to(tmp_path / "store")
    (tmp_path / "data/again").symlink_to(tmp_path / "data")
    assert list(read(tmp_path / "data").drawings) == [tmp_path / "data/images/a.jpg"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("train/a.jpg", "train"),
        ("Train2017/a.jpg", "train"),
        ("valid/images/a.jpg", "val"),
        ("test_images/a.jpg", "test"),
        ("images_val/a.jpg", "val"),
        ("test tubes/a.jpg", None),
        ("training_1/x/a.jpg", "train"),
        ("trainer/a.jpg", None),
        ("test_1.jpg", None),
        ("annotations/instances_val2017.json", "val"),
        ("annotations/train_and_test.json", None),
        ("labels/test_1.txt", None),
    ],
)
def test_subsets_by_name(tmp_path: Path, path: str, expected: str | None) -> None:
    grow(tmp_path, {path: None if path.endswith("jpg") else ""})
    assert tree.Tree(tmp_path).subset(tmp_path / path) == expected


def test_an_image_beside_its_mask_of_the_same_name_is_the_image(tmp_path: Path) -> None:
    names = {"images/a.jpg": None, "masks/a.jpg": None, "json/all.json": coco(["a.jpg"], (0, 1, [FLAT]))}
    data = read(grow(tmp_path, names))
    assert data.problems == ()
    assert list(data.drawings) == [tmp_path / "images/a.jpg"]
    assert data.drawings[tmp_path / "images/a.jpg"].draw(HEIGHT, WIDTH)[0].any()
