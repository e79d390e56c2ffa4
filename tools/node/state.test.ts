import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeState } from './state.ts';

test('a node is healthy only while it serves and its store is', () => {
  let store = { ok: true, detail: 'ok' };
  const state = new NodeState(() => store);
  assert.deepEqual(state.health(), { ok: false, detail: 'starting' });
  state.enter('serving');
  assert.deepEqual(state.health(), { ok: true, detail: 'ok' });
  store = { ok: false, detail: 'the map is full' };
  assert.deepEqual(state.health(), { ok: false, detail: 'the map is full' });
  assert.equal(state.store(), 'the map is full');
  state.enter('stopping');
  assert.deepEqual(state.health(), { ok: false, detail: 'stopping' });
});

test('a node whose store failed stays broken and says why', () => {
  const state = new NodeState(() => ({ ok: true, detail: 'ok' }));
  state.enter('serving');
  state.fail('sync failed: EIO');
  state.fail('later');
  state.enter('stopping');
  assert.equal(state.phase, 'broken');
  assert.deepEqual(state.health(), { ok: false, detail: 'sync failed: EIO' });
});
