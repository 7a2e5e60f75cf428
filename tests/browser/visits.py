"""Chromium with the network cut, and pages to visit."""

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
def chromium(path):
    """Start the browser at a path."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One visit of one page: what it asked for, and what it complained about."""

    def __init__(
        self, browser, path, *, size=(1400, 1000), mobile=False, before="", wait="body[data-ready]", **options
    ):
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(
            **{"offline": True, "viewport": viewport, "is_mobile": mobile, "has_touch": mobile, **options}
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
