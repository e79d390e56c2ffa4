import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserLabel, type DeviceHost, takeDeviceId } from './device.ts';

function browser() {
  const profile = new Map<string, string>();
  const locked = new Set<string>();
  const storage = (map: Map<string, string>) => ({
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
  });
  const open = (kept = new Map<string, string>()): DeviceHost & { kept: Map<string, string> } => ({
    kept,
    profile: storage(profile),
    window: storage(kept),
    lock: async (name) => !locked.has(name) && Boolean(locked.add(name)),
    random: () => 'abc',
  });
  return { open, locked };
}

test('two windows of one user are two devices', async () => {
  const { open } = browser();
  assert.equal(await takeDeviceId(open(), 'alice'), 'web-abc-1');
  assert.equal(await takeDeviceId(open(), 'alice'), 'web-abc-2');
});

test('a reloaded window is the same device, even where a lower id is free', async () => {
  const { open, locked } = browser();
  await takeDeviceId(open(), 'alice');
  const second = open();
  const id = await takeDeviceId(second, 'alice');
  locked.clear();
  assert.equal(await takeDeviceId(open(second.kept), 'alice'), id);
});

test('a duplicated window, which inherits the id, becomes another device', async () => {
  const { open } = browser();
  const first = open();
  const id = await takeDeviceId(first, 'alice');
  assert.notEqual(await takeDeviceId(open(new Map(first.kept)), 'alice'), id);
});

test('the ids of a browser are bounded: further windows share the last one', async () => {
  const { open } = browser();
  const ids = new Set<string>();
  for (let at = 0; at < 40; at++) ids.add(await takeDeviceId(open(), 'alice'));
  assert.equal(ids.size, 16);
});

test('a device is called by browser and system', () => {
  const linux =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
  assert.equal(browserLabel(linux), 'Chrome on Linux');
  assert.equal(
    browserLabel('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1'),
    'Safari on iOS',
  );
  assert.equal(browserLabel('curl'), 'Browser on an unknown system');
});
