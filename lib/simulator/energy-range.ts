// The energy of a run with every energy of the chip's file at the least, and at the greatest, that its source allows.
// Times stay as they are: a clock or a rate that is unknown changes cycles, which is what a sweep is for.

import { sum } from '../base/units.ts';
import { derivePrices } from '../hardware/derive.ts';
import type { Hardware, HardwareFile } from '../hardware/hardware.ts';
import { energyOf, type Usage } from './account.ts';
import type { Trace } from './trace.ts';

/** Energies of a file, by path. */
const ENERGY = /energy|^power\./i;

interface Ends {
  readonly least: Hardware['energy'];
  readonly greatest: Hardware['energy'];
}

const known = new WeakMap<Hardware, Ends>();

export function energyRange(usage: Usage, hardware: Hardware): Trace['energyRangePicojoules'] {
  const { least, greatest } = endsOf(hardware);
  const total = (prices: Hardware['energy']): number => sum(Object.values(energyOf(usage, prices)));
  return { least: total(least), greatest: total(greatest) };
}

function endsOf(hardware: Hardware): Ends {
  let ends = known.get(hardware);
  if (ends === undefined) {
    const { file, precision } = hardware;
    const energy = derivePrices(file, precision);
    /** A chip changed by hand keeps its prices; their ranges are as wide, in proportion, as the file's. */
    const at = (end: 0 | 1): Hardware['energy'] => {
      const there = derivePrices(atEnd(file, end, '') as HardwareFile, precision);
      const prices = Object.entries(hardware.energy) as [keyof Hardware['energy'], number][];
      return Object.fromEntries(
        prices.map(([price, value]) => [
          price,
          energy[price] === 0 ? Math.max(value, there[price]) : (value * there[price]) / energy[price],
        ]),
      ) as Hardware['energy'];
    };
    ends = { least: at(0), greatest: at(1) };
    known.set(hardware, ends);
  }
  return ends;
}

/** A part of a file with every energy that has a range at its least (0) or greatest (1). */
function atEnd(value: unknown, end: 0 | 1, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if ('range' in value && Array.isArray(value.range)) return ENERGY.test(path) ? { ...value, value: value.range[end] } : value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, atEnd(part, end, `${path}${name}.`)]));
}
