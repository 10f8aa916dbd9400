// Fuse: an elementwise operator joins the operator that makes its running operand, as a step on the way out.
// That value must have no other use, and any other activation the step reads must be there before the producer runs; so
// a residual addition joins the later of its two producers. What can't join stays, an operator of its own.

import type { EpilogueStep } from '../ir/graph.ts';
import type { Draft, DraftInput, StepBody } from './draft.ts';
import type { ImportState } from './import-state.ts';

interface Host {
  readonly draft: Draft;
  readonly inputs: DraftInput[];
  output: string;
  readonly steps: EpilogueStep[];
}

export function fuse(state: ImportState): string {
  const hosts: Host[] = [];
  /** Value -> index of the host that makes it. */
  const producer = new Map<string, number>();
  const uses = countUses(state);

  for (const draft of state.drafts) {
    const at = draft.body.kind === 'step' ? hostOf(draft, draft.body, hosts, producer, uses, state) : undefined;
    const host = at === undefined ? undefined : hosts[at];
    if (at === undefined || host === undefined || draft.body.kind !== 'step') {
      producer.set(draft.output, hosts.length);
      hosts.push({ draft, inputs: [...draft.inputs], output: draft.output, steps: [] });
      continue;
    }
    host.steps.push(stepOf(draft.id, draft.body, host.output));
    for (const input of draft.inputs) if (input.value !== host.output) host.inputs.push(input);
    host.output = draft.output;
    producer.set(draft.output, at);
    if (state.fates.has(draft.id)) state.fates.set(draft.id, 'step');
  }
  state.fused = hosts.map(({ draft, inputs, output, steps }) => ({ ...draft, inputs, output, steps }));
  return `${hosts.length} operators, ${state.drafts.length - hosts.length} fused into them`;
}

/** How many operators and outputs of the network read each value. */
function countUses({ drafts, model }: ImportState): Map<string, number> {
  const uses = new Map<string, number>();
  const use = (value: string): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of drafts) for (const { value } of inputs) use(value);
  for (const value of model.outputs) use(value);
  return uses;
}

/** Index of the host a step can join: the last of those that make its activations. */
function hostOf(
  draft: Draft,
  body: StepBody,
  hosts: readonly Host[],
  producer: ReadonlyMap<string, number>,
  uses: ReadonlyMap<string, number>,
  { values, axes }: ImportState,
): number | undefined {
  let at = -1;
  for (const { value } of draft.inputs) at = Math.max(at, producer.get(value) ?? -1);
  const host = hosts[at];
  if (host === undefined || host.draft.body.kind === 'view') return undefined;
  const running = host.output;
  if (uses.get(running) !== 1 || !canRun(body, running)) return undefined;
  const sameShape = values.get(running)?.shape.join() === values.get(draft.output)?.shape.join();
  return sameShape && axes.get(running) === axes.get(draft.output) ? at : undefined;
}

function canRun(body: StepBody, value: string): boolean {
  const place = body.operands.indexOf(value);
  return place === 0 || (place > 0 && (body.symmetric === true || body.placed === true || body.reversed !== undefined));
}

/** The step with `running` as its running operand. */
export function stepOf(id: string, body: StepBody, running: string): EpilogueStep {
  const place = body.operands.indexOf(running);
  return {
    id,
    class: body.class,
    function: place > 0 && body.reversed !== undefined ? body.reversed : body.function,
    parameters: body.placed ? [...body.parameters, place] : body.parameters,
    operands: body.operands.filter((_, i) => i !== place),
  };
}

/** The running operand of a step that stays an operator: the first that has the output's shape, else the first that may be. */
export function runningOperand(draft: Draft, body: StepBody, { values }: ImportState): string {
  const shape = values.get(draft.output)?.shape.join();
  const candidates = draft.inputs.map(({ value }) => value).filter((value) => canRun(body, value));
  return candidates.find((value) => values.get(value)?.shape.join() === shape) ?? candidates[0] ?? '';
}
