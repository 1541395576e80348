"""COCO."""

import io
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pycocotools import mask as reference

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, draw, grow, read, triangle
from tests.helpers.made import result
from unet_core.data.annotations import name_found
from unet_core.errors import DataError
from unet_core.export.coco import Coco
from unet_core.io.pixels import encode_png

FLAT = [float(value) for point in TRIANGLE for value in point]
NAMES = {1: "cell"}


def coco(images: list[str], *notes: tuple[int, int, Any], names: dict[int, str] = NAMES, **more: Any) -> dict[str, Any]:
    """Images numbered from 0; (image, category, segmentation) each."""
    return {
        "info": {},
        "images": [{"id": i, "file_name": n, "height": HEIGHT, "width": WIDTH} for i, n in enumerate(images)],
        "annotations": [
            {"id": i, "image_id": image, "category_id": category, "segmentation": segmentation, "bbox": [0, 0, 1, 1]}
            for i, (image, category, segmentation) in enumerate(notes)
        ],
        "categories": [{"id": i, "name": name, "supercategory": "none"} for i, name in names.items()],
        **more,
    }


def test_roboflow(tmp_path: Path) -> None:
    """A JSON in each of train, valid and test; category 0 heads the others."""
    tree: dict[str, Any] = {}
    for subset in ("train", "valid", "test"):
        file = coco(["a.jpg"], (0, 1, [FLAT]), names={0: "cells", 1: "cell"})
        file["categories"][1]["supercategory"] = "cells"
        tree |= {f"export/{subset}/a.jpg": None, f"export/{subset}/_annotations.coco.json": file}
    data = read(grow(tmp_path, tree))
    assert data.class_names == ("background", "cell")
    assert [data.subsets[tmp_path / f"export/{name}/a.jpg"] for name in ("train", "valid", "test")] == [
        "train",
        "val",
        "test",
    ]
    assert data.problems == ()
    assert any("'cells' is the parent of the others and has no object" in text for text in data.warnings)
    assert (draw(tmp_path, "export/valid/a.jpg") == triangle()).all()


def test_the_folders_of_coco_itself(tmp_path: Path) -> None:
    tree = {
        "annotations/instances_train2017.json": coco(["1.jpg"], (0, 1, [FLAT])),
        "annotations/instances_val2017.json": coco(["2.jpg"], (0, 1, [FLAT])),
        "annotations/person_keypoints_train2017.json": coco(["1.jpg"], (0, 1, [FLAT])),
        "annotations/captions_train2017.json": {"images": [], "annotations": [{"image_id": 1, "caption": "a"}]},
        "train2017/1.jpg": None,
        "val2017/2.jpg": None,
    }
    data = read(grow(tmp_path, tree))
    assert data.subsets == {tmp_path / "train2017/1.jpg": "train", tmp_path / "val2017/2.jpg": "val"}
    assert [path.name for path in data.files] == ["instances_train2017.json", "instances_val2017.json"]
    assert "annotations/person_keypoints_train2017.json is not read beside instances_*." in data.warnings


def test_panoptic_files_are_told_apart_from_boxes(tmp_path: Path) -> None:
    file = coco(["a.jpg"])
    file["annotations"] = [{"image_id": 0, "file_name": "a.png", "segments_info": [{"id": 1, "category_id": 1}]}]
    grow(tmp_path, {"a.jpg": None, "panoptic.json": file})
    with pytest.raises(DataError, match=r"panoptic\.json: .*no panoptic masks"):
        read(tmp_path)


def test_a_missing_image_is_never_taken_from_another_subset(tmp_path: Path) -> None:
    tree = {
        "annotations/instances_train.json": coco(["1.jpg"], (0, 1, [FLAT])),
        "annotations/instances_val.json": coco(["1.jpg"], (0, 1, [FLAT])),
        "train/1.jpg": None,
    }
    data = read(grow(tmp_path, tree))
    assert data.problems == ()
    assert next(iter(data.drawings.values())).source.name == "instances_train.json"
    assert any("1 annotated image is not in the folder" in text for text in data.warnings)


