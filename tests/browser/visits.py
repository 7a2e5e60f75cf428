"""Chromium with the network cut, and the drawn town's pages to visit."""

from __future__ import annotations

from contextlib import contextmanager

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@contextmanager
def chromium():
    """Start a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One visit of one page: what it asked for, and what it complained about."""

    def __init__(self, browser, path, *, size=(1400, 1000), before="", wait="body[data-ready]", **options):
        self.context = browser.new_context(
            **{"offline": True, "viewport": {"width": size[0], "height": size[1]}, **options}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        if before:
            self.page.add_init_script(before)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(wait)
