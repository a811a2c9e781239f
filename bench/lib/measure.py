"""One measured run: generator, then the server's background work, all inside the window."""

import os
import time

from . import figures
from .processes import Usage, cpu_seconds, reset_peak_rss, tree

POLL_S = 0.2
QUIET_POLLS = 4           # So many in a row count as quiet.
QUIET_CPU_SHARE = 0.03    # Of a core: above what an idle server's timers take.
QUIET_BYTES = 64 << 10    # Written to the drives in a poll.
QUIET_LIMIT_S = 60        # Then the run counts as not drained, and says so.


def wait_until_quiet(server):
    """Whether CPU and device writes came to rest in time."""
    deadline = time.monotonic() + QUIET_LIMIT_S
    quiet, before, begin = 0, activity(server), time.monotonic()
    while quiet < QUIET_POLLS:
        time.sleep(POLL_S)
        now, end = activity(server), time.monotonic()
        busy = (now[0] - before[0]) / (end - begin) > QUIET_CPU_SHARE or now[1] - before[1] > QUIET_BYTES
        quiet = 0 if busy else quiet + 1
        before, begin = now, end
        if end > deadline:
            return False
    return True


def activity(server):
    return sum(cpu_seconds(p) for p in tree(server.pid)), server.drives.counters()["written_bytes"]


def settle(server):
    """Before a window: what was written before must not fall into it."""
    server.drives.sync()
    wait_until_quiet(server)


def difference(after, before, key):
    return getattr(after, key) - getattr(before, key)


def measured(server, generator, bucket, options):
    """The figures of one run of the generator with these options."""
    return measured_load(server, lambda: generator.run(server, bucket, **options))


def measured_load(server, load):
    """The figures of `load()`, which returns a summary as the generator's.

    Order at the end: the server comes to rest, flushes are counted (the sync that follows is ours, not the server's), then
    what its file systems still hold back is written and counted too.
    """
    settle(server)
    reset_peak_rss(server.pid)
    before, device_before = Usage(server.pid), server.drives.counters()
    summary = load()
    drained = wait_until_quiet(server)
    after, flushes = Usage(server.pid), server.drives.counters()["flushes"]
    server.drives.sync()
    device = difference_of_counters(server.drives.counters(), device_before)
    device["flushes"] = flushes - device_before["flushes"]

    usage = {key: difference(after, before, key) for key in ("cpu_s", "user_s", "system_s", "steal_s")}
    usage["kernel_threads_cpu_s"] = difference(after, before, "kernel_s")
    usage["peak_rss_bytes"] = after.peak_rss_bytes
    usage["drained"] = drained
    usage["load_average"] = os.getloadavg()[0]
    return figures.of_run(summary, usage, device if server.drives.devices else None)


def difference_of_counters(after, before):
    return {key: after[key] - before[key] for key in after}
