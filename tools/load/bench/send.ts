// One-to-one sends: so many senders, window 1, each to a person of its own, everybody connected. Measures acks a second,
// their times, and the server's processor time for a message with its two deliveries.

import { create } from '@bufbuild/protobuf';
import { ContentSchema } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { MessageService } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { Caller } from '../api.ts';
import { cpuSeconds } from '../node-process.ts';
import { UnaryPool } from '../wire.ts';
import {
  type Arm,
  type ArmOptions,
  type Bench,
  inParallel,
  issueTokens,
  type Measured,
  names,
  quantile,
  waitUntil,
  withNode,
} from './arm.ts';
import { CountingDevice, type Totals } from './counting-device.ts';

const TEXT_BYTES = 200;

/** The arm for so many senders. */
export function sendArm(senders: number, withCpu: boolean): Arm {
  const rate = `embedded.send.rate.${senders}`;
  return {
    name: `send.${senders}`,
    prefixes: [rate, ...(withCpu ? ['embedded.send.cpu_us'] : [])],
    run: (options) => withNode(options, (bench) => run(bench, options, { senders, rate, withCpu })),
  };
}

interface Pair {
  readonly caller: Caller;
  readonly peerId: string;
  readonly devices: readonly CountingDevice[];
  readonly session: bigint;
  sent: number;
}

async function run(
  bench: Bench,
  { quick }: ArmOptions,
  arm: { readonly senders: number; readonly rate: string; readonly withCpu: boolean },
): Promise<Measured[]> {
  const totals: Totals = { deliveries: 0, acks: 0, pulls: 0 };
  const pairs = await makePairs(bench, arm.senders, totals);
  const warmUntil = performance.now() + (quick ? 1_000 : 3_000);
  await Promise.all(pairs.map((pair) => sendUntil(pair, warmUntil)));
  await delivered(pairs);
  const times: number[] = [];
  const before = { cpu: cpuSeconds(bench.node.pid), at: performance.now(), deliveries: totals.deliveries };
  const until = before.at + (quick ? 2_000 : 6_000);
  await Promise.all(pairs.map((pair) => sendUntil(pair, until, times)));
  const seconds = (performance.now() - before.at) / 1_000;
  await delivered(pairs);
  const cpu = cpuSeconds(bench.node.pid) - before.cpu;
  const due = times.length * 2;
  if (totals.deliveries - before.deliveries !== due)
    throw new Error(`${totals.deliveries - before.deliveries} deliveries came, ${due} are due`);
  for (const device of pairs.flatMap((pair) => pair.devices)) device.close();
  const sorted = Float64Array.from(times);
  return [
    { name: arm.rate, value: times.length / seconds, unit: '1/s' },
    { name: `${arm.rate}.p50_ms`, value: quantile(sorted, 0.5), unit: 'ms' },
    { name: `${arm.rate}.p99_ms`, value: quantile(sorted, 0.99), unit: 'ms' },
    ...(arm.withCpu ? [{ name: 'embedded.send.cpu_us', value: (cpu * 1e6) / times.length, unit: 'us' }] : []),
  ];
}

async function makePairs(bench: Bench, senders: number, totals: Totals): Promise<Pair[]> {
  const { endpoint } = bench.node;
  const from = await issueTokens(bench.backend, names('from', senders));
  const to = await issueTokens(bench.backend, names('to', senders));
  return inParallel(names('', senders), 32, async (n) => {
    const at = Number(n);
    const [token = '', peerToken = ''] = [from[at], to[at]];
    const pair: Pair = {
      caller: new Caller(endpoint, token, new UnaryPool(endpoint, 1)),
      peerId: `to${at}`,
      devices: [
        new CountingDevice(endpoint, token, 'phone', totals),
        new CountingDevice(endpoint, peerToken, 'phone', totals),
      ],
      session: BigInt(at + 1),
      sent: 0,
    };
    for (const device of pair.devices) {
      await device.locate();
      await device.open();
    }
    return pair;
  });
}

// Sends one after the other, each when the one before is acked.
async function sendUntil(pair: Pair, until: number, times?: number[]): Promise<void> {
  const { method } = MessageService;
  while (performance.now() < until) {
    pair.sent += 1;
    const request = pair.caller.encode(method.sendMessage, {
      target: { case: 'directUserId', value: pair.peerId },
      clientMessageId: `m${pair.sent}`,
      deviceId: 'phone',
      order: { session: pair.session, deviceSeq: BigInt(pair.sent), settledDeviceSeq: BigInt(pair.sent - 1) },
      content: CONTENT,
    });
    const at = performance.now();
    await pair.caller.raw(request);
    times?.push(performance.now() - at);
  }
}

const CONTENT = create(ContentSchema, { body: { case: 'text', value: { text: 'x'.repeat(TEXT_BYTES) } } });

// Each device's timeline holds the beginning of the conversation and every message, without a gap.
function delivered(pairs: readonly Pair[]): Promise<void> {
  const behind = (): CountingDevice[] =>
    pairs.flatMap((pair) => pair.devices.filter((device) => device.tally.userSeq < pair.sent + 1));
  const broken = pairs
    .flatMap((pair) => pair.devices)
    .find((device) => device.failure !== undefined || device.tally.gaps > 0);
  if (broken !== undefined) throw new Error(`a device failed: ${broken.failure ?? 'gap'}`);
  return waitUntil(
    () => behind().length === 0,
    10_000,
    () => `${behind().length} devices are behind, e.g. ${JSON.stringify(behind()[0]?.tally)}`,
  );
}
