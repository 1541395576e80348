"""What a duel says in words: who wins, what is left out, and what favors one of the two."""

import math
from collections.abc import Sequence

from unet_core.errors import listing
from unet_core.evaluation.compare.side import Side
from unet_core.evaluation.comparison import Duel

NAMED = 5  # images that a sentence names
SIGNIFICANT = 0.05


def explain_nothing(first: Side, second: Side, both: Sequence[str]) -> str:
    """Why no image counts; `both` are those that both have scored, against other ground truths."""
    if both:
        return (
            f"The two models read the ground truth of all {len(both)} images differently (other repairs or another "
            "meaning of mask values), so their scores cannot be compared. Train both with the same repairs."
        )
    trained = len(first.trained_on | second.trained_on)
    if not trained:
        return (
            f"A has scored {len(first.scores)} images and B {len(second.scores)}, but no image is among both: they "
            "read the folder differently (layout or repairs). Train both with the same layout and repairs."
        )
    return (
        f"No image is left that neither model was trained on: A was trained on {len(first.trained_on)} images of this "
        f"dataset, B on {len(second.trained_on)}, together on {trained}. Choose another dataset, or train both with "
        "the same split seed and fractions."
    )


def make_notes(first: Side, second: Side, both: Sequence[str], same: Sequence[str], result: Duel) -> list[str]:
    """What is left out, and what favors one of the two, a sentence each."""
    notes = []
    outside = {name for name in first.trained_on | second.trained_on if name not in same}
    if outside:
        notes.append(
            f"{_count(len(outside))} left out: A was trained on {len(outside & first.trained_on)} of them, "
            f"B on {len(outside & second.trained_on)}."
        )
    inside = [len(side.trained_on.intersection(same)) for side in (first, second)]
    if any(inside):
        notes.append(f"A was trained on {inside[0]} of these images, B on {inside[1]}: their scores are too good.")
    chose = [sum(side.subsets[name] == "val" for name in same) for side in (first, second)]
    if any(chose):
        whose = "both" if chose[0] == chose[1] else "A" if chose[0] > chose[1] else "B"
        notes.append(
            f"The best epoch of A was chosen on {chose[0]} of these images, that of B on {chose[1]}: the scores of "
            f"{whose} are slightly too good."
        )
    if other := sorted(set(both) - set(same)):
        notes.append(
            f"{_count(len(other))} left out: the two models read their ground truth differently (other repairs or "
            f"another meaning of mask values): {listing(other, NAMED)}."
        )
    if single := sorted((set(first.dice) ^ set(second.dice)) - outside):
        notes.append(f"{_count(len(single))} left out: scored by one model only ({listing(single, NAMED)}).")
    if result.undefined:
        found = [_count_found(side, other, same) for side, other in ((first, second), (second, first))]
        extra = f" On {found[0]} of them A alone predicts something, on {found[1]} B." if any(found) else ""
        notes.append(
            f"{_count(result.undefined)} left out: without any foreground in the ground truth, Dice is undefined for "
            f"a model that predicts nothing there.{extra}"
        )
    return notes


def _count_found(side: Side, other: Side, names: Sequence[str]) -> int:
    """Images on which the other alone is undefined: it rightly predicts nothing, and this one something."""
    ours, theirs = side.dice, other.dice
    return sum(math.isnan(theirs[name]) and not math.isnan(ours[name]) for name in names)


def _count(number: int) -> str:
    return "1 image is" if number == 1 else f"{number} images are"


def describe(result: Duel) -> str:
    """The outcome in words.

    >>> from unet_core.evaluation.comparison import duel
    >>> describe(duel({"1": 0.5, "2": 0.75}, {"1": 0.625, "2": 0.5}))
    'Each is better on 1 of 2 images. B scores 0.0625 less on average; under 6 images chance can never be excluded.'
    """
    number = len(result.ids)
    ties = f", {result.ties} {'are' if result.ties > 1 else 'is'} equal" if result.ties else ""
    if result.ties == number:
        return f"Both have the same Dice on all {_images(number)}."
    if result.wins == result.losses:
        count = f"Each is better on {result.wins} of {_images(number)}{ties}."
    else:
        (more, name), (fewer, other) = sorted([(result.losses, "A"), (result.wins, "B")], reverse=True)
        count = f"{name} is better on {more} of {_images(number)}, {other} on {fewer}{ties}."
    mean = f"B scores {abs(result.mean):.4f} {'more' if result.mean > 0 else 'less'} on average"
    if result.mean == 0:
        mean = "Their means are equal"
    return f"{count} {mean}; {_judge(result)}."


def _judge(result: Duel) -> str:
    if math.isnan(result.low):
        return "under 6 images chance can never be excluded"
    p = format_p(result.p)
    p = f"p {p}" if p.startswith("<") else f"p = {p}"
    return f"the difference could be chance, {p}" if result.p >= SIGNIFICANT else f"that is unlikely to be chance, {p}"


def format_p(p: float) -> str:
    """A p-value with as many digits as are of use.

    >>> format_p(0.2149), format_p(0.04961), format_p(0.00005)
    ('0.21', '0.0496', '< 0.0001')
    """
    return "< 0.0001" if p < 0.0001 else f"{p:.2f}" if p >= 0.1 else f"{p:.3g}"


def _images(number: int) -> str:
    return "1 image" if number == 1 else f"{number} images"
