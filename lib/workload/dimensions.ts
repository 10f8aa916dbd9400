// Dimensions: which symbolic dimensions of a model's inputs are the workload's -> the numbers they have in a pass.
// The rule: by name (`batch`, `sequence`, `past`, `total` and what exporters call them); failing that, by place:
// token inputs are [batch, sequence], caches [batch, heads, past, size], masks [batch, total]. What is bound by hand is left alone.

import { fail } from '../base/problem.ts';
import { contextOf, type Pass } from './workload.ts';

/** An input as the model file gives it: sizes, names, formulas of names ('past + sequence'), or nothing. */
export interface ModelInput {
  readonly name: string;
  readonly dimensions: readonly (number | string | undefined)[];
}

export const ROLES = ['batch', 'sequence', 'past', 'total'] as const;
/** `total` is past + sequence where a model has a name of its own for it. */
export type Role = (typeof ROLES)[number];

/** Which dimensions have a role, by name; what the inputs hold of each. */
export interface WorkloadDimensions {
  readonly roles: ReadonlyMap<string, Role>;
  /** Whether the model takes a KV cache. */
  readonly hasPast: boolean;
  /** New tokens of a pass where the model fixes them: an export for decoding alone has 1. */
  readonly fixedSequence?: number;
  /** Names without a role, with the input they are of. */
  readonly others: readonly { readonly name: string; readonly input: string }[];
}

/** Names in use by torch.onnx, Optimum, transformers and onnxruntime-genai. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  batch: ['batch', 'batch_size', 'N'],
  sequence: ['sequence', 'sequence_length', 'seq', 'seq_len', 'seq_length', 'decoder_sequence_length'],
  past: ['past', 'past_sequence_length', 'past_seq_len', 'past_length', 'past_len', 'past_decoder_sequence_length'],
  total: ['total', 'total_sequence_length', 'total_seq_len', 'total_length', 'kv_sequence_length'],
};
const ROLE_OF = new Map(ROLES.flatMap((role) => NAMES[role].map((name) => [name, role] as const)));

const TOKENS = /^(input_ids|inputs_embeds|position_ids|token_type_ids|tokens)$/;
const MASK = /mask$/;
const CACHE = /past|cache/i;
const SYMBOL = /^[A-Za-z_][\w.]*$/;
const SYMBOLS = /[A-Za-z_][\w.]*/g;
/** Functions in formulas. */
const FUNCTIONS = /^(max|min|floor|ceil|ceiling)$/i;

/** The workload's dimensions among a model's; `bound` are the names that the caller binds. */
export function dimensionsOf(inputs: readonly ModelInput[], bound: readonly string[] = []): WorkloadDimensions {
  const roles = new Map<string, Role>();
  const firstUse = new Map<string, string>();
  const free = (name: string): boolean => !bound.includes(name);
  for (const { name: input, dimensions } of inputs) {
    for (const [axis, dimension] of dimensions.entries()) {
      if (typeof dimension === 'number') continue;
      for (const name of namesIn(dimension ?? `${input}.${axis}`)) {
        if (!firstUse.has(name)) firstUse.set(name, input);
        const isWhole = dimension === undefined || name === dimension;
        const role = ROLE_OF.get(name) ?? (isWhole ? roleAt(input, axis, dimensions.length) : undefined);
        if (role !== undefined && free(name) && !roles.has(name)) roles.set(name, role);
      }
    }
  }
  const fixed = inputs.find(({ name, dimensions: [, tokens] }) => /^(input_ids|inputs_embeds)$/.test(name) && typeof tokens === 'number');
  return {
    roles,
    hasPast: [...roles.values()].includes('past'),
    ...(fixed !== undefined && { fixedSequence: fixed.dimensions[1] as number }),
    others: [...firstUse].filter(([name]) => free(name) && !roles.has(name)).map(([name, input]) => ({ name, input })),
  };
}

/** Names in a dimension that may be a formula. */
function namesIn(dimension: string): readonly string[] {
  if (SYMBOL.test(dimension)) return [dimension];
  return (dimension.match(SYMBOLS) ?? []).filter((name) => !FUNCTIONS.test(name));
}

/** The part a dimension takes by the place it has. */
function roleAt(input: string, axis: number, rank: number): Role | undefined {
  if (CACHE.test(input) && rank >= 3) return axis === rank - 2 ? 'past' : axis === rank - 4 ? 'batch' : undefined;
  if (axis === 0) return TOKENS.test(input) || MASK.test(input) ? 'batch' : undefined;
  if (axis !== 1) return undefined;
  return TOKENS.test(input) ? 'sequence' : MASK.test(input) ? 'total' : undefined;
}

/** Sizes of the workload's dimensions in a pass. Throws `usage` if the model cannot run it. */
export function bindingsOf(dimensions: WorkloadDimensions, batch: number, pass: Pass): Readonly<Record<string, number>> {
  const { roles, hasPast, fixedSequence, others } = dimensions;
  const [other] = others;
  if (other !== undefined) {
    fail({
      kind: 'usage',
      message: `dimension '${other.name}' of input '${other.input}' is none that a workload sets (batch, sequence, past)`,
      next: `Bind it by hand, for example --bind ${other.name}=1, and leave the others to --batch, --prompt and --generate.`,
    });
  }
  const present = new Set(roles.values());
  if (fixedSequence === undefined && !present.has('sequence')) {
    fail({
      kind: 'usage',
      message: 'a prompt for a model without a dimension for the tokens of a pass',
      next: "A language model has an input [batch, sequence], such as input_ids; leave --prompt and --generate out, or name it 'sequence' when exporting.",
    });
  }
  if (fixedSequence !== undefined && fixedSequence !== pass.sequence) {
    fail({
      kind: 'usage',
      message: `the model takes ${fixedSequence} new token${fixedSequence === 1 ? '' : 's'} a pass, and ${pass.kind} needs ${pass.sequence}`,
      next: "Export it with a symbolic 'sequence', or give a model for prefill and one for decoding.",
    });
  }
  if (pass.past > 0 && !hasPast) {
    fail({
      kind: 'usage',
      message: `the model has no input for the KV cache, so nothing can be generated behind ${pass.past} tokens`,
      next: 'Leave --generate out, or export the model with its cache (use_cache, past_key_values).',
    });
  }
  const sizes: Readonly<Record<Role, number>> = { batch, sequence: pass.sequence, past: pass.past, total: contextOf(pass) };
  return Object.fromEntries([...roles].map(([name, role]) => [name, sizes[role]]));
}
