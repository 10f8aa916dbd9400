// Where bytes and energy go, counted again from the network and the program.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isMatrix, tensorsOf } from '../../lib/ir/graph.ts';
import type { MetaOp, MetaOpOf, Program } from '../../lib/program/program.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { COMPONENTS } from '../../lib/simulator/trace.ts';
import { smallChip } from '../support/chips.ts';
import { type Compiled, compiled, groupsOf, randomPrograms } from '../support/compiled.ts';
import { NetworkBuilder } from '../support/networks.ts';

const PROGRAMS = await randomPrograms(45, 400);

function same(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${what}: ${found}, counted ${expected}`);
}

function statements(program: Program): readonly MetaOp[] {
  return groupsOf(program).flat();
}

/** Groups and outputs a group of a piece: whole groups, or outputs of one group. */
function pieceOf(
  program: Program,
  op: MetaOpOf<'CIM.mvm' | 'CIM.write'>,
): { readonly m: number; readonly n: number; readonly groups: number; readonly outputs: number } {
  const { matrix } = program.operators.find(({ id }) => id === op.operator)!;
  const outputs = op.outputs.to - op.outputs.from;
  const groups = matrix!.groups === 1 ? 1 : Math.max(1, outputs / matrix!.k);
  return { m: matrix!.m, n: op.inner.to - op.inner.from, groups, outputs };
}

function bytesWritten(program: Program, op: MetaOp): readonly { readonly place: string; readonly bytes: number }[] {
  if (op.kind === 'CM.switch' || op.kind === 'CIM.write') return [];
  return op.to.map((id) => {
    const { place, features, tensor: name } = program.regions.find((region) => region.id === id)!;
    const tensor = program.tensors.find((candidate) => candidate.id === name)!;
    const made = op.kind === 'CIM.mvm' ? op.outputs : { from: 0, to: tensor.features };
    const width = Math.max(0, Math.min(features.to, made.to) - Math.max(features.from, made.from));
    return { place: place.kind, bytes: (width * tensor.positions * tensor.bits) / 8 };
  });
}

/** Bytes a statement takes in, wherever they come from. */
function bytesRead(program: Program, op: MetaOp): number {
  if (op.kind === 'CM.switch' || op.kind === 'CIM.write') return 0;
  if (op.kind === 'MEM.move') return bytesWritten(program, op).reduce((sum, { bytes }) => sum + bytes, 0);
  const operator = program.operators.find(({ id }) => id === op.operator)!;
  const size = (id: string, width?: number): number => {
    const tensor = program.tensors.find((candidate) => candidate.id === id)!;
    return (tensor.positions * (width ?? tensor.features) * tensor.bits) / 8;
  };
  if (op.kind === 'VEC.run') return operator.inputs.reduce((sum, { tensor }) => sum + size(tensor), 0);
  const { m, n, groups, outputs } = pieceOf(program, op);
  const last = op.inner.to === operator.matrix!.n;
  const operands = last
    ? operator.inputs.filter(({ use }) => use === 'step').reduce((sum, { tensor }) => sum + size(tensor, outputs), 0)
    : 0;
  const partial = operator.partials.find(({ upTo }) => upTo === op.inner.from);
  return m * n * groups + operands + (partial === undefined ? 0 : size(partial.tensor, outputs));
}

function check({ program, chip, graph, name }: Compiled): void {
  const trace = simulate(program, chip);
  const { energyPicojoules: energy, bytes } = trace;
  const ops = statements(program);
  const tensors = tensorsOf(graph);

  let [macs, elements] = [0, 0];
  for (const operator of graph.operators) {
    const output = tensors.get(operator.output)!;
    elements += operator.epilogue.length * output.positions * output.features;
    if (operator.kind === 'pool')
      elements += output.positions * output.features * operator.attrs.kernel.reduce((area, side) => area * side, 1);
    if (isMatrix(operator))
      macs += operator.attrs.matrix.m * operator.attrs.matrix.n * operator.attrs.matrix.k * operator.attrs.matrix.groups;
  }
  same(energy.mvm + energy.adc, macs * chip.energy.mac, `${name}: products`);
  same(energy.vector, elements * chip.energy.vectorElement, `${name}: vector unit`);

  let [switched, stored, fetched] = [0, 0, 0];
  for (const op of ops) {
    if (op.kind === 'CM.switch') switched += op.arrays.length;
    if (op.kind !== 'CIM.write') continue;
    const { n, outputs } = pieceOf(program, op);
    stored += n * outputs * op.copies;
    fetched += n * outputs * (chip.multicastWeights ? 1 : op.copies);
  }
  same(energy.switch, switched * chip.energy.switchArray, `${name}: switching`);
  same(energy.weightWrite, stored * chip.energy.weightWriteByte, `${name}: writing weights`);
  same(bytes.weightsFetched, fetched, `${name}: weights fetched`);

  const written = ops.flatMap((op) => bytesWritten(program, op));
  const to = (place: string): number => written.filter((part) => part.place === place).reduce((sum, part) => sum + part.bytes, 0);
  const read = ops.reduce((sum, op) => sum + bytesRead(program, op), 0);
  same(bytes.externalWrite, to('external'), `${name}: written outside`);
  same(bytes.externalRead + bytes.buffer - to('buffer') + bytes.memoryArrays - to('arrays'), read, `${name}: bytes read`);
  same(energy.external, (bytes.externalRead + bytes.externalWrite + bytes.weightsFetched) * chip.energy.externalByte, `${name}: channel`);
  const { bufferReadByte, bufferWriteByte, memoryReadByte, memoryWriteByte } = chip.energy;
  same(energy.buffer, to('buffer') * bufferWriteByte + (bytes.buffer - to('buffer')) * bufferReadByte, `${name}: buffer`);
  same(
    energy.memoryArrays,
    to('arrays') * memoryWriteByte + (bytes.memoryArrays - to('arrays')) * memoryReadByte,
    `${name}: memory arrays`,
  );
  same(energy.leakage, trace.makespanCycles * chip.energy.leakagePerCycle, `${name}: leakage`);
  same(energy.refresh, trace.makespanCycles * chip.energy.refreshPerCycle, `${name}: refresh`);
  assert.equal(Object.keys(energy).sort(), [...COMPONENTS].sort());
}

test('every component of the energy and every byte is what network and program say, on random ones', () => {
  for (const program of PROGRAMS) check(program);
});

test('that holds for an operator cut along its inner dimension', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.conv(net.input(1, 8, 6, 6), 24, { relu: true }), 20, { relu: true })], 'inner cut');
  const inner = await compiled(graph, smallChip({ arrays: 2, tileRows: 8, writeCyclesPerArray: 8 }));
  assert.ok(
    inner.program.operators.some(({ partials }) => partials.length > 0),
    'no partial sums',
  );
  check(inner);
});

test('weights are fetched once where they are multicast, once a copy where not', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.input(1, 4, 12, 12), 8)], 'copies');
  const one = await compiled(graph, smallChip({ multicastWeights: true }));
  const copies = statements(one.program).reduce((most, op) => (op.kind === 'CIM.write' ? Math.max(most, op.copies) : most), 0);
  assert.ok(copies > 1);
  const fetched = (multicastWeights: boolean): number => simulate(one.program, smallChip({ multicastWeights })).bytes.weightsFetched;
  assert.equal([fetched(true), fetched(false)], [36 * 8, 36 * 8 * copies]);
});

test.run();
