"""A server with the uploader and nothing else, for the browser's tests."""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[2]))
from pages.server import pixel_routes
from pages.server.uploads import datasets as uploads

app = st.App("uploader_page.py", routes=[*pixel_routes.routes(), *uploads.routes()])
