# Ten clients at once, as the tools that people measure servers with make them, more than there are
# places: no request fails, no connection is reset, nobody is told 503.  How fast it goes is not
# looked at.

import json
import os
import re
import subprocess

import pytest

from harness import wait_until

SECONDS = 1

pytestmark = [pytest.mark.alone, pytest.mark.parametrize("target", ["/quick", "/slow"])]


@pytest.fixture
def site(start, tmp_path):
    (tmp_path / "www").mkdir()
    server = start("pages_app", json.dumps({"max_connections": 6}))
    before = server.descriptors()
    yield server
    wait_until(lambda: server.get("/quick").status == 200)
    server.wait_descriptors(before)


@pytest.fixture
def tool(site, installed, tmp_path, target):
    """tool(name, *arguments): what the tool prints of its ten clients."""

    def tool(name, *arguments):
        url = f"http://{site.host}:{site.port}{target}"
        result = subprocess.run(
            [installed(name), *arguments, url],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    return tool


def number(pattern, output):
    """The number that the pattern finds."""
    match = re.search(pattern + r"\s*([\d.]+)", output)
    assert match, output
    return float(match[1])


@pytest.mark.parametrize("keep", [[], ["-k"]], ids=["close", "keep"])
def test_ab(tool, keep):
    output = tool("ab", "-q", "-c", "10", *keep, "-t", str(SECONDS), "-n", "1000000")
    assert number("Complete requests:", output) > 10
    assert number("Failed requests:", output) == 0, output
    assert "Non-2xx" not in output, output


def test_wrk(tool):
    output = tool("wrk", "-c", "10", "-t", "1", "-d", f"{SECONDS}s", "--timeout", "10s")
    assert int(re.search(r"(\d+) requests in", output)[1]) > 10, output
    assert "Socket errors" not in output and "Non-2xx" not in output, output


def test_siege(tool):
    output = tool("siege", "-q", "-j", "-b", "-c", "10", "-t", f"{SECONDS}S")
    result = json.loads(output[output.index("{") :])
    assert result["transactions"] > 10, output
    assert result["failed_transactions"] == 0 and result["availability"] == 100, output
