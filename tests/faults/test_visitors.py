"""Rows F01 and F03 of the fault table: on a public server a visitor neither sees nor commands what is another's."""
# ruff: noqa: N802 - the rows of the table have capital letters

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import APIRequestContext, Browser, BrowserContext, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.helpers.browser import ARGUMENTS, CHROMIUM, Server, poll, wait_until
from tests.helpers.processes import make_data, sweep
from unet_core.io import owners
from unet_core.io.trash import find as find_removed
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.run import RunState

SECRET = "zebrafish"  # the name of what the first visitor uploads
TINY = "base_channels=2&depth=1&image_size=16&crops_per_image=1&precision=fp32"
LONG = "100000"


@dataclass
class Visit:
    """What one browser has sent: the addresses that it asked for, and the frames of each socket."""

    context: BrowserContext
    page: Page
    addresses: list[str] = field(default_factory=list)
    sockets: list[list[bytes]] = field(default_factory=list)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in self.context.cookies())


def open_browser(browser: Browser) -> Visit:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    visit = Visit(context, page)

    def follow(socket) -> None:  # type: ignore[no-untyped-def]
        frames: list[bytes] = []
        visit.sockets.append(frames)
        socket.on("framesent", lambda data: frames.append(data) if isinstance(data, bytes) else None)

    page.on("request", lambda request: visit.addresses.append(request.url))
    page.on("websocket", follow)
    return visit


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    """The folder of a server whose operator has placed a model and a dataset."""
    from unet_core.cli.parser import main

    folder = tmp_path_factory.mktemp("public")
    data = make_data(folder / "datasets" / "Shared cells")
    small = ["--epochs", "1", "--base-channels", "2", "--depth", "1", "--image-size", "16", "--crops-per-image", "1"]
    assert main(["train", str(data), "--runs-dir", str(folder / "runs"), *small]) == 0
    return folder


@pytest.fixture(scope="module")
def server(shared: Path) -> Iterator[Server]:
    server = Server(shared, UNET_STUDIO_PUBLIC="1", UNET_STUDIO_MAX_EPOCHS=LONG)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        sweep(server.runs_dir)
    log = server.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") :][:8000]


@pytest.fixture(scope="module")
def first(server: Server, browser: Browser, tmp_path_factory) -> Iterator[Visit]:
    """A visitor who uploads a dataset, trains on it and pauses the run."""
    visit = open_browser(browser)
    page = visit.page
    data = make_data(tmp_path_factory.mktemp("brought") / SECRET)
    page.goto(f"{server.url}/data")
    page.get_by_text("Add a dataset").click()
    page.locator(".uploader[data-state]").wait_for()
    page.locator("[data-is=folder]").set_input_files(data)
    page.get_by_role("button", name=re.compile("^Upload$")).click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    page.goto(f"{server.url}/train?dataset={SECRET}&epochs={LONG}&{TINY}")
    page.get_by_role("button", name=re.compile("Start training|Add to the queue")).click()
    run = poll(lambda: find_own(server), what="the run")
    poll(lambda: run.state() is RunState.RUNNING, 120, "its start")
    # In one go: a click by the mouse that meets a redrawing is made a second time, when the run is paused already.
    page.get_by_role("button", name="Pause").dispatch_event("click")
    poll(lambda: run.state() is RunState.PAUSED, what="the pause")
    run.request_unpause()
    poll(lambda: run.state() is RunState.RUNNING, what="the resumption")
    yield visit
    visit.context.close()


@pytest.fixture(scope="module")
def second(server: Server, browser: Browser) -> Iterator[Visit]:
    visit = open_browser(browser)
    visit.page.goto(server.url)
    expect(visit.page.get_by_role("heading", name="UNet Studio")).to_be_visible()
    yield visit
    visit.context.close()


def find_own(server: Server) -> runs.Run | None:
    """The first visitor's first run."""
    return next((run for run in reversed(runs.find(server.runs_dir)) if owners.owner_of(run.folder)), None)


