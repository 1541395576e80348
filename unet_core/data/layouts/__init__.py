"""Layouts: what a folder must look like to be a dataset, one function from a folder to samples each.

A function gives an empty Reading where the folder is not of its kind, and lists all problems where it is.
"""

from unet_core.data.layouts import collections, content, files, folders
from unet_core.data.layouts.annotated import annotated
from unet_core.data.layouts.base import Layout, Reading, Sample
from unet_core.data.layouts.examples import TREES
from unet_core.data.name_words import is_mask_folder

dsb2018, paired, split_folders = collections.dsb2018, folders.paired, folders.split_folders
stack, mixed = files.stack, files.mixed

__all__ = ["LAYOUTS", "Layout", "Reading", "Sample", "is_mask_folder", "mixed", "paired", "split_folders", "stack"]

LAYOUTS = {  # tried in this order
    name: Layout(read, description, *TREES[name], label)
    for name, label, read, description in (
        (
            "dsb2018",
            "Data Science Bowl 2018",
            dsb2018,
            "<id>/images/* and <id>/masks/*, one mask file per object (Data Science Bowl 2018)",
        ),
        ("voc", "Pascal VOC", collections.voc, "JPEGImages/ and SegmentationClass/ (Pascal VOC, CVAT)"),
        (
            "nnunet",
            "nnU-Net",
            collections.nnunet,
            "imagesTr/ and labelsTr/, channels as case_0000, case_0001 (nnU-Net, MSD)",
        ),
        (
            "cell_tracking",
            "Cell Tracking Challenge",
            collections.cell_tracking,
            "01/ and 01_GT/SEG/ (Cell Tracking Challenge)",
        ),
        (
            "paired",
            "Image and mask folders",
            paired,
            "images/ and masks/ (or names like these) with the same file names",
        ),
        (
            "split_folders",
            "Training and test folders",
            split_folders,
            "train/ and trainannot/ (or train_masks/, train/images + train/masks), likewise val and test",
        ),
        (
            "stack",
            "TIFF stacks",
            stack,
            "multi-page TIFFs, train-volume.tif and train-labels.tif, one image per page (ISBI 2012)",
        ),
        (
            "mixed",
            "One folder, paired by name",
            mixed,
            "images and masks in one folder, paired by names such as a.png and a_mask.png, else by content",
        ),
    )
}
LAYOUTS["content"] = Layout(
    content.told_apart,
    "two folders with the same file names whose own names say nothing; the masks are the files with few values",
    ("sat/a.png", "sat/b.png", "map/a.png", "map/b.png"),
    label="Two folders, told apart by content",
)
LAYOUTS["annotations"] = Layout(
    annotated,
    "images with annotations: COCO, LabelMe, YOLO, CVAT, VIA, QuPath and others",
    ("a.jpg", "a.json", "b.jpg", "b.json"),
    label="Annotation files",
)
