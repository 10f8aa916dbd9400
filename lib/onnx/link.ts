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
import type { FusedDraft, OperatorBody } from './draft.ts';
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
    const tensor = tensorOf(state, id, role);
    tensors.set(id, tensor);
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

function operatorOf(draft: FusedDraft, state: ImportState, madeBy: ReadonlyMap<TensorId, OperatorId>): Operator {
  const { values, axes } = state;
  const place = (id: TensorId): { shape: readonly number[]; axis: number } => {
    const shape = values.get(id)?.shape ?? [];
    return { shape, axis: axes.get(id) ?? usualAxis(shape.length) };
  };
  const running = draft.body.kind === 'step' ? runningOperand(draft, draft.body, state) : undefined;
  const to = place(draft.output);
  const inputs: Input[] = draft.inputs.map(({ value, reach }) => ({ tensor: value, window: windowOf(reach, place(value), to) }));
  // The running value comes first.
  if (running !== undefined) inputs.sort((a, b) => Number(b.tensor === running) - Number(a.tensor === running));
  const body: OperatorBody =
    draft.body.kind === 'step' ? standalone(stepOf(draft.id, draft.body, running ?? '')) : withProducer(draft.body, madeBy);
  return { id: draft.id, onnxType: draft.onnxType, inputs, output: draft.output, epilogue: draft.steps, ...body };
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
