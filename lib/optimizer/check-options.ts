// Which options make sense together, and what those not given are. Optimizer + options -> cost, goal, prefetch.
// Each refusal says which option is in the way and what would do.

import { fail } from '../base/problem.ts';
import { either, shown } from '../base/wording.ts';
import type { Goal } from './objective.ts';
import type { Form, Optimizer } from './optimizer.ts';
import { COSTS, type CostName, OBJECTIVES, type Objective } from './plan.ts';

export interface Choices {
  readonly form?: Form;
  readonly cost?: CostName;
  readonly objective?: Objective;
  readonly powerCapWatts?: number;
  readonly prefetch?: boolean;
  readonly seed?: number;
  readonly relaxed?: boolean;
}

export interface Settled {
  readonly cost: CostName;
  readonly goal: Goal;
  readonly prefetch: boolean;
}

/** The options as they will be used. Throws `usage` for what is unknown or makes no sense together. */
export function settleOptions(optimizer: Optimizer, options: Choices): Settled {
  const { objective = 'latency', powerCapWatts, seed = 0 } = options;
  const { name, costs = COSTS } = optimizer;
  if (options.cost !== undefined && !COSTS.includes(options.cost)) refuse(`unknown cost '${options.cost}'`, `Use ${either(COSTS)}.`);
  if (!OBJECTIVES.includes(objective)) refuse(`unknown objective '${objective}'`, `Use ${either(OBJECTIVES)}.`);
  if (!Number.isSafeInteger(seed) || seed < 0)
    refuse(`seed ${shown(seed)} is not a non-negative whole number`, 'Use for example --seed 1.');
  if (powerCapWatts !== undefined && !(powerCapWatts > 0 && powerCapWatts < Number.POSITIVE_INFINITY))
    refuse(`a power cap of ${shown(powerCapWatts)} W`, 'It has to be positive, for example 0.5.');

  const more = objective !== 'latency' ? `objective '${objective}'` : powerCapWatts !== undefined ? 'a power cap' : undefined;
  const cost = options.cost ?? (more === undefined ? costs[0]! : 'machine');
  if (!costs.includes(cost))
    refuse(
      `${name} minimises the ${either(costs)}'s cost; the ${cost}'s knows nothing of weights written ahead or data kept on chip`,
      `Leave --cost out, or use another optimizer.`,
    );
  if (more !== undefined && cost === 'paper')
    refuse(`the paper's cost counts cycles only, so it cannot judge ${more}`, 'Use --cost machine.');
  const form = options.form ?? 'as-published';
  const reachable = optimizer.objectives?.(form) ?? ['latency'];
  if (more !== undefined && !reachable.includes(objective === 'latency' ? 'energy' : objective))
    refuse(
      `${name}${optimizer.objectives === undefined ? '' : ` ${form}`} minimises its own objective, which ${more} would not change`,
      optimizer.objectives?.('same-cost').includes('energy')
        ? 'Use --form same-cost.'
        : `Use ${either(['cmswitch', 'static:R', 'joint'])}.`,
    );
  if (options.relaxed === true && (cost === 'machine' || options.prefetch === true))
    refuse('relaxed plans have no whole copies of weights to write', "Use the paper's cost without prefetch.");
  return {
    cost,
    goal: { objective, ...(powerCapWatts !== undefined && { powerCapWatts }) },
    prefetch: (options.prefetch ?? false) || optimizer.alwaysPrefetches === true,
  };
}

function refuse(message: string, next: string): never {
  return fail({ kind: 'usage', message, next });
}
