"""Jobs in the server: a fair line, answers kept by bytes, progress, cancel, a broken file among many, who left."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pages.server import background_job, prediction_job
from pages.server.fair_lock import FairLock
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import InputImage, Loaded, PredictionJob
from unet_core.errors import Cancelled, CheckpointError, ImageError, PredictionError
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels

SECONDS = 20.0  # a deadline, never a pause


def answer_of(image: Pixels, note: str = "") -> Prediction:
    return Prediction(
        1, np.zeros(image.shape[:2], np.uint8), probability16=image[:, :, 0].astype(np.uint16) * 257, note=note
    )


class Net:
    """A stand-in for a Predictor: the probability is the picture; `gate` holds it until a test lets it go on."""

    def __init__(self, gate: threading.Semaphore | None = None) -> None:
        self.gate = gate
        self.seen: list[int] = []
        self.at_once = self.most_at_once = 0
        self.entered = threading.Semaphore(0)

    def fit(self, image, channel_names, name) -> tuple[Pixels, str]:
        return image, ""

    def answer(self, image, tta, tile, progress, cancelled) -> Prediction:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.seen.append(int(image[0, 0, 0]))
        self.entered.release()
        try:
            for done in range(1, 4):
                if self.gate is not None:
                    assert self.gate.acquire(timeout=SECONDS)
                progress(done, 3)
                if cancelled():
                    raise Cancelled("The prediction was canceled.")
            return answer_of(image)
        finally:
            self.at_once -= 1


def shade(name: str, gray: int, size: int = 8, adjust: Adjust = prediction_job.NO_ADJUSTMENT) -> InputImage:
    return InputImage(name, f"gray {gray} {size}", lambda: np.full((size, size, 1), gray, np.uint8), adjust)


def broken(name: str) -> InputImage:
    def read() -> Pixels:
        raise ImageError(f"{name}: this is no picture")

    return InputImage(name, name, read)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make(
    net: Any,
    images: list[InputImage],
    lock: FairLock | None = None,
    cache: PredictionCache | None = None,
    **more: Any,
) -> PredictionJob:
    load = net if callable(net) else lambda: Loaded(net, "", "v1")
    job = PredictionJob(load, images, lock or FairLock(), PredictionCache() if cache is None else cache, **more)
    job.start()
    return job


def until(condition: Callable[[], Any], what: str) -> None:
    """Look until it is so."""
    moment, looks = threading.Event(), 0
    while not condition():
        looks += 1
        assert looks < SECONDS / 0.005, f"waited in vain for {what}"
        moment.wait(0.005)  # between two looks, never instead of one


def test_200_pictures_with_one_broken_give_199_answers_and_one_name() -> None:
    pictures = [shade(f"{number}.png", number) for number in range(199)]
    job = make(Net(), [*pictures[:77], broken("bad.png"), *pictures[77:]])
    assert job.wait(SECONDS)
    now = job.poll()
    assert (now.state, now.over, now.fraction, now.images) == ("done", True, 1.0, 200)
    assert job.names_done == tuple(item.name for item in pictures)
    assert job.errors == {"bad.png": "bad.png: this is no picture"}
    assert all((job.prediction(item.name).probability == number).all() for number, item in enumerate(pictures))


def test_a_picture_whose_prediction_fails_is_named_too() -> None:
    class Small(Net):
        def answer(self, image, *rest) -> Prediction:
            if image[0, 0, 0] == 1:
                raise PredictionError("The memory does not hold it.")
            return answer_of(image, note="tile 64 fits")

    job = make(Small(), [shade("a", 0), shade("b", 1), shade("c", 2)])
    assert job.wait(SECONDS)
    assert (job.names_done, job.errors) == (("a", "c"), {"b": "The memory does not hold it."})
    assert job.notes == {"a": "tile 64 fits", "c": "tile 64 fits"}


def test_progress_is_told_while_it_runs() -> None:
    gate = threading.Semaphore(0)
    job = make(Net(gate), [shade("a.png", 1), shade("b.png", 2)])
    seen = []
    for step in range(1, 7):
        gate.release()
        until(lambda step=step: job.poll().images * 3 + job.poll().tiles >= step, f"step {step}")
        seen.append(job.poll().fraction)
    assert job.wait(SECONDS)
    assert seen == sorted(seen) and len(set(seen)) == 6 and seen[-1] == 1
    assert job.poll().sentence == "2 of 2 images"


def test_words_for_a_progress() -> None:
    progress = background_job.JobProgress("running", 1, 3, "b.png", 2, 9, 0, 1.0)
    assert progress.sentence == "2 of 3: b.png, tile 2 of 9"
    assert background_job.JobProgress("running", 0, 1, "a.png", 1, 1, 0, 1.0).sentence == "a.png"
    assert background_job.JobProgress("waiting", 0, 1, "", 0, 0, 2, 1.0).sentence == "Queued: 2 jobs ahead"
    assert background_job.JobProgress("waiting", 0, 1, "", 0, 0, 1, 1.0).sentence == "Queued: 1 job ahead"


def test_many_jobs_take_turns_one_at_a_time_and_see_their_place() -> None:
    """One visitor with many pictures does not keep a second with one, nor a third, from their turn."""
    gate, line = threading.Semaphore(0), FairLock()
    net = Net(gate)
    many = make(net, [shade(f"{number}", number) for number in range(6)], line)
    assert net.entered.acquire(timeout=SECONDS)
    second = make(net, [shade("x", 100)], line)
    until(lambda: second.poll().ahead == 1, "the second in line")
    third = make(net, [shade("y", 200)], line)
    until(lambda: third.poll().ahead == 2, "the third in line")
    assert third.poll().sentence == "Queued: 2 jobs ahead"
    assert many.poll().ahead == 0
    gate.release(3)  # the first picture of the first
    assert net.entered.acquire(timeout=SECONDS)  # one of the three has its next turn, all have the model
    jobs = (many, second, third)
    until(lambda: sum(line.count_ahead(job) > 0 for job in jobs) == 2, "the other two in line")
    for _ in range(100):
        gate.release()
    for job in jobs:
        assert job.wait(SECONDS)
    assert net.most_at_once == 1
    assert sorted(net.seen) == [0, 1, 2, 3, 4, 5, 100, 200]
    assert net.seen.index(100) <= 3 and net.seen.index(200) <= 3


def test_the_line_is_fair() -> None:
    line, order = FairLock(), []
    threads = []
    with line.turn("first"):
        for name in range(8):

            def stand(name: int = name) -> None:
                with line.turn(name):
                    order.append(name)

            threads.append(threading.Thread(target=stand))
            threads[-1].start()
            until(lambda name=name: line.count_ahead(name) == name + 1, f"{name} in line")
    for thread in threads:
        thread.join(SECONDS)
    assert order == list(range(8))
    assert line.count_ahead("nobody") == 0


@pytest.mark.parametrize("waiting", [False, True])
def test_cancel_ends_a_job_that_runs_and_one_that_waits(waiting: bool) -> None:
    gate, line = threading.Semaphore(0), FairLock()
    net = Net(gate)
    first = make(net, [shade("a", 1), shade("b", 2)], line)
    assert net.entered.acquire(timeout=SECONDS)
    for _ in range(3):
        gate.release()
    assert net.entered.acquire(timeout=SECONDS)  # the second picture has begun
    second = make(net, [shade("c", 3)], line)
    until(lambda: second.poll().ahead == 1, "the second in line")
    job = second if waiting else first
    job.cancel()
    gate.release()
    assert job.wait(SECONDS)
    assert job.poll().state == "cancelled" and job.poll().over
    if not waiting:
        assert job.names_done == ("a",)  # what is done stays
        assert (job.prediction("a").probability == 1).all()
    for _ in range(100):
        gate.release()
    other = first if waiting else second
    assert other.wait(SECONDS) and other.poll().state == "done"  # the line goes on
    assert (3 in net.seen) is not waiting


class Slow:
    """An image that is decoded as long as the test wants."""

    def __init__(self, name: str) -> None:
        self.begun, self.may_end = threading.Semaphore(0), threading.Event()
        self.image = InputImage(name, name, self.read)

    def read(self) -> Pixels:
        self.begun.release()
        assert self.may_end.wait(SECONDS)
        return np.full((8, 8, 1), 9, np.uint8)


def test_an_image_that_takes_long_keeps_nobody_from_the_model() -> None:
    slow, line, net = Slow("slow"), FairLock(), Net()
    first = make(net, [slow.image], line)
    assert slow.begun.acquire(timeout=SECONDS)
    others = [make(net, [shade(f"{number}", number)], line) for number in range(5)]
    for job in others:
        assert job.wait(SECONDS)
        assert job.state == "done"
    assert sorted(net.seen) == [0, 1, 2, 3, 4]
    assert not first.wait(0)
    slow.may_end.set()
    assert first.wait(SECONDS)
    assert first.names_done == ("slow",)


def test_cancel_does_not_wait_for_an_image_that_is_decoded() -> None:
    slow, places = Slow("slow"), FairLock(1)
    job = make(Net(), [slow.image], decoding=places)
    assert slow.begun.acquire(timeout=SECONDS)
    job.cancel()
    assert job.wait(SECONDS)
    assert job.state == "cancelled"
    waiting = make(Net(), [shade("a", 1)], decoding=places)
    until(lambda: waiting.poll().ahead == 1, "its place, which the decoder still has")
    slow.may_end.set()
    assert waiting.wait(SECONDS)
    assert waiting.names_done == ("a",)


def test_few_images_are_in_memory_at_once() -> None:
    gate, places = threading.Semaphore(0), FairLock(2)
    slow = [Slow(f"{number}") for number in range(4)]
    jobs = [make(Net(gate), [item.image], FairLock(), decoding=places) for item in slow]
    until(lambda: sum(job.poll().ahead for job in jobs) == 2 + 3, "two decode, two wait behind them")
    for item in slow:
        item.may_end.set()
    until(
        lambda: sum(job.poll().tiles for job in jobs) == 0 and sum(job.poll().ahead for job in jobs) == 5, "the model"
    )
    for _ in range(12):
        gate.release()
    for job in jobs:
        assert job.wait(SECONDS)
        assert job.state == "done"


def test_a_prediction_made_again_does_not_share_the_turn_of_its_job() -> None:
    gate, line = threading.Semaphore(0), FairLock()
    net = Net(gate)
    images = [shade(name, number, 64) for number, name in enumerate("abc")]
    job = make(net, images, line, PredictionCache(most=1, at_hand=1))
    for _ in range(6):
        gate.release()
    until(lambda: len(net.seen) == 3, "the third image in the model")
    assert job.names_done == ("a", "b")
    again = threading.Thread(target=job.prediction, args=("a",))  # no longer cached
    again.start()
    until(lambda: len(line._tickets) == 2, "the first image again, behind the third")
    looks = iter(range(40))
    until(lambda: len(net.seen) > 3 or next(looks, None) is None, "the last look")
    assert net.seen == [0, 1, 2]
    for _ in range(100):
        gate.release()
    again.join(SECONDS)
    assert job.wait(SECONDS)
    assert (net.seen, net.most_at_once) == ([0, 1, 2, 0], 1)


def test_who_leaves_is_not_waited_for() -> None:
    gate, clock = threading.Semaphore(0), Clock()
    net = Net(gate)
    job = make(net, [shade("a", 1), shade("b", 2)], clock=clock, patience=30)
    assert net.entered.acquire(timeout=SECONDS)
    clock.now = 29
    job.poll()
    clock.now = 58
    for _ in range(3):
        gate.release()
    assert net.entered.acquire(timeout=SECONDS)  # polled 29 s ago: it goes on
    clock.now = 60
    gate.release()
    assert job.wait(SECONDS)
    assert (job.state, job.names_done) == ("cancelled", ("a",))


def test_an_answer_is_made_once_for_all_jobs() -> None:
    net, cache = Net(), PredictionCache()
    assert make(net, [shade("a", 1)], cache=cache).wait(SECONDS)
    again = make(net, [shade("other name", 1), shade("b", 2)], cache=cache)
    assert again.wait(SECONDS)
    assert net.seen == [1, 2]
    assert again.names_done == ("other name", "b")
    for different in ({"tta": "flips"}, {"tile": 64}):
        assert make(net, [shade("a", 1)], cache=cache, **different).wait(SECONDS)
    assert make(lambda: Loaded(net, "", "v2"), [shade("a", 1)], cache=cache).wait(SECONDS)
    inverted = make(net, [shade("a", 1, adjust=Adjust(invert=True))], cache=cache)
    assert inverted.wait(SECONDS)
    assert net.seen == [1, 2, 1, 1, 1, 254]


def test_an_answer_to_an_adjusted_picture_has_the_size_of_the_picture() -> None:
    net = Net()
    job = make(net, [shade("a", 9, 20, Adjust(scale=0.5))])
    assert job.wait(SECONDS)
    answer = job.prediction("a")
    assert answer.shape == (20, 20)
    assert answer.probability16 is not None and answer.probability16.shape == (20, 20)
    assert answer.probability16.dtype == np.uint16 and (answer.probability == 9).all()


def test_an_answer_that_is_no_longer_kept_is_made_again() -> None:
    net, cache = Net(), PredictionCache(most=1, at_hand=1)
    job = make(net, [shade("a", 1, 64), shade("b", 2, 64)], cache=cache)
    assert job.wait(SECONDS)
    assert net.seen == [1, 2]
    assert (job.prediction("a").probability == 1).all()
    assert net.seen == [1, 2, 1]
    with pytest.raises(KeyError):
        job.prediction("c")


def test_answers_are_bounded_by_bytes_the_oldest_goes_first() -> None:
    def noise(seed: int) -> Prediction:
        return answer_of(np.random.default_rng(seed).integers(0, 256, (64, 64, 1), np.uint8))

    one = PredictionCache()
    one.put(("0",), noise(0))
    answers = PredictionCache(most=4 * one.nbytes, at_hand=2 * noise(0).nbytes)
    for seed in range(8):
        answers.put((str(seed),), noise(seed))
        assert answers.get(("0",)) is not None  # asked for all the time: it stays
    assert answers.nbytes <= 4.1 * one.nbytes
    kept = [seed for seed in range(8) if answers.get((str(seed),)) is not None]
    assert kept in ([0, 5, 6, 7], [0, 6, 7])
    for seed in kept:
        found = answers.get((str(seed),))
        assert found is not None and np.array_equal(found.probability, noise(seed).probability)


def test_a_damaged_checkpoint_fails_the_job_with_its_reason() -> None:
    def load() -> Loaded:
        raise CheckpointError("model.safetensors: damaged")

    job = make(load, [shade("a", 1)])
    assert job.wait(SECONDS)
    assert (job.poll().state, job.error, job.names_done) == ("failed", "model.safetensors: damaged", ())


def test_what_is_unforeseen_ends_in_the_log_and_the_line_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Net):
        def answer(self, *rest) -> Prediction:
            raise ZeroDivisionError("secret path /home/someone")

    line = FairLock()
    job = make(Wrong(), [shade("a", 1)], line)
    assert job.wait(SECONDS)
    assert job.state == "failed" and "ZeroDivisionError" in job.error and "secret" not in job.error
    assert "secret path" in caplog.text
    assert make(Net(), [shade("a", 1)], line).wait(SECONDS)


def test_two_pictures_of_one_name_are_a_mistake_of_the_page() -> None:
    with pytest.raises(ValueError, match="one name"):
        PredictionJob(lambda: Loaded(None, "", ""), [shade("a", 1), shade("a", 2)], FairLock(), PredictionCache())  # type: ignore[arg-type]
