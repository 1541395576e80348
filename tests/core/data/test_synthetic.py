"""The built-in dataset: reproducible, exact masks, hard enough for a threshold, safe to write."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.data.synthetic import NAME, SIDES, draw, write
from unet_core.errors import ConfigError, DataError

Bytes = NDArray[np.uint8]
Pictures = list[tuple[Bytes, Bytes]]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return [draw(0, index) for index in range(48)]


def decode(path: Path) -> Bytes:
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(raw, cv2.IMREAD_UNCHANGED), np.uint8)


def dice(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(found & true) / (found.sum() + true.sum()))


def files_under(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_same_arguments_give_the_same_bytes_in_this_process_and_in_another(
    pictures: Pictures,
) -> None:
    draw(5, 5)  # no state is carried from one call to the next
    here = [hashlib.sha256(part.tobytes()).hexdigest() for part in draw(0, 7)]
    assert here == [hashlib.sha256(part.tobytes()).hexdigest() for part in pictures[7]]
    program = (
        "import hashlib; from unet_core.data.synthetic import draw\n"
        "for part in draw(0, 7): print(hashlib.sha256(part.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.split() == here


def test_every_seed_and_index_is_another_picture() -> None:
    drawn = {draw(seed, index)[0].tobytes() for seed in range(4) for index in range(4)}
    assert len(drawn) == 16


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -1)])
def test_negative_numbers_are_refused(seed: int, index: int) -> None:
    with pytest.raises(ValueError, match="-1"):
        draw(seed, index)


def test_shapes_types_and_ranges(pictures: Pictures) -> None:
    for image, mask in pictures:
        assert image.dtype == mask.dtype == np.uint8
        assert image.shape == mask.shape
        assert SIDES[0] <= min(image.shape) <= max(image.shape) <= SIDES[1]
        assert set(np.unique(mask)) == {0, 1}
        assert 0.05 <= mask.mean() <= 0.60
    assert len({image.shape for image, _ in pictures}) > 24


def test_background_is_dark_and_nuclei_stand_out_in_every_picture(pictures: Pictures) -> None:
    for image, mask in pictures:
        assert np.median(image[mask == 0]) < 45
        assert np.mean(image[mask == 1]) > 2 * np.mean(image[mask == 0])


def test_the_mask_ends_where_the_nuclei_end(pictures: Pictures) -> None:
    """Brightness must drop across the mask's own edge, and less across a shifted one."""

    def step(image: Bytes, mask: Bytes) -> float:
        cross = np.ones((3, 3), np.uint8)
        inner, outer = mask - cv2.erode(mask, cross), cv2.dilate(mask, cross) - mask
        return float(image[inner == 1].mean() - image[outer == 1].mean())

    own = np.mean([step(image, mask) for image, mask in pictures])
    for shift in (-4, -2, 2, 4):
        for axis in (0, 1):
            shifted = [step(image, np.roll(mask, shift, axis)) for image, mask in pictures]
            assert own > 1.1 * np.mean(shifted)


