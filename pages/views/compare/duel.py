"""Two models on the same images: who scores higher where, by how much, and whether that could be chance."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server import model_registry
from pages.server.background_job import CANCELLED, DONE
from pages.server.scoring_job import Scores, ScoringJob
from pages.ui import dataset_picker, job_progress, widgets
from pages.ui.formatting import plain
from pages.ui.messages import show_messages
from pages.views.compare import duel_result
from pages.views.evaluate import images, job
from unet_core.errors import CheckpointError
from unet_core.evaluation.compare import duels
from unet_core.evaluation.compare.side import Side
from unet_core.io.filenames import readable
from unet_core.models import weight_file
from unet_core.runs import manage
from unet_core.runs import run as runs

OWN, OTHER = "Dataset of both runs", "Another dataset"
SPLIT = "held-out"  # of each model: what either was trained on is left out
KEYS = {"A": "duel_a", "B": "duel_b"}  # of the menus, and in the address


class Request(NamedTuple):
    """The two runs, and the folder of the images; None for the dataset that both were trained on."""

    first: runs.Run
    second: runs.Run
    root: Path | None


def show(existing: Sequence[runs.Run]) -> None:
    """The two models, the images, and what came out."""
    trained = [run for run in existing if run.has_best]
    if not trained:
        st.info("There is no trained model yet. [Train](/train) one.", icon=":material/compare:")
        return
    request = choose(trained)
    if request is None:
        return
    with st.container():  # it has its place also where it is empty
        scorings = score(request)
    if scorings is not None:
        names = request.first.id, request.second.id
        result = match(names, scorings)
        duel_result.show(
            result, (scorings[0].scores, scorings[1].scores), find_classes(request.first, scorings[0].scores)
        )


def choose(trained: Sequence[runs.Run]) -> Request | None:
    """The menus of both models and of the images; None where something is missing, which is said."""
    columns = st.columns(3, gap="small")
    with columns[0]:
        first = choose_run("A", trained, min(1, len(trained) - 1))
    with columns[1]:
        second = choose_run("B", trained, 0)
    if first is None or second is None:
        return None
    is_shared = _find_root(first) == _find_root(second)
    with columns[2]:
        kind = st.selectbox("Images", [OWN, OTHER], key="duel_images", bind="query-params")
        if kind == OWN:
            if not is_shared:
                widgets.show_warning(
                    f'The two models were trained on different datasets. Choose "{OTHER}" to score both on it.'
                )
                return None
            root = None
        else:
            chosen = dataset_picker.choose()
            if chosen is None:
                return None
            root = chosen.root
    show_copy_link({"compare_view": "Duel", KEYS["A"]: first.id, KEYS["B"]: second.id, **duel_result.address()})
    if root is None and (problem := images.explain_missing(first)):
        widgets.show_error(problem)
        return None
    return Request(first, second, root)


def choose_run(letter: str, trained: Sequence[runs.Run], by_default: int) -> runs.Run | None:
    """The menu of one model. Where the address names one that is not there, it says so and none is chosen."""
    key, names = KEYS[letter], {run.id: run for run in trained}
    missing_key = f"{key}_missing"
    asked = st.query_params.get(key, "")
    if asked and asked not in names and st.session_state.get(key) is None:
        st.session_state[missing_key] = asked
    elif st.session_state.get(key) is not None:
        st.session_state.pop(missing_key, None)
    missing = st.session_state.get(missing_key)
    chosen = st.selectbox(
        f"Model {letter}",
        list(names),
        None if missing else by_default,
        key=key,
        bind="query-params",
        format_func=lambda name: _describe(names[name]),
        placeholder="Choose a run",
    )
    if chosen is None:
        reason = f"The run {readable(missing)} of this address is not available: " if missing else ""
        widgets.show_warning(f"{reason}it was deleted, or has no checkpoint yet." if reason else "Choose a run.")
        return None
    return names[chosen]


def _describe(run: runs.Run) -> str:
    name = manage.notes(run).name
    return f"{name} · {run.id}" if name else run.id


def _find_root(run: runs.Run) -> Path | None:
    root = run.data.root
    return Path(root).resolve() if root else None


def score(request: Request) -> tuple[ScoringJob, ScoringJob] | None:
    """Both scored, one after the other; None while they are not: progress, or what went wrong, is shown."""
    jobs: list[ScoringJob] = []
    for letter, run in (("A", request.first), ("B", request.second)):
        key = KEYS[letter].replace("duel", "duel_job")
        scoring = job.find_job(model_registry.Model(run.id, run.best, run), SPLIT, request.root, key)
        if not scoring.poll().over:
            st.caption(f"Scoring {letter} ({plain(run.id)}), {len(jobs) + 1} of 2 models.")
            job_progress.follow(scoring, f"cancel_{key}")
            return None
        if scoring.error:
            widgets.show_error(f"Model {letter}: {scoring.error}")
            return None
        if scoring.offer is not None:
            job.show_offer(scoring.offer, key)
            return None
        if scoring.state == CANCELLED:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.warning(
                    f"Canceled after {len(scoring.scores.images)} images of model {letter}.",
                    icon=":material/cancel:",
                    width="stretch",
                )
                st.button("Continue", key=f"again_{key}", icon=":material/refresh:", on_click=job.restart, args=(key,))
            return None
        jobs.append(scoring)
    for letter, scoring in zip("AB", jobs, strict=True):
        if scoring.warning:
            widgets.show_warning(f"Model {letter}: {scoring.warning}")
    skipped = dict.fromkeys(message for scoring in jobs for message in scoring.scores.skipped)
    show_messages(list(skipped), "files that cannot be read", widgets.show_warning)
    warnings = dict.fromkeys(message for scoring in jobs for message in scoring.scores.warnings)
    show_messages(list(warnings), "remarks on the data", widgets.show_warning)
    return jobs[0], jobs[1]


def match(names: tuple[str, str], scorings: tuple[ScoringJob, ScoringJob]) -> duels.Match:
    """Computed once for what is scored: signs are flipped many times. Raises DataError where no image counts."""
    before = st.session_state.get("duel_match")
    if before is not None and before[0] is scorings[0] and before[1] is scorings[1]:
        result: duels.Match = before[2]
        return result
    result = duels.match(*(make_side(name, scoring.scores) for name, scoring in zip(names, scorings, strict=True)))
    if all(scoring.state == DONE for scoring in scorings):
        st.session_state["duel_match"] = (*scorings, result)
    return result


def find_classes(run: runs.Run, scores: Scores) -> list[str]:
    """The names of the classes that were scored, [] of a binary model."""
    number = len(scores.images[0].counts.tp)
    for folder in (run.best, run.best.with_name("best.old")):
        with contextlib.suppress(OSError, CheckpointError):
            config = weight_file.config_from((folder / "config.json").read_bytes(), "config.json")
            return [config.class_name(index) for index in range(number)] if number > 1 else []
    return [str(index) for index in range(number)] if number > 1 else []


def make_side(name: str, scores: Scores) -> Side:
    """What a job has scored, as the core compares it; equal PNGs are equal ground truths."""
    trained_on = frozenset(scores.trained_on) | frozenset(scores.left_out.get("train", ()))
    return Side(name, scores.images, scores.samples, scores.truths, trained_on, scores.skipped, scores.warnings)
