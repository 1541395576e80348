"""The view of classes: the matrix of all pixels, the scores of each class, and the images behind a cell."""

from functools import partial

import numpy as np

from pages.views.evaluate import classes as classes_view
from pages.views.evaluate.listing import filters
from tests.helpers.pages import finish_job, show, texts
from tests.pages.evaluate.conftest import root_of
from unet_core import evaluate
from unet_core.evaluation.summary import describe_classes

settled = partial(finish_job, key="scoring")


def view(**query: str):
    return settled(show("evaluate", evaluate_view="Classes", **query))


def said(app) -> str:
    return texts(app).replace("\\", "")


def table(app, column: str):
    return next(element.value for element in app.dataframe if column in element.value)


def count_cell(scores, true: int, pred: int) -> dict[str, int]:
    counted = {name: int(((scores.truth(name) == true) & (scores.mask(name) == pred)).sum()) for name in scores.masks}
    return {name: number for name, number in counted.items() if number}


def test_the_scores_of_each_class_are_those_of_the_command_line(make_model):
    model = make_model(classes=3)
    rows = table(view(), "pooled_dice").set_index("class")
    images = evaluate(model.run, root_of(model), metrics="all").images
    expected = describe_classes(images)["scores_by_class"]
    for index, scores in expected.items():
        row = rows.loc[f"class {index}"]
        for column, key in (("dice", "mean_dice"), ("pooled_iou", "pooled_iou"), ("recall", "mean_recall")):
            np.testing.assert_equal(float(row[column]), float(scores[key]))
        assert row["undefined"] == scores["undefined_dice"]
    assert rows.loc["Mean of the classes", "dice"] == np.mean([scores["mean_dice"] for scores in expected.values()])


def test_the_largest_error_is_chosen_and_its_images_are_listed_the_most_pixels_first(make_model):
    make_model(images=5, classes=3, ignore_index=2)
    app = view()
    scores = app.session_state["scoring"].scores
    cells = {(true, pred): sum(count_cell(scores, true, pred).values()) for true in range(3) for pred in range(3)}
    largest = max((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: cells[cell])
    assert (app.selectbox(key="cell_true").value, app.selectbox(key="cell_prediction").value) == largest
    expected = sorted(count_cell(scores, *largest).items(), key=lambda item: (-item[1], item[0]))
    rows = table(app, "share")
    assert list(zip(rows["image"], rows["pixels"], strict=True)) == expected
    assert f"{cells[largest]:,} pixels in {len(expected)} images" in said(app)
    assert f"**{expected[0][0]}**" in said(app), "the image with the most is in the viewer"
    assert sum(cells.values()) == sum(int((scores.truth(name) < 255).sum()) for name in scores.truths)
    assert sum(cells[2, pred] for pred in range(3)) == 0, "ignored"


def test_a_cell_without_pixels_lists_no_image(make_model):
    make_model(classes=3)
    app = view()
    scores = app.session_state["scoring"].scores
    cell = next((true, pred) for true in range(3) for pred in range(3) if not count_cell(scores, true, pred))
    app.selectbox(key="cell_true").set_value(cell[0]).run()
    app.selectbox(key="cell_prediction").set_value(cell[1]).run()
    assert ": 0 pixels in 0 images." in said(app)
    assert not [element for element in app.dataframe if "share" in element.value]


def test_the_images_of_a_cell_are_opened_in_the_list(make_model):
    make_model(images=5, classes=3)
    app = view()
    images = list(table(app, "share")["image"])
    app.button(key="list_cell").click().run()
    assert app.session_state["evaluate_view"] == "Images"
    assert sorted(table(app, "dice")["image"]) == sorted(images)
    assert "→" in app.button(key="drop_picked").label


def test_one_class_has_a_matrix_of_two_by_two(make_model):
    make_model()
    app = view()
    scores = app.session_state["scoring"].scores
    assert app.selectbox(key="cell_true").options == ["background", "foreground"]
    app.selectbox(key="cell_true").set_value(1).run()
    app.selectbox(key="cell_prediction").set_value(0).run()
    missed = int(sum(item.counts.fn[0] for item in scores.images))
    assert f"**foreground** predicted as background: {missed:,} pixels" in said(app)
    assert list(table(app, "pooled_dice")["class"]) == ["foreground"]


def test_a_click_on_a_cell_chooses_it(monkeypatch):
    point = {"curve_number": 1, "point_index": 5, "customdata": [1, 2]}
    state = {classes_view.CHART: {"selection": {"points": [point]}}}
    monkeypatch.setattr(classes_view.st, "session_state", state)
    classes_view.take_cell()
    assert (state["cell_true"], state["cell_prediction"]) == (1, 2)
    state[classes_view.CHART] = {"selection": {"points": []}}
    classes_view.take_cell()
    assert (state["cell_true"], state["cell_prediction"]) == (1, 2)
    assert filters.PICKED not in state
