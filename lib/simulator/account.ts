// Account: energy by component and bytes by kind, summed up in the order in which they are charged.

import type { Bytes, Picojoules } from '../base/units.ts';
import type { Stream } from './jobs.ts';
import { COMPONENTS, type Component, type Trace } from './trace.ts';

type Kind = keyof Trace['bytes'];
const KINDS: readonly Kind[] = ['externalRead', 'externalWrite', 'buffer', 'memoryArrays', 'weightsFetched'];

/** What statements cost, entry by entry: numbers of a component and of a kind of traffic, or KINDS.length for none. */
export interface Charges {
  readonly component: Uint8Array;
  readonly energy: Float64Array;
  readonly kind: Uint8Array;
  readonly bytes: Float64Array;
}

export function chargesOf(streams: readonly Stream[]): Charges {
  return {
    component: Uint8Array.from(streams, (stream) => COMPONENTS.indexOf(stream.component)),
    energy: Float64Array.from(streams, (stream) => stream.energy),
    kind: Uint8Array.from(streams, ({ traffic }) => (traffic === undefined ? KINDS.length : KINDS.indexOf(traffic.kind))),
    bytes: Float64Array.from(streams, ({ traffic }) => traffic?.bytes ?? 0),
  };
}

export class Account {
  private readonly energy = new Float64Array(COMPONENTS.length);
  private readonly bytes = new Float64Array(KINDS.length + 1);

  add({ component, energy, kind, bytes }: Charges): void {
    for (let i = 0; i < component.length; i++) {
      this.energy[component[i]!]! += energy[i]!;
      this.bytes[kind[i]!]! += bytes[i]!;
    }
  }

  energyPicojoules(): Record<Component, Picojoules> {
    return Object.fromEntries(COMPONENTS.map((component, i) => [component, this.energy[i]!])) as Record<Component, Picojoules>;
  }

  traffic(): Readonly<Record<Kind, Bytes>> {
    return Object.fromEntries(KINDS.map((kind, i) => [kind, this.bytes[i]!])) as Record<Kind, Bytes>;
  }
}
