"""How the bytes of a document become a value, or mistakes: what is wrong, where, and how to fix it."""
