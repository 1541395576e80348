"""How a run reads its dataset: the settings that its trainer found, and the copy of the recipe in its folder.

A run keeps the repairs that it was trained with, whatever becomes of those beside the images.
"""

from dataclasses import replace
from pathlib import Path

from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import FILE, Recipe
from unet_core.errors import DataError

SCORE_ANEW = "`unet-studio evaluate --recipe auto` reads them with the repairs of now."
TRAIN_ANEW = "A new run takes the repairs of now."


def read(folder: Path, data: DataConfig) -> DataConfig:
    """The data settings of the run in a folder: with its own recipe or none, in runs of 0.1 with its color map."""
    for name in ("color_map.txt", "colour_map.txt"):  # the second is that of release 0.1
        path = folder / name
        if path.is_file():
            data = replace(data, color_map=path.read_text(encoding="ascii").strip())
            break
    own = folder / FILE
    return replace(data, recipe=str(own) if own.is_file() else recipes.NONE)


def choose_recipe(data: DataConfig, root: Path, asked: str | None = None) -> tuple[str, list[str]]:
    """The setting `recipe` for scoring a run on a folder, and a warning where that folder has got other repairs since.

    `data` are the settings of the run (`Run.data`). Its own folder is read as in the training; another one, whose
    images have other names, with the recipe of that folder. `asked` is what the user set, which stays.
    """
    if asked is not None:
        return asked, []
    if not data.root or root.resolve() != Path(data.root).resolve():
        return recipes.AUTO, []
    return data.recipe, find_changes(data)


def find_changes(data: DataConfig, remedy: str = SCORE_ANEW) -> list[str]:
    """A warning where the folder of a run (`Run.data`) has got other repairs than the run was trained with.

    `remedy` is the sentence that ends it. Raises DataError where the copy of the run is damaged.
    """
    own, now = recipes.of(data), _current(data)
    if now is not None and (own.repairs, own.settings) == (now.repairs, now.settings):
        return []
    trained = "none" if own.is_empty else f"{len(own.repairs)}, kept with it"
    return [
        f"{FILE} of the dataset now holds other repairs than the run was trained with ({trained}); images and masks "
        f"are read as in the training. {remedy}"
    ]


def make_repeatable(config: RunConfig, data: DataConfig) -> RunConfig:
    """The settings of a run (`Run.config`, `Run.data`) that train the same again, also where the repairs have changed.

    While its dataset has the same repairs as then, these are not named.
    """
    try:
        changed = bool(find_changes(data))
    except DataError:  # its own copy is damaged: whoever trains with it says so
        changed = True
    return config.replace(recipe=data.recipe) if changed else config


def _current(data: DataConfig) -> Recipe | None:
    """The recipe that the dataset has now; None where it is damaged."""
    try:
        return recipes.of(replace(data, recipe=recipes.AUTO))
    except DataError:
        return None
