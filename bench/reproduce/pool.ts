// Pool: points measured by worker processes, those of the same graph one after another by the same worker.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Measured, Point } from './point.ts';

export interface Pool {
  readonly measure: (point: Point) => Promise<Measured>;
  readonly close: () => void;
}

interface Task {
  readonly id: number;
  readonly point: Point;
  readonly done: (measured: Measured) => void;
  readonly failed: (error: Error) => void;
}

type Answer = { readonly id: number } & ({ readonly measured: Measured } | { readonly failed: string });

/** `workers` processes; they start with the first point and end with `close`. */
export function openPool(workers: number): Pool {
  /** Waiting points by graph, in the order of their first one. */
  const waiting = new Map<string, Task[]>();
  const crew: { readonly child: ChildProcess; task?: Task; graph?: string }[] = [];
  let count = 0;
  let closed = false;

  const next = (last: string | undefined): Task | undefined => {
    const graph = last !== undefined && waiting.has(last) ? last : waiting.keys().next().value;
    if (graph === undefined) return undefined;
    const list = waiting.get(graph) ?? [];
    const task = list.shift();
    if (list.length === 0) waiting.delete(graph);
    return task;
  };
  const give = (member: (typeof crew)[number]): void => {
    if (closed || member.task !== undefined) return;
    const task = next(member.graph);
    if (task === undefined) return;
    member.task = task;
    member.graph = graphOf(task.point);
    member.child.send({ id: task.id, point: task.point });
  };
  const hire = (): void => {
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
    const member: (typeof crew)[number] = { child };
    crew.push(member);
    child.on('message', (answer: Answer) => {
      const { task } = member;
      delete member.task;
      if (task !== undefined && 'measured' in answer) task.done(answer.measured);
      else if (task !== undefined && 'failed' in answer) task.failed(new Error(`${JSON.stringify(task.point)}\n${answer.failed}`));
      give(member);
    });
    child.on('exit', (code) => {
      if (!closed) member.task?.failed(new Error(`a worker ended with code ${code} on ${JSON.stringify(member.task.point)}`));
    });
    give(member);
  };

  return {
    measure: (point) =>
      new Promise((done, failed) => {
        const graph = graphOf(point);
        const task = { id: count++, point, done, failed };
        waiting.set(graph, [...(waiting.get(graph) ?? []), task]);
        // What is asked for together is known before anybody starts, so that graphs stay together.
        setImmediate(() => {
          if (closed) return;
          if (crew.length < workers) hire();
          else for (const member of crew) give(member);
        });
      }),
    close: () => {
      closed = true;
      for (const { child } of crew) child.kill();
    },
  };
}

function graphOf({ model, bind }: Point): string {
  return JSON.stringify([model, bind]);
}
