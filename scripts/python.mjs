// Finds a Python for the notebooks, makes the project's virtual environment from it, or finds a JupyterLab that is
// already there. The library and the command line need none of this.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { run } from './command.mjs';
import { claimVenv, readStamp, readText, stampVenv, venvIsOurs, venvPython, writeStamp } from './fresh.mjs';

const OLDEST = [3, 10];
const WINDOWS = process.platform === 'win32';

/** Prints one line of JSON: what this Python is and whether it can make virtual environments. */
const PROBE = `
import importlib.util as u, json, sys
print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable,
  "makes": u.find_spec("venv") is not None and u.find_spec("ensurepip") is not None}))`;

/** The environment for Python programs: nobody's own settings may send packages elsewhere or bring theirs in. */
export function pythonEnvironment(extra = {}) {
  const env = { ...process.env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  for (const name of ['PYTHONHOME', 'PYTHONPATH', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_REQUIREMENT', 'PIP_NO_BINARY']) delete env[name];
  return { ...env, PYTHONUTF8: '1', ...extra };
}

/** Commands to try, best first: the plain name is what the user chose, then the newest. CIMBOOK_PYTHON goes before all. */
export function pythonCandidates(env = process.env) {
  const versions = ['3.13', '3.12', '3.11', '3.10', '3.14'].map((version) => [`python${version}`]);
  const own = env.CIMBOOK_PYTHON ? [[env.CIMBOOK_PYTHON]] : [];
  return [...own, ['python3'], ...versions, ['python'], ...(WINDOWS ? [['py', '-3']] : [])];
}

/**
 * The first candidate that is new enough and can make virtual environments, as `{ command, version }`;
 * without one, `{ reason }` says what was found instead.
 */
export async function findPython(candidates = pythonCandidates(), env = pythonEnvironment()) {
  let tooOld;
  let cannotMake;
  for (const command of candidates) {
    const { code, stdout } = await run(command[0], [...command.slice(1), '-c', PROBE], { env, limitSeconds: 30 });
    const found = code === 0 ? parseProbe(stdout) : undefined;
    if (found === undefined) continue;
    const version = found.version.join('.');
    if (found.version[0] !== OLDEST[0] || found.version[1] < OLDEST[1]) tooOld ??= `${command.join(' ')} is ${version}`;
    else if (!found.makes) cannotMake ??= `${command.join(' ')} (${version}) lacks venv or ensurepip`;
    else return { command: [found.executable], version };
  }
  if (cannotMake !== undefined) return { reason: cannotMake };
  return { reason: tooOld === undefined ? 'there is no Python' : `${tooOld}, and ${OLDEST.join('.')} or later is needed` };
}

function parseProbe(stdout) {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1));
  } catch {
    return undefined;
  }
}

/**
 * Makes .venv anew from the locked packages; resolves to undefined, or to why it failed.
 * A .venv that isn't ours is moved aside, never deleted.
 */
export async function makeVenv(root, python, log) {
  const folder = join(root, '.venv');
  if (existsSync(folder) && !venvIsOurs(root) && readdirSync(folder).length > 0) {
    const aside = join(root, '.cimbook', `venv-found-${new Date().toISOString().replace(/[:.]/g, '-')}`);
    renameSync(folder, aside);
  }
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    return `${folder} can't be replaced (${error.code}): close JupyterLab first`;
  }
  mkdirSync(folder);
  claimVenv(root);

  const env = pythonEnvironment();
  const lock = join(root, 'scripts', 'requirements.lock.txt');
  const inside = venvPython(root);
  const pip = ['-m', 'pip', 'install', '--no-deps', '--progress-bar', 'off', '-r', lock];
  for (const [what, command, args] of [
    ['python -m venv', python[0], [...python.slice(1), '-m', 'venv', folder]],
    ['pip install', inside, pip],
    ['a first import', inside, ['-c', 'import jupyterlab.labapp, nbclient']],
  ]) {
    const { code } = await run(command, args, { cwd: root, env, log });
    if (code !== 0) return `${what} failed (exit code ${code})`;
  }
  settleJupyterLab(folder);
  const packages = sitePackages(folder);
  stampVenv(root, [join(packages, 'jupyterlab', 'labapp.py'), join(packages, 'nbclient', 'client.py'), join(packages, 'zmq')]);
  return undefined;
}

