# The fixtures that every test module may use.  harness.py tells how.

import contextlib
import datetime
import ipaddress
import os
import shutil
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from boards import HEAP, Board, serving
from browsers import Firefox
from harness import HOST, MICROPYTHON, PACKAGES, Process, translate

REQUIRE_PROGRAMS = os.environ.get("REQUIRE_PROGRAMS") == "1"
# What must be there in CI, by the fixture that skips where it is missing.
REQUIRED = {
    fixture: variable
    for fixture, variable in (("chromium", "REQUIRE_CHROMIUM"), ("firmware", "REQUIRE_QEMU"))
    if os.environ.get(variable) == "1"
}
passed = set()  # fixtures with which a test has passed


@pytest.fixture(params=PACKAGES)
def package(request):
    """Each test that uses it runs twice: with ahttpserver and with httpserver."""
    return request.param


@pytest.fixture
def start(package, tmp_path):
    """start(name, *args, heap="224k") runs tests/apps/name.py and returns its Process.

    within: words before its command."""
    processes = []

    def start(name, *args, heap="224k", within=()):
        folder = tmp_path / "apps"
        folder.mkdir(exist_ok=True)
        program = translate(name, package, folder)
        processes.append(Process(program, tmp_path, *args, heap=heap, within=within))
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


@pytest.fixture
def new_board(request, tmp_path):
    """A virtual board that is switched off: see boards.py."""
    board = Board(tmp_path, getattr(request, "param", HEAP))
    yield board
    board.close()


@pytest.fixture
def board(new_board):
    new_board.power_on()
    return new_board


@pytest.fixture
def serve_folder():
    """serve_folder(path) publishes a folder over HTTP and returns its address."""
    with contextlib.ExitStack() as servers:
        yield lambda folder: servers.enter_context(serving(folder))


@pytest.fixture(scope="session")
def installed():
    """installed(name): the path of a program; skips without it, fails with REQUIRE_PROGRAMS=1."""

    def installed(name):
        path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        if path is None and REQUIRE_PROGRAMS:
            pytest.fail(name + " is not installed")
        return path or pytest.skip(name + " is not installed")

    return installed


@pytest.fixture(scope="session")
def chromium(installed):
    """The path of Debian's Chromium."""
    return installed("chromium")


@pytest.fixture(scope="session")
def firefox(installed):
    return installed("firefox-esr")


@pytest.fixture(scope="module")
def firefox_tab(firefox, tmp_path_factory):
    """An empty tab of a running Firefox: see browsers.py."""
    browser = Firefox(firefox, tmp_path_factory.mktemp("firefox"))
    yield browser.profile().tab()
    browser.close()


@pytest.fixture(scope="session")
def browser(chromium):
    """A running Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # no sandbox: Chromium refuses to start one for root, which containers run as
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def with_ssl():
    """For what needs HTTPS, which some builds have not."""
    if subprocess.run([MICROPYTHON, "-c", "import ssl"], capture_output=True).returncode:
        pytest.skip("this MicroPython has no ssl")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory, with_ssl):
    """A folder with cert.der, cert.pem and key.der: a new key and its own certificate."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "board")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False
        )
        .sign(key, hashes.SHA256())
    )
    encodings = serialization.Encoding
    (folder / "cert.der").write_bytes(cert.public_bytes(encodings.DER))
    (folder / "cert.pem").write_bytes(cert.public_bytes(encodings.PEM))
    (folder / "key.der").write_bytes(
        key.private_bytes(
            encodings.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return folder


@pytest.fixture
def context(certificate):
    """What a client trusts."""
    return ssl.create_default_context(cafile=certificate / "cert.pem")


@pytest.fixture
def page(browser):
    """An empty page in a profile of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def pytest_collection_modifyitems(items):
    for item in items:
        uses = [fixture for fixture in REQUIRED if fixture in item.fixturenames]
        item.user_properties.extend((fixture, True) for fixture in uses)


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        passed.update(name for name, _ in report.user_properties if name in REQUIRED)


def pytest_sessionfinish(session, exitstatus):
    """A run in which no test used what is required (the browser, the board) is a failure.

    One half of `make test` may have nothing to do."""
    worker = hasattr(session.config, "workerinput")  # of pytest-xdist: sees a part of the tests
    if missing(session.config) and exitstatus == 0 and not worker:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.markexpr:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter, config):
    for fixture in missing(config):
        terminalreporter.write_line(f"{REQUIRED[fixture]}: no test has passed with it", red=True)
    add_halves(terminalreporter.stats, config)


def missing(config):
    """The required fixtures with which no test has passed; those alone need not have all."""
    return set() if config.option.markexpr == "alone" else REQUIRED.keys() - passed


def add_halves(stats, config):
    """Lets the last line of `make test` count both of its runs: all others, then those alone."""
    half = config.option.markexpr if os.environ.get("HALVES") else ""
    if half == "not alone":
        skipped = [report.longrepr for report in stats.get("skipped", [])]
        config.cache.set("halves/first", [len(stats.get("passed", [])), skipped])
    elif half == "alone":
        passed, skipped = config.cache.get("halves/first", [0, []])
        config.cache.set("halves/first", [0, []])
        for outcome, reasons in ("passed", [None] * passed), ("skipped", skipped):
            stats.setdefault(outcome, []).extend(
                pytest.TestReport(
                    "first half", ("", 0, ""), {}, outcome, reason and tuple(reason), "call"
                )
                for reason in reasons
            )
