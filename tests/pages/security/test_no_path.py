"""Row E06 on the pages of a public server: 18 paths in every parameter and box open no file and list no folder."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pages.server import paths
from tests.helpers.pages import EPOCH, STARTED, finish_job, make_run, show, texts
from unet_core.config.schema import RunConfig
from unet_core.data.library import folders
from unet_core.data.masks.values import parse_color_map
from unet_core.errors import DataError
from unet_core.runs.run import Run
from unet_core.training import sweep

CANARY = "canary-7f3a"
PARAMETERS = {
    "home": ("dataset", "run", "root"),
    "data": ("dataset", "image", "root"),
    "train": ("dataset", "run", "root", "recipe", "color_map", "init", "group_by", "runs", "sweep"),
    "predict": ("run", "upload", "example", "of", "image"),
    "evaluate": ("run", "dataset", "image", "root"),
    "compare": ("runs", "duel_a", "duel_b", "dataset", "image", "leaderboard_dataset"),
    "share": ("run", "model"),
}
PAYLOADS = (
    "{secret}", "{secret}/", "{secret}/images", "{secret}/colors.txt", "{secret}/studio.json", "{secret}/model",
    "file://{secret}", '"{secret}"', "{secret}/images/../images", "../{name}", "../{name}/colors.txt", "link",
    "runs/../{name}", "..", "/etc/passwd", "//etc//passwd", "..\\..\\{name}", "%2e%2e%2f{name}",
)  # fmt: skip

_watched: list[Path] = []
_opened: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes | Path):
        name = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
        if "etc/passwd" in name or Path(name).resolve().is_relative_to(_watched[0]):
            _opened.append(name)


sys.addaudithook(_watch)


@pytest.fixture
def secret(place: Path, tmp_path: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder beside the app's own with all that a parameter could name; nothing in it may be opened."""
    folder = Path(shutil.copytree(sample_folder, tmp_path / "hidden"))
    (folder / "colors.txt").write_text(f"0,0,0,{CANARY}\n255,255,255,cells\n")
    (folder / "studio.json").write_text('{"version": 1, "name": "' + CANARY + '"}')
    shutil.copytree(Path(__file__).parents[2] / "golden" / "release_0_1" / "run", folder / "model")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "link").symlink_to(folder)
    make_run(place, sample_folder, STARTED, EPOCH)
    monkeypatch.chdir(place)
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    _opened.clear()
    _watched[:] = [folder.resolve()]
    yield folder
    _watched.clear()


def fill(payload: str, secret: Path) -> str:
    return payload.format(secret=secret, name=secret.name)


def test_the_watch_sees_what_is_opened(secret: Path) -> None:
    (secret / "colors.txt").read_text()
    list((secret.parent / "datasets" / "link").iterdir())
    assert len(_opened) == 2
    assert len(PAYLOADS) == 18


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_parameter_is_read_as_a_path(payload: str, secret: Path) -> None:
    value = fill(payload, secret)
    for page, names in PARAMETERS.items():
        app = show(page, source="Local folder", **dict.fromkeys(names, value))
        assert not app.exception, page
        assert CANARY not in texts(app), page
    assert _opened == []
    assert paths.library().entries() == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_setting_takes_a_path(payload: str, secret: Path) -> None:
    value = fill(payload, secret)
    assert not any(paths.may_set(name, value) for name in ("init", "color_map", "recipe"))
    with pytest.raises(DataError):
        parse_color_map(value, secret.parent / "datasets")
    assert _opened == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_elsewhere_a_path_leads_nowhere_outside_the_data_root(payload: str, secret: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        folders.parse_path(fill(payload, secret), tmp_path / "datasets")  # `link` lies in it and leads out
    assert _opened == []


def test_no_page_says_where_the_server_keeps_things(
    trained: Run, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNET_RUNS", str(trained.folder.parent))
    listed = {"view": "Runs", "runs": trained.id}
    duel = {"compare_view": "Duel", "duel_a": trained.id, "duel_b": trained.id}
    for page, query in (("evaluate", {}), ("train", listed), ("data", {}), ("compare", duel)):
        app = finish_job(show(page, run=trained.id, **query), "scoring")
        codes = "\n".join(code.value for code in app.code)
        assert codes or page in ("data", "compare")
        for folder in (trained.folder.parent, Path(trained.config.data.root).parent, secret.parent):
            assert str(folder) not in texts(app) + codes, page


def test_a_box_with_a_path_says_that_it_is_not_used(secret: Path) -> None:
    app = show("train")
    app.text_input(key="color_map").set_value(str(secret / "colors.txt")).run()
    assert "may be a file of this server" in texts(app)
    assert "Enter the colors themselves" in texts(app)
    assert app.text_input(key="color_map").value == ""
    assert not [box.label for box in app.text_input if box.label == "Path"]
    assert _opened == []


def test_a_sweep_takes_no_path_either(secret: Path) -> None:
    app = show("train", view="Sweep")
    app.multiselect(key="sweep_more").set_value(["color_map"]).run()
    app.text_input(key="sweep_color_map").set_value(f"{secret}/colors.txt").run()
    assert not app.exception
    assert "may be a file of this server" in texts(app)
    assert _opened == []
    assert sweep.parse_values("color_map", "a.txt") == ["a.txt"], "the page refuses it, not the core"


def test_a_recipe_that_was_uploaded_names_files_of_its_dataset_alone(secret: Path, tmp_path: Path) -> None:
    root = tmp_path / "datasets" / "cells"
    root.mkdir()
    (root / "colors.txt").write_text("0,0,0\n255,255,255\n")
    (root / "out.txt").symlink_to(secret / "colors.txt")
    assert len(parse_color_map("colors.txt", root)) == 2
    for name in ("out.txt", f"../../{secret.name}/colors.txt", str(secret / "colors.txt")):
        with pytest.raises(DataError, match="there is no file"):
            parse_color_map(name, root)
    assert _opened == []


def test_what_names_no_path_may_be_set(place: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    run = make_run(place, sample_folder, STARTED, EPOCH)
    assert not paths.may_set("init", run.id), "it has no checkpoint"
    run.best.mkdir(parents=True)
    (run.best / "model.safetensors").write_bytes(b"")
    (place / "models" / "net").mkdir(parents=True)
    (place / "models" / "net" / "model.safetensors").write_bytes(b"")
    for name, value in {"color_map": "0,0,0; 255,0,0", "recipe": "none", "loss": "bce", "group_by": "^(a/b)_"}.items():
        assert paths.may_set(name, value)
        assert paths.may_set(name, getattr(RunConfig().data, name, ""))
    assert all(paths.may_set("init", name) for name in (run.id, "net", "", None))
    monkeypatch.delenv("UNET_STUDIO_PUBLIC")
    assert paths.may_set("init", "/any/folder")
