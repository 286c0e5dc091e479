"""What this process takes of memory, for what must not leak."""

import gc
import os
import pathlib


def resident():
    """Bytes of this process in memory, without what nobody refers to any more."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def thousand_more(work):
    """Bytes in memory after `work` has been called 1,000 times, with the number of the call in its round, and after 1,000
    times more."""

    def rounds(count):
        for k in range(count):
            work(k)
        return resident()

    rounds(500)
    return rounds(500), rounds(1000)
