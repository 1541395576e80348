"""The viewer's Python side: which values count, what is sent, and how the pixels are kept and served."""

import json
import posixpath
import re
from dataclasses import replace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from pages.components import loader, source
from pages.components.viewer import ViewSettings, _settle, show_viewer
from pages.server import pixel_routes, pixel_store

RNG = np.random.default_rng(0)


@pytest.fixture
def store(monkeypatch):
    store = pixel_store.PixelStore()
    monkeypatch.setattr(pixel_store, "STORE", store)
    return store


@pytest.fixture
def client(store):
    return TestClient(Starlette(routes=pixel_routes.routes("/base/")))


def told(view: ViewSettings, count: int, **news) -> dict:
    """What a browser sends when something is let go."""
    fields = {name: value for name, value in vars(view).items() if name != "clicked"}
    return {**fields, "hidden": list(view.hidden), **news, "count": count}


def test_the_start_counts_at_first_and_then_what_the_visitor_did():
    memory: dict = {}
    start = ViewSettings(threshold=0.4)
    assert _settle(memory, start, None) == start
    view = _settle(memory, start, told(start, 1, threshold=0.7))
    assert view.threshold == 0.7
    assert _settle(memory, start, told(start, 1, threshold=0.7)).threshold == 0.7  # another rerun
    assert _settle(memory, start, None).threshold == 0.7  # back from another page, where Streamlit forgot it
    assert _settle(memory, replace(start, threshold=0.7), None).threshold == 0.7  # a page that passes on what it got


def test_another_start_counts_until_the_visitor_chooses_anew():
    memory: dict = {}
    start = ViewSettings()
    _settle(memory, start, None)
    _settle(memory, start, told(start, 1, threshold=0.7, opacity=0.2))
    view = _settle(memory, replace(start, threshold=0.25), told(start, 1, threshold=0.7, opacity=0.2))
    assert (view.threshold, view.opacity, memory["count"]) == (0.25, 0.2, 1)
    view = _settle(memory, replace(start, threshold=0.25), told(start, 1, threshold=0.7, opacity=0.2))
    assert view.threshold == 0.25  # the old news are no news
    view = _settle(memory, replace(start, threshold=0.25), told(start, 2, threshold=0.7, opacity=0.2))
    assert (view.threshold, memory["count"]) == (0.7, 2)  # the same value, chosen anew


def test_what_the_visitor_moved_in_the_same_run_stands_against_another_start():
    memory: dict = {}
    _settle(memory, ViewSettings(), None)
    view = _settle(memory, ViewSettings(threshold=0.3, opacity=0.9), told(ViewSettings(), 1, threshold=0.8))
    assert (view.threshold, view.opacity) == (0.8, 0.9)


def test_a_click_is_one_for_a_single_run():
    memory: dict = {}
    _settle(memory, ViewSettings(), None)
    news = told(ViewSettings(), 1, selected=7)
    assert _settle(memory, ViewSettings(), news) == ViewSettings(selected=7, clicked=True)
    assert _settle(memory, ViewSettings(), news) == ViewSettings(selected=7)
    assert _settle(memory, ViewSettings(), told(ViewSettings(), 2)) == ViewSettings()
    assert _settle(memory, ViewSettings(selected=3), None) == ViewSettings(selected=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 1.5),
        ("threshold", "0.5"),
        ("threshold", float("nan")),
        ("threshold", None),
        ("threshold", True),
        ("mode", "script"),
        ("style", 3),
        ("color", "#e69f0"),
        ("color", "red;x"),
        ("hidden", [-1]),
        ("hidden", "12"),
        ("hidden", [0.5]),
        ("wipe", -0.1),
        ("numbers", "yes"),
        ("selected", -4),
        ("selected", 1.5),
        ("selected", {"id": 1}),
    ],
)
def test_what_makes_no_sense_is_not_believed(name, value):
    memory: dict = {}
    _settle(memory, ViewSettings(), None)
    assert _settle(memory, ViewSettings(), told(ViewSettings(), 1, opacity=0.9) | {name: value}) == ViewSettings(
        opacity=0.9
    )
    assert _settle(memory, ViewSettings(), "nonsense") == ViewSettings(opacity=0.9)


def test_equal_pixels_have_one_id_that_tells_them_from_all_others(store):
    pixels = RNG.integers(0, 255, (40, 30), np.uint8)
    first = store.put(pixels, "mean")
    assert store.put(pixels.copy(), "mean") == first
    assert store.nbytes == pixels.nbytes
    others = [
        store.put(pixels, "nearest"),
        store.put(pixels.reshape(30, 40), "mean"),
        store.put(pixels.view(np.int8), "nearest"),
        pixel_store.PixelStore().put(pixels, "mean"),
    ]
    assert len({first, *others}) == 5


