// Several processes of one host behind one address: `starling node --workers N`. Owns: starting them and starting them anew,
// the sockets that they share, fence reads for all of them, that one which ended is fenced at once. Does not own: what a
// process does (node.ts), what the processes of a host say to each other (cluster/host).
//
// Sockets are shared by the cluster module of Node.js, whose first process accepts and hands connections out in turn: long
// streams spread evenly, the end of a worker loses no connection that waits, and a worker that stops is passed over. With
// SO_REUSEPORT the kernel would draw the worker by a hash, and those that wait for one that ends would be reset.
//
// Invariants: S1 … S4 (supervisor.ts), W1, W2 (worker-place.ts).

export { type RunningHost, startHost } from './host.ts';
export { runWorker } from './worker.ts';
