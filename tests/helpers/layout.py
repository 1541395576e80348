"""What is cut, outside of the window, covered or too small on the page that is open, whatever page that is."""

from pathlib import Path

from playwright.sync_api import Page

from tests.helpers.browser import wait_until

FIND_FAULTS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn the page and the browser has loaded it."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.evaluate("document.fonts.ready.then(() => null)")
    wait_until(page, "!document.querySelector('[data-testid=stSkeleton]')")


def find_faults(page: Page) -> list[str]:
    """A line for each text that is cut and each control that is outside, covered or (ours) smaller than 24 x 24 px.

    The page must have been drawn (`settle`); it is scrolled and put back.
    """
    faults: list[str] = page.evaluate(FIND_FAULTS)
    return faults
