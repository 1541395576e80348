"""Runs on every visit: page config, the menu, and the page that was asked for."""

from pathlib import Path

import streamlit as st

from pages import PAGES
from pages.components.activity import show_activity
from pages.ui import addresses, shortcuts, visitor

here = Path(__file__).parent
LOGO = str(here / "assets" / "logo.svg")  # a Material icon would be fetched from another site
st.set_page_config(page_title="UNet Studio", page_icon=LOGO, layout="wide")  # before the menu: its icons are fonts
menu = [
    st.Page(here / page.file, title=page.title, icon=page.icon, url_path=page.url_path or None, default=key == "home")
    for key, page in PAGES.items()
]
page = st.navigation(menu, position="top")
st.set_page_config(page_title=f"{page.title} · UNet Studio", page_icon=LOGO)
st.logo(LOGO, size="large")
for sheet in ("style.css", "run.css", "print.css"):
    st.html(here / "assets" / sheet)
shortcuts.show(page.url_path)
with st.container(key="activity"):
    show_activity()
with st.container(key="visitor"):
    visitor.show_notice()
addresses.update()  # after the page is known, since it may start another run
page.run()
