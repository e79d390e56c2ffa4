/*
 * Rules 1 to 8 of the safety protocol: owners, epochs, fences, seals, rows and the gate, for one shard and one actor.
 *
 * Storage. One replica (REPLICAS=1) stands for the whole quorum as a register in which the highest write timestamp wins; with
 * REPLICAS=3 each write reaches each replica on its own, a write is known when two have it, and a read asks any two, takes the
 * newest of each cell and repairs both before it answers. A write in flight lands at any time or never, also long after the
 * activation that sent it has ended. A process may stop for ever between any two steps: pauses and crashes are interleavings.
 *
 * What a step is. Each option of a `do` is one indivisible step. Sending is a step of the sender; landing is a step of `Network`.
 *
 * Compile-time bounds: NODES, EPOCHS, ACTS (activations of the actor over all nodes), ROWS, BATCH, MOVES, CHECKPOINTS, REPLICAS.
 * Each M_ switch is one mutant: the protocol with one rule broken.
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef ACTS
#define ACTS 3
#endif
#ifndef ROWS
#define ROWS 2
#endif
#ifndef BATCH
#define BATCH 2
#endif
#ifndef MOVES
#define MOVES 1
#endif
#ifndef CHECKPOINTS
#define CHECKPOINTS 0
#endif
#ifndef REPLICAS
#define REPLICAS 1
#endif

/* A write timestamp: the epoch above, the counter of the process below. */
#define TS(e, c) ((e) * 32 + (c))
#define EPOCH_OF(ts) ((ts) / 32)
/* A view packs the writer of each row of a prefix into three bits. */
#define AT(v, s) (((v) >> (3 * ((s) - 1))) & 7)
#define PUT(s, a) ((a) << (3 * ((s) - 1)))
#define CELL(k, s) ((k) * ROWS + (s) - 1)
#define PEND(a, s) (((a) - 1) * ROWS + (s) - 1)

/* The shard row: touched by compare-and-set and SERIAL reads alone, so one register. */
byte row_epoch = 1;
byte row_owner = 0;
byte row_by_move = 0;
/* Compare-and-sets in flight against the present epoch, a bit for each new owner. Those against older epochs can only fail. */
byte cas_claims = 0;
byte cas_moves = 0;
byte owner_of[EPOCHS + 2];
byte server_of[EPOCHS + 2];
byte moves = 0;

/* node_life: the fence of each node at each replica, and the fences in flight. */
byte fenced[REPLICAS];
byte fencing = 0;

/* The head cell at each replica. */
byte h_ts[REPLICAS];
byte h_seal_seq[REPLICAS];
byte h_seal_ts[REPLICAS];
byte h_as_of[REPLICAS];
short h_view[REPLICAS];

/* The rows at each replica: their write timestamps and the activations that wrote them. */
byte r_ts[REPLICAS * ROWS];
byte r_by[REPLICAS * ROWS];

/* Writes in flight of each activation: one head write, one write for each row. */
byte ph_ts[ACTS + 1];
byte ph_seal_seq[ACTS + 1];
byte ph_seal_ts[ACTS + 1];
byte ph_as_of[ACTS + 1];
short ph_view[ACTS + 1];
byte pr_ts[ACTS * ROWS];
#ifdef M_TOMBSTONE
bit p_tombstone[ACTS + 1];
#endif

/* What outputs have shown of each row, 0 for nothing yet, and how many activations there were. */
byte shown[ROWS + 1];
byte acts = 0;
byte checkpoints = 0;

#if REPLICAS == 1
#define KNOWN_HEAD(t) (h_ts[0] >= (t))
#define KNOWN_ROW(s, t) (r_ts[(s) - 1] >= (t))
#define FENCED(n) (fenced[0] & (1 << (n)))
#define ALL_HEAD(t) KNOWN_HEAD(t)
#define ALL_ROW(s, t) KNOWN_ROW(s, t)
#define LIVE(n) (!FENCED(n))
#else
#define TWO(a, b, c) ((a) + (b) + (c) >= 2)
#define KNOWN_HEAD(t) TWO(h_ts[0] >= (t), h_ts[1] >= (t), h_ts[2] >= (t))
#define KNOWN_ROW(s, t) TWO(r_ts[CELL(0, s)] >= (t), r_ts[CELL(1, s)] >= (t), r_ts[CELL(2, s)] >= (t))
#define HAS_FENCE(k, n) ((fenced[k] >> (n)) & 1)
#define FENCED(n) TWO(HAS_FENCE(0, n), HAS_FENCE(1, n), HAS_FENCE(2, n))
#define ALL_HEAD(t) (h_ts[0] >= (t) && h_ts[1] >= (t) && h_ts[2] >= (t))
#define ALL_ROW(s, t) (r_ts[CELL(0, s)] >= (t) && r_ts[CELL(1, s)] >= (t) && r_ts[CELL(2, s)] >= (t))
/* A read of two replicas can say `live` while at most one replica has the fence. */
#ifdef M_FENCE_READ_AT_ONE
#define LIVE(n) (!(HAS_FENCE(0, n) && HAS_FENCE(1, n) && HAS_FENCE(2, n)))
#else
#define LIVE(n) (!FENCED(n))
#endif
#endif

