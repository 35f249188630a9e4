# The fixtures that every test module may use.  harness.py tells how.

import os
import shutil

import pytest

from harness import PACKAGES, Process, translate

REQUIRE_CHROMIUM = os.environ.get("REQUIRE_CHROMIUM") == "1"
passed_in_chromium = []


@pytest.fixture(params=PACKAGES)
def package(request):
    """Each test that uses it runs twice: with ahttpserver and with httpserver."""
    return request.param


@pytest.fixture
def start(package, tmp_path):
    """start(name, *args, heap="224k") runs tests/apps/name.py and returns its Process."""
    processes = []

    def start(name, *args, heap="224k"):
        folder = tmp_path / "apps"
        folder.mkdir(exist_ok=True)
        program = translate(name, package, folder)
        processes.append(Process(program, tmp_path, *args, heap=heap))
        processes[-1].wait_listening()
        return processes[-1]

    yield start
    problems = []
    for process in processes:
        try:
            process.finish()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def chromium():
    """The path of Debian's Chromium; skips where it is missing, fails with REQUIRE_CHROMIUM=1."""
    path = shutil.which("chromium")
    if path is None and REQUIRE_CHROMIUM:
        pytest.fail("chromium is not installed")
    return path or pytest.skip("chromium is not installed")


@pytest.fixture(scope="session")
def browser(chromium):
    """A running Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # no sandbox: Chromium refuses to start one for root, which containers run as
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """An empty page in a profile of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def pytest_collection_modifyitems(items):
    for item in items:
        if "chromium" in item.fixturenames:
            item.user_properties.append(("chromium", True))


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed and ("chromium", True) in report.user_properties:
        passed_in_chromium.append(report.nodeid)


def pytest_sessionfinish(session, exitstatus):
    """With REQUIRE_CHROMIUM=1 a run in which no test used the browser is a failure."""
    worker = hasattr(session.config, "workerinput")  # of pytest-xdist: sees a part of the tests
    if REQUIRE_CHROMIUM and not passed_in_chromium and exitstatus == 0 and not worker:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if REQUIRE_CHROMIUM and not passed_in_chromium:
        terminalreporter.write_line("REQUIRE_CHROMIUM: no test passed in Chromium", red=True)
