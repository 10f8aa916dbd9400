// Verify: every invariant of a Graph that is broken, as problems; none for a graph the other stages may rely on.

import type { Problem } from '../base/problem.ts';
import type { Window } from '../base/shapes.ts';
import { type Graph, isMatrix, type MatrixOperator, type Operator, operandsOf, type Tensor, type TensorId, tensorsOf } from './graph.ts';
import { verifyBlocks } from './verify-blocks.ts';

/** All broken invariants, in the order of the graph. */
export function verifyGraph(graph: Graph): Problem[] {
  const problems: Problem[] = [];
  const report = (where: string, reason: string): void => void problems.push({ kind: 'graph', where, reason });
  const tensors = tensorsOf(graph);
  checkTensors(graph, tensors, report);
  checkEnds(graph, tensors, report);
  checkIds(graph, report);

  /** Tensor -> index of the operator that made it. */
  const made = new Map<TensorId, number>();
  for (const [i, operator] of graph.operators.entries()) {
    checkOperator(operator, graph, tensors, made, report);
    made.set(operator.output, i);
  }
  for (const { id, role } of graph.tensors) {
    if ((role === 'activation' || role === 'output') && !made.has(id))
      report(`tensor '${id}'`, `has role ${role}, and no operator makes it`);
  }
  verifyBlocks(graph, report);
  checkCaches(graph, report);
  return problems;
}

type Report = (where: string, reason: string) => void;

function checkTensors(graph: Graph, tensors: ReadonlyMap<TensorId, Tensor>, report: Report): void {
  if (tensors.size !== graph.tensors.length) {
    const seen = new Set<TensorId>();
    for (const { id } of graph.tensors) {
      if (seen.has(id)) report(`tensor '${id}'`, 'is there more than once');
      seen.add(id);
    }
  }
  for (const { id, shape, positions, features, quantization } of graph.tensors) {
    const where = `tensor '${id}'`;
    if (id === '') report(where, 'has an empty id');
    if (!shape.every(isCount)) report(where, `has shape [${shape.join(', ')}]; dimensions are whole numbers from 1`);
    const elements = shape.reduce((count, dimension) => count * dimension, 1);
    if (positions * features !== elements) report(where, `has ${positions} positions of ${features} features, and ${elements} elements`);
    for (const other of [quantization?.scale, quantization?.zeroPoint]) {
      if (other !== undefined && !tensors.has(other)) report(where, `is quantised by '${other}', which is not a tensor`);
    }
  }
  for (const [name, size] of Object.entries(graph.bindings)) {
    if (!Number.isSafeInteger(size) || size < 0) report(`binding '${name}'`, `is ${size}; sizes are whole numbers from 0`);
  }
}

function checkEnds(graph: Graph, tensors: ReadonlyMap<TensorId, Tensor>, report: Report): void {
  for (const id of graph.inputs) {
    const role = tensors.get(id)?.role;
    if (role !== 'input' && role !== 'state') report(`input '${id}'`, role === undefined ? 'is not a tensor' : `has role ${role}`);
  }
  for (const id of graph.outputs) if (!tensors.has(id)) report(`output '${id}'`, 'is not a tensor');
  const inputs = new Set(graph.inputs);
  for (const { id, role } of graph.tensors)
    if (role === 'input' && !inputs.has(id)) report(`tensor '${id}'`, 'has role input, and is not listed as one');
}

function checkIds(graph: Graph, report: Report): void {
  const seen = new Set<string>();
  for (const { id, epilogue } of graph.operators) {
    for (const one of [id, ...epilogue.map((step) => step.id)]) {
      if (one === '') report('an operator', 'has an empty id');
      if (seen.has(one)) report(`operator '${one}'`, 'is there more than once');
      seen.add(one);
    }
  }
}

