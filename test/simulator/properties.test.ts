// What must hold for every program on every chip (docs/machine.md), on random ones.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lowerBound } from '../../lib/cost/bound.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { arraysOf, indexProgram } from '../../lib/program/geometry.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import type { Span } from '../../lib/simulator/trace.ts';
import { verifyTrace } from '../../lib/simulator/verify.ts';
import { smallChip } from '../support/chips.ts';
import { type Compiled, compiled, groupsOf, randomPrograms } from '../support/compiled.ts';
import { NetworkBuilder } from '../support/networks.ts';

const PROGRAMS = await randomPrograms(30);

function makespan({ program }: Compiled, chip: Hardware): number {
  return simulate(program, chip, { verified: true }).makespanCycles;
}

test('a trace of any program has no broken invariant', () => {
  for (const { name, program, chip } of PROGRAMS) assert.equal(verifyTrace(simulate(program, chip)), [], name);
});

test('two runs of a program give the same trace to the bit', () => {
  for (const { program, chip, name } of PROGRAMS) {
    assert.is(JSON.stringify(simulate(program, chip)), JSON.stringify(simulate(structuredClone(program), structuredClone(chip))), name);
  }
});

test('a run is never shorter than the work of its busiest resource', () => {
  for (const { name, program, chip } of PROGRAMS) {
    const busy = new Map<string, number>();
    const trace = simulate(program, chip, {
      onSpan: ({ segment, resource, start, end }) => {
        // Compute and write units belong to one statement of one segment; the others live for the whole run.
        const key = /^(compute|write|arrays) /.test(resource) ? `${segment} ${resource}` : resource;
        busy.set(key, (busy.get(key) ?? 0) + end - start);
      },
    });
    assert.ok(busy.size > 0);
    for (const [resource, cycles] of busy)
      assert.ok(cycles <= trace.makespanCycles, `${name}: ${resource} ${cycles} of ${trace.makespanCycles}`);
  }
});

test('no resource serves two jobs at once, and every job lies within its segment', () => {
  for (const { name, program, chip } of PROGRAMS) {
    const spans = new Map<string, Span[]>();
    const trace = simulate(program, chip, {
      onSpan: (span) => {
        const key = `${span.segment} ${span.resource}`;
        const list = spans.get(key);
        if (list === undefined) spans.set(key, [span]);
        else list.push(span);
      },
    });
    for (const [resource, list] of spans) {
      let free = 0;
      for (const { segment, start, end } of list.sort((a, b) => a.start - b.start || a.end - b.end)) {
        assert.ok(start >= free, `${name}: ${resource} starts at ${start}, busy until ${free}`);
        assert.ok(start >= trace.segments[segment]!.boundaryStart && end <= trace.segments[segment]!.end, `${name}: ${resource}`);
        free = end;
      }
    }
  }
});

test('no array computes, is written or is switched while another statement uses it', () => {
  for (const { name, program, chip } of PROGRAMS) {
    const index = indexProgram(program);
    const trace = simulate(program, chip);
    const groups = groupsOf(program);
    const timed = trace.segments.flatMap(({ boundary, statements }) => [boundary, statements]).filter((group) => group.length > 0);
    assert.is(groups.length, timed.length);
    for (const [g, ops] of groups.entries()) {
      const uses = new Map<number, { start: number; end: number; owner: boolean }[]>();
      for (const [s, op] of ops.entries()) {
        const { start, end } = timed[g]![s]!;
        const { owned, ports } = arraysOf(op, index);
        for (const array of owned) uses.set(array, [...(uses.get(array) ?? []), { start, end, owner: true }]);
        for (const array of new Set(ports)) uses.set(array, [...(uses.get(array) ?? []), { start, end, owner: false }]);
      }
      for (const [array, list] of uses) {
        for (const [i, a] of list.entries()) {
          for (const b of list.slice(i + 1)) {
            if (a.owner || b.owner)
              assert.ok(
                a.end <= b.start || b.end <= a.start,
                `${name}: array ${array} has two jobs at cycle ${Math.max(a.start, b.start)}`,
              );
          }
        }
      }
    }
  }
});