#ifdef M_TOMBSTONE
#define VALID(ts, by, seal_seq, seal_ts, s) ((by) != 0)
#else
#define VALID(ts, by, seal_seq, seal_ts, s) ((ts) > 0 && ((s) <= (seal_seq) || (ts) > (seal_ts)))
#endif

/* The gate: what a fence read has to say before an output leaves. */
#ifdef M_NO_FENCE_READ
#define GATE_OPENS true
#else
#ifdef M_FENCE_READ_EARLY
#define GATE_OPENS (live_read)
#else
#define GATE_OPENS LIVE(me)
#endif
#endif

/* The life of an activation. */
#define GONE 0
#define READING 1
#define SEALING 2
#define OPEN 3
#define WRITING 4

#ifdef M_COUNTER_RESTARTS
#define SPENT(a, s) (r_ts[(s) - 1] > pr_ts[PEND(a, s)] || (r_ts[(s) - 1] == pr_ts[PEND(a, s)] && r_by[(s) - 1] >= (a)))
#define LANDS(k, a, s) (pr_ts[PEND(a, s)] > 0 && !SPENT(a, s))
#else
#define SPENT(a, s) ALL_ROW(s, pr_ts[PEND(a, s)])
#define LANDS(k, a, s) (pr_ts[PEND(a, s)] > r_ts[CELL(k, s)])
#endif

/* Forgets writes in flight that can change nothing any more. */
inline forget_spent() {
  i = 1;
  do
  :: i <= ACTS ->
    if
    :: ph_ts[i] > 0 && ALL_HEAD(ph_ts[i]) ->
      ph_ts[i] = 0; ph_seal_seq[i] = 0; ph_seal_ts[i] = 0; ph_as_of[i] = 0; ph_view[i] = 0
    :: else
    fi;
    j = 1;
    do
    :: j <= ROWS ->
      if
      :: pr_ts[PEND(i, j)] > 0 && SPENT(i, j) -> pr_ts[PEND(i, j)] = 0
      :: else
      fi;
      j++
    :: else -> break
    od;
    i++
  :: else -> break
  od;
  i = 0; j = 0
}

/*
 * I1, I2, I3, I14 on the store itself: whoever reads at QUORUM now finds all that was shown, valid and unchanged, in rising
 * order of write timestamps.
 */
#if REPLICAS == 1
#define READER_FINDS(s) (r_by[(s) - 1] == shown[s] && VALID(r_ts[(s) - 1], r_by[(s) - 1], h_seal_seq[0], h_seal_ts[0], s))
#define STATE_HOLDS(s) ((s) > h_as_of[0] || AT(h_view[0], s) == shown[s])
#define IN_ORDER(s) ((s) == 1 || shown[(s) - 1] == 0 || r_ts[(s) - 2] < r_ts[(s) - 1])
#else
/* Any two replicas may answer for the head and any two for the row. */
#define NEWER_ROW(k, l, s) (r_ts[CELL(k, s)] >= r_ts[CELL(l, s)] -> (k) : (l))
#define NEWER_HEAD(k, l) (h_ts[k] >= h_ts[l] -> (k) : (l))
#define FINDS(h, r, s) (r_by[CELL(r, s)] == shown[s] && VALID(r_ts[CELL(r, s)], r_by[CELL(r, s)], h_seal_seq[h], h_seal_ts[h], s))
#define ALL_FIND(h, s) (FINDS(h, NEWER_ROW(0, 1, s), s) && FINDS(h, NEWER_ROW(0, 2, s), s) && FINDS(h, NEWER_ROW(1, 2, s), s))
#define READER_FINDS(s) (ALL_FIND(NEWER_HEAD(0, 1), s) && ALL_FIND(NEWER_HEAD(0, 2), s) && ALL_FIND(NEWER_HEAD(1, 2), s))
#define HOLDS_AT(k, s) ((s) > h_as_of[k] || AT(h_view[k], s) == shown[s])
#define STATE_HOLDS(s) (HOLDS_AT(NEWER_HEAD(0, 1), s) && HOLDS_AT(NEWER_HEAD(0, 2), s) && HOLDS_AT(NEWER_HEAD(1, 2), s))
#define IN_ORDER(s) true
#endif
inline check_store() {
  i = 1;
  do
  :: i <= ROWS ->
    if
    :: shown[i] != 0 && !(READER_FINDS(i)) ->
      printf("!: row %d by activation %d was shown; a reader does not find it now\n", i, shown[i]);
      assert(false)
    :: shown[i] != 0 && READER_FINDS(i) ->
      assert(STATE_HOLDS(i));
      assert(IN_ORDER(i))
    :: else
    fi;
    i++
  :: else -> break
  od;
  i = 0
}

