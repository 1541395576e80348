"""The scan and its cache: what is read, what is kept, when it counts."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import unet_core
from tests.core.data.checks.planted import draw, make_clean, read_png, write_png
from unet_core.config.schema import DataConfig
from unet_core.data.checks import cache, records
from unet_core.data.checks.scan import Scan, load_cached, scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe, Remedy, make_repair
from unet_core.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_clean(tmp_path / "cells", images=8)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The ids of the samples that are read, in their order."""
    names: list[str] = []
    read_sample = records.read_sample

    def note(sample, *arguments):
        names.append(sample.id)
        return read_sample(sample, *arguments)

    monkeypatch.setattr(records, "read_sample", note)
    yield names


def settings(root: Path, **changes: object) -> DataConfig:
    return DataConfig(root=str(root), **changes)  # type: ignore[arg-type]


def same(one: Scan, other: Scan | None) -> bool:
    """Whether two scans are equal but for the time that they took."""
    return other is not None and all(
        getattr(one, name) == getattr(other, name) for name in vars(one) if name != "seconds"
    )


def test_a_second_visit_reads_no_file(root: Path, measured: list[str]) -> None:
    assert load_cached(settings(root)) is None
    first = scan(settings(root))
    assert measured == [f"cell_{number:02}" for number in range(8)]
    assert same(first, load_cached(settings(root))) and same(first, scan(settings(root)))
    assert len(measured) == 8


def test_a_relative_path_is_the_same_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scan(settings(root))
    monkeypatch.chdir(root.parent)
    assert same(first, load_cached(settings(Path("cells"))))


def test_a_changed_file_is_measured_alone(root: Path, measured: list[str]) -> None:
    scan(settings(root))
    path = root / "masks" / "cell_03.png"
    write_png(path, read_png(path)[:, ::-1])
    os.utime(path, ns=(1, 1))  # whatever the clock of the disk
    assert load_cached(settings(root)) is None
    measured.clear()
    again = scan(settings(root))
    assert measured == ["cell_03"]
    assert again.facts[3].mask_record != again.facts[2].mask_record and same(again, load_cached(settings(root)))


def test_new_and_removed_files(root: Path, measured: list[str]) -> None:
    scan(settings(root))
    for kind in ("images", "masks"):
        (root / kind / "cell_00.png").unlink()
    image, mask = draw(50)
    write_png(root / "images" / "new.png", image)
    write_png(root / "masks" / "new.png", mask)
    measured.clear()
    assert [facts.id for facts in scan(settings(root)).facts][-1] == "new" and measured == ["new"]


def test_what_values_mean_is_measured_again_where_it_changes(root: Path, measured: list[str]) -> None:
    scan(settings(root))
    measured.clear()
    found = scan(settings(root, color_map="255;0"))
    assert found.coding is not None and len(measured) == 8
    assert {facts.foreground > 0.5 for facts in found.facts} == {True}
    assert load_cached(settings(root)) is None  # its facts are those of the other meaning
    assert {facts.foreground < 0.5 for facts in scan(settings(root)).facts} == {True}


def test_another_split_measures_nothing(root: Path, measured: list[str]) -> None:
    first = scan(settings(root))
    measured.clear()
    other = scan(settings(root, val_fraction=0.5))
    assert measured == [] and len(other.parts["val"]) == 4 and len(first.parts["val"]) == 2
    assert same(first, load_cached(settings(root))) and same(other, load_cached(settings(root, val_fraction=0.5)))


def test_repairs_measure_their_samples_alone(root: Path, measured: list[str]) -> None:
    scan(settings(root))
    recipe.save(root, Recipe().add(Remedy("invert", (make_repair("invert", ["cell_02"]),))))
    assert load_cached(settings(root)) is None
    measured.clear()
    repaired = scan(settings(root))
    assert measured == ["cell_02"] and repaired.facts[2].foreground > 0.5
    recipe.save(root, Recipe(name="Cells", colors=("#000000", "#ff0000")))
    scan(settings(root))
    assert same(scan(settings(root)), load_cached(settings(root)))


