"""The viewer alone, with every kind of picture: `streamlit run benchmarks/overlay_demo.py`. Driven by tests too."""

import streamlit as st

from pages import media

base = st.get_option("server.baseUrlPath") or ""
app = st.App("overlay_demo_page.py", routes=media.routes(base))
