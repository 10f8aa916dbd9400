// CIM-MLC's pipeline balancing: copies of each stage -> copies that keep up with the head, and no more.

/** An operator of a segment as balancing sees it. */
export interface Stage {
  readonly convolution: boolean;
  /** Its own stride; 1 for a piece of the convolution before it. */
  readonly stride: number;
  /** Product of the strides behind the head up to and including its own, pools among them. */
  readonly scale: number;
}

/**
 * Balanced copies, in order. Each convolution gets at most what the head's output, shrunk by the strides
 * between, keeps busy; where that is more than the convolution before has, it follows that one instead.
 * The head keeps its copies and so caps its segment. Matrix products keep theirs and are passed over.
 */
export function balanceCopies(stages: readonly Stage[], copies: readonly number[]): readonly number[] {
  const head = copies[0] ?? 1;
  let previous = head;
  return copies.map((own, i) => {
    const stage = stages[i];
    if (i === 0 || stage === undefined || !stage.convolution) return own;
    const target = Math.min(Math.floor(head / stage.scale), own);
    previous = Math.max(target > previous ? Math.floor(previous / stage.stride) : target, 1);
    return previous;
  });
}
