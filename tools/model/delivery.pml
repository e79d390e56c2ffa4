/*
 * Rules 10 and 13 of the safety protocol: wake marks and fan-out, for one group with two members on one destination node.
 *
 * What ownership.pml shows is taken for granted here: owners follow one another, an output leaves only while its owner is live
 * and after its writes are durable, and what a former owner has in flight never counts. So a takeover is one step that forgets
 * the memory of the former activation; its envelopes travel on.
 *
 * The log of the group holds plain entries and changes of membership: member 0 leaves and comes back, member 1 stays. The
 * network loses, repeats, delays and reorders envelopes and acknowledgements. Faults are finite, each with a bound; without
 * them every step moves the protocol on, so the state graph of the correct protocol has no cycle (searched for separately),
 * and the states in which nothing can happen any more are those in which all faults are spent: there everything acknowledged
 * has to be delivered. That is progress without any assumption of fairness.
 *
 * Compile-time bounds: ENTRIES, GROUP_OWNERS, USER_OWNERS, LOSSES, REPEATS. Each M_ switch is one mutant.
 */
#ifndef ENTRIES
#define ENTRIES 3
#endif
#ifndef GROUP_OWNERS
#define GROUP_OWNERS 3
#endif
#ifndef USER_OWNERS
#define USER_OWNERS 2
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef REPEATS
#define REPEATS 1
#endif

#define BIT(n) (1 << (n))
#define HAS(mask, n) (((mask) >> (n)) & 1)
/* All entries below s, as a set. */
#define BELOW(s) (BIT(s) - 1)

/* The group's log: how many entries, how many of them are acknowledged to their senders, who is a member since when. */
byte length = 0;
byte acked = 0;
byte member_since = 1;
/* The membership of member 0 that each entry belongs to, 0 for none; entries of member 1, and of member 0, as sets. */
byte membership[ENTRIES + 1];
byte owed[2];
#define JOIN_SEQ(u, s) ((u) == 1 -> 1 : membership[s])

/* The group's durable frontier, and its marks: a bit for each epoch of the shard. */
byte frontier = 0;
byte marks = 0;
byte mark_in_flight = 0;

/* The group's owner: epoch, activation, what it has to take over, and what it knows to be taken by each member. */
byte epoch = 1;
bit active_here = 0;
byte takeover = 0;
byte taken[2];
bit lagging[2];

/* Envelopes: for each entry the users it is for, on its way, at the node, and on its way back. Old copies get no answer. */
byte sent[ENTRIES + 1];
byte copies[ENTRIES + 1];
byte at_node[ENTRIES + 1];
byte refused[ENTRIES + 1];
byte answered[ENTRIES + 1];
byte answer_refused[ENTRIES + 1];
byte answer_cursor[2 * (ENTRIES + 1)];
#define CURSOR_OF(s, u) answer_cursor[2 * (s) + (u)]

/* Each user: membership and cursor in memory and in the store, rows in flight, and the last row of its timeline. */
byte join[2];
byte cursor[2];
byte kept_join[2];
byte kept_cursor[2];
byte rows_in_flight[2];
byte last_row[2];

byte user_owners = 1;
byte losses = 0;
byte repeats = 0;

/* No entry owed to u lies between a and b. */
#define NOTHING_BETWEEN(u, a, b) ((owed[u] & BELOW(b) & ~(BELOW((a) + 1))) == 0)
#define UNTAKEN_BELOW(u, s) (owed[u] & BELOW(s) & ~taken[u])

