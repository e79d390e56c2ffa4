// Every bound of the driver.

/** Rows of one timeline bucket: bucket = seq >> 12. */
export const bucketRows = 4_096;

/**
 * How far beyond the last row seen the next one is looked for in the next bucket. More than an activation may have in
 * flight (256 rows by default), so that a batch of which only the part in the higher bucket landed is seen.
 */
export const readAheadRows = 1_024;

/** Stripes of a keyspace where its maker names no number. Fixed once made. */
export const stripesDefault = 64;

/** Stripes of a keyspace at most. */
export const stripesMax = 65_536;

/**
 * Bytes of one batch at the start. The server's `batch_size_fail_threshold` is for batches of several partitions; what bounds
 * ours is `max_mutation_size`, 16 MiB by default. Larger ones cost it no less a row, and hold its thread for longer.
 */
export const batchBytesStart = 128 * 1024;

/** Bytes below which the size of batches is not lowered, whatever the server refuses. */
export const batchBytesMin = 2 * 1024;

/** Statements of one batch. */
export const batchOpsMax = 1_000;

/** Requests of one partition under way: what arrives meanwhile goes with the next (group commit). */
export const partitionRequestsMax = 1;

/** Write requests under way. */
export const writeRequestsMax = 512;

/**
 * Write requests under way for each node that is up, up to which one is sent whatever its size. Above it only full ones are:
 * a busy server gets rows in fewer requests, each of which costs it as much as ten rows.
 */
export const eagerRequestsEach = 16;

/** Reads and conditional writes under way; more wait. */
export const otherRequestsMax = 512;

/** Reads and conditional writes that wait; beyond it OVERLOADED. */
export const otherWaitingMax = 20_000;

/** Writes that wait or are under way; beyond it OVERLOADED. */
export const queueWritesMax = 100_000;

/** Bytes of writes that wait or are under way; beyond it OVERLOADED. */
export const queueBytesMax = 256 * 1024 * 1024;

/** Bytes of one row, head or cell: half of what the server takes as one mutation by default. */
export const valueBytesMax = 8 * 1024 * 1024;

/** Rows that the server sends in one page. */
export const pageRowsMax = 500;

/** Rows of a page beyond those wanted, for rows that do not count. */
export const pageRowsSpare = 16;

/** Times that one read or idempotent write is sent. */
export const attemptsMax = 3;

/** Milliseconds after which a failed request is not sent again. */
export const attemptMsMax = 6_000;

/** Milliseconds before the second attempt; doubled before each further one. */
export const retryMs = 100;

/**
 * Milliseconds one answer may take. Those of writes are above the server's own limits (2 s; a conditional write waits for
 * several rounds), so that mostly the server is the one to say. A read is sent again to another node, and an urgent one
 * stands between a turn and all its outputs.
 */
export const answerMsMax = { urgent: 1_500, read: 3_000, write: 4_000, conditional: 6_000 } as const;

/** Requests of one connection that may have been left unanswered before it is closed and made anew. */
export const unansweredMax = 4;

/** Milliseconds a node that left a request unanswered is asked last. */
export const suspectMs = 10_000;

/** Times that a fact of the cluster is read and, where it is missing, proposed. */
export const agreeAttemptsMax = 5;

/** Bytes of a fact of the cluster. */
export const factBytesMax = 1_024;

/** Milliseconds for a connection to be made. */
export const connectMsMax = 5_000;

/** Milliseconds without any success, while requests fail, after which the store calls itself unhealthy. */
export const silentMsMax = 5_000;

/** Stripes that a list of actors asks at once. */
export const listRequestsMax = 16;

/** Incarnations whose life is read in one request. */
export const livesMax = 64;

/** Bytes of memory from which copies of small values are cut. */
export const slabBytes = 64 * 1024;

/** Bytes above which a value is copied into memory of its own. */
export const slabValueBytesMax = 4 * 1024;

/** Partitions whose names are kept at hand. */
export const knownPartitionsMax = 8_192;
