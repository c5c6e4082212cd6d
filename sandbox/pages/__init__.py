"""The sandbox's pages for people."""

from sandbox.pages.pages import Pages

__all__ = ["Pages"]