def test_what_was_not_looked_at_for_longest_goes_first():
    store = pixel_store.PixelStore(most=2500)
    layers = [np.full((10, 100), value, np.uint8) for value in range(4)]
    first, second = store.put(layers[0], "mean"), store.put(layers[1], "mean")
    store.get(first)
    third = store.put(layers[2], "mean")
    assert store.nbytes == 2000
    with pytest.raises(pixel_store.GoneError):
        store.get(second)
    assert {store.get(first).values[0, 0], store.get(third).values[0, 0]} == {0, 2}
    large = store.put(np.zeros((100, 100), np.uint8), "mean")  # more than all: kept alone
    assert store.get(large).nbytes == store.nbytes == 10_000


def pixels_of(content: bytes, dtype: type, height: int, channels: int) -> np.ndarray:
    """A tile of an image: differences along its rows, added up as the browser does."""
    differences = np.frombuffer(content, dtype).reshape(height, -1, channels)
    return differences.cumsum(1, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_image_comes_in_tiles_that_join_to_it(client, store, dtype):
    image = RNG.integers(0, np.iinfo(dtype).max, (1100, 2100, 3), dtype)
    place = f"/base/viewer/pixels/{store.put(image, 'color')}"
    assert store.get(place.rpartition("/")[2]).levels == 2
    tiles = [
        [pixels_of(client.get(f"{place}/0/{column}/{row}").content, dtype, height, 3) for column in range(3)]
        for row, height in enumerate((1024, 76))
    ]
    assert (np.concatenate([np.concatenate(row, 1) for row in tiles]) == image).all()
    answer = client.get(f"{place}/2/0/0")
    small = pixels_of(answer.content, dtype, 275, 3)
    assert small.shape == (275, 525, 3)
    assert abs(small[3, 7].astype(int) - image[12:16, 28:32].mean((0, 1))).max() <= 0.5
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]
    for missing in ("0/3/0", "0/0/2", "3/0/0", "0/0/99999999999"):
        answer = client.get(f"{place}/{missing}")
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


def contrast_of(store, pixels: np.ndarray, shown: np.ndarray | None = None) -> list[tuple[float, float]]:
    layer = store.add(pixels, "color", shown)[1]
    return [layer.contrast.auto, layer.contrast.bounds]


