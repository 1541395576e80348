"""Runs on every visit: page config, the menu, and the page that was asked for."""

from pathlib import Path

import streamlit as st

from pages import PAGES
from pages.ui import addresses, shortcuts

here = Path(__file__).parent
LOGO = str(here / "assets" / "logo.svg")  # a Material icon would be fetched from another site
st.set_page_config(page_title="UNet Studio", page_icon=LOGO, layout="wide")
st.logo(LOGO, size="large")
st.html(here / "assets" / "style.css")
st.html(here / "assets" / "print.css")

menu = [
    st.Page(here / page.file, title=page.title, icon=page.icon, url_path=page.url_path or None, default=key == "home")
    for key, page in PAGES.items()
]
page = st.navigation(menu, position="top")
shortcuts.show(page.url_path)
addresses.update()  # after the page is known, since it may start another run
page.run()
