"""What a server's processes have used, from /proc; pinning, freezing."""

import os
import resource
import signal
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# <linux/posix-timers.h>: the clock of a whole thread group's utime + stime, in nanoseconds, of threads that ended too.
_CPUCLOCK_SCHED = 2


def parse_stat(text):
    """Of /proc/PID/stat: parent, user and system ticks. The command may hold spaces and parentheses."""
    fields = text.rsplit(")", 1)[1].split()
    return {"parent": int(fields[1]), "user": int(fields[11]), "system": int(fields[12])}


def parse_status_bytes(text, key):
    """A line such as `VmHWM:  1234 kB` of /proc/PID/status, in bytes; 0 if it is not there."""
    for line in text.splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


def parse_cpu_line(text):
    """The first line of /proc/stat: steal ticks."""
    return int(text.split("\n", 1)[0].split()[8])


def descendants(parents, root):
    """`root` and all below it. `parents` maps each process to its parent."""
    children = {}
    for process, parent in parents.items():
        children.setdefault(parent, []).append(process)
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def all_stats():
    stats = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stats[int(name)] = parse_stat(read(f"/proc/{name}/stat"))
            except (OSError, IndexError):
                pass  # It ended while we looked.
    return stats


def tree(root):
    parents = {process: stat["parent"] for process, stat in all_stats().items()}
    return descendants(parents, root)


def cpu_seconds(process):
    """utime + stime of the thread group, to the nanosecond (the ticks of /proc are too coarse for a short run)."""
    try:
        return time.clock_gettime((~process << 3) | _CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def kernel_threads_cpu_seconds():
    """Of all kernel threads: loop devices, write-back and io_uring work done for anybody."""
    stats = all_stats()
    ticks = sum(s["user"] + s["system"] for p, s in stats.items() if s["parent"] == 2 or p == 2)
    return ticks / TICKS_PER_SECOND


def children_cpu_seconds():
    """Of our own children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Usage:
    """What a process tree has used up to now."""

    def __init__(self, root):
        self.cpu_s = self.user_s = self.system_s = 0.0
        self.rss_bytes = self.peak_rss_bytes = 0
        for process in tree(root):
            try:
                stat = parse_stat(read(f"/proc/{process}/stat"))
                status = read(f"/proc/{process}/status")
            except OSError:
                continue
            self.cpu_s += cpu_seconds(process)
            self.user_s += stat["user"] / TICKS_PER_SECOND
            self.system_s += stat["system"] / TICKS_PER_SECOND
            self.rss_bytes += parse_status_bytes(status, "VmRSS")
            self.peak_rss_bytes += parse_status_bytes(status, "VmHWM")
        self.steal_s = parse_cpu_line(read("/proc/stat")) / TICKS_PER_SECOND
        self.kernel_s = kernel_threads_cpu_seconds()


def reset_peak_rss(root):
    """The next peak starts from what is resident now."""
    for process in tree(root):
        try:
            with open(f"/proc/{process}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")
        except OSError:
            pass  # Somebody else's process: its peak is that of its whole life.


def pin(process, cpus):
    for one in tree(process):
        subprocess.run(["taskset", "-a", "-c", "-p", cpus, str(one)], stdout=subprocess.DEVNULL, check=False)


def freeze(process):
    for one in tree(process):
        os.kill(one, signal.SIGSTOP)


def thaw(process):
    for one in tree(process):
        os.kill(one, signal.SIGCONT)