/* The group may send entry s to u: all before it is taken, or on its way to a member that keeps up. */
#define ON_ITS_WAY(u, s) (HAS(sent[s], u) || HAS(at_node[s], u) || HAS(answered[s], u))
#if ENTRIES == 2
#define WAY(u) (BIT(1) * ON_ITS_WAY(u, 1) | BIT(2) * ON_ITS_WAY(u, 2))
#elif ENTRIES == 3
#define WAY(u) (BIT(1) * ON_ITS_WAY(u, 1) | BIT(2) * ON_ITS_WAY(u, 2) | BIT(3) * ON_ITS_WAY(u, 3))
#else
#define WAY(u) (BIT(1) * ON_ITS_WAY(u, 1) | BIT(2) * ON_ITS_WAY(u, 2) | BIT(3) * ON_ITS_WAY(u, 3) | BIT(4) * ON_ITS_WAY(u, 4))
#endif
#define IN_TURN(u, s) (UNTAKEN_BELOW(u, s) == 0 || (!lagging[u] && (UNTAKEN_BELOW(u, s) & ~WAY(u)) == 0))
#ifdef M_LATER_MEMBERSHIP_OVERTAKES
#define EARLIER_COMPLETE(u, s) true
#else
#define EARLIER_COMPLETE(u, s) (UNTAKEN_BELOW(u, JOIN_SEQ(u, s)) == 0)
#endif
#define DUE(u, s) (HAS(owed[u], s) && !HAS(taken[u], s) && IN_TURN(u, s) && EARLIER_COMPLETE(u, s))
#define FREE(s) (sent[s] == 0 && at_node[s] == 0 && answered[s] == 0)

/* A new activation of the group knows no more than the durable frontier. */
inline activate() {
  active_here = 1;
  taken[0] = owed[0] & BELOW(frontier + 1);
  taken[1] = owed[1] & BELOW(frontier + 1);
  lagging[0] = 0;
  lagging[1] = 0
}

inline log_entry(since) {
  length++;
  membership[length] = since;
  owed[1] = owed[1] | BIT(length);
  if
  :: since > 0 -> owed[0] = owed[0] | BIT(length)
  :: else
  fi
}

#ifdef M_NO_WAKE_MARK
#define MARKED true
#else
#ifdef M_MARK_ACKED_BEFORE_DURABLE
#define MARKED (HAS(marks, epoch) || mark_in_flight)
#else
#define MARKED HAS(marks, epoch)
#endif
#endif

#ifdef M_FRONTIER_BEFORE_ACKS
#define MOVE_FRONTIER(s) if :: frontier < (s) -> frontier = s :: else fi
#else
#define MOVE_FRONTIER(s) skip
#endif

#define SEND(s) \
  :: d_step { active_here && s <= length && FREE(s) && (DUE(0, s) || DUE(1, s)) -> \
    sent[s] = DUE(0, s) + 2 * DUE(1, s); \
    MOVE_FRONTIER(s); \
    printf("group: sends entry %d to members %d\n", s, sent[s]) }

#define RECEIVE_ANSWER(s) \
  :: d_step { active_here && answered[s] > 0 -> \
    take_answer(0, s); \
    take_answer(1, s); \
    printf("group: gets the answer for entry %d, refused by %d\n", s, answer_refused[s]); \
    answered[s] = 0; answer_refused[s] = 0 }
inline take_answer(u, s) {
  if
  :: HAS(answered[s], u) && !HAS(answer_refused[s], u) ->
    taken[u] = taken[u] | BIT(s);
    lagging[u] = 0
  :: HAS(answered[s], u) && HAS(answer_refused[s], u) ->
#ifdef M_REFUSED_IGNORED
    taken[u] = taken[u] | BIT(s)
#else
    taken[u] = taken[u] | (owed[u] & BELOW(CURSOR_OF(s, u) + 1) & ~(BELOW(JOIN_SEQ(u, s))));
    lagging[u] = 1
#endif
  :: else
  fi;
  CURSOR_OF(s, u) = 0
}

/* Entries that all their members have taken, from the first on. */
#define DONE_UPTO(s) (UNTAKEN_BELOW(0, (s) + 1) == 0 && UNTAKEN_BELOW(1, (s) + 1) == 0)

