/*
 * Rule 9 of the safety protocol: rows are deleted only below a floor that is durable and fence-checked.
 *
 * One actor with ROWS rows, all of them shown, and a chain of owners. Claims are one step (fence, then compare-and-set), since
 * ownership.pml has them in full; head writes and deletes are in flight and land at any time, also long after the activation
 * that sent them has ended. What an activation must never meet: a row above the floor of the head that is gone.
 *
 * Compile-time bounds: NODES, EPOCHS, ACTS, ROWS. Each M_ switch is one mutant.
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef ACTS
#define ACTS 4
#endif
#ifndef ROWS
#define ROWS 2
#endif

/* How many head writes an epoch has at most before its owner checkpoints no more. */
#define CHECKPOINTED 4

#define TS(e, c) ((e) * 32 + (c))
#define FENCED(n) ((fenced >> (n)) & 1)

byte row_epoch = 1;
byte row_owner = 0;
byte fenced = 0;

/* The head: write time and floor. Head writes in flight of each activation: one at a time. */
byte h_ts = 0;
byte h_floor = 0;
byte p_ts[ACTS + 1];
byte p_floor[ACTS + 1];
/* The highest row up to which each activation has a delete in flight, and the highest row deleted. */
byte deleting[ACTS + 1];
byte deleted = 0;
byte acts = 0;

#ifdef M_TRIM_UNGATED
#define GATE_OPENS true
#else
#define GATE_OPENS (!FENCED(me))
#endif
#ifdef M_FLOOR_AFTER_DELETE
#define FLOOR_KNOWN true
#else
#ifdef M_TRIM_BEFORE_FLOOR_KNOWN
#define FLOOR_KNOWN true
#else
#define FLOOR_KNOWN (h_ts >= awaited)
#endif
#endif

#define GONE 0
#define SEALING 1
#define OPEN 2
#define TRIMMING 3
#define DELETING 4

/* Every reader finds each row above the floor that it reads. */
inline check_store() {
  if
  :: deleted > h_floor ->
    printf("!: rows up to %d are deleted; a reader finds the floor %d and a hole above it\n", deleted, h_floor);
    assert(false)
  :: else
  fi
}

active [NODES] proctype Node() {
  byte epoch, count, phase, a, floor, new_floor, awaited, me;
  me = _pid;
end:
  do
  :: d_step { row_owner == me && row_epoch > epoch ->
    epoch = row_epoch; count = 0; phase = GONE; a = 0; floor = 0; new_floor = 0; awaited = 0;
    printf("%c: serves at epoch %d\n", 65 + me, epoch) }
  :: d_step { row_owner != me && row_epoch < EPOCHS ->
    fenced = fenced | (1 << row_owner);
    printf("%c: fences %c and claims epoch %d\n", 65 + me, 65 + row_owner, row_epoch + 1);
    row_owner = me;
    row_epoch++ }
  :: d_step { epoch > 0 && phase == GONE && acts < ACTS ->
    acts++; a = acts; count++;
    floor = h_floor; awaited = TS(epoch, count);
    p_ts[a] = awaited; p_floor[a] = floor;
    phase = SEALING;
    printf("%c: activation %d reads the floor %d and sends its seal (ts %d)\n", 65 + me, a, floor, awaited) }
  :: d_step { phase == SEALING && h_ts >= awaited && !FENCED(me) ->
    phase = OPEN;
    printf("%c: activation %d is open\n", 65 + me, a) }
  /* Trims up to some row above its floor: the floor first. */
#ifdef M_FLOOR_AFTER_DELETE
  :: d_step { phase == OPEN && floor < ROWS ->
    new_floor = floor + 1; phase = TRIMMING; awaited = h_ts }
  :: d_step { phase == DELETING ->
    count++; awaited = TS(epoch, count); p_ts[a] = awaited; p_floor[a] = floor; phase = OPEN;
    printf("%c: activation %d sends its floor %d (ts %d)\n", 65 + me, a, floor, awaited) }
#else
  :: d_step { phase == OPEN && floor < ROWS && h_ts >= awaited && count < 30 ->
    count++; new_floor = floor + 1; awaited = TS(epoch, count);
    p_ts[a] = awaited; p_floor[a] = new_floor;
    phase = TRIMMING;
    printf("%c: activation %d sends its floor %d (ts %d)\n", 65 + me, a, new_floor, awaited) }
#endif
  /* The gate: the floor is known, and a fence read begun after that says `live`. */
  :: d_step { phase == TRIMMING && FLOOR_KNOWN && GATE_OPENS ->
    floor = new_floor; deleting[a] = floor;
#ifdef M_FLOOR_AFTER_DELETE
    phase = DELETING;
#else
    phase = OPEN;
#endif
    printf("%c: activation %d deletes the rows up to %d\n", 65 + me, a, floor) }
  /* A checkpoint repeats the floor. */
  :: d_step { phase == OPEN && h_ts >= awaited && count < CHECKPOINTED ->
    count++; awaited = TS(epoch, count); p_ts[a] = awaited; p_floor[a] = floor;
    printf("%c: activation %d sends a checkpoint with floor %d (ts %d)\n", 65 + me, a, floor, awaited) }
  :: d_step { phase != GONE ->
    printf("%c: activation %d ends\n", 65 + me, a);
    phase = GONE; a = 0; floor = 0; new_floor = 0; awaited = 0 }
  od
}

#define LANDS(a) \
  :: d_step { p_ts[a] > h_ts -> \
    h_ts = p_ts[a]; h_floor = p_floor[a]; p_ts[a] = 0; p_floor[a] = 0; \
    printf("-: the head write of activation %d (floor %d) lands\n", a, h_floor); \
    check_store() } \
  :: d_step { p_ts[a] > 0 && p_ts[a] <= h_ts -> p_ts[a] = 0; p_floor[a] = 0 } \
  :: d_step { deleting[a] > deleted -> \
    deleted = deleting[a]; \
    printf("-: the delete of activation %d up to row %d lands\n", a, deleted); \
    check_store() }

active proctype Network() {
end:
  do
  LANDS(1)
#if ACTS > 1
  LANDS(2)
#endif
#if ACTS > 2
  LANDS(3)
#endif
#if ACTS > 3
  LANDS(4)
#endif
#ifdef M_ROWS_EXPIRE
  :: d_step { deleted < ROWS -> deleted++; printf("-: row %d expires\n", deleted); check_store() }
#endif
  od
}
