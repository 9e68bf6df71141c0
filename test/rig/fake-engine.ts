/**
 * An engine within the test's process. It gets the command lines that bake-ts writes for buildctl, makes images of what
 * the Dockerfile and its files really say, keeps them, pushes them over HTTP, and speaks rawjson: a whole run takes
 * milliseconds. It can fail, hang or be cut at each moment of a build. That it behaves as the real one does is proved by
 * tests that run against both (test/e2e/failures-real.test.ts).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../lib/model/mod.ts';
import type { ProgramCall, ProgramEnd, RunProgram } from '../../lib/system/mod.ts';
import { type FakeBuildArgv, optsBelow, readCommandLine } from './fake-command-line.ts';
import { stateOf } from './fake-config.ts';
import { excerptOf, type FakeDockerfile, readFakeDockerfile } from './fake-dockerfile.ts';
import {
  blobOf,
  evaluateStage,
  type FakeBlob,
  type FakePlatformImage,
  type FakeState,
  type FakeStep,
  finishImage,
  imageUnder,
  makeAttestation,
  makeIndex,
} from './fake-image.ts';
import { FakeLocalSources } from './fake-local-sources.ts';
import { type FakePolicy, readPolicy } from './fake-policy.ts';
import { digestOfBytes } from './fake-registry-store.ts';
import { type FakeResult, FakeTransfer, splitName } from './fake-transfer.ts';

/** Moments of a build, in this order. `step` comes before each step. */
export type EnginePoint = 'start' | 'sent' | 'step' | 'built' | 'exported' | 'pushed' | 'end';

/** What happens at a moment: text of an error, no end by itself, the end of the process, or what the test does. */
export type EngineAct =
  | { readonly fail: string }
  | 'hang'
  | 'die'
  | ((call: Pick<EngineCall, 'argv'>) => void | Promise<void>);

/** Something that happens at a moment of some builds. */
export interface EngineFault {
  /** A text that occurs in the arguments (joined by line breaks); default: all builds. */
  readonly when?: string;
  readonly at: EnginePoint;
  /** How many times; default: each time. */
  readonly times?: number;
  readonly act: EngineAct;
}

/** What a request to the frontend (`frontend.lint`, `frontend.convertllb`) is answered with. */
export interface FrontendAnswer {
  readonly exitCode?: number;
  readonly stdout?: string;
  /** Lines of the error output: rawjson, and what buildctl says at the end. */
  readonly lines?: readonly string[];
}

/** A call that was made. */
export interface EngineCall {
  readonly argv: readonly string[];
  readonly env: ProgramCall['env'];
}

/** How BuildKit names the error of a connection that broke. */
export const CONNECTION_LOST =
  'error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF';
/** How buildctl names an engine that is not there. */
const UNREACHABLE =
  'error: listing workers for Build: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /fake/buildkitd.sock: connect: connection refused"';
/** The host of names that are only in the engine's own store. */
const STORE_HOST = '127.0.0.1:1/';

/** What RUN sees besides files, arguments and variables. */
const RUN_OPTIONS = ['shm-size', 'ulimit', 'add-hosts', 'force-network-mode', 'cgroup-parent'];
const SILENT = { stdout: Buffer.alloc(0), stderr: '' };
const CANCELLED: ProgramEnd = { ended: 'cancelled', exitCode: 1, ...SILENT };

class Died extends Error {}

interface Failure {
  readonly lines: readonly string[];
}

/** What lies in image layouts on this machine, which every engine may be sent: directory and digest → what it is. */
const LAYOUTS = new Map<string, FakeState>();

/** An engine with everything it keeps. */
export class FakeEngine {
  readonly program: string = '/fake/buildctl';
  readonly address: string = 'unix:///fake/buildkitd.sock';
  readonly platform: string;
  /** How its worker keeps images; `oci`: not at all. */
  worker: 'containerd' | 'oci' = 'containerd';
  /** Version of its buildkitd; undefined: it is from before it was told. */
  version: string | undefined;
  /** Something that RUN sees and nobody knows of: with another one the same inputs give another image. */
  weather = '';
  /** An old frontend asks for the main context by the one name that all builds share. */
  isOld = false;
  /** No call reaches it: buildctl says that it cannot connect. */
  isDown = false;
  /** Its disk is full, which steps that run find out. */
  isFull = false;
  /** Answers requests to the frontend; the fake checks no Dockerfile by itself. */
  frontend: (id: string, argv: readonly string[]) => FrontendAnswer = () => ({});
  readonly calls: EngineCall[] = [];
  /** Names in its image store. */
  readonly images: Map<string, Digest> = new Map();
  readonly locals: FakeLocalSources = new FakeLocalSources();
  readonly #content = new Map<string, Buffer>();
  readonly #states = new Map<string, FakeState>();
  readonly #cached = new Set<string>();
  #faults: { readonly fault: EngineFault; left: number }[] = [];
  #attestations = 0;
  #running = 0;

