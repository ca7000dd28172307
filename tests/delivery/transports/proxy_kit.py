"""Real proxies on loopback ports: Squid, with and without TLS and passwords, and a SOCKS server."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from programs import running

from misp_workflow.testing import free_port

USER, PASSWORD = "misp", "pr0xy-word:@"
"""What the proxies want; in an address the password reads WRITTEN."""
WRITTEN = "pr0xy-word%3A%40"


class Squid:
    """A running Squid: `port` for plain connections, `tls_port` for encrypted ones."""

    def __init__(self, folder: Path) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.log = folder / "access.log"

    def asked(self) -> list[str]:
        """Return what it was asked for, such as "CONNECT 127.0.0.1:443 200"; it notes a tunnel when it ends."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [" ".join(line.split()[:3]) for line in lines]


@contextlib.contextmanager
def squid(program: str, certificate: tuple[Path, Path], allowed: str = "all") -> Iterator[Squid]:
    """Run Squid with a password; names below proxied.example are this machine, which only it knows.

    It leaves root behind, so its folder is not below pytest's, which every run that begins closes to all other users.
    """
    with tempfile.TemporaryDirectory(prefix="squid-") as folder:
        yield from _squid(program, Path(folder), certificate, allowed)


def _squid(program: str, folder: Path, certificate: tuple[Path, Path], allowed: str) -> Iterator[Squid]:
    made = Squid(folder)
    helper = next(Path("/usr/lib").glob("**/basic_ncsa_auth"))
    word = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True).stdout
    (folder / "passwords").write_text(f"{USER}:{word}")
    (folder / "hosts").write_text("127.0.0.1 localhost proxied.example chat.proxied.example\n")
    for path, name in zip(certificate, ("certificate.pem", "key.pem"), strict=True):
        shutil.copy(path, folder / name)
    (folder / "squid.conf").write_text(
        f"""
        http_port 127.0.0.1:{made.port}
        https_port 127.0.0.1:{made.tls_port} tls-cert={folder}/certificate.pem tls-key={folder}/key.pem
        auth_param basic program {helper} {folder}/passwords
        acl known proxy_auth REQUIRED
        acl dead port 9
        http_access deny !known
        http_access deny dead
        http_access allow {allowed}
        hosts_file {folder}/hosts
        pid_filename none
        cache deny all
        strip_query_terms off
        cache_mem 1 MB
        shutdown_lifetime 0 seconds
        logformat short %rm %ru %>Hs
        access_log stdio:{made.log} short
        cache_log /dev/null
        coredump_dir {folder}
        max_filedescriptors 1024
        """
    )
    for path in folder.iterdir():  # it leaves root behind
        path.chmod(0o644)
    if os.geteuid() == 0:
        shutil.chown(folder, "proxy")
    with running(program, "-N", "-f", folder / "squid.conf", port=made.port, log=folder / "log"):
        yield made


@contextlib.contextmanager
def socks(program: str, *more: str) -> Iterator[int]:
    """Run a SOCKS5 server and yield its port."""
    port = free_port()
    with running(program, "-i", "127.0.0.1", "-p", str(port), *more, port=port, log=Path(os.devnull)):
        yield port
