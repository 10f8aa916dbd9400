// Lab: where figures get their numbers from. A live one measures what it does not know yet and remembers it; a recorded one
// answers from the committed CSV files alone.

import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { codeVersion } from '../../lib/sweep/version.ts';
import { fromCsv, type Row } from './csv.ts';
import { MODELS } from './models.ts';
import { CHIPS } from './parameters.ts';
import { keyOf, type Measured, type Point } from './point.ts';
import { openPool } from './pool.ts';

export const FOLDER = 'docs/reproduction';
const MEMORY = '.cimbook/reproduce';

export interface Lab {
  /** What both models say of each point, in order. */
  readonly ask: (points: readonly Point[]) => Promise<readonly Measured[]>;
  /** Rows of a table that is not made of points; `compute` makes them where they are not known. */
  readonly rows: (name: string, compute: () => Promise<readonly Row[]>) => Promise<readonly Row[]>;
  /** Everything that was asked for: points by key, and tables by name. */
  readonly asked: ReadonlyMap<string, Measured>;
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  readonly close: () => void;
}

/** Answers from `folder`; throws where it lacks something. */
export function recordedLab(folder = FOLDER): Lab {
  const file = `${folder}/points.csv`;
  const known = new Map(
    (existsSync(file) ? fromCsv(readFileSync(file, 'utf8')) : []).map(({ key, ...rest }) => [String(key), rest as unknown as Measured]),
  );
  const asked = new Map<string, Measured>();
  const tables = new Map<string, readonly Row[]>();
  return {
    asked,
    tables,
    ask: async (points) =>
      points.map((point) => {
        const key = keyOf(point);
        const found = known.get(key);
        if (found === undefined || (point.simulate && found.machineCycles === undefined && found.error === undefined))
          throw new Error(`${file} lacks ${key}${point.simulate ? ', simulated' : ''}: run npm run reproduce`);
        asked.set(key, found);
        return found;
      }),
    rows: async (name) => {
      const path = `${folder}/${name}.csv`;
      if (!existsSync(path)) throw new Error(`there is no ${path}: run npm run reproduce`);
      const rows = fromCsv(readFileSync(path, 'utf8'));
      tables.set(name, rows);
      return rows;
    },
    close: () => {},
  };
}

export interface Progress {
  readonly done: number;
  readonly of: number;
  readonly measured: number;
}

/**
 * Measures on `workers` processes. What was measured by the same code on the same files is remembered below .cimbook/, so a run
 * that is killed goes on where it was.
 */
export function liveLab(workers: number, onProgress: (progress: Progress) => void = () => {}, folder = MEMORY): Lab {
  const memory = `${folder}/${pointVersion()}.jsonl`;
  const code = tableVersion();
  mkdirSync(folder, { recursive: true });
  const known = new Map<string, Measured>();
  /** Simulated or not, a key has one answer: the one that knows more, whichever came last. */
  const keep = (key: string, measured: Measured): void => {
    if (measured.machineCycles !== undefined || known.get(key)?.machineCycles === undefined) known.set(key, measured);
  };
  const knownRows = new Map<string, Promise<readonly Row[]>>();
  for (const line of existsSync(memory) ? readFileSync(memory, 'utf8').split('\n') : []) {
    // The last line of a run that was killed may be half a line.
    const entry = parsed(line);
    if (entry?.key !== undefined && entry.measured !== undefined) keep(entry.key, entry.measured);
    if (entry?.name !== undefined && entry.rows !== undefined && entry.code === code)
      knownRows.set(entry.name, Promise.resolve(entry.rows));
  }
  const pool = openPool(workers);
  const asked = new Map<string, Measured>();
  const tables = new Map<string, readonly Row[]>();
  const underway = new Map<string, Promise<Measured>>();
  const counts = { done: 0, of: 0, measured: 0 };
  const remember = (entry: object): void => appendFileSync(memory, `${JSON.stringify(entry)}\n`);

  const answer = async (point: Point): Promise<Measured> => {
    const key = keyOf(point);
    const found = known.get(key);
    if (found !== undefined && (!point.simulate || found.machineCycles !== undefined || found.error !== undefined)) return found;
    const label = `${key}${point.simulate}`;
    const running =
      underway.get(label) ??
      pool.measure(point).then((measured) => {
        keep(key, measured);
        remember({ key, measured });
        counts.measured++;
        return measured;
      });
    underway.set(label, running);
    return running;
  };

  return {
    asked,
    tables,
    ask: (points) =>
      Promise.all(
        points.map(async (point) => {
          counts.of++;
          const measured = await answer(point);
          // Simulated or not, a key has one row: the one that knows more.
          if (asked.get(keyOf(point))?.machineCycles === undefined) asked.set(keyOf(point), known.get(keyOf(point)) ?? measured);
          counts.done++;
          onProgress(counts);
          return measured;
        }),
      ),
    rows: async (name, compute) => {
      const computed = async (): Promise<readonly Row[]> => {
        const rows = await compute();
        remember({ name, code, rows });
        return rows;
      };
      const asked = knownRows.get(name) ?? computed();
      knownRows.set(name, asked);
      const rows = await asked;
      tables.set(name, rows);
      return rows;
    },
    close: () => pool.close(),
  };
}

interface Entry {
  readonly key?: string;
  readonly measured?: Measured;
  readonly name?: string;
  readonly code?: string;
  readonly rows?: readonly Row[];
}

function parsed(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}

/** Of the code that computes a point, of the chips and of the networks. */
function pointVersion(): string {
  const hash = createHash('sha256').update(codeVersion());
  for (const file of ['models.ts', 'point.ts']) hash.update(readFileSync(`bench/reproduce/${file}`));
  for (const file of [...CHIPS.map((chip) => `hw/${chip}.json`), ...MODELS.map((model) => `datasets/${model}.onnx`)])
    hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Of what makes the other tables: each section its own. */
function tableVersion(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync('bench/reproduce').sort()) hash.update(readFileSync(`bench/reproduce/${file}`));
  return hash.digest('hex').slice(0, 16);
}
