// Set-up decides rightly what is to be done, finds a Python, and runs once at a time. No test here installs anything.

import { chmodSync, existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder, ROOT, script } from './support.ts';

const fresh = await script('fresh.mjs');
const python = await script('python.mjs');
const { run } = await script('command.mjs');
const { withLock } = await script('lock.mjs');

const packages = suite('npm packages');

const LOCK = {
  packages: {
    '': { name: 'x' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/other-system': { version: '1.0.0', optional: true, os: ['no-such-system'] },
  },
};
const INSTALLED = { packages: { 'node_modules/a': { version: '1.0.0' } } };
const clone = {
  'package-lock.json': JSON.stringify(LOCK),
  'node_modules/.package-lock.json': JSON.stringify(INSTALLED),
  'node_modules/a/package.json': '{}',
};

packages('are taken as they are when someone installed exactly the locked versions', () =>
  inFolder(clone, (folder) => assert.ok(fresh.packagesMatchLock(folder))),
);

packages('are installed anew when a version differs, a package is missing, or npm never came to its end', async () => {
  const other = { packages: { 'node_modules/a': { version: '1.0.1' } } };
  for (const change of [
    { 'node_modules/.package-lock.json': JSON.stringify(other) },
    { 'node_modules/.package-lock.json': '{"packages":{}}' },
    { 'node_modules/.package-lock.json': '' },
  ]) {
    await inFolder({ ...clone, ...change }, (folder) => assert.not(fresh.packagesMatchLock(folder)));
  }
  await inFolder(clone, (folder) => {
    rmSync(join(folder, 'node_modules/a'), { recursive: true });
    assert.not(fresh.packagesMatchLock(folder));
  });
});

packages('are fresh until the lock changes, and never without the stamp', () =>
  inFolder(clone, (folder) => {
    assert.not(fresh.packagesAreFresh(folder));
    fresh.stampPackages(folder);
    assert.ok(fresh.packagesAreFresh(folder));
    writeFileSync(join(folder, 'package-lock.json'), '{}');
    assert.not(fresh.packagesAreFresh(folder));
    fresh.unstampPackages(folder);
    assert.not(fresh.packagesMatchLock(folder));
  }),
);

packages.run();

const build = suite('build');

const sources = { 'lib/a.ts': 'export {};', 'lib/deep/b.ts': 'export {};', 'dist/a.js': '', 'dist/deep/b.js': '', 'dist/deep/b.d.ts': '' };

build('is fresh until a source or a setting changes, or a built file is missing', async () => {
  for (const [path, text] of Object.entries({ 'lib/a.ts': 'changed', 'lib/new.ts': '', 'lib/data.json': '{}', 'tsconfig.json': '{}' })) {
    await inFolder(sources, (folder) => {
      assert.not(fresh.buildIsFresh(folder));
      fresh.stampBuild(folder, fresh.buildKey(folder));
      assert.ok(fresh.buildIsFresh(folder));
      writeFileSync(join(folder, path), text);
      assert.not(fresh.buildIsFresh(folder), `${path} changed`);
    });
  }
  await inFolder(sources, (folder) => {
    fresh.stampBuild(folder, fresh.buildKey(folder));
    rmSync(join(folder, 'dist/deep/b.js'));
    assert.not(fresh.buildIsFresh(folder));
  });
});

build('removes what was built from sources that are gone, and nothing else', () =>
  inFolder({ ...sources, 'dist/gone.js': '', 'dist/gone.js.map': '', 'dist/gone.d.ts': '', 'dist/asset.svg': '' }, (folder) => {
    fresh.removeOrphans(folder);
    const left = fresh
      .filesBelow(join(folder, 'dist'))
      .map((path: string) => path.slice(join(folder, 'dist').length + 1).replaceAll('\\', '/'));
    assert.equal(left, ['a.js', 'asset.svg', 'deep/b.d.ts', 'deep/b.js']);
  }),
);

build.run();

const finding = suite('finding Python');
const isUnix = process.platform !== 'win32';

/** A program that answers set-up's question as a Python of this version would. */
const pretend = (version: readonly number[], makes: boolean) =>
  `#!/bin/sh\necho '${JSON.stringify({ version, executable: `/pretended/${version.join('.')}`, makes })}'\n`;

async function found(programs: Readonly<Record<string, string>>) {
  return inFolder(programs, (folder) => {
    for (const name of Object.keys(programs)) chmodSync(join(folder, name), 0o755);
    const candidates = ['python3', 'python3.12', 'python'].map((name) => [join(folder, name)]);
    return python.findPython(candidates);
  });
}

if (isUnix) {
  finding('takes the first that is new enough and can make environments', async () => {
    const programs = { python3: pretend([3, 9, 2], true), 'python3.12': pretend([3, 12, 1], false), python: pretend([3, 10, 0], true) };
    assert.equal(await found(programs), { command: ['/pretended/3.10.0'], version: '3.10.0' });
  });

  finding('says what is wrong with those that are there', async () => {
    assert.match((await found({ python3: pretend([3, 11, 2], false) })).reason, /python3 \(3\.11\.2\) lacks venv or ensurepip$/);
    assert.match((await found({ python3: pretend([3, 8, 1], true) })).reason, /python3 is 3\.8\.1, and 3\.10 or later is needed$/);
    assert.match((await found({ python3: pretend([2, 7, 18], true) })).reason, /2\.7\.18/);
    assert.is((await found({})).reason, 'there is no Python');
  });

  finding('passes over programs that fail or answer something else', async () => {
    const programs = { python3: '#!/bin/sh\nexit 9\n', 'python3.12': '#!/bin/sh\necho hello\n', python: pretend([3, 13, 0], true) };
    assert.is((await found(programs)).version, '3.13.0');
  });
}

finding('puts the one that CIMBOOK_PYTHON names first', () => {
  assert.equal(python.pythonCandidates({ CIMBOOK_PYTHON: '/opt/python' })[0], ['/opt/python']);
  assert.equal(python.pythonCandidates({})[0], ['python3']);
});

finding('names the command that installs it, for the system at hand', () => {
  const command = (platform: string, osRelease = '') => python.howToGetPython('there is no Python', { platform, osRelease })[1];
  assert.match(command('linux', 'ID=debian\n'), /apt install python3 python3-venv$/);
  assert.match(command('linux', 'NAME="Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n'), /apt install/);
  assert.match(command('linux', 'ID=fedora\n'), /dnf install/);
  assert.match(command('linux', ''), /Python 3\.10 or later/);
  assert.match(command('darwin'), /brew install python/);
  assert.match(command('win32'), /winget install/);
});

finding.run();

const lock = suite('lock');

lock('lets one work at a time, and says once that it waits', () =>
  inFolder({}, async (folder) => {
    const path = join(folder, 'sub', 'lock');
    const events: string[] = [];
    const work = (name: string) => async () => {
      events.push(`${name} begins`);
      await sleep(400);
      events.push(`${name} ends`);
    };
    const first = withLock(path, work('a'));
    await sleep(50);
    await Promise.all([first, withLock(path, work('b'), () => events.push('b waits'))]);
    assert.equal(events, ['a begins', 'b waits', 'a ends', 'b begins', 'b ends']);
    assert.not(existsSync(path));
  }),
);

lock('is taken over from a process that is gone, or that has not touched it for long', () =>
  inFolder({}, async (folder) => {
    const path = join(folder, 'lock');
    const { stdout } = await run(process.execPath, ['-p', 'process.pid']);
    writeFileSync(path, stdout.trim()); // the pid of a process that has ended
    assert.is(await withLock(path, () => 'done'), 'done');
    writeFileSync(path, String(process.pid));
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(path, longAgo, longAgo);
    assert.is(await withLock(path, () => 'done'), 'done');
  }),
);

lock('is given back when the work fails', () =>
  inFolder({}, async (folder) => {
    const path = join(folder, 'lock');
    let message = '';
    await withLock(path, () => Promise.reject(new Error('no'))).catch((error: Error) => {
      message = error.message;
    });
    assert.is(message, 'no');
    assert.not(existsSync(path));
  }),
);

lock.run();

const commands = suite('running programs');

commands('tells output, exit code and time limits apart', async () => {
  const said = await run(process.execPath, ['-e', 'console.log("out"); console.error("err"); process.exit(3)']);
  assert.is(said.code, 3);
  assert.is(said.stdout, 'out\n');
  assert.match(said.output, /err/);
  const slow = await run(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { limitSeconds: 0.5 });
  assert.ok(slow.timedOut);
  assert.ok(slow.seconds < 20);
  const missing = await run(join(ROOT, 'no-such-program'), []);
  assert.is(missing.code, 127);
});

if (isUnix) {
  commands('a time limit also ends what the program started', () =>
    inFolder({}, async (folder) => {
      const file = join(folder, 'pid');
      const child = `const c = require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
        require('fs').writeFileSync(${JSON.stringify(file)}, String(c.pid)); setTimeout(() => {}, 60000);`;
      await run(process.execPath, ['-e', child], { limitSeconds: 1.5 });
      const pid = Number(fresh.readText(file));
      assert.ok(pid > 0);
      await sleep(200);
      const state: string = fresh.readText(`/proc/${pid}/stat`) ?? '';
      const isAlive = state === '' ? isRunning(pid) : !/\) Z /.test(state); // a zombie nobody waits for has ended too
      assert.not(isAlive);
    }),
  );

  commands('Ctrl-C ends the program, undoes what was registered, and exits with 130', () =>
    inFolder({}, async () => {
      const program = `
        import { onInterrupt, run } from ${JSON.stringify(new URL('../../scripts/command.mjs', import.meta.url).href)};
        onInterrupt(() => console.log('undone'));
        setTimeout(() => process.kill(process.pid, 'SIGINT'), 300);
        await run(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
        console.log('never');`;
      const { code, stdout, seconds } = await run(process.execPath, ['--input-type=module', '-e', program]);
      assert.is(code, 130);
      assert.is(stdout, 'undone\n');
      assert.ok(seconds < 10);
    }),
  );
}

commands.run();

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
