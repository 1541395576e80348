"""What the server is busy with, in the header of every page, in the title of the tab and, if wished, as a notification.

The browser itself asks (`pages.server.activity`); no page runs again for it.
"""

from pages.components import component, program_address, source

_mount = component(
    "activity",
    "activity/activity.js",
    "The activity in the header",
    html=source("activity/activity.html"),
    css=source("activity/activity.css"),
)


def show_activity() -> None:
    """The chip; it shows nothing while nothing goes on."""
    _mount(key="activity_chip", data=program_address())