active proctype Group() {
end:
  do
  /* A client's send is a call: it activates the group. */
  :: d_step { !active_here && length < ENTRIES -> activate(); printf("group: a call activates it at epoch %d\n", epoch) }
  :: d_step { active_here && length < ENTRIES ->
    log_entry(member_since);
    printf("group: logs entry %d\n", length) }
  :: d_step { active_here && length < ENTRIES && member_since > 0 ->
    log_entry(member_since);
    member_since = 0;
    printf("group: logs entry %d: member 0 leaves\n", length) }
  :: d_step { active_here && length < ENTRIES && member_since == 0 ->
    member_since = length + 1;
    log_entry(member_since);
    printf("group: logs entry %d: member 0 joins\n", length) }
  /* Rule 10: a mark in the owner's epoch before the acknowledgement. */
  :: d_step { active_here && acked < length && !HAS(marks, epoch) && !mark_in_flight ->
    mark_in_flight = 1;
    printf("group: sends its wake mark at epoch %d\n", epoch) }
  :: d_step { active_here && acked < length && MARKED ->
    acked++;
    printf("group: acknowledges entry %d to its sender\n", acked) }

  SEND(1)
  RECEIVE_ANSWER(1)
  SEND(2)
  RECEIVE_ANSWER(2)
#if ENTRIES > 2
  SEND(3)
  RECEIVE_ANSWER(3)
#endif
#if ENTRIES > 3
  SEND(4)
  RECEIVE_ANSWER(4)
#endif

  /* The frontier is checkpointed behind, when it likes. */
  :: d_step { active_here && frontier < length && DONE_UPTO(frontier + 1) ->
    frontier++;
    printf("group: checkpoints its frontier %d\n", frontier) }

  /* Rule 10: a new owner marks what it finds into its own epoch, then moves on, and activates what it found. */
  :: d_step { takeover == 1 ->
    if
    :: (marks & BELOW(epoch)) == 0 -> takeover = 0; printf("owner %d: finds no wake mark\n", epoch)
    :: else ->
#ifdef M_NO_REMARK
      takeover = 3; printf("owner %d: finds a wake mark\n", epoch)
#else
      takeover = 2;
      if
      :: !HAS(marks, epoch) -> mark_in_flight = 1
      :: else
      fi;
      printf("owner %d: finds a wake mark and marks it into its own epoch\n", epoch)
#endif
    fi }
  :: d_step { takeover == 2 && HAS(marks, epoch) -> takeover = 3; printf("owner %d: its own mark is durable\n", epoch) }
  :: d_step { takeover == 3 ->
    marks = marks & ~(BELOW(epoch));
    takeover = 4;
    printf("owner %d: moves on and deletes the marks of former epochs\n", epoch) }
  :: d_step { takeover == 4 ->
    takeover = 0;
    if
    :: !active_here -> activate(); printf("owner %d: activates the group\n", epoch)
    :: else
    fi }
  od
}

/* One user takes an entry, drops it as a repeat, or refuses it. */
#ifdef M_NO_REPEAT_DROPPED
#define REPEAT(u, s) false
#define FOLLOWS(u, s) ((join[u] == JOIN_SEQ(u, s) && (cursor[u] >= (s) || cursor[u] + 1 == (s))) || join[u] > JOIN_SEQ(u, s))
#else
#define REPEAT(u, s) (join[u] > JOIN_SEQ(u, s) || (join[u] == JOIN_SEQ(u, s) && (s) <= cursor[u]))
#ifdef M_ANY_HIGHER_TAKEN
#define FOLLOWS(u, s) (join[u] == JOIN_SEQ(u, s))
#else
#define FOLLOWS(u, s) (join[u] == JOIN_SEQ(u, s) && cursor[u] + 1 == (s))
#endif
#endif
#ifdef M_ANY_HIGHER_TAKEN
#define BEGINS(u, s) (join[u] < JOIN_SEQ(u, s))
#else
#define BEGINS(u, s) (join[u] < JOIN_SEQ(u, s) && (s) == JOIN_SEQ(u, s))
#endif
#ifdef M_CURSOR_DROPPED_ON_LEAVE
#define LEAVES(u, s) ((u) == 0 && (s) < length && membership[s] > 0 && membership[(s) + 1] != membership[s])
#else
#define LEAVES(u, s) false
#endif

