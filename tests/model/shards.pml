/*
 * The record of a check: runs look at a population whose findings change, whole or shard by shard, and write what
 * changed.
 *
 * A finding is a number, and a digest over findings is the findings themselves: SHA-256 is taken to be free of
 * collisions. Schedule 0 is shard 0, and schedule 1 is shard 1. Of the ledger the model keeps what can be read from
 * it. Documents and the table of last findings can change at any time: whoever reads them finds anything. So no
 * step has to be kept between the look at a document and the transaction that writes what was found.
 *
 * Each step is one transaction or one effect of the code. Its comment names the function that it stands for, and
 * tests/model/test_models.py ensures that the function exists. Every run can be killed between any two steps.
 *
 * The name of a mutation, passed with -D, switches it on; each must be refuted.
 */

#define SCHEDULES 2 /* and as many shards */
#define NOTHING 0 /* no schedule, no plan, no row; findings are 1 and 2 */
#define PRUNED 3 /* the table knows the name of a schedule, and the ledger has no plan of it any more */
#define PARENTS 2
#define CHILDREN 2
#define NOBODY 2 /* a row of no parent: a person started a shard alone */
#define NO_ROW 3

mtype:step = { IDLE, RUNS };

/* Stands for rollback_drills/database/tables.py::LEDGER */
byte before[SCHEDULES]; /* the last plan of each schedule up to the newest check */
byte since[SCHEDULES]; /* and after it */
bit has_check;
byte checked[SCHEDULES]; /* the findings over which the newest check has its digest */
bit is_pruned; /* whether the newest pruning is later than the newest check */

/* Stands for rollback_drills/database/tables.py::CHECK_SHARDS */
byte begun = NO_ROW; /* which check began last */
bit has_looked[SCHEDULES];
byte found[SCHEDULES];
bit is_old[SCHEDULES]; /* part of the proof: it was looked at for an earlier check */

/* The memory of the runs, which is gone when they are killed. */
mtype:step parent[PARENTS] = IDLE;
byte asked_by[CHILDREN] = NOBODY;
bit is_stale[CHILDREN]; /* the parent has ended, and another check has its number */

/* Scratch within a step. */
byte s, c;
byte table[SCHEDULES], document[SCHEDULES], chosen;
byte known[SCHEDULES], recorded[SCHEDULES], concluded[SCHEDULES];
bit fits, is_first, is_wrong;
/* What a transaction will find in the table. */
inline choose_row(which) {
	if
	:: !has_check
	:: has_check -> table[which] = NOTHING
	:: has_check -> table[which] = 1
	:: has_check -> table[which] = 2
	:: has_check -> table[which] = PRUNED
	fi
}

/* Of a table that is compared with the digest, only names and equal rows matter. */
inline choose_row_to_compare(which) {
	if
	:: !has_check
	:: has_check -> table[which] = NOTHING
	:: has_check && checked[which] != NOTHING -> table[which] = checked[which]
	:: has_check -> table[which] = PRUNED
	fi
}

/* What a run finds in a document. */
inline choose_document(which) {
	if
	:: document[which] = NOTHING
	:: document[which] = 1
	:: document[which] = 2
	fi
}

inline choose_shard() {
	if
	:: chosen = 0
	:: chosen = 1
	fi;
	choose_row(chosen);
	choose_document(chosen)
}

inline end_step() {
	for (s : 0 .. SCHEDULES - 1) { table[s] = 0; document[s] = 0; known[s] = 0; recorded[s] = 0; concluded[s] = 0 }
	s = 0; c = 0; chosen = 0; fits = 0; is_first = 0; is_wrong = 0
}

/* The table is up to date, out of date, emptied, or changed by somebody. A part of it is taken as it is.
   Stands for rollback_drills/evidence/checks/last_findings.py::_read_rows
   Stands for rollback_drills/database/tables.py::LAST_FINDINGS */
inline read_rows() {
	for (s : 0 .. SCHEDULES - 1) { known[s] = (has_check -> table[s] : NOTHING) }
}

#ifdef BELIEVE_THE_TABLE
#define FITS true
#elif defined(BELIEVE_AFTER_PRUNING)
#define FITS fits
#else
#define FITS (fits && !is_pruned)
#endif

/* What the ledger does not have any more is known by its name alone.
   Stands for rollback_drills/evidence/checks/last_findings.py::read_last_check
   Stands for rollback_drills/evidence/checks/last_findings.py::_read_ledger
   Stands for rollback_drills/evidence/checks/population.py::digest_population */
