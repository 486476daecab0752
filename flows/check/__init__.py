"""The check itself, from the documents to the final state: of one schedule, a fleet, or a shard of one."""