def test_nuclei_touch(pictures: Pictures) -> None:
    """Pieces of the mask that fall apart when 4 px are taken off their rim were several nuclei."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    splits = 0
    for _, mask in pictures:
        count, pieces = cv2.connectedComponents(mask)
        _, cores = cv2.connectedComponents(cv2.erode(mask, disc))
        for piece in range(1, count):
            splits += len(set(np.unique(cores[pieces == piece])) - {0}) > 1
    assert splits > 3 * len(pictures)


def test_every_picture_has_debris_outside_of_its_mask(pictures: Pictures) -> None:
    for image, mask in pictures:
        far = cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0
        usual, spread = np.median(image[far]), np.median(np.abs(image[far] - np.median(image[far])))
        bright = (far & (image > usual + 10 * max(spread, 1.0))).astype(np.uint8)
        assert cv2.connectedComponents(bright)[0] - 1 >= 3


def test_one_threshold_is_not_enough(pictures: Pictures) -> None:
    scores = []
    for image, mask in pictures:
        _, found = cv2.threshold(image, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        scores.append(dice(found == 1, mask == 1))
    assert 0.6 <= np.mean(scores) <= 0.8
    assert max(scores) < 0.93


def test_what_otsu_misses_still_stands_out(pictures: Pictures) -> None:
    """Nuclei below the threshold are dim, but brighter than the background around them."""
    for image, mask in pictures:
        _, found = cv2.threshold(image, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        missed = (cv2.erode(mask, np.ones((5, 5), np.uint8)) == 1) & (found == 0)
        dark = cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0
        if np.count_nonzero(missed) > 50:
            assert np.median(image[missed]) > np.median(image[dark]) + 3 * np.std(image[dark & (image < 40)])


def test_write_makes_what_draw_draws(tmp_path: Path) -> None:
    root = tmp_path / "a folder" / "données 细胞"
    assert write(root, images=3, seed=4) == root
    assert {path.name for path in root.iterdir()} == {"images", "masks", "README.txt"}
    for index in range(3):
        image, mask = draw(4, index)
        np.testing.assert_array_equal(decode(root / "images" / NAME.format(index)), image)
        np.testing.assert_array_equal(decode(root / "masks" / NAME.format(index)), 255 * mask)
    assert len(files_under(root)) == 7
    assert "images: 3\nseed: 4\n" in (root / "README.txt").read_text(encoding="utf-8")
    assert list(root.parent.iterdir()) == [root], "the temporary folder stayed"


def test_a_complete_set_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "set", images=2)
    before = {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}
    monkeypatch.setattr("unet_core.data.synthetic.draw", None)  # calling it would raise TypeError
    assert write(root, images=2) == root
    assert before == {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}
    with pytest.raises(TypeError):
        write(root, images=3)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    assert len(files_under(write(tmp_path, images=1))) == 3


@pytest.mark.parametrize("name", ["README.txt", "images/cells_000.png", "notes/mine.txt"])
def test_files_of_others_are_never_touched(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "set" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    with pytest.raises(DataError, match="set"):
        write(tmp_path / "set", images=1)
    assert files_under(tmp_path) == {f"set/{name}": b"mine"}


def test_a_set_of_the_first_release_is_used_again(tmp_path: Path) -> None:
    root = write(tmp_path / "set", images=2)
    (root / "README.txt").write_text(
        "Built-in sample dataset: fluorescence-like pictures of nuclei, drawn by a program.\n"
        "Masks: 255 on nuclei, dim ones too; 0 elsewhere.\n\nimages: 2\nseed: 0\n"
    )
    before = files_under(root)
    assert write(root, images=2) == root
    assert files_under(root) == before


def test_a_file_in_the_way_and_a_damaged_or_different_set_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError):
        write(tmp_path / "file", images=1)
    root = write(tmp_path / "set", images=2)
    with pytest.raises(DataError):
        write(root, images=2, seed=1)
    (root / "masks" / NAME.format(1)).unlink()
    with pytest.raises(DataError):
        write(root, images=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "set"]


@pytest.mark.parametrize(("images", "seed"), [(0, 0), (1, -1)])
def test_impossible_sets_are_refused_before_anything_is_written(tmp_path: Path, images: int, seed: int) -> None:
    with pytest.raises(ConfigError, match="images"):
        write(tmp_path / "set", images=images, seed=seed)
    assert not list(tmp_path.iterdir())


def test_a_writer_that_dies_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw_two(seed: int, index: int) -> tuple[Bytes, Bytes]:
        assert not (tmp_path / "set").exists(), "a half-written set can be seen"
        if index == 2:
            raise MemoryError
        return draw(seed, index)

    monkeypatch.setattr("unet_core.data.synthetic.draw", draw_two)
    with pytest.raises(MemoryError):
        write(tmp_path / "set", images=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("start", ["absent", "empty"])
def test_threads_that_race_all_get_the_whole_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    root = tmp_path / "set"
    if start == "empty":
        root.mkdir()
    line = Barrier(4)

    def draw_together(seed: int, index: int) -> tuple[Bytes, Bytes]:
        line.wait(timeout=60)  # so each of the four has looked and found nothing
        return draw(seed, index)

    monkeypatch.setattr("unet_core.data.synthetic.draw", draw_together)
    with ThreadPoolExecutor(4) as pool:
        raced = [pool.submit(write, root, 2, 9) for _ in range(4)]
    assert [future.result() for future in raced] == [root] * 4
    monkeypatch.undo()
    assert files_under(root) == files_under(write(tmp_path / "alone", images=2, seed=9))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "set"]


def test_processes_that_race_all_get_the_whole_set(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from unet_core.data.synthetic import write\n"
        "sys.stdin.readline(); root = write(Path(sys.argv[1]), 3, 9)\n"
        "print(len(list(root.glob('*/*.png'))))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "set")]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        out, err = racer.communicate()
        assert (racer.returncode, out.strip()) == (0, "6"), err
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
