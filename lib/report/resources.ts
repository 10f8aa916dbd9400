// Resources of the machine as charts name and colour them, in one order everywhere.

import { COLOURS } from './theme.ts';

export const RESOURCES = [
  { id: 'arrays computing', name: 'Products', colour: COLOURS.compute },
  { id: 'memory-mode arrays', name: 'Memory-mode arrays', colour: COLOURS.memory },
  { id: 'arrays being written', name: 'Writing weights', colour: COLOURS.write },
  { id: 'buffer', name: 'Buffer', colour: COLOURS.move },
  { id: 'external channel', name: 'External channel', colour: COLOURS.neutral },
  { id: 'external latency', name: 'External latency', colour: COLOURS.faint },
  { id: 'vector unit', name: 'Vector unit', colour: COLOURS.vector },
  { id: 'switch line', name: 'Mode switches', colour: COLOURS.switch },
] as const;
