import assert from 'node:assert/strict';
import test from 'node:test';
import { schemaPlanView, schemaState, schemaStatusView } from './schema-view.ts';

const current = { found: 3, wanted: 3, stripes: 64, dataCenters: { dc1: 3 } };

test('a keyspace is current, missing, too old or too new', () => {
  assert.equal(schemaState(current), 'current');
  assert.equal(schemaState({ ...current, found: 2 }), 'too_old');
  assert.equal(schemaState({ ...current, stripes: undefined }), 'too_old', 'a step that was cut off');
  assert.equal(schemaState({ ...current, found: 4 }), 'too_new');
  const missing = { found: 0, wanted: 3, stripes: undefined, dataCenters: undefined };
  assert.equal(schemaState(missing), 'missing');
});

test('the status says first what is wrong and what to do', () => {
  assert.equal(
    schemaStatusView('starling', current),
    `keyspace  starling
schema    version 3, this release needs 3
stripes   64
copies    dc1=3
`,
  );
  assert.match(
    schemaStatusView('starling', { ...current, found: 2 }),
    /^! this release needs a later schema\n {2}Bring it up before .*: starling schema apply\n\n/,
  );
});

test('a plan can be read as CQL', () => {
  const steps = [
    { version: 1, title: 'heads', statements: ['CREATE TABLE a\n      WITH b', 'CREATE TABLE c'] },
  ];
  assert.equal(
    schemaPlanView('starling', steps, 'starling'),
    `-- 1: heads
CREATE TABLE a
  WITH b;
CREATE TABLE c;

-- next: starling schema apply
`,
  );
  assert.equal(
    schemaPlanView('starling', [], 'starling'),
    'starling is up to date: nothing is to be done.\n',
  );
});
