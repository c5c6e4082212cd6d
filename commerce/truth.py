"""The sandbox's whole truth, streamed from its control API: what our books are compared with."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx2

from reconciliation.invariants import provider

TRUTH_KINDS = ("intent", "charge", "refund", "balance_transaction")


class TruthUnavailableError(Exception):
    """There is no truth to compare with."""


def fetch_truth(client: httpx2.Client, *, since: datetime) -> provider.Truth:
    """This will stream the truth of the sandbox at the client's base URL; nothing that moved at or after `since` will
    be judged. Raises: TruthUnavailableError.
    """
    address = f"{str(client.base_url).rstrip('/')}/_control/truth"
    try:
        with client.stream("GET", "/_control/truth", params={"kind": TRUTH_KINDS}) as response:
            if response.status_code != 200:
                raise TruthUnavailableError(f"{address} answers {response.status_code}; it is no sandbox.")
            return provider.read_truth(_records(response), since=since)
    except httpx2.HTTPError as error:
        raise TruthUnavailableError(f"{address} cannot be reached ({type(error).__name__}).") from error


def _records(response: httpx2.Response) -> Iterator[Mapping[str, Any]]:
    for line in response.iter_lines():
        if line:
            yield json.loads(line)
