"""Numbered changes of the tables: one file each in `versions`, run by Alembic."""
