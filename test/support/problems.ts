// The problems of what must fail.

import * as assert from 'uvu/assert';
import { CompileError, type Problem } from '../../lib/base/problem.ts';

/** Problems a call throws; anything but a CompileError fails the test. */
export function problemsOf(call: () => unknown): readonly Problem[] {
  try {
    call();
  } catch (error) {
    if (error instanceof CompileError) return error.problems;
    throw error;
  }
  return assert.unreachable('nothing was thrown') as never;
}

/** The same of a call that ends later. */
export async function problemsOfAsync(call: () => Promise<unknown>): Promise<readonly Problem[]> {
  try {
    await call();
  } catch (error) {
    if (error instanceof CompileError) return error.problems;
    throw error;
  }
  return assert.unreachable('nothing was thrown') as never;
}
