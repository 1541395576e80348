"""Totals over facts, against numbers worked out by hand."""

import numpy as np
import pytest

from unet_core.data.checks.facts import BINS, SampleFacts
from unet_core.data.summary import totals


def histogram(**pixels: int) -> tuple[int, ...]:
    counts = [0] * BINS
    for name, number in pixels.items():
        counts[int(name.removeprefix("bin"))] = number
    return tuple(counts)


def test_sizes_are_one_or_a_range() -> None:
    small = SampleFacts("a", "a.png", height=20, width=30)
    assert totals.describe_sizes([small, small]) == "30 x 20 px"
    assert totals.describe_sizes([small, SampleFacts("b", "b.png", height=10, width=30)]) == "30 x 10-20 px"
    assert totals.describe_sizes([SampleFacts("c", "c.png", problem="gone")]) == "–"


def test_kinds_are_counted_only_where_there_are_several() -> None:
    assert totals.describe_kinds(["uint8", "uint8", ""]) == "uint8"
    assert totals.describe_kinds(["a", "b", "b"]) == "b (2), a (1)"
    assert totals.describe_kinds([]) == "–"


def test_shares_of_classes_leave_out_what_is_ignored_and_list_unseen_ones() -> None:
    facts = [
        SampleFacts("a", "a.png", classes=((0, 60), (1, 20), (255, 20))),
        SampleFacts("b", "b.png", classes=((0, 20), (255, 80))),
    ]
    background, first, unseen = totals.total_classes(facts, 3)
    assert (background.pixels, background.share, background.images) == (80, 0.8, 2)
    assert (first.pixels, first.share, first.images) == (20, 0.2, 1)
    assert (unseen.index, unseen.pixels, unseen.share, unseen.images) == (2, 0, 0.0, 0)
    assert totals.ignored_share(facts) == 0.5
    assert [total.index for total in totals.total_classes([], 1)] == [0, 1]
    assert totals.ignored_share([]) == 0


def test_diameters_are_those_of_disks() -> None:
    facts = [SampleFacts("a", "a.png", object_areas=(1, 314)), SampleFacts("b", "b.png")]
    assert totals.diameters(facts) == pytest.approx([1.1284, 19.995], abs=1e-3)


def test_logarithmic_bins_hold_every_value_once() -> None:
    values = np.random.default_rng(0).lognormal(3, 1, 1000)
    edges, counts = totals.bin_logarithmically(values)
    assert counts.sum() == 1000 and len(edges) == len(counts) + 1 == 31
    ratios = edges[1:] / edges[:-1]
    assert ratios == pytest.approx(np.full(len(ratios), ratios[0]))
    assert totals.bin_logarithmically(np.array([5.0, 5.0]))[1].sum() == 2
    assert totals.bin_logarithmically(np.zeros(3))[1].tolist() == [0]


def test_intensities_of_one_type_add_up_and_others_are_left_out() -> None:
    facts = [
        SampleFacts("a", "a", dtype="uint8", histogram=(histogram(bin0=3, bin1=1),), histogram_range=(0.0, 256.0)),
        SampleFacts("b", "b", dtype="uint8", histogram=(histogram(bin1=4),), histogram_range=(0.0, 256.0)),
        SampleFacts("c", "c", dtype="uint16", histogram=(histogram(bin9=9),), histogram_range=(0.0, 65536.0)),
        SampleFacts("d", "d", problem="cannot be read"),
    ]
    result = totals.total_intensities(facts)
    assert result is not None and (result.dtype, result.left_out) == ("uint8", 1)
    assert result.shares[0, :2].tolist() == [3 / 8, 5 / 8] and result.shares.shape == (1, BINS)
    assert result.edges.tolist() == np.linspace(0, 256, BINS + 1).tolist()
    assert totals.total_intensities(facts[3:]) is None


def test_float_images_of_different_ranges_share_the_range_of_all() -> None:
    facts = [
        SampleFacts("a", "a", dtype="float32", histogram=(histogram(bin0=1),), histogram_range=(0.0, 1.0)),
        SampleFacts("b", "b", dtype="float32", histogram=(histogram(bin63=1),), histogram_range=(1.0, 2.0)),
    ]
    result = totals.total_intensities(facts)
    assert result is not None
    assert np.flatnonzero(result.shares[0]).tolist() == [0, BINS - 1]
    assert (result.edges[0], result.edges[-1]) == (0.0, 2.0)
