import os
import signal
import subprocess
import sys
import threading
from textwrap import dedent

import pytest

from nightsweep.cluster.exits import AT_ONCE
from nightsweep.cluster.stopping import stop_request

EACH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that sends itself signals."""
    head = "import os, signal, time\nfrom nightsweep.cluster.stopping import stop_request\n"
    return subprocess.run(
        [sys.executable, "-c", head + dedent(code)], capture_output=True, text=True, timeout=60
    )


def test_nothing_is_asked_for_at_first() -> None:
    with stop_request() as request:
        assert request.signal == ""


@EACH
def test_the_first_signal_asks_to_stop_by_its_name(number: signal.Signals) -> None:
    with stop_request() as request:
        os.kill(os.getpid(), number)
        assert request.signal == number.name


@EACH
def test_signals_are_handled_as_before_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_request():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


def test_signals_are_handled_as_before_after_an_error() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="inside"), stop_request():
        raise ValueError("inside")
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_is_listened_for() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def listen() -> None:
        with stop_request() as request:
            seen.append((request, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert [(request.signal, handler) for request, handler in seen] == [("", before)]


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])
def test_the_second_signal_ends_the_process_at_once(second: str) -> None:
    done = in_a_process(
        f"""
        with stop_request(clock=iter([0.0, 1.0]).__next__) as request:
            os.kill(os.getpid(), signal.SIGINT)
            print("asked:", request.signal, flush=True)
            os.kill(os.getpid(), signal.{second})
            print("never")
        """
    )
    assert (done.returncode, done.stdout) == (AT_ONCE, "asked: SIGINT\n")
    assert done.stderr == "\nstopped at once; what was recorded is kept\n"


def test_a_signal_that_comes_by_two_ways_counts_once() -> None:
    """`timeout` sends it to a process and to its group, and a supervisor passes its own on."""
    with stop_request(clock=iter([0.0, 0.9]).__next__) as request:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert request.signal == "SIGTERM"


def test_a_worker_outlives_sigterm_and_what_it_has_forked_does_not() -> None:
    done = in_a_process(
        """
        from nightsweep.cluster.stopping import outlive_sigterm
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        outlive_sigterm()
        os.kill(os.getpid(), signal.SIGTERM)
        child = os.fork()
        if child == 0:
            time.sleep(30)
        time.sleep(0.1)
        os.kill(child, signal.SIGTERM)
        print("child ended by", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert (done.returncode, done.stdout) == (0, "child ended by -15\n"), done.stderr


def test_the_second_signal_ends_a_process_that_is_tidying_up() -> None:
    done = in_a_process(
        """
        try:
            with stop_request(clock=iter([0.0, 1.0]).__next__):
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGTERM)
        finally:
            print("never")
        """
    )
    assert (done.returncode, done.stdout) == (AT_ONCE, "")


def test_a_signal_wakes_a_process_that_waits_only_to_go_on_waiting() -> None:
    done = in_a_process(
        """
        with stop_request() as request:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
            while not request.signal:
                time.sleep(0.01)
            print("stopped cleanly by", request.signal)
        """
    )
    assert (done.returncode, done.stdout) == (0, "stopped cleanly by SIGTERM\n")


def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    """As `nohup` sets it."""
    done = in_a_process(
        """
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stop_request() as request:
            os.kill(os.getpid(), signal.SIGHUP)
            print(repr(request.signal))
        """
    )
    assert (done.returncode, done.stdout) == (0, "''\n")


def test_after_its_terminal_is_closed_a_driver_can_still_speak_and_stop() -> None:
    """What is written to a terminal that has gone would fail."""
    terminal, other_end = os.openpty()
    code = dedent(
        """
        import os, signal, sys, time
        from nightsweep.cluster.stopping import stop_request
        with stop_request() as request:
            print("ready", flush=True)
            while not request.signal:
                time.sleep(0.01)
            time.sleep(0.2)
            print("saving", flush=True)
            sys.exit(75)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=other_end, stdout=other_end, stderr=other_end, start_new_session=True,
    )  # fmt: skip
    os.close(other_end)
    assert os.read(terminal, 100).strip() == b"ready"
    os.close(terminal)
    os.kill(process.pid, signal.SIGHUP)
    assert process.wait(60) == 75
