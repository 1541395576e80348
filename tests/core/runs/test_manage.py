"""Names and notes, sizes, ZIPs and the end of runs, on real run folders."""

import shutil
import threading
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.runs import manage
from unet_core.runs import run as runs
from unet_core.runs.manage import Notes


@pytest.fixture
def run(tmp_path) -> runs.Run:
    run = runs.create(tmp_path / "runs", RunConfig().replace(root="/data/cells"))
    run.events.write_text("one\n")
    (run.checkpoints / "best").mkdir(parents=True)
    (run.checkpoints / "best" / "model.safetensors").write_bytes(b"x" * 1000)
    return run


def test_a_run_is_called_by_its_id_until_it_has_a_name(run):
    assert manage.notes(run) == Notes()
    assert manage.label(run) == run.id
    manage.write_notes(run, Notes("  my \n best ", "läuft\ngut "))
    assert manage.notes(run) == Notes("my best", "läuft\ngut")
    assert manage.label(run) == "my best"
    assert runs.find(run.folder.parent) == [run], "its folder stays where it is"


@pytest.mark.parametrize("text", ["", "[]", "{", '"a"', "\x00"])
def test_damaged_notes_are_no_notes(run, text):
    (run.folder / manage.NOTES).write_text(text)
    assert manage.notes(run) == Notes()


@pytest.mark.parametrize("notes", [Notes("n" * 81), Notes(note="n" * 4001)])
def test_what_is_too_long_is_refused_and_the_old_kept(run, notes):
    manage.write_notes(run, Notes("a"))
    with pytest.raises(RunError, match="characters"):
        manage.write_notes(run, notes)
    assert manage.notes(run) == Notes("a")


def test_the_size_counts_every_file_and_no_link(run, tmp_path):
    before = manage.size(run)
    (tmp_path / "big").write_bytes(b"y" * 5000)
    (run.folder / "link").symlink_to(tmp_path / "big")
    (run.folder / "film").mkdir()
    (run.folder / "film" / "a.png").write_bytes(b"z" * 77)
    assert manage.size(run) == before + 77
    assert before >= 1000


