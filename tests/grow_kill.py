"""Kills `cajal grow` (or `cajal learn`) again and again, at random moments and in the middle of writing a checkpoint, lets it go on with --resume, and
compares every byte with a run that was never stopped. Prints the seed it drew the moments with.

    grow_kill.py PROGRAM RECIPE FOLDER [SEED [COMMAND]]
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

KILLS = 12
COMMAND = sys.argv[5] if len(sys.argv) > 5 else "grow"
LONGEST = 100.0  # seconds for everything


def start(program, recipe, output):
    return subprocess.Popen([program, COMMAND, recipe, "-o", output, "--resume", "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def half_written(folder):
    return [path for path in folder.glob("training/.*")]


def wait_for_a_write(process, folder):
    """Until a file is being written, or the process has ended."""
    while process.poll() is None and not half_written(folder):
        pass


def kill_once(program, recipe, output, draw, longest):
    """The process's exit code, or None if it was killed."""
    process = start(program, recipe, output)
    if draw.random() < 0.5:
        for _ in range(draw.randrange(1, 4)):
            time.sleep(draw.random() * 0.01)
            wait_for_a_write(process, output)
    else:
        try:
            process.wait(draw.random() * longest * 0.4)
        except subprocess.TimeoutExpired:
            pass
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
    return None if process.returncode == -signal.SIGKILL else process.returncode


def main():
    program, recipe, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 and sys.argv[4] else int.from_bytes(os.urandom(4), "little")
    print("seed", seed, flush=True)
    draw = random.Random(seed)
    begin = time.monotonic()
    if start(program, recipe, folder / "whole").wait() != 0:
        sys.exit("the uninterrupted run failed")
    longest = time.monotonic() - begin
    killed = torn = 0
    output = folder / "killed"
    while killed < KILLS and time.monotonic() - begin < LONGEST / 2:
        code = kill_once(program, recipe, output, draw, longest)
        if code is not None:
            break
        killed += 1
        torn += bool(half_written(output))
    last = start(program, recipe, output)
    if last.wait() != 0:
        sys.exit(f"going on failed after {killed} kills: {last.stderr.read().decode()}")
    whole, resumed = contents(folder / "whole"), contents(output)
    differing = sorted(name for name in whole.keys() | resumed.keys() if whole.get(name) != resumed.get(name))
    print(f"{killed} kills, {torn} of them during a write; {len(whole)} files, {len(differing)} differ {differing}")
    sys.exit(bool(differing) or killed == 0)


if __name__ == "__main__":
    main()
