// Non-maximum suppression: of overlapping boxes of a class, the one with the best score stays.
// [batch, boxes, 4] and [batch, classes, boxes] -> [batch, class, box] of each that stays.

export interface Suppression {
  /** Boxes that stay, at most, for each class of each batch. */
  readonly most: number;
  /** Boxes whose intersection over union is larger are one. */
  readonly overlap: number;
  /** Scores that are not larger don't count. */
  readonly least: number;
  /** Boxes are [x, y, width, height] around their centres, not two corners. */
  readonly centred: boolean;
}

export function boxesKept(
  boxes: readonly number[],
  scores: readonly number[],
  [batches = 0, classes = 0, count = 0]: readonly number[],
  { most, overlap, least, centred }: Suppression,
): number[][] {
  const kept: number[][] = [];
  for (let batch = 0; batch < batches; batch++) {
    const corners = Array.from({ length: count }, (_, box) =>
      cornersOf(boxes.slice((batch * count + box) * 4, (batch * count + box + 1) * 4), centred),
    );
    for (let one = 0; one < classes; one++) {
      const own = scores.slice((batch * classes + one) * count, (batch * classes + one + 1) * count);
      const order = own.map((_, box) => box).filter((box) => (own[box] ?? 0) > least);
      order.sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0));
      const chosen: number[] = [];
      for (const box of order) {
        if (chosen.length >= most) break;
        if (chosen.every((other) => intersectionOverUnion(corners[box] ?? [], corners[other] ?? []) <= overlap)) chosen.push(box);
      }
      kept.push(...chosen.map((box) => [batch, one, box]));
    }
  }
  return kept;
}

/** Lower corner, then upper corner; boxes may be given by any two opposite ones. */
function cornersOf([a = 0, b = 0, c = 0, d = 0]: readonly number[], centred: boolean): number[] {
  if (centred) return [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

function intersectionOverUnion(a: readonly number[], b: readonly number[]): number {
  const area = ([x0 = 0, y0 = 0, x1 = 0, y1 = 0]: readonly number[]): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
  const [a0 = 0, a1 = 0, a2 = 0, a3 = 0] = a;
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = b;
  const common = area([Math.max(a0, b0), Math.max(a1, b1), Math.min(a2, b2), Math.min(a3, b3)]);
  return common === 0 ? 0 : common / (area(a) + area(b) - common);
}
