"""The few parts that must run in the browser: Streamlit components (v2), a folder each.

Their JavaScript is made of ES modules. The browser fetches them by a route with the program's version in the address
(`pages.server.pixel_routes`) and keeps them; what a rerun carries is the small LOADER.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

import streamlit as st

from pages.server import pixel_routes
from pages.server.visitors import identity

HERE = Path(__file__).parent

# Streamlit calls this at each rerun with new data, and runs what a call returns when the element goes. It does so at
# once for a call that was overtaken by a newer one while its program was loading: such a call must mount nothing.
# An element keeps the program that it began with, also where the server has got another version since.
LOADER = """
export default async (component) => {
  const { parentElement: parent, data } = component;
  const call = (parent.unetCalls = (parent.unetCalls ?? 0) + 1);
  const failure = () => parent.querySelector("[data-is=failed]");
  let program;
  try {
    if (data.visitor) globalThis.unetVisitor = data.visitor; // see shared/visitor.js
    const base = `${location.origin}${data.root}/${data.version}/`;
    parent.unetProgram ??= Promise.all({modules}.map((path) => import(base + path)));
    [program] = await parent.unetProgram;
  } catch (error) {
    console.error(error);
    parent.unetProgram = undefined;
    if (call !== parent.unetCalls || failure()) return undefined;
    const text = "{title} could not be loaded. Start the app with `streamlit run app.py`, then reload this page.";
    parent.append(Object.assign(document.createElement("p"), { textContent: text }));
    parent.lastChild.dataset.is = "failed";
    return undefined;
  }
  if (call !== parent.unetCalls) return undefined;
  failure()?.remove();
  return program.default(component);
};
"""


def source(name: str) -> str:
    """The text of a file below this folder."""
    return (HERE / name).read_text(encoding="utf-8")


def loader(entry: str, title: str) -> str:
    """The JavaScript that loads the module `entry` ("viewer/viewer.js") and calls its default export.

    All modules of its folder and the shared ones are asked for at once: found one by one as imports, they would take as
    many round trips as they are deep. `title` begins the sentence that is shown where the program cannot be loaded.
    """
    folders = (entry.partition("/")[0] + "/", "shared/")
    modules = [entry, *(name for name in pixel_routes.FILES if name.startswith(folders) and name != entry)]
    return LOADER.replace("{modules}", json.dumps(modules)).replace("{title}", title)


def component(
    name: str, entry: str, title: str, *, html: str | None = None, css: str | None = None
) -> Callable[..., Any]:
    """Register a component whose program is the module `entry`, with its `html` and `css`.

    Each mount's data must contain `program_address()`.
    """
    mount: Callable[..., Any] = st.components.v2.component(name, html=html, css=css, js=loader(entry, title))
    return mount


def is_news(key: str, message: object) -> TypeGuard[dict[str, Any]]:
    """Whether the session sees this message of a component (see `shared/news.js`) for the first time.

    What happens once is told as a state with an id, not as Streamlit's trigger value: that is lost where another rerun
    interrupts the one that brings it, or where the connection breaks on the way.

    Args:
        key: of the latest message in the session.
        message: from the browser, so it may be anything.
    """
    number = message.get("id") if isinstance(message, dict) else None
    if not isinstance(number, str) or st.session_state.get(key) == number:
        return False
    st.session_state[key] = number
    return True


def program_address() -> dict[str, str]:
    """Where the browser fetches the modules: the `root` of the routes and the `version` of the program.

    Where the browser keeps no cookie, also the `visitor` that it tells the routes.
    """
    base = st.get_option("server.baseUrlPath") or ""
    header = identity.session_header()
    address = {"root": pixel_routes.root_of(base), "version": pixel_routes.version()}
    return address | ({"visitor": header} if header else {})