inline deliver(u, s, mask, answer) {
  if
  :: HAS(mask, u) && REPEAT(u, s) -> printf("user %d: drops entry %d as a repeat\n", u, s)
  :: HAS(mask, u) && !REPEAT(u, s) && (FOLLOWS(u, s) || BEGINS(u, s)) ->
    rows_in_flight[u] = rows_in_flight[u] | BIT(s);
    join[u] = JOIN_SEQ(u, s);
    cursor[u] = s;
    printf("user %d: takes entry %d of membership %d\n", u, s, join[u]);
    if
    :: LEAVES(u, s) -> join[u] = 0; cursor[u] = 0; printf("user %d: has left and forgets its cursor\n", u)
    :: else
    fi
  :: HAS(mask, u) && !REPEAT(u, s) && !(FOLLOWS(u, s) || BEGINS(u, s)) ->
    if
    :: answer -> refused[s] = refused[s] | BIT(u)
    :: else
    fi;
    printf("user %d: refuses entry %d with cursor %d\n", u, s, cursor[u])
  :: else
  fi
}

inline answer(s) {
  answered[s] = at_node[s];
  answer_refused[s] = refused[s];
  CURSOR_OF(s, 0) = (HAS(refused[s], 0) && join[0] == JOIN_SEQ(0, s) -> cursor[0] : 0);
  CURSOR_OF(s, 1) = (HAS(refused[s], 1) -> cursor[1] : 0);
  at_node[s] = 0;
  refused[s] = 0;
  printf("node: answers for entry %d, refused by %d\n", s, answer_refused[s])
}

/* Rule 13: the rows of all listed users are durable first. */
#ifdef M_NODE_ACKS_ON_RECEIPT
#define ROWS_KNOWN(s) true
#else
#define ROWS_KNOWN(s) ((!HAS(at_node[s], 0) || rows_in_flight[0] == 0) && (!HAS(at_node[s], 1) || rows_in_flight[1] == 0))
#endif

#define ENVELOPE(s) \
  :: d_step { sent[s] > 0 -> \
    printf("node: gets entry %d for members %d\n", s, sent[s]); \
    deliver(0, s, sent[s], 1); \
    deliver(1, s, sent[s], 1); \
    at_node[s] = sent[s]; \
    sent[s] = 0 } \
  :: d_step { copies[s] > 0 -> \
    printf("node: gets an old copy of entry %d for members %d\n", s, copies[s]); \
    deliver(0, s, copies[s], 0); \
    deliver(1, s, copies[s], 0); \
    copies[s] = 0 } \
  :: d_step { at_node[s] > 0 && ROWS_KNOWN(s) -> answer(s) }

/* A copy of an entry that is a durable row already can only be dropped. Mutants that would take it have to meet it. */
#ifdef MUTANT
#define FORGET_COPIES(u, s) skip
#else
#define FORGET_COPY(u, s, n) if :: (n) <= (s) -> copies[n] = copies[n] & ~BIT(u) :: else fi
#if ENTRIES == 2
#define FORGET_COPIES(u, s) FORGET_COPY(u, s, 1); FORGET_COPY(u, s, 2)
#elif ENTRIES == 3
#define FORGET_COPIES(u, s) FORGET_COPY(u, s, 1); FORGET_COPY(u, s, 2); FORGET_COPY(u, s, 3)
#else
#define FORGET_COPIES(u, s) FORGET_COPY(u, s, 1); FORGET_COPY(u, s, 2); FORGET_COPY(u, s, 3); FORGET_COPY(u, s, 4)
#endif
#endif

/* The lowest row in flight of a user becomes durable; a timeline holds each entry once, in order, and none is left out. */
#define ROW_LANDS(u, s) \
  :: d_step { HAS(rows_in_flight[u], s) && (rows_in_flight[u] & BELOW(s)) == 0 -> \
    rows_in_flight[u] = rows_in_flight[u] & ~BIT(s); \
    printf("user %d: the row of entry %d is durable\n", u, s); \
    if \
    :: s <= last_row[u] || !NOTHING_BETWEEN(u, last_row[u], s) -> \
      printf("!: user %d has entry %d after entry %d\n", u, s, last_row[u]); \
      assert(false) \
    :: else \
    fi; \
    last_row[u] = s; \
    if \
    :: LEAVES(u, s) -> kept_join[u] = 0; kept_cursor[u] = 0 \
    :: else -> kept_join[u] = JOIN_SEQ(u, s); kept_cursor[u] = s \
    fi; \
    FORGET_COPIES(u, s) }

