# The table of HTTP cases over lwIP.  The sockets that a table leaves half closed fill the five
# connections of an rp2, so this board has sixteen.

import board
import pytest

from harness import PACKAGES
from test_http import PARAMETERS, check, deliveries, seen


@pytest.fixture(scope="module", params=PACKAGES)
def server(request, firmware, tmp_path_factory):
    """A board with tests/apps/http_app.py, one for all cases."""
    folder = tmp_path_factory.mktemp(request.param)
    with board.running("http_app", request.param, folder, heap="512k", pcbs=16) as program:
        program.expect_traceback("ZeroDivisionError", times=None)
        program.expect_traceback("ValueError", times=None)
        yield program


@pytest.mark.parametrize("case", PARAMETERS)
def test_case_on_a_board(server, case):
    seen(server)  # forget what the test before has left
    for delivery in deliveries(case) if board.ALL else ("whole",):
        try:
            check(server, case, delivery)
        except (AssertionError, OSError) as problem:
            pytest.fail(f"{delivery}: {problem!r}\nsent {case.send[:500]!r}", pytrace=False)