def test_contrast_is_by_percentiles_for_every_bit_depth(store):
    levels = np.arange(1001).reshape(7, 143, 1)  # the percentiles 0.5 and 99.5 are 5 and 995
    assert contrast_of(store, levels.astype(np.uint16)) == [(5, 995), (0, 1000)]
    assert contrast_of(store, levels.astype(np.float32)) == [(5, 995), (0, 1000)]
    assert contrast_of(store, (levels // 8).astype(np.uint8)) == [(0, 124), (0, 125)]
    hot = np.zeros((100, 100, 1), np.uint16)
    hot[0, 0] = 40_000  # so few that both percentiles are the same
    assert contrast_of(store, hot) == [(0, 40_000), (0, 40_000)]


def test_what_has_no_contrast_or_chosen_colors_is_shown_as_it_is(store):
    assert contrast_of(store, np.full((4, 4, 1), 120, np.uint8)) == [(0, 255), (0, 255)]
    assert contrast_of(store, np.full((4, 4, 3), 9, np.uint16)) == [(0, 65535), (0, 65535)]
    assert contrast_of(store, np.full((4, 4, 1), np.nan, np.float32)) == [(0, 1), (0, 1)]
    stack = RNG.integers(0, 900, (4, 5, 7), np.uint16)
    assert contrast_of(store, stack) == [(0, 255), (0, 255)]  # its composite is stretched already
    assert contrast_of(store, stack, np.zeros((4, 5, 3), np.uint8)) == [(0, 255), (0, 255)]


def test_the_contrast_of_a_visitor_is_kept_and_nonsense_is_not(store):
    memory: dict = {}
    start = ViewSettings()
    _settle(memory, start, None)
    view = _settle(memory, start, told(start, 1, limits=[10, 99.5], gamma=2, inverted=True))
    assert (view.limits, view.gamma, view.inverted) == ((10, 99.5), 2, True)
    for number, nonsense in enumerate(([9, 3], [1], [0, True], "ab", [0, 1e999], {"a": 1})):
        assert _settle(memory, start, told(view, 2 + number, limits=nonsense)).limits == (10, 99.5)
    view = _settle(memory, start, told(view, 20, limits=None, gamma=9, inverted=1))
    assert (view.limits, view.gamma, view.inverted) == (None, 2, True)


def test_numbers_come_as_they_are_reduced_by_means_or_by_the_middle(client, store):
    share = RNG.integers(0, 255, (1500, 1030), np.uint8)
    place = f"/base/viewer/pixels/{store.put(share, 'mean')}"
    tile = np.frombuffer(client.get(f"{place}/0/1/1").content, np.uint8)
    assert (tile.reshape(476, 6) == share[1024:, 1024:]).all()
    small = np.frombuffer(client.get(f"{place}/1/0/0").content, np.uint8).reshape(750, 515)
    assert abs(small - share.reshape(750, 2, 515, 2).mean((1, 3))).max() <= 0.5
    labels = RNG.integers(0, 70_000, (1500, 1030)).astype(np.int32)
    place = f"/base/viewer/pixels/{store.put(labels, 'nearest')}"
    small = np.frombuffer(client.get(f"{place}/1/0/0").content, "<i4").reshape(750, 515)
    assert (small == labels[1::2, 1::2]).all()


def test_the_readout_gets_the_true_values(client, store):
    deep = RNG.integers(0, 65535, (300, 290, 3), np.uint16)
    place = f"/base/viewer/values/{store.put(deep, 'color')}"
    values = np.frombuffer(client.get(f"{place}/1/1").content, "<u2").reshape(44, 34, 3)
    assert (values == deep[256:, 256:]).all()
    share = RNG.random((20, 20), np.float32)
    content = store.put(share, "mean")
    assert (np.frombuffer(client.get(f"/base/viewer/values/{content}/0/0").content, "<f4") == share.ravel()).all()
    shown = np.frombuffer(client.get(f"/base/viewer/pixels/{content}/0/0/0").content, np.uint8)
    assert (shown == np.rint(share.ravel() * 255)).all()


def test_every_module_is_served_and_all_that_it_imports(client):
    served = {}
    for name in pixel_routes.FILES:
        answer = client.get(f"/base/viewer/{pixel_routes.version()}/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
        assert answer.text == source(name)
        imported = re.findall(r'^import\b[^;]*?\bfrom "([^"]+)";', answer.text, re.MULTILINE)
        served[name] = [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in imported]
    assert {path for paths in served.values() for path in paths} <= set(served)
    components = {name.partition("/")[0] for name in served}
    reached, waiting = set(), sorted({f"{name}/{name}.js" for name in components} & served.keys())
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += set(served[name]) - reached
    assert reached == set(served)  # nothing is left over


def test_a_loader_names_its_module_and_what_failed():
    text = loader("viewer/viewer.js", "The viewer")
    modules = json.loads(re.search(r"Promise\.all\((\[.*?\])", text)[1])
    assert modules[0] == "viewer/viewer.js"
    assert set(modules) == {name for name in pixel_routes.FILES if name.startswith(("viewer/", "shared/"))}
    assert '"The viewer could not be loaded. ' in text


def test_other_addresses_give_nothing(client, store):
    data = store.put_data([[1, 2.5]])
    pixels = store.put(np.zeros((3, 3), np.uint8), "mean")
    assert client.get(f"/base/viewer/data/{data}").json() == [[1, 2.5]]
    for path in (
        f"data/{pixels}",
        f"pixels/{data}/0/0/0",
        f"values/{data}/0/0",
        "data/" + "0" * 32,
        f"{pixel_routes.version()}/viewer/__init__.py",
        f"{pixel_routes.version()}/viewer.js",
        f"{pixel_routes.version()}/viewer/..%2F..%2Fmain.py",
        f"{pixel_routes.version()}/live_chart/live_chart.css",
        "old/viewer/viewer.js",
    ):
        assert client.get(f"/base/viewer/{path}").status_code == 404, path


def script() -> None:
    import numpy as np
    import streamlit as st

    from pages.components.viewer import show_viewer
    from unet_core.postprocessing import objects

    image = np.zeros((64, 80, 1), np.uint16)
    probability = np.zeros((64, 80), np.float32)
    probability[10:20, 30:50] = 0.9
    mask = (probability > 0.5).astype(np.uint8)
    found = objects.find(mask, image)
    view = show_viewer(
        image, key="v", name="a.png", probability=probability, mask=mask, mask_threshold=0.5, objects=found
    )
    st.session_state["view"] = view


def test_a_run_sends_ids_and_no_pixels(store):
    app = AppTest.from_function(script).run()
    assert not app.exception
    assert app.session_state["view"] == ViewSettings()
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert len(json.dumps(data)) < 2500
    assert data["size"] == [80, 64]
    image = data["layers"]["image"]
    assert (image["shown"], image["planes"], image["auto"], image["bounds"]) == ("uint16", 1, [0, 65535], [0, 65535])
    dtypes = {name: layer["dtype"] for name, layer in data["layers"].items()}
    assert dtypes == {"image": "uint16", "probability": "float32", "mask": "uint8", "labels": "int32"}
    assert json.loads(store.get(data["objects"])) == [[1, 40, 15, 30, 10, 50, 20]]
    before = store.nbytes
    app.run()
    assert json.loads(app.get("bidi_component")[0].proto.json) == data
    assert store.nbytes == before


def test_a_map_of_another_size_is_refused(store):
    with pytest.raises(ValueError, match=r"truth.*all must be \(H, W\) of the image"):
        show_viewer(np.zeros((4, 5, 1), np.uint8), key="v", name="a.png", truth=np.zeros((5, 4), np.uint8))
