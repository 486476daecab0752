"""What people do about a connector that fails: replay, discard, switch it off and on, and approve that."""
