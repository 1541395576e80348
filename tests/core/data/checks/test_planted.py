"""Folders with one planted fault each: found by its name in the right samples, nothing else; repaired, masks are equal.

The clean set is drawn; real folders come from $UNET_DATA where they lie.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.core.data.checks.planted import FAULTS, Fault, make_clean, write_png
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.checks.finding import ERROR, INFO
from unet_core.data.checks.registry import CHECKS
from unet_core.data.checks.scan import Scan, scan
from unet_core.data.dataset import load_dataset
from unet_core.data.masks import files
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import DataError
from unet_core.io import images

REAL = Path(os.environ.get("UNET_DATA") or Path(__file__).parents[5] / "shared" / "data")
NATURAL = 0.002  # share of the pixels: specks and holes of real masks that are mended with the planted ones
ONE_PIXEL = 0.05  # the same where a mask is moved by one pixel: real masks are drawn no better
REAL_FAULTS = (
    *("0/1 beside 0/255", "0/128 beside 0/255", "red beside white", "JPEG masks", "masks cropped", "masks padded"),
    *(
        "inverted",
        "empty",
        "specks",
        "shifted by 4",
        "shifted by 11",
        "cut off masks",
        "8 bits in 16",
        "contradictions",
    ),
)

Masks = Mapping[str, NDArray[np.uint8]]


def settings(root: Path) -> DataConfig:
    return DataConfig(root=str(root))


def load_masks(root: Path) -> Masks:
    """The masks as training gets them. Raises DataError where it refuses."""
    search = discovery.search_data(settings(root))
    dataset = load_dataset(list(search.samples), settings(root), ModelConfig(image_size=64), search=search)
    return {sample.id: dataset[index].mask for index, sample in enumerate(dataset.samples)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clean(tmp_path_factory.mktemp("clean") / "cells")


@pytest.fixture(scope="module", params=["isbi_em", "dsb2018"])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some real images of similar size with one binary mask each."""
    source = REAL / request.param
    if not source.is_dir():
        pytest.skip(f"{source} is not there; name the real data in UNET_DATA")
    root = tmp_path_factory.mktemp("real") / request.param
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    small = [sample for sample in discovery.find(source) if max(images.size(sample.image)) <= 512]
    for number, sample in enumerate(small[:16]):
        image = images.read(sample.image)
        mask = (files.read(sample, image.shape).values > 0).astype(np.uint8) * np.uint8(255)
        write_png(root / "images" / f"n{number:02}.png", image[:, :, 0])
        write_png(root / "masks" / f"n{number:02}.png", mask)
    return root


def loud(found: Scan) -> set[tuple[str, str]]:
    """(check, sample) of all warnings and errors; copies count as what they are copies of."""
    findings = (finding for finding in found.findings if finding.severity != INFO)
    return {(finding.check, name.removeprefix("zz_")) for finding in findings for name in finding.samples or ("",)}


def check_fault(base: Path, root: Path, fault: Fault, share: float) -> None:
    ids = sorted(path.stem for path in (base / "images").iterdir())
    chosen = np.random.default_rng(3).choice(ids, max(1, round(share * len(ids))), replace=False)
    names = sorted(map(str, chosen))
    untouched, truth = scan(settings(base)), load_masks(base)
    shutil.copytree(base, root)
    fault.plant(root, names)

    found = scan(settings(root))
    of_check = [one for one in found.findings if one.check == fault.check]
    [finding] = [one for one in of_check if one.severity != INFO or fault.severity == INFO]
    before = {name for check, name in loud(untouched) if check == fault.check}
    assert fault.samples(names) <= set(finding.samples) <= fault.samples(names) | before
    if finding.severity != ERROR:
        assert finding.severity == fault.severity
    others = {(check, name) for check, name in loud(found) - loud(untouched) if check != fault.check}
    assert others == set()
    assert refuses(root) == bool(found.refused) == (finding.severity == ERROR)

    recipe.save(root, Recipe().add(finding.remedies[0]))
    repaired = load_masks(root)
    assert truth.keys() - repaired.keys() <= (set(names) if fault.left_out else set())
    for name in truth.keys() & repaired.keys():
        wanted, mask = fault.truth(truth[name]) if name in names else truth[name], repaired[name]
        assert wanted.shape == mask.shape
        counted = mask != 255
        assert counted.mean() > 0.5
        assert (wanted != mask)[counted].mean() <= tolerance(base, fault)
    again = scan(settings(root))
    assert not again.refused
    assert {(check, name) for check, name in loud(again) - loud(untouched)} == set()


def tolerance(base: Path, fault: Fault) -> float:
    if base.name == "cells":
        return fault.tolerance
    return ONE_PIXEL if fault.check == "shifted" else max(fault.tolerance, NATURAL)


def refuses(root: Path) -> bool:
    try:
        load_masks(root)
    except DataError:
        return True
    return False


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_alone_and_repaired(clean: Path, tmp_path: Path, name: str) -> None:
    check_fault(clean, tmp_path / "cells", FAULTS[name], share=0.17)


@pytest.mark.parametrize("name", ["0/1 beside 0/255", "inverted", "specks", "shifted by 11", "JPEG masks"])
@pytest.mark.parametrize("share", [0.01, 0.3])
def test_in_one_file_and_in_a_third_of_them(clean: Path, tmp_path: Path, name: str, share: float) -> None:
    check_fault(clean, tmp_path / "cells", FAULTS[name], share)


@pytest.mark.parametrize("name", REAL_FAULTS)
def test_a_fault_in_real_images_is_found_alone_and_repaired(real: Path, tmp_path: Path, name: str) -> None:
    check_fault(real, tmp_path / "cells", FAULTS[name], share=0.12)


def test_nothing_is_wrong_with_the_clean_set(clean: Path) -> None:
    found = scan(settings(clean))
    assert found.findings == () and found.refused == "" and len(found.facts) == 12
    assert found.coding is not None and found.coding.kind == "binary"
    assert {part: len(ids) for part, ids in found.parts.items()} == {"train": 10, "val": 2, "test": 0}


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("isbi_em", {"specks": 3, "holes": 3}),  # true ones: pieces of 5 pixels, holes of 1 and 2
        ("camvid", {"specks": 122, "holes": 120}),  # the labels of street scenes are full of both: for information
        ("dsb2018", {}),
    ],
)
def test_what_real_folders_say_untouched(folder: str, expected: dict[str, Any]) -> None:
    if not (REAL / folder).is_dir():
        pytest.skip(f"{REAL / folder} is not there; name the real data in UNET_DATA")
    found = scan(settings(REAL / folder))
    assert {finding.check: finding.count for finding in found.findings} == expected
    assert not found.refused


def test_every_fault_has_a_check_of_its_name() -> None:
    assert {fault.check for fault in FAULTS.values()} <= CHECKS.keys()
