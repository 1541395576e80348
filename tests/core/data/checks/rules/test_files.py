"""Pairs, unreadable files, names."""

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from tests.core.data.checks.planted import FAULTS, draw, make_clean, number_objects, write_png
from unet_core.config.schema import DataConfig
from unet_core.data.checks.finding import ERROR, INFO, WARNING
from unet_core.data.checks.scan import Scan, scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe


def look(root: Path) -> Scan:
    return scan(DataConfig(root=str(root)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_clean(tmp_path / "cells")


def add(root: Path, image_name: str, mask_name: str, number: int = 40) -> None:
    image, mask = draw(number)
    write_png(root / "images" / f"{image_name}.png", image)
    write_png(root / "masks" / f"{mask_name}.png", mask)


def test_three_ways_with_images_that_lack_a_mask(root: Path) -> None:
    FAULTS["no masks"].plant(root, ["cell_02", "cell_05"])
    [finding] = look(root).findings
    assert "2 of 12 images have no mask: cell_02, cell_05" in finding.message
    leave_out, empty = finding.remedies
    assert leave_out.label == "Leave them out" and empty.settings == (("unlabeled", "empty"),)
    recipe.save(root, Recipe().add(empty))
    repaired = look(root)
    assert not repaired.refused and len(repaired.facts) == 12 and repaired.missing == ()
    assert [facts.id for facts in repaired.facts if facts.foreground == 0] == ["cell_02", "cell_05"]


def test_masks_without_an_image(root: Path) -> None:
    FAULTS["no images"].plant(root, ["cell_02", "cell_05"])
    [finding] = look(root).findings
    assert (finding.check, finding.severity) == ("spare_masks", ERROR)
    assert finding.samples == ("masks/cell_02.png", "masks/cell_05.png")
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert look(root).findings == () and len(look(root).facts) == 10


def test_masks_are_paired_by_their_closest_names(root: Path) -> None:
    FAULTS["renamed masks"].plant(root, ["cell_02", "cell_05"])
    [finding] = look(root).findings
    assert finding.check == "missing_masks" and "2 of them there is an unused mask" in finding.message
    pairs = {repair.samples[0]: repair.get("masks") for repair in finding.remedies[0].repairs}
    assert pairs == {"cell_02": ("masks/cell_02x.png",), "cell_05": ("masks/cell_05x.png",)}


def test_names_that_resemble_nothing_are_not_paired(root: Path) -> None:
    (root / "masks" / "cell_02.png").rename(root / "masks" / "qqq.png")
    finding = next(finding for finding in look(root).findings if finding.check == "missing_masks")
    assert finding.remedies[0].label == "Leave them out"
    (spare,) = [other for other in look(root).findings if other.check == "spare_masks"]
    recipe.save(root, Recipe().add(finding.remedies[0]).add(spare.remedies[0]))
    assert not look(root).refused and len(look(root).facts) == 11


@pytest.mark.parametrize(("count", "severity"), [(1, WARNING), (2, ERROR)])
def test_more_than_a_tenth_unreadable_blocks_training(root: Path, count: int, severity: str) -> None:
    FAULTS["cut off images"].plant(root, ["cell_02", "cell_05"][:count])
    [finding] = look(root).findings
    assert (finding.check, finding.severity, finding.count) == ("unreadable", severity, count)
    assert "images/cell_02.png" in finding.message and str(root) not in finding.message


def test_names_that_differ_by_case_only(root: Path) -> None:
    add(root, "Cell_03", "Cell_03")
    findings = [finding for finding in look(root).findings if finding.check == "names"]
    assert [(finding.severity, set(finding.samples)) for finding in findings] == [(WARNING, {"cell_03", "Cell_03"})]


def test_names_that_differ_by_unicode_form_only(root: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zellkörper") for form in ("NFC", "NFD"))
    add(root, composed, decomposed)
    [finding] = look(root).findings
    assert (finding.check, finding.severity, finding.samples) == ("names", INFO, (composed,))


def test_a_mask_of_another_kind_of_name_than_its_image(root: Path) -> None:
    add(root, "CELL_77", "cell_77")
    [finding] = look(root).findings
    assert (finding.check, finding.severity, finding.samples) == ("names", INFO, ("CELL_77",))


def test_a_folder_of_each_image_without_its_masks(tmp_path: Path) -> None:
    for number in range(6):
        image, mask = draw(number)
        folder = tmp_path / "stage1_train" / f"n{number}"
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True)
        write_png(folder / "images" / f"n{number}.png", image)
        numbers = number_objects(mask)
        for label in range(1, int(numbers.max()) + 1):
            write_png(folder / "masks" / f"{label:03}f.png", (numbers == label).astype(np.uint8) * np.uint8(255))
    shutil.rmtree(tmp_path / "stage1_train" / "n4" / "masks")
    [finding] = look(tmp_path).findings
    assert (finding.check, finding.severity) == ("missing_masks", ERROR) and "n4" in finding.samples[0]
    recipe.save(tmp_path, Recipe().add(finding.remedies[0]))
    assert look(tmp_path).findings == ()
