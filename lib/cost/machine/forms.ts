// Segments that ask for the same: what each sub-operator looks like from within a segment, as a number, and a tree over those
// numbers. What is known of a form is known of all its segments: the pieces of a cut operator, repeated layers. Work + homes -> forms.

import type { Bytes } from '../../base/units.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { type Homes, LivingHomes } from './living.ts';
import { type Allotment, besideHomes, countBelow, demandsOf, loadOf, type SegmentDemands, type SegmentLoad } from './segment.ts';
import type { TaskWork, Work } from './work.ts';

/** A tree of numbers: the path of a list ends in the list's own number. Most branches go on in one way only, so that is kept apart. */
interface Branch {
  number: number;
  key: number;
  next: Branch | undefined;
  others: Map<number, Branch> | undefined;
}

function newBranch(): Branch {
  return { number: -1, key: 0, next: undefined, others: undefined };
}

/** Stand between the numbers that describe a sub-operator, which are integers if they are less than 0. */
const TASK = -0.5;
const PRODUCT = -1.5;
const READ = -2.5;
const OUTPUT = -3.5;
/** Stands behind a home that is in place. */
const IN_PLACE = -4.5;

/** What the load of a form depends on: the allotment's copies and memory arrays, homes' bytes of the buffer, and bytes written ahead meanwhile. */
interface LoadKey {
  readonly allotment: Pick<Allotment, 'copies' | 'memory'>;
  readonly bytes: Bytes;
  readonly staged: Bytes;
}

function isAlike(a: LoadKey, b: LoadKey): boolean {
  return (
    a.bytes === b.bytes &&
    a.staged === b.staged &&
    areEqual(a.allotment.copies, b.allotment.copies) &&
    areEqual(a.allotment.memory, b.allotment.memory)
  );
}

function textOf({ allotment, bytes, staged }: LoadKey): string {
  return `${bytes};${staged};${allotment.copies.join()};${allotment.memory.join()}`;
}