/* Shows rows from..upto of a view, after the check that this activation's prefix holds all that was shown before. */
inline expose(from, upto, prefix, length) {
  i = 1;
  do
  :: i <= ROWS ->
    if
    :: shown[i] != 0 && (i > (length) || AT(prefix, i) != shown[i]) ->
      printf("!: row %d by activation %d was shown; activation %d at %c has not got it\n", i, shown[i], a, 65 + me);
      assert(false)
    :: shown[i] == 0 && i >= (from) && i <= (upto) -> shown[i] = AT(prefix, i)
    :: else
    fi;
    i++
  :: else -> break
  od;
  check_store()
}

/* Ends the activation: what it has in flight stays in flight, and the epoch is unclean if there is any. */
inline end_activation() {
  if
  :: ph_ts[a] > 0 -> unclean = 1
  :: else
  fi;
  i = 1;
  do
  :: i <= ROWS ->
    if
    :: pr_ts[PEND(a, i)] > 0 -> unclean = 1
    :: else
    fi;
    i++
  :: else -> break
  od;
  i = 0;
  forget_activation()
}

inline forget_activation() {
  phase = GONE; a = 0; tail = 0; batch = 0; seal_seq = 0; seal_ts = 0; first_ts = 0; awaited = 0; view = 0; live_read = 0;
  read_only = 0
}

/* The head write of this activation: a seal or a checkpoint. */
inline send_head(ts, new_seal_seq, new_seal_ts, as_of, state) {
  ph_ts[a] = ts; ph_seal_seq[a] = new_seal_seq; ph_seal_ts[a] = new_seal_ts; ph_as_of[a] = as_of; ph_view[a] = state
}

inline draw(ts) {
  count++;
  assert(count < 31);
  ts = TS(epoch, count)
}

/* A seal carries the folded state, so that later activations read only what follows; with LAZY_STATE they read every row. */
#ifdef LAZY_STATE
#define SEAL_AS_OF 0
#define SEAL_STATE 0
#else
#define SEAL_AS_OF tail
#define SEAL_STATE view
#endif

/* The tail is known: seals the log, or keeps the seal that was read where rule 6 permits it. */
inline seal() {
#ifdef M_CALLS_UNGATED
  expose(1, tail, view, tail);
#endif
#ifdef M_TOMBSTONE
  draw(seal_ts);
  i = tail + 1;
  do
  :: i <= ROWS -> pr_ts[PEND(a, i)] = seal_ts; i++
  :: else -> break
  od;
  i = 0;
  p_tombstone[a] = 1;
  awaited = 0;
  printf("%c: activation %d found %d rows and sends tombstones for all above\n", 65 + me, a, tail);
#else
  draw(seal_ts);
  seal_seq = tail;
  awaited = seal_ts;
  send_head(seal_ts, tail, seal_ts, SEAL_AS_OF, SEAL_STATE);
  printf("%c: activation %d found %d rows and sends its seal (seal_seq %d, ts %d)\n", 65 + me, a, tail, tail, seal_ts);
#endif
  phase = SEALING
}

#ifdef M_TOMBSTONE
#define SEAL_KNOWN ((tail >= 1 || r_ts[0] >= seal_ts) && (tail >= ROWS || r_ts[ROWS - 1] >= seal_ts))
#else
#define SEAL_KNOWN KNOWN_HEAD(awaited)
#endif

/* Rule 6's permission to keep the seal that was read, and the mutants that take it too far. */
#define MAY_SEAL true
#define SEAL_IS_OURS (seal_ts > 0 && EPOCH_OF(seal_ts) == epoch && !unclean)
#ifdef M_NO_SEAL
#undef MAY_SEAL
#define MAY_SEAL false
#define MAY_KEEP true
#endif
#ifdef M_SEAL_SKIPPED_AFTER_MOVE
#define MAY_KEEP (SEAL_IS_OURS || (by_move && !unclean))
#endif
#ifdef M_SEAL_SKIPPED_COVERED
#define MAY_KEEP (SEAL_IS_OURS || (seal_ts > 0 && seal_seq >= tail))
#endif
#ifdef M_SEAL_SKIPPED_BY_READER
#define MAY_KEEP true
#endif
#ifdef M_TOMBSTONE
#define MAY_KEEP false
#endif
#ifndef MAY_KEEP
#define MAY_KEEP SEAL_IS_OURS
#endif

