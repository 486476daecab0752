"""The guard of the source: whether what a run was given to read may be believed, and who is told if not."""
