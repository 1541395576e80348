"""Mask Doctor: what was found, examples before and after, and repairs that are recorded and never change a file."""

from collections.abc import Sequence

import streamlit as st

from pages.ui.formatting import plain
from pages.views.data import state
from pages.views.data.repair import examples, repairs
from pages.views.data.state import Dataset
from unet_core.data.checks.finding import ERROR, INFO, SEVERITIES, WARNING, Finding
from unet_core.data.checks.registry import CHECKS
from unet_core.data.recipe import kinds
from unet_core.data.recipe.recipe import Recipe, Remedy
from unet_core.errors import listing
from unet_core.io.filenames import readable

TITLES = {
    ERROR: "Errors: training cannot start",
    WARNING: "Warnings: masks or scores suffer",
    INFO: "Good to know",
}
ICONS = {ERROR: ":material/error:", WARNING: ":material/warning:", INFO: ":material/info:"}
NAMED, MOST_NAMES = 3, 12  # samples that a message names, and that are listed below it


def show(dataset: Dataset) -> None:
    """Findings by severity, repairs that are applied, the recipe and the report as files."""
    root = dataset.root
    st.caption(
        "Your image and mask files are never changed. Repairs are recorded in "
        f"{plain(state.place_of_recipe(root))} and applied whenever the files are read."
    )
    if not dataset.is_measured:
        st.info("Findings appear when the scan is done.", icon=":material/hourglass_top:")
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_findings(dataset)
    with right:
        repairs.show(dataset)


def show_findings(dataset: Dataset) -> None:
    """Each finding as a card, or that there is none."""
    findings = dataset.scan.findings
    serious = [item for item in findings if item.severity != INFO]
    if dataset.scan.refused and not any(item.severity == ERROR for item in findings):
        st.error(plain(readable(dataset.scan.refused)), icon=":material/error:")
    elif not serious:
        show_healthy(dataset)
    suggested = suggest(serious)
    if len(suggested) > 1:
        show_repair_all(dataset, suggested)
    for severity in SEVERITIES:
        group = [item for item in findings if item.severity == severity]
        if group:
            st.header(f"{TITLES[severity]} ({len(group)})", anchor=False)
        for number, finding in enumerate(group):
            show_finding(dataset, finding, f"{severity} {number} {finding.check}")


def show_healthy(dataset: Dataset) -> None:
    """That nothing is wrong, and what was looked at."""
    st.success(f"No problems found in {len(dataset.scan.facts):,} images and their masks.", icon=":material/verified:")
    with st.expander("What was checked", icon=":material/checklist:"):
        st.markdown("\n".join(f"- {plain(check.description)}" for check in CHECKS.values()))


def title_of(finding: Finding, counts: bool = True) -> str:
    """A finding in a few words, with its count."""
    words = CHECKS[finding.check].title if finding.check in CHECKS else finding.check
    if not counts or not finding.count:
        return words
    return f"{words}: {finding.count:,} image{'s' * (finding.count != 1)}"


def show_finding(dataset: Dataset, finding: Finding, key: str) -> None:
    """Message, names, remedies; examples are drawn only while they are open."""
    with st.container(border=True, key=f"finding {key}"):
        st.markdown(f"{ICONS[finding.severity]} **{plain(title_of(finding))}**")
        st.markdown(plain(readable(finding.message)))
        if finding.count > NAMED:
            names = [readable(name) for name in finding.samples]
            st.caption(plain(listing(names, MOST_NAMES)))
        if finding.remedies:
            with st.container(horizontal=True):
                for number, remedy in enumerate(finding.remedies):
                    st.button(
                        plain(remedy.label),
                        key=f"remedy {key} {number}",
                        type="secondary" if number or finding.severity == INFO else "primary",
                        icon=":material/healing:" if not number else None,
                        help=plain("; ".join(describe(remedy))) or None,
                        disabled=not dataset.is_current,
                        on_click=state.change,
                        args=(dataset.root, adding(remedy)),
                    )
        if finding.samples:
            with st.expander("Examples", icon=":material/compare:", key=f"examples {key}", on_change="rerun") as box:
                if box.open:
                    examples.show(dataset, finding, key)


def adding(*remedies: Remedy):  # type: ignore[no-untyped-def]
    """The change of a recipe that applies remedies."""

    def edit(recipe: Recipe) -> Recipe:
        for remedy in remedies:
            recipe = recipe.add(remedy)
        return recipe

    return edit


def suggest(findings: Sequence[Finding]) -> list[tuple[Finding, Remedy]]:
    """The first remedy of each finding that has one."""
    return [(finding, finding.remedies[0]) for finding in findings if finding.remedies]


def show_repair_all(dataset: Dataset, suggested: Sequence[tuple[Finding, Remedy]]) -> None:
    """One button for all suggestions, with the list of what it does."""
    with st.container(border=True):
        st.markdown(f"**{len(suggested)} suggested repairs**")
        lines = [f"- {plain(title_of(finding))}: {plain(remedy.label)}" for finding, remedy in suggested]
        st.markdown("\n".join(lines))
        st.button(
            "Repair all suggested",
            key="repair_all",
            type="primary",
            icon=":material/done_all:",
            disabled=not dataset.is_current,
            on_click=state.change,
            args=(dataset.root, adding(*(remedy for _, remedy in suggested))),
            help="Each repair can be undone on its own.",
        )


def describe(remedy: Remedy) -> list[str]:
    """What a remedy does, a sentence for each repair and setting."""
    return [*(kinds.describe(repair) for repair in remedy.repairs), *map(repairs.describe_setting, remedy.settings)]
