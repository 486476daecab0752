/*
 * The plans of notifications, on their way from the outbox into the evidence: two runs that notify, and a later one.
 *
 * Each run commits notifications with its plan, delivers, and records. It can be killed between any two steps, or be so
 * slow that the later run takes it for killed. Each step is one transaction of the code. Its comment names the function
 * that it stands for, and tests/model/test_models.py ensures that the function exists.
 *
 * The name of a mutation, passed with -D, switches it on; each must be refuted.
 */

#define RUNS 2

mtype:step = { PLANS, COMMITS_PLAN, DELIVERS, RECORDS, REMOVES, OVER };
mtype:step step[RUNS] = PLANS;
mtype:step later = RECORDS; /* of the later run: what it does to a plan takes two steps in one mutation */
byte taking; /* which plan it does that to */

/* Stands for rollback_drills/database/tables.py::OUTBOX */
bit is_committed[RUNS]; /* the notifications of the run */

/* Stands for rollback_drills/database/tables.py::OUTBOX_PLANS */
bit waits[RUNS];
bit is_recorded[RUNS];
bit is_late[RUNS]; /* it has waited for so long that its run is taken for killed */

/* Stands for rollback_drills/database/tables.py::LEDGER */
byte decisions[RUNS]; /* how often the evidence has the decisions of a plan */

/* Notifications and their plan, in one transaction.
   Stands for rollback_drills/outbox/commit.py::commit
   Stands for rollback_drills/outbox/commit.py::_keep_plans
   Stands for rollback_drills/evidence/committed_plans.py::write_plan */
inline commit(r) {
	is_committed[r] = 1;
#ifdef PLAN_AFTER_NOTIFICATIONS
	step[r] = COMMITS_PLAN
#else
	waits[r] = 1;
	step[r] = DELIVERS
#endif
}

/* Stands for rollback_drills/delivery/dispatcher.py::Dispatcher */
inline deliver(r) {
	step[r] = RECORDS
}

/* The run records its own plan. If another has recorded it meanwhile, the finding alone is added.
   Stands for rollback_drills/evidence/checks/recorded_check.py::_find_news
   Stands for rollback_drills/evidence/committed_plans.py::find_taken */
inline record_own(r) {
#ifdef DO_NOT_ASK_WHO_HAS_IT
	decisions[r]++;
#else
	if
	:: is_recorded[r]
	:: else -> decisions[r]++
	fi;
#endif
	waits[r] = 0;
	is_recorded[r] = 0;
	step[r] = OVER
}

/* A later run records what seems to be left, and marks it: its run may still live.
   Stands for rollback_drills/evidence/committed_plans.py::take_plans
   Stands for rollback_drills/evidence/outbox_transfer.py::index_run */
inline take(r) {
#ifdef MARK_BEFORE_APPEND
	is_recorded[r] = 1;
	taking = r;
	later = REMOVES
#else
	decisions[r]++;
#ifdef REMOVE_WHAT_IS_TAKEN
	waits[r] = 0
#else
	is_recorded[r] = 1
#endif
#endif
}

#ifdef LEAVE_IT
#define MAY_TAKE(r) false
#else
#define MAY_TAKE(r) (later == RECORDS && waits[r] && is_late[r] && !is_recorded[r])
#endif

proctype Run(byte id) {
	do
	:: atomic { step[id] == PLANS -> commit(id) }
	:: atomic { step[id] == COMMITS_PLAN -> waits[id] = 1; step[id] = DELIVERS }
	:: atomic { step[id] == DELIVERS -> deliver(id) }
	:: atomic { step[id] == RECORDS -> record_own(id) }
	:: atomic { step[id] != OVER -> step[id] = OVER } /* it is killed */
	:: step[id] == OVER -> break
	od
}

proctype Later() {
	byte r;
	do
	:: atomic { MAY_TAKE(0) -> take(0) }
	:: atomic { MAY_TAKE(1) -> take(1) }
	:: atomic { later == REMOVES -> decisions[taking]++; later = RECORDS }
	:: atomic { later == REMOVES -> later = RECORDS } /* it is killed, and another one follows */
	:: atomic { waits[0] && !is_late[0] -> is_late[0] = 1 }
	:: atomic { waits[1] && !is_late[1] -> is_late[1] = 1 }
	:: timeout -> break /* nothing is left to do */
	od;
	for (r : 0 .. RUNS - 1) {
		/* What was committed has its plan and its decisions in the evidence, once. */
		assert(decisions[r] == is_committed[r])
	}
}

init {
	atomic { run Run(0); run Run(1); run Later() }
}
