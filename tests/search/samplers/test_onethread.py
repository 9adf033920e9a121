from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nightsweep.search.samplers.onethread import one_thread


def threads() -> list[int]:
    libraries = threadpool_info()
    return [lib["num_threads"] for lib in libraries if lib["internal_api"] == "openblas"]


@pytest.mark.parametrize("before", [1, 3])
def test_there_is_one_thread_within_and_as_many_as_before_afterwards(before: int) -> None:
    import scipy.linalg  # noqa: F401

    with threadpool_limits(before, user_api="blas"):
        outside = threads()
        with one_thread():
            assert set(threads()) == {1}
        assert threads() == outside
        assert before in outside
