/*
 * One route of one cycle: two runs decide by what they have read, and commit later; meanwhile messages are sent.
 *
 * How a message is claimed and sent is the subject of outbox.pml; here an attempt is one claim and one result.
 *
 * Each step is one transaction or one effect of the code. Its comment names the function that it stands for, and
 * tests/model/test_models.py ensures that the function exists. A run can be killed between any two steps.
 *
 * The name of a mutation, passed with -D, switches it on; each must be refuted.
 */

#define ROWS 4
#define FIRST 0
#define WORSE 1
#define RESOLVED 2
#define RESOLVED_AGAIN 3 /* if a run that had read before committed something after the end */
#define RUNS 2

mtype:state = { ABSENT, PENDING, SENDING, RETRY, AMBIGUOUS, DELIVERED, PERMANENT, SUPERSEDED };
mtype:decision = { NOTHING, TELL_FIRST, TELL_WORSE, CLOSE, DEPART };
mtype:status = { DUE_SOON, OVERDUE, OVER };

mtype:status status = DUE_SOON;
bit finds; /* whether the provider can be asked; else it drops repeats, or takes them */

/* Stands for rollback_drills/database/tables.py::OUTBOX */
mtype:state state[ROWS] = ABSENT;
bit may_repeat[ROWS];
bit is_closed[ROWS];
bit is_overdue; /* the status with which the first message was committed */
bit has_arrived[ROWS];

/* What each run has decided, and will commit. */
mtype:decision decision[RUNS] = NOTHING;
bit is_again[RUNS];
bit replaces[RUNS * ROWS];

byte r; /* scratch within a step */

#define IS_UNSENT(r) (state[r] == PENDING || state[r] == RETRY)
#define IS_UNCERTAIN(r) (state[r] == SENDING || state[r] == AMBIGUOUS)
#define IS_CURRENT(r) (state[r] != ABSENT && !is_closed[r] && state[r] != SUPERSEDED)
#define MAY_BE_TOLD(r) (state[r] == DELIVERED || may_repeat[r])
#ifdef ONLY_WHAT_WAS_DELIVERED
#define IS_TOLD(r) (!is_closed[r] && state[r] == DELIVERED)
#else
#define IS_TOLD(r) (!is_closed[r] && MAY_BE_TOLD(r))
#endif
#define ANY(condition) (condition(FIRST) || condition(WORSE) || condition(RESOLVED) || condition(RESOLVED_AGAIN))
#define IS_END(row) (state[row] == DELIVERED || state[row] == PERMANENT)

/* Stands for rollback_drills/planning/repeats.py::decide_repeat
   Stands for rollback_drills/planning/repeats.py::find_ending
   Stands for rollback_drills/outbox/commit.py::find_history
   Stands for rollback_drills/planning/closings.py::find_closings */
inline decide(w) {
	if
	:: ANY(IS_UNCERTAIN)
	:: !ANY(IS_UNCERTAIN) && status == OVER && ANY(IS_CURRENT) ->
		decision[w] = (ANY(IS_TOLD) -> CLOSE : DEPART);
		is_again[w] = state[RESOLVED] != ABSENT;
		for (r : 0 .. ROWS - 1) { replaces[w * ROWS + r] = IS_CURRENT(r) && IS_UNSENT(r) }
	:: !ANY(IS_UNCERTAIN) && status != OVER && state[FIRST] == ABSENT -> decision[w] = TELL_FIRST
	:: !ANY(IS_UNCERTAIN) && status == OVERDUE && IS_CURRENT(FIRST) && !is_overdue && state[WORSE] == ABSENT ->
		decision[w] = TELL_WORSE;
		replaces[w * ROWS + FIRST] = IS_UNSENT(FIRST)
	:: else -> /* nothing to do; if nothing is on its way either, whoever may know of the problem knows its end */
		assert(status != OVER || ANY(IS_UNSENT) || decision[0] != NOTHING || decision[1] != NOTHING
			|| !has_arrived[FIRST] && !has_arrived[WORSE] || IS_END(RESOLVED) || IS_END(RESOLVED_AGAIN))
	fi
}

#ifdef REPLACE_WHAT_WAS_SENT
#define CAN_REPLACE(r) true
#elif defined(REPLACE_WHAT_IS_UNCERTAIN)
#define CAN_REPLACE(r) (IS_UNSENT(r) || IS_UNCERTAIN(r))
#else
#define CAN_REPLACE(r) IS_UNSENT(r)
#endif
#ifdef LEAVE_WHATEVER_CAME
#define MAY_LEAVE(w, r) true
#else
#define MAY_LEAVE(w, r) (decision[w] != DEPART || !may_repeat[r])
#endif
#define FAILS(w, r) (replaces[w * ROWS + r] && !(CAN_REPLACE(r) && MAY_LEAVE(w, r)))

