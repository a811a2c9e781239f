"""The unit: systemd understands it, and calls it safe."""

import re
import subprocess

import pytest

from harness.server import REPOSITORY, find_binary

FOLDER = REPOSITORY / "deploy" / "systemd"


@pytest.fixture
def unit(tmp_path):
    """With the program where it is here, since systemd looks for it."""
    path = tmp_path / "firnd.service"
    path.write_text((FOLDER / "firnd.service").read_text().replace("/usr/bin/firnd", str(find_binary())))
    return path


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)


def test_systemd_understands_every_line(unit):
    done = analyze("verify", "--recursive-errors=no", unit)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "firnd.service" in line]) == (0, [])
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystm=strict"))
    assert "ProtectSystm" in analyze("verify", "--recursive-errors=no", unit).stderr, "it would be seen"


def test_what_it_may_do_is_small(unit):
    done = analyze("security", "--offline=yes", "--threshold=20", unit)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_file_of_settings_names_settings():
    known = subprocess.run([find_binary(), "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^#?(\w+)=", (FOLDER / "firnd.env").read_text(), re.MULTILINE)
    assert len(names) >= 5
    assert [name for name in names if name not in known] == []
