"""One price of a SKU at a time: the catalog drifts under the orders, so who set a price is served before the next."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """An order that holds its prices or waits for them; two orders with the same prices are two claims."""

    prices: Mapping[str, int]

    def contradicts(self, other: "_Claim") -> bool:
        """Whether both want one SKU at different prices."""
        fewer, more = sorted((self.prices, other.prices), key=len)
        return any(more.get(sku, price) != price for sku, price in fewer.items())


class PriceBoard:
    """Lets orders through together unless they contradict each other.

    First come, first served: an order also waits for earlier ones that still wait themselves, so that a basket of a
    thousand SKUs gets its turn.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        self._changed = threading.Condition()
        self._claims: list[_Claim] = []

    @contextmanager
    def hold(self, prices: Mapping[str, int]) -> Iterator[None]:
        """This will wait until no earlier order wants one of these SKUs at another price, then keep later ones waiting.

        `prices` are minor units by SKU.
        """
        claim = _Claim(prices)
        with self._changed:
            self._claims.append(claim)
            self._changed.wait_for(lambda: not self._is_contradicted(claim))
        try:
            yield
        finally:
            with self._changed:
                self._claims.remove(claim)
                self._changed.notify_all()

    def _is_contradicted(self, claim: _Claim) -> bool:
        earlier = self._claims[: self._claims.index(claim)]
        return any(claim.contradicts(other) for other in earlier)
