"""The guard of the source: whether to believe what a run was given to read, and who is notified if not."""
