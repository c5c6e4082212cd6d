"""The sandbox driven by the real SDK, in process and over HTTP."""
