"""Which images train, validate and test: the settings of the split, what each part holds, and whether any leaks."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.ui import widgets
from pages.ui.figures import chart_view, data_charts
from pages.ui.formatting import key_text, plain
from pages.ui.messages import show_messages
from pages.views.data import state
from pages.views.data.state import Dataset
from unet_core.config.schema import DataConfig
from unet_core.data.groups.grouping import Grouping
from unet_core.data.layouts import Sample
from unet_core.data.recipe.recipe import Recipe, Remedy
from unet_core.data.summary import division
from unet_core.data.summary.division import Leak, PartTotal
from unet_core.errors import ConfigError, DataError, UnetError, listing
from unet_core.io.filenames import readable
from unet_core.training import splitting
from unet_core.training.splitting import DrawnSplit

NAMES = ("val_fraction", "test_fraction", "split_seed", "group_by", "hold_out")
PARTS = {"train": "Training", "val": "Validation", "test": "Test"}
GROUPINGS = {
    "auto": "Groups found in the data",
    "none": "No groups",
    "folder": "Folder",
    "pattern": "Pattern in the name",
}
LEAKS = {
    "copies": "copies of training images",
    "lookalikes": "near-copies of training images",
    "groups": "in a group with training images",
}


def show(dataset: Dataset) -> None:
    """The settings on the left, the parts on the right."""
    if not dataset.is_measured:
        st.info("The split is shown when the scan is done.", icon=":material/hourglass_top:")
        return
    left, right = st.columns([1, 2], gap="medium")
    with left.container(border=True):
        data = choose(dataset)
    if data is None:
        return
    with right:
        try:
            drawn, leaks = draw(dataset, data)
        except UnetError as error:
            widgets.show_error(error)
            return
        parts = division.total_parts(drawn.split, dataset.scan.facts, drawn.grouping.group_of, dataset.scan.num_classes)
        show_parts(dataset, drawn, parts, leaks)


def choose(dataset: Dataset) -> DataConfig | None:
    """The settings of the split, as the recipe has them or as they are changed here."""
    now, root = dataset.config.data, dataset.root
    scope = f"{key_text(str(root))} {[getattr(now, name) for name in NAMES]}"
    given = {item.subset for item in dataset.scan.facts} & {"val", "test"}
    if given:
        st.caption(f"Folders give the images for {listing([PARTS[part].lower() for part in sorted(given)])}.")
    val, test = (
        st.slider(
            label,
            0.0,
            0.5,
            min(0.5, float(getattr(now, name))),
            0.01,
            key=f"split {name} {scope}",
            disabled=part in given,
            help=help_text,
        )
        for name, label, part, help_text in (
            ("val_fraction", "Validation fraction", "val", "Images that choose the best epoch."),
            ("test_fraction", "Test fraction", "test", "Images that are never used in training."),
        )
    )
    seed = st.number_input(
        "Split seed", 0, 2**31 - 1, now.split_seed, key=f"split seed {scope}", help="Another seed draws other images."
    )
    kinds = list(GROUPINGS)
    kind = st.selectbox(
        "Keep together",
        kinds,
        index=kinds.index(now.group_by if now.group_by in GROUPINGS else "pattern"),
        format_func=GROUPINGS.__getitem__,
        key=f"split group {scope}",
        help="Images of one patient, slide, video or volume look alike: one that is validated must not be trained on.",
    )
    pattern = ""
    if kind == "pattern":
        pattern = st.text_input(
            "Pattern",
            now.group_by if now.group_by not in GROUPINGS else "",
            key=f"split pattern {scope}",
            placeholder="^(mouse[0-9]+)_",
            help="A regular expression; its first group in the image id names the group.",
        ).strip()
        if not pattern:
            st.info("Enter a pattern.", icon=":material/edit:")
            return None
    group_by = pattern or kind
    values: dict[str, str | int | float] = {
        "val_fraction": val,
        "test_fraction": test,
        "split_seed": int(seed),
        "group_by": group_by,
    }
    try:
        data = replace(now, val_fraction=val, test_fraction=test, split_seed=int(seed), group_by=group_by)
    except ConfigError as error:
        widgets.show_error(error)
        return None
    st.button(
        "Use these settings",
        key="use_split",
        type="primary",
        icon=":material/save:",
        disabled=data == now,
        on_click=use,
        args=(root, values),
        help="Saves them in the recipe of the dataset, where Train takes them from.",
        width="stretch",
    )
    if any(dataset.recipe.get(name) is not None for name in NAMES):
        st.button("Back to the defaults", key="reset_split", icon=":material/undo:", on_click=reset, args=(root,))
    return data


def use(root: Path, values: dict[str, str | int | float]) -> None:
    """Called by the button: save the settings in the recipe; those that are the default are not fixed."""
    default = DataConfig()

    def edit(recipe: Recipe) -> Recipe:
        for name, value in values.items():
            if value == getattr(default, name):
                recipe = recipe.without_setting(name)
            else:
                recipe = recipe.add(Remedy("", settings=((name, value),)))
        return recipe

    state.change(root, edit)


def reset(root: Path) -> None:
    """Called by the button: Train splits by its own settings again."""

    def edit(recipe: Recipe) -> Recipe:
        for name in NAMES:
            recipe = recipe.without_setting(name)
        return recipe

    state.change(root, edit)


def draw(dataset: Dataset, data: DataConfig) -> tuple[DrawnSplit, list[Leak]]:
    """The split that training would draw, from what the scan has measured, and what leaks. Raises DataError."""
    facts = {item.id: item for item in dataset.scan.facts if not item.problem}
    samples = [sample for sample in dataset.samples.values() if sample.id in facts]
    if not samples:
        raise DataError("No image can be read, so there is nothing to divide. Mask Doctor lists the problems.")
    key = f"{hash_of(dataset)} {dataset.recipe.repairs} {dataset.config.data.layout} {data.group_by}"
    grouping = _group(key, dataset.root, samples, data.group_by)
    return _divide(f"{key} {[getattr(data, name) for name in NAMES]}", dataset, data, samples, grouping)


@st.cache_resource(max_entries=8, show_spinner="Looking for images that belong together…")
def _group(key: str, _root: Path, _samples: Sequence[Sample], _group_by: str) -> Grouping:
    """What the split keeps together; `key` changes with anything that matters."""
    return division.find_grouping(_root, _samples, _group_by)


@st.cache_resource(max_entries=16, show_spinner="Dividing the images…")
def _divide(
    key: str, _dataset: Dataset, _data: DataConfig, _samples: Sequence[Sample], _grouping: Grouping
) -> tuple[DrawnSplit, list[Leak]]:
    """The split and what leaks; `key` changes with anything that matters. Raises DataError."""
    facts = {item.id: item for item in _dataset.scan.facts if not item.problem}
    records = {name: item.record for name, item in facts.items()}
    looks = {name: item.describe() for name, item in facts.items()}
    drawn = splitting.divide(_samples, _data, records, looks, _grouping)
    return drawn, division.find_leaks(drawn.split, records, drawn.grouping.group_of)


def hash_of(dataset: Dataset) -> str:
    """Changes with the pixels of any image."""
    lines = "\n".join(f"{item.id} {item.record} {item.problem}" for item in dataset.scan.facts)
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()


def show_parts(dataset: Dataset, drawn: DrawnSplit, parts: list[PartTotal], leaks: list[Leak]) -> None:
    """Counts, groups and classes of each part, then the leak check."""
    images = sum(part.images for part in parts)
    table = [
        {
            "Part": PARTS[part.name],
            "Images": part.images,
            "Share": f"{part.images / images:.0%}",
            "Groups": part.groups,
            "Largest group": part.largest_group,
        }
        for part in parts
    ]
    st.dataframe(table, hide_index=True, key="split_table", height="content", alt="Images and groups of each part")
    show_leaks(dataset, parts, leaks)
    show_messages([readable(message) for message in drawn.messages], "remarks", show_remark)
    names = dataset.class_names
    if dataset.scan.num_classes:
        with st.container(border=True):
            st.markdown("**Classes in each part**")
            figure = data_charts.draw_split({part.name: part.class_shares for part in parts}, names, PARTS)
            chart_view.show_chart(
                figure,
                "split_classes",
                f"{dataset.root.name}-classes-by-part",
                "Share of each class in each part",
                has_toolbar=False,
            )
    with st.expander("Images of each part", icon=":material/list:", on_change="rerun", key="split_images") as opened:
        if opened.open:
            for name, ids in drawn.split.parts():
                if ids:
                    st.caption(f"**{PARTS[name]}**: {plain(readable(listing(ids, 200)))}")


def show_remark(text: object) -> None:
    """A sentence on the split."""
    st.caption(plain(str(text)))


def show_leaks(dataset: Dataset, parts: list[PartTotal], leaks: list[Leak]) -> None:
    """What validation and test share with training, or that they share nothing; classes that a part lacks."""
    if len(parts) == 1:
        st.warning("No image validates: the best epoch cannot be chosen.", icon=":material/warning:")
        return
    for leak in leaks:
        widgets.show_warning(
            f"{len(leak.ids)} images for {PARTS[leak.part].lower()} are {LEAKS[leak.kind]}, so its scores are too "
            f"high: {readable(listing(leak.ids, 5))}."
        )
    if not leaks:
        st.success(
            "Leak check: no image for validation or test is a copy or near-copy of a training image, or in a group "
            "with one.",
            icon=":material/verified:",
        )
    names = dataset.class_names
    for part, indexes in division.find_unseen(parts).items():
        lacking = listing([names[index] for index in indexes if index < len(names)], 8)
        widgets.show_warning(f"{PARTS[part]} has no image with {lacking}. Try another seed, or add images.")
