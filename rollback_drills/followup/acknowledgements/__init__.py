"""Who acknowledges a notification, on which routes, and for how long."""
