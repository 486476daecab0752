"""The HTTP API: the paths of contract §7 over the documents, the evidence and the flows."""
