"""What lets somebody in: the tokens of the API, and the permission that a link carries."""
