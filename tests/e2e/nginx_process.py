"""The real nginx with one of the shipped configurations, for the body of a `with`."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy import leash

AROUND = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/shipped.conf;
}}
"""


@contextmanager
def running_nginx(nginx: str, shipped: Callable[[str], str]) -> Iterator[Path]:
    """Run nginx as nobody in particular and tied to this process; gives its folder.

    `shipped` returns the configuration for a folder that is nginx's own.
    """
    with tempfile.TemporaryDirectory(prefix="truthtok-nginx-") as directory:
        config = Path(directory) / "nginx.conf"
        config.write_text(AROUND.format(directory=directory))
        (Path(directory) / "shipped.conf").write_text(shipped(directory))
        user = "-"
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
            user = f"{nobody.pw_uid}:{nobody.pw_gid}"
        tied = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGTERM)), user]
        command = [*tied, nginx, "-e", "stderr", "-c", str(config)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            yield Path(directory)
            process.terminate()
