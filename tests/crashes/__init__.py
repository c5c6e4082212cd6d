"""The crash matrix: the process dies for real at every commit and around every provider call, and another goes on."""
