"""Evidence: the records of contract §5 and the append-only index that keeps them."""
