/*
 * The publication of a check: two runs of one population record what changed, and publish it afterwards.
 *
 * A schedule has a version that grows with each change, and a run records the newest one. Publishing it is one step: pages
 * and events are handed to the server, which is taken to keep them. A page that is published late may show an older
 * version; what counts is that each version was published by somebody.
 *
 * Each step is one transaction or one effect of the code. Its comment names the function that it stands for, and
 * tests/model/test_models.py ensures that the function exists. A run can be killed between any two steps.
 *
 * The name of a mutation, passed with -D, switches it on; each must be refuted.
 */

#define SCHEDULES 2
#define RUNS 2
#define MOST 2 /* versions of a schedule */

mtype:step = { IDLE, KEEPS, PUBLISHES, FORGETS };

/* What the database has of each schedule. */
byte recorded[SCHEDULES]; /* the version in the evidence */
/* Stands for rollback_drills/database/tables.py::UNPUBLISHED */
bit is_kept[SCHEDULES];
byte newest; /* the run that has recorded the newest check */

/* What the server has of each schedule: the newest version that was published. */
byte published[SCHEDULES];

/* The memory of each run, which is gone when it is killed. */
mtype:step step[RUNS] = IDLE;
byte news[RUNS * SCHEDULES]; /* the version to publish; 0 if there is nothing new */

byte s; /* scratch within a step */
#define NEWS(r) news[r * SCHEDULES + s]

inline leave(r) {
	for (s : 0 .. SCHEDULES - 1) { NEWS(r) = 0 }
	s = 0;
	step[r] = IDLE
}

/* Stands for rollback_drills/evidence/checks/unpublished.py::keep_unpublished */
inline keep(r) {
	for (s : 0 .. SCHEDULES - 1) { is_kept[s] = is_kept[s] || NEWS(r) != 0 }
	s = 0
}

/* One transaction, under the lock of the ledger.
   Stands for rollback_drills/evidence/outbox_transfer.py::index_run
   Stands for rollback_drills/evidence/checks/recorded_check.py::_WholeCheck.begin
   Stands for rollback_drills/evidence/checks/recorded_check.py::_WholeCheck.end
   Stands for rollback_drills/evidence/checks/unpublished.py::find_unpublished
   Stands for rollback_drills/evidence/checks/population.py::Changes.find_news */
inline record_check(r) {
	for (s : 0 .. SCHEDULES - 1) {
		if
		:: recorded[s] < MOST -> recorded[s]++; NEWS(r) = recorded[s]
		:: is_kept[s] -> NEWS(r) = recorded[s]
		:: !is_kept[s]
		fi
	}
	s = 0;
	newest = r;
#ifdef KEEP_LATER
	step[r] = KEEPS
#else
	keep(r);
	step[r] = PUBLISHES
#endif
}

/* Stands for flows/check/publishing.py::publish */
inline publish(r) {
#ifndef FORGET_FIRST
	for (s : 0 .. SCHEDULES - 1) { published[s] = (NEWS(r) > published[s] -> NEWS(r) : published[s]) }
	s = 0;
#endif
	step[r] = FORGETS
}

#ifdef FORGET_WHATEVER_CAME
#define IS_NEWEST(r) true
#else
#define IS_NEWEST(r) newest == r
#endif

/* Under the lock of the ledger, too.
   Stands for rollback_drills/evidence/checks/unpublished.py::forget_unpublished
   Stands for rollback_drills/evidence/checks/last_findings.py::find_last_check
   Stands for rollback_drills/evidence/appender.py::lock_ledger */
inline forget(r) {
	if
	:: IS_NEWEST(r) -> for (s : 0 .. SCHEDULES - 1) {
#ifdef FORGET_FIRST
		if
		:: NEWS(r) != 0 -> is_kept[s] = 0
		:: else
		fi
#else
		is_kept[s] = 0
#endif
	}
	:: else
	fi;
	leave(r)
}

/* Whatever is in the evidence was published, or is kept for the next check: also if all runs are killed now. */
inline expect_nothing_lost() {
	for (s : 0 .. SCHEDULES - 1) { assert(published[s] == recorded[s] || is_kept[s]) }
	s = 0
}

proctype Run(byte id) {
	do
	:: atomic { step[id] == IDLE -> record_check(id); expect_nothing_lost() }
	:: atomic { step[id] == KEEPS -> keep(id); step[id] = PUBLISHES; expect_nothing_lost() }
	:: atomic { step[id] == PUBLISHES -> publish(id); expect_nothing_lost() }
	:: atomic { step[id] == FORGETS -> forget(id); expect_nothing_lost() }
	:: atomic { step[id] != IDLE -> leave(id) } /* it is killed */
	od
}

init { atomic { run Run(0); run Run(1) } }
