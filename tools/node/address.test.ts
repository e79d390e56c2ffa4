import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcedAddress, listeningAt } from './address.ts';

const none = { 'http.public_address': '', 'tls.cert_file': '' };

test('A node announces its public address, else the one that it listens at.', () => {
  const edge = { httpAddress: '10.0.0.7:7700' };
  const said = { ...none, 'http.public_address': 'https://im-3.example.com' };
  assert.equal(announcedAddress(said, { httpAddress: '0.0.0.0:7700' }), 'https://im-3.example.com');
  assert.equal(announcedAddress(none, edge), 'http://10.0.0.7:7700');
  assert.equal(announcedAddress({ ...none, 'tls.cert_file': 'c.pem' }, edge), 'https://10.0.0.7:7700');
});

test('A node that listens on all addresses and has no public one announces nothing, since nobody could go there.', () => {
  for (const httpAddress of [
    '0.0.0.0:7700',
    '[::]:7700',
    '[0:0:0:0:0:0:0:0]:80',
    '0:7700',
    '[fe80::1%eth0]:80',
  ]) {
    assert.equal(announcedAddress(none, { httpAddress }), '', httpAddress);
    assert.equal(listeningAt(none, { httpAddress }), `http://${httpAddress}`);
  }
});
