"""The documents that `drills init` writes."""
