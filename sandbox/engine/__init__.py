"""The payment engine: rules only, no wire format, no HTTP."""

from sandbox.engine.engine import Engine

__all__ = ["Engine"]
