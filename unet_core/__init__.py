"""The core of UNet Studio: everything that has a right answer, and no Streamlit."""

__version__ = "0.1.0"
