// One of ONNX's backend node tests against the import: are the outputs' types and shapes those recorded?
// Inputs are given by shape only; where a shape depends on their values, those of whole numbers and, if need be, all
// become constants. Used by `npm run conformance` on all tests, and on a record of some of them in `npm test`.

import proto, { type onnx } from 'onnx-proto';
import { CompileError, describe } from '../../lib/base/problem.ts';
import { dtypeOf } from '../../lib/onnx/dtype.ts';
import { runImport } from '../../lib/onnx/import-onnx.ts';

/** What conformance.py prints. */
export interface RecordedTest {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly { readonly name: string; readonly tensor: string | null }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] | null; readonly type: number }[];
}

export interface NodeTest {
  readonly name: string;
  readonly model: onnx.IModelProto;
  readonly inputs: readonly onnx.ITensorProto[];
  /** `shape` is undefined for a sequence or nothing at all. */
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] | undefined; readonly type: number }[];
}

export const CONSTANTS = ['none', 'integers', 'all'] as const;
/** Which inputs are constants. */
export type Constants = (typeof CONSTANTS)[number];

export type Verdict =
  | { readonly kind: 'passed'; readonly constants: Constants }
  | { readonly kind: 'wrong'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'excluded'; readonly reason: string };

export function nodeTest({ name, model, inputs, outputs }: RecordedTest): NodeTest {
  return {
    name,
    model: proto.onnx.ModelProto.decode(Buffer.from(model, 'base64')),
    inputs: inputs.flatMap(({ tensor }) => (tensor === null ? [] : [proto.onnx.TensorProto.decode(Buffer.from(tensor, 'base64'))])),
    outputs: outputs.map(({ name, shape, type }) => ({ name, shape: shape ?? undefined, type })),
  };
}

const CONTROL_FLOW = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

/** Why a test is not among those that count: control flow and training are none of the import's business. */
export function exclusion({ name, model }: NodeTest): string | undefined {
  const nodes = model.graph?.node ?? [];
  const controlFlow = nodes.find(({ opType }) => CONTROL_FLOW.has(opType ?? ''));
  if (controlFlow !== undefined) return `control flow (${controlFlow.opType})`;
  const training = nodes.some(({ domain }) => domain?.includes('training')) || name.includes('training_mode') || name.includes('_train_');
  return training ? 'training' : undefined;
}

const FLOATING = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/** Whether an input is a constant. */
export function isConstant({ dataType }: onnx.ITensorProto, constants: Constants): boolean {
  return constants === 'all' || (constants === 'integers' && !FLOATING.has(dtypeOf(dataType ?? 0) ?? ''));
}

/** The bytes of a test's model with some of its inputs as initialisers. */
export function modelBytes({ model, inputs }: Pick<NodeTest, 'model' | 'inputs'>, constants: Constants): Uint8Array {
  const chosen = inputs.filter((tensor) => isConstant(tensor, constants));
  const names = new Set(chosen.map(({ name }) => name));
  const { graph, ...rest } = model;
  return proto.onnx.ModelProto.encode({
    ...rest,
    graph: {
      ...graph,
      input: (graph?.input ?? []).filter(({ name }) => !names.has(name)),
      initializer: [...(graph?.initializer ?? []), ...chosen],
    },
  }).finish();
}

/** Whether the import gives the recorded types and shapes. */
export function judge(test: NodeTest): Verdict {
  const reason = exclusion(test);
  if (reason !== undefined) return { kind: 'excluded', reason };
  let refusal = '';
  for (const constants of CONSTANTS) {
    try {
      const { values } = runImport(modelBytes(test, constants), {}, 'infer');
      for (const { name, shape, type } of test.outputs) {
        if (name === '') continue;
        const value = values.get(name);
        const [found, wanted] = [value?.shape.join(), shape?.join()];
        if (found !== wanted) return { kind: 'wrong', reason: `'${name}' has shape [${found}], recorded is [${wanted}]` };
        if (shape !== undefined && value?.dtype !== dtypeOf(type))
          return { kind: 'wrong', reason: `'${name}' is of ${value?.dtype}, recorded is ${dtypeOf(type)}` };
      }
      return { kind: 'passed', constants };
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const [problem] = error.problems;
      if (refusal === '' && problem !== undefined) refusal = describe(problem);
    }
  }
  return { kind: 'refused', reason: refusal };
}

/** Whether a graph is made of a test's model: what keeps it from being made, or undefined. Only for models that have inputs left. */
export function graphProblem(test: NodeTest, constants: Constants): string | undefined {
  try {
    runImport(modelBytes(test, constants));
    return undefined;
  } catch (error) {
    return error instanceof CompileError && error.problems[0] !== undefined ? describe(error.problems[0]) : String(error);
  }
}
