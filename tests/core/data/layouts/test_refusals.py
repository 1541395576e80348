"""What is refused, and in which words: two truths, images without masks, folders that fit nothing, wrong sizes."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.core.data.layouts.test_examples import grow
from unet_core.data import discovery
from unet_core.errors import DataError
from unet_core.io.pixels import encode_png


def refusal_of(root: Path, layout: str = "auto", unlabeled: str = "ask") -> str:
    with pytest.raises(DataError) as refusal:
        discovery.find(root, layout, unlabeled=unlabeled)
    message = str(refusal.value)
    assert message.startswith(f"{root}: ")
    return message.removeprefix(f"{root}: ")


NAMES = "Give each image a mask of the same name, or remove it from the folder."
WHICH = "Move the folder that is not the ground truth out of the dataset."


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (
            ("masks", "labels"),
            "1 problem in the dataset: labels/ and masks/ hold masks of the same images, and nothing says which of "
            f"them is the ground truth. {WHICH}",
        ),
        (
            ("gtFine", "gtCoarse"),
            "1 problem in the dataset: gtCoarse/ and gtFine/ hold masks of the same images, and nothing says which of "
            f"them is the ground truth. {WHICH}",
        ),
        (
            ("masks/nuclei", "masks/cells"),
            "1 problem in the dataset: masks/cells/ and masks/nuclei/ hold masks of the same images, and nothing says "
            "which of them is the ground truth. Merge a folder for each class into one mask for each image, with the "
            "values 1, 2, ...; of versions of the ground truth keep one.",
        ),
        (
            ("labels-ah", "labels-vk"),
            "1 problem in the dataset: labels-ah/ and labels-vk/ hold masks of the same images, and nothing says which "
            f"of them is the ground truth. {WHICH}",
        ),
    ],
)
def test_two_truths_are_refused_and_the_remedy_works(tmp_path: Path, folders: tuple[str, str], message: str) -> None:
    grow(tmp_path, *(f"{folder}/{name}.png" for folder in ("images", *folders) for name in "ab"))
    assert refusal_of(tmp_path) == message
    shutil.rmtree(tmp_path / folders[1])
    assert {sample.masks[0].parent for sample in discovery.find(tmp_path)} == {tmp_path / folders[0]}


def test_masks_beside_the_images_and_in_a_folder_are_refused(tmp_path: Path) -> None:
    grow(tmp_path, "a.png", "a_mask.png", "b.png", "masks/a.png", "masks/b.png")
    for unlabeled in ("ask", "empty", "leave_out"):
        assert refusal_of(tmp_path, unlabeled=unlabeled) == (
            "1 problem in the dataset: a_mask.png is named like a mask of a.png, which has one in masks/. "
            "Keep one mask of each image: move the others out of the dataset."
        )


def test_images_of_the_same_names_in_two_folders_are_refused(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "raw/a.png", "masks/a.png")
    assert "images/ and raw/ hold images of the same names: move one of them" in refusal_of(tmp_path)


@pytest.mark.parametrize("drawn", ["manual", "1st_manual", "labels", "gt", "GroundTruth"])
def test_a_field_of_view_is_no_truth(tmp_path: Path, drawn: str) -> None:
    grow(tmp_path, *(f"{folder}/{name}.png" for folder in ("images", "mask", drawn) for name in "ab"))
    search = discovery.search(tmp_path)
    assert [sample.masks for sample in search.samples] == [(tmp_path / drawn / f"{name}.png",) for name in "ab"]
    assert [sample.field_of_view for sample in search.samples] == [tmp_path / "mask" / f"{name}.png" for name in "ab"]
    assert "mask/ is taken as the field of view" in search.notes[0]


def test_a_field_of_view_is_none_either_where_it_lies_alone(tmp_path: Path) -> None:
    grow(tmp_path, "training/images/21_training.tif", "training/1st_manual/21_manual1.gif")
    grow(tmp_path, "training/mask/21_training_mask.gif", "test/images/01_test.tif", "test/mask/01_test_mask.gif")
    search = discovery.search(tmp_path)
    assert [sample.id for sample in search.samples] == ["train/21_training"]
    assert "1 image without a mask left out (no masks beside test/images/): 01_test.tif." in search.notes


def test_a_version_that_is_left_out_beside_another_is_not_used_where_it_lies_alone(tmp_path: Path) -> None:
    grow(tmp_path, "liver/tissue images/a.png", "liver/mask binary/a.png", "liver/label masks/a.png")
    grow(tmp_path, "heart/tissue images/b.png", "heart/label masks/b.png")
    assert [sample.id for sample in discovery.find(tmp_path)] == ["liver/a"]


def test_doubts_of_one_folder_are_told_although_others_are_read(tmp_path: Path) -> None:
    grow(
        tmp_path,
        "train/0_img.png",
        "train/0_masks.png",
        "test/1_img.png",
        "test/1_masks.png",
        "test/1_img_cp_masks.png",
    )
    assert "1_img.png has masks of different kinds: 1_img_cp_masks.png, 1_masks.png (test/)" in refusal_of(tmp_path)


def test_several_classes_in_files_of_their_own_are_named(tmp_path: Path) -> None:
    grow(tmp_path, *(f"images/{name}.png" for name in "ab"))
    grow(tmp_path, *(f"masks/{name}_{kind}.png" for name in "ab" for kind in ("liver", "tumor")))
    problems = "; ".join(f"masks/ holds both {name}_liver.png and {name}_tumor.png" for name in "ab")
    assert refusal_of(tmp_path) == f"2 problems in the dataset: {problems}. {NAMES}"


def test_a_folder_for_each_image_holds_its_objects(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "images/b.png", "masks/a/1.png", "masks/a/2.png", "masks/b/1.png")
    samples = discovery.find(tmp_path)
    assert [[mask.relative_to(tmp_path / "masks").as_posix() for mask in sample.masks] for sample in samples] == [
        ["a/1.png", "a/2.png"],
        ["b/1.png"],
    ]


@pytest.mark.parametrize(
    ("tree", "pairs"),
    [
        (("photos 2020/a.png", "masks/a.png"), {"photos 2020/a.png": "masks/a.png"}),
        (("train_images/a.png", "masks/a.png"), {"train_images/a.png": "masks/a.png"}),
        (
            ("images/x/a.png", "images/y/b.png", "masks/a.png", "masks/b.png"),
            {"images/x/a.png": "masks/a.png", "images/y/b.png": "masks/b.png"},
        ),
        (
            ("images/a.png", "images/b.png", "masks/x/a.png", "masks/y/b.png"),
            {"images/a.png": "masks/x/a.png", "images/b.png": "masks/y/b.png"},
        ),
        (("data/imgs/a.png", "data/masks/a_mask.png"), {"data/imgs/a.png": "data/masks/a_mask.png"}),
        (("img_dir/train/a.png", "ann_dir/train/a.png"), {"img_dir/train/a.png": "ann_dir/train/a.png"}),
        (("train_img/a.png", "train_lab/a.png"), {"train_img/a.png": "train_lab/a.png"}),
        (
            ("Slide_01/01_1.png", "Slide_02/02_1.png", "GT_01/01_1.png", "GT_02/02_1.png"),
            {"Slide_01/01_1.png": "GT_01/01_1.png", "Slide_02/02_1.png": "GT_02/02_1.png"},
        ),
        (("images/a.png", "ManualMask/a.png"), {"images/a.png": "ManualMask/a.png"}),
        (("JPEGImages/a.jpg", "PNGMasks/a.png"), {"JPEGImages/a.jpg": "PNGMasks/a.png"}),
        (
            ("JPEGImages/a.jpg", "SegmentationClassPNG/a.png", "SegmentationClass/a.npy", "class_names.txt"),
            {"JPEGImages/a.jpg": "SegmentationClassPNG/a.png"},
        ),
        (
            ("ISIC_Training_Data/I_1.jpg", "ISIC_Training_Data/I_1_superpixels.png", "ISIC_Training_GT/I_1_seg.png"),
            {"ISIC_Training_Data/I_1.jpg": "ISIC_Training_GT/I_1_seg.png"},
        ),
    ],
)
def test_other_ways_in_which_folders_belong_together(
    tmp_path: Path, tree: tuple[str, ...], pairs: dict[str, str]
) -> None:
    grow(tmp_path, *tree)
    samples = discovery.find(tmp_path)
    assert {
        sample.image.relative_to(tmp_path).as_posix(): sample.masks[0].relative_to(tmp_path).as_posix()
        for sample in samples
    } == pairs


def test_the_user_says_what_images_without_a_mask_are(tmp_path: Path) -> None:
    grow(tmp_path, *(f"images/{name}.png" for name in "abcd"), "masks/a.png", "masks/b.png")
    assert refusal_of(tmp_path) == (
        "2 of 4 images have no mask: c.png, d.png. Set unlabeled to 'leave_out' to work without them, or to 'empty' "
        "where nothing is to be seen in them; else add their masks."
    )
    search = discovery.search(tmp_path, unlabeled="leave_out")
    assert [(sample.id, sample.empty) for sample in search.samples] == [("a", False), ("b", False)]
    assert search.notes == ("2 images without a mask are left out: c.png, d.png.",)
    search = discovery.search(tmp_path, unlabeled="empty")
    assert [(sample.id, sample.empty, len(sample.masks)) for sample in search.samples] == [
        *(("a", False, 1), ("b", False, 1)),
        *(("c", True, 0), ("d", True, 0)),
    ]
    assert search.notes == ("2 images without a mask are taken as all background: c.png, d.png.",)


def test_a_setting_for_images_without_masks_hides_no_other_problem(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/z.png")
    for unlabeled in ("leave_out", "empty"):
        assert refusal_of(tmp_path, unlabeled=unlabeled) == (
            f"1 problem in the dataset: masks/z.png has no image in images/. {NAMES}"
        )
    assert "images/b.png has no mask in masks/; masks/z.png has no image in images/" in refusal_of(tmp_path)


def test_names_of_label_studio_are_refused_in_one_sentence(tmp_path: Path) -> None:
    grow(tmp_path, *(f"images/3fa1b2c{n}-cell_{n}.png" for n in range(3)))
    grow(tmp_path, *(f"masks/task-1{n}-annotation-{n}-by-1-tag-cell-0.png" for n in range(3)))
    assert refusal_of(tmp_path) == (
        "1 problem in the dataset: no name of the 3 masks in masks/ fits one of the 3 images in images/, as "
        "task-10-annotation-0-by-1-tag-cell-0.png and 3fa1b2c0-cell_0.png; Label Studio names masks by the numbers of "
        f"its tasks: export JSON, or rename them as the images. {NAMES}"
    )


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            ("images/a.png", "things/a.png"),
            "Nearest is images/ and masks/: images/ and things/ hold files of the same names. Rename the folder "
            "of the ground truth to masks, the other to images. It holds:\n"
            "- images/: 1 .png (a.png)\n- things/: 1 .png (a.png)",
        ),
        (
            ("images/a.png", "masks/a.mat", "masks/b.mat"),
            "Nearest is images/ and masks/, but masks/ holds no images: a.mat, b.mat. 2 .mat files are not read: save "
            "them as PNG or TIFF in MATLAB with imwrite. It holds:\n"
            "- images/: 1 .png (a.png)\n- masks/: 2 .mat (a.mat)",
        ),
        (
            ("masks/a.png",),
            "Nearest is images/ and masks/, but beside masks/ there is no folder of images. It holds:\n"
            "- masks/: 1 .png (a.png)",
        ),
        (
            ("a.svs", "b.svs"),
            "Put images in images/ and a mask of the same name for each in masks/. 2 .svs files are not read: export "
            "tiles of the slides, as QuPath does. It holds:\n- 2 .svs (a.svs)",
        ),
        (
            ("000_img.jpg", "000_img_seg.npy"),
            "Nearest is images/ and masks/: the folder holds 1 images, and no masks are beside them. Put a mask of the "
            "same name for each in masks/, or as a_mask.png beside a.png. 1 _seg.npy files are not read: save the "
            "masks in Cellpose with File > Save masks as PNG/tif; these files are pickles and not opened. It holds:\n"
            "- 1 .jpg (000_img.jpg), 1 .npy (000_img_seg.npy)",
        ),
        (
            ("images/train/a.jpg", "labels/train/a.txt", "data.yaml"),
            "Nearest is images/ and masks/, but labels/train/ holds no images: a.txt. 1 .txt files may be annotations, "
            "of a kind that is not read: export them as PNG masks. It holds:\n"
            "- 1 .yaml (data.yaml)\n- images/train/: 1 .jpg (a.jpg)\n- labels/train/: 1 .txt (a.txt)",
        ),
    ],
)
def test_one_error_for_a_folder_that_fits_nothing(tmp_path: Path, tree: tuple[str, ...], message: str) -> None:
    grow(tmp_path, *tree)
    assert refusal_of(tmp_path) == f"no images with masks were found. {message}"


def test_the_tree_in_the_error_stays_short(tmp_path: Path) -> None:
    grow(tmp_path, *(f"set{number:02d}/a.jpg" for number in range(30)))
    lines = refusal_of(tmp_path).splitlines()[1:]
    assert (len(lines), lines[0], lines[-1]) == (8, "- set00/: 1 .jpg (a.jpg)", "- 23 more folders")


def test_a_layout_that_was_asked_for_and_does_not_fit(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "masks/a.png")
    assert refusal_of(tmp_path, layout="voc").startswith(
        "no images with masks were found as layout 'voc'; 'auto' looks for any."
    )


def test_sizes_that_differ_are_named_and_turned_photos_explained(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "masks/a.png")
    (tmp_path / "masks/a.png").write_bytes(encode_png(np.zeros((9, 8), np.uint8)))
    assert discovery.check(discovery.find(tmp_path)) == [
        f"{tmp_path}/masks/a.png: the mask is 8 x 9 pixels, its image a.png is 8 x 8"
    ]
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(file, "JPEG", exif=exif)
    (tmp_path / "images/a.png").rename(tmp_path / "old")
    (tmp_path / "images/a.jpg").write_bytes(file.getvalue())
    (tmp_path / "masks/a.png").write_bytes(encode_png(np.zeros((4, 6), np.uint8)))
    assert discovery.check(discovery.find(tmp_path)) == [
        f"{tmp_path}/masks/a.png: the mask is 6 x 4 pixels, its image a.jpg is 4 x 6. The photo is turned by its EXIF "
        "orientation and the mask is not; turn the mask, or save the photo without the orientation as it is stored"
    ]


def test_stacks_in_folders_are_pages_of_a_group(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        for name in "ab":
            tifffile.imwrite(tmp_path / kind / f"{name}.tif", np.zeros((3, 8, 8), np.uint8), photometric="minisblack")
    search = discovery.search(tmp_path)
    assert [(sample.id, sample.page, sample.group) for sample in search.samples] == [
        (f"{name}/{page:03d}", page, name) for name in "ab" for page in range(3)
    ]
    assert search.notes == ("2 files have several pages: each page is an image, the pages of a file are a group.",)
    tifffile.imwrite(tmp_path / "masks/a.tif", np.zeros((2, 8, 8), np.uint8), photometric="minisblack")
    assert refusal_of(tmp_path) == (
        "1 problem in the dataset: images/a.tif has 3 pages, masks/a.tif 2. "
        "Save image and mask with the same number of pages."
    )


def test_channels_that_some_images_lack_are_a_problem(tmp_path: Path) -> None:
    grow(
        tmp_path,
        "imagesTr/a_0000.tif",
        "imagesTr/a_0001.tif",
        "imagesTr/b_0000.tif",
        "labelsTr/a.tif",
        "labelsTr/b.tif",
    )
    assert "imagesTr/b has 1 channel files, others have more" in refusal_of(tmp_path)


def test_no_file_is_opened_where_names_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = {
        "dsb": [f"id{n}/{kind}/{k}.png" for n in range(3) for kind, k in (("images", n), ("masks", 1), ("masks", 2))],
        "paired": [f"{kind}/{k}.png" for kind in ("images", "masks") for k in "abc"],
        "mixed": [f"{k}{end}.png" for end in ("", "_mask") for k in "abc"],
    }
    for name, tree in trees.items():
        grow(tmp_path / name, *tree)
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("a file was opened"))
    monkeypatch.setattr(Path, "read_bytes", lambda *_: pytest.fail("a file was read"))
    assert [len(discovery.find(tmp_path / name)) for name in trees] == [3, 3, 3]
