// The critical path explains every cycle; flows go forward in time; energy by operator and its range.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHardware } from '../../lib/hardware/read.ts';
import { withOverrides } from '../../lib/hardware/with-overrides.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { COMPONENTS, type Flow, type Span, type Trace } from '../../lib/simulator/trace.ts';
import { verifyTrace } from '../../lib/simulator/verify.ts';
import { smallChip } from '../support/chips.ts';
import { compiled, randomPrograms } from '../support/compiled.ts';
import { NetworkBuilder } from '../support/networks.ts';
import { TWO_CONVS } from '../support/two-convs.ts';

const PROGRAMS = await randomPrograms(40, 900);

function total(energy: Readonly<Record<string, number>>): number {
  return Object.values(energy).reduce((sum, value) => sum + value, 0);
}

/** Cycles of the critical path by resource. */
function bounds(trace: Trace): ReadonlyMap<string, number> {
  const cycles = new Map<string, number>();
  for (const { resource, start, end } of trace.criticalPath!) cycles.set(resource, (cycles.get(resource) ?? 0) + end - start);
  return cycles;
}

test('the critical path covers the run from beginning to end without a gap, on random programs', () => {
  for (const { program, chip, name } of PROGRAMS) {
    const trace = simulate(program, chip, { criticalPath: true });
    let now = 0;
    for (const { start, end } of trace.criticalPath!) {
      assert.is(start, now, name);
      assert.ok(end > start);
      now = end;
    }
    assert.is(now, trace.makespanCycles, name);
  }
});

test('a stretch is a time in which its resource is busy with its statement', () => {
  for (const { program, chip, name } of PROGRAMS.slice(0, 12)) {
    const spans: Span[] = [];
    const trace = simulate(program, chip, { criticalPath: true, onSpan: (span) => spans.push(span) });
    const kinds: readonly (readonly [RegExp, string])[] = [
      [/^compute /, 'arrays computing'],
      [/^write /, 'arrays being written'],
      [/^arrays /, 'memory-mode arrays'],
    ];
    const nameOf = (resource: string): string => kinds.find(([pattern]) => pattern.test(resource))?.[1] ?? resource;
    for (const { segment, statement, resource, start, end } of trace.criticalPath!) {
      if (resource === 'external latency') continue;
      const own = spans.filter((span) => span.segment === segment && span.statement === statement && nameOf(span.resource) === resource);
      const busy = own.reduce((sum, span) => sum + Math.max(0, Math.min(end, span.end) - Math.max(start, span.start)), 0);
      assert.ok(busy >= end - start, `${name}: ${resource} from ${start} to ${end}`);
    }
  }
});

test('what takes all the time bounds all of it: a chip with hardly any channel, one with slow arrays', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.input(1, 8, 12, 12), 16, { relu: true })], 'one');
  for (const [resource, chip] of [
    ['external channel', smallChip({ externalBytesPerCycle: 0.05 })],
    ['arrays computing', smallChip({ mvmCycles: 5000 })],
    ['vector unit', smallChip({ vectorElementsPerCycle: { ...smallChip().vectorElementsPerCycle, activation: 0.001 } })],
  ] as const) {
    const { program } = await compiled(graph, chip);
    const trace = simulate(program, chip, { criticalPath: true });
    assert.ok(bounds(trace).get(resource)! > 0.9 * trace.makespanCycles, `${resource}: ${[...bounds(trace)].join('; ')}`);
  }
});

test('flows lead from what is made to what takes it up, later', () => {
  const flows: Flow[] = [];
  simulate(parseProgram(TWO_CONVS), smallChip(), { onFlow: (flow) => flows.push(flow) });
  // The move feeds the first convolution, that feeds the pool; the second convolution reads what a block before it made.
  assert.ok(flows.length >= 8);
  assert.equal([...new Set(flows.map(({ from, to }) => `${from.label} > ${to.label}`))].sort(), ['conv0 > pool1', 'r0 to r2, r3 > conv0']);
  for (const { from, to } of flows) {
    assert.is(from.segment, to.segment);
    assert.ok(from.end <= to.start, `${from.end} after ${to.start}`);
  }
});

test('operators take what components take, on random programs', () => {
  for (const { program, chip, name } of PROGRAMS) {
    const trace = simulate(program, chip);
    assert.equal(verifyTrace(trace), [], name);
    assert.equal(
      trace.operators
        .filter(({ kind }) => kind === 'operator')
        .map(({ id }) => id)
        .sort(),
      program.operators.map(({ id }) => id).sort(),
    );
    for (const component of COMPONENTS) {
      const rows = trace.operators.reduce((sum, row) => sum + row.energyPicojoules[component], 0);
      assert.ok(Math.abs(rows - trace.energyPicojoules[component]) <= 1e-9 * Math.max(1, rows), `${name}: ${component}`);
    }
    assert.equal(simulate(program, chip, { segments: false }).operators, []);
  }
});

test('the range of the energy is what the chip with its energies at either end takes', async () => {
  const file = loadHardware('hw/dynaplasia.json').file;
  const chip = loadHardware(file);
  const net = new NetworkBuilder();
  const graph = net.finish([net.dense(net.conv(net.input(1, 8, 12, 12), 16, { relu: true }), 40)], 'ranged');
  const { program } = await compiled(graph, chip);
  const { energyPicojoules, energyRangePicojoules } = simulate(program, chip);
  const paths = ['compute.macEnergy.8x8', 'memory.readEnergy', 'memory.writeEnergy', 'buffer.readEnergy', 'buffer.writeEnergy'];
  const all = [...paths, 'external.energy', 'vector.energy', 'switch.energy', 'power.leakage', 'power.refresh'];
  const at = (end: 0 | 1): number => {
    const range = (path: string): number =>
      (path.split('.').reduce((part, key) => (part as Record<string, never>)[key]!, file as unknown) as { range: [number, number] }).range[
        end
      ];
    const other = loadHardware(withOverrides(file, Object.fromEntries(all.map((path) => [path, range(path)]))));
    return total(simulate(program, other).energyPicojoules);
  };
  assert.ok(Math.abs(energyRangePicojoules.least - at(0)) < 1e-6 * at(0));
  assert.ok(Math.abs(energyRangePicojoules.greatest - at(1)) < 1e-6 * at(1));
  assert.ok(energyRangePicojoules.least < total(energyPicojoules) && total(energyPicojoules) < energyRangePicojoules.greatest);
});

test('converters are counted apart where the chip says what they take', async () => {
  const chip = loadHardware('hw/isaac.json', { weightBits: 16, activationBits: 16 });
  const net = new NetworkBuilder();
  const { program } = await compiled(net.finish([net.conv(net.input(1, 8, 8, 8), 16)], 'converted'), chip);
  const { energyPicojoules, usage } = simulate(program, chip);
  assert.ok(Math.abs(energyPicojoules.adc - usage.mac * 1.6) < 1e-6 * energyPicojoules.adc);
  assert.ok(Math.abs(energyPicojoules.mvm - usage.mac * (2.352 - 1.6)) < 1e-6 * energyPicojoules.mvm);
  assert.ok(energyPicojoules.weightWrite > 0, 'weights are written at the price of compute.writeEnergy');
});

test.run();
