// What occupancy adds up is what the trace says was busy, however many bins there are.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { occupancy } from '../../lib/simulator/occupancy.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import type { Span } from '../../lib/simulator/trace.ts';
import { randomPrograms } from '../support/compiled.ts';

const PROGRAMS = await randomPrograms(15, 300);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

test('busy cycles of resources and arrays are those of the jobs, on random programs', () => {
  for (const [i, { program, chip, name }] of PROGRAMS.entries()) {
    const spans: Span[] = [];
    const trace = simulate(program, chip, { onSpan: (span) => spans.push(span) });
    const bins = 1 + i * 13;
    const found = occupancy(program, chip, { bins });
    const cycles = (shares: readonly number[]): number => (sum(shares) * trace.makespanCycles) / bins;
    const near = (a: number, b: number, what: string): void =>
      assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(1, b), `${name}: ${what} ${a}, ${b}`);
    for (const { id, busy } of found.resources) near(cycles(busy), trace.resources.find((resource) => resource.id === id)!.busyCycles, id);
    const arrayCycles = (kind: string): number =>
      sum(spans.filter(({ resource }) => resource.startsWith(kind)).map(({ arrays, start, end }) => arrays.length * (end - start)));
    near(sum(found.rows.map(({ computing }) => cycles(computing))), arrayCycles('compute '), 'computing');
    near(sum(found.rows.map(({ written }) => cycles(written))), arrayCycles('write '), 'written');
    for (const { computing, memoryMode } of found.rows)
      for (const [bin, share] of computing.entries()) assert.ok(share + memoryMode[bin]! < 1 + 1e-9, `${name}: two modes at once`);
  }
});

test.run();
