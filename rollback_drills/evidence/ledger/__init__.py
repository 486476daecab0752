"""The ledger: evidence as the leaves of a signed, append-only Merkle tree that anybody can verify."""
