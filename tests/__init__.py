"""The tests lie as the packages do; what they share is in `tests.support`."""

import pytest

pytest.register_assert_rewrite("tests.support")  # before anything is imported from it
