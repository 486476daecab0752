"""The command line `drills`. Commands that only judge documents import no Prefect, and start fast."""
