/** What a handler returns: nothing. Undefined rather than void, so that a branch may end with `return handler(…)`. */
export type Done = undefined;
