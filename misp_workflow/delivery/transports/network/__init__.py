"""What every transport sends over: names, sockets, proxies, TLS, connections and their deadline."""
