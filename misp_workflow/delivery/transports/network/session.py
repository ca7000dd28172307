"""The one session, which no request changes: connections are kept, cookies are not, and nothing that requests looks for
in the environment (proxies, .netrc, CA variables) is mixed in."""

from __future__ import annotations

from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from misp_workflow import __version__
from misp_workflow.delivery.transports.network.connections import Pool, TLSPool
from misp_workflow.delivery.transports.network.proxies import Proxy


class Adapter(HTTPAdapter):
    """Speaks to one scheme's hosts without what no request of ours has: proxies, cookies, a guess at the encoding."""

    MOST_POOLS = 64
    MOST_PLACES = MOST_POOLS // 2
    """Fewer than there are pools: one that is remembered is among those that were not let go of since."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TLSPool}
        self._places: dict[tuple[str | None, Any, Any], Any] = {}

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """Return the pool as found before: the same address and TLS options lead to the same one."""
        place = (request.url, verify, cert)
        pool = self._places.get(place)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            if len(self._places) >= self.MOST_PLACES:  # addresses may have a key in them: each is used once
                self._places.clear()
            self._places[place] = pool
        return pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Name no authorities where the caller names none: the connection knows whom to trust."""
        if verify is not True or cert:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        if verify is True:
            conn.ca_certs = None

    def close(self) -> None:
        self._places.clear()
        super().close()

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path_url)

    def build_response(self, req: Any, resp: Any) -> Any:
        """Return urllib3's answer as it is."""
        return resp


def new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers = {"User-Agent": f"misp-workflow-actions/{__version__}", "Accept": "*/*"}
    session.mount("https://", Adapter(pool_connections=Adapter.MOST_POOLS, pool_maxsize=32))
    session.mount("http://", Adapter(pool_connections=Adapter.MOST_POOLS, pool_maxsize=32))
    return session


SESSION = new_session()


def adapter(url: str, proxy: Proxy | None) -> BaseAdapter:
    """Return what sends a request to this address; connections through a proxy are kept apart from all others."""
    return SESSION.get_adapter(url) if proxy is None else _through(proxy)


@lru_cache(maxsize=16)
def _through(proxy: Proxy) -> Adapter:
    return Adapter(pool_connections=Adapter.MOST_POOLS, pool_maxsize=32)
