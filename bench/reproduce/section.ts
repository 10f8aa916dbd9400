// A section of the ledger: one figure of the paper. It asks the lab, and gives claims with what we find, tables and pictures.

import type { Figure } from '../../lib/report/figure.ts';
import type { Row } from './csv.ts';
import type { Lab } from './lab.ts';
import type { Setting } from './parameters.ts';
import type { Found, Published, Unit } from './verdict.ts';

export interface Claim {
  readonly id: string;
  /** Where the paper says so: 'Fig. 14'. */
  readonly where: string;
  readonly claim: string;
  readonly published: Published;
  readonly unit: Unit;
  /** On the paper's cost model and on the machine; undefined where a model has nothing to say. */
  readonly paper: Found | undefined;
  readonly machine: Found | undefined;
  /** What a reader needs to know of this row. */
  readonly note?: string;
  /** The claim whose probe stands for this one, if it has none of its own. */
  readonly probe?: string;
  /** What it hangs on, where that is none of the chip's parameters. */
  readonly hangsOn?: string;
}

/** One number of a claim at a setting, as far as the claim can be boiled down to one: what sensitivity is measured on. */
export type Probe = (lab: Lab, setting: Setting, isSimulated: boolean) => Promise<Readonly<Record<string, ProbeValue>>>;

export interface ProbeValue {
  readonly published: number;
  readonly unit: Unit;
  /** On the machine if simulated, else on the paper's cost. */
  readonly value: number;
  /** Where of the claim's workloads it is: 'batch 4, length 32'. */
  readonly at: string;
}

export interface SectionReport {
  readonly claims: readonly Claim[];
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  readonly pictures: Readonly<Record<string, Figure>>;
  /** Paragraphs under the section's heading. */
  readonly text: readonly string[];
}

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly run: (lab: Lab) => Promise<SectionReport>;
  readonly probe?: Probe;
  /** The probe is tried on the machine too, at the ends of each range; for all sections that would take an hour. */
  readonly isProbedOnMachine?: boolean;
}
