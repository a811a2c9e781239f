"""Drives that can lose power or fail: loop-mounted images, with or without a write cache that forgets.

  log     the file system is shut down without flushing its log: what forgets are names, sizes and extents that were not
          synced.
  cache   a write-back cache below the file system dies with the power: any write, O_DIRECT included, that no flush
          followed is gone. nbdkit holds the writes, nbdfuse shows them as a file, a loop device mounts it.
  error   nothing is forgotten, but reads or writes fail with EIO for as long as the test wants.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import time


class Unavailable(Exception):
    """This machine can't do it; says what was tried and how it failed."""


def run(*argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def retry(action, seconds=20):
    """A device stays busy for a moment after its last user died."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def wait_for(path, seconds=20):
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} did not appear")
        time.sleep(0.02)


class LogDrive:
    """An image, its file system and the directory a server is given."""

    def __init__(self, root, number, file_system, mib):
        self.file_system = file_system
        self.image = pathlib.Path(root) / f"drive{number}.img"
        self.mount_point = pathlib.Path(root) / f"drive{number}"
        self.mount_point.mkdir()
        run("truncate", "-s", f"{mib}M", self.image)
        run(f"mkfs.{file_system}", "-q", self.image)
        self.loop = None

    @property
    def directory(self):
        return self.mount_point / "data"

    def device(self):
        return self.image

    def attach(self):
        device = self.device()
        # Another process may take the free loop device that was found.
        self.loop = retry(lambda: run("losetup", "--find", "--show", device))
        # A process in a mount namespace of its own may keep the last mount, dead as it is; XFS refuses to be there twice.
        options = ["-o", "nouuid"] if self.file_system == "xfs" else []
        run("mount", *options, self.loop, self.mount_point)

    def cut(self):
        """From now on every access fails, and what was not flushed never happened."""
        run("xfs_io", "-x", "-c", "shutdown", self.mount_point)

    def detach(self):
        retry(lambda: run("umount", self.mount_point))
        retry(lambda: run("losetup", "-d", self.loop))
        self.loop = None

    def close(self):
        """As much as can be undone, in whatever state it is."""
        subprocess.run(["umount", "-l", str(self.mount_point)], capture_output=True)
        if self.loop:
            subprocess.run(["losetup", "-d", self.loop], capture_output=True)


class NbdDrive(LogDrive):
    """The same image behind a filter of nbdkit."""

    nbd = fuse = None

    def plugin(self):
        """nbdkit's arguments: filter, plugin and their settings."""
        raise NotImplementedError

    @property
    def fuse_directory(self):
        return self.image.with_suffix(".fuse")

    def device(self):
        socket = self.image.with_suffix(".sock")
        socket.unlink(missing_ok=True)
        self.fuse_directory.mkdir(exist_ok=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.nbd = subprocess.Popen(["nbdkit", "-f", "-U", str(socket), *self.plugin()], **quiet)
        wait_for(socket)
        # nbdkit's socket is there a moment before it listens: nbdfuse then ends at once.
        retry(lambda: self.show_as_file(socket, quiet))
        return self.fuse_directory / "disk"

    def show_as_file(self, socket, quiet):
        self.fuse = subprocess.Popen(["nbdfuse", str(self.fuse_directory / "disk"), "--unix", str(socket)], **quiet)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.fuse_directory / "disk"):
            if self.fuse.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nbdfuse shows no disk (it ended with {self.fuse.poll()})")
            time.sleep(0.02)

    def detach(self):
        super().detach()
        self.end_processes()

    def end_processes(self):
        subprocess.run(["umount", "-l", str(self.fuse_directory)], capture_output=True)
        for process in (self.fuse, self.nbd):
            if process is not None:
                process.kill()
                process.wait()

    def close(self):
        super().close()
        self.end_processes()


class CacheDrive(NbdDrive):
    """A write-back cache that loses power."""

    def plugin(self):
        return ["--filter=cache", "file", str(self.image), "cache=writeback"]

    def cut(self):
        self.nbd.kill()
        self.nbd.wait()


class ErrorDrive(NbdDrive):
    """Answers EIO while it is told to: `fail("pread")`, `fail("pwrite")`, `heal()`."""

    KINDS = ("pread", "pwrite")

    def trigger(self, kind):
        return self.image.with_suffix("." + kind)

    def plugin(self):
        settings = [f"error-{kind}{what}" for kind in self.KINDS
                    for what in ("=EIO", "-rate=100%", f"-file={self.trigger(kind)}")]
        return ["--filter=error", "file", str(self.image), *settings]

    def fail(self, kind):
        self.trigger(kind).touch()
        # What was read before must be read again.
        with open(self.fuse_directory / "disk", "rb") as disk:
            os.posix_fadvise(disk.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def heal(self):
        for kind in self.KINDS:
            self.trigger(kind).unlink(missing_ok=True)


POWER_MODELS = ("log", "cache")
MODELS = {"log": LogDrive, "cache": CacheDrive, "error": ErrorDrive}


class DriveSet:
    """Drives of one model, six by default."""

    def __init__(self, root, model, file_system, mib=1536, count=6):
        self.drives = []
        try:
            for number in range(1, count + 1):
                self.drives.append(MODELS[model](root, number, file_system, mib))
            self.attach()
        except (RuntimeError, OSError) as failure:
            self.close()
            self.remove()
            raise Unavailable(f"{model} on {file_system}: {failure}") from failure

    @property
    def directories(self):
        return [drive.directory for drive in self.drives]

    # One after another in this thread: children of a thread that ends lose their FUSE connection.
    def attach(self, drives=None):
        for drive in drives or self.drives:
            drive.attach()

    def detach(self, drives=None):
        for drive in drives or self.drives:
            drive.detach()

    def cut(self, drives=None):
        """All of these, or all there are, at once, as a power supply does it."""
        drives = drives or self.drives
        with concurrent.futures.ThreadPoolExecutor(len(drives)) as pool:
            for done in [pool.submit(drive.cut) for drive in drives]:
                done.result()

    def close(self):
        for drive in self.drives:
            drive.close()

    def remove(self):
        """The images too; after close."""
        for drive in self.drives:
            drive.image.unlink(missing_ok=True)