inline keep_seal() {
#ifdef M_SEAL_SKIPPED_BY_READER
  read_only = !SEAL_IS_OURS;
#endif
  awaited = 0;
  phase = SEALING;
  printf("%c: activation %d found %d rows and keeps the seal that it read\n", 65 + me, a, tail)
}

#define MAY_APPEND (batch == 0 && !read_only && tail < ROWS)
#ifdef M_ROWS_BEFORE_SEAL_KNOWN
#define MAY_WRITE (phase == OPEN || phase == SEALING)
#else
#ifdef M_ROWS_BEFORE_FENCE_READ
#define MAY_WRITE (phase == OPEN || (phase == SEALING && SEAL_KNOWN))
#else
#define MAY_WRITE (phase == OPEN)
#endif
#endif

inline append(n) {
  draw(first_ts);
  pr_ts[PEND(a, tail + 1)] = first_ts;
  view = view | PUT(tail + 1, a);
  if
  :: n == 2 -> count++; pr_ts[PEND(a, tail + 2)] = first_ts + 1; view = view | PUT(tail + 2, a)
  :: else
  fi;
  batch = n;
  phase = WRITING;
  live_read = 0;
  printf("%c: activation %d sends rows %d..%d (ts from %d)\n", 65 + me, a, tail + 1, tail + n, first_ts)
}

#define BATCH_KNOWN (SEAL_KNOWN_STILL && KNOWN_ROW(tail + 1, first_ts) && (batch < 2 || KNOWN_ROW(tail + batch, first_ts + 1)))
#ifdef M_TOMBSTONE
#define SEAL_KNOWN_STILL true
#else
#define SEAL_KNOWN_STILL KNOWN_HEAD(awaited)
#endif

#if REPLICAS == 1
#define NEWEST_HEAD(i1, i2) skip
#define NEWEST_ROW(i1, i2, s) skip
#else
#ifdef M_NO_READ_REPAIR
#define NEWEST_HEAD(i1, i2) skip
#define NEWEST_ROW(i1, i2, s) skip
#else
/* A read of two replicas repairs the older of both before it answers. */
inline NEWEST_HEAD(i1, i2) {
  if
  :: h_ts[i1] > h_ts[i2] -> copy_head(i1, i2)
  :: h_ts[i2] > h_ts[i1] -> copy_head(i2, i1)
  :: else
  fi;
  forget_spent()
}
inline copy_head(from, upto) {
  h_ts[upto] = h_ts[from]; h_seal_seq[upto] = h_seal_seq[from]; h_seal_ts[upto] = h_seal_ts[from];
  h_as_of[upto] = h_as_of[from]; h_view[upto] = h_view[from]
}
inline NEWEST_ROW(i1, i2, s) {
  if
  :: r_ts[CELL(i1, s)] > r_ts[CELL(i2, s)] -> r_ts[CELL(i2, s)] = r_ts[CELL(i1, s)]; r_by[CELL(i2, s)] = r_by[CELL(i1, s)]
  :: r_ts[CELL(i2, s)] > r_ts[CELL(i1, s)] -> r_ts[CELL(i1, s)] = r_ts[CELL(i2, s)]; r_by[CELL(i1, s)] = r_by[CELL(i2, s)]
  :: else
  fi;
  forget_spent()
}
#endif
#endif

#ifdef M_ROWS_READ_FIRST
/* The mutant remembers the rows as it found them and judges them by the head that it reads afterwards. */
#define START(i1, i2) \
  :: d_step { epoch > 0 && !moved && phase == GONE && acts < ACTS -> \
    acts++; a = acts; phase = READING; tail = 0; \
    printf("%c: activation %d starts at epoch %d and reads rows before the head\n", 65 + me, a, epoch) }
#define READ_ROW(i1, i2) \
  :: d_step { phase == READING && tail < ROWS && r_ts[tail] > 0 -> \
    old_ts[tail] = r_ts[tail]; view = view | PUT(tail + 1, r_by[tail]); tail++; \
    printf("%c: activation %d reads row %d, written by activation %d\n", 65 + me, a, tail, AT(view, tail)) } \
  :: d_step { phase == READING && (tail == ROWS || r_ts[tail] == 0) -> phase = HEAD_NEXT; found = tail } \
  :: d_step { phase == HEAD_NEXT -> \
    seal_seq = h_seal_seq[0]; seal_ts = h_seal_ts[0]; tail = h_as_of[0]; \
    do \
    :: tail < found && VALID(old_ts[tail], AT(view, tail + 1), seal_seq, seal_ts, tail + 1) -> tail++ \
    :: else -> break \
    od; \
    i = 1; old_view = 0; \
    do \
    :: i <= tail -> if :: i <= h_as_of[0] -> old_view = old_view | PUT(i, AT(h_view[0], i)) \
                      :: else -> old_view = old_view | PUT(i, AT(view, i)) fi; i++ \
    :: else -> break \
    od; \
    i = 0; view = old_view; old_view = 0; found = 0; old_ts[0] = 0; old_ts[ROWS - 1] = 0; \
    printf("%c: activation %d reads the head (seal_seq %d, seal_ts %d)\n", 65 + me, a, seal_seq, seal_ts); \
    seal() }
