"""Runs that are removed from the queue, and queued again as they were."""

import pytest

from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.runs import control, manage, queue
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import RunFinished, RunStarted
from unet_core.training import launch, requeue

STARTED = RunStarted("cpu", "fp32", 1, 1000, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3)


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    """Three runs in the queue without a process, of 1, 2 and 3 epochs; none gets one."""

    def launch_queued(config, runs_dir):
        run = runs.create(runs_dir, config)
        queue.join(run)
        return run

    monkeypatch.setattr(launch, "launch", launch_queued)
    monkeypatch.setattr(launch, "start", queue.join)
    made = [runs.create(tmp_path, RunConfig().replace(root="/data/cells", epochs=number)) for number in (1, 2, 3)]
    for run in made:
        queue.join(run)
    return made


def order(folder) -> list[int]:
    return [run.config.train.epochs for run in queue.waiting(folder)]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_one_comes_back_to_its_position_with_its_name(waiting, tmp_path, index):
    manage.write_notes(waiting[index], manage.Notes("mine"))
    removed = requeue.withdraw([waiting[index]])
    assert not waiting[index].folder.exists()
    assert [item.position for item in removed] == [index]
    (again,) = requeue.put_back(tmp_path, removed)
    assert order(tmp_path) == [1, 2, 3]
    assert again.queued and manage.notes(again).name == "mine"


def test_all_come_back_in_their_order(waiting, tmp_path):
    removed = requeue.withdraw(waiting)
    assert order(tmp_path) == [] and len(removed) == 3
    requeue.put_back(tmp_path, removed)
    assert order(tmp_path) == [1, 2, 3]


def test_a_run_that_has_begun_stays_the_same_run_and_continues_as_it_was_to(waiting, tmp_path):
    run = waiting[1]
    log = EventLog(run.events)
    log.append(STARTED)
    log.append(RunFinished("completed", 2, 0.7, 0.5, 9.0, 1.0))
    log.close()
    run.last.mkdir(parents=True)
    control.request_continue(run.control, 7, 0.001)
    removed = requeue.withdraw([run])
    assert run.folder.exists() and not run.queued
    assert control.read_continue_request(run.control) is None
    assert requeue.put_back(tmp_path, removed) == [run]
    request = control.read_continue_request(run.control)
    assert (request.epochs, request.lr) == (7, 0.001)
    assert order(tmp_path) == [1, 2, 3]


def test_one_that_has_started_meanwhile_is_told_and_among_several_left_alone(waiting, tmp_path):
    (waiting[0].folder / "queue").unlink()
    with pytest.raises(RunError, match="is not in the queue"):
        requeue.withdraw([waiting[0]])
    assert [item.run for item in requeue.withdraw(waiting)] == waiting[1:]
    assert waiting[0].folder.exists()
