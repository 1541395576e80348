"""The classes with their shares of the pixels; their names and colors can be edited and are saved in the recipe."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.ui.figures import chart_view, data_charts
from pages.ui.formatting import key_text, plain
from pages.views.data import state
from pages.views.data.state import Dataset
from unet_core.data.recipe.recipe import Recipe, Remedy
from unet_core.data.summary import totals


def show(dataset: Dataset) -> None:
    """The shares as a figure, and beside it the form."""
    shown = totals.total_classes(dataset.scan.facts, dataset.scan.num_classes)
    names, colors = dataset.class_names, dataset.colors
    shown = [total for total in shown if total.index < len(names)]
    left, right = st.columns(2, gap="medium")
    with left.container(border=True):
        st.markdown("**Classes**")
        shares, images = [total.share for total in shown], [total.images for total in shown]
        figure = data_charts.draw_class_shares(names, shares, colors, images)
        chart_view.show_chart(
            figure, "data_classes", f"{dataset.root.name}-classes", "Share of each class", has_toolbar=False
        )
        if ignored := totals.ignored_share(dataset.scan.facts):
            st.caption(f"{data_charts.percent_text(ignored)} of the mask pixels are ignored.")
    with right.container(border=True):
        st.markdown("**Names and colors**")
        edit(dataset, shown)


def edit(dataset: Dataset, shown: list[totals.ClassTotal]) -> None:
    """A form with a color and a name for each class; nothing is saved before its button is pressed."""
    names, colors, root = dataset.class_names, dataset.colors, dataset.root
    place = key_text(str(root))
    scope = f"{place} {','.join(names)} {','.join(colors)}"  # after an undo the fields show what counts
    with st.form(f"classes {place}", border=False):
        for total in shown:
            index = total.index
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                st.color_picker(
                    f"Color of class {index}",
                    colors[index],
                    key=f"color {index} {scope}",
                    label_visibility="collapsed",
                )
                st.text_input(
                    f"Name of class {index}", names[index], key=f"name {index} {scope}", label_visibility="collapsed"
                )
                st.caption(data_charts.percent_text(total.share), width=60)
        st.form_submit_button(
            "Save names and colors",
            key=f"save classes {place}",
            icon=":material/save:",
            on_click=save,
            args=(root, scope, len(shown)),
        )
    if dataset.recipe.colors or dataset.recipe.get("class_names"):
        st.button(
            "Back to the dataset's own", key="reset_classes", icon=":material/undo:", on_click=reset, args=(root,)
        )
    if len(names) > len(shown):
        st.caption(plain(f"{len(names) - len(shown)} more classes occur in no mask."))


def save(root: Path, scope: str, count: int) -> None:
    """Called by the button of the form."""
    names, colors = (
        [str(st.session_state[f"{kind} {index} {scope}"]) for index in range(count)] for kind in ("name", "color")
    )
    names = [clean(name, index) for index, name in enumerate(names)]

    def edit_recipe(recipe: Recipe) -> Recipe:
        return replace(recipe.add(Remedy("", settings=(("class_names", ",".join(names)),))), colors=tuple(colors))

    state.change(root, edit_recipe)


def reset(root: Path) -> None:
    """Called by the button: names and colors are those of the dataset again."""
    state.change(root, lambda recipe: replace(recipe.without_setting("class_names"), colors=()))


def clean(name: str, index: int) -> str:
    """A name as the setting can hold it: without commas, never empty.

    >>> clean(" red,  blood cell ", 1), clean("", 2)
    ('red blood cell', 'class 2')
    """
    return " ".join(name.replace(",", " ").split()) or (f"class {index}" if index else "background")
