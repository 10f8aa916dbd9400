// Print: a Graph as text, a line an operator: what it computes, from which shape to which, and what is fused into it.

import { type Graph, isMatrix, type Operator, type TensorId, tensorsOf } from './graph.ts';

/** The listing, one operator a line, with the network's totals first. */
export function printGraph(graph: Graph): string {
  const tensors = tensorsOf(graph);
  const shape = (id: TensorId): string => `[${tensors.get(id)?.shape.join(', ') ?? '?'}]`;
  const bindings = Object.entries(graph.bindings).map(([name, size]) => `${name}=${size}`);
  const macs = graph.operators.reduce((total, operator) => total + macsOf(operator), 0);
  const head = [
    `graph ${graph.name}${bindings.length === 0 ? '' : ` (${bindings.join(', ')})`}: ${graph.operators.length} operator${graph.operators.length === 1 ? '' : 's'}, ${macs} MACs`,
    ...graph.inputs.map((id) => `input ${id} ${shape(id)}`),
    ...graph.outputs.map((id) => `output ${id} ${shape(id)}`),
    ...graph.blocks.map(
      ({ first, length, count }) => `block of ${length} operators, ${count} times, from ${graph.operators[first]?.id} on`,
    ),
  ];
  const rows = graph.operators.map((operator) => [
    operator.id,
    operator.kind,
    workOf(operator),
    `${operator.inputs
      .slice(0, streamed(operator))
      .map(({ tensor }) => shape(tensor))
      .join(' ')} -> ${shape(operator.output)}`,
    operator.epilogue.map((step) => `+ ${step.function}${step.operands.length === 0 ? '' : `(${step.operands.join(', ')})`}`).join(' '),
  ]);
  return `${[...head, '', ...align(rows)].join('\n')}\n`;
}

/** Multiply-accumulates of one operator; 0 for vector operators. */
function macsOf(operator: Operator): number {
  if (!isMatrix(operator)) return 0;
  const { m, n, k, groups } = operator.attrs.matrix;
  return m * n * k * groups;
}

/** How many of the inputs are the operator's own, those of its epilogue not counted. */
function streamed({ inputs, epilogue }: Operator): number {
  const ofSteps = new Set(epilogue.flatMap(({ operands }) => operands));
  return inputs.filter(({ tensor }, i) => i === 0 || !ofSteps.has(tensor)).length;
}

function workOf(operator: Operator): string {
  switch (operator.kind) {
    case 'conv':
    case 'matMul': {
      const { m, n, k, groups } = operator.attrs.matrix;
      const dynamic = operator.kind === 'matMul' && operator.attrs.dynamic ? ' dynamic' : '';
      return `m=${m} n=${n} k=${k} groups=${groups}${dynamic}`;
    }
    case 'pool':
      return `${operator.attrs.function} ${operator.attrs.kernel.join('x')}/${operator.attrs.strides.join('x')}`;
    case 'softmax':
      return `axis=${operator.attrs.axis}`;
    case 'reduce':
      return `${operator.attrs.function} axes=${operator.attrs.axes.join(',')}`;
    default:
      return operator.attrs.function;
  }
}

/** Rows with their columns padded to one width; the last column is left as it is. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