def test_the_zip_unpacks_into_a_run_that_can_be_read(run, tmp_path):
    run.beat()
    run.request_stop()
    (run.folder / "link").symlink_to("/etc/passwd")
    manage.pack(run, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        packed.extractall(tmp_path / "elsewhere")
    assert all(name.startswith(f"{run.id}/") for name in names)
    assert not [name for name in names if "heartbeat" in name or "control" in name or "link" in name]
    (copy,) = runs.find(tmp_path / "elsewhere")
    assert copy.config == run.config.replace(root=Path(run.config.data.root).name)
    assert str(Path(run.config.data.root).parent) not in (copy.folder / "config.json").read_text()
    assert (copy.best / "model.safetensors").read_bytes() == b"x" * 1000
    assert not list(tmp_path.glob("*.part"))


def test_no_setting_in_the_zip_says_where_a_file_lies(tmp_path):
    paths = {"root": "/home/zelda/cells", "color_map": "/home/zelda/colors.txt", "init": "/home/zelda/runs/one"}
    config = RunConfig().replace(**paths)
    run = runs.create(tmp_path / "runs", config)
    manage.pack(run, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        text = packed.read(f"{run.id}/config.json").decode()
    assert "zelda" not in text
    assert RunConfig.from_json(text) == config.replace(root="cells", color_map="colors.txt", init="one")
    relative = runs.create(
        tmp_path / "runs", RunConfig().replace(root="cells", color_map="0,0,0;255,0,0", init="org/net")
    )
    manage.pack(relative, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        assert RunConfig.from_json(packed.read(f"{relative.id}/config.json").decode()) == relative.config


def test_the_model_alone_is_its_checkpoint(run, tmp_path):
    manage.pack_model(run, tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [f"{run.id}/model.safetensors"]
        assert packed.read(f"{run.id}/model.safetensors") == b"x" * 1000
    run.best.rename(run.best.with_name("best.old"))  # a kill between two renames
    manage.pack_model(run, tmp_path / "model.zip")
    shutil.rmtree(run.checkpoints)
    with pytest.raises(RunError, match="has saved no epoch yet"):
        manage.pack_model(run, tmp_path / "model.zip")


def test_a_zip_that_cannot_be_written_leaves_nothing(run, tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        manage.pack(run, tmp_path / "missing" / "run.zip")
    manage.delete(run)
    with pytest.raises(RunError, match="was deleted meanwhile"):
        manage.pack(run, tmp_path / "run.zip")
    assert not list(tmp_path.glob("run.zip*"))


def test_a_deleted_run_is_gone_and_no_other(run):
    other = runs.create(run.folder.parent, RunConfig().replace(root="/data/others"))
    manage.delete(run)
    assert runs.find(run.folder.parent) == [other]
    assert not run.folder.exists()
    assert manage.delete(run) is None, "a second click"
    assert [item.name for item in manage.deleted(run.folder.parent)] == [run.id]


def test_a_run_that_is_deleted_permanently_is_nowhere(run):
    assert manage.delete(run, permanently=True) is None
    assert not (run.folder.parent / manage.TRASH).exists()
    assert not list(run.folder.parent.rglob("*.safetensors"))


def test_a_deleted_run_is_restored_as_it_was_after_a_restart_too(run):
    manage.write_notes(run, Notes("mine"))
    with (run.folder / "events.jsonl").open("rb") as opened:  # somebody reads it
        removed = manage.delete(run)
        assert opened.read() == b"one\n"
    (item,) = manage.deleted(run.folder.parent)  # from the disk: nothing is remembered
    assert (item.key, item.name, item.notes) == (removed.key, run.id, {"label": "mine"})
    back = manage.restore(run.folder.parent, item.key)
    assert back == run and manage.notes(run) == Notes("mine")
    assert (run.best / "model.safetensors").read_bytes() == b"x" * 1000
    assert manage.deleted(run.folder.parent) == []
    assert not (run.folder.parent / manage.TRASH).exists()
    with pytest.raises(RunError, match="no longer in the trash"):
        manage.restore(run.folder.parent, item.key)


def test_a_restored_run_never_replaces_another(run):
    removed = manage.delete(run)
    (run.folder / "control").mkdir(parents=True)
    (run.folder / "config.json").write_text("another")
    back = manage.restore(run.folder.parent, removed.key)
    assert back.id == f"{run.id}-2" and (back.best / "model.safetensors").exists()
    assert (run.folder / "config.json").read_text() == "another"


def test_a_restored_run_does_not_start_by_itself(run):
    (run.folder / "queue").write_text("1")  # queued, and its process was killed
    back = manage.restore(run.folder.parent, manage.delete(run).key)
    assert not back.queued


def test_a_name_that_leads_out_of_the_folder_is_not_restored(run):
    removed = manage.delete(run)
    about = run.folder.parent / manage.TRASH / f"{removed.key}.json"
    about.write_text(about.read_text().replace(run.id, "../outside"))
    with pytest.raises(RunError, match="no longer in the trash"):
        manage.restore(run.folder.parent, removed.key)
    assert not (run.folder.parent.parent / "outside").exists()


def test_emptying_keeps_what_was_deleted_just_now(run):
    manage.delete(run)
    manage.empty_trash(run.folder.parent)
    assert len(manage.deleted(run.folder.parent)) == 1
    manage.empty_trash(run.folder.parent, keep_seconds=0)
    assert manage.deleted(run.folder.parent) == []
    assert not (run.folder.parent / manage.TRASH).exists()


def test_a_living_run_is_not_deleted(run):
    run.beat()
    done, held = threading.Event(), threading.Event()

    def hold():
        with FileLock(run.folder / "lock"):
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    try:
        with pytest.raises(RunError, match="Stop it"):
            manage.delete(run)
        assert run.best.exists()
    finally:
        done.set()
        thread.join()
    manage.delete(run)
    assert not run.folder.exists()


def test_remains_of_an_interrupted_deletion_go_with_the_next(run):
    remains = run.folder.parent / manage.TRASH / "old-1" / "checkpoints"
    remains.mkdir(parents=True)
    assert runs.find(run.folder.parent) == [run]
    manage.delete(run)
    assert not remains.exists()