def settle(page: Page) -> str:
    """The text of a page that is drawn."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    return page.locator("body").inner_text()


# ------------------------------------------------------------------------------------------------------- F01: pages


def test_F01_the_second_visitor_sees_nothing_of_the_first(server: Server, first: Visit, second: Visit) -> None:
    run = find_own(server)
    assert run is not None
    operators = next(other for other in runs.find(server.runs_dir) if owners.owner_of(other.folder) is None)
    page = second.page
    views = ("train?view=Runs", "train?view=Sweep", "compare", "compare?compare_view=Duel")
    for address in ("", "data", "train", *views, "predict", "evaluate", "share"):
        page.goto(f"{server.url}/{address}")
        if address in ("predict", "evaluate", "share"):  # the server's own model is there
            wait_until(page, "id => document.documentElement.outerHTML.includes(id)", arg=operators.id)
        text = settle(page)
        assert run.id not in text and SECRET not in text, address
    for address, problem in (
        (f"train?run={run.id}", run.id),
        (f"predict?run={run.id}", run.id),
        (f"evaluate?run={run.id}", run.id),
        (f"data?dataset={SECRET}", f"There is no dataset '{SECRET}' any more"),
    ):
        page.goto(f"{server.url}/{address}")
        expect(page.get_by_test_id("stAlert").filter(has_text=problem).first).to_be_visible()
        for word in ("Pause", "Stop", "Delete…", "Rename…"):
            expect(page.get_by_role("button", name=word, exact=True)).to_have_count(0)


def test_F01_what_is_the_servers_can_be_used_and_not_changed(server: Server, second: Visit) -> None:
    page = second.page
    page.goto(f"{server.url}/data?dataset=Shared cells")
    expect(page.get_by_text("A dataset of this server")).to_be_visible()
    expect(page.get_by_role("button", name="Rename…")).to_have_count(0)
    expect(page.get_by_role("button", name="Remove…")).to_have_count(0)


# ------------------------------------------------------------------------------------------------------ F01: routes


def ask(asker: APIRequestContext, address: str) -> int:
    return asker.get(address).status


def test_F01_every_route_of_the_first_is_nothing_for_the_second(server: Server, first: Visit, second: Visit) -> None:
    run = find_own(server)
    assert run is not None
    page = first.page
    operators = next(other for other in runs.find(server.runs_dir) if owners.owner_of(other.folder) is None)
    with page.expect_response(re.compile("/viewer/pixels/")):
        page.goto(f"{server.url}/predict?run={operators.id}&example=all")
    settle(page)
    routes = [
        f"{server.url}/api/runs/{run.id}/{part}"
        for part in ("events?since=0&life=0", "film?since=0", "film/probes", "film/1")
    ]
    routes += [address for address in first.addresses if re.search(r"/viewer/(pixels|values|data)/", address)]
    for address in routes:
        assert ask(first.context.request, address) == 200, address
        assert ask(second.context.request, address) == 404, address
    nothing = second.context.request.get(f"{server.url}/api/runs/nothing/events")
    other = second.context.request.get(f"{server.url}/api/runs/{run.id}/events")
    assert other.json()["error"].replace(run.id, "nothing") == nothing.json()["error"], "it tells that there is one"
    activity = second.context.request.get(f"{server.url}/api/activity?run={run.id}").json()
    assert activity == {
        "run": None,
        "waiting": 0,
        "jobs": [],
        "ended": {"id": run.id, "name": run.id, "state": "gone", "dice": None},
    }
    assert first.context.request.get(f"{server.url}/api/activity").json()["run"]["id"] == run.id


def test_F01_an_upload_of_the_first_is_not_there_for_the_second(server: Server, first: Visit, second: Visit) -> None:
    page = first.page
    page.goto(f"{server.url}/data")
    page.get_by_text("Add a dataset").click()
    page.locator(".uploader[data-state]").wait_for()
    page.locator("[data-is=files]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"})
    with page.expect_request(re.compile("/api/uploads")) as request:
        page.get_by_role("button", name=re.compile("^Upload$")).click()
    token = {"X-Upload-Token": request.value.headers["x-upload-token"], "Sec-Fetch-Site": "same-origin"}
    begun = first.context.request.post(
        f"{server.url}/api/uploads", headers=token, data=json.dumps({"name": "n", "files": [["b.png", 5]]})
    )
    assert begun.status == 201
    address = f"{server.url}/api/uploads/{begun.json()['id']}"
    for visit, status in ((second, 404), (first, 200)):
        asker = visit.context.request
        assert asker.get(address, headers=token).status == status
        assert asker.put(f"{address}?offset=0", headers=token, data=b"12345").status == status
    assert second.context.request.post(f"{address}/finish", headers=token, data="{}").status == 404
    assert second.context.request.delete(address, headers=token).status == 404
    assert first.context.request.delete(address, headers=token).status == 200


# ----------------------------------------------------------------------------------------------------- F01: sockets


def replay(server: Server, cookie: str, frames: Sequence[bytes]) -> None:
    """Send frames over a socket of one's own, each after the page has been drawn."""
    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    headers = {"Cookie": cookie, "Origin": server.url}
    with connect(address, subprotocols=[Subprotocol("streamlit")], additional_headers=headers, max_size=None) as socket:
        for frame in frames:
            socket.send(frame)
            with suppress(TimeoutError):  # a frame that starts no run of the page
                while ForwardMsg.FromString(socket.recv(timeout=20)).WhichOneof("type") != "script_finished":
                    pass


