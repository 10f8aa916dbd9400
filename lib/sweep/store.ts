// Store: a DuckDB file with every sweep that was run into it and every result by its key. One process writes at a time;
// what was put is on disk when `put` ends, so a killed sweep goes on where the file ends.
//
//   cimbook_store              version of this layout
//   sweeps                     one row a sweep: spec, hashes, versions, seed
//   results                    one row a computed run, by key: shared by all sweeps
//   points_ID, view sweep_ID   the points of a sweep in order; joined with their results

import { renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { CompileError, fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';
import { METRICS, type MetricName, type Metrics } from './metrics.ts';
import { isFolder } from './model-files.ts';
import type { Outcome } from './outcome.ts';
import type { Run } from './run.ts';
import type { Bounds, Setting, Settings } from './spec.ts';

export const STORE_VERSION = 1;
/** Path of a store that ends with the process. */
export const IN_MEMORY = ':memory:';

export interface SweepRecord {
  /** 12 hexadecimal digits. */
  readonly id: string;
  readonly title: string;
  readonly version: string;
  readonly seed: number;
  /** What was asked, as JSON: fixed, axes, sample, objectives, constraints, area, and the files' hashes. */
  readonly spec: string;
  readonly columns: readonly { readonly field: string; readonly type: 'number' | 'string' | 'boolean' }[];
  readonly constraints: Readonly<Partial<Record<MetricName, Bounds>>>;
}

export interface ListedPoint {
  readonly key: string;
  readonly settings: Settings;
}

export interface StoredResult {
  readonly key: string;
  readonly run: Run;
  readonly version: string;
  readonly outcome: Outcome;
}

/** What is known of a key. */
export interface Known {
  readonly status: Outcome['status'];
  readonly areaMm2: number;
  readonly certain: boolean;
  readonly metrics?: Metrics;
}

/** A point with its result: `point`, the varied fields, `status`, `feasible`, the metrics and `error`. */
export type ResultRow = Readonly<Record<string, Setting | null>>;

export interface Store {
  readonly path: string;
  /** Starts or resumes a sweep; resolves to the number of its points that are listed. */
  readonly begin: (record: SweepRecord) => Promise<number>;
  /** Lists points from number `from` on, those listed already left out, and tells what is known of their keys. */
  readonly list: (from: number, points: readonly ListedPoint[]) => Promise<ReadonlyMap<string, Known>>;
  /** Forgets results, for those that are to be computed again. */
  readonly forget: (keys: readonly string[]) => Promise<void>;
  readonly put: (results: readonly StoredResult[]) => Promise<void>;
  /** Points by status: done, failed, excluded. */
  readonly counts: () => Promise<Readonly<Record<Outcome['status'], number>>>;
  /** Points in order, all of them or those with these numbers. */
  readonly rows: (points?: readonly number[]) => Promise<readonly ResultRow[]>;
  /** Number and some metrics of the points that are done and inside the constraints, in order. */
  readonly feasible: (metrics: readonly MetricName[]) => Promise<readonly ResultRow[]>;
  /** Writes the sweep's rows as CSV or Parquet, whole or not at all. */
  readonly copyTo: (path: string) => Promise<void>;
  readonly close: () => void;
}

const SQL_TYPES = { number: 'DOUBLE', string: 'VARCHAR', boolean: 'BOOLEAN' } as const;
const METRIC_COLUMNS = METRICS.map(({ name }) => `"${name}" DOUBLE`).join(', ');

/** Opens a store, or makes one. Throws `file`: of another version, in use, not a database, not writable. */
export async function openStore(path: string): Promise<Store> {
  // Loaded here: 60 MB that most users of the library never need.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  let instance: DuckDBInstance;
  try {
    // A disk that was full when a store was to be made leaves an empty file, which DuckDB takes for no database.
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && stat.size === 0) rmSync(path);
    // One thread leaves the cores to the points; nothing is fetched.
    const settings = { threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' };
    instance = await DuckDBInstance.create(path, settings);
  } catch (error) {
    return storeProblem(path, error);
  }
  const connection = await instance.connect();
  try {
    await prepare(connection, path);
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
    throw error;
  }
  return storeOn(instance, connection, path);
}

async function prepare(connection: DuckDBConnection, path: string): Promise<void> {
  const tables = await rowsOf(connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'");
  const found = tables.map((row) => row.table_name);
  const next = `Choose another file with --store, or open it with the cimbook that wrote it.`;
  if (found.includes('cimbook_store')) {
    const [row] = await rowsOf(connection, 'SELECT schema_version, created_by FROM cimbook_store');
    if (row?.schema_version !== STORE_VERSION) {
      const reason = `was written by ${row?.created_by ?? 'another cimbook'} in layout ${row?.schema_version}; this one reads layout ${STORE_VERSION}`;
      fail({ kind: 'file', path, reason, next });
    }
    return;
  }
  if (found.length > 0) fail({ kind: 'file', path, reason: `is a database of something else (it has a table '${found[0]}')`, next });
  try {
    await connection.run('BEGIN');
    await connection.run(
      'CREATE TABLE sweeps (sweep VARCHAR PRIMARY KEY, title VARCHAR, version VARCHAR, seed BIGINT, spec VARCHAR, started TIMESTAMP)',
    );
    await connection.run(
      `CREATE TABLE results (key VARCHAR, version VARCHAR, model VARCHAR, chip VARCHAR, run VARCHAR, status VARCHAR, ${METRIC_COLUMNS}, error VARCHAR, certain BOOLEAN, milliseconds DOUBLE)`,
    );
    await connection.run('CREATE TABLE cimbook_store (schema_version INTEGER, created_by VARCHAR)');
    await connection.run('INSERT INTO cimbook_store VALUES ($1, $2)', [STORE_VERSION, 'cimbook']);
    await connection.run('COMMIT');
  } catch (error) {
    storeProblem(path, error);
  }
}

function storeOn(instance: DuckDBInstance, connection: DuckDBConnection, path: string): Store {
  let sweep: SweepRecord | undefined;
  let listed = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** One after another: a connection has one transaction. */
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work).catch((error: unknown) => storeProblem(path, error));
    last = result.catch(() => undefined);
    return result;
  };
  const together = <T>(work: () => Promise<T>): Promise<T> =>
    alone(async () => {
      await connection.run('BEGIN');
      try {
        const result = await work();
        await connection.run('COMMIT');
        return result;
      } catch (error) {
        // After a failed commit there is nothing left to roll back.
        await connection.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  const append = async (table: string, write: (appender: DuckDBAppender) => void): Promise<void> => {
    const appender = await connection.createAppender(table);
    write(appender);
    appender.closeSync();
  };
  const points = () => `points_${sweep?.id}`;
  const view = () => `sweep_${sweep?.id}`;

  return {
    path,
    begin: (record) =>
      together(async () => {
        sweep = record;
        const columns = record.columns.map(({ field, type }) => `${quoted(field)} ${SQL_TYPES[type]}`);
        await connection.run(
          `INSERT INTO sweeps SELECT $1, $2, $3, $4, $5, now() WHERE NOT EXISTS (SELECT 1 FROM sweeps WHERE sweep = $1)`,
          [record.id, record.title, record.version, record.seed, record.spec],
        );
        await connection.run(`CREATE TABLE IF NOT EXISTS ${points()} (${['point BIGINT', 'key VARCHAR', ...columns].join(', ')})`);
        await connection.run(`CREATE OR REPLACE VIEW ${view()} AS ${viewOf(record)}`);
        const [row] = await rowsOf(connection, `SELECT count(*)::DOUBLE AS n FROM ${points()}`);
        listed = Number(row?.n);
        return listed;
      }),
    list: (from, block) =>
      together(async () => {
        const fresh = block.slice(Math.max(0, listed - from));
        if (fresh.length > 0) {
          await append(points(), (appender) => {
            for (const { key, settings } of fresh) {
              appender.appendBigInt(BigInt(listed++));
              appender.appendVarchar(key);
              for (const { field } of sweep?.columns ?? []) appendSetting(appender, settings[field]);
              appender.endRow();
            }
          });
        }
        const sql = `SELECT r.* FROM results r WHERE r.key IN (SELECT key FROM ${points()} WHERE point >= $1 AND point < $2)`;
        const known = await rowsOf(connection, sql, [from, from + block.length]);
        return new Map(known.map((row) => [String(row.key), knownOf(row)]));
      }),
    forget: (keys) =>
      together(async () => {
        const list = keys.map((key) => `'${key.replace(/[^0-9a-f]/g, '')}'`).join(', ');
        if (keys.length > 0) await connection.run(`DELETE FROM results WHERE key IN (${list})`);
      }),
    put: (results) =>
      together(() =>
        append('results', (appender) => {
          for (const result of results) appendResult(appender, result);
        }),
      ),
    counts: () =>
      alone(async () => {
        const rows = await rowsOf(
          connection,
          `SELECT status, count(*)::DOUBLE AS n FROM ${view()} WHERE status IS NOT NULL GROUP BY status`,
        );
        return { done: 0, failed: 0, excluded: 0, ...Object.fromEntries(rows.map((row) => [row.status, Number(row.n)])) };
      }),
    rows: (points) =>
      alone(async () => {
        if (points?.length === 0) return [];
        const some = points === undefined ? '' : `WHERE point IN (${points.map(Number).join(', ')})`;
        return rowsOf(connection, `SELECT * FROM ${view()} ${some} ORDER BY point`);
      }),
    feasible: (metrics) =>
      alone(() =>
        rowsOf(connection, `SELECT ${['point', ...metrics.map(quoted)].join(', ')} FROM ${view()} WHERE feasible ORDER BY point`),
      ),
    copyTo: (target) => alone(() => copyView(connection, view(), target)),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/**
 * Rows of a sweep; `error` is last, as it may be long. A point outside the area is excluded even where another sweep
 * has computed it, so that a sweep's rows are the same whatever its store knew.
 */
function viewOf({ id, columns, constraints }: SweepRecord): string {
  const { areaMm2: area, ...others } = constraints;
  const isExcluded = area === undefined ? 'false' : `NOT (${['true', ...boundsOf('areaMm2', area)].join(' AND ')})`;
  const feasible = [
    "r.status = 'done'",
    `NOT ${isExcluded}`,
    ...Object.entries(others).flatMap(([name, bounds]) => boundsOf(name, bounds)),
  ];
  const fields = columns.map(({ field }) => `p.${quoted(field)}`);
  const kept = (column: string) => `CASE WHEN ${isExcluded} THEN NULL ELSE r.${quoted(column)} END AS ${quoted(column)}`;
  const list = [
    'p.point::DOUBLE AS point',
    ...fields,
    `CASE WHEN ${isExcluded} THEN 'excluded' ELSE r.status END AS status`,
    `coalesce(${feasible.join(' AND ')}, false) AS feasible`,
    ...METRICS.map(({ name }) => (name === 'areaMm2' ? `r."${name}"` : kept(name))),
    kept('error'),
  ];
  return `SELECT ${list.join(', ')} FROM points_${id} p LEFT JOIN results r USING (key)`;
}

function boundsOf(name: string, { most, least }: Bounds): readonly string[] {
  return [...(most === undefined ? [] : [`r."${name}" <= ${most}`]), ...(least === undefined ? [] : [`r."${name}" >= ${least}`])];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function appendSetting(appender: DuckDBAppender, value: Setting | undefined): void {
  if (typeof value === 'number') appender.appendDouble(value);
  else if (typeof value === 'string') appender.appendVarchar(value);
  else if (typeof value === 'boolean') appender.appendBoolean(value);
  else appender.appendNull();
}

function appendResult(appender: DuckDBAppender, { key, run, version, outcome }: StoredResult): void {
  for (const text of [key, version, run.model, run.chip, JSON.stringify(run), outcome.status]) appender.appendVarchar(text);
  for (const { name } of METRICS) {
    const value =
      outcome.status === 'done' ? outcome.metrics[name] : outcome.status === 'excluded' && name === 'areaMm2' ? outcome.areaMm2 : null;
    if (value === null) appender.appendNull();
    else appender.appendDouble(value);
  }
  if (outcome.status === 'failed') appender.appendVarchar(outcome.error);
  else appender.appendNull();
  appender.appendBoolean(outcome.status !== 'failed' || outcome.certain);
  appender.appendDouble(outcome.milliseconds);
  appender.endRow();
}

function knownOf(row: ResultRow): Known {
  const status = row.status as Outcome['status'];
  const common = { status, areaMm2: Number(row.areaMm2), certain: row.certain === true };
  if (status !== 'done') return common;
  return { ...common, metrics: Object.fromEntries(METRICS.map(({ name }) => [name, Number(row[name])])) as unknown as Metrics };
}

async function rowsOf(connection: DuckDBConnection, sql: string, values: readonly (number | string)[] = []): Promise<readonly ResultRow[]> {
  const reader = await connection.runAndReadAll(sql, [...values]);
  return reader.getRowObjectsJS() as unknown as readonly ResultRow[];
}

/** Throws `usage` or `file` for a path that rows can't be written to: said before a sweep, not after it. */
export function checkTarget(target: string): void {
  formatOf(target);
  if (!isFolder(dirname(target))) notWritable(target, 'there is no such folder');
}

function formatOf(target: string): 'csv' | 'parquet' {
  if (/\.csv$/i.test(target)) return 'csv';
  if (/\.parquet$/i.test(target)) return 'parquet';
  return fail({ kind: 'usage', message: `'${target}' is neither CSV nor Parquet`, next: 'Give a path that ends with .csv or .parquet.' });
}

function notWritable(target: string, reason: string): never {
  const next = 'Choose a place you may write to, with room on the disk.';
  return fail({ kind: 'file', path: target, reason: `cannot be written (${reason})`, next });
}

/** Writes beside the target first, so that nobody ever sees half a file. */
async function copyView(connection: DuckDBConnection, view: string, target: string): Promise<void> {
  const format = formatOf(target);
  const temporary = `${target}.${process.pid}.part`;
  try {
    const options = format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT parquet';
    await connection.run(`COPY (SELECT * FROM ${view} ORDER BY point) TO '${temporary.replaceAll("'", "''")}' (${options})`);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    const reason = error instanceof Error && 'code' in error ? fileReason(error) : (knownReason(error) ?? 'the database says why not');
    notWritable(target, reason);
  }
}

function knownReason(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : String(error);
  if (/No space left|File too large|disk quota/i.test(message)) return 'the disk is full';
  if (/Permission denied|Read-only/i.test(message)) return 'access is denied';
  if (/ENOTDIR|Not a directory/i.test(message)) return 'there is a file where a folder should be';
  if (/No such file/i.test(message)) return 'there is no such folder';
  return undefined;
}

/** DuckDB's errors as problems; ours pass through, others are defects. */
function storeProblem(path: string, error: unknown): never {
  if (error instanceof CompileError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  const stop = (reason: string, next: string): never => fail({ kind: 'file', path, reason, next });
  const again = 'What was stored before is safe: run the same command again and it goes on from there.';
  const reason = knownReason(error);
  if (reason === 'the disk is full')
    return stop('cannot be written (the disk is full)', `Make room, or choose another disk with --store. ${again}`);
  const holder = /Conflicting lock is held in (.*? \(PID \d+\))/.exec(message)?.[1];
  if (holder !== undefined) return stop(`is in use by ${holder}`, 'Wait until it ends, or choose another file with --store.');
  if (/not a valid DuckDB database/.test(message)) return stop('is not a DuckDB database', 'Choose another file with --store.');
  if (/version number|newer version|storage version/i.test(message))
    return stop('was written by another version of DuckDB', 'Choose another file with --store, or open it with the cimbook that wrote it.');
  if (/checksum|corrupt/i.test(message)) return stop('is damaged (a checksum does not match)', 'Choose another file with --store.');
  if (/Is a directory/.test(message)) return stop('is a directory', 'Give the path of a file.');
  if (reason !== undefined) return stop(reason, 'Choose a place you may write to.');
  throw error;
}
