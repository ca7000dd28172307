"""Which authorities a TLS connection trusts: those of this machine, and those that browsers trust.

The machine's are where an operator puts an authority of their own, for every program; `SSL_CERT_FILE` and
`SSL_CERT_DIR` name others, as OpenSSL has it. The well-known ones (certifi) are there because small containers come
without any.
"""

from __future__ import annotations

import contextlib
import ssl
from functools import lru_cache

import certifi
from urllib3.util.ssl_ import create_urllib3_context


@lru_cache(maxsize=1)
def shared() -> ssl.SSLContext:
    """Return the context for connections without a certificate of their own; to read the authorities takes a while.

    It changes no more: urllib3 names the protocols (ALPN) again for each connection, which frees what another thread's
    handshake may just be reading (python/cpython issue 141012).
    """
    made = context()
    made.set_alpn_protocols(["http/1.1"])
    made.set_alpn_protocols = lambda alpn_protocols: None  # type: ignore[method-assign]
    return made


def context(ca_file: str = "") -> ssl.SSLContext:
    """Return a new context that trusts the authorities in `ca_file` (PEM), without one those of the machine and the
    well-known ones. OSError when the file cannot be read, or is none.

    It is made for urllib3, older ones of which compare names themselves; whoever else uses it sets `check_hostname`.
    """
    made = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    if ca_file:
        made.load_verify_locations(ca_file)
    else:
        with contextlib.suppress(OSError):  # a SSL_CERT_FILE that is none: the well-known ones are left
            made.load_default_certs()
        made.load_verify_locations(certifi.where())
    return made