def test_run_lengths_in_both_spellings_and_crowds(tmp_path: Path) -> None:
    mask = box(2, 3, 7, 9)
    text = reference.encode(np.asfortranarray(mask))["counts"].decode()
    crowd = {"size": [HEIGHT, WIDTH], "counts": [0, HEIGHT, HEIGHT * (WIDTH - 1)]}
    file = coco(
        ["a.jpg"], (0, 1, {"size": [HEIGHT, WIDTH], "counts": text}), (0, 2, crowd), names={1: "cell", 2: "dirt"}
    )
    file["annotations"][1]["iscrowd"] = 1
    grow(tmp_path, {"images/a.jpg": None, "all.json": file})
    classes, objects = read(tmp_path).drawings[tmp_path / "images/a.jpg"].draw(HEIGHT, WIDTH)
    assert (classes == mask + box(0, 0, HEIGHT, 1, 2)).all()
    assert (objects == mask).all()


def test_polygons_of_one_annotation_unite(tmp_path: Path) -> None:
    boxes = [[1.5, 1, 6, 1, 6, 5, 1.5, 5], [4, 3, 9, 3, 9, 8, 4, 8]]
    grow(tmp_path, {"a.jpg": None, "a.json": coco(["a.jpg"], (0, 1, boxes))})
    assert (draw(tmp_path, "a.jpg") == box(1, 2, 5, 6) | box(3, 4, 8, 9)).all()


def test_ids_that_do_not_start_at_one_are_renumbered_in_their_order(tmp_path: Path) -> None:
    names = {90: "dirt", 7: "cell", 12: "Background"}
    file = coco(["a.jpg"], (0, 90, [FLAT]), (0, 12, [[2, 1, 3, 2, 2, 2]]), names=names)
    grow(tmp_path, {"a.jpg": None, "a.json": file})
    assert read(tmp_path).class_names == ("background", "cell", "dirt")
    expected = triangle(2)
    expected[1, 2] = expected[2, 2:4] = 0
    assert (draw(tmp_path, "a.jpg") == expected).all()


def test_ids_that_differ_between_files_go_by_name(tmp_path: Path) -> None:
    tree = {
        "train/a.jpg": None,
        "train/a.json": coco(["a.jpg"], (0, 1, [FLAT]), names={1: "cell", 2: "dirt"}),
        "test/b.jpg": None,
        "test/b.json": coco(["b.jpg"], (0, 1, [FLAT]), names={1: "dirt", 2: "cell"}),
    }
    grow(tmp_path, tree)
    assert read(tmp_path).class_names == ("background", "cell", "dirt")
    assert (draw(tmp_path, "test/b.jpg") == triangle(2)).all()


def test_a_listed_image_without_annotation_is_empty_and_another_one_is_not_labeled(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "b.jpg": None, "c.jpg": None, "a.json": coco(["a.jpg", "b.jpg"], (0, 1, [FLAT]))})
    data = read(tmp_path)
    assert not draw(tmp_path, "b.jpg").any()
    assert data.unlabeled == (tmp_path / "c.jpg",)


def test_an_image_with_a_box_among_its_outlines_is_left_out(tmp_path: Path) -> None:
    file = coco(["a.jpg", "b.jpg"], (0, 1, [FLAT]), (1, 1, [FLAT]), (1, 1, []), (1, 1, [[]]))
    grow(tmp_path, {"a.jpg": None, "b.jpg": None, "a.json": file})
    data = read(tmp_path)
    assert list(data.drawings) == [tmp_path / "a.jpg"]
    assert data.left_out == (tmp_path / "b.jpg",)
    assert data.unlabeled == ()
    assert any("2 of their objects are boxes without an outline: b.jpg" in text for text in data.warnings)


def test_boxes_alone_are_refused(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "boxes.json": coco(["a.jpg"], (0, 1, []))})
    with pytest.raises(DataError, match=r"boxes\.json: the objects are boxes without outlines"):
        read(tmp_path)


