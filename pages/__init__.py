"""The pages of the app, in the order of the menu. `main.py` runs on every visit and shows one of them."""

from typing import NamedTuple


class Page(NamedTuple):
    """An entry of the menu: its file beside this one, its title, its icon and its address."""

    file: str
    title: str
    icon: str
    url_path: str


PAGES = {
    "home": Page("home.py", "Home", ":material/home:", ""),
    "data": Page("data.py", "Data", ":material/database:", "data"),
    "train": Page("train.py", "Train", ":material/model_training:", "train"),
    "predict": Page("predict.py", "Predict", ":material/image_search:", "predict"),
    "evaluate": Page("evaluate.py", "Evaluate", ":material/analytics:", "evaluate"),
    "compare": Page("compare.py", "Compare", ":material/compare:", "compare"),
    "share": Page("share.py", "Share", ":material/share:", "share"),
}
