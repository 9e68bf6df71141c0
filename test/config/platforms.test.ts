/** Which platforms there are, and what is said of the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printOne, problemsOf } from './support.ts';

const fileOf = (platform: string) => `builds: { a: { platforms: ["${platform}"] } }\n`;

/** A mark, what it says, what it hints at. */
const WRONG: readonly (readonly [platform: string, message: string, hint: string])[] = [
  ['linux/amd46', 'is not a platform: there is no architecture "amd46"', 'Did you mean "linux/amd64"?'],
  ['linux/arm46/v8', 'is not a platform: there is no architecture "arm46"', 'Did you mean "linux/arm64/v8"?'],
  ['lunix/amd64', 'is not a platform: there is no operating system "lunix"', 'Did you mean "linux/amd64"?'],
  ['amd64/linux', 'is not a platform: there is no operating system "amd64"', 'Did you mean "linux/amd64"?'],
  ['linux/x64', 'is not a platform: there is no architecture "x64"', 'Did you mean "linux/amd64"?'],
  ['linux/armv7', 'is not a platform: there is no architecture "armv7"', 'Did you mean "linux/arm/v7"?'],
  ['linux/arm64v8', 'is not a platform: there is no architecture "arm64v8"', 'Did you mean "linux/arm64"?'],
  ['foo', 'is not a platform', 'Write os/arch or os/arch/variant, such as linux/amd64 or linux/arm/v7.'],
  ['arm46', 'is not a platform', 'Did you mean "linux/arm64"?'],
  [
    'constructor',
    'is not a platform',
    'Write os/arch or os/arch/variant, such as linux/amd64 or linux/arm/v7.',
  ],
  ['linux-amd64', 'is not a platform', 'Did you mean "linux/amd64"?'],
  ['linux', 'is not a platform', 'Did you mean "linux/amd64"?'],
  [
    'linux/zzzzzz',
    'is not a platform: there is no architecture "zzzzzz"',
    'Write os/arch or os/arch/variant, such as linux/amd64 or linux/arm/v7.',
  ],
];

test('a platform that nobody knows is an error at its place, with what may be meant', async () => {
  for (const [platform, message, hint] of WRONG)
    assert.deepEqual(await problemsOf(fileOf(platform)), [
      `config/platform builds.yaml:1:28 «"${platform}"» "${platform}" ${message} | ${hint}`,
    ]);
  const flag = await problemsOf(fileOf('linux/amd64'), { overrides: ['*.platforms=linux/amd46'] });
  assert.deepEqual(flag, [
    'config/platform --set:1:1 «*.platforms=linux/amd46» "linux/amd46" is not a platform: there is no architecture "amd46" | Did you mean "linux/amd64"?',
  ]);
});

test('the engine has no platform of its own beside others', async () => {
  const problems = await problemsOf(fileOf('local,linux/arm64'));
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /"local" cannot be combined with other platforms/);
});

test('rare platforms, lone architectures and every variant are taken', async () => {
  const rare = [
    'linux/riscv64',
    'linux/loong64',
    'linux/mips64le',
    'linux/s390x',
    'linux/386',
    'linux/amd64/v3',
    'linux/arm/v6',
    'linux/arm64/v8.2',
    'linux/ppc64le/power9',
    'windows/amd64',
    'windows/arm64',
    'darwin/arm64',
    'freebsd/amd64',
    'wasi/wasm',
    'wasip1/wasm',
    'js/wasm',
    'wasi/wasm32',
    'local',
    'arm64',
    'x86_64',
    'macos/aarch64',
    'LINUX/AMD64',
  ];
  for (const platform of rare) assert.deepEqual(await problemsOf(fileOf(platform)), [], platform);
  assert.deepEqual((await printOne(fileOf('linux/riscv64')))['platforms'], ['linux/riscv64']);
});
