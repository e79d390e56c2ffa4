// Every bound of the driver.

/** Bytes the data may take where the caller names no bound: 64 GiB of address space, of disk only what is used. */
export const mapBytesMaxDefault = 64 * 1024 ** 3;

/** Cell writes of one transaction; more waits for the next, so that planning one never holds the event loop for long. */
export const groupOpsMax = 5_000;

/** Bytes of keys and values of one transaction; a single commit may be larger. */
export const groupBytesMax = 8 * 1024 * 1024;

/** Commits that wait; beyond it OVERLOADED. */
export const queueCommitsMax = 100_000;

/** Bytes of keys and values that wait; beyond it OVERLOADED. */
export const queueBytesMax = 256 * 1024 * 1024;

/** Bytes of one row, head or cell. */
export const valueBytesMax = 16 * 1024 * 1024;

/** Keys that one step of a trim, of dropping marks or of purging tombstones deletes. */
export const sweepKeysMax = 2_000;

/** Pages kept free for deletes once the store counts as full: trimming must stay possible. */
export const reservePagesMin = 256;
