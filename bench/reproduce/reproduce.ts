// reproduce: sections -> ledger, tables, pictures. Labs decide whether numbers are measured or read; the rest is the same.

import type { Figure } from '../../lib/report/figure.ts';
import type { Row } from './csv.ts';
import { fig01 } from './fig01.ts';
import { fig06 } from './fig06.ts';
import { fig14 } from './fig14.ts';
import { fig15 } from './fig15.ts';
import { fig16 } from './fig16.ts';
import { fig17 } from './fig17.ts';
import { fig18 } from './fig18.ts';
import type { Lab } from './lab.ts';
import { type Entry, entriesOf, ledgerRows, ledgerText } from './ledger.ts';
import { sec55 } from './sec55.ts';
import type { Section } from './section.ts';
import { sensitivityOf } from './sensitivity.ts';

/** In the order of the paper. */
const SECTIONS: readonly Section[] = [fig01, fig06, fig14, fig15, fig16, fig17, sec55, fig18];
export const SENSITIVITY = 'sensitivity';
export const SECTION_IDS: readonly string[] = [...SECTIONS.map(({ id }) => id), SENSITIVITY];

export interface Reproduction {
  readonly entries: readonly Entry[];
  readonly text: string;
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  readonly pictures: Readonly<Record<string, Figure>>;
}

export async function reproduce(labOf: (section: string) => Lab): Promise<Reproduction> {
  // Figures first, then what they hang on.
  const reports = await Promise.all(SECTIONS.map((section) => section.run(labOf(section.id))));
  const sensitivity = await sensitivityOf(labOf(SENSITIVITY), SECTIONS, fig14);
  const entries = entriesOf(reports, sensitivity);
  const { sweep, ends, map } = sensitivity;
  return {
    entries,
    text: ledgerText(SECTIONS, reports, entries, sensitivity),
    tables: { ...Object.assign({}, ...reports.map(({ tables }) => tables)), ledger: ledgerRows(entries), sweep, ends, map },
    pictures: { ...Object.assign({}, ...reports.map(({ pictures }) => pictures)), ...sensitivity.pictures },
  };
}
