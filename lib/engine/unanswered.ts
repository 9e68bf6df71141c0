/** Explains why an engine does not answer buildctl if TLS or kubectl is the cause. */
import { type EngineTarget, type EngineTls, type Problem, problem } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { targetOfAddress } from './address.ts';
import { explainKubectl } from './kubectl-words.ts';

/**
 * Reads buildctl's error output. If that does not explain it (buildctl often cannot tell which side ended a handshake), connects
 * to the engine. Problems: `engine/tls-files`, `engine/client-certificate`, `engine/server-certificate`, `engine/tls-mismatch`,
 * `engine/kubectl`.
 *
 * @param stderr of a buildctl that failed
 * @returns undefined if there is another cause
 */
export async function explainUnanswered(
  engine: EngineTarget,
  stderr: string,
  signal: AbortSignal | undefined,
): Promise<Problem | undefined> {
  const detail = stderr.trim().slice(-1_000);
  const explained = explainTls(engine, stderr) ?? explainPod(engine, stderr);
  if (explained !== undefined) return { ...explained, detail };
  const target = targetOfAddress(engine.address, thisSystem());
  if (target === undefined || 'path' in target) return undefined;
  const { speakTo } = await import('./handshake.ts');
  const heard = await speakTo(target, engine.tls, signal);
  if (heard === 'tls') return { ...mismatch(engine, true), detail };
  if (heard === 'plain') return { ...mismatch(engine, false), detail };
  return heard === 'refuses' ? { ...clientRefused(engine, engine.tls, undefined), detail } : undefined;
}

function explainPod({ address }: EngineTarget, stderr: string): Problem | undefined {
  return address.startsWith('kube-pod://') ? explainKubectl(address, stderr) : undefined;
}

/** Go's messages (crypto/tls, crypto/x509) in buildctl's output. */
function explainTls(engine: EngineTarget, stderr: string): Problem | undefined {
  const { tls } = engine;
  const [, file] = /could not read (?:ca certificate|certificate\/key): (.+)/.exec(stderr) ?? [];
  if (file !== undefined || /failed to append ca certs/.test(stderr)) {
    const why = file ?? `${tls?.ca} has no certificate`;
    return problem('engine/tls-files', `the files of engine.tls cannot be used: ${why}`, {
      hint: 'check the files in engine.tls (docs/engine.md)',
    });
  }
  if (/first record does not look like a TLS handshake/.test(stderr)) return mismatch(engine, false);
  const [, refused] = /remote error: tls: ([^"\n]+)/.exec(stderr) ?? [];
  if (refused !== undefined) return clientRefused(engine, tls, refused);
  const [, why] = /failed to verify certificate: (?:x509: )?([^"\n]+)/.exec(stderr) ?? [];
  return why === undefined ? undefined : serverCertificate(engine, why);
}

function serverCertificate({ address, tls }: EngineTarget, why: string): Problem {
  if (/unknown authority/.test(why)) {
    const by = tls?.ca === undefined ? 'an authority that this machine trusts' : `the authority of ${tls.ca}`;
    return problem('engine/server-certificate', `the certificate of ${address} is not signed by ${by}`, {
      hint: 'set engine.tls.ca in builds.yaml to the certificate of the authority that signed it',
    });
  }
  if (/has expired or is not yet valid/.test(why)) {
    const when = /current time (\S+) is (before|after) (\S+)/.exec(why);
    const what =
      when?.[2] === 'before'
        ? `is not valid before ${when[3]}`
        : `expired${when === null ? '' : ` at ${when[3]}`}`;
    return problem('engine/server-certificate', `the certificate of ${address} ${what}`, {
      hint: "check the clock of this machine; if it is right, give the engine a new certificate (buildkitd's --tlscert)",
    });
  }
  if (/is valid for|is not valid for|IP SANs|Common Name/.test(why)) {
    const name = tls?.serverName;
    return problem(
      'engine/server-certificate',
      `the certificate of ${address} is for another name${name === undefined ? '' : ` than ${name}`}: ${why}`,
      {
        hint: 'use the name in its certificate as address, or set engine.tls.serverName in builds.yaml to it',
      },
    );
  }
  return problem('engine/server-certificate', `the certificate of ${address} is not trusted: ${why}`, {
    hint: 'get a server certificate signed by the authority of engine.tls.ca',
  });
}

function clientRefused(
  { address }: EngineTarget,
  tls: EngineTls | undefined,
  why: string | undefined,
): Problem {
  const words = why === undefined ? '' : `: ${why}`;
  if (tls?.cert === undefined) {
    return problem(
      'engine/client-certificate',
      `${address} requires a client certificate, and none is configured${words}`,
      {
        hint: 'set engine.tls.cert and engine.tls.key in builds.yaml',
      },
    );
  }
  return problem(
    'engine/client-certificate',
    `${address} refuses the client certificate ${tls.cert}${words}`,
    {
      hint: "use a client certificate signed by the authority that this buildkitd trusts (its --tlscacert), valid by that machine's clock",
    },
  );
}

/** @param isEncrypted the engine uses TLS and we do not; false: the other way round */
function mismatch({ address }: EngineTarget, isEncrypted: boolean): Problem {
  if (isEncrypted) {
    return problem('engine/tls-mismatch', `${address} uses TLS, and no certificates are configured`, {
      hint: 'set them in builds.yaml: engine: { tls: { ca, cert, key } }',
    });
  }
  return problem('engine/tls-mismatch', `${address} does not use TLS, but engine.tls requires it`, {
    hint: 'give that buildkitd a certificate (--tlscert, --tlskey, --tlscacert), or reach it by ssh:// or its socket',
  });
}