#define HEAD_NEXT 5
#else
#ifdef M_COUNTER_RESTARTS
#define RESTART_COUNTER count = 0
#else
#define RESTART_COUNTER skip
#endif
#define START(i1, i2) \
  :: d_step { epoch > 0 && !moved && phase == GONE && acts < ACTS -> \
    acts++; a = acts; phase = READING; \
    NEWEST_HEAD(i1, i2); \
    RESTART_COUNTER; \
    seal_seq = h_seal_seq[HEAD_OF(i1, i2)]; seal_ts = h_seal_ts[HEAD_OF(i1, i2)]; \
    tail = h_as_of[HEAD_OF(i1, i2)]; view = h_view[HEAD_OF(i1, i2)]; \
    printf("%c: activation %d starts at epoch %d and reads the head (seal_seq %d, seal_ts %d, as_of %d)\n", \
      65 + me, a, epoch, seal_seq, seal_ts, tail) }
#define FOUND(i1, s) (VALID(r_ts[CELL(i1, s)], r_by[CELL(i1, s)], seal_seq, seal_ts, s))
#define READ_ROW(i1, i2) \
  :: d_step { phase == READING && tail < ROWS && ROW_THERE(i1, i2) -> \
    NEWEST_ROW(i1, i2, tail + 1); \
    tail++; view = view | PUT(tail, r_by[CELL(ROW_OF(i1, i2, tail), tail)]); \
    printf("%c: activation %d reads row %d, written by activation %d\n", 65 + me, a, tail, AT(view, tail)) } \
  :: d_step { phase == READING && (tail == ROWS || !ROW_THERE(i1, i2)) && MAY_SEAL -> \
    HOLE_REPAIR(i1, i2); \
    seal() } \
  :: d_step { phase == READING && (tail == ROWS || !ROW_THERE(i1, i2)) && MAY_KEEP -> \
    HOLE_REPAIR(i1, i2); \
    keep_seal() }
#if REPLICAS == 1
#define HEAD_OF(i1, i2) 0
#define ROW_OF(i1, i2, s) 0
#define ROW_THERE(i1, i2) FOUND(i1, tail + 1)
#define HOLE_REPAIR(i1, i2) skip
#else
#define HEAD_OF(i1, i2) NEWER_HEAD(i1, i2)
#define ROW_OF(i1, i2, s) NEWER_ROW(i1, i2, s)
/* The newest of the two decides; a hole may be a row that the seal has made invalid, and it is repaired all the same. */
#define ROW_THERE(i1, i2) (r_ts[CELL(i1, tail + 1)] >= r_ts[CELL(i2, tail + 1)] -> FOUND(i1, tail + 1) : FOUND(i2, tail + 1))
#define HOLE_REPAIR(i1, i2) if :: tail < ROWS -> NEWEST_ROW(i1, i2, tail + 1) :: else fi
#endif
#endif

inline set_row(new_epoch, new_owner, move) {
  owner_of[new_epoch] = new_owner; row_owner = new_owner; row_by_move = move; row_epoch = new_epoch;
  cas_claims = 0; cas_moves = 0
}

/* What a claim waits for, and how it takes the row. */
#ifdef M_CLAIM_WITHOUT_FENCE
#define MAY_CLAIM true
#else
#ifdef M_FENCE_UNKNOWN_TAKEN_AS_DONE
#define MAY_CLAIM true
#else
#define MAY_CLAIM FENCED(owner_of[claiming])
#endif
#endif
#ifdef M_EPOCH_FROM_KV
#define SEND_CLAIM set_row(claiming + 1, me, 0)
#else
#define SEND_CLAIM \
    if \
    :: row_epoch == claiming -> cas_claims = cas_claims | (1 << me) \
    :: else \
    fi
#endif

#ifdef M_MOVE_BEFORE_FLUSH
#define FLUSHED (phase == GONE || phase == WRITING)
#else
#define FLUSHED (phase == GONE)
#endif
#define MOVE_TO(b) \
  :: d_step { epoch > 0 && epoch < EPOCHS && FLUSHED && moves < MOVES && (moved || b != me) -> \
    moved = 1; moves++; \
    printf("%c: sends a move of epoch %d to %c\n", 65 + me, epoch + 1, 65 + b); \
    if \
    :: row_epoch == epoch && row_owner == me -> cas_moves = cas_moves | (1 << b) \
    :: else \
    fi }

