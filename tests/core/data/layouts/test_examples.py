"""The example of each layout, and of every dataset and tool that is named, made and read; pairs as they are meant."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from unet_core.data import discovery
from unet_core.data.layouts import LAYOUTS
from unet_core.io.pixels import encode_png

GRAY = encode_png(np.zeros((8, 8), np.uint8))
NOISE = np.random.default_rng(0)

EXPECTED: dict[str, dict[str, str]] = {  # image to masks, for each example and variant
    "dsb2018": {"id1/images/id1.png": "id1/masks/1.png id1/masks/2.png", "id2/images/id2.png": "id2/masks/1.png"},
    "DSB 2018, as downloaded": {"stage1_train/id1/images/id1.png": "stage1_train/id1/masks/1.png"},
    "voc": {"JPEGImages/a.jpg": "SegmentationClass/a.png"},
    "Pascal VOC": {"VOCdevkit/VOC2012/JPEGImages/a.jpg": "VOCdevkit/VOC2012/SegmentationClass/a.png"},
    "CVAT segmentation mask 1.1": {"JPEGImages/a.jpg": "SegmentationClass/a.png"},
    "nnunet": {"imagesTr/case_001_0000.png": "labelsTr/case_001.png"},
    "nnU-Net, two channels": {"Dataset001_Cells/imagesTr/c1_0000.tif": "Dataset001_Cells/labelsTr/c1.tif"},
    "Medical Segmentation Decathlon": {"imagesTr/heart_001.tif": "labelsTr/heart_001.tif"},
    "cell_tracking": {"01/t000.tif": "01_GT/SEG/man_seg000.tif"},
    "Cell Tracking Challenge, as downloaded": {"DIC-C2DH-HeLa/02/t000.tif": "DIC-C2DH-HeLa/02_ST/SEG/man_seg000.tif"},
    "paired": {"images/a.png": "masks/a.png", "images/b.png": "masks/b.png"},
    "numbered": {f"images/image_00{n}.png": f"masks/mask_00{n}.png" for n in "12"},
    "masks below the images": {"a.jpg": "masks/a.png", "b.jpg": "masks/b.png"},
    "Oxford-IIIT Pets": {"images/cat_1.jpg": "annotations/trimaps/cat_1.png"},
    "Supervisely": {"ds0/img/a.jpg": "ds0/masks_machine/a.jpg.png"},
    "NuInsSeg": {
        "human liver/tissue images/h_1.png": "human liver/mask binary/h_1.png",
        "mouse heart/tissue images/m_1.png": "mouse heart/mask binary/m_1.png",
    },
    "STARE": {"stare-images/im0001.png": "labels-ah/im0001.ah.png"},
    "StarDist": {"images/a.tif": "masks/a.tif", "images/b.tif": "masks/b.tif"},
    "HRF": {"images/01_h.jpg": "manual1/01_h.tif"},
    "split_folders": {"train/a.png": "train_masks/a.png", "val/b.png": "val_masks/b.png"},
    "CamVid": {"train/a.png": "train_labels/a_L.png", "val/b.png": "val_labels/b_L.png"},
    "Carvana": {"train/a_01.jpg": "train_masks/a_01_mask.gif"},
    "ADE20K": {
        "images/training/a.jpg": "annotations/training/a.png",
        "images/validation/b.jpg": "annotations/validation/b.png",
    },
    "Cityscapes": {
        "leftImg8bit/train/ulm/ulm_000_leftImg8bit.png": "gtFine/train/ulm/ulm_000_gtFine_labelIds.png",
    },
    "DRIVE": {"training/images/21_training.tif": "training/1st_manual/21_manual1.gif"},
    "ISIC": {"ISIC_Training_Input/ISIC_1.jpg": "ISIC_Training_GroundTruth/ISIC_1_segmentation.png"},
    "ZeroCostDL4Mic": {
        "Training - Images/a.tif": "Training - Masks/a.tif",
        "Test - Images/b.tif": "Test - Masks/b.tif",
    },
    "Inria": {"train/images/austin1.tif": "train/gt/austin1.tif"},
    "Massachusetts Roads": {
        "tiff/train/a_15.tiff": "tiff/train_labels/a_15.tif",
        "tiff/val/b_15.tiff": "tiff/val_labels/b_15.tif",
    },
    "mixed": {"a.png": "a_mask.png", "b.png": "b_mask.png"},
    "Cellpose": {"000_img.png": "000_masks.png", "001_img.png": "001_img_cp_masks.png"},
    "QuPath tiles": {f"S [x={x},y=0].jpg": f"S [x={x},y=0]-labelled.png" for x in ("0", "64")},
    "Roboflow": {
        "train/a_jpg.rf.01.jpg": "train/a_jpg.rf.01_mask.png",
        "valid/b_jpg.rf.02.jpg": "valid/b_jpg.rf.02_mask.png",
    },
    "DeepGlobe": {"train/1_sat.jpg": "train/1_mask.png"},
    "LGG MRI (kaggle_3m)": {
        f"kaggle_3m/TCGA_{n}/TCGA_{n}_1.tif": f"kaggle_3m/TCGA_{n}/TCGA_{n}_1_mask.tif" for n in "12"
    },
    "BUSI": {
        "benign/benign (1).png": "benign/benign (1)_mask.png benign/benign (1)_mask_1.png",
        "benign/benign (11).png": "benign/benign (11)_mask.png",
        "normal/normal (1).png": "normal/normal (1)_mask.png",
    },
    "Crack500": {"traincrop/a.jpg": "traincrop/a.png", "traincrop/b.jpg": "traincrop/b.png"},
}
EXAMPLES = {
    name: (layout, paths)
    for layout, entry in LAYOUTS.items()
    for name, paths in {layout: entry.example, **entry.variants}.items()
    if layout not in ("stack", "content", "annotations")  # in tests of their own: what stands in the files counts
}


def grow(root: Path, *paths: str) -> Path:
    """The files of an example: photos where they are images by their suffix, all of one size."""
    for name in paths:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".tif", ".tiff"):
            tifffile.imwrite(path, np.zeros((8, 8), np.uint8))
        elif path.suffix == ".jpg":
            path.write_bytes(encode_png(NOISE.integers(0, 255, (8, 8, 3), np.uint8)))
        else:
            path.write_bytes(GRAY)
    return root


def pairs_of(root: Path, search: discovery.Search) -> dict[str, str]:
    def short(path: Path) -> str:
        return path.relative_to(root).as_posix()

    return {short(sample.image): " ".join(map(short, sample.masks)) for sample in search.samples}


def test_every_example_has_its_pairs() -> None:
    assert set(EXAMPLES) == set(EXPECTED)
    assert all(entry.example and entry.tree for entry in LAYOUTS.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_as_its_layout(tmp_path: Path, name: str) -> None:
    layout, paths = EXAMPLES[name]
    search = discovery.search(grow(tmp_path, *paths))
    assert (search.layout, pairs_of(tmp_path, search)) == (layout, EXPECTED[name])
    assert search.candidates == (layout,)
    assert search.reason
    assert discovery.search(tmp_path, layout) == search
    assert len({sample.id for sample in search.samples}) == len(search.samples)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrapping_folder_and_junk_change_nothing(tmp_path: Path, name: str) -> None:
    layout, paths = EXAMPLES[name]
    junk = [f"__MACOSX/._{index}.png" for index in range(2)] + ["cells/.ipynb_checkpoints/x.png"]
    for path in paths[:2]:
        folder = f"cells/{path.rpartition('/')[0]}"
        junk += [f"{folder}/._x.png", f"{folder}/Thumbs.db", f"{folder}/.ipynb_checkpoints/a-checkpoint.png"]
    search = discovery.search(grow(tmp_path, *(f"cells/{path}" for path in paths), *junk))
    assert (search.layout, pairs_of(tmp_path / "cells", search)) == (layout, EXPECTED[name])


IN_FOLDERS = [name for name, (layout, _) in EXAMPLES.items() if layout in ("paired", "split_folders")]


@pytest.mark.parametrize("name", IN_FOLDERS)
def test_capitals_change_nothing(tmp_path: Path, name: str) -> None:
    layout, paths = EXAMPLES[name]
    written = [f"{path.rpartition('/')[0].title()}/{path.rpartition('/')[2]}".lstrip("/") for path in paths]
    search = discovery.search(grow(tmp_path, *written))
    assert search.layout == layout
    assert {key.lower(): value.lower() for key, value in pairs_of(tmp_path, search).items()} == {
        key.lower(): value.lower() for key, value in EXPECTED[name].items()
    }


def test_a_stack_has_a_sample_for_each_page(tmp_path: Path) -> None:
    for name in LAYOUTS["stack"].example:
        tifffile.imwrite(tmp_path / name, np.zeros((3, 8, 8), np.uint8), photometric="minisblack")
    search = discovery.search(tmp_path)
    assert search.layout == "stack"
    assert [(sample.page, sample.masks[0].name, sample.group) for sample in search.samples] == [
        (page, "train-labels.tif", None) for page in range(3)
    ]


def test_the_tree_of_an_example() -> None:
    assert LAYOUTS["voc"].tree == (
        "JPEGImages/\n    a.jpg\n    b.jpg\nSegmentationClass/\n    a.png\nSegmentationObject/\n    a.png"
    )


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("voc", "1 image without a mask left out (SegmentationClass/ has masks of some images only): b.jpg."),
        ("voc", "SegmentationObject/ (a number for each object) is left out."),
        ("nnunet", "1 image without a mask left out (imagesTs/ without labels): case_002_0000.png."),
        ("cell_tracking", "1 image without a mask left out (01_GT/SEG/ has masks of some frames only): t001.tif."),
        ("Supervisely", "masks_machine/ is used as the ground truth; masks_human/ left out."),
        ("NuInsSeg", "mask binary/ is used as the ground truth; label masks/ left out."),
        ("Inria", "1 image without a mask left out (no masks beside test/images/): tyrol1.tif."),
        ("DeepGlobe", "1 image without a mask left out (no masks beside valid/): 2_sat.jpg."),
        ("Carvana", "1 image without a mask left out (no masks beside test/): b_01.jpg."),
        (
            "Cityscapes",
            "The masks whose names end in labelids are used; other versions of them (color, instances) are not.",
        ),
        (
            "DRIVE",
            "mask/ is taken as the field of view (what is 0 there does not count), because 1st_manual/ beside it holds "
            "the ground truth.",
        ),
        (
            "Cell Tracking Challenge, as downloaded",
            "DIC-C2DH-HeLa/02_ST/SEG/ is silver truth, made by programs; there is no gold truth beside it.",
        ),
    ],
)
def test_what_is_left_out_or_guessed_is_told(tmp_path: Path, name: str, note: str) -> None:
    assert note in discovery.search(grow(tmp_path, *EXAMPLES[name][1])).notes


def test_subsets_groups_channels_and_fields_of_view(tmp_path: Path) -> None:
    def read(name: str) -> tuple[discovery.Search, Path]:
        root = grow(tmp_path / name, *EXAMPLES[name][1])
        return discovery.search(root), root

    assert {sample.subset for sample in read("ADE20K")[0].samples} == {"train", "val"}
    assert {sample.group for sample in read("LGG MRI (kaggle_3m)")[0].samples} == {"TCGA_1", "TCGA_2"}
    assert {sample.group for sample in read("BUSI")[0].samples} == {None}
    assert [sample.group for sample in read("cell_tracking")[0].samples] == ["01"]
    search, root = read("nnU-Net, two channels")
    assert search.samples[0].channel_files == (root / "Dataset001_Cells/imagesTr/c1_0001.tif",)
    for name, field in (("DRIVE", "training/mask/21_training_mask.gif"), ("HRF", "mask/01_h_mask.tif")):
        search, root = read(name)
        assert search.samples[0].field_of_view == root / field


def test_the_lists_of_voc_name_the_subsets(tmp_path: Path) -> None:
    names = [f"{kind}/{k}.png" for k in "abc" for kind in ("JPEGImages", "SegmentationClass")]
    grow(tmp_path, *names)
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\r\n")
    assert [sample.subset for sample in discovery.find(tmp_path)] == ["train", "val", None]


@pytest.mark.parametrize("name", ["labelmap.txt", "sub/_classes.csv", "class_dict.csv", "dataset.json", "classes.txt"])
def test_the_file_of_class_names_is_found(tmp_path: Path, name: str) -> None:
    grow(tmp_path, "images/a.png", "masks/a.png", name, "z/z/classes.txt")
    assert discovery.search(tmp_path).class_names_file == tmp_path / name
