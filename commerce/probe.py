"""`python commerce/probe.py PORT PATH`: asks this container's server, for its health check; no Django, so it is cheap.

The Host header is one the server answers to, because production refuses 127.0.0.1 unless it was named.
"""

import os
import sys
import urllib.request

TIMEOUT_SECONDS = 4


def probe(port: str, path: str) -> None:
    """This will return if the answer is 2xx. Raises: OSError otherwise, also for 4xx and 5xx."""
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".") or "127.0.0.1"
    request = urllib.request.Request(f"http://127.0.0.1:{int(port)}{path}", headers={"Host": host})
    urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310 - the address is ours


if __name__ == "__main__":
    probe(*sys.argv[1:3])