/* What has been sent meanwhile is not replaced, and then nothing takes its place. A route is not left silently if
   something may have arrived meanwhile.
   Stands for rollback_drills/outbox/commit.py::_replace */
inline replace(w) {
	for (r : 0 .. ROWS - 1) {
		if
		:: replaces[w * ROWS + r] && CAN_REPLACE(r) && MAY_LEAVE(w, r) -> state[r] = SUPERSEDED
		:: else
		fi
	}
}

#ifdef CLOSE_WHATEVER_CAME
#define IS_SILENT(r) true
#else
#define IS_SILENT(r) ((state[r] == PERMANENT || state[r] == SUPERSEDED) && !may_repeat[r])
#endif

/* A route that is left silently stays open for what another run has committed or sent meanwhile.
   Stands for rollback_drills/outbox/commit.py::_close */
inline close(w) {
	for (r : 0 .. ROWS - 1) {
		is_closed[r] = is_closed[r] || state[r] != ABSENT && (decision[w] == CLOSE || IS_SILENT(r))
	}
}

/* Stands for rollback_drills/outbox/commit.py::_insert */
inline insert(row) {
	if
	:: state[row] == ABSENT -> state[row] = PENDING
	:: else
	fi
}

/* One transaction. Stands for rollback_drills/outbox/commit.py::commit */
inline commit(w) {
	if
	:: FAILS(w, FIRST) || FAILS(w, WORSE) || FAILS(w, RESOLVED) || FAILS(w, RESOLVED_AGAIN) -> replace(w)
	:: else ->
		replace(w);
		if
		:: decision[w] == TELL_FIRST && state[FIRST] == ABSENT -> insert(FIRST); is_overdue = status != DUE_SOON
		:: decision[w] == TELL_FIRST && state[FIRST] != ABSENT
		:: decision[w] == TELL_WORSE -> insert(WORSE)
		:: decision[w] == CLOSE && state[RESOLVED + is_again[w]] == ABSENT -> insert(RESOLVED + is_again[w]); close(w)
		:: decision[w] == CLOSE && state[RESOLVED + is_again[w]] != ABSENT
		:: decision[w] == DEPART -> close(w)
		fi
	fi;
	/* What was replaced has a successor, or its cycle is over. */
	assert(state[FIRST] != SUPERSEDED || state[WORSE] != ABSENT || is_closed[FIRST]);
	assert(state[WORSE] != SUPERSEDED || is_closed[WORSE]);
	forget(w)
}

inline forget(w) {
	for (r : 0 .. ROWS - 1) { replaces[w * ROWS + r] = 0 }
	decision[w] = NOTHING; is_again[w] = 0
}

/* A run reads, decides, and commits what it has decided, if it is not killed.
   Stands for flows/check/planning.py::plan_fleet
   Stands for tasks/outbox.py::commit_notifications */
proctype Run(byte w) {
	do
	:: atomic { decision[w] == NOTHING -> decide(w); r = 0 }
	:: atomic { decision[w] != NOTHING -> commit(w); r = 0 }
	:: atomic { decision[w] != NOTHING -> forget(w); r = 0 }
	od
}

#ifdef REFUSED_IS_NOT_SENT
#define KEEP_DOUBT(row) may_repeat[row] = 0
#else
#define KEEP_DOUBT(row) skip
#endif

/* Stands for rollback_drills/outbox/claims.py::settle_and_claim
   Stands for rollback_drills/delivery/attempt.py::attempt */
proctype Message(byte row) {
	do
	:: d_step { IS_UNSENT(row) -> state[row] = SENDING }
	:: d_step { state[row] == AMBIGUOUS -> state[row] = SENDING; may_repeat[row] = 1 }
	:: d_step { state[row] == SENDING && finds && may_repeat[row] && has_arrived[row] ->
		state[row] = DELIVERED; may_repeat[row] = 0 }
	:: d_step { state[row] == SENDING && finds && may_repeat[row] && !has_arrived[row] -> may_repeat[row] = 0 }
	:: atomic { state[row] == SENDING && !(finds && may_repeat[row]) ->
		if
		:: has_arrived[row] = 1; state[row] = DELIVERED; may_repeat[row] = 0
		:: has_arrived[row] = 1; state[row] = AMBIGUOUS /* the answer is lost */
		:: state[row] = AMBIGUOUS
		:: state[row] = RETRY; KEEP_DOUBT(row)
		:: state[row] = PERMANENT; KEEP_DOUBT(row)
		:: may_repeat[row] = 1 /* the worker is killed, and another one claims it */
		:: has_arrived[row] = 1; may_repeat[row] = 1
		fi }
	od
}

init {
	atomic {
		if
		:: finds = 1
		:: true
		fi;
		run Run(0); run Run(1); run Message(FIRST); run Message(WORSE); run Message(RESOLVED); run Message(RESOLVED_AGAIN)
	}
	status = OVERDUE;
	status = OVER
}
