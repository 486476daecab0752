"""The kinds of records that the evidence has (contract §5)."""

from typing import Final

PLAN_KIND: Final = "go-backend-rollback-drill-notification-plan"
DECISION_KIND: Final = "go-backend-rollback-drill-route-decision"
DELIVERY_KIND: Final = "release-connector-delivery"
ROUTE_DELIVERY_KIND: Final = "go-backend-rollback-drill-route-delivery"
ACKNOWLEDGEMENT_KIND: Final = "go-backend-rollback-drill-notification-ack"
EXCEPTION_KIND: Final = "go-backend-rollback-drill-exception"
EXCEPTION_REQUEST_KIND: Final = "go-backend-rollback-drill-exception-request"
EXCEPTION_DECLINE_KIND: Final = "go-backend-rollback-drill-exception-decline"
ESCALATION_KIND: Final = "go-backend-rollback-drill-escalation"
DRILL_KIND: Final = "go-backend-rollback-drill"
RETEST_KIND: Final = "go-backend-rollback-drill-retest"
UNTRUSTED_KIND: Final = "go-backend-rollback-drill-history-untrusted"
TRUSTED_KIND: Final = "go-backend-rollback-drill-history-trusted"
RETIREMENT_KIND: Final = "go-backend-rollback-drill-retirement"
ALARM_PATH_KIND: Final = "rollback-drills-alarm-path-finding"
LINK_REVOCATION_KIND: Final = "rollback-drills-link-revocation"
REPLAY_REQUEST_KIND: Final = "go-backend-rollback-drill-replay-request"
REPLAY_APPROVAL_KIND: Final = "go-backend-rollback-drill-replay-approval"
REPLAY_REFUSAL_KIND: Final = "go-backend-rollback-drill-replay-refusal"
FEED_KIND: Final = "rollback-drills-calendar-feed"
FEED_REVOCATION_KIND: Final = "rollback-drills-calendar-feed-revocation"
REPLAY_EXECUTION_KIND: Final = "go-backend-rollback-drill-replay-execution"
REPLAY_OUTCOME_KIND: Final = "go-backend-rollback-drill-replay-outcome"
DISCARD_KIND: Final = "go-backend-rollback-drill-notification-discard"
DISABLED_KIND: Final = "go-backend-rollback-drill-connector-disabled"
ENABLED_KIND: Final = "go-backend-rollback-drill-connector-enabled"
OUTAGE_KIND: Final = "go-backend-rollback-drill-connector-outage"
CLOSURE_KIND: Final = "go-backend-rollback-drill-connector-recovery-closure"
CHECK_KIND: Final = "rollback-drills-check"
KEY_KIND: Final = "rollback-drills-ledger-key"
CLOCK_KIND: Final = "rollback-drills-ledger-clock"
PRUNING_KIND: Final = "rollback-drills-ledger-pruning"
SETBACK_KIND: Final = "rollback-drills-ledger-setback"
IMPORT_KIND: Final = "rollback-drills-imported-record"
LEDGER_KINDS: Final = (KEY_KIND, CLOCK_KIND, PRUNING_KIND, SETBACK_KIND)
"""What the ledger says of itself."""
ONCE_KINDS: Final = (
    *(DRILL_KIND, RETEST_KIND, ESCALATION_KIND, IMPORT_KIND, ALARM_PATH_KIND),
    *(REPLAY_OUTCOME_KIND, DISABLED_KIND, OUTAGE_KIND, CLOSURE_KIND),
)
"""What is written once, under a key."""
KINDS: Final = (
    *(PLAN_KIND, DECISION_KIND, DELIVERY_KIND, ROUTE_DELIVERY_KIND, ACKNOWLEDGEMENT_KIND, DRILL_KIND),
    *(EXCEPTION_KIND, EXCEPTION_REQUEST_KIND, EXCEPTION_DECLINE_KIND, ESCALATION_KIND),
    *(REPLAY_REQUEST_KIND, REPLAY_APPROVAL_KIND, REPLAY_REFUSAL_KIND),
    *(CHECK_KIND, LINK_REVOCATION_KIND, FEED_KIND, FEED_REVOCATION_KIND, ALARM_PATH_KIND),
    RETIREMENT_KIND,
    *(REPLAY_EXECUTION_KIND, REPLAY_OUTCOME_KIND, DISCARD_KIND),
    *(DISABLED_KIND, ENABLED_KIND, OUTAGE_KIND, CLOSURE_KIND),
    *(RETEST_KIND, UNTRUSTED_KIND, TRUSTED_KIND, IMPORT_KIND, *LEDGER_KINDS),
)
