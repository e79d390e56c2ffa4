import assert from 'node:assert/strict';
import test from 'node:test';
import { check } from '../index.ts';
import { byKind, chaosFigures, faultTable, isViolated } from './figures.ts';
import type { ChaosResult, FaultReport } from './run.ts';

const nothing = { sends: [], logs: [], timelines: [], summaries: [], devices: [] };

function result(of: Partial<ChaosResult> = {}): ChaosResult {
  return {
    report: check(nothing),
    histories: nothing,
    faults: [],
    unrest: undefined,
    unsettled: 0,
    undrained: 0,
    crashes: [],
    fenced: 0,
    sends: 0,
    repeats: 0,
    unknown: 0,
    acks: 0,
    ...of,
  };
}

const kills: FaultReport[] = [
  { fault: { kind: 'kill', node: 0, holdMs: 1 }, worstMs: 900, worstOfNodeMs: 5_200 },
  { fault: { kind: 'kill', node: 2, holdMs: 1 }, worstMs: 1_400, worstOfNodeMs: undefined },
  { fault: { kind: 'nats_lost', holdMs: 1 }, worstMs: 300, worstOfNodeMs: undefined },
];

test('A kind of fault shows how often it came and the worst of all times.', () => {
  assert.deepEqual(byKind(kills), [
    { kind: 'kill', count: 2, worstMs: 1_400, worstOfNodeMs: 5_200 },
    { kind: 'nats_lost', count: 1, worstMs: 300, worstOfNodeMs: undefined },
  ]);
  assert.match(faultTable(kills), /kill +2 +1\.4 s +5\.2 s/);
  assert.match(faultTable(kills), /nats_lost +1 +0\.3 s +–/);
});

test('Sends without outcome, deliveries that wait and nodes that crash are violations as lost messages are.', () => {
  assert.equal(isViolated(result()), false);
  for (const bad of [
    { unsettled: 1 },
    { undrained: 1 },
    { unrest: '1 shard unserved' },
    { crashes: ['n1: 1'] },
  ])
    assert.equal(isViolated(result(bad)), true);
  const holes = { conversationId: 'c', names: ['c'], members: [], rows: [] };
  const lost = {
    ...nothing,
    logs: [holes],
    sends: [
      {
        senderId: 'a',
        deviceId: 'd',
        clientMessageId: '1',
        target: 'c',
        order: 1,
        contentDigest: '',
        replyToSeq: 0,
        answers: [{ messageId: 'm', conversationId: 'c', conversationSeq: 1 }],
        refusals: [],
      },
    ],
  };
  assert.equal(isViolated(result({ report: check(lost) })), true);
});

test('The figures name every kind that came and every verdict.', () => {
  const names = chaosFigures(result({ faults: kills }), 7, 60).map(({ name }) => name);
  for (const name of [
    'kill.count',
    'kill.unavailable_ms',
    'kill.node_unavailable_ms',
    'acked_lost',
    'undrained',
  ])
    assert.ok(names.includes(`chaos.${name}`), name);
  assert.ok(!names.includes('chaos.nats_lost.node_unavailable_ms'));
});