/** Of lists of equal length. */
function areEqual(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * What is known of forms. One table serves every way of cutting a network for a chip: what a form says of a segment is all that its cost
 * depends on, wherever the pieces come from.
 */
export class FormTable {
  private readonly codes = newBranch();
  /** Behind a code without homes, the homes. */
  private readonly homes = newBranch();
  private readonly forms = newBranch();
  private codesKnown = 0;
  private formsKnown = 0;
  /** By form, as if homes took nothing of the buffer; and loads by what was allotted. */
  private readonly demands: SegmentDemands[] = [];
  private readonly loads: Map<string, SegmentLoad>[] = [];
  /** Segments alike are often neighbours: what was asked last, by form. */
  private readonly lastLoad: { readonly key: LoadKey; readonly load: SegmentLoad }[] = [];

  /** The number of what `describe` says of a sub-operator. */
  code(describe: (branch: Branch) => Branch): number {
    return this.numberOf(describe(this.codes));
  }

  /** The number of a sub-operator with a code, where `describe` says which homes are beside it. */
  codeBeside(code: number, describe: (branch: Branch) => Branch): number {
    return this.numberOf(describe(child(this.homes, code)));
  }

  /** A walk from a segment's last member to its first: each call gives the number of the form of a segment that is longer. */
  walk(codes: Int32Array, last: number): (first: number) => number {
    let form = this.forms;
    let at = last;
    return (first) => {
      for (; at >= first; at--) form = child(form, codes[at]!);
      if (form.number < 0) form.number = this.formsKnown++;
      return form.number;
    };
  }

  /** What a segment of a form asks for, where homes take nothing of the buffer, if that is known. */
  demandsOf(form: number): SegmentDemands | undefined {
    return this.demands[form];
  }

  keepDemands(form: number, demands: SegmentDemands): SegmentDemands {
    this.demands[form] = demands;
    return demands;
  }

  /** Loads stay known. Demands are large, and once a search has its options it seldom asks again. */
  forgetDemands(): void {
    this.demands.length = 0;
  }

  /** Load of what was allotted to a segment of a form, if that is known. */
  loadOf(form: number, allotted: LoadKey): SegmentLoad | undefined {
    const last = this.lastLoad[form];
    if (last !== undefined && isAlike(last.key, allotted)) return last.load;
    const load = this.loads[form]?.get(textOf(allotted));
    if (load !== undefined) this.lastLoad[form] = { key: allotted, load };
    return load;
  }

  keepLoad(form: number, allotted: LoadKey, load: SegmentLoad): SegmentLoad {
    const known = this.loads[form] ?? new Map<string, SegmentLoad>();
    this.loads[form] = known;
    known.set(textOf(allotted), load);
    this.lastLoad[form] = { key: allotted, load };
    return load;
  }

  private numberOf(branch: Branch): number {
    if (branch.number < 0) branch.number = this.codesKnown++;
    return branch.number;
  }
}

/** Forms of the segments of one network in pieces; what they are made of changes with the homes. */
export class SegmentForms {
  readonly work: Work;
  readonly hardware: Hardware;
  readonly table: FormTable;
  private codesWithout: Int32Array | undefined;
  private readonly besideHomes = new WeakMap<Homes, SegmentLoads>();
  /** By task, the first and the last one that can be in a segment with it. */
  private readonly earliest: Int32Array;
  private readonly latest: Int32Array;

  constructor(work: Work, hardware: Hardware, table = new FormTable()) {
    this.work = work;
    this.hardware = hardware;
    this.table = table;
    this.earliest = new Int32Array(work.tasks.length);
    this.latest = new Int32Array(work.tasks.length);
    let first = 0;
    let tiles = 0;
    for (let last = 0; last < work.products.length; last++) {
      tiles += work.products[last]!.tiles;
      for (; first < last && tiles > hardware.arrays; first++) tiles -= work.products[first]!.tiles;
      const [from, to] = [firstTaskOf(work, first), work.firstTask[last + 1]!];
      this.earliest.fill(from, firstTaskOf(work, last), to);
      this.latest.fill(to - 1, from, to);
    }
  }

  /** Segments beside these homes. */
  beside(homes: Homes): SegmentLoads {
    let loads = this.besideHomes.get(homes);
    if (loads === undefined) {
      loads = new SegmentLoads(this, homes);
      this.besideHomes.set(homes, loads);
    }
    return loads;
  }

  /** A number for each sub-operator; equal numbers in equal order are segments with equal demands, but for what homes take of the buffer. */
  codes(homes: Homes): Int32Array {
    const { work } = this;
    this.codesWithout ??= this.describeAll();
    if (homes.size === 0) return this.codesWithout;
    const codes = this.codesWithout.slice();
    const besideHome = new Set<number>();
    for (const { tensor } of homes.values()) {
      const { makers, readers } = work.tensors[tensor]!;
      for (const tasks of [makers, readers]) for (const t of tasks) besideHome.add(Math.max(0, work.tasks[t]!.sub));
    }
    for (const sub of besideHome) codes[sub] = this.table.codeBeside(codes[sub]!, (branch) => describeHomes(branch, work, sub, homes));
    return codes;
  }

  /** Where nothing has a home. */
  private describeAll(): Int32Array {
    const { work } = this;
    const codes = new Int32Array(work.products.length);
    const describer = new Describer(work, this.earliest, this.latest);
    for (let sub = 0; sub < codes.length; sub++) {
      codes[sub] = this.table.code((branch) => {
        describer.branch = branch;
        for (let t = firstTaskOf(work, sub); t < work.firstTask[sub + 1]!; t++) describer.task(work.tasks[t]!, t);
        return describer.branch;
      });
    }
    return codes;
  }
}

/** What segments ask for and take beside given homes, found once for all segments of a form. */
export class SegmentLoads {
  readonly codes: Int32Array;
  readonly living: LivingHomes;
  private readonly forms: SegmentForms;

  constructor(forms: SegmentForms, homes: Homes) {
    this.forms = forms;
    this.codes = forms.codes(homes);
    this.living = new LivingHomes(forms.work, homes);
  }

  /** Demands of a segment whose form is known. */
  demandsOf(form: number, first: number, last: number, homeBytes: Bytes): SegmentDemands {
    const { forms, living } = this;
    const { table } = forms;
    const demands = table.demandsOf(form) ?? table.keepDemands(form, demandsOf(forms.work, { first, last }, living, forms.hardware));
    return besideHomes(demands, homeBytes);
  }

  /** Load of an allotment while `staged` bytes of the next segment's weights share the channel. */
  of(allotment: Allotment, staged: Bytes): SegmentLoad {
    const { forms, living } = this;
    const { table } = forms;
    const { first, last } = allotment;
    const form = table.walk(this.codes, last)(first);
    const { bytes } = living.during(first, last);
    const key = { allotment, bytes, staged };
    const known = table.loadOf(form, key);
    if (known !== undefined) return known;
    return table.keepLoad(form, key, loadOf(forms.work, allotment, this.demandsOf(form, first, last, bytes), forms.hardware, staged));
  }
}

/** Walks on with the homes that a sub-operator makes, reads or computes on. */
function describeHomes(code: Branch, work: Work, sub: number, homes: Homes): Branch {
  let branch = code;
  let place = 0;
  const add = (tensor: number): void => {
    const home = homes.get(tensor);
    place++;
    if (home === undefined) return;
    for (const part of [place, home.inBuffer, home.inArrays, home.arrays]) branch = child(branch, part);
    if (home.inPlace === undefined) return;
    const longest = Math.max(...home.inPlace.map((taker) => work.products[taker]!.stationary?.inPlace ?? 0));
    for (const part of [IN_PLACE, home.inPlace.includes(sub) ? 1 : 0, home.onlyInPlace ? 1 : 0, longest]) branch = child(branch, part);
  };
  for (let t = firstTaskOf(work, sub); t < work.firstTask[sub + 1]!; t++) {
    const { product, reads, output } = work.tasks[t]!;
    if (product?.stationary !== undefined) add(product.stationary.tensor);
    for (const { tensor } of reads) add(tensor);
    add(output.tensor);
  }
  return branch;
}

/** Walks down the tree of codes with all that a segment's demands depend on but homes. */
class Describer {
  branch: Branch = newBranch();
  private readonly work: Work;
  private readonly earliest: Int32Array;
  private readonly latest: Int32Array;
  /** Task that used a tensor last, and the same features of it. */
  private readonly lastUse: Int32Array;
  private readonly lastUseOf: (Map<number, number> | undefined)[] = [];

  constructor(work: Work, earliest: Int32Array, latest: Int32Array) {
    this.work = work;
    this.earliest = earliest;
    this.latest = latest;
    this.lastUse = new Int32Array(work.tensors.length).fill(-1);
  }

  task(task: TaskWork, t: number): void {
    const { product, reads, output } = task;
    this.add(TASK).add(task.vectorCycles).add(task.vectorEnergy).add(task.chunks);
    if (product !== undefined) {
      const { m, tiles, computeCycles, weightBytes, writeCycles, mac, writing, stationary } = product;
      this.add(PRODUCT).add(m).add(tiles).add(computeCycles).add(weightBytes).add(writeCycles).add(mac).add(writing);
      if (stationary !== undefined) this.add(stationary.bytes);
    }
    for (const { tensor, features, feedBytes, dataBytes, heldOutside, heldHere, lead } of reads) {
      const { from, to } = features;
      this.add(READ)
        .add(feedBytes)
        .add(dataBytes)
        .add(heldOutside)
        .add(heldHere)
        .add(lead)
        .add(to - from);
      this.add(this.sinceFeatures(tensor, from, to, t)).add(this.since(tensor, t));
      this.tensor(tensor, t);
      const { makers } = this.work.tensors[tensor]!;
      for (let i = countBelow(makers, this.latest[t]! + 1) - 1; i >= 0 && makers[i]! >= this.earliest[t]!; i--) {
        const made = this.work.tasks[makers[i]!]!.output.features;
        const shared = Math.max(0, Math.min(made.to, to) - Math.max(made.from, from));
        // Of what is made later, only what it reads counts; it waits for all that is made before.
        if (makers[i]! < t || shared > 0) this.add(t - makers[i]!).add(shared);
      }
    }
    this.add(OUTPUT).add(output.bytes).add(this.since(output.tensor, t));
    this.tensor(output.tensor, t);
  }

  private tensor(tensor: number, t: number): void {
    const { leaves, given, readers, makers } = this.work.tensors[tensor]!;
    const last = readers.at(-1) ?? t;
    const first = makers[0] ?? t;
    const inside = !leaves && !given && last <= this.latest[t]! && first >= this.earliest[t]!;
    this.add(inside ? last - t : -1).add(inside ? t - first : -1);
  }

  private since(tensor: number, t: number): number {
    const before = this.lastUse[tensor]!;
    this.lastUse[tensor] = t;
    return before < this.earliest[t]! ? -1 : t - before;
  }

  private sinceFeatures(tensor: number, from: number, to: number, t: number): number {
    const uses = this.lastUseOf[tensor] ?? new Map<number, number>();
    this.lastUseOf[tensor] = uses;
    const key = from * 2 ** 26 + to;
    const before = uses.get(key) ?? -1;
    uses.set(key, t);
    return before < this.earliest[t]! ? -1 : t - before;
  }

  private add(part: number): this {
    this.branch = child(this.branch, part);
    return this;
  }
}

function child(branch: Branch, key: number): Branch {
  const { next, others } = branch;
  if (next === undefined) {
    branch.key = key;
    branch.next = newBranch();
    return branch.next;
  }
  if (branch.key === key) return next;
  const known = others?.get(key);
  if (known !== undefined) return known;
  const added = newBranch();
  branch.others ??= new Map();
  branch.others.set(key, added);
  return added;
}

/** What needs no product goes with the first one. */
function firstTaskOf(work: Work, sub: number): number {
  return sub === 0 ? 0 : work.firstTask[sub]!;
}
