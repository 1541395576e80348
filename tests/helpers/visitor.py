"""A visitor who counts clicks and never scrolls: each target must be on the screen, whole and uncovered."""

from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.helpers.browser import poll

OUT_OF_REACH = """(target) => {
    const box = target.getBoundingClientRect();
    if (!box.width || !box.height) return "has no size";
    const place = [box.left, box.top, box.right, box.bottom].map(Math.round).join(", ");
    if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight)
        return `is at ${place} (left, top, right, bottom) of ${innerWidth} x ${innerHeight}`;
    const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    let top = document.elementFromPoint(x, y);
    while (top?.shadowRoot) {
        const inner = top.shadowRoot.elementFromPoint(x, y);
        if (!inner || inner === top) break;
        top = inner;
    }
    for (let node = top; node; node = node.parentNode ?? node.host) if (node === target) return "";
    return `is covered by ${top?.tagName} ${top?.className}`;
}"""
SCROLLED = """() => [...document.querySelectorAll("html, [data-testid=stMain]")]
    .some((element) => element.scrollTop > 0)"""


class Visitor:
    """Uses a page as people do, and counts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks: list[str] = []

    def see(self, target: Locator, what: str) -> None:
        """Wait until it is on the screen; it must be there without scrolling."""
        target.wait_for()
        reason = ""

        def is_in_reach() -> bool:
            nonlocal reason
            reason = target.evaluate(OUT_OF_REACH)  # the page may still be moving
            return not reason

        try:
            poll(is_in_reach, 20)
        except AssertionError:
            raise AssertionError(f"{what} {reason}, after {self.clicks}") from None
        assert not self.page.evaluate(SCROLLED), f"the page was scrolled before {what}"

    def click(self, target: Locator, what: str, **options) -> None:
        self.see(target, what)
        self.clicks.append(what)
        target.click(**options)

    def choose_files(self, button: Locator, path: Path) -> None:
        """Two clicks: the button, and the choice in the window that the system opens."""
        with self.page.expect_file_chooser() as chooser:
            self.click(button, "choose")
        self.clicks.append("the files")
        chooser.value.set_files(path)
