// Network: drafts with who makes and who reads each value, as the rewrites of simplify/ need it.
// Rewrites are functions of drafts to drafts; values they make are added to the import's, and nothing is changed in place.

import type { Draft, DraftInput, StepBody } from '../draft.ts';
import type { ImportState } from '../import-state.ts';
import type { Value } from '../model.ts';

export interface Network {
  readonly drafts: readonly Draft[];
  readonly values: Map<string, Value>;
  /** Outputs of the network: they keep their names. */
  readonly outputs: ReadonlySet<string>;
  readonly producer: ReadonlyMap<string, Draft>;
  /** How many drafts (each once) and outputs of the network read a value. */
  readonly uses: ReadonlyMap<string, number>;
}

export type StepDraft = Draft & { readonly body: StepBody };

export function networkOf({ drafts, values, model }: Pick<ImportState, 'drafts' | 'values' | 'model'>): Network {
  const outputs = new Set(model.outputs);
  const uses = new Map<string, number>();
  const use = (value: string): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  const producer = new Map<string, Draft>();
  for (const draft of drafts) {
    const { inputs, output } = draft;
    for (const [i, { value }] of inputs.entries()) if (inputs.findIndex((input) => input.value === value) === i) use(value);
    producer.set(output, draft);
  }
  for (const value of outputs) use(value);
  return { drafts, values, outputs, producer, uses };
}

export function isStep(draft: Draft | undefined): draft is StepDraft {
  return draft?.body.kind === 'step';
}

/** The only element of a constant; undefined if there are more, or it isn't known. */
export function scalarOf({ values }: Pick<Network, 'values'>, value: string): number | undefined {
  const { constant, shape = [], elements } = values.get(value) ?? {};
  if (constant !== true || shape.some((size) => size !== 1)) return undefined;
  return elements?.()?.[0];
}

/** A name no value has, made of another. */
export function freshName({ values }: Pick<Network, 'values'>, name: string): string {
  let fresh = name;
  while (values.has(fresh)) fresh += '_';
  return fresh;
}

/** A step on the elements of `value`, of its shape. */
export function unaryStep(draft: Draft, value: string, name: string, parameters: readonly number[], rank: number): StepDraft {
  const axes = Array.from({ length: rank + 1 }, (_, axis) => axis);
  const input: DraftInput = { value, reach: { kind: 'aligned' }, axes };
  return { ...draft, body: { kind: 'step', class: 'activation', function: name, parameters, operands: [value] }, inputs: [input] };
}

/** Drafts without those that nobody reads any more. */
export function withoutUnread(drafts: readonly Draft[], outputs: ReadonlySet<string>): Draft[] {
  const read = new Set(outputs);
  const kept = drafts.toReversed().filter(({ inputs, output }) => {
    if (!read.has(output)) return false;
    for (const { value } of inputs) read.add(value);
    return true;
  });
  return kept.reverse();
}
