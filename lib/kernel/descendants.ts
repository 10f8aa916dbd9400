// The processes that cells have started, and theirs, but not the kernel itself: they are signalled, or ended.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What processes get to end by themselves. */
const GRACE_MS = 300;

export function signalDescendants(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of descendants()) send(pid, signal);
}

/** Asks them all to end, and kills those that don't. */
export async function endDescendants(): Promise<void> {
  const found = descendants().filter((pid) => send(pid, 'SIGTERM'));
  const deadline = Date.now() + GRACE_MS;
  while (found.some((pid) => send(pid, 0)) && Date.now() < deadline) await sleep(10);
  for (const pid of found) send(pid, 'SIGKILL');
}

function descendants(): readonly number[] {
  // On Windows there are no signals: process.kill would end the processes whatever it is given.
  if (process.platform === 'win32') return [];
  const found = new Set([process.pid]);
  const processes = parentsOfProcesses();
  for (const ancestor of found) for (const [pid, parent] of processes) if (parent === ancestor) found.add(pid);
  found.delete(process.pid);
  return [...found];
}

/** Whether it is still there. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // It has ended, or belongs to someone else.
  }
}

/** Returns process id -> parent's id. */
function parentsOfProcesses(): Map<number, number> {
  try {
    return process.platform === 'linux' ? fromProc() : fromPs();
  } catch {
    return new Map();
  }
}

function fromProc(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // After the command, which is in parentheses: state, parent.
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      parents.set(Number(name), Number(fields[1]));
    } catch {
      // It ended while we looked.
    }
  }
  return parents;
}

function fromPs(): Map<number, number> {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
}
