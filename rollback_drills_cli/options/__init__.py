"""The options that several commands share, and what each is called."""
