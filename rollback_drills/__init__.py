"""The rules of rollback drills: documents in, reports, plans and evidence out. Knows no Prefect."""

PRODUCT = "rollback-drills"
