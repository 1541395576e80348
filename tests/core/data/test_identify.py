"""An image is decoded once to be known, and again when its file changes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unet_core.data import identify, reading
from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.errors import ImageError


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the images that were decoded."""
    identify._RECORDS.clear()
    ids: list[str] = []
    read = reading.read_stored

    def count(sample: Sample) -> np.ndarray:
        ids.append(sample.id)
        return read(sample)

    monkeypatch.setattr(reading, "read_stored", count)
    return ids


def write(path: Path, seed: int) -> Sample:
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20, 30)).astype(np.uint8)).save(path)
    return Sample(path.stem, path, ())


def test_a_file_is_decoded_once_while_it_stays_the_same(tmp_path: Path, decoded: list[str]) -> None:
    sample = write(tmp_path / "a.png", 1)
    record = identify.identify(sample)
    assert record == identity.describe_pixels(reading.read_stored(sample)) and decoded == ["a", "a"]
    assert identify.identify(sample) == record and decoded == ["a", "a"]
    write(tmp_path / "a.png", 2)
    assert identify.identify(sample) != record and decoded == ["a", "a", "a"]


def test_pages_of_a_stack_are_images_of_their_own(tmp_path: Path, decoded: list[str]) -> None:
    pages = [Image.fromarray(np.full((20, 30), value, np.uint8)) for value in (10, 20)]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    first, second = (Sample(f"s{page}", tmp_path / "s.tif", (), page=page) for page in (0, 1))
    assert identify.identify(first) != identify.identify(second)
    pages[1].save(tmp_path / "alone.png")
    alone = Sample("alone", tmp_path / "alone.png", ())
    assert identity.is_same(identify.identify(alone), identify.identify(second))
    assert decoded == ["s0", "s1", "alone"]


def test_few_records_are_kept_and_a_file_that_cannot_be_read_is_an_error(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify, "MOST", 2)
    samples = [write(tmp_path / f"{seed}.png", seed) for seed in range(3)]
    for sample in (*samples, samples[2], samples[0]):
        identify.identify(sample)
    assert decoded == ["0", "1", "2", "0"]
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(ImageError):
        identify.identify(Sample("broken", tmp_path / "broken.png", ()))
