import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePan, parseTrace, traceText } from './pan-report.ts';

const VERIFIED = `
(Spin Version 6.5.2 -- 6 December 2019)
	+ Partial Order Reduction

Full statespace search for:
	never claim         	- (none specified)
	assertion violations	+
	cycle checks       	- (disabled by -DSAFETY)
	invalid end states	+

State-vector 128 byte, depth reached 46, errors: 0
   562264 states, stored
  1058515 states, matched
  1620779 transitions (= stored+matched)
        0 atomic steps

  206.485	total actual memory usage
`;

const REFUTED = `
pan:1: assertion violated (fenced[0]&(1<<row_owner)) (at depth 10)
pan: wrote model.pml.trail

(Spin Version 6.5.2 -- 6 December 2019)
Warning: Search not completed

State-vector 152 byte, depth reached 46, errors: 1
    18336 states, stored
    55737 transitions (= stored+matched)
  136.173	total actual memory usage
`;

describe('the report of a verifier', () => {
  it('says how much an exhaustive search without error visited', () => {
    assert.deepEqual(parsePan(VERIFIED), {
      errors: 0,
      states: 562_264,
      transitions: 1_620_779,
      depth: 46,
      memoryMib: 206.485,
      violation: '',
      truncated: '',
    });
  });

  it('names what was violated', () => {
    const report = parsePan(REFUTED);
    assert.equal(report.errors, 1);
    assert.equal(report.violation, 'assertion violated (fenced[0]&(1<<row_owner))');
    assert.equal(report.truncated, '');
  });

  it('is not exhaustive where the depth was too small', () => {
    const text = `error: max search depth too small\n${VERIFIED}`;
    assert.equal(parsePan(text).truncated, 'the search depth was too small');
  });

  it('is not exhaustive where the memory ran out', () => {
    const text = `pan: reached -DMEMLIM bound\n${VERIFIED}`;
    assert.equal(parsePan(text).truncated, 'the memory was not enough');
  });

  it('is not exhaustive where states were kept as hashes alone', () => {
    assert.equal(parsePan(`${VERIFIED}\n\t+ Hash-Compact 4\n`).truncated, 'the search was not exact');
  });

  it('is not exhaustive where the verifier says that it did not complete, whatever the cause', () => {
    const text = `Warning: Search not completed\n${VERIFIED}`;
    assert.equal(parsePan(text).truncated, 'the search was not completed');
  });

  it('reads counts that are so large that they are printed as powers', () => {
    const text = VERIFIED.replace('   562264 states', ' 7.3794776e+07 states');
    assert.equal(parsePan(text).states, 73_794_776);
  });

  it('is an error where it is not understood', () => {
    assert.throws(() => parsePan('sh: ./pan: not found'), /not understood/);
  });
});

describe('a replayed counter-example', () => {
  const replay = [
    'A: reads the shard row and serves at epoch 1',
    '-: row 1 of activation 1 (ts 33) lands at replica 0',
    'user 1: takes entry 2 of membership 1',
    'owner 2: finds no wake mark',
    '!: row 1 was shown; a reader does not find it now',
    'spin: model.pml:178, Error: assertion violated',
    'spin: trail ends after 18 steps',
    '#processes: 3',
    '\t\trow_epoch = 1',
  ].join('\n');

  it('is read as steps of who does what, without the words of spin', () => {
    assert.deepEqual(parseTrace(replay), [
      { who: 'A', event: 'reads the shard row and serves at epoch 1' },
      { who: 'store', event: 'row 1 of activation 1 (ts 33) lands at replica 0' },
      { who: 'user 1', event: 'takes entry 2 of membership 1' },
      { who: 'owner 2', event: 'finds no wake mark' },
      { who: '!', event: 'row 1 was shown; a reader does not find it now' },
    ]);
  });

  it('is written with numbered steps, and the violation without a number', () => {
    assert.equal(
      traceText(parseTrace(replay)),
      [
        ' 1  A        reads the shard row and serves at epoch 1\n',
        ' 2  store    row 1 of activation 1 (ts 33) lands at replica 0\n',
        ' 3  user 1   takes entry 2 of membership 1\n',
        ' 4  owner 2  finds no wake mark\n',
        '    !        row 1 was shown; a reader does not find it now\n',
      ].join(''),
    );
  });

  it('is empty text where there are no steps', () => {
    assert.equal(traceText([]), '');
  });
});
