// Static verifier: every reason why a program must not run on a chip. Program + Hardware -> Problems.
// First what is declared (references, shapes, capacities), then a walk over the blocks that follows modes,
// weights and data, then lifetimes and completeness. The rules are named in `ProgramRule`.

import { finish, type Steps } from '../base/pauses.ts';
import type { Problem } from '../base/problem.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { Findings } from './findings.ts';
import { indexProgram } from './geometry.ts';
import type { Program } from './program.ts';
import { checkDeclarations } from './verify-declarations.ts';
import { checkNumbers } from './verify-numbers.ts';
import { type VerifyOptions, walkProgram } from './verify-walk.ts';

export type { VerifyOptions } from './verify-walk.ts';

/** Every problem found; empty for a program that may run. Checks that depend on earlier ones are left out if those fail. */
export function verifyProgram(program: Program, hardware: Hardware, options: VerifyOptions = {}): readonly Problem[] {
  return finish(verifySteps(program, hardware, options));
}

/** `verifyProgram`, a step a block. */
export function* verifySteps(program: Program, hardware: Hardware, options: VerifyOptions = {}): Steps<readonly Problem[]> {
  const findings = new Findings();
  checkNumbers(program, findings);
  yield;
  if (findings.problems.length === 0) yield* checkDeclarations(program, hardware, findings);
  yield;
  if (findings.problems.length === 0) yield* walkProgram(program, indexProgram(program), hardware, findings, options);
  return findings.problems;
}
