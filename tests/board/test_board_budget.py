# Instructions and memory stay within what benchmarks/emulated.py allows: on the firmware that
# Debian's sources give; for others the figures are only printed.

import sys

import board
import pytest

from harness import PACKAGES, ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from emulated import BUDGET, guarded  # noqa: E402

pytestmark = pytest.mark.skipif(not board.ALL, reason="make test-board runs it")


@pytest.fixture(scope="module", params=PACKAGES)
def measured(request, firmware, tmp_path_factory):
    """The package and its figures."""
    return request.param, guarded(request.param, tmp_path_factory.mktemp("budget"))


def test_cost_on_a_board_stays_within_the_budget(measured):
    package, figures = measured
    print(package, figures)
    assert set(BUDGET[package]) == set(figures)
    if not board.firmware().parent.name.endswith("debian"):
        pytest.skip(f"the budget is not meant for {board.firmware()}")
    exceeded = {
        name: f"{figure} of {BUDGET[package][name]}"
        for name, figure in figures.items()
        if figure > BUDGET[package][name]
    }
    assert not exceeded
