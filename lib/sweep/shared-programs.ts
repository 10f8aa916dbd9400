// Shared programs: points that differ only in numbers which planning, emitting and verifying did not look at share one
// program. What those stages look at is not listed here but observed: they get a chip that notes each field read.
// (key, chip) -> what was made of them, made anew only if a number that was read is another.

import type { Hardware } from '../hardware/hardware.ts';

interface Entry {
  readonly key: string;
  /** Paths of the chip's fields that were read on the way, such as 'switchCycles.memoryToCompute'. */
  readonly read: readonly string[];
  readonly values: string;
  readonly made: unknown;
}

/** Programs kept, the last ones used; one of ResNet-18 takes about a megabyte. */
const MOST_KEPT = 24;

/** Every chip gets the same name and hash: they are labels, and the program would differ by them alone. */
const LABELS = { name: 'sweep', title: '', hash: 'sweep', formulas: {} };

export class SharedPrograms {
  #kept: Entry[] = [];
  /** How many programs were made, and how many points found one. */
  made = 0;
  shared = 0;

  /** What `make` makes of the chip. `key` says all else that it depends on. Throws what it throws. */
  async get<Made>(key: string, hardware: Hardware, make: (chip: Hardware) => Promise<Made>): Promise<Made> {
    const chip = labelled(hardware);
    const found = this.#kept.find((entry) => entry.key === key && valuesOf(chip, entry.read) === entry.values);
    if (found !== undefined) {
      this.shared++;
      this.#kept = [found, ...this.#kept.filter((entry) => entry !== found)];
      return found.made as Made;
    }
    const noted = new Set<string>();
    const made = await make(observed(chip, '', noted) as Hardware);
    this.made++;
    const read = [...noted].sort();
    this.#kept = [{ key, read, values: valuesOf(chip, read), made }, ...this.#kept].slice(0, MOST_KEPT);
    return made;
  }
}

/** The chip under the labels that shared programs carry. */
export function labelled(hardware: Hardware): Hardware {
  return { ...hardware, ...LABELS };
}

/** A copy of plain data that notes the path of every number, text or choice read from it. */
function observed(value: object, prefix: string, noted: Set<string>): object {
  const copy = {};
  for (const [name, field] of Object.entries(value)) {
    const path = `${prefix}${name}`;
    // Sources and ranges are for people: a stage that reads the file reads it whole.
    const isLeaf = typeof field !== 'object' || field === null || path === 'file';
    const shown = isLeaf ? field : observed(field, `${path}.`, noted);
    const get = () => {
      if (isLeaf) noted.add(path);
      return shown;
    };
    Object.defineProperty(copy, name, { enumerable: true, get });
  }
  return copy;
}

function valuesOf(hardware: Hardware, read: readonly string[]): string {
  return JSON.stringify(read.map((path) => at(hardware, path)));
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inside: unknown, name) => (inside as Record<string, unknown> | undefined)?.[name], value);
}
