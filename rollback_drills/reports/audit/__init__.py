"""The acknowledgement audit package: read, built, and delivered."""
