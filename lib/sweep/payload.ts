// Payload: what came through the queue -> Job or outcomes, or problems. Whoever can write to the queue can send anything;
// only plain settings within bounds get past here. A job names models by hash alone.

import { CompileError, failOn, type Problem } from '../base/problem.ts';
import { jsonPath, shown } from '../base/wording.ts';
import { readHardwareFile } from '../hardware/read.ts';
import { DEFAULT_AREA } from './area.ts';
import { isRecord, isSetting, type Report, reporter } from './check-axes.ts';
import { METRICS } from './metrics.ts';
import type { Job, Outcome } from './outcome.ts';
import { contentHash, OPTIONS } from './run.ts';
import { codeVersion } from './version.ts';

const MOST_RUNS = 64;
const MOST_CHIPS = 16;
const MOST_ENTRIES = 256;
const MOST_TEXT = 200;
const MOST_SIZE = 1e9;
const HASH = /^[0-9a-f]{64}$/;
const MOST_MESSAGE = 10_000;

/** The job in a payload. Throws `sweep` problems, and those of hardware files. */
export function checkJob(data: unknown): Job {
  const problems: Problem[] = [];
  const report = reporter(problems);
  if (!isRecord(data)) report('job', shown(data), 'an object');
  else {
    onlyKeys(data, ['version', 'chips', 'area', 'areaBounds', 'runs'], 'job', report);
    if (data.version !== codeVersion()) report('job.version', shown(data.version), `${codeVersion()}: run the same cimbook on both sides`);
    checkChips(data.chips, problems, report);
    checkNumbers(data.area, Object.keys(DEFAULT_AREA), true, 'job.area', report);
    checkNumbers(data.areaBounds, ['most', 'least'], false, 'job.areaBounds', report);
    if (!Array.isArray(data.runs) || data.runs.length === 0 || data.runs.length > MOST_RUNS)
      report('job.runs', shown(data.runs), `a list of 1 to ${MOST_RUNS} runs`);
    else for (const [i, run] of data.runs.entries()) checkRun(run, isRecord(data.chips) ? data.chips : {}, `job.runs[${i}]`, report);
  }
  failOn(problems);
  return data as unknown as Job;
}

function onlyKeys(value: object, known: readonly string[], where: string, report: Report): void {
  for (const key of Object.keys(value)) if (!known.includes(key)) report(jsonPath(where, key), 'an unknown field', known.join(', '));
}

function checkChips(chips: unknown, problems: Problem[], report: Report): void {
  if (!isRecord(chips) || Object.keys(chips).length > MOST_CHIPS)
    return report('job.chips', shown(chips), `1 to ${MOST_CHIPS} hardware files`);
  for (const [hash, file] of Object.entries(chips)) {
    const where = jsonPath('job.chips', hash);
    if (!isRecord(file) || contentHash(file) !== hash) report(where, 'a file of another content', 'the file with that hash');
    else
      try {
        readHardwareFile(file);
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        problems.push(...error.problems);
      }
  }
}

function checkNumbers(value: unknown, names: readonly string[], all: boolean, where: string, report: Report): void {
  if (!isRecord(value)) return report(where, shown(value), 'an object of numbers');
  onlyKeys(value, names, where, report);
  for (const name of names) {
    if (value[name] === undefined && !all) continue;
    if (!Number.isFinite(value[name])) report(jsonPath(where, name), shown(value[name]), 'a finite number');
  }
}

function checkRun(run: unknown, chips: object, where: string, report: Report): void {
  if (!isRecord(run)) return report(where, shown(run), 'an object');
  const known = ['model', 'chip', 'bind', 'prompt', 'generate', 'weightBits', 'activationBits', 'overrides', 'options'];
  onlyKeys(run, known, where, report);
  if (typeof run.model !== 'string' || !HASH.test(run.model)) report(`${where}.model`, shown(run.model), 'a SHA-256 in hexadecimal');
  if (typeof run.chip !== 'string' || !Object.hasOwn(chips, run.chip))
    report(`${where}.chip`, shown(run.chip), 'the hash of one of job.chips');
  const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MOST_SIZE;
  for (const name of ['weightBits', 'activationBits'])
    if (!isSize(run[name])) report(`${where}.${name}`, shown(run[name]), 'a whole number');
  for (const name of ['prompt', 'generate'])
    if (run[name] !== undefined && !isSize(run[name])) report(`${where}.${name}`, shown(run[name]), 'a whole number');
  const entries = (name: string, isRight: (value: unknown, key: string) => boolean, expected: string): void => {
    const value = run[name];
    if (!isRecord(value) || Object.keys(value).length > MOST_ENTRIES) report(`${where}.${name}`, shown(value), 'an object');
    else
      for (const [key, entry] of Object.entries(value))
        if (key.length > MOST_TEXT || !isRight(entry, key)) report(jsonPath(`${where}.${name}`, key), shown(entry), expected);
  };
  entries('bind', isSize, `a whole number up to ${MOST_SIZE}`);
  entries('overrides', (value) => typeof value === 'boolean' || Number.isFinite(value), 'a number, true or false');
  const isOption = (value: unknown, key: string): boolean =>
    (OPTIONS as readonly string[]).includes(key) && isSetting(value) && String(value).length <= MOST_TEXT;
  entries('options', isOption, `a setting of ${OPTIONS.join(', ')}`);
}

/** The outcomes that a worker answered for `count` runs. Throws `sweep` problems. */
export function checkOutcomes(data: unknown, count: number): readonly Outcome[] {
  const problems: Problem[] = [];
  const report = reporter(problems);
  if (!Array.isArray(data) || data.length !== count) report('answer', shown(data), `${count} outcomes`);
  else
    for (const [i, outcome] of data.entries())
      if (!isOutcome(outcome)) report(`answer[${i}]`, shown(outcome), 'an outcome: done with its metrics, excluded or failed');
  failOn(problems);
  return data as readonly Outcome[];
}

function isOutcome(value: unknown): value is Outcome {
  if (!isRecord(value) || !Number.isFinite(value.milliseconds)) return false;
  if (value.status === 'excluded') return Number.isFinite(value.areaMm2);
  if (value.status === 'failed')
    return typeof value.error === 'string' && value.error.length <= MOST_MESSAGE && typeof value.certain === 'boolean';
  const { metrics } = value;
  return value.status === 'done' && isRecord(metrics) && METRICS.every(({ name }) => Number.isFinite(metrics[name]));
}