#ifdef M_CHECKPOINT_WITH_OWN_SEAL_TS
#define CHECKPOINT_SEAL_TS TS(epoch, count)
#else
#define CHECKPOINT_SEAL_TS seal_ts
#endif
inline checkpoint(as_of) {
  checkpoints++;
  count++;
  send_head(TS(epoch, count), seal_seq, CHECKPOINT_SEAL_TS, as_of, view);
  printf("%c: activation %d sends a checkpoint as of row %d (seal_seq %d, seal_ts %d)\n", \
    65 + me, a, as_of, seal_seq, ph_seal_ts[a])
}


/* What a node does as owner, or as one who believes to be it, and what it does to become one. */
active [NODES] proctype Node() {
  byte epoch, count, claiming, phase, a, tail, batch, seal_seq, seal_ts, first_ts, awaited;
  short view;
  bit moved, unclean, by_move, live_read, read_only;
  byte i, j, me;
#ifdef M_ROWS_READ_FIRST
  byte old_ts[ROWS];
  byte found;
  short old_view;
#endif
#ifdef M_ENDED_WRITES
  byte ended, ended_tail;
#endif
  d_step {
    me = _pid;
    if
    :: me == 0 -> owner_of[1] = 0
    :: else
    fi
  }
end:
  do
  /* Rule 2: a node adopts any row that names it. */
  :: d_step { row_owner == me && row_epoch > epoch ->
    if
    :: phase != GONE -> end_activation()
    :: else
    fi;
    epoch = row_epoch; count = 0; moved = 0; unclean = 0; by_move = row_by_move;
#ifdef M_ENDED_WRITES
    ended = 0; ended_tail = 0;
#endif
    printf("%c: reads the shard row and serves at epoch %d\n", 65 + me, epoch);
    assert(server_of[epoch] == 0 || server_of[epoch] == me + 1);
    server_of[epoch] = me + 1 }

  /* Rule 2, claim: read (e, o), fence o, wait until that is known, compare-and-set. */
  :: d_step { claiming == 0 && row_owner != me && row_epoch < EPOCHS ->
    claiming = row_epoch;
    printf("%c: reads the shard row (%d, %c) to claim it\n", 65 + me, row_epoch, 65 + row_owner);
#ifndef M_CLAIM_WITHOUT_FENCE
    fencing = fencing | (1 << row_owner);
#endif
    }
  :: d_step { claiming > 0 && MAY_CLAIM ->
    printf("%c: sends its claim of epoch %d\n", 65 + me, claiming + 1);
    SEND_CLAIM;
    claiming = 0 }
#ifdef M_CLAIM_ON_EPOCH_ALONE
  /* The mutant asks only that the epoch be lower than the one it wants, which after some tries is not the next one. */
  :: d_step { claiming > 0 && MAY_CLAIM && claiming + 2 <= EPOCHS ->
    printf("%c: sends its claim of epoch %d\n", 65 + me, claiming + 2);
    if
    :: row_epoch < claiming + 2 -> set_row(claiming + 2, me, 0)
    :: else
    fi;
    claiming = 0 }
#endif

  /* Rule 2, move: the owner's own compare-and-set, to another or to itself, after which it serves no more at this epoch. */
  MOVE_TO(0)
#if NODES > 1
  MOVE_TO(1)
#endif
#if NODES > 2
  MOVE_TO(2)
#endif
#ifdef M_RESUME_AFTER_MOVE
  :: d_step { moved && row_epoch == epoch && row_owner == me ->
    moved = 0;
    printf("%c: reads the shard row, finds itself at epoch %d, and resumes\n", 65 + me, epoch) }
#endif
#ifdef M_TIME_OUT_NOT_APPLIED
  :: d_step { moved ->
    moved = 0;
    printf("%c: its move timed out, so it goes on at epoch %d\n", 65 + me, epoch) }
#endif

#if REPLICAS == 1
  START(0, 0)
  READ_ROW(0, 0)
#else
  START(0, 1)
  START(0, 2)
  START(1, 2)
  READ_ROW(0, 1)
  READ_ROW(0, 2)
  READ_ROW(1, 2)
#endif

#ifdef M_FENCE_READ_EARLY
  :: d_step { (phase == SEALING || phase == WRITING) && !live_read && LIVE(me) ->
    live_read = 1;
    printf("%c: reads its fence, begun with the write of activation %d: live\n", 65 + me, a) }
#endif

  /* Rule 6: the seal is known, and a fence read begun after that says `live`. What the activation holds may be shown. */
  :: d_step { phase == SEALING && SEAL_KNOWN && GATE_OPENS ->
    phase = OPEN; live_read = 0;
#ifdef M_TOMBSTONE
    p_tombstone[a] = 0;
#endif
    printf("%c: activation %d is open and shows its %d rows\n", 65 + me, a, tail);
    expose(1, tail, view, tail) }

  /* Rule 7: one batch in flight. */
  :: d_step { MAY_WRITE && MAY_APPEND -> append(1) }
#if BATCH > 1
  :: d_step { MAY_WRITE && MAY_APPEND && tail + 2 <= ROWS -> append(2) }
#endif

  /* Rule 8: the rows are known, and a fence read begun after that says `live`. */
  :: d_step { phase == WRITING && BATCH_KNOWN && GATE_OPENS ->
    tail = tail + batch; batch = 0; first_ts = 0; phase = OPEN; live_read = 0;
    printf("%c: activation %d acknowledges its rows up to %d\n", 65 + me, a, tail);
    expose(1, tail, view, tail) }
#ifdef M_READ_UNDURABLE
  :: d_step { phase == WRITING && SEAL_KNOWN_STILL && GATE_OPENS ->
    printf("%c: activation %d answers a read with rows up to %d that are still in flight\n", 65 + me, a, tail + batch);
    expose(1, tail + batch, view, tail + batch) }
#endif
#ifdef M_ACK_OUT_OF_ORDER
  :: d_step { phase == WRITING && batch == 2 && KNOWN_ROW(tail + 2, first_ts + 1) && GATE_OPENS && shown[tail + 2] == 0 ->
    printf("%c: activation %d acknowledges row %d while row %d is unknown\n", 65 + me, a, tail + 2, tail + 1);
    expose(tail + 2, tail + 2, view, tail + 2) }
#endif

#if CHECKPOINTS > 0
  /* A checkpoint covers rows known to be durable, and repeats its activation's seal. */
  :: d_step { phase == OPEN && tail > seal_seq && checkpoints < CHECKPOINTS && ph_ts[a] == 0 ->
    checkpoint(tail) }
  :: d_step { phase == WRITING && BATCH_KNOWN && checkpoints < CHECKPOINTS && ph_ts[a] == 0 ->
    checkpoint(tail + batch) }
#endif

  /* A time-out, a failed turn, an idle activation: it ends at any time, and what it sent stays in flight. */
  :: d_step { phase != GONE ->
    printf("%c: activation %d ends\n", 65 + me, a);
#ifdef M_ENDED_WRITES
    if
    :: phase == OPEN -> ended = a; ended_tail = tail
    :: else
    fi;
#endif
    end_activation() }
#ifdef M_ENDED_WRITES
  :: d_step { ended > 0 && ended_tail < ROWS && pr_ts[PEND(ended, ended_tail + 1)] == 0 && count < 30 ->
    count++;
    pr_ts[PEND(ended, ended_tail + 1)] = TS(epoch, count);
    printf("%c: activation %d, though ended, sends row %d (ts %d)\n", 65 + me, ended, ended_tail + 1, TS(epoch, count));
    ended = 0; ended_tail = 0 }
#endif
  od
}