  constructor(platform = 'linux/amd64') {
    this.platform = platform;
  }

  /** The arguments of each `buildctl build` so far. */
  get builds(): readonly (readonly string[])[] {
    return this.calls.flatMap(({ argv }) => (argv.includes('build') ? [argv] : []));
  }

  /** Calls under way. */
  get running(): number {
    return this.#running;
  }

  /** From now on. */
  fault(fault: EngineFault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** No faults any more. */
  mend(): void {
    this.#faults = [];
  }

  forgetCalls(): void {
    this.calls.length = 0;
  }

  /** Loses the images of its own store, as garbage collection does. */
  loseImages(): void {
    this.images.clear();
    this.#content.clear();
    this.#states.clear();
  }

  /** Runs buildctl. */
  readonly run: RunProgram = async (request) => {
    const { signal } = request;
    if (signal?.aborted === true) return CANCELLED;
    if (request.program !== this.program) return { ended: 'never-started', startError: 'ENOENT', ...SILENT };
    this.calls.push({ argv: request.argv, env: request.env });
    this.#running += 1;
    try {
      return await this.#answer(request);
    } finally {
      this.#running -= 1;
    }
  };

  async #answer(request: ProgramCall): Promise<ProgramEnd> {
    const ended = (exitCode: number, text: string | Buffer = ''): ProgramEnd => ({
      ended: 'by-itself',
      exitCode,
      stdout: Buffer.from(text),
      stderr: '',
    });
    const command = readCommandLine(request.argv);
    if (this.isDown) {
      request.onErrorLine?.(UNREACHABLE);
      return ended(1);
    }
    switch (command.verb) {
      case 'debug get': {
        const bytes = this.#content.get(command.digest);
        return bytes === undefined ? ended(1) : ended(0, bytes);
      }
      case 'debug workers':
        return ended(0, JSON.stringify([this.#describe()]));
      case 'build': {
        const id = command.build.opts.get('requestid');
        if (id === undefined) return this.#build(request, command.build);
        const { exitCode = 0, stdout, lines = [] } = this.frontend(id, request.argv);
        for (const line of lines) request.onErrorLine?.(line);
        return ended(exitCode, stdout);
      }
    }
  }

  #describe(): object {
    const [os, architecture] = this.platform.split('/');
    return {
      labels: { 'org.mobyproject.buildkit.worker.executor': this.worker },
      platforms: [{ os, architecture }],
      ...(this.version === undefined ? {} : { buildkitVersion: { version: this.version } }),
    };
  }

  async #build(request: ProgramCall, argv: FakeBuildArgv): Promise<ProgramEnd> {
    const signal = request.signal ?? new AbortController().signal;
    const transfer = new FakeTransfer(signal);
    const say = (status: object) => request.onErrorLine?.(JSON.stringify(status));
    const at = (point: EnginePoint) => this.#reach(point, request);
    try {
      await at('start');
      const result = await this.#make(request, argv, transfer, say, at);
      await at('built');
      const store = this.#makeStore(result);
      await at('exported');
      for (const output of argv.outputs) await this.#export(output, result, store, transfer, say, signal);
      await at('pushed');
      if (argv.metadataFile !== undefined && argv.outputs.length > 0)
        await writeFile(argv.metadataFile, JSON.stringify(metadataOf(result, argv)));
      await at('end');
      return { ended: 'by-itself', exitCode: 0, ...SILENT };
    } catch (error) {
      if (signal.aborted) return CANCELLED;
      if (error instanceof Died) return { ended: 'by-itself', ...SILENT };
      const lines = isFailure(error) ? error.lines : [`error: failed to solve: ${wordsOf(error)}`];
      for (const line of lines.join('\n').split('\n')) request.onErrorLine?.(line);
      return { ended: 'by-itself', exitCode: 1, ...SILENT };
    } finally {
      transfer.close();
    }
  }

  async #reach(point: EnginePoint, { argv, signal }: ProgramCall): Promise<void> {
    const text = argv.join('\n');
    for (const one of this.#faults) {
      const { fault } = one;
      if (fault.at !== point || one.left <= 0 || !text.includes(fault.when ?? '')) continue;
      one.left -= 1;
      if (fault.act === 'die') throw new Died();
      if (fault.act === 'hang') await untilAborted(signal);
      else if (typeof fault.act === 'function') await fault.act({ argv });
      else throw asFailure([fault.act.fail]);
    }
    if (signal?.aborted === true) throw new Error('Canceled: context canceled');
  }