test('an array is in memory mode in a segment exactly if the switches so far say so', () => {
  for (const { name, program, chip } of PROGRAMS) {
    const trace = simulate(program, chip);
    const memory = new Set<number>();
    let cycles = 0;
    let segment = 0;
    for (const ops of groupsOf(program)) {
      for (const op of ops) {
        if (op.kind !== 'CM.switch') continue;
        for (const array of op.arrays) {
          if (op.to === 'TOM') memory.add(array);
          else memory.delete(array);
        }
      }
      const traced = trace.segments[segment]!;
      if (traced.statements.length !== ops.length || ops.some(({ kind }) => kind === 'CM.switch' || kind === 'CIM.write')) continue;
      assert.equal(
        traced.memoryMode,
        [...memory].sort((a, b) => a - b),
        name,
      );
      cycles += memory.size * (traced.end - traced.boundaryStart);
      segment++;
    }
    assert.is(segment, trace.segments.length, name);
    assert.ok(Math.abs(trace.memoryModeShare - cycles / (trace.makespanCycles * chip.arrays)) < 1e-12, name);
  }
});

test('no run beats the lower bound, and the channel carries the compulsory traffic', () => {
  for (const { graph, program, chip, plan, name } of PROGRAMS) {
    const trace = simulate(program, chip);
    const bound = lowerBound(graph, chip);
    assert.is(plan.lowerBoundCycles, bound.cycles);
    assert.ok(trace.makespanCycles >= bound.cycles, `${name}: ${trace.makespanCycles} cycles, bound ${bound.cycles}`);
    const { externalRead, externalWrite, weightsFetched } = trace.bytes;
    assert.ok(externalRead + externalWrite + weightsFetched >= bound.externalBytes, `${name}: less than ${bound.externalBytes} bytes`);
  }
});

test('the bound holds for a first layer that does not need all of its input', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.input(1, 16, 32, 32), 2, { kernel: 1, stride: 2 })], 'skipping');
  for (const bufferBytes of [8, 64, 8192]) {
    const { program, chip, plan, name } = await compiled(graph, smallChip({ bufferBytes, externalBytesPerCycle: 1 }), 'static:1');
    const { makespanCycles } = simulate(program, chip);
    assert.ok(
      makespanCycles >= plan.lowerBoundCycles,
      `${name}, ${bufferBytes} bytes of buffer: ${makespanCycles} cycles, bound ${plan.lowerBoundCycles}`,
    );
  }
});

const FASTER: readonly (readonly [string, (chip: Hardware) => Partial<Hardware>])[] = [
  ['the buffer', (chip) => ({ bufferBytesPerCycle: chip.bufferBytesPerCycle * 1.7 })],
  ['the channel', (chip) => ({ externalBytesPerCycle: chip.externalBytesPerCycle + 3 })],
  ["the channel's latency", (chip) => ({ externalLatencyCycles: Math.floor(chip.externalLatencyCycles / 2) })],
  ['reading arrays', (chip) => ({ memoryReadBytesPerCycle: chip.memoryReadBytesPerCycle * 1.3 })],
  ['writing arrays', (chip) => ({ memoryWriteBytesPerCycle: chip.memoryWriteBytesPerCycle + 1 })],
  [
    'the vector unit',
    (chip) => ({ vectorElementsPerCycle: { ...chip.vectorElementsPerCycle, activation: 23, elementwise: 29, pool: 31 } }),
  ],
  ['computing', (chip) => ({ mvmCycles: Math.max(1, chip.mvmCycles - 1) })],
  ['writing weights', (chip) => ({ writeCyclesPerRow: Math.max(1, chip.writeCyclesPerRow - 1) })],
  ['switching', () => ({ switchCycles: { memoryToCompute: 0, computeToMemory: 0 } })],
  [
    'everything',
    (chip) => ({
      bufferBytesPerCycle: chip.bufferBytesPerCycle * 2,
      externalBytesPerCycle: chip.externalBytesPerCycle * 2,
      externalLatencyCycles: 0,
      mvmCycles: 1,
      memoryReadBytesPerCycle: chip.memoryReadBytesPerCycle * 2,
      memoryWriteBytesPerCycle: chip.memoryWriteBytesPerCycle * 2,
      writeCyclesPerRow: 1,
    }),
  ],
];

for (const [what, change] of FASTER) {
  test(`the same program is never slower when ${what} is faster`, () => {
    let faster = 0;
    for (const item of PROGRAMS) {
      const before = makespan(item, item.chip);
      const after = makespan(item, { ...item.chip, ...change(item.chip) });
      assert.ok(after <= before, `${item.name}: ${before} became ${after}`);
      if (after < before) faster++;
    }
    assert.ok(faster > 0, 'no program got faster, so the number is not used');
  });
}

test.run();
