"""Histories of orders over few copies, with steps that die, are throttled, come late: the books add up."""

import traceback

import pytest
from hypothesis import given, settings
from order_breaks import BREAKS
from order_shop import EACH_HISTORY, FIXED_HISTORIES, Shop, histories, load_shop_steps

HISTORIES = 200


@pytest.fixture(scope="module")
def modules():
    with load_shop_steps() as loaded:
        yield loaded


@settings(EACH_HISTORY, max_examples=HISTORIES)
@given(history=histories())
def test_books_add_up_after_any_history(modules, history):
    Shop(modules, history).run()


@pytest.mark.parametrize("break_step", BREAKS)
def test_histories_find_a_step_that_is_broken(modules, break_step):
    # Given steps of which one is broken
    class BrokenShop(Shop):
        def install(self, patch):
            super().install(patch)
            break_step(modules, patch)

    @settings(FIXED_HISTORIES, max_examples=10 * HISTORIES)
    @given(history=histories())
    def drive_histories(history):
        BrokenShop(modules, history).run()

    # When histories are driven, then one of them is found out, by its books or by a service outside
    with pytest.raises(AssertionError) as found:
        drive_histories()
    assert traceback.extract_tb(found.tb)[-1].filename.endswith(("order_books.py", "order_outside.py"))
