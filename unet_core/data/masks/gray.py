"""Masks of gray levels and labels: the rules that say what their values mean.

A wrong guess here trains on wrong classes without any error, so values that fit no rule, or two, are refused with the
setting that decides. A guess that is likely but not certain is made with a sentence that shows it.
"""

from collections.abc import Collection, Mapping

from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.colors import find_peaks, name_values
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.instances import MOST_CLASSES, gray_value
from unet_core.data.masks.values import encode_value, format_code
from unet_core.errors import DataError, MisfitError, listing

VOID = 255  # the value that VOC and others give to pixels that nobody labeled
FULL = (255, 65535)  # white, by the bits of the file
NEAR = 32  # gray levels from 0 or 255 that blurred or compressed pixels of a 0/255 mask may be away
MOST_BETWEEN = 0.05  # share of pixels that may be further away
MOST_BETWEEN_BINARY = 0.3  # the same where one class is asked for, so that the levels cannot be classes


def find_void(evidence: Evidence) -> bool:
    """Whether 255 stands beside small class numbers in one file, so that it marks what nobody labeled.

    Some files with 0 and 1 and others with 0 and 255 are another thing: two ways to write one class.
    """
    void, zero = encode_value((VOID,)), encode_value((0,))
    others = {gray_value(code) for code in evidence.counts if code not in (void, zero)}
    if void not in evidence.counts or not others or not all(v is not None and v < MOST_CLASSES for v in others):
        return False
    return any(void in values and len(values - {void, zero}) > 0 for values in evidence.sets)


def code_gray(evidence: Evidence, num_classes: int, ignore_index: int | None) -> tuple[MaskCoding, list[str]]:
    """The coding of gray masks, and what to tell of it. `num_classes` 0 = detect. Raises DataError."""
    remarks: list[str] = []
    ignore: tuple[int, ...] = () if ignore_index is None else (encode_value((ignore_index,)),)
    if ignore_index is None and num_classes <= VOID and find_void(evidence):
        ignore = (encode_value((VOID,)),)
        remarks.append(
            f"The value 255 stands beside small class numbers ({name_values(list(ignore), evidence)}), so it is read "
            "as unlabeled and counts in no loss and no score. If it is a class, list all values in color_map."
        )
    counts = {code: pixels for code, pixels in evidence.counts.items() if code not in ignore}
    values = {value: pixels for code, pixels in counts.items() if (value := gray_value(code)) is not None}
    coding = (
        _binary(values, evidence, num_classes, remarks)
        or (_object_files(values, evidence, num_classes, remarks) if max(values, default=0) >= MOST_CLASSES else None)
        or _soft(values, evidence, num_classes, remarks)
        or _classes(values, evidence, num_classes, remarks)
    )
    if coding is None:
        raise MisfitError(_refusal(values, evidence, num_classes))
    pairs = tuple((code, index) for code, index in coding.classes if code not in ignore)
    return MaskCoding(coding.kind, pairs, ignore, coding.threshold, coding.nearest), remarks


