import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.scratch import PREFIX, scratch_folder

HOLDER = """
import sys, time
from pathlib import Path
from deploy.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "original.mp4").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def holder(place: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start a process that keeps a folder."""
    command = [sys.executable, "-c", HOLDER, str(place)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_ours_alone_and_gone_with_what_is_in_it(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "segment").write_bytes(b"x")
    assert not [*tmp_path.iterdir()]


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_is_held_stays(tmp_path: Path) -> None:
    killed, left = holder(tmp_path)
    working, held = holder(tmp_path)
    with killed, working:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert (left / "original.mp4").exists()
        with scratch_folder(tmp_path):
            assert not left.exists()
            assert (held / "original.mp4").exists()
        working.kill()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    (tmp_path / "other-folder").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "elsewhere")
    with scratch_folder(tmp_path):
        assert (tmp_path / "elsewhere" / "kept").exists()
        assert (tmp_path / "other-folder").exists()
