"""The documents that users write: strict models, reading, and what may be published."""
