"""Decides whether a release may pass: the readiness of its rollback, and the backend that is selected."""
