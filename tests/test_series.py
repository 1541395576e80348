"""A series: several presets on the same data one after another, and their table."""

import pytest

from tests.browser.conftest import poll
from unet_core import runs, series, worker
from unet_core.errors import ConfigError, DataError, RunError
from unet_core.eventlog import EventLog
from unet_core.events import EpochFinished, RunFinished, RunStarted
from unet_core.presets import preset

TINY = {"base_channels": 2, "depth": 1, "image_size": 16, "crops_per_image": 1, "epochs": 1}


def test_the_same_changes_go_to_every_preset(sample_folder):
    wanted = series.configs(["mp-tr-bce", "strconv-ups-dice"], {"epochs": 3, "root": str(sample_folder)}, "series-1")
    assert list(wanted) == ["mp-tr-bce", "strconv-ups-dice"]
    assert {config.train.epochs for config in wanted.values()} == {3}
    assert [config.train.series for config in wanted.values()] == ["series-1 mp-tr-bce", "series-1 strconv-ups-dice"]
    assert wanted["strconv-ups-dice"].model.down == "strided_conv"
    with pytest.raises(ConfigError, match="Unknown preset 'x'"):
        series.configs(["x"], {}, "series-1")


def test_runs_are_trained_in_turn_and_kept(tmp_path, sample_folder):
    wanted = series.configs(["mp-tr-bce", "strconv-ups-dice"], {"root": str(sample_folder), **TINY}, "series-1")
    started = []
    for run in series.train_all(wanted, tmp_path):
        assert not any(earlier.state().active for earlier in started)
        started.append(run)
    rows = series.rows(tmp_path, "series-1")
    assert [row.name for row in rows] == ["mp-tr-bce", "strconv-ups-dice"]
    assert [row.run for row in rows] == [run.id for run in started]
    assert {row.state for row in rows} == {"finished"}
    assert all(0 <= row.val_dice <= 1 and row.val_loss > 0 and row.parameters > 0 for row in rows)
    assert series.names(tmp_path) == ["series-1"]


def test_a_row_is_what_the_events_say(tmp_path, sample_folder):
    config = series.configs(["mp-tr-dice"], {"root": str(sample_folder)}, "series-7")["mp-tr-dice"]
    run = runs.create(tmp_path, config)
    log = EventLog(run.events)
    log.append(RunStarted("cpu", "fp32", 1, 4321, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3))
    log.append(EpochFinished(1, 3, 0.9, 0.8, 0.7, 0.5, 0.01, 9.0, 4.0, best=True))
    log.append(EpochFinished(2, 6, 0.8, 0.9, 0.6, 0.4, 0.01, 9.0, 8.0, best=False))
    log.append(RunFinished("completed", 1, 0.7, 0.5, 9.0, 8.0))
    log.close()
    assert series.rows(tmp_path, "series-7") == [
        series.Row("mp-tr-dice", run.id, "finished", 0.7, 0.5, 0.8, 1, 8.0, 4321)
    ]
    assert series.rows(tmp_path, "series-8") == []


def test_nothing_is_started_where_something_is_wrong(tmp_path, sample_folder, monkeypatch):
    good = series.configs(["mp-tr-bce"], {"root": str(sample_folder)}, "")["mp-tr-bce"]
    with pytest.raises(ConfigError, match="Unknown preset"):
        series.start(["nothing"], good, tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        series.start(["mp-tr-bce"], good.replace(root=str(tmp_path / "none")), tmp_path)
    monkeypatch.setattr(runs, "busy", lambda runs_dir: runs.Run(tmp_path / "other"))
    with pytest.raises(RunError, match="Run other is training"):
        series.start(["mp-tr-bce"], good, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_series_goes_on_in_a_process_of_its_own(tmp_path, sample_folder):
    tiny = preset("default").replace(
        root=str(sample_folder), val_fraction=0.4, ignore_index=7, seed=3, epochs=1, image_size=32
    )
    name = series.start(["mp-tr-bce", "mp-tr-dice"], tiny, tmp_path)
    assert series.rows(tmp_path, name)[0].name == "mp-tr-bce"
    poll(lambda: [row.state for row in series.rows(tmp_path, name)] == ["finished"] * 2, 120, "the end of the series")
    for run in runs.find(tmp_path):
        config = run.config
        assert (config.data.val_fraction, config.data.ignore_index, config.train.seed) == (0.4, 7, 3)
        assert (config.train.epochs, config.model.image_size, config.model.depth) == (1, 32, 4)


def test_a_series_that_cannot_begin_says_why(tmp_path, sample_folder, monkeypatch):
    config = preset("default").replace(root=str(sample_folder))
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(worker, "python_path", lambda: str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"did not begin: .*No module named"):
        series.start(["mp-tr-bce"], config, tmp_path / "runs")
