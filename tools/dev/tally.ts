// Counts the tests of a run from the events of node:test. Owns: what counts as a test and what is not accepted.
//
// Invariants:
// 1. A suite is not a test, but one that throws by itself is a failure; a file that holds no test is a failure, and so is a run without tests.
// 2. A skipped or unfinished test is a failure, whatever its body did.

import { resolve } from 'node:path';
import type { Counts } from './counts.ts';

/** The part of a `test:pass` or `test:fail` event that counting needs. */
export interface TestEvent {
  readonly name: string;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly error?: unknown };
}

/** Counts of one run. */
export class TestTally {
  #passed = 0;
  #failed = 0;
  readonly #faults: string[] = [];

  passed(event: TestEvent): void {
    const fault = faultOf(event);
    if (fault !== undefined) {
      this.#failed += 1;
      this.#faults.push(fault);
    } else if (event.details.type !== 'suite') {
      this.#passed += 1;
    }
  }

  failed(event: TestEvent): void {
    // A suite that fails with its tests is counted by them; one whose own body or hook threw has no test to count.
    if (event.details.type === 'suite' && failureType(event) === 'subtestsFailed') return;
    this.#failed += 1;
  }

  /** The counts so far, and a sentence for each thing that is not accepted. */
  result(): { readonly counts: Counts; readonly faults: readonly string[] } {
    if (this.#passed + this.#failed > 0) {
      return { counts: { passed: this.#passed, failed: this.#failed }, faults: this.#faults };
    }
    return { counts: { passed: 0, failed: 1 }, faults: ['no test was run'] };
  }
}

function failureType(event: TestEvent): unknown {
  const { error } = event.details;
  return typeof error === 'object' && error !== null && 'failureType' in error
    ? error.failureType
    : undefined;
}

function faultOf(event: TestEvent): string | undefined {
  const place = event.file ?? 'a test file';
  // Node reports a file without tests as one passed test that bears the path it was given.
  if (event.file !== undefined && resolve(event.name) === resolve(event.file))
    return `${place} holds no test`;
  if (event.skip !== undefined && event.skip !== false) return `${place}: "${event.name}" is skipped`;
  if (event.todo !== undefined && event.todo !== false) return `${place}: "${event.name}" is unfinished`;
  return undefined;
}
