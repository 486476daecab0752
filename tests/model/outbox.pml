/*
 * The outbox: claims under a lease, attempts, their results, and the transfer of outcomes into the evidence.
 *
 * Each step is one transaction or one effect of the code. Its comment names the function that it stands for, and
 * tests/model/test_models.py ensures that the function exists. A worker makes one attempt at a time: two workers are two runs,
 * or two attempts at once within one run. It can be killed between any two steps, and it can pause for any time.
 *
 * Time is relative: a timer counts the ticks that are left, so that no clock has to be bounded. All workers see the
 * same clock, as on one machine, or through a PostgreSQL server.
 *
 * The name of a mutation, passed with -D, switches it on; each must be refuted. LIVE bounds pauses, attempts, what
 * people do, and kills of workers that do not send, for the proof that everything ends; without it there can be any
 * number of them. Sending a message may kill its worker each time: that ends because a takeover counts as an attempt.
 */

#ifndef MESSAGES
#define MESSAGES 2
#endif
#define WORKERS 2
#define TIMEOUT 1 /* of one attempt, in ticks */
#ifndef LEASE
#define LEASE 2 /* Stands for rollback_drills/outbox/leases.py::find_lease_seconds */
#endif
#define LEAST_ATTEMPTS 2 /* Stands for rollback_drills/delivery/retries.py::LEAST_ATTEMPTS */
#define NEVER 9
#define NONE 9

mtype:state = { ABSENT, PENDING, SENDING, RETRY, AMBIGUOUS, DELIVERED, PERMANENT, DISCARDED };
mtype:step = { IDLE, ASKS, SENDS, WAITS, SETTLES, APPENDS };
mtype:verdict = { UNKNOWN, TAKEN, BUSY, REFUSED, SILENT };
mtype:kind = { PLAIN, FINDS, DROPS };

/* The table of the outbox. Stands for rollback_drills/database/tables.py::OUTBOX */
mtype:state state[MESSAGES] = ABSENT;
byte due[MESSAGES] = NEVER; /* ticks until it wants attention: the next attempt, or the end of a lease */
byte claim[MESSAGES] = NONE;
bit may_repeat[MESSAGES];
bit is_unanswered[MESSAGES]; /* whether an attempt had no answer since a person replayed it */
bit is_indexed[MESSAGES] = 1;

/* The memory of each worker, which is gone when it is killed. */
mtype:step step[WORKERS] = IDLE;
byte message[WORKERS] = NONE;
bit is_uncertain[WORKERS]; /* whether it may have arrived; after sending, whether its text says so */
byte lease[WORKERS]; /* ticks for which the worker may believe in its claim */
mtype:verdict verdict[WORKERS] = UNKNOWN;

/* The network and the provider. A request arrives before its deadline, or never. */
byte flight[WORKERS * MESSAGES]; /* ticks in which a request may still arrive */
bit is_marked[WORKERS * MESSAGES];
bit has_arrived[MESSAGES];
mtype:kind provider;

/* Part of the proof, not of the program: the evidence does not have the last outcome yet. */
bit is_owed[MESSAGES];

/* Scratch within a step. */
byte m, w;
bit is_hopeless[WORKERS];
mtype:verdict said = UNKNOWN;
#define END_STEP m = 0; w = 0; said = UNKNOWN

#ifdef LIVE
byte kills = 2, pauses = 2, people = 2, attempts[MESSAGES];
#define MAY(budget) (budget > 0)
#define SPEND(budget) budget--
#define GIVES_UP(m) (attempts[m] == LEAST_ATTEMPTS)
#define GOES_ON(m) (attempts[m] < LEAST_ATTEMPTS)
#define COUNT_ATTEMPT(m) attempts[m] = attempts[m] + GOES_ON(m)
#define HAS_ENDED_WORKERS(m) (attempts[m] >= LEAST_ATTEMPTS - 1)
#define IS_KILLED_BY_SENDING(w) (step[w] == SENDS || step[w] == WAITS || step[w] == ASKS)
#else
#define MAY(budget) true
#define SPEND(budget) skip
#define GIVES_UP(m) true
#define GOES_ON(m) true
#define COUNT_ATTEMPT(m) skip
#define HAS_ENDED_WORKERS(m) is_unanswered[m]
#define IS_KILLED_BY_SENDING(w) true
#endif

