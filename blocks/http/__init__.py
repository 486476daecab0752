"""HTTP for connectors: requests, answers, proxies, and what an answer means."""
