"""Finding and removing secrets in texts."""
