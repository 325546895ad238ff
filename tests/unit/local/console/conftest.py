import pytest

from tests.unit.local.console.fakes import RUN, Browser


@pytest.fixture
def browser() -> Browser:
    """A console whose stack has the run `demo-1`."""
    browser = Browser()
    browser.api.answers["GET /runs/demo-1"] = (200, RUN)
    browser.api.answers["GET /runs"] = (200, {"runs": [RUN], "next": None})
    return browser
