// Check: a spec, or the path of one -> Space, with the model and hardware files it names read.
// Nothing is trusted; everything that can be told wrong before a point is computed is told here, all at once.

import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { CompileError, fail, failOn, type Problem } from '../base/problem.ts';
import { formatNumber } from '../base/text.ts';
import { fileReason, jsonPath, nearest, shown } from '../base/wording.ts';
import type { HardwareFile } from '../hardware/hardware.ts';
import { parseJson } from '../hardware/parse-json.ts';
import { readHardwareFile } from '../hardware/read.ts';
import { type AreaModel, DEFAULT_AREA } from './area.ts';
import { axisOf, isRecord, isSetting, type Report, reporter, reportUnknown, togetherOf } from './check-axes.ts';
import { checkFields, rangeAxes, tryValues } from './check-fields.ts';
import { findMetric, METRICS, type MetricName } from './metrics.ts';
import { modelFile } from './model-files.ts';
import { countOf, gridSize } from './space.ts';
import { type Axis, type Bounds, type ModelFile, SAMPLE_KINDS, type SampleKind, type Setting, type Space, type SweepSpec } from './spec.ts';

/** A spec is written by people or by a script of a few lines. */
const MOST_BYTES = 16 * 1024 * 1024;
/** The largest sweep: a week on eight cores at 20 ms a point would be 240 million. */
export const MOST_POINTS = 10_000_000;
/** Latin hypercubes and searches keep something for each of their points. */
const MOST_SAMPLED = 1_000_000;

const SPEC_KEYS: readonly (keyof SweepSpec | '$schema')[] = [
  '$schema',
  'schemaVersion',
  'title',
  'fixed',
  'axes',
  'together',
  'sample',
  'objectives',
  'constraints',
  'area',
];

/** Reads and checks a spec. `folder`: where the paths in it start; that of the file, if `source` is a path. Throws `file`, `sweep` and what its files throw. */
export function readSpec(source: string | SweepSpec, folder?: string): Space {
  const spec: unknown = typeof source === 'string' ? parseJson(readText(source), source) : plainCopy(source);
  return checkSpec(spec, folder ?? (typeof source === 'string' ? dirname(source) : '.'));
}

function readText(path: string): string {
  const next = 'Give the path of a sweep specification, such as datasets/sweeps/resnet18-arrays.json.';
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return fail({ kind: 'file', path, reason: 'is not a regular file', next });
    if (stat.size > MOST_BYTES) return fail({ kind: 'file', path, reason: `is larger than ${MOST_BYTES / 1024 / 1024} MB`, next });
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CompileError) throw error;
    return fail({ kind: 'file', path, reason: fileReason(error), next });
  }
}

function plainCopy(spec: object): unknown {
  try {
    return structuredClone(spec);
  } catch {
    return fail({ kind: 'sweep', where: '$', found: 'something that is not plain data', expected: 'a specification as JSON has it' });
  }
}

function checkSpec(spec: unknown, folder: string): Space {
  const problems: Problem[] = [];
  const report = reporter(problems);
  if (!isRecord(spec)) return fail({ kind: 'sweep', where: '$', found: shown(spec), expected: 'an object with axes' });
  reportUnknown(spec, SPEC_KEYS, '$', 'part of a sweep', report);
  if (spec.schemaVersion !== undefined && spec.schemaVersion !== 1) report('$.schemaVersion', shown(spec.schemaVersion), '1');
  if (spec.title !== undefined && typeof spec.title !== 'string') report('$.title', shown(spec.title), 'a text');

  const fixed = checkFixed(spec.fixed, report);
  const given = checkAxes(spec, report);
  const kind = checkKind(spec.sample, report);
  const chips = readFiles('hardware', fixed, given, folder, problems, report, (path) => readHardwareFile(path));
  const models = readFiles('model', fixed, given, folder, problems, report, modelFile);
  const axes = kind === 'one-at-a-time' && given.length === 0 ? rangeAxes(Object.values(chips), fixed) : given;
  checkFields(fixed, axes, Object.values(chips), report);
  failOn(problems);
  tryValues({ fixed, axes }, Object.values(chips), report);
  const sample = checkSample(kind, spec.sample, axes, report);
  const objectives = checkObjectives(spec.objectives, report);
  const constraints = checkConstraints(spec.constraints, report);
  const area = checkArea(spec.area, report);
  failOn(problems);
  const title = typeof spec.title === 'string' ? spec.title : 'Sweep';
  return { title, fixed, axes, sample, objectives, constraints, area, models, chips, size: sample.count };
}

