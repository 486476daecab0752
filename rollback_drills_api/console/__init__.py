"""The console over HTTP: its pages, its tables as CSV, and its forms."""
