"""Where the missing Dice of a dataset went, and which images lose most by a cause."""

from collections.abc import Iterable, Mapping

import numpy as np

from unet_core.evaluation.error_analysis import BAND, CAUSES, ErrorAnalysis

LABELS = {  # of CAUSES, for menus and charts
    "outline": f"Outlines (within {BAND} px)",
    "partial": "Parts of objects",
    "merge": "Merged objects",
    "split": "Split objects",
    "missed": "Missed objects",
    "false": "False objects",
    "wrong_class": "Wrong class",
}
LEAST_NAMED = 0.005  # of Dice: what costs less is not in the sentence


def average_shares(analyses: Iterable[ErrorAnalysis]) -> dict[str, float]:
    """What each of CAUSES takes from the mean Dice, over the images whose Dice is defined; NaN where none is.

    They add up to 1 - mean Dice, and each equals `mean_lost_...` of `evaluate --metrics all`.
    """
    rows = [list(item.shares.values()) for item in analyses if not np.isnan(item.dice)]
    means = np.mean(rows, 0) if rows else np.full(len(CAUSES), np.nan)
    return dict(zip(CAUSES, means.tolist(), strict=True))


def rank_images(analyses: Mapping[str, ErrorAnalysis], cause: str) -> list[str]:
    """The images that have this fault, by name, those first that lose most Dice to it.

    Last come those that lose none, as by a merge of objects that touch.
    """
    faulty = {name: item for name, item in analyses.items() if item.shares[cause] > 0 or item.count(cause)}
    return sorted(faulty, key=lambda name: (-faulty[name].shares[cause], -faulty[name].count(cause), name))


def describe_losses(shares: Mapping[str, float]) -> str:
    """One sentence: the mean Dice and what it lost, the largest first.

    >>> describe_losses(dict.fromkeys(CAUSES, 0.0) | {"missed": 0.1, "outline": 0.02})
    'Mean Dice 0.880: lost 0.100 to missed objects, 0.020 to outlines.'
    """
    total = sum(shares.values())
    if np.isnan(total):
        return "No image has a defined Dice: nothing is labeled and nothing is predicted."
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    parts = [
        f"{share:.3f} to {LABELS[name].partition(' (')[0].lower()}" for name, share in ordered if share >= LEAST_NAMED
    ]
    if not parts:
        return f"Mean Dice {1 - total:.3f}: no cause costs {LEAST_NAMED} or more."
    return f"Mean Dice {1 - total:.3f}: lost {', '.join(parts)}."
