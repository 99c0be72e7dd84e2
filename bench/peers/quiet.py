"""Whether the machine does anything besides a measurement: on a shared one, numbers need that said beside them."""

import os
import resource
import time


class Watch:
    """Between construction and `others()`: the share of all processor time that other programs took."""

    def __init__(self):
        self.busy, self.own, self.start = _busy(), _own(), time.perf_counter()

    def others(self):
        whole = (time.perf_counter() - self.start) * os.cpu_count()
        return max(0.0, (_busy() - self.busy) - (_own() - self.own)) / whole


def wait(seconds, share=0.05):
    """Until others take less than `share` for three seconds, or `seconds` have passed."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        watch = Watch()
        time.sleep(3)
        if watch.others() < share:
            return


def _busy():
    """Seconds of processor time that were not idle since boot, all cores (Linux)."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, idle, iowait, *rest = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _own():
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total