inline read_last_check() {
	read_rows();
	fits = 1;
	for (s : 0 .. SCHEDULES - 1) { fits = fits && known[s] == checked[s] }
	if
	:: !has_check || FITS
	:: else ->
		for (s : 0 .. SCHEDULES - 1) {
			known[s] = (before[s] != NOTHING -> before[s] : (known[s] != NOTHING -> PRUNED : NOTHING))
		}
	fi
}

#ifdef BELIEVE_THE_ROWS
#define HAS_BEGUN (begun != NO_ROW)
#else
#define HAS_BEGUN (has_check || begun != NO_ROW)
#endif

/* Plans after the newest check, also if the rows of the shards that wrote them are lost.
   Stands for rollback_drills/evidence/checks/shards.py::find_since
   Stands for rollback_drills/evidence/checks/shards.py::read_plans */
inline read_plans() {
	for (s : 0 .. SCHEDULES - 1) { recorded[s] = (HAS_BEGUN -> since[s] : NOTHING) }
}

/* Stands for rollback_drills/evidence/checks/shards.py::forget_shards */
inline forget_shards() {
	for (s : 0 .. SCHEDULES - 1) { has_looked[s] = 0; found[s] = NOTHING; is_old[s] = 0 }
}

#define PROVEN(s) (recorded[s] != NOTHING -> recorded[s] : known[s])

#ifdef GONE_IS_NOT_NAMED
#define IS_GONE(s) false
#else
#define IS_GONE(s) (known[s] != NOTHING || recorded[s] != NOTHING)
#endif

/* The record of the check, whose digest is over all findings, is the last row of a transaction.
   Stands for rollback_drills/evidence/checks/check_records.py::record_check
   Stands for rollback_drills/evidence/checks/population.py::find_changes
   Stands for rollback_drills/evidence/checks/check_records.py::SeenPopulations.take_check */
inline record_check() {
	for (s : 0 .. SCHEDULES - 1) {
		if
		:: since[s] != NOTHING -> before[s] = since[s]
		:: else
		fi;
		since[s] = NOTHING;
		if
		:: concluded[s] == NOTHING && IS_GONE(s) -> before[s] = NOTHING
		:: else
		fi;
		checked[s] = concluded[s];
		/* What the check says follows from the plans before it, as `drills evidence verify` finds:
		   what it calls unchanged was concluded before, and everything that it looked at has a plan. */
		assert(before[s] == concluded[s])
	}
	has_check = 1;
	is_pruned = 0;
	begun = NO_ROW;
	forget_shards()
}

/* A run that looks at everything, whatever the documents say.
   Stands for rollback_drills/planning/finding.py::find_finding
   Stands for rollback_drills/evidence/checks/recorded_check.py::_WholeCheck.begin
   Stands for rollback_drills/evidence/checks/recorded_check.py::_WholeCheck.end
   Stands for rollback_drills/evidence/checks/recorded_check.py::_find_unrecorded
   Stands for rollback_drills/evidence/checks/recorded_check.py::_find_news */
inline index_whole() {
	read_last_check();
	read_plans();
	for (s : 0 .. SCHEDULES - 1) {
		concluded[s] = document[s];
		if
		:: document[s] != NOTHING && document[s] != PROVEN(s) -> since[s] = document[s]
		:: else
		fi
	}
	record_check()
}

/* Stands for rollback_drills/evidence/checks/shards.py::begin_shards */
inline begin_shards(p) {
	begun = p;
	forget_shards();
	for (c : 0 .. CHILDREN - 1) {
		is_stale[c] = is_stale[c] || asked_by[c] == p
	}
	parent[p] = RUNS
}

/* Stands for rollback_drills/evidence/checks/shards.py::require_shards */
#ifdef SHARDS_OF_EARLIER_CHECKS
#define IS_CURRENT(c) (begun != NO_ROW && begun != NOBODY)
#else
#define IS_CURRENT(c) (begun == asked_by[c] && !is_stale[c])
#endif

/* The plan of a shard, if the ledger does not have it yet. The shard finds whatever its document says.
   Stands for rollback_drills/evidence/checks/recorded_check.py::_ShardCheck.begin
   Stands for rollback_drills/evidence/checks/shards.py::enter_shards */
inline append_shard() {
	begun = (begun == NO_ROW -> NOBODY : begun);
	read_rows();
	read_plans();
	s = chosen;
	if
	:: document[s] != NOTHING && document[s] != PROVEN(s) -> since[s] = document[s]
	:: else
	fi
}

/* A run for a check. It leaves a row that says what it found, in place of what an earlier run of the shard found.
   Stands for rollback_drills/evidence/checks/recorded_check.py::_ShardCheck.end
   Stands for rollback_drills/evidence/checks/shards.py::keep_shard */
