// Where the verifier's parts put what they find.

import type { Problem, ProgramRule } from '../base/problem.ts';

/** Collects problems of one program. */
export class Findings {
  readonly problems: Problem[] = [];

  add(rule: ProgramRule, where: string, reason: string, next: string): void {
    this.problems.push({ kind: 'program', rule, where, reason, next });
  }
}
