"""What the names of folders and files say, and what they do not."""

import pytest

from unet_core.data.name_words import folder_role, is_group_folder, is_subset_folder, path_role, subset_of


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (
            "mask",
            "masks|Mask|labels|train_labels|trainannot|GroundTruth|Ground Truth|ground_truth|1st_manual|manual1|"
            "mask binary|label masks|SegmentationClass|SegmentationObject|labelsTr|masks_machine|gt|01_GT|gtFine|"
            "ISIC2018_Task1_Training_GroundTruth|Training - Masks|ann_dir|train_lab|5_Labels_all|PNGMasks|labels-ah",
        ),
        (
            "image",
            "images|Images|imgs|JPEGImages|imagesTr|imagesTs|tissue images|stare-images|leftImg8bit|img_dir|Original|"
            "ISIC2018_Task1-2_Training_Input|Training - Images|Training_source|2_Ortho_RGB|images_png|train_images",
        ),
        (
            "",
            "cells|label_free|train|01|benign|data|Slide_01|no masks|target tissue|labeled cells|TCGA_CS_4941|overlays",
        ),
    ],
)
def test_the_role_of_a_folder(role: str, names: str) -> None:
    roles = {name: folder_role(name) for name in names.split("|")}
    assert roles == dict.fromkeys(roles, role)


def test_the_deepest_folder_with_a_role_counts() -> None:
    assert path_role(("mask project", "images", "x")) == "image"
    assert path_role(("images", "masks")) == "mask"
    assert path_role(("cells", "x")) == ""


@pytest.mark.parametrize(
    ("name", "subset", "alone"),
    [
        ("train", "train", True),
        ("Valid", "val", True),
        ("traincrop", "train", True),
        ("test set", "test", True),
        ("train_labels", "train", False),
        ("Training - Images", "train", False),
        ("training_1", "train", False),
        ("trainer", None, False),
        ("contest", None, False),
    ],
)
def test_subsets(name: str, subset: str | None, alone: bool) -> None:
    assert (subset_of(name), is_subset_folder(name)) == (subset, alone)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        *((name, True) for name in ("TCGA_CS_4941_19960909", "patient A", "slide3", "video_2", "seq01", "01")),
        *((name, False) for name in ("benign", "human liver", "class_1", "fold0", "Urban", "set1")),
    ],
)
def test_groups(name: str, group: bool) -> None:
    assert is_group_folder(name) == group