#ifdef M_TOMBSTONE
#define CONTENT(a) (p_tombstone[a] -> 0 : (a))
#else
#define CONTENT(a) (a)
#endif
#if REPLICAS == 1
#define TELL_HEAD(k, a) printf("-: the head write of activation %d (seal_seq %d, seal_ts %d) lands\n", a, h_seal_seq[k], h_seal_ts[k])
#define TELL_FENCE(k, n) printf("-: the fence of %c lands\n", 65 + n)
#ifdef M_TOMBSTONE
#define TELL_ROW(k, a, s) \
    if \
    :: p_tombstone[a] -> printf("-: the tombstone of row %d of activation %d (ts %d) lands\n", s, a, r_ts[CELL(k, s)]) \
    :: else -> printf("-: row %d of activation %d (ts %d) lands\n", s, a, r_ts[CELL(k, s)]) \
    fi
#else
#define TELL_ROW(k, a, s) printf("-: row %d of activation %d (ts %d) lands\n", s, a, r_ts[CELL(k, s)])
#endif
#else
#define TELL_HEAD(k, a) printf("replica %d: the head write of activation %d (seal_seq %d, seal_ts %d) lands\n", k, a, h_seal_seq[k], h_seal_ts[k])
#define TELL_FENCE(k, n) printf("replica %d: the fence of %c lands\n", k, 65 + n)
#define TELL_ROW(k, a, s) printf("replica %d: row %d of activation %d (ts %d) lands\n", k, s, a, r_ts[CELL(k, s)])
#endif
#define HEAD_LANDS(k, a) \
  :: d_step { ph_ts[a] > h_ts[k] -> \
    h_ts[k] = ph_ts[a]; h_seal_seq[k] = ph_seal_seq[a]; h_seal_ts[k] = ph_seal_ts[a]; \
    h_as_of[k] = ph_as_of[a]; h_view[k] = ph_view[a]; \
    TELL_HEAD(k, a); \
    forget_spent(); \
    check_store() }