/** Makes JupyterLab at home in this folder: no news and updates over the network, and its own scripts are not ES modules as ours are. */
function settleJupyterLab(prefix) {
  writeFileSync(join(prefix, 'package.json'), '{ "private": true, "type": "commonjs" }\n');
  const folder = join(prefix, 'share', 'jupyter', 'lab', 'settings');
  mkdirSync(folder, { recursive: true });
  const settings = { '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false } };
  writeFileSync(join(folder, 'overrides.json'), `${JSON.stringify(settings, undefined, 2)}\n`);
}

function sitePackages(prefix) {
  if (WINDOWS) return join(prefix, 'Lib', 'site-packages');
  const version = readdirSync(join(prefix, 'lib')).find((name) => name.startsWith('python'));
  return join(prefix, 'lib', version ?? 'python3', 'site-packages');
}

/** The Python behind a JupyterLab 4 on the PATH, as `{ python, version }`; undefined without one that nbclient comes with. */
export async function findJupyterLab(root) {
  const stamp = join(root, '.cimbook', 'jupyterlab'); // starting `jupyter` takes seconds
  const known = readStamp(stamp);
  if (known !== undefined && existsSync(known.python) && existsSync(known.file)) return known;
  const env = pythonEnvironment();
  const { code, stdout } = await run('jupyter', ['lab', '--version'], { env, limitSeconds: 60 });
  const version = stdout.match(/^4\.\d+\.\d+\S*$/m)?.[0];
  if (code !== 0 || version === undefined) return undefined;
  const probe =
    'import jupyterlab, nbclient, sys; assert jupyterlab.__version__.startswith("4."); print(sys.executable, jupyterlab.__file__, sep="\\n")';
  for (const command of [...interpretersOf('jupyter').map((path) => [path]), ...pythonCandidates()]) {
    const answer = await run(command[0], [...command.slice(1), '-c', probe], { env, limitSeconds: 60 });
    if (answer.code !== 0) continue;
    const [path, file] = answer.stdout.trim().split(/\r?\n/);
    const found = { python: path, version, file };
    writeStamp(stamp, found);
    return found;
  }
  return undefined;
}

/** Where the program's own Python may be: its first line says so, on Windows it lies beside or above it. */
function interpretersOf(program) {
  for (const folder of (process.env.PATH ?? process.env.Path ?? '').split(delimiter)) {
    const file = join(folder, WINDOWS ? `${program}.exe` : program);
    if (!existsSync(file)) continue;
    if (WINDOWS) return [join(folder, 'python.exe'), join(dirname(folder), 'python.exe')].filter(existsSync);
    const interpreter = readText(file)?.match(/^#!\s*(\S+)\s*$/m)?.[1];
    return [interpreter, join(folder, 'python3')].filter((path) => path !== undefined && existsSync(path));
  }
  return [];
}

/** What to install so that the virtual environment can be made, for this system. */
export function howToGetPython(reason, { platform = process.platform, osRelease = readText('/etc/os-release') ?? '' } = {}) {
  const like = osRelease.match(/^ID(?:_LIKE)?=.*$/gm)?.join(' ') ?? '';
  const command =
    platform === 'darwin'
      ? 'brew install python'
      : platform === 'win32'
        ? 'winget install Python.Python.3.13   (or the installer from python.org)'
        : /debian|ubuntu/.test(like)
          ? 'sudo apt install python3 python3-venv'
          : /fedora|rhel|centos/.test(like)
            ? 'sudo dnf install python3'
            : /arch/.test(like)
              ? 'sudo pacman -S python'
              : /alpine/.test(like)
                ? 'sudo apk add python3'
                : "your system's Python 3.10 or later, with venv and ensurepip";
  return [
    `The notebooks need Python ${OLDEST.join('.')} or later with venv: ${reason}.`,
    `Install it and run the command again:  ${command}`,
    'Without it the library and the command line work (node dist/cli/main.js --help); only the notebooks do not.',
  ];
}
