"""The gates: whoever reads a dataset with a recipe gets repaired images and masks; the files stay as they are."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery, fingerprint, reading
from unet_core.data.dataset import load_dataset
from unet_core.data.masks import decide, files
from unet_core.data.recipe.recipe import Recipe, Repair, make_repair, save
from unet_core.errors import DataError
from unet_core.inference import inputs
from unet_core.io.pixels import encode_png

SIZE = (60, 48)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def make_mask(number: int) -> NDArray[np.uint8]:
    mask = np.zeros(SIZE, np.uint8)
    for row in range(2):
        cv2.circle(mask, (15 + 3 * number, 15 + 28 * row), 8, 255, -1)
    return mask


def make_image(number: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(number).integers(0, 40, SIZE)
    return (noise + make_mask(number) // 2).astype(np.uint8)


def make_dataset(root: Path, change: Callable[[NDArray[Any]], NDArray[Any]] = lambda mask: mask) -> Path:
    """Four images a to d with masks; that of b changed."""
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number, name in enumerate("abcd"):
        (root / "images" / f"{name}.png").write_bytes(encode_png(make_image(number)))
        mask = make_mask(number)
        (root / "masks" / f"{name}.png").write_bytes(encode_png(change(mask) if name == "b" else mask))
    return root


def load(root: Path, **settings: Any) -> dict[str, tuple[list[Any], list[Any]]]:
    data = DataConfig(root=str(root), **settings)
    search = discovery.search_data(data)
    dataset = load_dataset(list(search.samples), data, ModelConfig(image_size=32), None, search)
    return {
        sample.id: (dataset[index].image.tolist(), dataset[index].mask.tolist())
        for index, sample in enumerate(dataset.samples)
    }


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.suffix == ".png"
    }


def pad(mask: NDArray[Any]) -> NDArray[Any]:
    return np.pad(mask, ((5, 5), (3, 3)))


def specks(mask: NDArray[Any]) -> NDArray[Any]:
    dirty = mask.copy()
    dirty[2, 2] = dirty[55, 40] = 255
    return dirty


def holes(mask: NDArray[Any]) -> NDArray[Any]:
    dirty = mask.copy()
    dirty[15, 17] = 0
    return dirty


FAULTS: dict[str, tuple[Callable[[NDArray[Any]], NDArray[Any]], list[Repair]]] = {
    "crop": (pad, [make_repair("fit", ["b"], how="crop")]),
    "scale": (lambda mask: np.kron(mask, np.ones((2, 2), np.uint8)), [make_repair("fit", ["b"], how="scale")]),
    "turn": (lambda mask: np.ascontiguousarray(np.rot90(mask)), [make_repair("turn", ["b"], orientation=6)]),
    "recode": (lambda mask: mask // 255 * 7, [make_repair("recode", ["b"], values=["7:255"])]),
    "invert": (lambda mask: 255 - mask, [make_repair("invert", ["b"])]),
    "specks": (specks, [make_repair("remove_specks", ["b"], area=2)]),
    "holes": (holes, [make_repair("fill_holes", ["b"], area=2)]),
    "threshold": (
        lambda mask: np.where(mask > 0, 200, 50).astype(np.uint8),
        [make_repair("threshold", ["b"], level=99)],
    ),
    "two": (
        lambda mask: pad(mask // 255 * 7),
        [make_repair("recode", values=["7:255"]), make_repair("fit", how="crop")],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("cache_mb", [100, 0])
def test_a_repaired_dataset_is_read_as_the_untouched_one(tmp_path: Path, fault: str, cache_mb: int) -> None:
    change, repairs = FAULTS[fault]
    untouched = load(make_dataset(tmp_path / "good"), cache_mb=cache_mb)
    root = make_dataset(tmp_path / "bad", change)
    before = hashes(root)
    save(root, Recipe(tuple(repairs)))
    assert load(root, cache_mb=cache_mb) == untouched
    search = discovery.search_data(DataConfig(root=str(root)))
    assert discovery.check(search.samples) == []
    assert hashes(root) == before
    try:
        unrepaired = load(root, recipe="none", cache_mb=cache_mb)
    except DataError:
        unrepaired = {}
    assert unrepaired != untouched


def test_a_shift_back_counts_all_but_the_rim(tmp_path: Path) -> None:
    untouched = load(make_dataset(tmp_path / "good"))
    root = make_dataset(tmp_path / "bad", lambda mask: np.roll(mask, (3, -2), (0, 1)))
    save(root, Recipe((make_repair("shift", ["b"], down=-3, right=2),)))
    mask = np.array(load(root)["b"][1])
    assert (mask[-3:] == 255).all()
    assert (mask[:, :2] == 255).all()
    assert np.array_equal(mask[:-3, 2:], np.array(untouched["b"][1])[:-3, 2:])


def test_a_padded_mask_does_not_count_where_nothing_is_known(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "bad", lambda mask: mask[5:-5, 3:-3])
    with pytest.raises(DataError, match="make both the same size"):
        load(root)
    save(root, Recipe((make_repair("fit", ["b"], how="pad"),)))
    mask = np.array(load(root)["b"][1])
    expected = make_mask(1) // 255
    expected[:5] = expected[-5:] = expected[:, :3] = expected[:, -3:] = 255
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize("how", ["crop", "pad"])
def test_a_fit_that_does_not_fit_is_refused_with_both_sizes(tmp_path: Path, how: str) -> None:
    root = make_dataset(tmp_path / "bad", pad if how == "pad" else lambda mask: mask[5:-5, 3:-3])
    save(root, Recipe((make_repair("fit", ["b"], how=how),)))
    problems = discovery.check(discovery.search_data(DataConfig(root=str(root))).samples)
    assert len(problems) == 1
    assert "its image b.png is 48 x 60" in problems[0]
    assert problems[0].endswith(f", and its repair '{how}' does not fit that; undo it or choose another one")
    with pytest.raises(DataError, match=r"its image b\.png is 48 x 60, and its repair .* choose another one\.$"):
        load(root)


def test_several_mask_files_of_an_image_are_repaired_together_and_cached_without(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "a"
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(encode_png(make_image(0)))
    mask = make_mask(0)
    for number, part in enumerate((mask[:30], mask[30:])):
        whole = np.zeros(SIZE, np.uint8)
        whole[30 * number : 30 * number + 30] = part
        (folder / "masks" / f"{number}.png").write_bytes(encode_png(pad(whole)))
    root = tmp_path / "data"
    fit, back = make_repair("fit", how="crop"), make_repair("fit", how="crop", at="top_left")
    for repair in (fit, back, fit):
        save(root, Recipe((repair,)))
        (sample,) = discovery.search_data(DataConfig(root=str(root))).samples
        raw = files.read(sample, SIZE)
        assert raw.objects is not None
        expected = mask if repair is fit else pad(mask)[: SIZE[0], : SIZE[1]]
        assert np.array_equal(raw.values, expected)
        assert np.array_equal(raw.objects > 0, expected > 0)
    assert len(list((tmp_path / "cache").rglob("*.mask"))) == 1


def test_images_of_another_bit_depth_become_like_the_others(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data")
    deep = make_image(1).astype(np.uint16) * 257
    (root / "images" / "b.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    good = load(make_dataset(tmp_path / "good"))
    assert load(root) != good
    scale = make_repair("scale_intensity", ["b"], factor=1 / 257, dtype="uint8")
    save(root, Recipe((scale,)))
    assert load(root) == good
    data = DataConfig(root=str(root))
    search = discovery.search_data(data)
    dataset = load_dataset(list(search.samples), data, ModelConfig(image_size=32), None, search)
    assert dataset.warnings == [
        "1 repair of studio.json is applied: Image of b multiplied by 0.00389105 and read as uint8."
    ]
    stored = load_dataset(discovery.find(root), DataConfig(), ModelConfig(image_size=32))
    assert dataset.records == stored.records, "an image is known again by what its file holds"
    one = search.samples[1]
    assert reading.read_image(one).dtype == np.uint8
    assert np.array_equal(reading.read_stored(one), deep[:, :, None])
    assert fingerprint.measure_samples(search.samples, data, search=search).dtype == "uint8"
    plain = discovery.find(root)[1]
    assert reading.digest(one) != reading.digest(plain)
    assert reading.digest(search.samples[0]) == reading.digest(discovery.find(root)[0])
    repaired, unrepaired = inputs.from_samples([one]).items[0], inputs.from_samples([plain]).items[0]
    assert np.array_equal(repaired.read(), reading.read_image(one))
    assert np.array_equal(unrepaired.read(), reading.read_stored(one))
    assert repaired.key != unrepaired.key


def test_an_image_that_shows_nothing_has_no_mask_to_repair(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data")
    (root / "masks" / "c.png").unlink()
    save(
        root,
        Recipe((make_repair("recode", values=["0:255", "255:0"]), make_repair("invert")), (("unlabeled", "empty"),)),
    )
    masks = load(root)
    assert not np.any(masks["c"][1])
    assert np.array_equal(masks["a"][1], make_mask(0) // 255)


def test_a_first_look_reads_repaired_masks(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data", lambda mask: mask // 255 * 7)
    save(root, Recipe((make_repair("recode", ["b"], values=["7:255"]),)))
    search = discovery.search_data(DataConfig(root=str(root)))
    coding, guesses = decide.look(search, DataConfig(root=str(root)), ModelConfig(), search.samples)
    assert coding.describe() == "binary: 0 = background, 255 = foreground"
    assert guesses == []


def test_a_turned_mask_is_no_longer_told_to_be_wrong(tmp_path: Path) -> None:
    from PIL import Image

    root = tmp_path / "data"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 3
    for number, name in enumerate("ab"):
        Image.fromarray(make_image(number)).save(root / "images" / f"{name}.jpg", exif=exif)
        (root / "masks" / f"{name}.png").write_bytes(encode_png(make_mask(number)))

    def warnings() -> list[str]:
        data = DataConfig(root=str(root))
        search = discovery.search_data(data)
        return load_dataset(list(search.samples), data, ModelConfig(image_size=32), None, search).warnings

    assert any("EXIF" in warning for warning in warnings())
    save(root, Recipe((make_repair("turn", orientation=3),)))
    assert warnings() == ["1 repair of studio.json is applied: All masks turned by 180 degrees."]
    assert np.array_equal(load(root)["a"][1], np.rot90(make_mask(0) // 255, 2))


def test_the_digest_changes_with_each_file_of_an_image(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data")
    (sample,) = [sample for sample in discovery.find(root) if sample.id == "a"]
    second = tmp_path / "a_DAPI.png"
    second.write_bytes(encode_png(make_image(1)))
    both = replace(sample, channel_files=(second,))
    before = reading.digest(both)
    assert before != reading.digest(sample)
    second.write_bytes(encode_png(make_image(2)))
    assert reading.digest(both) not in (before, reading.digest(sample))
