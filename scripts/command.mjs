// Runs other programs for the scripts of this folder: output captured and appended to a log, time limits, and no
// program left behind when we are interrupted. Plain Node: these scripts run before `npm ci` has.

import { spawn } from 'node:child_process';
import { appendFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** How long programs get to stop after an interrupt before they are killed, in milliseconds. */
const GRACE_MILLISECONDS = 3_000;

/** Programs that are running now; an interrupt ends them all. */
const running = new Set();
/** What to undo when we are interrupted (remove a lock, finish a line). */
const cleanups = new Set();
/** The program that owns the terminal, if any. */
let terminalChild;
let watching = false;
let interrupted = false;

/**
 * Runs a program and resolves, never rejects, to `{ code, stdout, output, seconds, timedOut }`: `output` has standard error too,
 * `code` is 127 when it can't be started.
 * `log`: a file that its output is appended to. `onOutput(text)`: sees the output as it comes. `limitSeconds`: when to end it.
 */
export function run(command, args, { cwd, env, log, onOutput, limitSeconds, shell = false } = {}) {
  watchForInterrupts();
  const start = performance.now();
  return new Promise((resolve) => {
    // With a time limit, a process group of its own, so that what it started in turn can be ended with it.
    const ownGroup = limitSeconds !== undefined && process.platform !== 'win32';
    const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'], detached: ownGroup, windowsHide: true });
    child.ownGroup = ownGroup;
    running.add(child);
    let output = '';
    let stdout = '';
    let timedOut = false;
    const hear = (chunk) => {
      output += chunk;
      if (log !== undefined) appendFileSync(log, chunk);
      onOutput?.(chunk);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const end = () => {
      timedOut = true;
      signalTo(child, 'SIGKILL');
    };
    const limit = limitSeconds === undefined ? undefined : setTimeout(end, limitSeconds * 1000);
    const done = (code) => {
      clearTimeout(limit);
      running.delete(child);
      if (!interrupted) resolve({ code, stdout, output, timedOut, seconds: (performance.now() - start) / 1000 });
    };
    child.on('error', (error) => {
      hear(`${error.message}\n`);
      done(127);
    });
    child.on('close', (code, signal) => done(exitCode(code, signal)));
  });
}

/** Runs a program that owns the terminal (JupyterLab asks before it stops, for example) and resolves to its exit code. */
export function runInTerminal(command, args, { cwd, env } = {}) {
  watchForInterrupts();
  return new Promise((resolve) => {
    terminalChild = spawn(command, args, { cwd, env, stdio: 'inherit' });
    terminalChild.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    terminalChild.on('close', (code, signal) => {
      terminalChild = undefined;
      resolve(exitCode(code, signal));
    });
  });
}

/** Registers what an interrupt must undo; returns the function that takes it back. */
export function onInterrupt(cleanup) {
  watchForInterrupts();
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** Whether the module at `url` is what Node was started with (and not imported); symbolic links on the way don't matter. */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url));
}

function exitCode(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}

function signalTo(child, signal) {
  try {
    if (child.ownGroup && child.pid !== undefined) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It has ended already.
  }
}

function watchForInterrupts() {
  if (watching) return;
  watching = true;
  for (const signal of INTERRUPTS) process.on(signal, () => interrupt(signal));
}

function interrupt(signal) {
  if (terminalChild !== undefined) {
    // Ctrl-C reaches it through the terminal by itself; it decides what to do, and we wait for it.
    if (signal !== 'SIGINT') terminalChild.kill(signal);
    return;
  }
  if (interrupted) return; // npm passes Ctrl-C on to us a second time
  interrupted = true;
  const leave = () => {
    for (const cleanup of cleanups) cleanup();
    process.exit(128 + constants.signals[signal]);
  };
  for (const child of running) signalTo(child, signal);
  const killAt = performance.now() + GRACE_MILLISECONDS;
  const poll = () => {
    if (running.size === 0) leave();
    if (performance.now() > killAt) {
      for (const child of running) signalTo(child, 'SIGKILL');
      leave();
    }
    setTimeout(poll, 20);
  };
  poll();
}
