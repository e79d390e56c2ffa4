import { equal, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import cassandra from 'cassandra-driver';
import { failureOf, type RequestKind } from './failures.ts';
import { Gate } from './gate.ts';

const { responseErrorCodes: codes } = cassandra.types;
const response = (code: number, message = 'x') => new cassandra.errors.ResponseError(code, message);
const fate = (error: unknown, kind: RequestKind, partitions = 1) => failureOf(error, kind, partitions).fate;

test('F1: a request that was never sent, or that a starting node refused, is not done', () => {
  const none = new cassandra.errors.NoHostAvailableError({}, 'no host');
  for (const kind of ['read', 'write', 'conditional'] as const) {
    equal(fate(none, kind), 'not_done');
    equal(fate(response(codes.isBootstrapping), kind), 'not_done');
  }
});

test('F1: a write that timed out, here or there, is unknown; a read leaves nothing', () => {
  const errors = [
    new cassandra.errors.OperationTimedOutError('no answer', '127.0.0.1'),
    response(codes.writeTimeout),
    response(codes.writeFailure),
    response(codes.serverError),
    response(codes.overloaded),
    new Error('socket closed'),
  ];
  for (const error of errors) {
    equal(fate(error, 'write'), 'unknown');
    equal(fate(error, 'conditional'), 'unknown');
    equal(fate(error, 'read'), 'not_done');
  }
  equal(failureOf(new Error('socket closed'), 'write', 1).repeat, true);
  equal(failureOf(new Error('socket closed'), 'conditional', 1).repeat, false);
});

test('F2: lacking replicas mean not done for one partition, else unknown', () => {
  const error = response(codes.unavailableException);
  equal(fate(error, 'write'), 'not_done');
  equal(fate(error, 'write', 2), 'unknown');
  equal(fate(error, 'conditional'), 'unknown');
});

test('what the server refuses is not done and not repeated, with a code that says why', () => {
  const of = (code: number, message: string) => failureOf(response(code, message), 'write', 1);
  equal(of(codes.invalid, 'Batch too large').code, 'PAYLOAD_TOO_LARGE');
  equal(of(codes.invalid, 'Replica disk usage exceeds failure threshold').code, 'STORAGE_FULL');
  equal(of(codes.invalid, 'unknown column').code, 'INVALID_REQUEST');
  equal(of(codes.unauthorized, 'no').code, 'OVERLOADED');
  equal(of(codes.syntaxError, 'line 1').code, 'INTERNAL');
  for (const code of [codes.invalid, codes.unauthorized, codes.syntaxError]) {
    equal(of(code, 'x').fate, 'refused');
    equal(of(code, 'x').repeat, false);
  }
});

test('a gate lets so many run, so many wait in order, and refuses the rest', async () => {
  const gate = new Gate(2, 2);
  const order: number[] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const tasks = ends.map(({ promise }, at) =>
    gate.run(() => {
      order.push(at);
      return promise;
    }),
  );
  await rejects(
    gate.run(async () => {}),
    { code: 'OVERLOADED' },
  );
  equal(order.join(), '0,1');
  ends[1]?.resolve();
  await tasks[1];
  await Promise.resolve();
  equal(order.join(), '0,1,2');
  for (const { resolve } of ends) resolve();
  await Promise.all(tasks);
  equal(order.join(), '0,1,2,3');
  equal(await gate.run(async () => 7), 7);
});
