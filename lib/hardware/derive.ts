// Derive: a checked hardware file and a precision -> Hardware, every constant with its formula.
// Assumption: Zhao et al. 2025 print neither OP_cim nor D_cim; here they follow from the time of a
// matrix-vector product and from the rates of an array's ports.

import { createHash } from 'node:crypto';
import { CompileError, type Problem } from '../base/problem.ts';
import type { VectorClass } from '../base/shapes.ts';
import type { Cycles, Precision } from '../base/units.ts';
import type { Hardware, HardwareFile } from './hardware.ts';
import {
  type Derived,
  rounded,
  toBytes,
  toBytesPerCycle,
  toCycles,
  toHertz,
  toPicojoules,
  toPicojoulesPerCycle,
  written,
} from './quantity.ts';

const ONLY_COMPUTE = 'arrays only compute';
const NOTHING: Derived = { value: 0, formula: ONLY_COMPUTE };

/** The chip at a precision; throws a `precision` problem if the file has no numbers for it. */
export function deriveHardware(file: HardwareFile, precision: Precision): Hardware {
  const entries = entriesFor(file, precision);
  const { stored, inputs } = entries;
  const formulas: Record<string, string> = {
    name: 'as the file says',
    hash: 'SHA-256 of the file and the precision, first 16 digits',
  };
  /** Keeps the formula, returns the value. */
  const keep = <T extends number>(field: string, { value, formula }: Derived<T>): T => {
    formulas[field] = formula;
    return value;
  };
  const { clock, compute, memory, buffer, external, vector } = file;

  const clockHz = keep('clockHz', toHertz(clock));
  const arrays = keep('arrays', { value: file.arrays.count.value, formula: written(file.arrays.count) });
  const tileRows = keep('tileRows', { value: compute.rows.value, formula: written(compute.rows) });
  const tileColumns = keep('tileColumns', {
    value: stored.perRow.value,
    formula: `${written(stored.perRow)} a row at ${precision.weightBits} bits`,
  });
  const storedBitsPerWeight = keep('storedBitsPerWeight', { value: stored.storedBits.value, formula: written(stored.storedBits) });

  const mvmCycles = keep('mvmCycles', toCycles(inputs.mvm, clock));
  const opCim = (tileRows * tileColumns) / mvmCycles;
  formulas.opCim = `${written(compute.rows)} * ${written(stored.perRow)} / ${cyclesText(mvmCycles)} = ${rounded(opCim)}`;

  const writeCyclesPerRow = keep('writeCyclesPerRow', toCycles(stored.writeRow, clock));
  const writeCyclesPerArray = tileRows * writeCyclesPerRow;
  formulas.writeCyclesPerArray = `${written(compute.rows)} * ${cyclesText(writeCyclesPerRow)} = ${writeCyclesPerArray}`;

  const memoryReadBytesPerCycle = keep('memoryReadBytesPerCycle', memory ? toBytesPerCycle(memory.read, clock) : NOTHING);
  const memoryWriteBytesPerCycle = keep('memoryWriteBytesPerCycle', memory ? toBytesPerCycle(memory.write, clock) : NOTHING);
  const dCim = Math.min(memoryReadBytesPerCycle, memoryWriteBytesPerCycle);
  formulas.dCim = memory
    ? `min(${rounded(memoryReadBytesPerCycle)} read, ${rounded(memoryWriteBytesPerCycle)} write) = ${rounded(dCim)}`
    : ONLY_COMPUTE;

  const banks = buffer.banks.value;
  const bankBytes = toBytes(buffer.bankBytes);
  const bankRate = toBytesPerCycle(buffer.bankRate, clock);
  const bufferBytes = banks * bankBytes.value;
  formulas.bufferBytes = `${written(buffer.banks)} * ${written(buffer.bankBytes)} = ${bufferBytes}`;
  const bufferBytesPerCycle = banks * bankRate.value;
  formulas.bufferBytesPerCycle = `${written(buffer.banks)} * ${written(buffer.bankRate)} = ${rounded(bufferBytesPerCycle)}`;
  const externalBytesPerCycle = keep('externalBytesPerCycle', toBytesPerCycle(external.rate, clock));
  const dMain = externalBytesPerCycle + bufferBytesPerCycle;
  formulas.dMain = `${rounded(externalBytesPerCycle)} external + ${rounded(bufferBytesPerCycle)} buffer = ${rounded(dMain)}`;

  const switching = file.switch;
  const memoryToCompute = keep('switchCycles.memoryToCompute', switching ? toCycles(switching.toCompute, clock) : NOTHING);
  const computeToMemory = keep('switchCycles.computeToMemory', switching ? toCycles(switching.toMemory, clock) : NOTHING);
  formulas.switchCycles = switching ? `memory to compute ${memoryToCompute}, compute to memory ${computeToMemory}` : ONLY_COMPUTE;

  return {
    noun: 'hardware',
    schemaVersion: 1,
    name: file.name,
    title: file.title,
    hash: hashOf(file, precision),
    precision,
    clockHz,
    dualMode: memory !== undefined,
    arrays,
    grid: { x: file.arrays.grid.x, y: file.arrays.grid.y },
    tileRows,
    tileColumns,
    memoryBytesPerArray: keep('memoryBytesPerArray', memory ? toBytes(memory.bytes) : NOTHING),
    mvmCycles,
    opCim,
    dCim,
    memoryReadBytesPerCycle,
    memoryWriteBytesPerCycle,
    dMain,
    bufferBytes,
    bufferBytesPerCycle,
    externalBytesPerCycle,
    externalLatencyCycles: keep('externalLatencyCycles', toCycles(external.latency, clock)),
    multicastWeights: external.multicastWeights.value,
    writesWhileComputing: compute.writesWhileComputing.value,
    writeCyclesPerRow,
    writeCyclesPerArray,
    storedBitsPerWeight,
    switchCycles: { memoryToCompute, computeToMemory },
    vectorElementsPerCycle: vectorRates(vector, keep),
    ...(file.area && { areaSquareMillimetres: keep('areaSquareMillimetres', { value: file.area.value, formula: written(file.area) }) }),
    energy: pricesFrom(file, entries, keep),
    formulas,
    file,
  };
}

