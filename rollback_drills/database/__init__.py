"""Connections to SQLite and PostgreSQL, all tables, their upgrades and backups."""
