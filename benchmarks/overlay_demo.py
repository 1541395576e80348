"""The viewer alone, with every kind of picture: `streamlit run benchmarks/overlay_demo.py`. Driven by tests too."""

import streamlit as st

from pages.server import pixel_routes

base = st.get_option("server.baseUrlPath") or ""
app = st.App("overlay_demo_page.py", routes=pixel_routes.routes(base))
