// The energy of a run with every energy of the chip's file at the least, and at the greatest, that its source allows.
// Times stay as they are: a clock or a rate that is unknown changes cycles, which is what a sweep is for.

import { sum } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { type ParameterRange, parameterRanges } from '../hardware/leaves.ts';
import { loadHardware } from '../hardware/read.ts';
import { withOverrides } from '../hardware/with-overrides.ts';
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

/** Energies of the file that have a range. */
export function energyRanges(hardware: Hardware): readonly ParameterRange[] {
  return parameterRanges(hardware.file).filter(({ path }) => ENERGY.test(path));
}

function endsOf(hardware: Hardware): Ends {
  let ends = known.get(hardware);
  if (ends === undefined) {
    const ranges = energyRanges(hardware);
    const { energy } = loadHardware(hardware.file, hardware.precision);
    /** A chip changed by hand keeps its prices; their ranges are as wide, in proportion, as the file's. */
    const at = (of: (range: ParameterRange) => number): Hardware['energy'] => {
      const file = withOverrides(hardware.file, Object.fromEntries(ranges.map((range) => [range.path, of(range)])));
      const end = loadHardware(file, hardware.precision).energy;
      const prices = Object.entries(hardware.energy) as [keyof Hardware['energy'], number][];
      return Object.fromEntries(
        prices.map(([price, value]) => [price, energy[price] === 0 ? Math.max(value, end[price]) : (value * end[price]) / energy[price]]),
      ) as Hardware['energy'];
    };
    ends = { least: at(({ least }) => least), greatest: at(({ greatest }) => greatest) };
    known.set(hardware, ends);
  }
  return ends;
}
