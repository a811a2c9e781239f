"""Six drives for a server, each a file system of its own on a loop device over memory: no disk's noise is measured."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import tempfile

SECTOR_BYTES = 512
DRIVES = 6
MEMORY = pathlib.Path("/dev/shm")
_LIBC = ctypes.CDLL(None, use_errno=True)


def parse_block_stat(text):
    """/sys/block/DEVICE/stat (Documentation/block/stat.rst): bytes written, writes and flushes."""
    fields = [int(f) for f in text.split()]
    return {
        "read_bytes": fields[2] * SECTOR_BYTES,
        "written_bytes": fields[6] * SECTOR_BYTES,
        "writes": fields[4],
        "flushes": fields[15] if len(fields) > 15 else 0,
    }


def add_stats(stats):
    """The sum over all devices."""
    total = {"read_bytes": 0, "written_bytes": 0, "writes": 0, "flushes": 0}
    for stat in stats:
        for key, value in stat.items():
            total[key] += value
    return total


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def sync_file_system(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        if _LIBC.syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), f"syncfs {path}")
    finally:
        os.close(handle)


def drop_cached_files(root):
    """Puts the pages of all files below `root` out of the page cache, and nobody else's."""
    sync_file_system(root)
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                handle = os.open(os.path.join(folder, name), os.O_RDONLY)
            except OSError:
                continue
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


class DriveSet:
    """What the measurement asks of a server's drives. `paths` may be empty: drives nobody told us of."""

    kind = "unknown"

    def __init__(self, paths=(), devices=()):
        self.paths = [pathlib.Path(p) for p in paths]
        self.devices = list(devices)

    def counters(self):
        return add_stats(parse_block_stat(pathlib.Path(f"/sys/block/{d}/stat").read_text("ascii")) for d in self.devices)

    def sync(self):
        for path in self.paths:
            if path.is_dir():
                sync_file_system(path)

    def drop_caches(self):
        for path in self.paths:
            if path.is_dir():
                drop_cached_files(path)

    def remove(self):
        pass


def block_device_of(path):
    """The name under /sys/block of the device that holds `path`; None if there is none of its own."""
    try:
        source = run("findmnt", "-no", "SOURCE", "--target", str(path))
    except (OSError, subprocess.CalledProcessError):
        return None
    name = source.rsplit("/", 1)[-1]
    return name if pathlib.Path(f"/sys/block/{name}/stat").exists() else None


def existing_drives(paths):
    """Drives of a server that somebody else started."""
    devices = [block_device_of(p) for p in paths]
    return DriveSet(paths, sorted({d for d in devices if d}))


class LoopDrives(DriveSet):
    """XFS on loop devices on files in memory. Needs root."""

    kind = "six xfs file systems, each on a loop device over a file in memory"

    def __init__(self, name, image_bytes):
        super().__init__()
        self._images = pathlib.Path(tempfile.mkdtemp(prefix=f"firn-bench-{name}-", dir=MEMORY))
        self._mounts = pathlib.Path(tempfile.mkdtemp(prefix=f"firn-bench-{name}-"))
        self._image_bytes = image_bytes
        try:
            for number in range(1, DRIVES + 1):
                self._add(number)
        except BaseException:
            self.remove()
            raise

    def _add(self, number):
        image, mount = self._images / f"drive{number}", self._mounts / f"drive{number}"
        with open(image, "wb") as file:
            file.truncate(self._image_bytes)
        run("mkfs.xfs", "-q", "-f", str(image))
        device = pathlib.Path(run("losetup", "--find", "--show", str(image))).name
        self.devices.append(device)
        mount.mkdir()
        run("mount", "-t", "xfs", f"/dev/{device}", str(mount))
        self.paths.append(mount)

    def lose(self, count):
        """Takes the last `count` drives away, of a server that is stopped: a plain file stands where each was mounted."""
        for path in self.paths[-count:]:
            run("umount", str(path))
            path.rmdir()
            path.touch()

    def remove(self):
        for path in self.paths:
            if path.is_mount():
                subprocess.run(["umount", str(path)], check=False)
        for device in self.devices:
            subprocess.run(["losetup", "-d", f"/dev/{device}"], check=False)
        shutil.rmtree(self._images, ignore_errors=True)
        # Not below a mount that could not be undone: that would delete a drive's files one by one.
        if not any(p.is_mount() for p in self.paths):
            shutil.rmtree(self._mounts, ignore_errors=True)
        self.paths, self.devices = [], []


class PlainDrives(DriveSet):
    """Six directories of one file system: what is left without root. No device counters."""

    kind = "six plain directories of one file system: no device figures"

    def __init__(self, name, parent=None):
        super().__init__()
        self._root = pathlib.Path(tempfile.mkdtemp(prefix=f"firn-bench-{name}-", dir=parent))
        for number in range(1, DRIVES + 1):
            path = self._root / f"drive{number}"
            path.mkdir()
            self.paths.append(path)

    def lose(self, count):
        for path in self.paths[-count:]:
            path.rename(path.with_suffix(".gone"))
            path.touch()

    def remove(self):
        shutil.rmtree(self._root, ignore_errors=True)
        self.paths = []


def can_make_loops():
    if os.geteuid() != 0 or not MEMORY.is_dir():
        return False
    if not all(shutil.which(tool) for tool in ("mkfs.xfs", "losetup", "mount", "umount")):
        return False
    try:
        LoopDrives("probe", 320 << 20).remove()  # The smallest XFS takes 300 MiB.
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def new_drives(name, image_bytes, plain_parent=None, plain=False):
    if plain:
        return PlainDrives(name, plain_parent)
    return LoopDrives(name, image_bytes)