#define IS_FINAL(m) (state[m] == DELIVERED || state[m] == PERMANENT || state[m] == DISCARDED)
#define IS_ABSENT(m) (state[m] == ABSENT)
#define ANY(condition) (condition(0) || condition(MESSAGES - 1))
#define SLOT(w, m) ((w) * MESSAGES + (m))

inline check(m) {
	/* Nothing is called delivered that never arrived. */
	assert(state[m] != DELIVERED || has_arrived[m]);
	/* Nothing that was committed is forgotten: it is over, or something will happen to it. */
	assert(state[m] == ABSENT || IS_FINAL(m) || due[m] != NEVER);
	/* What is over, and marked as taken, is in the evidence. */
	assert(!IS_FINAL(m) || !is_indexed[m] || !is_owed[m] || step[0] == APPENDS || step[1] == APPENDS)
}

inline forget(w) {
	message[w] = NONE; verdict[w] = UNKNOWN; is_uncertain[w] = 0; lease[w] = 0
}

/* Runs commit the same messages; what is there is passed over.
   Stands for rollback_drills/outbox/commit.py::commit */
inline commit() {
	if
	:: IS_ABSENT(0) -> state[0] = PENDING; due[0] = 0
	:: IS_ABSENT(MESSAGES - 1) -> state[MESSAGES - 1] = PENDING; due[MESSAGES - 1] = 0
	fi
}

inline note_outcome(m) {
	is_indexed[m] = 0; is_owed[m] = 1
}

/* When a message is given up depends on days and counts: here it may be at any failed attempt.
   Stands for rollback_drills/delivery/retries.py::conclude */
inline conclude(w, m) {
	if
	:: verdict[w] == TAKEN -> state[m] = DELIVERED; due[m] = NEVER
	:: verdict[w] == REFUSED -> state[m] = PERMANENT; due[m] = NEVER
	:: verdict[w] == BUSY && GOES_ON(m) -> state[m] = RETRY; due[m] = 1
	:: verdict[w] == SILENT && GOES_ON(m) -> state[m] = AMBIGUOUS; due[m] = 1
	:: (verdict[w] == BUSY || verdict[w] == SILENT) && GIVES_UP(m) -> state[m] = PERMANENT; due[m] = NEVER
	fi
}

#ifdef ONE_CLAIM_FOR_A_RUN
#define CLAIM_OF(w) 0 /* the workers are attempts of one run */
#else
#define CLAIM_OF(w) w /* a worker holds one message at a time: its number stands for a new id for each claim */
#endif
#ifdef LATE_RESULT_COUNTS
#define IS_IN_TIME(w, m) true
#else
#define IS_IN_TIME(w, m) (state[m] == SENDING && claim[m] == CLAIM_OF(w))
#endif

/* A result that comes too late changes nothing.
   Stands for rollback_drills/outbox/claims.py::_record_results */
inline record_result(w) {
	m = message[w];
	if
	:: m == NONE
	:: m != NONE && IS_IN_TIME(w, m) ->
		COUNT_ATTEMPT(m);
		is_unanswered[m] = is_unanswered[m] || verdict[w] == SILENT;
		conclude(w, m);
		may_repeat[m] = is_uncertain[w];
		claim[m] = NONE;
		note_outcome(m);
		check(m)
	:: else
	fi;
	forget(w)
}

