"""The seeds that every run of the tests plays, in files of which each goes to one worker."""