  async #make(
    request: ProgramCall,
    argv: FakeBuildArgv,
    transfer: FakeTransfer,
    say: (status: object) => void,
    at: (point: EnginePoint) => Promise<void>,
  ): Promise<FakeResult> {
    const { opts } = argv;
    const filename = opts.get('filename') ?? 'Dockerfile';
    const fileSession = this.isOld ? undefined : opts.get('local-sessionid:dockerfile');
    const fileLocal = `${fileSession?.replace(/:$/, '-') ?? ''}${opts.get('dockerfilekey') ?? 'dockerfile'}`;
    const source = argv.locals.get(fileLocal);
    if (source === undefined)
      throw new Error(`NotFound: rpc error: code = NotFound desc = no access allowed to dir "${fileLocal}"`);
    const text = await readFile(path.join(source, filename), 'utf8').catch(() => {
      throw new Error(`failed to read dockerfile: open ${filename}: no such file or directory`);
    });
    const file = readFakeDockerfile(text);
    const contexts = optsBelow(opts, 'context:');
    const session = this.isOld ? undefined : opts.get('local-sessionid:context');
    const main = `${session === undefined ? '' : session.replace(/:$/, '-')}context`;
    const mainDirectory = argv.locals.get(main);
    if (this.isOld && mainDirectory === undefined)
      throw new Error(`NotFound: rpc error: code = NotFound desc = no access allowed to dir "${main}"`);
    const files = mainDirectory === undefined ? [] : await this.locals.send(main, mainDirectory);
    await at('sent');
    const policy = await readPolicy(argv.policyFile);
    const platforms = opts.get('platform')?.split(',') ?? [this.platform];
    const images: (FakePlatformImage & { readonly platform: string })[] = [];
    for (const platform of platforms) {
      const state = await evaluateStage(file, opts.get('target'), {
        platform,
        args: optsBelow(opts, 'build-arg:'),
        runOptions: JSON.stringify([this.weather, ...RUN_OPTIONS.map((name) => opts.get(name))]),
        showPlatform: platforms.length > 1,
        filesOf: async (name) => {
          if (name === undefined) return files;
          const local = /^local:(.+)$/.exec(contexts.get(name) ?? '')?.[1];
          return local === undefined ? undefined : this.locals.send(local, argv.locals.get(local) ?? '');
        },
        imageOf: (name) => this.#imageOf(name, contexts, policy, argv, platform, transfer),
        onStep: async (step) => {
          await at('step');
          this.#step(step, argv.noCache, file, filename, say);
        },
      });
      const options = {
        platform,
        labels: optsBelow(opts, 'label:'),
        annotations: optsBelow(argv.outputs.at(-1) ?? new Map(), 'annotation.'),
      };
      const key = platforms.length === 1 ? 'containerimage.config' : `containerimage.config/${platform}`;
      const config = argv.outputs.at(-1)?.get(key);
      images.push({
        ...(config === undefined ? finishImage(state, options) : imageUnder(config, state)),
        platform,
      });
    }
    const isAttested = [...opts.keys()].some((name) => name.startsWith('attest:'));
    const [only] = images;
    if (only !== undefined && images.length === 1 && !isAttested) return { top: only.manifest, images };
    // Attestations hold times and ids: no two are the same.
    const attestations = isAttested
      ? images.map(() => makeAttestation(`build ${++this.#attestations} of ${request.argv.length}`))
      : [];
    return { top: makeIndex(images, attestations), images: [...images, ...attestations] };
  }

  #step(
    { name, instruction, chain }: FakeStep,
    noCache: boolean,
    file: FakeDockerfile,
    filename: string,
    say: (status: object) => void,
  ): void {
    const digest = digestOfBytes(chain);
    const time = new Date(0).toISOString();
    const vertex = { digest, name, started: time };
    const cached = this.#cached.has(chain) && !noCache;
    say({ vertexes: [vertex] });
    const isCramped = this.isFull && instruction.name === 'RUN';
    const why = instruction.name === 'RUN' ? failureOf(isCramped ? 'exit 1' : instruction.rest) : undefined;
    if (why !== undefined) {
      const data = Buffer.from('cat: write error: No space left on device\n').toString('base64');
      if (isCramped) say({ logs: [{ vertex: digest, stream: 2, data, timestamp: time }] });
      const error = `process ${why}`;
      say({ vertexes: [{ ...vertex, completed: time, error }] });
      throw asFailure([excerptOf(filename, file.text, instruction), `error: failed to solve: ${error}`]);
    }
    this.#cached.add(chain);
    say({ vertexes: [{ ...vertex, completed: time, ...(cached ? { cached } : {}) }] });
  }

  /** What the Dockerfile calls `name`: a named context, a stage of another build by digest, an image. */
  async #imageOf(
    name: string,
    contexts: ReadonlyMap<string, string>,
    policy: FakePolicy,
    argv: FakeBuildArgv,
    platform: string,
    transfer: FakeTransfer,
  ): Promise<FakeState> {
    const given = contexts.get(name);
    const layout = /^oci-layout:\/\/([^@]+)@(.+)$/.exec(given ?? '');
    if (layout !== null) {
      const directory = argv.layouts.get(layout[1] ?? '') ?? '';
      const known = LAYOUTS.get(`${directory}@${layout[2]}`);
      if (known === undefined) throw new Error(`${given}: not found`);
      return known;
    }
    const written = given?.replace(/^docker-image:\/\//, '') ?? name;
    const full = /[:@][^/]*$/.test(written) ? written : `${written}:latest`;
    const [wanted, steps] = [policy.config(full), policy.steps(full)];
    const state = await this.#stateOf(wanted, full, platform, transfer);
    if (state.unknownTrigger !== undefined) throw new Error(`unknown instruction: ${state.unknownTrigger}`);
    if (steps === wanted) return state;
    const { layers, chain } = await this.#stateOf(steps, steps, platform, transfer).catch(
      (error: unknown) => {
        throw new Error(
          `failed to load cache key: ${steps}: ${/not found|refused/.exec(wordsOf(error))?.[0]}`,
        );
      },
    );
    return { ...state, layers, chain };
  }

  async #stateOf(
    wanted: string,
    shown: string,
    platform: string,
    transfer: FakeTransfer,
  ): Promise<FakeState> {
    if (!wanted.startsWith(STORE_HOST)) return (await transfer.pull(wanted, shown, platform)).state;
    const { reference } = splitName(wanted);
    const isNamed = [...this.images.values()].includes(reference as Digest);
    const state = isNamed ? this.#states.get(`${reference} ${platform}`) : undefined;
    if (state !== undefined) return state;
    throw new Error(
      `${wanted}: failed to resolve source metadata for ${wanted}: failed to do request: Head "http://${wanted}": dial tcp 127.0.0.1:1: connect: connection refused`,
    );
  }

  /** Every blob of a result, by digest. */
  #makeStore(result: FakeResult): () => Promise<ReadonlyMap<string, Buffer>> {
    return async () => {
      const blobs = new Map<string, Buffer>([[result.top.digest, result.top.bytes]]);
      for (const { manifest, config, layers } of result.images) {
        for (const { digest, bytes } of [manifest, config]) blobs.set(digest, bytes);
        for (const layer of layers) blobs.set(layer.digest, await layer.read());
      }
      return blobs;
    };
  }

  async #export(
    output: ReadonlyMap<string, string>,
    result: FakeResult,
    store: () => Promise<ReadonlyMap<string, Buffer>>,
    transfer: FakeTransfer,
    say: (status: object) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const vertex = {
      digest: digestOfBytes('export'),
      name: 'exporting to image',
      started: new Date(0).toISOString(),
    };
    say({ vertexes: [vertex] });
    const names = (output.get('name') ?? '').split(',').filter((name) => name !== '');
    const type = output.get('type');
    if (type === 'image' && output.get('push') === 'true') {
      say({ statuses: [{ id: 'pushing layers', vertex: vertex.digest }] });
      for (const name of names) {
        const { repository, tag } = splitName(name);
        const pushedTag = output.get('push-by-digest') === 'true' ? undefined : (tag ?? 'latest');
        await transfer
          .push(result, repository, pushedTag)
          .catch((error: Error & { log?: readonly string[] }) => {
            const { log = [], message } = error;
            const data = Buffer.from(log.map((line) => `${line}\n`).join('')).toString('base64');
            say({ logs: [{ vertex: vertex.digest, stream: 2, data }] });
            say({ vertexes: [{ ...vertex, completed: vertex.started, error: message }] });
            throw error;
          });
      }
      say({ statuses: [{ id: 'pushing layers', vertex: vertex.digest, completed: vertex.started }] });
    }
    if (type === 'image' && output.get('store') !== 'false') {
      for (const [digest, bytes] of await store()) this.#content.set(digest, bytes);
      if (signal.aborted) throw new Error('Canceled: context canceled');
      for (const name of names) this.images.set(name, result.top.digest);
      this.#keepStates(result, result.top.digest);
    }
    if (type === 'oci' && output.get('tar') === 'false') {
      const dest = output.get('dest') ?? '';
      await writeLayout(dest, result.top, await store());
      this.#keepStates(result, `${dest}@${result.top.digest}`, LAYOUTS);
    }
    if (type === 'local') await writeFiles(output.get('dest') ?? '', result);
    say({ vertexes: [{ ...vertex, completed: vertex.started }] });
  }

  #keepStates({ images }: FakeResult, name: string, states: Map<string, FakeState> = this.#states): void {
    for (const image of images) {
      const { platform, state } = stateOf(image.config.bytes.toString(), image.config.digest, image.layers);
      states.set(`${name} ${platform}`, state);
      states.set(name, state);
    }
  }
}