#ifdef NO_EXPIRY_CHECK
#define IS_DUE(w, m) (state[m] == SENDING || due[m] == 0)
#elif defined(NO_TAKEOVER)
#define IS_DUE(w, m) (state[m] != SENDING && due[m] == 0)
#elif defined(CLOCKS_DIFFER)
#define IS_DUE(w, m) (due[m] <= w) /* the clock of worker 1 is a tick ahead */
#else
#define IS_DUE(w, m) (due[m] == 0)
#endif

/* One transaction records a result and claims what comes next. The code takes what is due first; here any.
   Stands for rollback_drills/outbox/claims.py::settle_and_claim
   Stands for rollback_drills/outbox/claims.py::_claim
   Stands for rollback_drills/outbox/claim_statements.py::_taking
   Stands for rollback_drills/delivery/dispatcher.py::_Run._settle_and_claim
   Stands for rollback_drills/delivery/dispatcher.py::_Run._attempt
   Stands for rollback_drills/delivery/retries.py::is_given_up */
inline settle_and_claim(w) {
	record_result(w);
	if
	:: IS_DUE(w, 0) -> m = 0
#if MESSAGES > 1
	:: IS_DUE(w, 1) -> m = 1
#endif
	:: else -> m = NONE
	fi;
	if
	:: m == NONE -> step[w] = IDLE
	:: else ->
#ifndef TAKEOVER_IS_NO_ATTEMPT
		is_hopeless[w] = state[m] == SENDING && HAS_ENDED_WORKERS(m);
		if
		:: state[m] == SENDING -> is_unanswered[m] = 1; COUNT_ATTEMPT(m)
		:: else
		fi;
#endif
#ifndef NO_MARK
		may_repeat[m] = may_repeat[m] || state[m] == SENDING || state[m] == AMBIGUOUS;
#endif
		is_uncertain[w] = may_repeat[m];
		message[w] = m;
#ifndef NO_CLAIM
		state[m] = SENDING;
		due[m] = LEASE;
		claim[m] = CLAIM_OF(w);
#endif
#ifdef RECORD_BEFORE_SEND
		state[m] = DELIVERED;
		due[m] = NEVER;
		note_outcome(m);
#endif
		lease[w] = LEASE;
		if
		:: is_hopeless[w] -> verdict[w] = SILENT; step[w] = SETTLES
		:: !is_hopeless[w] -> step[w] = (is_uncertain[w] && provider == FINDS -> ASKS : SENDS)
		fi;
		is_hopeless[w] = 0
	fi
}

/* What may have arrived is looked for. A provider knows what has arrived, unless it cannot be asked.
   Stands for rollback_drills/delivery/attempt.py::Sender.find_async
   Stands for rollback_drills/delivery/attempt.py::_unsettled */
inline ask(w) {
	if
	:: has_arrived[message[w]] -> verdict[w] = TAKEN; is_uncertain[w] = 0; step[w] = SETTLES
	:: !has_arrived[message[w]] -> is_uncertain[w] = 0; step[w] = SENDS
	:: verdict[w] = SILENT; step[w] = SETTLES
	fi
}

#ifdef NO_LEASE_CHECK
#define IS_HELD(w) true
#else
#define IS_HELD(w) (lease[w] >= TIMEOUT)
#endif

/* What may have arrived is marked, unless it was looked for, or the provider drops repeats.
   Stands for rollback_drills/delivery/attempt.py::attempt
   Stands for rollback_drills/delivery/attempt.py::Sender.send_async
   Stands for rollback_drills/delivery/attempt.py::Sender.deduplicates */
inline send(w) {
	if
	:: IS_HELD(w) ->
		is_uncertain[w] = is_uncertain[w] && provider == PLAIN;
		flight[SLOT(w, message[w])] = TIMEOUT;
		is_marked[SLOT(w, message[w])] = is_uncertain[w];
		lease[w] = 0;
		step[w] = WAITS
	:: else -> is_uncertain[w] = may_repeat[message[w]]; verdict[w] = BUSY; step[w] = SETTLES /* it was not sent */
	fi
}

