// Verify: every problem of a Hardware object made or changed by hand.
// loadHardware makes no such object; to explore a parameter, change the file (withOverrides) and load that.

import type { Problem } from '../base/problem.ts';
import { VECTOR_CLASSES } from '../base/shapes.ts';
import { shown } from '../base/wording.ts';
import { checkHardwareFile, isRecord } from './check.ts';
import { type Hardware, PRICES } from './hardware.ts';
import { rounded } from './quantity.ts';

/** All problems; none means that the rest of the compiler may rely on the object. */
export function verifyHardware(hardware: Hardware): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (field: string, found: string, expected: string) =>
    problems.push({ kind: 'hardware', path: `hardware '${hardware.name}': ${field}`, found, expected });

  const parts = {
    precision: hardware.precision,
    grid: hardware.grid,
    switchCycles: hardware.switchCycles,
    vectorElementsPerCycle: hardware.vectorElementsPerCycle,
    energy: hardware.energy,
    formulas: hardware.formulas,
  };
  for (const [field, value] of Object.entries(parts)) if (!isRecord(value)) report(field, shown(value), 'an object');
  if (problems.length > 0) return problems;
  const { grid, precision, switchCycles, vectorElementsPerCycle, energy } = hardware;

  const wholeFrom = (least: number, numbers: Readonly<Record<string, number>>) => {
    for (const [field, value] of Object.entries(numbers)) {
      if (!Number.isSafeInteger(value) || value < least) report(field, shown(value), `a whole number, at least ${least}`);
    }
  };
  const positive = (numbers: Readonly<Record<string, number>>) => {
    for (const [field, value] of Object.entries(numbers)) {
      if (!Number.isFinite(value) || value <= 0) report(field, shown(value), 'a positive number');
    }
  };
  const equal = (field: string, found: number, expected: number, formula: string) => {
    if (!(Math.abs(found - expected) <= 1e-9 * Math.abs(expected))) report(field, shown(found), `${formula} = ${rounded(expected)}`);
  };

  const {
    arrays,
    tileRows,
    tileColumns,
    memoryBytesPerArray,
    mvmCycles,
    bufferBytes,
    externalLatencyCycles,
    writeCyclesPerRow,
    writeCyclesPerArray,
    storedBitsPerWeight,
  } = hardware;
  wholeFrom(1, {
    'precision.weightBits': precision.weightBits,
    'precision.activationBits': precision.activationBits,
    'grid.x': grid.x,
    'grid.y': grid.y,
    arrays,
    tileRows,
    tileColumns,
    mvmCycles,
    bufferBytes,
    writeCyclesPerRow,
    writeCyclesPerArray,
    storedBitsPerWeight,
  });
  wholeFrom(0, {
    externalLatencyCycles,
    'switchCycles.memoryToCompute': switchCycles.memoryToCompute,
    'switchCycles.computeToMemory': switchCycles.computeToMemory,
  });

  const { clockHz, opCim, dCim, memoryReadBytesPerCycle, memoryWriteBytesPerCycle, dMain, bufferBytesPerCycle, externalBytesPerCycle } =
    hardware;
  positive({ clockHz, opCim, dMain, bufferBytesPerCycle, externalBytesPerCycle });
  if (hardware.dualMode) {
    wholeFrom(1, { memoryBytesPerArray });
    positive({ dCim, memoryReadBytesPerCycle, memoryWriteBytesPerCycle });
  } else {
    for (const [field, value] of Object.entries({ memoryBytesPerArray, memoryReadBytesPerCycle, memoryWriteBytesPerCycle }))
      equal(field, value, 0, 'arrays only compute');
  }
  positive(Object.fromEntries(VECTOR_CLASSES.map((name) => [`vectorElementsPerCycle.${name}`, vectorElementsPerCycle[name]])));
  for (const field of [...PRICES, 'adc'] as const) {
    const value = energy[field];
    if (!Number.isFinite(value) || value < 0) report(`energy.${field}`, shown(value), 'zero or a positive number');
  }

  equal('opCim', opCim, (tileRows * tileColumns) / mvmCycles, 'tileRows * tileColumns / mvmCycles');
  equal(
    'dCim',
    dCim,
    Math.min(memoryReadBytesPerCycle, memoryWriteBytesPerCycle),
    'min(memoryReadBytesPerCycle, memoryWriteBytesPerCycle)',
  );
  equal('dMain', dMain, externalBytesPerCycle + bufferBytesPerCycle, 'externalBytesPerCycle + bufferBytesPerCycle');
  equal('writeCyclesPerArray', writeCyclesPerArray, tileRows * writeCyclesPerRow, 'tileRows * writeCyclesPerRow');
  if (grid.x * grid.y < arrays) report('grid', `${grid.x} x ${grid.y} places`, `at least one for each of the ${arrays} arrays`);
  problems.push(...checkHardwareFile(hardware.file, `hardware '${hardware.name}': file `).problems);
  return problems;
}
