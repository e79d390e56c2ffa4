import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClaim, isLifeRead, RequestFilter } from './requests.ts';

/** A request of the native protocol with these bytes as its body. */
function request(body: Buffer): Buffer {
  const head = Buffer.from([4, 0, 0, 7, 10, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 5);
  return Buffer.concat([head, body]);
}

/** A bound value. */
function value(bytes: Buffer | string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, Buffer.from(bytes)]);
}

function execute(...values: readonly (Buffer | string)[]): Buffer {
  const count = Buffer.from([0, values.length]);
  return request(
    Buffer.concat([Buffer.from('0123456789abcdef'), Buffer.from([0, 6, 1]), count, ...values.map(value)]),
  );
}

const me = 'n2.0123456789abcdef';
const other = 'n1.fedcba9876543210';
const epoch = Buffer.from([0, 1, 0, 7]);
const shard = Buffer.from([0, 0, 0, 12]);

test('A look at the own life and a claim are told apart, and from those of others.', () => {
  const look = execute(me);
  const claim = execute(epoch, me, shard, epoch, other);
  const fence = execute(Buffer.alloc(8), 'fenced', other);
  assert.deepEqual(
    [look, claim, fence].map((each) => isLifeRead(each, 'n2')),
    [true, false, false],
  );
  assert.deepEqual(
    [look, claim, fence].map((each) => isClaim(each, 'n2')),
    [false, true, false],
  );
  assert.equal(isLifeRead(look, 'n1'), false);
  assert.equal(isClaim(execute(epoch, other, shard, epoch, me), 'n2'), false);
});

test('Only requests that pass go on, whole and in order, however the bytes are cut.', () => {
  const looks = execute(me);
  const [one, two] = [execute(epoch, 'one'), execute('two', epoch)];
  const bytes = Buffer.concat([one, looks, two, looks, one]);
  for (let size = 1; size <= bytes.length; size += 1) {
    const filter = new RequestFilter((each) => !isLifeRead(each, 'n2'));
    const passed: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) passed.push(filter.take(bytes.subarray(at, at + size)));
    assert.deepEqual(Buffer.concat(passed), Buffer.concat([one, two, one]));
  }
});

test('Bytes in the middle of a request go on as they are until one begins.', () => {
  const filter = new RequestFilter(() => false);
  assert.deepEqual(filter.take(Buffer.from('tail')), Buffer.from('tail'));
  assert.equal(filter.take(execute(me)).length, 0);
});
