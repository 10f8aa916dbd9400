// Sends a signal to the processes that cells have started, and to theirs, but not to the kernel itself.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export function signalDescendants(signal: 'SIGINT' | 'SIGTERM'): void {
  // On Windows there are no signals: process.kill would end the processes whatever it is given.
  if (process.platform === 'win32') return;
  const found = new Set([process.pid]);
  const processes = parentsOfProcesses();
  for (const ancestor of found) for (const [pid, parent] of processes) if (parent === ancestor) found.add(pid);
  found.delete(process.pid);
  for (const pid of found) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended, or belongs to someone else.
    }
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
