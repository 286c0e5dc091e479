"""The clock of the peers."""

import time


def best(name, runs, work):
    """Prints the best of a few runs, in seconds, as `name seconds`."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(name, min(seconds), flush=True)


def note(name, value):
    """Prints what is no time, such as a loss."""
    print("#", name, value, flush=True)
