"""All checks by name: what each looks for, in words, and how."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from unet_core.data.checks.case import Case
from unet_core.data.checks.finding import ERROR, SEVERITIES, Finding
from unet_core.data.checks.rules import files, geometry, images, masks, sets, values

MOST_REASONS = 3  # that a refusal names


@dataclass(frozen=True)
class Check:
    """One thing that may be wrong: `title` heads its findings, `description` says what it looks for."""

    title: str
    description: str


CHECKS = {
    "pairs": Check("Pairs of images and masks", "whether images and masks can be paired without doubt"),
    "missing_masks": Check("Images without a mask", "images without a mask where others have one"),
    "spare_masks": Check("Masks without an image", "masks that belong to no image"),
    "unreadable": Check("Unreadable files", "damaged and truncated files, and formats that cannot be read"),
    "multi_page": Check("Files of several pages", "files of several pages where one image is meant"),
    "names": Check("Similar names", "names that differ only by case or the Unicode form of a letter"),
    "mask_size": Check("Mask size", "masks of another size than their image"),
    "orientation": Check("Photo orientation", "photos turned by an EXIF orientation that the mask does not share"),
    "shifted": Check("Shifted masks", "masks that fit the edges of their image better some pixels away"),
    "values": Check("Mask values", "mask values that fit no rule"),
    "mixed_values": Check("Mixed mask values", "files that write the same classes by other values"),
    "color_masks": Check("Color masks", "masks in color, and how they are read"),
    "smeared_edges": Check("Smoothed mask edges", "values between the true ones, from JPEG, resizing or anti-aliasing"),
    "inverted": Check("Inverted masks", "masks whose foreground is the background of the others"),
    "empty_masks": Check("Empty masks", "masks of background alone"),
    "full_masks": Check("Full masks", "masks of foreground alone"),
    "specks": Check("Specks", "pieces of foreground far smaller than the objects of the dataset"),
    "holes": Check("Holes", "holes in objects far smaller than the objects of the dataset"),
    "same_masks": Check("Identical masks", "masks that are all the same, as a template is"),
    "bit_depth": Check("Bit depth", "images of another bit depth than most"),
    "channels": Check("Channels", "images whose channels do not fit together"),
    "constant": Check("Constant images", "images with one value in every pixel"),
    "outliers": Check("Unusual images", "images that look unlike all others"),
    "split": Check("Split", "whether images are left for training"),
    "duplicates": Check("Duplicates", "images with the same pixels and the same mask"),
    "contradictions": Check("Contradicting masks", "images with the same pixels and different masks"),
    "duplicates_across_splits": Check("Duplicates across the split", "the same image in several parts of the split"),
    "near_duplicates": Check("Near-duplicates across the split", "nearly the same image in several parts of the split"),
    "adjoining_tiles": Check("Adjoining tiles across the split", "tiles of one image in several parts of the split"),
    "groups_across_splits": Check("Series across the split", "frames, slices or images of one patient on both sides"),
    "unseen_classes": Check("Unseen classes", "classes that training or validation never shows"),
    "imbalance": Check("Imbalance", "classes with hardly any pixels"),
}

FINDERS: Sequence[Callable[[Case], Iterator[Finding]]] = (  # in the order in which findings of a severity are told
    *(files.find_pairs, files.find_missing, files.find_spare, files.find_unreadable),
    *(geometry.find_sizes, geometry.find_turned, values.find_unclear, images.find_channels, sets.find_split),
    *(values.find_mixed, values.find_smeared, geometry.find_shifted, masks.find_inverted, masks.find_empty),
    *(masks.find_specks, masks.find_holes, sets.find_same_masks, images.find_depths, images.find_constant),
    *(sets.find_duplicates, sets.find_near_copies, sets.find_tiles, sets.find_unseen, sets.find_imbalance),
    *(files.find_names, images.find_outliers, values.find_colors),
)


def run_checks(case: Case) -> tuple[Finding, ...]:
    """All findings, errors first."""
    findings = [finding for find in FINDERS for finding in find(case)]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def explain(findings: Sequence[Finding]) -> str:
    """Why a dataset cannot be trained on, "" where it can."""
    messages = [finding.message for finding in findings if finding.severity == ERROR]
    more = len(messages) - MOST_REASONS
    return " ".join(messages[:MOST_REASONS]) + (f" And {more} more." if more > 0 else "")
