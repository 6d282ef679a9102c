"""What a method can do to its process, and with processes."""

import atexit
import ctypes
import os
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path

import torch

from .good import Good

NAP = "97531"  # seconds


class Dies(Good):
    def fit(self, data, run):
        os.kill(os.getpid(), signal.SIGKILL)


class Crashes(Good):
    def fit(self, data, run):
        ctypes.string_at(0)


class Exits(Good):
    def fit(self, data, run):
        os._exit(3)


class DiesAndLeavesAChild(Good):
    """The child holds the pipe to the host open."""

    def fit(self, data, run):
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", NAP])
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)


class ChangesTorch(Good):
    def fit(self, data, run):
        super().fit(data, run)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)


class ChangesTheFolder(Good):
    def fit(self, data, run):
        super().fit(data, run)
        os.chdir("/")


class ChangesTheEnvironment(Good):
    def fit(self, data, run):
        super().fit(data, run)
        os.environ["BENCH_CACHE"] = "/nowhere"


class ChangesSignals(Good):
    def fit(self, data, run):
        super().fit(data, run)
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class LoadsWithWorkers(Good):
    """The idiom of most research code: torch installs a handler of SIGCHLD for the workers."""

    def fit(self, data, run):
        torch.backends.cudnn.benchmark = True
        loader = torch.utils.data.DataLoader(data.images[:64].float() / 255, batch_size=32, num_workers=2)
        assert sum(len(batch) for batch in loader) == 64
        super().fit(data, run)


class ChangesTorchInSample(Good):
    def sample(self, n, rng):
        torch.set_default_dtype(torch.float64)
        return super().sample(n, rng).float()


class LeavesThreads(Good):
    def fit(self, data, run):
        super().fit(data, run)
        for _ in range(3):
            threading.Thread(target=time.sleep, args=(float(NAP),)).start()
        atexit.register(time.sleep, float(NAP))


class LeavesChildren(Good):
    """One in its process group, and one that takes every step to get away."""

    def fit(self, data, run):
        super().fit(data, run)
        subprocess.Popen(["sleep", NAP])
        subprocess.run(["sh", "-c", f"setsid sleep {NAP} >/dev/null 2>&1 &"], check=True)


class HangsWithChildren(Good):
    """Deaf to what asks it to end, as is one of its children, which left its session too."""

    def fit(self, data, run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", NAP])
        subprocess.run(["sh", "-c", f"trap '' TERM; setsid sleep {NAP} >/dev/null 2>&1 &"], check=True)
        time.sleep(float(NAP))


class SpeaksToTheHost(Good):
    def fit(self, data, run):
        for number in sockets():
            os.write(number, b'{"event": "ended", "end": "splendid", "reason": ""}\n\xff\x00junk\n')
        time.sleep(float(NAP))


class LiesToTheHost(Good):
    def fit(self, data, run):
        for number in sockets():
            os.write(number, b'{"event": "ended", "end": "ok", "reason": ""}\n')
        time.sleep(float(NAP))


class SaysHalfAWord(Good):
    def fit(self, data, run):
        for number in sockets():
            os.write(number, b'{"event": ')
        time.sleep(1)
        super().fit(data, run)


class ClosesEverything(Good):
    def fit(self, data, run):
        os.closerange(3, 1024)
        super().fit(data, run)


class WritesOutside(Good):
    """Into its neighbours' folders and beside the runs; and asks the host to write where it should not."""

    def fit(self, data, run):
        Path("stray.txt").write_text("hello")
        for folder in Path("runs").glob("*/*/*"):
            (folder / "stray.txt").write_text("hello")
        for images, _ in run.batches(data, 32, run.images, phase="../../../../../escaped"):
            self.mean.copy_(images.mean(0))


class Prints(Good):
    def fit(self, data, run):
        for _ in range(2000):
            print("spam " * 50)
        os.system("echo from a child process")
        super().fit(data, run)


def sockets():
    """The open ones, the host's among them."""
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            continue


ENTRIES = {
    "dies": Dies,
    "crashes": Crashes,
    "exits": Exits,
    "dies-and-leaves-a-child": DiesAndLeavesAChild,
    "changes-torch": ChangesTorch,
    "changes-the-folder": ChangesTheFolder,
    "changes-the-environment": ChangesTheEnvironment,
    "changes-signals": ChangesSignals,
    "loads-with-workers": LoadsWithWorkers,
    "changes-torch-in-sample": ChangesTorchInSample,
    "leaves-threads": LeavesThreads,
    "leaves-children": LeavesChildren,
    "hangs-with-children": HangsWithChildren,
    "speaks-to-the-host": SpeaksToTheHost,
    "lies-to-the-host": LiesToTheHost,
    "says-half-a-word": SaysHalfAWord,
    "closes-everything": ClosesEverything,
    "writes-outside": WritesOutside,
    "prints": Prints,
}