/* The answer is lost, or does not come before the deadline. */
inline give_up_waiting(w) {
	flight[SLOT(w, message[w])] = 0;
	is_marked[SLOT(w, message[w])] = 0;
	verdict[w] = SILENT;
	step[w] = SETTLES
}

/* A provider takes a message, or refuses it, for now or for good. */
inline arrive(w, m) {
	flight[SLOT(w, m)] > 0 ->
	if
	:: true ->
		/* What arrives again says that it may repeat, unless the provider drops it. */
		assert(!has_arrived[m] || is_marked[SLOT(w, m)] || provider == DROPS);
		has_arrived[m] = 1;
		said = TAKEN
	:: said = BUSY
	:: said = REFUSED
	fi;
	flight[SLOT(w, m)] = 0;
	is_marked[SLOT(w, m)] = 0;
	if
	:: step[w] == WAITS && message[w] == m -> verdict[w] = said; step[w] = SETTLES
	:: step[w] == WAITS && message[w] == m -> verdict[w] = SILENT; step[w] = SETTLES /* the answer was lost */
	:: else /* the worker was killed */
	fi
}

inline append(m) {
	assert(is_owed[m]); /* else the evidence has the same outcome twice */
	is_owed[m] = 0
}

#define IS_NEWS(m) (!is_indexed[m] && state[m] != SENDING)
#ifdef NEVER_MARK
#define MARK(m) skip
#else
#define MARK(m) is_indexed[m] = 1
#endif

/* One transaction takes what became of messages, and marks it as taken.
   Stands for rollback_drills/evidence/outbox_transfer.py::index_run
   Stands for rollback_drills/evidence/outbox_transfer.py::_take */
inline index_run(w) {
#if defined(MARK_BEFORE_APPEND) || defined(APPEND_BEFORE_MARK)
	if /* two transactions, for one message */
	:: IS_NEWS(0) -> message[w] = 0; step[w] = APPENDS
	:: !IS_NEWS(0) && IS_NEWS(MESSAGES - 1) -> message[w] = MESSAGES - 1; step[w] = APPENDS
	:: else -> step[w] = IDLE
	fi;
	if
	:: step[w] == IDLE
	:: else ->
#ifdef MARK_BEFORE_APPEND
		MARK(message[w])
#else
		append(message[w])
#endif
	fi
#else
	for (m : 0 .. MESSAGES - 1) {
		if
		:: IS_NEWS(m) -> append(m); MARK(m); check(m)
		:: else
		fi
	}
	step[w] = IDLE
#endif
}

inline end_second_transaction(w) {
#ifdef MARK_BEFORE_APPEND
	append(message[w]);
#else
	MARK(message[w]);
#endif
	forget(w); step[w] = IDLE
}

/* A run commits, delivers and writes its evidence. Some runs do only a part of it, so here any order is possible.
   Stands for flows/check/process.py::run_process */
proctype Worker(byte id) {
end:	do
	:: atomic { step[id] == IDLE && ANY(IS_ABSENT) -> commit(); END_STEP }
	:: atomic { step[id] == IDLE && (IS_DUE(id, 0) || IS_DUE(id, MESSAGES - 1)) -> settle_and_claim(id); END_STEP }
	:: atomic { step[id] == IDLE && ANY(IS_NEWS) -> index_run(id); END_STEP }
	:: atomic { step[id] == ASKS -> ask(id); END_STEP }
	:: atomic { step[id] == SENDS -> send(id); END_STEP }
	:: atomic { step[id] == WAITS -> give_up_waiting(id); END_STEP }
	:: atomic { step[id] == SETTLES -> settle_and_claim(id); END_STEP }
	:: atomic { step[id] == APPENDS -> end_second_transaction(id); END_STEP }
	:: atomic { IS_KILLED_BY_SENDING(id) && step[id] != IDLE -> forget(id); step[id] = IDLE; check(0); check(MESSAGES - 1); END_STEP }
	:: atomic { !IS_KILLED_BY_SENDING(id) && step[id] != IDLE && MAY(kills) -> SPEND(kills); forget(id); step[id] = IDLE; check(0); check(MESSAGES - 1); END_STEP }
	od
}