def reruns(frames: Sequence[bytes]) -> list[bytes]:
    return [frame for frame in frames if BackMsg.FromString(frame).WhichOneof("type") == "rerun_script"]


def up_to_click(frames: Sequence[bytes], key: str) -> list[bytes]:
    """The first frame of a page, and the one in which the button of a key was clicked."""
    wanted = reruns(frames)
    clicks = [
        frame
        for frame in wanted
        if any(
            state.trigger_value and state.id.endswith(f"-{key}")
            for state in BackMsg.FromString(frame).rerun_script.widget_states.widgets
        )
    ]
    assert clicks, f"{key} was not clicked"
    before = wanted[: wanted.index(clicks[0])]
    return [*[frame for frame in before if not BackMsg.FromString(frame).rerun_script.is_auto_rerun][-3:], clicks[0]]


def test_F01_replayed_messages_of_the_first_have_no_effect(server: Server, first: Visit, second: Visit) -> None:
    run = find_own(server)
    assert run is not None and run.state() is RunState.RUNNING
    frames = next(
        frames
        for frames in first.sockets
        if any(
            state.trigger_value and state.id.endswith("-pause")
            for frame in reruns(frames)
            for state in BackMsg.FromString(frame).rerun_script.widget_states.widgets
        )
    )
    sent = up_to_click(frames, "pause")
    before = {path: path.read_bytes() for path in [run.folder / "config.json", run.folder / "owner"]}
    replay(server, second.cookie, sent)
    assert run.state() is RunState.RUNNING and not any(run.control.iterdir()), "another visitor has paused it"
    assert before == {path: path.read_bytes() for path in before}
    replay(server, "", sent)
    assert run.state() is RunState.RUNNING and not any(run.control.iterdir()), "nobody has paused it"

    replay(server, first.cookie, sent)  # the same messages do it for their owner: they are the right ones
    poll(lambda: run.state() is RunState.PAUSED, what="the pause")
    run.request_unpause()
    poll(lambda: run.state() is RunState.RUNNING, what="the resumption")


