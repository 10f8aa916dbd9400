// What the machine's cost knows of a graph on a chip, for every way of cutting it into pieces that was met. Flattened graph -> forms.

import { FormTable, SegmentForms } from '../cost/machine/forms.ts';
import { workOf } from '../cost/machine/work.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { Flattened } from './flatten.ts';

export class KnownForms {
  private readonly graph: Graph;
  private readonly hardware: Hardware;
  private readonly table = new FormTable();
  private readonly byPieces = new Map<string, SegmentForms>();

  /** `graph` is the one that is flattened, folds included. */
  constructor(graph: Graph, hardware: Hardware) {
    this.graph = graph;
    this.hardware = hardware;
  }

  /** Forms of these pieces; the same for pieces that are cut alike. */
  of(flat: Flattened): SegmentForms {
    const key = piecesKey(flat);
    let forms = this.byPieces.get(key);
    if (forms === undefined) {
      forms = new SegmentForms(workOf(this.graph, flat, this.hardware), this.hardware, this.table);
      this.byPieces.set(key, forms);
    }
    return forms;
  }
}

const KEYS = new WeakMap<Flattened, string>();

/** Equal for the same graph cut into equal pieces. */
export function piecesKey(flat: Flattened): string {
  let key = KEYS.get(flat);
  if (key === undefined) {
    key = flat.subOperators.map(({ id, shape }) => `${id} ${shape.n} ${shape.k}`).join();
    KEYS.set(flat, key);
  }
  return key;
}
