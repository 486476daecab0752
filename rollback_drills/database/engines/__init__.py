"""Prepares connections: files of SQLite, and servers of PostgreSQL."""
