// Problems: everything that can be wrong with what a user gave us, as data.
// Stages collect Problems; entry points throw one CompileError holding all of them;
// `describe` is the only place where they become words: what, where, numbers, next step.

export type Problem =
  // Files and commands
  | { readonly kind: 'file'; readonly path: string; readonly reason: string; readonly next: string }
  | { readonly kind: 'usage'; readonly message: string; readonly next: string }
  // ONNX -> Graph
  | { readonly kind: 'onnx-file'; readonly path: string; readonly reason: string; readonly next: string }
  | { readonly kind: 'onnx-value'; readonly value: string; readonly reason: string; readonly next: string }
  | { readonly kind: 'onnx-node'; readonly node: string; readonly onnxType: string; readonly reason: string; readonly next: string }
  | {
      readonly kind: 'onnx-operator';
      readonly nodes: readonly string[];
      readonly onnxType: string;
      readonly domain: string;
      readonly opset: number;
    }
  | {
      readonly kind: 'onnx-unbound';
      readonly dimensions: readonly { readonly name: string; readonly tensor: string }[];
      readonly example: string;
    }
  | { readonly kind: 'onnx-binding'; readonly name: string; readonly reason: string; readonly known: readonly string[] }
  // Graph, Plan, Program and Trace invariants
  | { readonly kind: 'graph'; readonly where: string; readonly reason: string }
  | { readonly kind: 'plan'; readonly where: string; readonly reason: string; readonly next: string }
  | { readonly kind: 'trace'; readonly where: string; readonly reason: string }
  // Hardware
  | { readonly kind: 'hardware'; readonly path: string; readonly found: string; readonly expected: string }
  | {
      readonly kind: 'precision';
      readonly hardware: string;
      readonly what: 'weight' | 'activation';
      readonly bits: number;
      readonly known: readonly number[];
      /** Where the chip knows the weights' bits, but not beside activations of these. */
      readonly activationBits?: number;
    }
  // Optimizer
  | {
      readonly kind: 'does-not-fit';
      readonly operator: string;
      readonly arraysNeeded: number;
      readonly arrays: number;
      readonly hardware: string;
      readonly reason: string;
    }
  | {
      /** No plan that was found keeps the cap; `enough` watts would do. */
      readonly kind: 'power-cap';
      readonly capWatts: number;
      readonly leastWatts: number;
      readonly staticWatts: number;
      readonly enoughWatts: number;
    }
  | { readonly kind: 'solver'; readonly solver: string; readonly reason: string; readonly next: string }
  // Sweeps: `where` is a JSON path of the spec, or of a job; `server` has no password in it
  | { readonly kind: 'sweep'; readonly where: string; readonly found: string; readonly expected: string }
  | { readonly kind: 'queue'; readonly server: string; readonly reason: string; readonly next: string }
  // Functional runs: operators, tensors and inputs that cannot be computed on real numbers
  | { readonly kind: 'run'; readonly where: string; readonly reason: string; readonly next: string }
  // Program text and program checks
  | { readonly kind: 'syntax'; readonly line: number; readonly column: number; readonly found: string; readonly expected: string }
  | { readonly kind: 'program'; readonly rule: ProgramRule; readonly where: string; readonly reason: string; readonly next: string };

/** Rules of the static verifier, one name each; tests and docs refer to them. */
export type ProgramRule =
  | 'hardware'
  | 'reference'
  | 'mode'
  | 'array-busy'
  | 'weights'
  | 'use-before-write'
  | 'coverage'
  | 'capacity'
  | 'overlap'
  | 'exactly-once'
  | 'cyclic-wait'
  | 'manifest'
  | 'shape';

export type ProblemKind = Problem['kind'];

/** Thrown by every entry point: all problems of one input, never only the first. */
export class CompileError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(describeAll(problems));
    this.name = 'CompileError';
    this.problems = problems;
  }
}

/** Throws a CompileError when there are problems. */
export function failOn(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new CompileError(problems);
}

/** Throws CompileError with a single problem. */
export function fail(problem: Problem): never {
  throw new CompileError([problem]);
}

/** A broken invariant: a defect of ours, never of the input. */
export function internal(message: string): Error {
  return new Error(`internal: ${message}`);
}

export function assertNever(value: never): never {
  throw internal(`unexpected ${JSON.stringify(value)}`);
}