function checkFixed(value: unknown, report: Report): Readonly<Record<string, Setting>> {
  if (value === undefined) return {};
  if (!isRecord(value)) return report('$.fixed', shown(value), 'settings by field') ?? {};
  for (const [field, setting] of Object.entries(value))
    if (!isSetting(setting)) report(jsonPath('$.fixed', field), shown(setting), 'a finite number, a text, true or false');
  return Object.fromEntries(Object.entries(value).filter(([, setting]) => isSetting(setting))) as Record<string, Setting>;
}

function checkAxes({ axes = {}, together = [] }: Record<string, unknown>, report: Report): readonly Axis[] {
  const found: (Axis | undefined)[] = [];
  if (!isRecord(axes)) report('$.axes', shown(axes), 'lists and ranges by field');
  else for (const [field, value] of Object.entries(axes)) found.push(axisOf(field, value, jsonPath('$.axes', field), report));
  if (!Array.isArray(together)) report('$.together', shown(together), 'a list of groups of fields');
  else found.push(...together.map((group, i) => togetherOf(group, `$.together[${i}]`, report)));
  return found.filter((axis) => axis !== undefined);
}

/** The files that a field names in any of its values, by the path in the spec. */
function readFiles<T extends HardwareFile | ModelFile>(
  field: 'model' | 'hardware',
  fixed: Readonly<Record<string, Setting>>,
  axes: readonly Axis[],
  folder: string,
  problems: Problem[],
  report: Report,
  read: (path: string) => T,
): Readonly<Record<string, T>> {
  const names = [
    ...(fixed[field] === undefined ? [] : [fixed[field]]),
    ...axes.flatMap((axis) => (axis.kind === 'list' ? axis.values.map((values) => values[axis.fields.indexOf(field)]) : [])),
  ].filter((name) => name !== undefined);
  const files: Record<string, T> = {};
  if (names.length === 0) report(`$.fixed.${field}`, 'nothing', `a path, here or as an axis`);
  for (const name of new Set(names)) {
    if (typeof name !== 'string') report(`$.fixed.${field}`, shown(name), 'a path');
    else
      try {
        files[name] = read(isAbsolute(name) ? name : join(folder, name));
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        problems.push(...error.problems);
      }
  }
  return files;
}

function checkKind(sample: unknown, report: Report): SampleKind {
  if (sample === undefined) return 'grid';
  if (!isRecord(sample)) return report('$.sample', shown(sample), '{ kind, ... }') ?? 'grid';
  reportUnknown(sample, ['kind', 'count', 'seed'], '$.sample', 'part of a sample', report);
  const { kind = 'grid' } = sample;
  if ((SAMPLE_KINDS as readonly unknown[]).includes(kind)) return kind as SampleKind;
  const meant = typeof kind === 'string' ? nearest(kind, SAMPLE_KINDS) : undefined;
  report('$.sample.kind', shown(kind), meant === undefined ? `one of ${SAMPLE_KINDS.join(', ')}` : `'${meant}'`);
  return 'grid';
}

