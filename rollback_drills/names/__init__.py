"""The identity of names and their spellings."""
