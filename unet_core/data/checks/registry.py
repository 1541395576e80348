"""All checks by name: what each looks for, in words, and how."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from unet_core.data.checks.case import Case
from unet_core.data.checks.finding import ERROR, SEVERITIES, Finding
from unet_core.data.checks.rules import files, geometry, images, masks, numbering, sets, values

MOST_REASONS = 3  # that a refusal names


@dataclass(frozen=True)
class Check:
    """One thing that may be wrong: `title` heads its findings, `description` says what it looks for, `find` does.

    Several checks may share one function.
    """

    title: str
    description: str
    find: Callable[[Case], Iterator[Finding]]


CHECKS = {  # in the order in which findings of a severity are told
    "pairs": Check(
        "Pairs of images and masks", "whether images and masks can be paired without doubt", files.find_pairs
    ),
    "missing_masks": Check("Images without a mask", "images without a mask where others have one", files.find_missing),
    "spare_masks": Check("Masks without an image", "masks that belong to no image", files.find_spare),
    "unreadable": Check(
        "Unreadable files", "damaged and truncated files, and formats that cannot be read", files.find_unreadable
    ),
    "multi_page": Check("Files of several pages", "files of several pages where one image is meant", files.find_pages),
    "mask_size": Check("Mask size", "masks of another size than their image", geometry.find_sizes),
    "orientation": Check(
        "Photo orientation", "photos turned by an EXIF orientation that the mask does not share", geometry.find_turned
    ),
    "values": Check("Mask values", "mask values that fit no rule", numbering.find_meaning),
    "channels": Check("Channels", "images whose channels do not fit together", images.find_channels),
    "split": Check("Split", "whether images are left for training", sets.find_split),
    "mixed_values": Check(
        "Mixed mask values", "files that write the same classes by other values", numbering.find_mixed
    ),
    "smeared_edges": Check(
        "Smoothed mask edges", "values between the true ones, from JPEG, resizing or anti-aliasing", values.find_smeared
    ),
    "shifted": Check(
        "Shifted masks", "masks that fit the edges of their image better some pixels away", geometry.find_shifted
    ),
    "inverted": Check("Inverted masks", "masks whose foreground is the background of the others", masks.find_inverted),
    "empty_masks": Check("Empty masks", "masks of background alone", masks.find_empty),
    "full_masks": Check("Full masks", "masks of foreground alone", masks.find_empty),
    "specks": Check("Specks", "pieces of foreground far smaller than the objects of the dataset", masks.find_specks),
    "holes": Check("Holes", "holes in objects far smaller than the objects of the dataset", masks.find_holes),
    "same_masks": Check("Identical masks", "masks that are all the same, as a template is", sets.find_same_masks),
    "bit_depth": Check("Bit depth", "images of another bit depth than most", images.find_depths),
    "constant": Check("Constant images", "images with one value in every pixel", images.find_constant),
    "contradictions": Check(
        "Contradicting masks", "images with the same pixels and different masks", sets.find_duplicates
    ),
    "duplicates": Check("Duplicates", "images with the same pixels and the same mask", sets.find_duplicates),
    "duplicates_across_splits": Check(
        "Duplicates across the split", "the same image in several parts of the split", sets.find_duplicates
    ),
    "near_duplicates": Check(
        "Near-duplicates across the split", "nearly the same image in several parts of the split", sets.find_near_copies
    ),
    "adjoining_tiles": Check(
        "Adjoining tiles across the split", "tiles of one image in several parts of the split", sets.find_tiles
    ),
    "groups_across_splits": Check(
        "Series across the split", "frames, slices or images of one patient on both sides", sets.find_tiles
    ),
    "unseen_classes": Check("Unseen classes", "classes that training or validation never shows", sets.find_unseen),
    "imbalance": Check("Imbalance", "classes with hardly any pixels", sets.find_imbalance),
    "names": Check("Similar names", "names that differ only by case or the Unicode form of a letter", files.find_names),
    "outliers": Check("Unusual images", "images that look unlike all others", images.find_outliers),
    "color_masks": Check("Color masks", "masks in color, and how they are read", values.find_colors),
}


def run_checks(case: Case) -> tuple[Finding, ...]:
    """All findings, errors first."""
    findings = [finding for find in dict.fromkeys(check.find for check in CHECKS.values()) for finding in find(case)]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def explain(findings: Sequence[Finding]) -> str:
    """Why a dataset cannot be trained on, "" where it can."""
    messages = [finding.message for finding in findings if finding.severity == ERROR]
    more = len(messages) - MOST_REASONS
    return " ".join(messages[:MOST_REASONS]) + (f" And {more} more." if more > 0 else "")