inline index_shard(c) {
	if
	:: IS_CURRENT(c) ->
		append_shard();
		has_looked[s] = 1;
		found[s] = document[s];
		is_old[s] = begun != asked_by[c] || is_stale[c]
	:: else
	fi;
	forget_child(c)
}

inline forget_child(c) {
	asked_by[c] = NOBODY; is_stale[c] = 0
}

#ifdef RECORD_WITHOUT_A_SHARD
#define HAVE_LOOKED (has_looked[0] || has_looked[1])
#else
#define HAVE_LOOKED (has_looked[0] && has_looked[1])
#endif
#ifdef BELIEVE_THE_SHARDS
#define IS_WRONG(s) false
#else
#define IS_WRONG(s) (found[s] != NOTHING && found[s] != PROVEN(s))
#endif

/* All shards have looked, and the ledger has what each of them found; else some are repeated, or the check gives up.
   Stands for rollback_drills/evidence/checks/recorded_check.py::_CombinedCheck.begin
   Stands for rollback_drills/evidence/checks/recorded_check.py::_CombinedCheck.end
   Stands for rollback_drills/evidence/checks/shards.py::read_together */
inline index_combined(p) {
	read_last_check();
	read_plans();
	is_wrong = IS_WRONG(0) || IS_WRONG(1);
	if
	:: is_wrong
	:: else ->
		for (s : 0 .. SCHEDULES - 1) {
			concluded[s] = found[s];
			assert(has_looked[s] && !is_old[s]) /* nothing is concluded of what the check did not look at */
		}
		record_check();
		parent[p] = IDLE
	fi
}

/* Stands for flows/check/sharded_check.py::check_in_shards
   Stands for flows/check/sharded_check.py::_look */
proctype Parent(byte p) {
end:	do
	:: d_step { parent[p] == IDLE -> begin_shards(p); end_step() }
	:: atomic { parent[p] == RUNS && begun == p && HAVE_LOOKED ->
		choose_row_to_compare(0); choose_row_to_compare(1); d_step { index_combined(p); end_step() } }
	:: atomic { parent[p] == RUNS -> parent[p] = IDLE } /* it is killed, gives up, or was replaced */
	od
}

/* A run of any shard: asked for once or several times, by a check that may have ended since.
   Stands for flows/check/shards.py::enter_check
   Stands for flows/check/evidence.py::keep_evidence */
proctype Child(byte id) {
end:	do
	:: atomic { asked_by[id] == NOBODY && parent[0] == RUNS -> asked_by[id] = 0 }
	:: atomic { asked_by[id] == NOBODY && parent[1] == RUNS -> asked_by[id] = 1 }
	:: atomic { asked_by[id] != NOBODY -> choose_shard(); d_step { index_shard(id); end_step() } }
	:: d_step { asked_by[id] != NOBODY -> forget_child(id) } /* it is killed */
	od
}

/* Other runs: of the whole population, and of a shard that a person started alone. Each is one transaction.
   Stands for rollback_drills/evidence/outbox_transfer.py::index_run
   Stands for rollback_drills/evidence/appender.py::appending */
active proctype Others() {
end:	do
	:: atomic { choose_row_to_compare(0); choose_row_to_compare(1); choose_document(0); choose_document(1);
		d_step { index_whole(); end_step() } }
	:: atomic { choose_shard(); d_step { append_shard(); end_step() } }
	od
}

init {
	atomic { run Parent(0); run Parent(1); run Child(0); run Child(1) }
}

#define IS_EMPTY (before[0] + before[1] == 0)

/* The newest check is not pruned while the rows of shards that recorded plans after it are lost: see docs/proofs.md. */
#define IS_KNOWN (begun != NO_ROW || since[0] + since[1] == 0)

/* Old rows lose their content, the oldest first: plans up to the newest check, that check, plans after it.
   Stands for rollback_drills/evidence/pruning.py::prune */
active proctype Pruning() {
	do
	:: d_step { before[0] != NOTHING -> before[0] = NOTHING; is_pruned = has_check }
	:: d_step { before[1] != NOTHING -> before[1] = NOTHING; is_pruned = has_check }
	:: d_step { IS_EMPTY && has_check && IS_KNOWN -> has_check = 0; is_pruned = 0; checked[0] = NOTHING; checked[1] = NOTHING }
	:: d_step { IS_EMPTY && !has_check && since[0] != NOTHING -> since[0] = NOTHING }
	:: d_step { IS_EMPTY && !has_check && since[1] != NOTHING -> since[1] = NOTHING }
	/* Somebody empties the table of shards. */
	:: d_step { has_check && begun != NO_ROW -> begun = NO_ROW; forget_shards(); s = 0 }
	od
}