#define ROW_LANDS(k, a, s) \
  :: d_step { LANDS(k, a, s) -> \
    r_ts[CELL(k, s)] = pr_ts[PEND(a, s)]; r_by[CELL(k, s)] = CONTENT(a); \
    TELL_ROW(k, a, s); \
    forget_spent(); \
    check_store() }
#define ROWS_LAND_1(k, a) ROW_LANDS(k, a, 1)
#define ROWS_LAND_2(k, a) ROWS_LAND_1(k, a) ROW_LANDS(k, a, 2)
#define ROWS_LAND_3(k, a) ROWS_LAND_2(k, a) ROW_LANDS(k, a, 3)
#define ACT_LANDS(k, a) HEAD_LANDS(k, a) ROWS_LAND(k, a)
#if ROWS == 1
#define ROWS_LAND(k, a) ROWS_LAND_1(k, a)
#elif ROWS == 2
#define ROWS_LAND(k, a) ROWS_LAND_2(k, a)
#else
#define ROWS_LAND(k, a) ROWS_LAND_3(k, a)
#endif

#define NODE_LANDS(b) \
  :: d_step { (cas_claims >> (b)) & 1 -> \
    printf("-: the claim of epoch %d by %c is applied\n", row_epoch + 1, 65 + b); \
    CHECK_CHAIN; \
    set_row(row_epoch + 1, b, 0) } \
  :: d_step { (cas_moves >> (b)) & 1 -> \
    printf("-: the move of epoch %d to %c is applied\n", row_epoch + 1, 65 + b); \
    set_row(row_epoch + 1, b, 1) }
#define FENCE_LANDS(k, n) \
  :: d_step { ((fencing >> (n)) & 1) && !((fenced[k] >> (n)) & 1) -> \
    fenced[k] = fenced[k] | (1 << (n)); \
    FENCE_LANDED(n); \
    TELL_FENCE(k, n) }
#if REPLICAS == 1
#define FENCE_LANDED(n) fencing = fencing & (7 - (1 << (n)))
#else
#define FENCE_LANDED(n) skip
#endif
/* L1: a claim is applied only after the fence of the owner that it takes over from. */
#ifdef MUTANT
#define CHECK_CHAIN skip
#else
#define CHECK_CHAIN assert(FENCED(row_owner))
#endif

/* Lets writes land, in any order, at any time, or never. */
active proctype Network() {
  byte i, j;
end:
  do
  NODE_LANDS(0)
#if NODES > 1
  NODE_LANDS(1)
#endif
#if NODES > 2
  NODE_LANDS(2)
#endif
  FENCE_LANDS(0, 0)
#if NODES > 1
  FENCE_LANDS(0, 1)
#endif
#if NODES > 2
  FENCE_LANDS(0, 2)
#endif
#if ACTS >= 1
  ACT_LANDS(0, 1)
#endif
#if ACTS >= 2
  ACT_LANDS(0, 2)
#endif
#if ACTS >= 3
  ACT_LANDS(0, 3)
#endif
#if ACTS >= 4
  ACT_LANDS(0, 4)
#endif
#if ACTS >= 5
  ACT_LANDS(0, 5)
#endif
#if ACTS >= 6
  ACT_LANDS(0, 6)
#endif
#if ACTS >= 7
  ACT_LANDS(0, 7)
#endif
#if REPLICAS > 1
  FENCE_LANDS(1, 0)
#if NODES > 1
  FENCE_LANDS(1, 1)
#endif
#if NODES > 2
  FENCE_LANDS(1, 2)
#endif
#if ACTS >= 1
  ACT_LANDS(1, 1)
#endif
#if ACTS >= 2
  ACT_LANDS(1, 2)
#endif
#if ACTS >= 3
  ACT_LANDS(1, 3)
#endif
#if ACTS >= 4
  ACT_LANDS(1, 4)
#endif
#if ACTS >= 5
  ACT_LANDS(1, 5)
#endif
#if ACTS >= 6
  ACT_LANDS(1, 6)
#endif
#if ACTS >= 7
  ACT_LANDS(1, 7)
#endif
#endif
#if REPLICAS > 1
  FENCE_LANDS(2, 0)
#if NODES > 1
  FENCE_LANDS(2, 1)
#endif
#if NODES > 2
  FENCE_LANDS(2, 2)
#endif
#if ACTS >= 1
  ACT_LANDS(2, 1)
#endif
#if ACTS >= 2
  ACT_LANDS(2, 2)
#endif
#if ACTS >= 3
  ACT_LANDS(2, 3)
#endif
#if ACTS >= 4
  ACT_LANDS(2, 4)
#endif
#if ACTS >= 5
  ACT_LANDS(2, 5)
#endif
#if ACTS >= 6
  ACT_LANDS(2, 6)
#endif
#if ACTS >= 7
  ACT_LANDS(2, 7)
#endif
#endif
  od
}
