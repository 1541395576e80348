"""What the app does, the run that trains now, the way to the first mask, and the recent runs."""

import streamlit as st

from pages.views.home import active_run, default_model, first_run, recent_runs

STEPS = (
    ("data", ":material/database:", "1 · Data", "Upload images and masks, choose a folder, or take the built-in "
     "sample. Find and repair what is wrong."),
    ("train", ":material/model_training:", "2 · Train", "Choose a dataset and start. Follow the curves live; you can "
     "close the page."),
    ("predict", ":material/image_search:", "3 · Predict", "Segment new images, count and measure the objects, "
     "download the results."),
    ("evaluate", ":material/analytics:", "4 · Evaluate", "See Dice and IoU of every image the model was not trained "
     "on, lowest first."),
)  # fmt: skip

with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="home_title"):
    st.title("UNet Studio", anchor=False, width="content")
    st.markdown("Train a **U-Net** on your own images and masks, use it on new images and evaluate it.")
default_model.show()
active_run.show()
first_run.show()
with st.container(key="home_steps"):
    for page, icon, title, text in STEPS:
        with st.container(border=True, height="stretch", gap="small"):
            st.header(title, anchor=False)
            st.markdown(text)
            st.page_link(f"{page}.py", label=f"Open {page.capitalize()}", icon=icon)
recent_runs.show()