def test_F01_widget_states_that_name_the_run_of_the_first_have_no_effect(
    server: Server, first: Visit, second: Visit
) -> None:
    """The second has a run of its own, and puts the first's id wherever its browser sends a text."""
    run = find_own(server)
    assert run is not None
    page = second.page
    page.goto(f"{server.url}/train?epochs={LONG}&{TINY}")
    page.get_by_role("button", name=re.compile("Start training|Add to the queue")).click()
    mine = poll(
        lambda: next(
            (
                other
                for other in runs.find(server.runs_dir)
                if (owner := owners.owner_of(other.folder)) and owner != owners.owner_of(run.folder)
            ),
            None,
        ),
        what="the second run",
    )
    remove = page.get_by_role("button", name="Remove from queue")
    remove.click()
    poll(lambda: not mine.folder.is_dir(), what="its removal")
    forged, changed = [], 0
    for frame in reruns(next(frames for frames in reversed(second.sockets) if frames)):
        message = BackMsg.FromString(frame)
        message.rerun_script.query_string = f"run={run.id}&dataset={SECRET}"
        for state in message.rerun_script.widget_states.widgets:
            if state.WhichOneof("value") == "string_value" and "preset" not in state.id:
                state.string_value, changed = run.id, changed + 1
        forged.append(message.SerializeToString())
    assert changed, "there are values of widgets among them"
    replay(server, second.cookie, [*forged[:1], *forged[-6:]])
    assert run.state() is RunState.RUNNING and not any(run.control.iterdir())
    assert find_removed(server.runs_dir / ".trash") == []


# ------------------------------------------------------------------------------------------------------- no cookies


def test_a_browser_without_cookies_is_told_and_its_live_parts_work(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"profile": {"default_content_setting_values": {"cookies": 2}}}))  # 2: refused
    context = browser.browser_type.launch_persistent_context(tmp_path, executable_path=CHROMIUM, args=ARGUMENTS)
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        operators = next(other for other in runs.find(server.runs_dir) if owners.owner_of(other.folder) is None)
        with page.expect_response(re.compile("/viewer/pixels/")) as answer:
            page.goto(f"{server.url}/predict?run={operators.id}&example=all")
        expect(page.get_by_text("This browser keeps no cookie of this server")).to_be_visible()
        assert context.cookies() == []
        assert answer.value.status == 200 and answer.value.request.headers["x-unet-visitor"]
        assert ask(context.request, answer.value.url) == 404, "for whoever does not say who asks"
    finally:
        context.close()


# ------------------------------------------------------------------------------------------------- locally, nothing


def test_a_server_of_ones_own_asks_nobody(tmp_path: Path, browser: Browser) -> None:
    server = Server(tmp_path)
    server.start()
    visit = open_browser(browser)
    try:
        visit.page.goto(server.url)
        expect(visit.page.get_by_role("heading", name="UNet Studio")).to_be_visible()
        assert "no cookie" not in settle(visit.page)
        assert [cookie["name"] for cookie in visit.context.cookies() if "visitor" in cookie["name"]] == []
        assert list(server.runs_dir.glob(".visitor*")) == []
    finally:
        visit.context.close()
        server.kill()


# ------------------------------------------------------------------------------------------------------------- F03


def test_F03_twenty_visitors_of_whom_one_files_ten_runs(tmp_path: Path) -> None:
    from tests.helpers.pages import make_run

    greedy = f"{0:032x}"
    others = [f"{number:032x}" for number in range(1, 20)]
    filed: dict[str, list[runs.Run]] = {}
    for owner in (*[greedy] * 10, *others, greedy, others[0]):
        with owners.acting_as(owner):
            run = make_run(tmp_path, tmp_path / "cells")
            queue.join(run)
            filed.setdefault(owner, []).append(run)
    order = queue.waiting(tmp_path)
    assert len(order) == 31
    for number, owner in enumerate(others):
        ahead = order[: order.index(filed[owner][0])]
        assert sum(run in filed[greedy] for run in ahead) <= 2, "slots that the greedy one has before"
        assert [run for run in ahead if run in (filed[other][0] for other in others[:number])] == [
            filed[other][0] for other in others[:number]
        ], "first come, first served among the others"
    assert [run for run in order if run in filed[greedy]] == filed[greedy]
    assert order.index(filed[others[0]][1]) < order.index(filed[greedy][2]), "a second run comes before a third"
