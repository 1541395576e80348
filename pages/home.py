"""What the app does, the way to the first mask, and the recent runs."""

from datetime import datetime
from pathlib import Path

import streamlit as st

from pages.server import run_feed
from pages.server.paths import runs_dir
from pages.ui import dataset_picker
from pages.views.home import first_run
from unet_core.errors import UnetError
from unet_core.runs import manage
from unet_core.runs import run as runs

RECENT = 8
STEPS = (
    ("data", ":material/database:", "1 · Data", "Add your images and masks: upload them, choose a folder, or take the "
     "built-in sample. See what is in them, find what is wrong, and repair it."),
    ("train", ":material/model_training:", "2 · Train", "Choose a dataset and start training. Follow the curves live. "
     "You can close the page; training continues."),
    ("predict", ":material/image_search:", "3 · Predict", "Upload images to segment them. Adjust threshold and "
     "opacity, count and measure the objects, and download the results."),
    ("evaluate", ":material/analytics:", "4 · Evaluate", "See Dice and IoU for every image the model was not trained "
     "on, sorted from lowest Dice, with an error overlay."),
)  # fmt: skip

st.title("UNet Studio")
st.markdown("Train a **U-Net** on your own images and masks, use it on new images and evaluate it, all in the browser.")
first_run.show()

for row in (STEPS[:2], STEPS[2:]):
    for column, (page, icon, title, text) in zip(st.columns(2), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(title)
            st.write(text)
            st.page_link(f"{page}.py", label=f"Open {page.capitalize()}", icon=icon)

st.subheader("Recent runs")
rows, names = [], dataset_picker.names_by_root()
for run in runs.find(runs_dir())[:RECENT]:
    try:
        config = run.config
    except UnetError:
        continue  # not a run of this app, or a damaged one
    history, notes = run_feed.history(run), manage.notes(run)
    best = history.best
    rows.append(
        {
            "Run": f"/train?run={run.id}",
            "State": run.state().value,
            "Name": notes.name or None,
            "Started": datetime.fromtimestamp(history.started_at) if history.started_at else None,
            "Dataset": names.get(config.data.root) or Path(config.data.root).name,
            "Best Dice": best.val_dice if best else None,
            "IoU at best": best.val_iou if best else None,
        }
    )
if rows:
    score = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
    st.dataframe(
        rows,
        hide_index=True,
        key="recent",
        placeholder="–",
        column_config={
            "Run": st.column_config.LinkColumn(display_text=r"run=(.*)", width="medium"),
            "Best Dice": score,
            "IoU at best": score,
        },
    )
else:
    st.info(
        "No runs yet. [Train](/train) your first model on the built-in sample; it takes about two minutes.",
        icon=":material/rocket_launch:",
    )