def test_a_cancelled_scan_keeps_what_it_has(root: Path, measured: list[str]) -> None:
    seen = []
    partly = scan(
        settings(root), lambda done, total, name: seen.append((done, total, name)), lambda: len(measured) == 3
    )
    assert not partly.complete and [facts.id for facts in partly.facts] == ["cell_00", "cell_01", "cell_02"]
    assert seen[:2] == [(0, 8, "cell_00"), (1, 8, "cell_01")] and load_cached(settings(root)) is None
    measured.clear()
    assert scan(settings(root)).complete and measured == [f"cell_{number:02}" for number in range(3, 8)]


@pytest.mark.parametrize("name", ["samples", "clues"])
def test_a_damaged_cache_is_made_again(root: Path, measured: list[str], name: str) -> None:
    first = scan(settings(root))
    path = cache.folder_of(root) / name
    path.write_bytes(path.read_bytes()[:-7])
    measured.clear()
    assert same(first, scan(settings(root))) and len(measured) == 8


def test_what_other_code_measured_counts_as_none(
    root: Path, tmp_path: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(settings(root))
    measured.clear()
    copied = tmp_path / "unet_core"
    shutil.copytree(Path(unet_core.__file__).parent / "data", copied / "data")
    shutil.copytree(Path(unet_core.__file__).parent / "io", copied / "io")
    now = cache.version()
    monkeypatch.setattr(unet_core, "__file__", str(copied / "__init__.py"))
    assert cache.version.__wrapped__() == now
    with (copied / "data" / "appearance.py").open("a") as file:
        file.write("# measures in another way")
    other = cache.version.__wrapped__()
    assert other != now
    monkeypatch.setattr(cache, "version", lambda: other)
    assert load_cached(settings(root)) is None
    scan(settings(root))
    assert len(measured) == 8


def test_the_cache_is_small(root: Path) -> None:
    scan(settings(root))
    sizes = {path.name: path.stat().st_size for path in cache.folder_of(root).iterdir()}
    assert sizes["samples"] < 8 * 1500 and sizes["clues"] < 8 * 3000 and len(sizes) == 3


def test_a_disk_that_cannot_be_written_costs_the_cache_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(cache, "write_atomically", refuse)
    assert scan(settings(root)).findings == () and load_cached(settings(root)) is None


def test_the_facts_of_a_sample(root: Path) -> None:
    facts = scan(settings(root)).facts[1]
    image, mask = draw(1)
    assert (facts.image, facts.masks) == ("images/cell_01.png", ("masks/cell_01.png",))
    assert (facts.height, facts.width, facts.channels, facts.dtype) == (96, 128, 1, "uint8")
    assert facts.low == (image.min(),) and facts.high == (image.max(),)
    assert facts.brightness == pytest.approx(image.mean()) and facts.std == pytest.approx((image.std(),))
    assert sum(facts.histogram[0]) == image.size and facts.histogram[0][0] == (image < 4).sum()
    assert facts.classes == ((0, (mask == 0).sum()), (1, (mask > 0).sum()))
    assert facts.foreground == pytest.approx((mask > 0).mean())
    assert facts.objects == len(facts.object_areas) == 12 and sum(facts.object_areas) == (mask > 0).sum()
    assert facts.holes == () and facts.contrast > 1 and facts.problem == ""
    assert np.abs(facts.shift).max() < 1


def test_folders_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        scan(settings(tmp_path))
    with pytest.raises(DataError, match="no such folder"):
        scan(settings(tmp_path / "absent"))
    assert load_cached(settings(tmp_path / "absent")) is None


def test_a_damaged_recipe_is_told_and_the_rest_is_looked_at(root: Path) -> None:
    (root / "studio.json").write_text("{")
    found = scan(settings(root))
    assert len(found.facts) == 8 and "studio.json" in found.refused
    assert load_cached(settings(root)) is None


def test_findings_survive_as_json(root: Path) -> None:
    (root / "masks" / "cell_03.png").unlink()
    found = scan(settings(root))
    assert found.findings and found.missing and same(found, load_cached(settings(root)))
    content = next(cache.folder_of(root).glob("scan-*.json")).read_text()
    assert json.loads(content)["refused"] == found.refused
