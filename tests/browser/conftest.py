"""What the tests in a browser share: the browser, the drawn town's pages, and the visits of them."""

from __future__ import annotations

import pytest

from browser.made_results import made_results
from browser.visits import Visit, chromium
from servicecircle.maps.pages import write_pages


@pytest.fixture(scope="module")  # Playwright's event loop must not outlive the modules that use it
def browser(browser_path):
    with chromium(browser_path) as started:
        yield started


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Return the folder of the drawn town's pages per language; they are only read."""
    made = {}
    for language in ("zh", "en"):
        made[language] = tmp_path_factory.mktemp(language)
        write_pages(made_results(language), made[language])
    return made


@pytest.fixture
def visit_file(browser):
    """Visit a page by its path, with the options of Visit."""
    visits = []

    def open_file(path, **options):
        visits.append(Visit(browser, path, **options))
        return visits[-1]

    yield open_file
    for one in visits:
        one.context.close()


@pytest.fixture
def visit(visit_file, folders):
    """Visit a page of the drawn town."""

    def open_page(place="index.html", language="zh", **options):
        return visit_file(folders[language] / place, **options)

    return open_page
