"""Examples of a finding: the images as they are read now, and beside them as a remedy would have them."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from pages.server.datasets import comparison, thumbnails
from pages.server.datasets.thumbnails import FILLED, Look, Thumbnail
from pages.ui import widgets
from pages.ui.figures import data_charts
from pages.ui.formatting import key_text, plain
from pages.views.data import image_view
from pages.views.data.state import Dataset
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import discovery
from unet_core.data.checks.finding import Finding
from unet_core.data.layouts import Sample
from unet_core.data.masks import decide
from unet_core.data.recipe import kinds, recipes
from unet_core.data.recipe import recipe as recipe_file
from unet_core.data.recipe.recipe import Recipe, Remedy
from unet_core.errors import UnetError
from unet_core.io.filenames import readable

MOST = 4  # examples of a finding
WIDTH = 330  # pixels of an example
MOST_MASKS = 24  # that are read to see what the values of repaired masks mean
KEEPS_MEANING = ("fit", "turn", "shift", "leave_out", "pair", "together", "subset")  # and image and class stages


@dataclass(frozen=True)
class Repaired:
    """The samples by id with a remedy applied, and how their masks are then drawn."""

    samples: Mapping[str, Sample]
    look: Look


def show(dataset: Dataset, finding: Finding, key: str) -> None:
    """A row for each example: before, and after the chosen remedy."""
    remedy = choose_remedy(finding, key)
    try:
        before = dataset.samples
        missing = {sample.id: sample for sample in dataset.scan.missing}
        names = [name for name in finding.samples if name in before or name in missing][:MOST]
        after = None if remedy is None else repair(dataset, remedy, tuple(names))
    except UnetError as error:
        widgets.show_error(error)
        return
    if not names:
        st.caption("No image to show.")
    with st.container(horizontal=True, key=f"examples of {key}"):
        for name in names:
            with st.container(width=WIDTH, gap="xsmall", key=f"example {key} {key_text(name)}"):
                show_example(dataset, before.get(name) or missing[name], after)
                if name in before:
                    st.button(
                        plain(readable(name)),
                        key=f"open example {key} {key_text(name)}",
                        type="tertiary",
                        icon=":material/open_in_full:",
                        on_click=open_in_gallery,
                        args=(name,),
                        wrap=False,
                    )
                else:
                    st.caption(plain(readable(name)))


def show_example(dataset: Dataset, sample: Sample, after: Repaired | None) -> None:
    """One image: as it is, and where there is a remedy as it would be."""
    repaired = None if after is None else after.samples.get(sample.id)
    if after is None or repaired is None:
        drawn = thumbnails.make(sample, dataset.look(FILLED))
        with st.container(width=WIDTH // 2):
            show_one(drawn, "Now", sample.id)
        if drawn.problem:
            st.caption(plain(readable(drawn.problem.replace(f"{dataset.root}/", ""))))
        if after is not None:
            st.caption("Repaired: left out.")
        return
    pair = comparison.compare((sample, dataset.look(FILLED)), (repaired, replace(after.look, style=FILLED)))
    left, right = st.columns(2, gap="small", wrap=False)
    with left:
        show_one(pair.before, "Now", sample.id)
    with right:
        show_one(pair.after, "Repaired", sample.id)
    for problem in dict.fromkeys([pair.before.problem, pair.after.problem]):
        if problem:
            st.caption(plain(readable(problem.replace(f"{dataset.root}/", ""))))
    if pair.changed is not None:
        words = "Close-up. " if pair.is_close_up else ""
        share = data_charts.percent_text(pair.changed)
        st.caption(f"{words}{share} of the mask changes." if pair.changed else "The mask stays the same.")


def open_in_gallery(name: str) -> None:
    """Called by the button: the image in the viewer."""
    from pages.views.data import GALLERY

    st.session_state["data_view"] = GALLERY
    image_view.open_image(name)


def choose_remedy(finding: Finding, key: str) -> Remedy | None:
    """The remedy that the examples show; a menu where there are several."""
    if len(finding.remedies) < 2:
        return finding.remedies[0] if finding.remedies else None
    labels = [remedy.label for remedy in finding.remedies]
    number = st.selectbox("Show the repair", range(len(labels)), format_func=labels.__getitem__, key=f"shown {key}")
    return finding.remedies[number or 0]


def show_one(drawn: Thumbnail, title: str, name: str) -> None:
    """The image with its title."""
    if drawn.data:
        st.image(drawn.data, width="stretch", caption=title, alt=f"{readable(name)} {title.lower()}")


def repair(dataset: Dataset, remedy: Remedy, names: tuple[str, ...]) -> Repaired:
    """The samples as the remedy would have them; nothing is saved. Raises DataError."""
    keeps = not remedy.settings and all(
        item.kind in KEEPS_MEANING or kinds.REPAIRS[item.kind].stage in (kinds.CLASSES, kinds.IMAGE)
        for item in remedy.repairs
    )
    if not keeps or any(kinds.REPAIRS[item.kind].stage == kinds.SEARCH for item in remedy.repairs):
        recipe = dataset.recipe.add(remedy)
        key = key_text(f"{dataset.version} {recipe.to_json()}")
        samples, look = _search(key, not keeps, dataset.root, recipe)
        return Repaired(samples, look or dataset.look())
    samples = {}
    for name in names:
        if name in dataset.samples:
            sample = dataset.samples[name]
            more = tuple(item for item in remedy.repairs if item.concerns(name) and item not in sample.repairs)
            samples[name] = replace(sample, repairs=sample.repairs + more)
    return Repaired(samples, dataset.look())


@st.cache_resource(max_entries=16, ttl=60, show_spinner=False)
def _search(key: str, decides: bool, _root: Path, _recipe: Recipe) -> tuple[dict[str, Sample], Look | None]:
    """The samples by a recipe that is not the saved one, and how their masks are then read if `decides`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / recipe_file.FILE
        file.write_text(_recipe.to_json(), encoding="utf-8")
        search = discovery.examine(DataConfig(root=str(_root), recipe=str(file)))
    samples = {sample.id: sample for sample in search.samples}
    if not decides:
        return samples, None
    config = recipes.configure(RunConfig().replace(root=str(_root)), _recipe)
    chosen = search.samples[:: max(1, -(-len(search.samples) // MOST_MASKS))]
    coding, _ = decide.look(search, config.data, config.model, chosen)
    return samples, Look(coding, max(1, coding.num_classes), _recipe.colors)
