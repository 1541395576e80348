"""Every command on a run, and every list of runs, for visitors who do not own it."""

import pytest

from tests.helpers.pages import EPOCH, STARTED, make_run
from unet_core.errors import RunError
from unet_core.io import owners
from unet_core.runs import leaderboard, manage, queue
from unet_core.runs import run as runs
from unet_core.runs.manage import Notes
from unet_core.training import launch, requeue

ANNA, BERT = "a" * 32, "b" * 32


def run_of(runs_dir, sample_folder, owner, *events):
    with owners.acting_as(owner):
        return make_run(runs_dir, sample_folder, *events)


@pytest.fixture
def annas(tmp_path, sample_folder):
    return run_of(tmp_path, sample_folder, ANNA, STARTED, EPOCH)


@pytest.fixture
def servers(tmp_path, sample_folder):
    return run_of(tmp_path, sample_folder, None, STARTED, EPOCH)


def content(run):
    return {path.relative_to(run.folder): path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


COMMANDS = {
    "stop": lambda run: run.request_stop(),
    "pause": lambda run: run.request_pause(),
    "unpause": lambda run: run.request_unpause(),
    "learning rate": lambda run: run.request_lr(0.1),
    "epochs": lambda run: run.request_epochs(3),
    "withdraw requests": lambda run: run.clear_requests(),
    "notes": lambda run: manage.write_notes(run, Notes("x", "y")),
    "delete": manage.delete,
    "delete for good": lambda run: manage.delete(run, permanently=True),
    "resume": launch.start,
    "continue": launch.continue_run,
    "queue up": lambda run: queue.move(run, -1),
    "queue remove": queue.remove,
    "queue withdraw": lambda run: requeue.withdraw([run]),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("actor", [BERT, owners.STRANGER])
def test_no_command_of_another_has_an_effect(annas, servers, name, actor):
    queue.join(annas)
    queue.join(servers)
    for run, message in ((annas, "There is no run"), (servers, "belongs to this server")):
        before = content(run)
        with owners.acting_as(actor), pytest.raises(RunError, match=message):
            COMMANDS[name](run)
        assert content(run) == before


def test_the_owner_commands_and_the_operator_too(annas):
    for actor in (ANNA, None):
        with owners.acting_as(actor):
            annas.request_stop()
            annas.clear_requests()
            manage.write_notes(annas, Notes(f"of {actor}"))
    assert manage.notes(annas).name == "of None"
    assert not annas.stop_requested()


def test_lists_hold_ones_own_and_the_servers(tmp_path, sample_folder, annas, servers):
    berts = run_of(tmp_path, sample_folder, BERT)
    for actor, seen in ((ANNA, {annas, servers}), (BERT, {berts, servers}), (owners.STRANGER, {servers})):
        with owners.acting_as(actor):
            assert set(runs.find(tmp_path)) == seen
            for run in (annas, berts, servers):
                if run in seen:
                    assert runs.get(tmp_path, run.id) == run
                else:
                    with pytest.raises(RunError, match="There is no run"):
                        runs.get(tmp_path, run.id)
    assert set(runs.find(tmp_path)) == {annas, berts, servers}


def test_the_names_of_sweeps_are_told_to_their_owner_alone(tmp_path, sample_folder):
    from unet_core.config.schema import RunConfig

    with owners.acting_as(ANNA):
        runs.create(tmp_path, RunConfig().replace(root=str(sample_folder), series="secret lr=1"))
        assert leaderboard.names(tmp_path) == ["secret"]
    with owners.acting_as(BERT):
        assert leaderboard.names(tmp_path) == []


def test_the_trash_is_the_owners(tmp_path, sample_folder, annas):
    berts = run_of(tmp_path, sample_folder, BERT, STARTED)
    with owners.acting_as(ANNA):
        removed = manage.delete(annas)
        assert removed is not None
    with owners.acting_as(BERT):
        own = manage.delete(berts)
        assert own is not None
        assert [item.key for item in manage.deleted(tmp_path)] == [own.key]
        assert manage.deleted_size(tmp_path, removed.key) == 0 < manage.deleted_size(tmp_path)
        with pytest.raises(RunError, match="no longer in the trash"):
            manage.restore(tmp_path, removed.key)
        manage.empty_trash(tmp_path, 0)
    assert [item.key for item in manage.deleted(tmp_path)] == [removed.key], "one's own are gone, and no others"
    with owners.acting_as(ANNA):
        assert manage.restore(tmp_path, removed.key) == annas
        assert owners.is_own(annas.folder)


def test_a_visitor_moves_a_run_among_the_own_ones_alone(tmp_path, sample_folder):
    order = [run_of(tmp_path, sample_folder, owner) for owner in (ANNA, BERT, ANNA, BERT)]
    for run in order:
        queue.join(run)
    first, second, third, fourth = order
    assert queue.waiting(tmp_path) == order
    with owners.acting_as(BERT):
        queue.move(fourth, -3)
        assert queue.waiting(tmp_path) == [first, fourth, third, second]
        queue.move(fourth, -1)
        assert queue.waiting(tmp_path) == [first, fourth, third, second], "not before another's"
        queue.move(fourth, 1)
    assert queue.waiting(tmp_path) == order


def test_who_has_the_device_does_not_have_the_next_turn_too(tmp_path, sample_folder, monkeypatch):
    active = run_of(tmp_path, sample_folder, ANNA, STARTED)
    waiting = run_of(tmp_path, sample_folder, ANNA)
    monkeypatch.setattr(runs, "find_active", lambda runs_dir: active)
    queue.join(waiting)
    other = run_of(tmp_path, sample_folder, BERT)
    queue.join(other)
    assert queue.waiting(tmp_path) == [other, waiting]


def test_runs_of_the_operator_wait_in_the_order_of_their_coming(tmp_path, sample_folder):
    order = [run_of(tmp_path, sample_folder, None) for _ in range(4)]
    for run in order:
        queue.join(run)
    assert queue.waiting(tmp_path) == order


def test_a_packed_run_does_not_say_whose_it_was(tmp_path, annas):
    import zipfile

    manage.pack(annas, tmp_path / "run.zip")
    assert not [name for name in zipfile.ZipFile(tmp_path / "run.zip").namelist() if name.endswith(owners.FILE)]


def test_admission_is_asked_before_anything_is_written(tmp_path, sample_folder, annas, monkeypatch):
    asked = []

    def refuse(configs, runs_dir, are_new):
        asked.append((len(configs), are_new))
        raise RunError("not now")

    monkeypatch.setattr(launch, "_ADMISSIONS", [refuse])
    before = content(annas)
    (annas.last).mkdir(parents=True)
    for start in (
        lambda: launch.launch(annas.config, tmp_path),
        lambda: launch.start(annas),
        lambda: launch.continue_run(annas, 3),
    ):
        with pytest.raises(RunError, match="not now"):
            start()
    assert asked == [(1, True), (1, False), (1, False)]
    assert content(annas) == before and runs.find(tmp_path) == [annas]
