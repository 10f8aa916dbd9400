// One set-up at a time: a lock file that its owner touches every two seconds, so that one left by a killed process is noticed.

import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onInterrupt } from './command.mjs';

const TOUCH_MILLISECONDS = 2_000;
const STALE_MILLISECONDS = 15_000;

/** Holds the lock while `work` runs. `onWait(owner)` is called once if another process has it. */
export async function withLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; !take(path); ) {
    const holder = owner(path);
    if (isStale(path, holder)) {
      discard(path, holder);
      continue;
    }
    if (!told) onWait(holder);
    told = true;
    await sleep(300);
  }
  const release = () => rmSync(path, { force: true });
  const keep = setInterval(() => touch(path), TOUCH_MILLISECONDS);
  const forget = onInterrupt(release);
  try {
    return await work();
  } finally {
    clearInterval(keep);
    forget();
    release();
  }
}

function take(path) {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(path, holder) {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MILLISECONDS) return true;
    if (Number(holder) > 0) process.kill(Number(holder), 0); // throws ESRCH when there is no such process
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Two processes may find the same stale lock: only the one whose rename succeeds removes it. */
function discard(path, holder) {
  const aside = `${path}.${process.pid}`;
  try {
    if (owner(path) !== holder) return; // someone else was faster and holds a new one
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Someone removed it; what we do goes on, and the next set-up takes a lock of its own.
  }
}

function owner(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
