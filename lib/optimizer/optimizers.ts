// The optimizers by name.

import { fail } from '../base/problem.ts';
import { cimMlc } from './baselines/cim-mlc.ts';
import { occ } from './baselines/occ.ts';
import { puma } from './baselines/puma.ts';
import { cmswitch, staticRatio } from './cmswitch.ts';
import { joint } from './joint/joint.ts';
import type { Optimizer } from './optimizer.ts';

const OPTIMIZERS: readonly Optimizer[] = [cmswitch, joint, cimMlc, puma, occ];

/** Names that `findOptimizer` knows, for help and messages. */
export const OPTIMIZER_NAMES = [...OPTIMIZERS.map(({ name }) => name), 'static:R'];

/** The optimizer of that name. Throws `usage` for an unknown one. */
export function findOptimizer(name: string): Optimizer {
  const ratio = /^static:(\d*\.?\d+)$/.exec(name)?.[1];
  if (ratio !== undefined) return staticRatio(ratio);
  const found = OPTIMIZERS.find((optimizer) => optimizer.name === name);
  if (found !== undefined) return found;
  return fail({
    kind: 'usage',
    message: `unknown optimizer '${name}'`,
    next: `Use ${OPTIMIZER_NAMES.join(', ')}; static:R has R from 0 to 1 (static:1 is all compute).`,
  });
}