const MOST_SHOWN = 12;

function describeAll(problems: readonly Problem[]): string {
  const shown = problems.slice(0, MOST_SHOWN).map(describe);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`... and ${more} more problem${more === 1 ? '' : 's'}.`] : [])].join('\n');
}

/** "a, b, c and 5 more". */
function listed(names: readonly string[]): string {
  const more = names.length - MOST_SHOWN;
  return more <= 0 ? names.join(', ') : `${names.slice(0, MOST_SHOWN).join(', ')} and ${more} more`;
}

/** One message, in plain words. */
export function describe(problem: Problem): string {
  switch (problem.kind) {
    case 'file':
      return `${problem.path}: ${problem.reason}. ${problem.next}`;
    case 'usage':
      return `${problem.message}. ${problem.next}`;
    case 'onnx-file':
      return `${problem.path}: ${problem.reason}. ${problem.next}`;
    case 'onnx-value':
      return `Value '${problem.value}' ${problem.reason}. ${problem.next}`;
    case 'onnx-node':
      return `Node '${problem.node}' (${problem.onnxType}): ${problem.reason}. ${problem.next}`;
    case 'onnx-operator':
      return (
        `Operator ${problem.domain === '' ? '' : `${problem.domain}.`}${problem.onnxType} (opset ${problem.opset}) is not supported; ` +
        `${problem.nodes.length} node${problem.nodes.length === 1 ? '' : 's'} use it, the first is '${problem.nodes[0]}'. ` +
        'CONTRIBUTING.md says how to add an operator.'
      );
    case 'onnx-unbound':
      return (
        `Symbolic dimension${problem.dimensions.length === 1 ? '' : 's'} without a value: ` +
        `${listed(problem.dimensions.map((d) => `'${d.name}' of '${d.tensor}'`))}. Bind ${problem.dimensions.length === 1 ? 'it' : 'them'}, for example: ${problem.example}`
      );
    case 'onnx-binding':
      return `Binding '${problem.name}': ${problem.reason}. ${
        problem.known.length > 0
          ? `The model's symbolic dimensions are: ${listed(problem.known)}.`
          : 'The model has no symbolic dimensions; leave the binding out.'
      }`;
    case 'graph':
      return `Graph: ${problem.where}: ${problem.reason}.`;
    case 'plan':
      return `Plan: ${problem.where}: ${problem.reason}. ${problem.next}`;
    case 'trace':
      return `Trace: ${problem.where}: ${problem.reason}.`;
    case 'hardware':
      return `${problem.path}: found ${problem.found}, expected ${problem.expected}.`;
    case 'precision':
      return (
        `Chip '${problem.hardware}' has no numbers for ${problem.bits}-bit ${problem.what}s` +
        `${problem.activationBits === undefined ? '' : ` with ${problem.activationBits}-bit activations`}; it knows ${problem.known.join(', ') || 'none'}. ` +
        `Use --${problem.what}-bits ${problem.known[0] ?? 8} or add the entry to its file.`
      );
    case 'does-not-fit':
      return (
        `Operator '${problem.operator}' needs ${problem.arraysNeeded} of the arrays of chip '${problem.hardware}' to compute (${problem.reason}); ` +
        `${problem.arrays} may. Choose a chip with more or larger arrays, or let more of them compute.`
      );
    case 'power-cap':
      return (
        `no plan found draws at most ${problem.capWatts} W on average: the thriftiest draws ${problem.leastWatts.toPrecision(3)} W, ` +
        `${problem.staticWatts.toPrecision(3)} W of it leakage and refresh. Use --power-cap ${problem.enoughWatts}, or another chip.`
      );
    case 'solver':
      return `Solver '${problem.solver}': ${problem.reason}. ${problem.next}`;
    case 'sweep':
      return `Sweep: ${problem.where}: found ${problem.found}, expected ${problem.expected}.`;
    case 'queue':
      return `Queue ${problem.server}: ${problem.reason}. ${problem.next}`;
    case 'run':
      return `Run: ${problem.where}: ${problem.reason}. ${problem.next}`;
    case 'syntax':
      return `Line ${problem.line}, column ${problem.column}: found ${problem.found}, expected ${problem.expected}.`;
    case 'program':
      return `${problem.where}: ${problem.reason} [${problem.rule}]. ${problem.next}`;
    default:
      return assertNever(problem);
  }
}
