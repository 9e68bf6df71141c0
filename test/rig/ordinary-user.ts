/**
 * The ordinary user that `.ci/test.mjs` makes where it runs as root, and a checkout that this user can read. For tests that make a
 * machine poor around such a user, for which they need root themselves.
 */
import process from 'node:process';
import { type CommandResult, runCommand } from './command.ts';

/** The user of this test run. */
export interface OrdinaryUser {
  readonly name: string;
  /** Their home. Beside it lies the checkout. */
  readonly home: string;
  /** False where there is one, else why the test is skipped. */
  readonly skip: false | string;
}

/** The user of this test run. */
export const ordinaryUser: OrdinaryUser = readUser();

function readUser(): OrdinaryUser {
  const name = process.env['BAKE_TS_TEST_USER'] ?? '';
  const home = process.env['BAKE_TS_TEST_USER_HOME'] ?? '';
  return {
    name,
    home,
    skip: name === '' ? 'no ordinary user: npm test makes one where it runs as root' : false,
  };
}

/** The machine around the user. */
export interface PoorMachine {
  /** Lines of sh, run by root in a mount namespace of their own, before the user is let in. */
  readonly setUp: string;
  /** Lines of sh that the user runs; `bake-ts` is a command there. */
  readonly script: string;
  /** What comes before the user's shell; default: nothing. */
  readonly through?: string;
  /** A process whose user namespace all of it happens in. */
  readonly inUserNamespaceOf?: number;
}

/** Lets the user run something on a machine of their own: what root does to it is seen by nobody else and goes with it. */
export function onPoorMachine({
  setUp,
  script,
  through = '',
  inUserNamespaceOf,
}: PoorMachine): Promise<CommandResult> {
  const { name, home } = ordinaryUser;
  const path = `${home}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
  const steps = [
    'set -e',
    setUp,
    `cd ${home}`,
    `exec setpriv --reuid "$(id -u ${name})" --regid "$(id -g ${name})" --clear-groups ${through} env -i ` +
      `HOME=${home} USER=${name} PATH=${path} TMPDIR=${home} sh -c '${script}'`,
  ];
  const enter =
    inUserNamespaceOf === undefined
      ? []
      : ['nsenter', '--target', String(inUserNamespaceOf), '--user', '--preserve-credentials'];
  return runCommand([...enter, 'unshare', '--mount', 'sh', '-c', steps.join('\n')], { timeoutMs: 90_000 });
}
