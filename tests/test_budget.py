# The packages stay within the memory that benchmarks/budget.py allows them.

import sys

import pytest

from harness import PACKAGES, ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from budget import BUDGET, measure  # noqa: E402

# On a busy machine a request may come after its connection was accepted, and then takes more.
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module", params=PACKAGES)
def measured(request, tmp_path_factory):
    """The package and its figures."""
    return request.param, measure(request.param, tmp_path_factory.mktemp("budget"))


def test_memory_stays_within_the_budget(measured):
    package, figures = measured
    exceeded = {
        name: f"{figure} of {BUDGET[package].get(name, 'no budget')}"
        for name, figure in figures.items()
        if figure > BUDGET[package].get(name, 0)
    }
    assert not exceeded


def test_no_budget_for_what_is_gone(measured):
    package, figures = measured
    assert set(BUDGET[package]) == set(figures)
