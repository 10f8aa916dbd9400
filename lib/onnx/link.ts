// Link: drafts -> Graph. Tensors with their roles, windows with their numbers, run-time operands with their producers.

import type { Problem } from '../base/problem.ts';
import {
  type EpilogueStep,
  type Graph,
  type Input,
  type Operator,
  type OperatorId,
  operandsOf,
  type Tensor,
  type TensorId,
  type TensorRole,
  usualAxis,
} from '../ir/graph.ts';
import type { DraftInput, FusedDraft, OperatorBody, Reach } from './draft.ts';
import { runningOperand, stepOf } from './fuse.ts';
import { hashOf } from './hash.ts';
import type { ImportState } from './import-state.ts';
import { streamed } from './layout.ts';
import { elementCount, shapeText } from './model.ts';
import { windowOf } from './windows.ts';

export function link(state: ImportState, problems: Problem[]): string {
  const { model, bindings } = state;
  const tensors = new Map<TensorId, Tensor>();
  const outputs = new Set(model.outputs);
  const addTensor = (id: TensorId, role: TensorRole): void => {
    if (tensors.has(id)) return;
    const quantization = quantizationOf(state, id);
    const tensor = { ...tensorOf(state, id, role), ...(quantization === undefined ? {} : { quantization }) };
    tensors.set(id, tensor);
    for (const by of [quantization?.scale, quantization?.zeroPoint]) if (by !== undefined) addTensor(by, 'weight');
    if (elementCount(tensor.shape) > 0) return;
    const reason = `has shape ${shapeText(tensor.shape)} and no elements, and an operator reads it`;
    problems.push({ kind: 'onnx-value', value: id, reason, next: 'Check the model with onnx.checker.' });
  };

  const inputs = model.inputs.map(({ name }) => name).filter((name) => !state.values.get(name)?.constant);
  for (const name of inputs) addTensor(name, 'input');
  const madeBy = new Map<TensorId, OperatorId>();
  const operators = state.fused.map((draft): Operator => {
    const operator = operatorOf(draft, state, madeBy);
    for (const id of operandsOf(operator)) if (state.values.get(id)?.constant) addTensor(id, 'weight');
    // What nobody makes and nobody is given is left from the pass before: the state of a recurrent layer.
    for (const { tensor } of operator.inputs) addTensor(tensor, 'state');
    addTensor(operator.output, outputs.has(operator.output) ? 'output' : 'activation');
    madeBy.set(operator.output, operator.id);
    return operator;
  });
  // An output that doesn't depend on the input.
  for (const id of model.outputs) addTensor(id, 'weight');

  const graph: Graph = {
    noun: 'graph',
    schemaVersion: 1,
    name: state.name ?? (model.graphName || 'model'),
    hash: hashOf(state.bytes, bindings),
    bindings,
    inputs,
    outputs: model.outputs,
    tensors: [...tensors.values()],
    operators,
    blocks: [],
    caches: [],
  };
  state.graph = graph;
  return `${graph.operators.length} operators, ${graph.tensors.length} tensors`;
}

function tensorOf({ values, axes }: ImportState, id: TensorId, role: TensorRole): Tensor {
  const { dtype = 'float32', shape = [] } = values.get(id) ?? {};
  const usual = usualAxis(shape.length);
  const axis = axes.get(id) ?? usual;
  return { id, role, dtype, shape, ...streamed(shape, axis), ...(axis === usual ? {} : { axis }) };
}

/** How a value is stored, if by constants: the model's own quantisation. */
function quantizationOf({ values }: ImportState, id: TensorId): Tensor['quantization'] {
  const { scale, zeroPoint, axis, blockSize } = values.get(id)?.quantized ?? {};
  if (scale === undefined && zeroPoint === undefined) return undefined;
  if ([scale, zeroPoint].some((by) => by !== undefined && values.get(by)?.constant !== true)) return undefined;
  return {
    ...(scale === undefined ? {} : { scale }),
    ...(zeroPoint === undefined ? {} : { zeroPoint }),
    ...(axis === undefined ? {} : { axis }),
    ...(blockSize === undefined ? {} : { blockSize }),
  };
}

function operatorOf(draft: FusedDraft, state: ImportState, madeBy: ReadonlyMap<TensorId, OperatorId>): Operator {
  const { values, axes } = state;
  const place = (id: TensorId): { shape: readonly number[]; axis: number } => {
    const shape = values.get(id)?.shape ?? [];
    return { shape, axis: axes.get(id) ?? usualAxis(shape.length) };
  };
  const running = draft.body.kind === 'step' ? runningOperand(draft, draft.body, state) : undefined;
  const to = place(draft.output);
  const inputs: Input[] = draft.inputs.map((input) => ({
    tensor: input.value,
    window: windowOf(reachOf(input, place), place(input.value), to),
  }));
  // The running value comes first.
  if (running !== undefined) inputs.sort((a, b) => Number(b.tensor === running) - Number(a.tensor === running));
  const body: OperatorBody =
    draft.body.kind === 'step' ? standalone(stepOf(draft.id, draft.body, running ?? '')) : withProducer(draft.body, madeBy);
  return { id: draft.id, onnxType: draft.onnxType, inputs, output: draft.output, epilogue: draft.steps, ...body };
}

/** Vectors that lie across the positions of their tensor, because another reader wanted those, need all of it. */
function reachOf({ value, reach, wants }: DraftInput, place: (id: TensorId) => { shape: readonly number[]; axis: number }): Reach {
  const { shape, axis } = place(value);
  return reach.kind === 'positionwise' && wants !== undefined && wants !== axis ? { kind: 'whole', samples: shape[0] ?? 1 } : reach;
}

/** A step nobody took in: an operator of its own. */
function standalone({ class: kind, function: name, parameters, operands }: EpilogueStep): OperatorBody {
  if (kind === 'activation') return { kind, attrs: { function: name, parameters } };
  return { kind: 'elementwise', attrs: { function: name, operands, ...(parameters.length === 0 ? {} : { parameters }) } };
}

function withProducer(body: OperatorBody, madeBy: ReadonlyMap<TensorId, OperatorId>): OperatorBody {
  if (body.kind !== 'matMul' || !body.attrs.dynamic) return body;
  const producer = madeBy.get(body.attrs.weight);
  return producer === undefined ? body : { kind: 'matMul', attrs: { ...body.attrs, producer } };
}
