/*
 * The record of a check: two runs look at a population whose findings change, and write what changed.
 *
 * A finding is a number, and a digest over findings is the findings themselves: SHA-256 is taken to be free of
 * collisions. Of the ledger the model keeps what can be read from it: the last plan of each schedule, and the newest
 * check. Documents and the table of last findings can change at any time, so whoever reads them finds anything.
 *
 * Each step is one transaction or one effect of the code. Its comment names the function that it stands for, and
 * tests/model/test_models.py ensures that the function exists. A run can be killed between any two steps.
 *
 * The name of a mutation, passed with -D, switches it on; each must be refuted.
 */

#define SCHEDULES 2
#define RUNS 2
#define NOTHING 0 /* no schedule, no plan, no row; findings are 1 and 2 */
#define PRUNED 3 /* the table knows the name of a schedule, and the ledger has no plan of it any more */

mtype:step = { IDLE, LOOKS, INDEXES, APPENDS };

/* Stands for rollback_drills/database/tables.py::LEDGER */
byte plan[SCHEDULES]; /* the finding of the last plan */
bit has_check;
byte checked[SCHEDULES]; /* the findings over which the newest check has its digest */
bit is_pruned; /* whether the newest pruning is later than the newest check */

/* The memory of each run, which is gone when it is killed. */
mtype:step step[RUNS] = IDLE;
byte looked[RUNS]; /* at how many schedules */
byte seen[RUNS * SCHEDULES];
bit is_changed[RUNS * SCHEDULES];

/* Scratch within a step. */
byte s, known[SCHEDULES];
bit fits;
#define SEEN(r) seen[r * SCHEDULES + s]
#define CHANGED(r) is_changed[r * SCHEDULES + s]

inline end_step() {
	for (s : 0 .. SCHEDULES - 1) { known[s] = NOTHING }
	s = 0; fits = 0
}

inline forget(r) {
	for (s : 0 .. SCHEDULES - 1) { SEEN(r) = NOTHING; CHANGED(r) = 0 }
	looked[r] = 0;
	step[r] = IDLE
}

/* Documents are read one after another; one that is not there any more is not found.
   Stands for flows/check/planning.py::judge_fleet
   Stands for rollback_drills/planning/finding.py::find_finding */
inline look(r) {
	s = looked[r];
	if
	:: SEEN(r) = NOTHING
	:: SEEN(r) = 1
	:: SEEN(r) = 2
	fi;
	looked[r]++;
	step[r] = (looked[r] == SCHEDULES -> INDEXES : LOOKS)
}

/* The table is up to date, out of date, emptied, or changed by somebody.
   Stands for rollback_drills/database/tables.py::LAST_FINDINGS
   Stands for rollback_drills/evidence/checks/last_findings.py::_read_table
   Stands for rollback_drills/evidence/checks/population.py::digest_population */
inline read_table() {
	fits = 1;
	for (s : 0 .. SCHEDULES - 1) {
		if
		:: known[s] = NOTHING
		:: known[s] = 1
		:: known[s] = 2
		:: known[s] = PRUNED
		fi;
		fits = fits && known[s] == checked[s]
	}
}

/* What the ledger does not have any more is known by its name alone.
   Stands for rollback_drills/evidence/checks/last_findings.py::_read_ledger
   Stands for rollback_drills/evidence/checks/check_records.py::SeenPopulations.take_plan */
inline read_ledger() {
	for (s : 0 .. SCHEDULES - 1) {
		known[s] = (plan[s] != NOTHING -> plan[s] : (known[s] != NOTHING -> PRUNED : NOTHING))
	}
}

#ifdef BELIEVE_THE_TABLE
#define FITS true
#elif defined(BELIEVE_AFTER_PRUNING)
#define FITS fits
#else
#define FITS (fits && !is_pruned)
#endif

/* Stands for rollback_drills/evidence/checks/recorded_check.py::_WholeCheck.begin
   Stands for rollback_drills/evidence/checks/last_findings.py::read_last_check
   Stands for rollback_drills/evidence/checks/last_findings.py::_was_pruned_after
   Stands for rollback_drills/evidence/checks/population.py::find_changes */
inline compare_population(r) {
	read_table();
	if
	:: !has_check || FITS
	:: has_check && !(FITS) -> read_ledger()
	fi;
	for (s : 0 .. SCHEDULES - 1) { CHANGED(r) = !has_check || SEEN(r) != known[s] }
}

#ifdef GONE_IS_NOT_NAMED
#define NAMES_GONE false
#else
#define NAMES_GONE has_check
#endif
#ifdef DIGEST_OF_THE_TABLE
#define LOOKED_AT(r) known[s]
#else
#define LOOKED_AT(r) SEEN(r)
#endif

/* Plans of what changed, and the record of the check. Its digest is over all that the run looked at.
   Stands for rollback_drills/evidence/checks/recorded_check.py::_find_news
   Stands for rollback_drills/evidence/checks/recorded_check.py::_WholeCheck.end
   Stands for rollback_drills/evidence/checks/last_findings.py::keep_findings
   Stands for rollback_drills/evidence/checks/check_records.py::record_check */
inline append_check(r) {
	for (s : 0 .. SCHEDULES - 1) {
		if
		:: CHANGED(r) && SEEN(r) != NOTHING -> plan[s] = SEEN(r)
		:: CHANGED(r) && SEEN(r) == NOTHING && NAMES_GONE -> plan[s] = NOTHING
		:: else
		fi;
		checked[s] = LOOKED_AT(r);
		/* The digest is that of what the run looked at. */
		assert(checked[s] == SEEN(r));
		/* It follows from the plans before the record, as `drills evidence verify` finds. So what the check calls
		   unchanged was concluded before, and all that it looked at has a plan. */
		assert(checked[s] == plan[s])
	}
	has_check = 1;
	is_pruned = 0;
	forget(r)
}

/* One transaction, under the lock of the ledger.
   Stands for rollback_drills/evidence/outbox_transfer.py::index_run
   Stands for rollback_drills/evidence/appender.py::appending */
inline index_run(r) {
	compare_population(r);
#ifdef NO_LOCK
	step[r] = APPENDS
#else
	append_check(r)
#endif
}

proctype Run(byte id) {
	do
	:: atomic { step[id] == IDLE || step[id] == LOOKS -> look(id); end_step() }
	:: atomic { step[id] == INDEXES -> index_run(id); end_step() }
	:: atomic { step[id] == APPENDS -> append_check(id); end_step() }
	:: atomic { step[id] != IDLE -> forget(id); end_step() } /* it is killed */
	od
}

#define HAS_PLANS (plan[0] + plan[1] > 0)

/* Old rows lose their content: plans before the check that follows them.
   Stands for rollback_drills/evidence/pruning.py::prune
   Stands for rollback_drills/evidence/pruning.py::find_prunable */
active proctype Pruning() {
	atomic { run Run(0); run Run(1) }
	do
	:: atomic { HAS_PLANS ->
		for (s : 0 .. SCHEDULES - 1) {
			if
			:: plan[s] = NOTHING
			:: true
			fi
		}
		is_pruned = has_check; end_step() }
	:: atomic { !HAS_PLANS && has_check ->
		has_check = 0; is_pruned = 0;
		for (s : 0 .. SCHEDULES - 1) { checked[s] = NOTHING }
		end_step() }
	:: !HAS_PLANS && !has_check -> skip
	od
}
