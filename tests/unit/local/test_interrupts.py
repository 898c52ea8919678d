"""What a signal to the launcher does: it cleans up, and is not stopped while it does."""

import signal

import pytest

from local.interrupts import termination_as_ctrl_c, uninterrupted


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_cleans_up_like_ctrl_c(ending: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), termination_as_ctrl_c():
        signal.raise_signal(ending)


def test_cleaning_up_is_not_interrupted() -> None:
    with termination_as_ctrl_c(), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)


def test_signals_are_handled_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with termination_as_ctrl_c(), uninterrupted():
        pass

    assert signal.getsignal(signal.SIGTERM) == before