/** What each use of the chip costs at a precision, in picojoules, without deriving the rest. Throws `precision` problems. */
export function derivePrices(file: HardwareFile, precision: Precision): Hardware['energy'] {
  return pricesFrom(file, entriesFor(file, precision), (_, { value }) => value);
}

function pricesFrom(
  { clock, compute, memory, buffer, external, vector, power, switch: switching }: HardwareFile,
  { macEnergy, adcEnergy }: ReturnType<typeof entriesFor>,
  keep: (field: string, derived: Derived) => number,
): Hardware['energy'] {
  const weightWriteEnergy = compute.writeEnergy ?? memory?.writeEnergy;
  return {
    mac: keep('energy.mac', toPicojoules(macEnergy)),
    adc: keep('energy.adc', adcEnergy === undefined ? { value: 0, formula: 'not known apart from energy.mac' } : toPicojoules(adcEnergy)),
    weightWriteByte: keep('energy.weightWriteByte', weightWriteEnergy ? toPicojoules(weightWriteEnergy) : NOTHING),
    memoryReadByte: keep('energy.memoryReadByte', memory ? toPicojoules(memory.readEnergy) : NOTHING),
    memoryWriteByte: keep('energy.memoryWriteByte', memory ? toPicojoules(memory.writeEnergy) : NOTHING),
    bufferReadByte: keep('energy.bufferReadByte', toPicojoules(buffer.readEnergy)),
    bufferWriteByte: keep('energy.bufferWriteByte', toPicojoules(buffer.writeEnergy)),
    externalByte: keep('energy.externalByte', toPicojoules(external.energy)),
    vectorElement: keep('energy.vectorElement', toPicojoules(vector.energy)),
    switchArray: keep('energy.switchArray', switching ? toPicojoules(switching.energy) : NOTHING),
    leakagePerCycle: keep('energy.leakagePerCycle', toPicojoulesPerCycle(power.leakage, clock)),
    refreshPerCycle: keep(
      'energy.refreshPerCycle',
      power.refresh === undefined ? { value: 0, formula: 'no refresh' } : toPicojoulesPerCycle(power.refresh, clock),
    ),
  };
}

function cyclesText(cycles: Cycles): string {
  return cycles === 1 ? '1 cycle' : `${cycles} cycles`;
}

/** The file's entries for a precision; throws `precision` problems that say what the file has. */
function entriesFor({ name, compute }: HardwareFile, { weightBits, activationBits }: Precision) {
  const { weights, activations, macEnergy } = compute;
  const stored = entryOf(weights, weightBits);
  const inputs = entryOf(activations, activationBits);
  const energy = entryOf(macEnergy, `${activationBits}x${weightBits}`);
  if (stored !== undefined && inputs !== undefined && energy !== undefined) {
    return { stored, inputs, macEnergy: energy, adcEnergy: entryOf(compute.adcEnergy ?? {}, `${activationBits}x${weightBits}`) };
  }

  const problems: Problem[] = [];
  const unknown = (what: 'weight' | 'activation', bits: number, known: readonly string[]) =>
    problems.push({ kind: 'precision', hardware: name, what, bits, known: known.map(Number) });
  if (stored === undefined) unknown('weight', weightBits, Object.keys(weights));
  if (inputs === undefined) unknown('activation', activationBits, Object.keys(activations));
  if (problems.length === 0) {
    const known = Object.keys(weights)
      .filter((bits) => Object.hasOwn(macEnergy, `${activationBits}x${bits}`))
      .map(Number);
    problems.push({ kind: 'precision', hardware: name, what: 'weight', bits: weightBits, known, activationBits });
  }
  throw new CompileError(problems);
}

function entryOf<T>(entries: Readonly<Record<string, T>>, key: string | number): T | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

function vectorRates(
  vector: HardwareFile['vector'],
  keep: (field: string, derived: Derived) => number,
): Readonly<Record<VectorClass, number>> {
  const common = keep('vectorElementsPerCycle', { value: vector.rate.value, formula: written(vector.rate) });
  const rateOf = (name: VectorClass): number => {
    const own = vector.rates?.[name];
    return own === undefined ? common : keep(`vectorElementsPerCycle.${name}`, { value: own.value, formula: written(own) });
  };
  return {
    activation: rateOf('activation'),
    elementwise: rateOf('elementwise'),
    pool: rateOf('pool'),
    reduce: rateOf('reduce'),
    softmax: rateOf('softmax'),
    normalize: rateOf('normalize'),
    move: rateOf('move'),
  };
}

/** The same for the same content and precision, however the file is laid out; where the schema lies does not count. */
function hashOf({ $schema: _, ...content }: HardwareFile, precision: Precision): string {
  return createHash('sha256').update(canonical({ content, precision })).digest('hex').slice(0, 16);
}

/** JSON with sorted names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
