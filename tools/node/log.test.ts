import assert from 'node:assert/strict';
import test from 'node:test';
import { createLogger, type LogLevel } from './log.ts';

function collect(format: 'json' | 'pretty', level: LogLevel) {
  const lines: string[] = [];
  const log = createLogger({
    level,
    format,
    now: () => 0,
    write: (line) => lines.push(line),
    fields: { node: 'n1' },
  });
  return { lines, log };
}

test('a JSON line carries time, level, message, the common fields and its own', () => {
  const { lines, log } = collect('json', 'info');
  log({ level: 'info', message: 'store opened', fields: { bytes: 12n, node: 'other' } });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      {
        time: '1970-01-01T00:00:00.000Z',
        level: 'info',
        message: 'store opened',
        node: 'n1',
        bytes: '12',
        field_node: 'other',
      },
    ],
  );
  assert.ok(lines[0]?.endsWith('\n'));
});

test('entries below the level are left out', () => {
  const { lines, log } = collect('json', 'warn');
  log({ level: 'info', message: 'no', fields: {} });
  log({ level: 'error', message: 'yes', fields: {} });
  assert.equal(lines.length, 1);
});

test('an error keeps its message, stack and cause', () => {
  const { lines, log } = collect('json', 'info');
  log({
    level: 'error',
    message: 'failed',
    fields: { error: new Error('outer', { cause: new Error('inner') }) },
  });
  const { error } = JSON.parse(lines[0] ?? '{}') as {
    error: { message: string; cause: { message: string } };
  };
  assert.equal(error.message, 'outer');
  assert.equal(error.cause.message, 'inner');
});

test('a field that cannot be JSON, or is very long, does not break the line', () => {
  const { lines, log } = collect('json', 'info');
  const circle: { self?: unknown } = {};
  circle.self = circle;
  log({ level: 'info', message: 'odd', fields: { circle, long: 'x'.repeat(10_000) } });
  const line = JSON.parse(lines[0] ?? '{}') as { circle: string; long: string };
  assert.equal(line.circle, '[object Object]');
  assert.equal(line.long.length, 4_097);
});

test('a line for people is one line, with quotes only where they are needed', () => {
  const { lines, log } = collect('pretty', 'info');
  log({ level: 'warn', message: 'slow turn', fields: { actor: 'user/alice', text: 'a b\nc' } });
  assert.deepEqual(lines, ['00:00:00.000 WARN  slow turn actor=user/alice text="a b\\nc"\n']);
});
