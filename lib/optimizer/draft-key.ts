// Decisions in counts of arrays as text: equal for equal decisions. On small networks, and on large ones where nothing fits beside
// anything, policies agree.

import type { Drafted } from './optimizer.ts';

export function draftKey({ flat, drafts, frozenMemory }: Drafted): string {
  const pieces = flat.subOperators.map(({ id, demand }) => `${id} ${demand.tiles}`);
  const segments = drafts.map(({ last, allocation: { compute, memory, shared = [] } }) => [
    last,
    ...compute,
    ...memory,
    ...shared.flatMap(({ producer, consumer, arrays }) => [producer, consumer, arrays]),
  ]);
  return `${frozenMemory};${pieces.join()};${segments.join(';')}`;
}