def test_an_image_of_two_files_is_a_problem(tmp_path: Path) -> None:
    file = coco(["a.jpg"], (0, 1, [FLAT]))
    grow(tmp_path, {"a.jpg": None, "a.json": file, "b.json": file})
    assert read(tmp_path).problems == ("a.jpg is annotated in a.json and in b.json",)


def test_an_image_name_in_two_folders_is_a_problem_unless_the_path_says_more(tmp_path: Path) -> None:
    tree = {"x/a.jpg": None, "y/a.jpg": None, "json/a.json": coco(["a.jpg"], (0, 1, [FLAT]))}
    assert read(grow(tmp_path / "1", tree)).problems == ("json/a.json: a.jpg may be x/a.jpg or y/a.jpg",)
    tree["json/a.json"] = coco(["old/y/a.jpg"], (0, 1, [FLAT]))
    data = read(grow(tmp_path / "2", tree))
    assert data.problems == ()
    assert list(data.drawings) == [tmp_path / "2/y/a.jpg"]


def test_annotations_of_images_that_are_not_listed_are_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.json": coco(["a.jpg"], (0, 1, [FLAT]), (5, 1, [FLAT]))})
    assert "1 image ids of annotations are not listed under images (such as 5)" in read(tmp_path).problems[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file["annotations"][0].pop("category_id"), "lacks 'category_id'"),
        (lambda file: file["annotations"][0].update(category_id=9), "category_id 9 is not listed"),
        (lambda file: file["annotations"][0].update(segmentation=[[1, 2, 3]]), "not as COCO JSON should be"),
        (lambda file: file["annotations"][0].update(segmentation=[["a", "b"] * 3]), "not as COCO JSON should be"),
        (lambda file: file["annotations"][0].update(segmentation={"size": [1, 2], "counts": [-1]}), "not as COCO"),
        (lambda file: file["images"][0].pop("file_name"), "lacks 'file_name'"),
        (lambda file: file.pop("categories"), "one of them is missing"),
        (lambda file: file.update(images="no"), "one of them is missing"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, change: Any, message: str) -> None:
    file = coco(["a.jpg"], (0, 1, [FLAT]))
    change(file)
    grow(tmp_path, {"a.jpg": None, "bad.json": file})
    with pytest.raises(DataError, match=rf"bad\.json: .*{message}"):
        read(tmp_path)


def test_run_lengths_of_another_size_are_refused_when_drawn(tmp_path: Path) -> None:
    file = coco(["a.jpg"], (0, 1, {"size": [WIDTH, HEIGHT], "counts": [0, HEIGHT * WIDTH]}))
    grow(tmp_path, {"a.jpg": None, "a.json": file})
    with pytest.raises(DataError, match="does not fit the image of 16 x 12"):
        draw(tmp_path, "a.jpg")


@pytest.mark.parametrize("shape", ["rle", "polygons"])
@pytest.mark.parametrize("classes", [1, 3])
def test_what_this_project_exports_is_read_pixel_by_pixel(
    tmp_path: Path, shape: Literal["rle", "polygons"], classes: int
) -> None:
    exported, writer, file = result("a.png", num_classes=classes), Coco(shape), io.BytesIO()
    writer.add(exported)
    writer.write(file)
    grow(tmp_path, {"a.png": encode_png(exported.image), "coco.json": file.getvalue()})
    drawn = read(tmp_path).drawings[tmp_path / "a.png"].draw(*exported.mask.shape)
    assert (drawn[0] == exported.mask).all()
    assert (drawn[1] == exported.objects.labels).all()


def test_too_many_classes_are_refused(tmp_path: Path) -> None:
    grow(
        tmp_path, {"a.jpg": None, "a.json": coco(["a.jpg"], (0, 1, [FLAT]), names={i: f"c{i}" for i in range(1, 256)})}
    )
    with pytest.raises(DataError, match="255 classes; at most 254"):
        read(tmp_path)


def test_it_is_named(tmp_path: Path) -> None:
    grow(tmp_path, {"cells.json": json.dumps(coco(["a.jpg"], (0, 1, [FLAT]))), "other.json": "{}"})
    assert name_found(tmp_path) == ["cells.json is COCO JSON"]
