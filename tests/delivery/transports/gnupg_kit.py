"""A person's GnuPG, with a home of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path


class GnuPG:
    """A folder of GnuPG's, and the program on it."""

    def __init__(self, program: str, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)
        (home / "gpg-agent.conf").write_text("s2k-count 65536\n")  # else it measures for seconds how many it can afford
        self._program = program

    def __call__(self, *command: str, content: bytes = b"", phrase: str = "") -> bytes:
        options = ["--homedir", self.home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", phrase]
        done = subprocess.run([self._program, *options, *command], input=content, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make(self, address: str, phrase: str = "", ends: str = "never") -> None:
        self("--quick-generate-key", f"Somebody <{address}>", "ed25519", "sign", ends, phrase=phrase)
        self("--quick-add-key", self.fingerprint(address), "cv25519", "encr", ends, phrase=phrase)

    def fingerprint(self, address: str) -> str:
        lines = self("--with-colons", "--list-keys", address).decode().splitlines()
        return next(line for line in lines if line.startswith("fpr")).split(":")[9]
