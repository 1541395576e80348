"""Views of a picture: each can be undone, none comes twice, every name has its sentence."""

import pytest
import torch

from unet_core.errors import ConfigError
from unet_core.inference.tta import TTA, VIEWS, views


@pytest.mark.parametrize("name", TTA)
def test_each_view_is_undone_and_is_another(name: str) -> None:
    x = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    turned = [view.turn(x) for view in views(name)]
    for view, seen in zip(views(name), turned, strict=True):
        assert torch.equal(view.back(seen), x)
        assert seen.shape == ((2, 3, 5, 4) if view.swaps_axes else (2, 3, 4, 5))
    assert torch.equal(turned[0], x)
    square = torch.arange(9).reshape(1, 1, 3, 3)
    assert len({tuple(view.turn(square).flatten().tolist()) for view in views(name)}) == len(turned)


def test_names_have_views_and_sentences() -> None:
    assert list(TTA) == list(VIEWS)
    assert [len(views(name)) for name in TTA] == [1, 2, 4, 8]
    x = torch.arange(6).reshape(1, 1, 2, 3)
    assert [torch.equal(view.turn(x), x.flip(-1)) for view in views("mirror")] == [False, True]
    flips = {tuple(view.turn(x).flatten().tolist()) for view in views("flips")}
    assert flips == {tuple(y.flatten().tolist()) for y in (x, x.flip(-1), x.flip(-2), x.flip(-1, -2))}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"Unknown tta 'spin'\. Use one of none, mirror, flips, d4"):
        views("spin")
