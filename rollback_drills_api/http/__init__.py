"""What every request passes: deadlines, limits, host, caller, trace and access log."""