active proctype Users() {
end:
  do
  ENVELOPE(1)
  ROW_LANDS(0, 1)
  ROW_LANDS(1, 1)
  ENVELOPE(2)
  ROW_LANDS(0, 2)
  ROW_LANDS(1, 2)
#if ENTRIES > 2
  ENVELOPE(3)
  ROW_LANDS(0, 3)
  ROW_LANDS(1, 3)
#endif
#if ENTRIES > 3
  ENVELOPE(4)
  ROW_LANDS(0, 4)
  ROW_LANDS(1, 4)
#endif
  od
}

#define NETWORK_FAULTS(s) \
  :: d_step { sent[s] > 0 && losses < LOSSES -> \
    losses++; sent[s] = 0; \
    printf("network: loses the envelope of entry %d\n", s) } \
  :: d_step { answered[s] > 0 && losses < LOSSES -> \
    losses++; answered[s] = 0; answer_refused[s] = 0; CURSOR_OF(s, 0) = 0; CURSOR_OF(s, 1) = 0; \
    printf("network: loses the answer for entry %d\n", s) } \
  :: d_step { sent[s] > 0 && repeats < REPEATS -> \
    repeats++; copies[s] = copies[s] | sent[s]; \
    printf("network: repeats the envelope of entry %d\n", s) }

/* Answers go to the activation that asked; a new one gets none for what its predecessor sent. */
#define FORGET_ANSWERS(s) \
    copies[s] = copies[s] | sent[s]; sent[s] = 0; at_node[s] = 0; refused[s] = 0; answered[s] = 0; answer_refused[s] = 0; \
    CURSOR_OF(s, 0) = 0; CURSOR_OF(s, 1) = 0

#ifdef M_ACK_WITHOUT_FENCE_READ
/* The node that was replaced answers for rows that its successor's seal has made invalid. */
#define NODE_LOSES(s) if :: at_node[s] > 0 -> answer(s) :: else fi
#else
#define NODE_LOSES(s) at_node[s] = 0; refused[s] = 0
#endif

active proctype Store() {
end:
  do
  :: d_step { mark_in_flight ->
    mark_in_flight = 0; marks = marks | BIT(epoch);
    printf("store: the wake mark of epoch %d is durable\n", epoch) }
  od
}

active proctype Faults() {
end:
  do
  :: printf("faults: are over\n") -> break
  :: d_step { epoch < GROUP_OWNERS ->
    epoch++; active_here = 0; takeover = 1; mark_in_flight = 0;
    taken[0] = 0; taken[1] = 0; lagging[0] = 0; lagging[1] = 0;
    FORGET_ANSWERS(1);
    FORGET_ANSWERS(2);
#if ENTRIES > 2
    FORGET_ANSWERS(3);
#endif
#if ENTRIES > 3
    FORGET_ANSWERS(4);
#endif
    printf("group: its node stops; another one owns the shard at epoch %d\n", epoch) }
  :: d_step { user_owners < USER_OWNERS ->
    user_owners++;
    NODE_LOSES(1);
    NODE_LOSES(2);
#if ENTRIES > 2
    NODE_LOSES(3);
#endif
#if ENTRIES > 3
    NODE_LOSES(4);
#endif
    rows_in_flight[0] = 0; rows_in_flight[1] = 0;
    join[0] = kept_join[0]; cursor[0] = kept_cursor[0]; join[1] = kept_join[1]; cursor[1] = kept_cursor[1];
    printf("node: stops; another one owns the users\n") }
  NETWORK_FAULTS(1)
  NETWORK_FAULTS(2)
#if ENTRIES > 2
  NETWORK_FAULTS(3)
#endif
#if ENTRIES > 3
  NETWORK_FAULTS(4)
#endif
  od;
end_of_faults:
  false
}

#define DELIVERED(u) NOTHING_BETWEEN(u, last_row[u], acked + 1)

/* Nothing can happen any more: every acknowledged entry is a row of every member it belongs to. */
active proctype Quiet() {
  timeout ->
    if
    :: DELIVERED(0) && DELIVERED(1)
    :: else ->
      printf("!: nothing moves any more, and entry %d is acknowledged; last rows: %d and %d\n", acked, last_row[0], last_row[1]);
      assert(false)
    fi
}
