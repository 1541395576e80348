"""The images that the recipe leaves out, each with a button that takes it back."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.server.datasets import thumbnails
from pages.ui.formatting import key_text, plain
from pages.views.data import state
from pages.views.data.state import Dataset
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe, make_repair
from unet_core.data.summary import gallery
from unet_core.io.filenames import readable

PAGE = 24


def show(dataset: Dataset) -> None:
    """A page of them."""
    names = list_names(dataset.recipe)
    if not names:
        st.info("No image is left out.", icon=":material/filter_alt_off:")
        return
    pages = gallery.count_pages(names, PAGE)
    number = min(st.session_state.get("left_out_page") or 1, pages)
    shown = gallery.page_of(names, number, PAGE)
    key = key_text(f"{dataset.root} {dataset.recipe.to_json()}")
    samples = find_samples(key, dataset.root, dataset.recipe)
    with st.container(horizontal=True, key="left_out_grid"):
        for name in shown:
            with st.container(width=190, gap="xxsmall", key=f"left out {key_text(name)}"):
                if name in samples:
                    drawn = thumbnails.make(samples[name], dataset.look())
                    if drawn.data:
                        st.image(drawn.data, width=190, alt=f"{readable(name)}, left out")
                st.caption(plain(readable(name)))
                st.button(
                    "Use this image",
                    key=f"take back {key_text(name)}",
                    icon=":material/undo:",
                    on_click=state.change,
                    args=(dataset.root, lambda recipe, name=name: take_back(recipe, name)),
                )
    if pages > 1:
        st.pagination(pages, key="left_out_page")


def list_names(recipe: Recipe) -> list[str]:
    """The ids of all images that are left out, sorted."""
    return sorted({name for repair in recipe.repairs if repair.kind == "leave_out" for name in repair.samples})


def leave_out(recipe: Recipe, name: str) -> Recipe:
    """One image more is left out; those that were chosen by hand share one repair."""
    names = {name}
    for repair in recipe.repairs:
        if repair.kind == "leave_out" and not repair.options:
            names |= set(repair.samples)
            recipe = recipe.without(repair)
    return _with(recipe, names)


def take_back(recipe: Recipe, name: str) -> Recipe:
    """The recipe that uses an image again."""
    for repair in recipe.repairs:
        if repair.kind == "leave_out" and name in repair.samples:
            recipe = _with(recipe.without(repair), set(repair.samples) - {name})
    return recipe


def _with(recipe: Recipe, names: set[str]) -> Recipe:
    return replace(recipe, repairs=(*recipe.repairs, make_repair("leave_out", names))) if names else recipe


@st.cache_resource(max_entries=4, ttl=60, show_spinner="Reading the folder…")
def find_samples(key: str, _root: Path, _recipe: Recipe) -> dict[str, Sample]:
    """All samples by id, also those that are left out."""
    config = recipes.configure_parts(DataConfig(root=str(_root)), ModelConfig(), _recipe)[0]
    return {sample.id: sample for sample in discovery.examine(replace(config, recipe="none")).samples}