active proctype Provider() {
	atomic {
		if
		:: provider = PLAIN
		:: provider = FINDS
		:: provider = DROPS
		fi;
		run Worker(0); run Worker(1)
	}
end:	do
	:: atomic { arrive(0, 0); END_STEP }
	:: atomic { arrive(1, 0); END_STEP }
#if MESSAGES > 1
	:: atomic { arrive(0, 1); END_STEP }
	:: atomic { arrive(1, 1); END_STEP }
#endif
	od
}

#define RUNS(m) (due[m] > 0 && due[m] != NEVER)
#ifdef LIVE /* a worker may let its lease end only so often */
#define HOLDS(w, m) (message[w] == m && state[m] == SENDING && claim[m] == w && due[m] == 1)
#define PAUSES(w) ((step[w] == ASKS || step[w] == SENDS) && lease[w] == TIMEOUT \
	|| (step[w] == WAITS || step[w] == SETTLES) && (HOLDS(w, 0) || HOLDS(w, MESSAGES - 1)))
#define MAY_TICK (pauses > 0 || !PAUSES(0) && !PAUSES(1))
#define SPEND_PAUSE pauses = pauses - (PAUSES(0) || PAUSES(1))
#else
#define MAY_TICK true
#define SPEND_PAUSE skip
#endif

/* Stands for rollback_drills/database/connections.py::Database.clock */
active proctype Clock() {
end:	do
	:: atomic { MAY_TICK && (ANY(RUNS) || lease[0] > 0 || lease[1] > 0) ->
		SPEND_PAUSE;
		for (m : 0 .. MESSAGES - 1) { due[m] = due[m] - RUNS(m) }
		for (w : 0 .. WORKERS - 1) { lease[w] = lease[w] - (lease[w] > 0) }
		for (w : 0 .. WORKERS * MESSAGES - 1) {
			flight[w] = flight[w] - (flight[w] > 0);
			is_marked[w] = is_marked[w] && flight[w] > 0
		}
		END_STEP }
	od
}

#ifdef REPLAY_UNMARKED
#define MARK_WHAT_MAY_HAVE_ARRIVED(m) skip
#else
#define MARK_WHAT_MAY_HAVE_ARRIVED(m) may_repeat[m] = may_repeat[m] || state[m] == AMBIGUOUS || is_unanswered[m]
#endif
#define IS_OPEN(m) (state[m] == RETRY || state[m] == AMBIGUOUS || state[m] == PERMANENT)

/* Stands for rollback_drills/recovery/replays.py::replay
   Stands for rollback_drills/recovery/replays.py::discard */
active proctype Person() {
end:	do
	:: atomic { (IS_OPEN(0) || state[0] == DISCARDED) && MAY(people) ->
		SPEND(people); MARK_WHAT_MAY_HAVE_ARRIVED(0); state[0] = RETRY; due[0] = 0; is_unanswered[0] = 0; check(0) }
	:: atomic { (IS_OPEN(0) || state[0] == PENDING) && MAY(people) ->
		SPEND(people); MARK_WHAT_MAY_HAVE_ARRIVED(0); state[0] = DISCARDED; due[0] = NEVER; note_outcome(0); check(0) }
	od
}

#ifdef LIVE
#define IS_SETTLED(m) (IS_FINAL(m) && is_indexed[m] && !is_owed[m])
/* With bounds for all that can happen again, no step can; and when nothing can happen any more, all is over. */
active proctype End() {
	timeout -> assert(IS_SETTLED(0) && IS_SETTLED(MESSAGES - 1))
}
#endif