function checkOperator(
  operator: Operator,
  graph: Graph,
  tensors: ReadonlyMap<TensorId, Tensor>,
  made: ReadonlyMap<TensorId, number>,
  report: Report,
): void {
  const where = `operator '${operator.id}'`;
  const output = tensors.get(operator.output);
  if (output === undefined) return report(where, `makes '${operator.output}', which is not a tensor`);
  if (output.role === 'input' || output.role === 'weight') report(where, `makes '${output.id}', whose role is ${output.role}`);
  if (made.has(output.id)) report(where, `makes '${output.id}', which an operator before it makes, too`);
  if (operator.inputs.length === 0) report(where, 'reads nothing');

  for (const { tensor: id, window } of operator.inputs) {
    const tensor = tensors.get(id);
    if (tensor === undefined) report(where, `reads '${id}', which is not a tensor`);
    else if (tensor.role === 'weight') report(where, `lists weight '${id}' among its inputs`);
    else if (tensor.role !== 'input' && tensor.role !== 'state' && !made.has(id)) report(where, `reads '${id}' before it is made`);
    if (tensor !== undefined) checkWindow(window, tensor, output, `${where}, input '${id}'`, report);
  }
  const read = new Set(operator.inputs.map(({ tensor }) => tensor));
  for (const id of operandsOf(operator)) {
    const tensor = tensors.get(id);
    if (tensor === undefined) report(where, `has operand '${id}', which is not a tensor`);
    else if (tensor.role !== 'weight' && !read.has(id)) report(where, `has operand '${id}', which is not among its inputs`);
  }
  if (isMatrix(operator)) checkMatrix(operator, tensors, output, graph, made, where, report);
}

function checkWindow(window: Window, input: Tensor, output: Tensor, where: string, report: Report): void {
  const { samples, rowsIn, widthIn, rowsOut, widthOut, stride, reach, lead } = window;
  if (![samples, rowsIn, widthIn, rowsOut, widthOut, stride].every(isCount) || !Number.isInteger(reach) || !Number.isInteger(lead)) {
    return report(where, 'has a window that is not of whole numbers');
  }
  if (samples * rowsIn * widthIn !== input.positions)
    report(where, `has a window over ${samples * rowsIn * widthIn} of its ${input.positions} positions`);
  if (samples * rowsOut * widthOut !== output.positions) {
    report(where, `has a window for ${samples * rowsOut * widthOut} output positions; '${output.id}' has ${output.positions}`);
  }
}

function checkMatrix(
  operator: MatrixOperator,
  tensors: ReadonlyMap<TensorId, Tensor>,
  output: Tensor,
  graph: Graph,
  made: ReadonlyMap<TensorId, number>,
  where: string,
  report: Report,
): void {
  const { m, n, k, groups } = operator.attrs.matrix;
  if (![m, n, k, groups].every(isCount))
    return report(where, `is a product of ${m} x ${n} x ${k} in ${groups} groups, which are not whole numbers from 1`);
  // Groups of a convolution share their positions; those of a batched product have positions of their own.
  const shared = output.positions === m && output.features === k * groups;
  const apart = output.positions === m * groups && output.features === k;
  if (!shared && !(apart && operator.kind === 'matMul')) {
    report(
      where,
      `makes ${m} vectors of ${k} in ${groups} groups, and '${output.id}' has ${output.positions} positions of ${output.features} features`,
    );
  }
  const weight = tensors.get(operator.attrs.weight);
  if (weight !== undefined && weight.positions * weight.features !== n * k * groups) {
    report(where, `has a weight of ${weight.positions * weight.features} elements; ${n} x ${k} in ${groups} groups are ${n * k * groups}`);
  }
  if (operator.kind === 'conv') {
    if (weight !== undefined && weight.role !== 'weight') report(where, `has weight '${weight.id}', whose role is ${weight.role}`);
    return;
  }
  const { dynamic, producer } = operator.attrs;
  if (weight !== undefined && dynamic === (weight.role === 'weight'))
    report(where, `is ${dynamic ? '' : 'not '}dynamic, and the role of '${weight.id}' is ${weight.role}`);
  if (producer !== undefined && graph.operators[made.get(operator.attrs.weight) ?? -1]?.id !== producer) {
    report(where, `says that '${producer}' makes '${operator.attrs.weight}', which it doesn't`);
  }
}

function checkCaches(graph: Graph, report: Report): void {
  const products = new Set(graph.operators.filter((operator) => operator.kind === 'matMul' && operator.attrs.dynamic).map(({ id }) => id));
  const [inputs, outputs] = [new Set(graph.inputs), new Set(graph.outputs)];
  for (const { operator, kind, past, present, tokens, elementsPerToken } of graph.caches) {
    const where = `${kind} cache of operator '${operator}'`;
    if (!products.has(operator)) report(where, 'is read by no dynamic product of that name');
    if (past !== undefined && !inputs.has(past)) report(where, `has its past in '${past}', which is not an input`);
    if (present !== undefined && !outputs.has(present)) report(where, `has its present in '${present}', which is not an output`);
    if (past === undefined && present === undefined) report(where, 'has neither past nor present');
    if (!isCount(tokens) || !isCount(elementsPerToken))
      report(where, `has ${tokens} tokens of ${elementsPerToken} elements, which are not whole numbers from 1`);
  }
}

/** A whole number from 1 that can be counted with. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
