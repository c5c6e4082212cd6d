"""A payment provider to develop against: its own process, its own store, faults on demand."""