function checkSample(kind: SampleKind, sample: unknown, axes: readonly Axis[], report: Report): Space['sample'] {
  const { count, seed = 0 } = (isRecord(sample) ? sample : {}) as { count?: unknown; seed?: unknown };
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) report('$.sample.seed', shown(seed), 'a whole number of at least 0');
  const size = kind === 'one-at-a-time' ? axes.reduce((sum, axis) => sum + countOf(axis) - 1, 1) : gridSize(axes);
  const isCounted = kind === 'grid' || kind === 'one-at-a-time';
  if (isCounted && count !== undefined)
    report('$.sample.count', shown(count), `nothing: the axes of a ${kind} say how many points there are`);
  const endless = axes.find((axis) => countOf(axis) === Number.POSITIVE_INFINITY);
  if (endless !== undefined && kind !== 'random' && kind !== 'latin-hypercube')
    report(
      jsonPath('$.axes', endless.fields[0]!),
      'a range without end points between',
      '`step` or `count`, or a random or Latin-hypercube sample',
    );
  else if (isCounted && size > MOST_POINTS)
    report(
      '$.axes',
      `${formatNumber(size)} points`,
      `at most ${formatNumber(MOST_POINTS)}; take fewer values, or a sample { kind, count }`,
    );
  if (isCounted) return { kind, count: size, seed: seed as number };
  const most = kind === 'search' ? Math.min(size, MOST_SAMPLED) : MOST_SAMPLED;
  if (!Number.isSafeInteger(count) || (count as number) < 1 || (count as number) > MOST_SAMPLED) {
    report('$.sample.count', shown(count), `a whole number from 1 to ${formatNumber(MOST_SAMPLED)}`);
    return { kind, count: 1, seed: 0 };
  }
  return { kind, count: Math.min(count as number, most), seed: seed as number };
}

function metricNamed(name: unknown, where: string, report: Report): MetricName | undefined {
  const metric = typeof name === 'string' ? findMetric(name) : undefined;
  if (metric !== undefined) return metric.name;
  const words = METRICS.flatMap((each) => [each.word, each.name]);
  const meant = typeof name === 'string' ? nearest(name, words) : undefined;
  return report(where, shown(name), meant === undefined ? `one of ${METRICS.map((each) => each.word).join(', ')}` : `'${meant}'`);
}

function checkObjectives(value: unknown, report: Report): readonly MetricName[] {
  if (value === undefined) return ['latencySeconds', 'energyJoules'];
  if (!Array.isArray(value) || value.length === 0 || value.length > 4)
    return report('$.objectives', shown(value), 'a list of one to four metrics') ?? [];
  const names = value.map((name, i) => metricNamed(name, `$.objectives[${i}]`, report)).filter((name) => name !== undefined);
  if (new Set(names).size < names.length) report('$.objectives', 'a metric twice', 'each once');
  return names;
}

function checkConstraints(value: unknown, report: Report): Space['constraints'] {
  if (value === undefined) return {};
  if (!isRecord(value)) return report('$.constraints', shown(value), 'bounds by metric') ?? {};
  const constraints: Partial<Record<MetricName, Bounds>> = {};
  for (const [word, bounds] of Object.entries(value)) {
    const where = jsonPath('$.constraints', word);
    const metric = metricNamed(word, where, report);
    if (!isRecord(bounds) || (bounds.most === undefined && bounds.least === undefined)) {
      report(where, shown(bounds), '{ most } or { least }');
      continue;
    }
    reportUnknown(bounds, ['most', 'least'], where, 'bound', report);
    for (const [side, bound] of Object.entries(bounds))
      if (!Number.isFinite(bound)) report(`${where}.${side}`, shown(bound), 'a finite number');
    if (metric !== undefined) constraints[metric] = bounds as Bounds;
  }
  return constraints;
}

function checkArea(value: unknown, report: Report): AreaModel {
  if (value === undefined) return DEFAULT_AREA;
  if (!isRecord(value)) return report('$.area', shown(value), 'coefficients in mm2') ?? DEFAULT_AREA;
  reportUnknown(value, Object.keys(DEFAULT_AREA), '$.area', 'coefficient', report);
  for (const [name, number] of Object.entries(value))
    if (typeof number !== 'number' || !(number >= 0 && number < 1e9))
      report(`$.area.${name}`, shown(number), 'a number of at least 0, in mm2');
  return { ...DEFAULT_AREA, ...(value as Partial<AreaModel>) };
}