function metadataOf({ top, images }: FakeResult, { outputs }: FakeBuildArgv): object {
  const last = outputs.at(-1);
  const [first] = images;
  if (last?.get('type') === 'local') return {};
  return {
    'containerimage.digest': top.digest,
    'containerimage.descriptor': { mediaType: top.mediaType, digest: top.digest, size: top.bytes.length },
    ...(images.length === 1 ? { 'containerimage.config.digest': first?.config.digest } : {}),
    ...(last?.has('name') === true ? { 'image.name': last.get('name') } : {}),
  };
}

async function writeLayout(dir: string, top: FakeBlob, blobs: ReadonlyMap<string, Buffer>): Promise<void> {
  await mkdir(path.join(dir, 'blobs/sha256'), { recursive: true });
  for (const [digest, bytes] of blobs)
    await writeFile(path.join(dir, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
  const { digest, mediaType, bytes } = top;
  const index = blobOf(
    { schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes.length }] },
    'application/vnd.oci.image.index.v1+json',
  );
  await writeFile(path.join(dir, 'index.json'), index.bytes);
  await writeFile(path.join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

async function writeFiles(dir: string, { images }: FakeResult): Promise<void> {
  const { filesOfState } = await import('./fake-image.ts');
  for (const { path: file, content } of await filesOfState(images[0] ?? { layers: [] })) {
    if (content === undefined) continue;
    await mkdir(path.join(dir, path.dirname(file)), { recursive: true });
    await writeFile(path.join(dir, file), content);
  }
}

/** Commands that fail: `exit CODE`, and programs without a shell, since images of fakes hold none. */
function failureOf(command: string): string | undefined {
  const program = /^\[ *"([^"]*)"/.exec(command)?.[1];
  if (program !== undefined)
    return `"${program}" did not complete successfully: exec: "${program}": stat ${program}: no such file or directory`;
  const code = /\bexit (\d+)/.exec(command)?.[1];
  if (code === undefined || code === '0') return undefined;
  return `"/bin/sh -c ${command}" did not complete successfully: exit code: ${code}`;
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

function asFailure(lines: readonly string[]): Error & Failure {
  return Object.assign(new Error(lines.join('\n')), { lines });
}

function isFailure(error: unknown): error is Error & Failure {
  return error instanceof Error && 'lines' in error;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