def _pairs(mapping: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple((encode_value((value,)), index) for value, index in sorted(mapping.items()))


def _binary(values: Mapping[int, int], evidence: Evidence, num_classes: int, remarks: list[str]) -> MaskCoding | None:
    """0 and one other value; 1, 255 and 65535 in different files are one and the same."""
    others = sorted(set(values) - {0})
    if num_classes > 2:
        return None
    if len(others) <= 1:
        return MaskCoding("binary", _pairs({0: 0} | dict.fromkeys(others, 1)))
    if set(others) <= {1, *FULL}:
        remarks.append(
            f"Some masks mark the foreground with {' and others with '.join(map(str, others))} "
            f"({name_values([encode_value((value,)) for value in others], evidence)}). All are read as foreground."
        )
        return MaskCoding("binary", _pairs({0: 0} | dict.fromkeys(others, 1)))
    if others == [1, 2] and 0 not in values and num_classes <= 2:
        remarks.append(
            "The masks hold 1 and 2 and never 0: 1 is read as background, 2 as foreground. "
            'If it is the other way around, set color_map to "2;1".'
        )
        return MaskCoding("binary", _pairs({1: 0, 2: 1}))
    return None


def _soft(values: Mapping[int, int], evidence: Evidence, num_classes: int, remarks: list[str]) -> MaskCoding | None:
    """0/255 with blurred or compressed edges is cut at half; other levels with smoothed edges go to the nearest."""
    if max(values, default=0) > 255:
        return None
    most = MOST_BETWEEN_BINARY if num_classes == 1 else MOST_BETWEEN
    if num_classes <= 2 and values and _is_blurred(values, bool(evidence.lossy), most) and not _has_dark(evidence):
        between = sum(pixels for value, pixels in values.items() if 0 < value < 255) / sum(values.values())
        remarks.append(
            f"The masks hold {len(values)} gray levels, {between:.1%} of the pixels between 0 and 255 (blurred or "
            "compressed edges). They were thresholded: above 127 is foreground."
        )
        return MaskCoding("binary", _pairs({0: 0, 255: 1}), threshold=127)
    if max(values, default=0) < MOST_CLASSES:
        return None
    peaks = find_peaks(evidence)
    if peaks is None or num_classes not in (0, len(peaks)) or _has_others(evidence, peaks):
        return None
    remarks.append(
        f"The edges in the masks are smoothed: {len(values)} gray levels around {len(peaks)} true ones "
        f"({', '.join(map(format_code, peaks))}). Each was counted as the nearest; save masks without smoothing."
    )
    return MaskCoding("classes", tuple((code, index) for index, code in enumerate(peaks)), nearest=True)


def _classes(values: Mapping[int, int], evidence: Evidence, num_classes: int, remarks: list[str]) -> MaskCoding | None:
    """Small whole numbers are class indices; those that count from 1 are counted from 0."""
    largest = max(values, default=0)
    if num_classes == 1 or largest >= (num_classes or MOST_CLASSES) + (0 not in values):
        return None
    if evidence.lossy and num_classes == 0:
        raise DataError(
            f"{evidence.lossy} masks are JPEGs with the gray levels {listing([str(v) for v in sorted(values)])}; "
            "JPEG changes values, so the classes cannot be read from it. Export the masks as PNG."
        )
    if 0 not in values and 1 in values and largest == len(values) and num_classes in (0, largest):
        shifted = ", ".join(f"{value} = class {value - 1}" for value in sorted(values))
        remarks.append(
            f"The masks hold 1 to {largest} and never 0, so the classes are counted from 1: {shifted}. "
            f"If 0 is the background, set num_classes to {largest + 1}."
        )
        return MaskCoding("classes", _pairs({value: value - 1 for value in sorted(values)}))
    count = num_classes or largest + 1
    if largest >= count:
        return None
    return MaskCoding("classes", _pairs({value: value for value in range(count)}))


def _object_files(
    values: Mapping[int, int], evidence: Evidence, num_classes: int, remarks: list[str]
) -> MaskCoding | None:
    """Where images have a file for each object, a file's values say no more than where its object is."""
    single = all(len(codes - {encode_value((0,))}) <= 1 for codes in evidence.sets)
    if num_classes > 2 or 2 * evidence.joined < evidence.files or not single:
        return None
    remarks.append(
        f"The masks have a file for each object and {len(values)} different values "
        f"({listing([str(value) for value in sorted(values)])}); all but 0 are read as foreground."
    )
    return MaskCoding("binary", _pairs({value: int(value > 0) for value in (0, *values)}))


def _has_dark(evidence: Evidence) -> bool:
    """Whether some files hold two values, both below half of white: cut there, all of their foreground were lost."""
    masks = [[gray_value(code) for code in codes] for codes in evidence.sets if len(codes) == 2]
    return any(all(value is not None and value <= VOID // 2 for value in values) for values in masks)


def _has_others(evidence: Evidence, peaks: Collection[int]) -> bool:
    """Whether some files hold two values that are not both true ones: without smoothed edges, theirs are others."""
    return any(len(codes) == 2 and not codes <= set(peaks) for codes in evidence.sets)


def _is_blurred(counts: Mapping[int, int], lossy: bool, most: float) -> bool:
    """Whether levels are those of 0/255 masks with soft edges: nearly all pixels at the ends, and various levels.

    Class indices with 255 for the unlabeled have none from `MOST_CLASSES` to 254, maps of three levels (0, 128, 255)
    have no others: both must not be taken for blurred masks, so some level from `MOST_CLASSES` and five levels in all
    are asked for, or two near white; of a JPEG only the ends.
    """
    between = sum(pixels for value, pixels in counts.items() if NEAR <= value <= 255 - NEAR)
    ends = min(counts) < NEAR and max(counts) > 255 - NEAR
    various = lossy or (len(counts) > 4 and any(MOST_CLASSES <= value < 255 for value in counts))
    various |= sum(value > 255 - NEAR for value in counts) > 1
    return ends and various and between <= most * sum(counts.values())


def _refusal(values: Mapping[int, int], evidence: Evidence, num_classes: int) -> str:
    """What was seen, where, and the settings that read it: each of them does."""
    codes = [encode_value((value,)) for value in sorted(values)]
    summary = f"The masks hold {len(values)} values ({listing([format_code(code) for code in codes])})"
    rarest = min(codes, key=lambda code: evidence.counts[code])
    where = evidence.examples.get(rarest, [])
    summary += f", {format_code(rarest)} for example in {where[0]}" if where else ""
    example = ";".join(format_code(code) for code in codes[:4]) + ";..." * (len(codes) > 4)
    if num_classes > 1:
        wrong = [value for value in sorted(values) if value >= num_classes]
        message = f"{summary}; with {num_classes} classes they must be 0 to {num_classes - 1}. "
        remedy = (
            f"Raise num_classes to {max(values) + 1}"
            if max(values) < 254
            else f'Set color_map, for example "{example}"'
        )
        return (
            message
            + remedy
            + (f", or ignore_index to {wrong[0]} if it marks what is unlabeled." if len(wrong) == 1 else ".")
        )
    if num_classes == 1:
        return (
            f"{summary}, but one class asks for background and one other value. Set num_classes to 0 to detect them, "
            "or labels to instances if each value is one object."
        )
    return (
        f"{summary}, which are neither 0 and one other value nor class numbers below {MOST_CLASSES}. "
        f'If they are classes, list them in order in color_map, for example "{example}"; if each value is one object, '
        "set labels to instances."
    )
