import { deepEqual, ok } from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { foundationOf, migrationsOf } from './migrations.ts';
import { statementsOf } from './statements.ts';

const sound = (text: string): boolean => /^SELECT /.test(text) || /USING TIMESTAMP \?| IF /.test(text);

test('Q1: every statement reads, or has USING TIMESTAMP or IF', () => {
  const texts = Object.values(statementsOf('k'));
  ok(texts.length > 20);
  deepEqual(
    texts.filter((text) => !sound(text)),
    [],
  );
});

test('Q1: no other file of the driver has a statement that writes without USING TIMESTAMP or IF', () => {
  const files = globSync(join(import.meta.dirname, '*.ts')).filter(
    (file) => !/\.(test|bench)\.ts$/.test(file),
  );
  const literals = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/`[^`]*`|'[^'\n]*'/g)]);
  const writes = literals
    .map(([text]) => text.slice(1, -1).trim())
    .filter((text) => /^(INSERT INTO|UPDATE|DELETE|BEGIN|TRUNCATE) /i.test(text));
  ok(writes.length >= 12, `${writes.length} found`);
  deepEqual(
    writes.filter((text) => !sound(text)),
    [],
  );
});

test('Q1: no other part of Starling has the database library, so none can write past these statements', () => {
  const root = join(import.meta.dirname, '..', '..');
  const files = globSync('{runtime,actors,cluster,tools}/**/*.ts', { cwd: root });
  ok(files.length > 100);
  const users = files.filter((file) => /from 'cassandra-driver/.test(readFileSync(join(root, file), 'utf8')));
  const others = users.filter((file) => !file.startsWith('cluster/cassandra/'));
  deepEqual(others, ['tools/load/bench-cluster/timeline-work.ts'], 'which measures the bare library');
  ok(users.length > others.length);
});

test('no statement and no option of a table lets data go by itself: what is deleted is deleted by a trim', () => {
  const migrations = migrationsOf('k').flatMap(({ statements }) => statements);
  const texts = [...Object.values(statementsOf('k')), ...migrations, ...foundationOf('k', { dc1: 1 })];
  deepEqual(
    texts.filter((text) => /\bTTL\b/.test(text)),
    [],
  );
});

test('every table compacts with UCS, repairs reads blockingly, has no TTL and keeps deletes past the hint window', () => {
  const tables = [
    ...foundationOf('k', { dc1: 3 }).filter((text) => /TABLE/.test(text)),
    ...migrationsOf('k').flatMap(({ statements }) => statements),
  ];
  ok(tables.length >= 9);
  for (const table of tables) {
    ok(/UnifiedCompactionStrategy/.test(table), table);
    ok(/read_repair = 'BLOCKING'/.test(table), table);
    ok(/default_time_to_live = 0/.test(table), table);
    ok(Number(/gc_grace_seconds = (\d+)/.exec(table)?.[1]) > 3 * 3_600, table);
  }
});

test('migrations rise by one and may run twice', () => {
  const steps = migrationsOf('k');
  deepEqual(
    steps.map(({ version }) => version),
    steps.map((_, at) => at + 1),
  );
  for (const text of steps.flatMap(({ statements }) => statements)) ok(/ IF NOT EXISTS /.test(text), text);
});
