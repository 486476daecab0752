"""The published JSON Schemas of the documents; `make schemas` writes them from the models."""
