"""One message for a folder that fits no layout: the nearest and what it lacks, what else lies there, a short tree."""

from collections import Counter
from pathlib import Path

from unet_core.data.layouts.tree import Folder
from unet_core.data.name_words import path_role
from unet_core.errors import DataError, listing
from unet_core.io.filenames import readable, stem_of, suffix_of

MOST_LINES = 8  # of the tree
ADVICE = {  # what to do with files that are not read
    **dict.fromkeys((".mat",), "save them as PNG or TIFF in MATLAB with imwrite"),
    **dict.fromkeys(
        (".h5", ".hdf5", ".zarr", ".n5", ".parquet", ".tfrecord"), "write their arrays as PNG or TIFF files"
    ),
    **dict.fromkeys((".svs", ".ndpi", ".mrxs", ".scn", ".vsi", ".bif"), "export tiles of the slides, as QuPath does"),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".lsm", ".ims"), "save them as TIFF in Fiji"),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd", ".img", ".hdr", ".mgz"), "convert them to NIfTI or TIFF"),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mkv"), "extract their frames as PNG"),
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"), "unpack them"),
    **dict.fromkeys(
        (".psd", ".xcf", ".svg", ".pdf", ".jp2", ".exr", ".cr2", ".nef", ".dng"), "save them as PNG or TIFF"
    ),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth"), "save their arrays as PNG or TIFF; pickles are not opened"),
    "_seg.npy": "save the masks in Cellpose with File > Save masks as PNG/tif; these files are pickles and not opened",
}
ANNOTATIONS = {".json", ".xml", ".geojson", ".csv"}


def nothing_fits(root: Path, tree: Folder, layout: str = "auto") -> DataError:
    """The error for a folder in which no layout, or not the one that was asked for, finds images with masks."""
    asked = "" if layout == "auto" else f" as layout {layout!r}; 'auto' looks for any"
    text = " ".join(part for part in (_nearest(tree), _other_files(tree)) if part)
    lines = _draw(tree)
    shown = " It holds:\n" + "\n".join(f"- {line}" for line in lines) if lines else " It is empty."
    return DataError(f"{root}: no images with masks were found{asked}.{' ' * bool(text)}{text}{shown}")


def _nearest(tree: Folder) -> str:
    """The nearest layout and what is missing for it."""
    masks = [folder for folder in tree.walk() if path_role(folder.parts) == "mask"]
    images = [folder for folder in tree.walk() if folder.images and folder not in masks]
    unread = [folder for folder in masks if folder.others and not folder.has_images()]
    if unread:
        names = listing([readable(path.name) for path in unread[0].others], 2)
        return f"Nearest is images/ and masks/, but {readable(unread[0].name)}/ holds no images: {names}."
    if masks and not images:
        return f"Nearest is images/ and masks/, but beside {readable(masks[0].name)}/ there is no folder of images."
    if not images:
        return "Put images in images/ and a mask of the same name for each in masks/." if not tree.is_empty else ""
    first = next((folder for folder in images if path_role(folder.parts) == "image"), images[0])
    stems = {stem_of(path.name) for path in first.images}
    for folder in images:
        if folder is not first and stems & {stem_of(path.name) for path in folder.images}:
            return (
                f"Nearest is images/ and masks/: {readable(first.name)}/ and {readable(folder.name)}/ hold files of "
                "the same names. Rename the folder of the ground truth to masks, the other to images."
            )
    if doubts := _name_doubts(images):
        return f"Nearest is a.png beside a_mask.png, but {doubts}."
    where = f"{readable(images[0].name)}/" if images[0].parts else "the folder"
    return (
        f"Nearest is images/ and masks/: {where} holds {sum(len(folder.images) for folder in images)} images, and no "
        "masks are beside them. Put a mask of the same name for each in masks/, or as a_mask.png beside a.png."
    )


def _name_doubts(folders: list[Folder]) -> str:
    """What is doubtful about files named like masks beside images."""
    from unet_core.data import pairing  # loads numpy, which the list of layouts in a menu does without

    doubts = [readable(doubt) for folder in folders for doubt in pairing.pair_by_name(folder.images).doubts]
    return listing(doubts, 2, "; ")


def _other_files(tree: Folder) -> str:
    """What cannot be read and what to do about it; files that may be annotations."""
    counts: Counter[str] = Counter()
    for folder in tree.walk():
        for path in folder.others:
            counts["_seg.npy" if path.name.lower().endswith("_seg.npy") else suffix_of(path.name).lower()] += 1
    parts = [f"{counts[kind]} {kind} files are not read: {advice}." for kind, advice in ADVICE.items() if counts[kind]]
    annotations = name_annotations(tree)
    return " ".join([*parts[:1], *([annotations] if annotations and not parts else [])])


def name_annotations(tree: Folder) -> str:
    """A sentence on files that hold annotations which cannot be read, by what stands in them, else by their suffix."""
    from unet_core.data import annotations

    if kinds := annotations.name_found(tree.path):
        return f"{listing(kinds, 3, '; ')}: export it as PNG masks, or with its images."
    counts: Counter[str] = Counter()
    for folder in tree.walk():
        is_for_labels = path_role(folder.parts) == "mask"  # where YOLO writes text files
        for path in folder.others:
            suffix = suffix_of(path.name).lower()
            if suffix in ANNOTATIONS or (suffix == ".txt" and is_for_labels):
                counts[suffix] += 1
    if not counts:
        return ""
    words = listing([f"{count} {suffix}" for suffix, count in counts.most_common()], 3)
    return f"{words} files may be annotations, of a kind that is not read: export them as PNG masks."


def _draw(tree: Folder) -> list[str]:
    """The folders with how many files of which kinds they hold, no more than `MOST_LINES` lines."""
    lines = []
    for folder in tree.walk():
        if kinds := _count_kinds(folder):
            lines.append(f"{readable(folder.name)}/: {kinds}" if folder.parts else kinds)
        elif not folder.folders and folder.parts:
            lines.append(f"{readable(folder.name)}/: empty")
    return (
        lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"{len(lines) - MOST_LINES + 1} more folders"]
    )


def _count_kinds(folder: Folder) -> str:
    """ "6 .png (a.png), 1 .txt (notes.txt)"."""
    kinds: dict[str, list[str]] = {}
    for path in sorted((*folder.images, *folder.others)):
        kinds.setdefault(suffix_of(path.name).lower() or "other", []).append(readable(path.name))
    return listing([f"{len(names)} {kind} ({names[0]})" for kind, names in kinds.items()], 4)
