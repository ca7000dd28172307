"""A headless Chromium that a test drives through its debugging pipe: open a page, wait for something, measure."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from misp_workflow.testing.server import end

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


def measured(program: str, page: Path, profile: Path, width: int) -> tuple[dict[str, Any], str]:
    """Open a page that writes what it measured, as JSON, into `data-probe`; return that and its title."""
    probe = "document.documentElement?.dataset.probe"  # between two pages there is no element
    with Browser(program, profile, width) as browser:
        browser.open(page.as_uri())
        browser.wait_for(probe)
        return json.loads(browser.evaluate(probe)), browser.evaluate("document.title")


class Browser:
    """One page of a Chromium that ends with the `with` block."""

    def __init__(self, program: str, profile: Path, width: int, height: int = 900) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # Chromium reads commands from file 3 and writes answers to file 4.
        command = ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", program, *FLAGS]
        command += [f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        command += ["--remote-debugging-pipe", "about:blank"]
        self._process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._numbers = itertools.count(1)
        self._rest = b""
        pages = self._ask("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in pages if one["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **metrics)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._write)  # its end of file ends the browser
        end(self._process)
        os.close(self._read)

    def open(self, url: str) -> None:
        self._ask("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression gives."""
        found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 300) -> None:
        """Wait until a JavaScript expression is true."""
        until = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < until, self.evaluate("document.documentElement.outerHTML")
            time.sleep(0.05)

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {"sessionId": self._session} if hasattr(self, "_session") else {}
        message = json.dumps({"id": number, "method": method, "params": params, **session})
        os.write(self._write, message.encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == number:
                assert "error" not in told, told
                return dict(told["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._read, 1 << 16)
            assert read, "the browser ended"
            self._rest += read
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))
