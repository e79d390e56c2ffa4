import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { Addresses } from './addresses.ts';
import { Suspects } from './hosts.ts';

test('nodes are taken to announce the port of the first contact point', () => {
  equal(new Addresses(['10.0.0.1:9142', '10.0.0.2']).port, 9142);
  equal(new Addresses(['10.0.0.1']).port, 9042);
  equal(new Addresses(['[::1]:9143']).port, 9143);
  equal(new Addresses(['fe80::1']).port, 9042);
});

test('an announced address is used as the map says, others as they are', () => {
  const addresses = new Addresses(['10.0.0.1:9142'], {
    '10.0.0.1:9142': '127.0.0.1:5001',
    '10.0.0.2:9142': '127.0.0.1:5002',
    '[::2]:9142': '127.0.0.1:5003',
  });
  equal(addresses.endpoint('10.0.0.2', 9142), '127.0.0.1:5002');
  equal(addresses.endpoint('10.0.0.3', 9142), '10.0.0.3:9142');
  equal(addresses.endpoint('::2', 9142), '127.0.0.1:5003');
  equal(addresses.use('10.0.0.1:9142'), '127.0.0.1:5001');
  equal(addresses.use('10.0.0.2'), '127.0.0.1:5002', 'with the port of the first');
  equal(addresses.use('elsewhere'), 'elsewhere');
});

test('a contact point may be named by the address to use: the port that is announced there counts', () => {
  const map = { '10.0.0.1:9142': '127.0.0.1:5001', '10.0.0.2:9142': '127.0.0.1:5002' };
  const addresses = new Addresses(['127.0.0.1:5001'], map);
  equal(addresses.port, 9142);
  equal(addresses.use('127.0.0.1:5001'), '127.0.0.1:5001');
  equal(addresses.endpoint('10.0.0.2', addresses.port), '127.0.0.1:5002');
});

test('an address of the map without a port is refused', () => {
  throws(() => new Addresses(['a:1'], { 'a:1': 'b' }), { code: 'INVALID_REQUEST' });
  throws(() => new Addresses(['a:1'], { a: 'b:2' }), { code: 'INVALID_REQUEST' });
});

test('a node that left a request unanswered is asked last for a while', () => {
  let now = 0;
  const suspects = new Suspects(() => now);
  const hosts = ['a:1', 'b:1', 'c:1'].map((address) => ({ address }));
  const order = () =>
    Array.from({ [Symbol.iterator]: () => suspects.order(hosts.values()) }, (host) => host.address);
  equal(order().join(), 'a:1,b:1,c:1');
  suspects.add('a:1');
  equal(order().join(), 'b:1,c:1,a:1');
  now = 5_000;
  suspects.add('b:1');
  equal(order().join(), 'c:1,a:1,b:1');
  now = 10_000;
  equal(order().join(), 'a:1,c:1,b:1');
  now = 15_000;
  equal(order().join(), 'a:1,b:1,c:1');
});
