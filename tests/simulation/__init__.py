"""One seed, every fault, the invariants after each step: the real services on a virtual clock, one actor at a time."""
