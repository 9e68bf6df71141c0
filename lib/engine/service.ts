/**
 * What keeps an engine running beyond a login: units of systemd for the embedded one, and a StatefulSet for one in Kubernetes. Text
 * and nothing else; whoever wants it installs it.
 *
 * The daemons of the embedded engine have sessions of their own, and stay in the unit's control group all the same: what a unit
 * started is its own there until it has ended. So `up` is a job that ends (`oneshot`) of a unit that remains, `down` ends the daemons in
 * their order, and what it would leave is killed with the group.
 */
import type { Environment } from '../model/mod.ts';
import { PACKAGES } from './versions.ts';

/** For what a service is written. */
export type ServiceKind = 'systemd' | 'systemd-user' | 'kubernetes';

/** What a unit says. */
export interface UnitOptions {
  /** Starts bake-ts: an absolute path, and arguments. */
  readonly program: readonly string[];
  /** Which home the engine has, proxies, and what else it is to see, is taken from here. */
  readonly env: Environment;
}

/** Variables that decide where the engine lies, and what its daemons need of the environment. */
const PASSED_ON = [
  'HOME',
  'BAKE_TS_HOME',
  'XDG_DATA_HOME',
  'XDG_STATE_HOME',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
] as const;

/** A user's unit is below `~/.config/systemd/user`, and finds its own home. */
const OWN_OF_USERS: readonly string[] = ['HOME'];

/** A unit of systemd (systemd.service(5), systemd.exec(5)); proxies with passwords are left to whoever installs it. */
export function systemdUnit(kind: 'systemd' | 'systemd-user', { program, env }: UnitOptions): string {
  const isUser = kind === 'systemd-user';
  const file = isUser
    ? '~/.config/systemd/user/bake-ts-engine.service'
    : '/etc/systemd/system/bake-ts-engine.service';
  const systemctl = isUser ? 'systemctl --user' : 'systemctl';
  // Of what it starts itself, systemd takes only plain names.
  const [first = ''] = program;
  const starting = /^[\w@+=:,./ -]+$/.test(first) ? program : ['/usr/bin/env', ...program];
  const call = (words: readonly string[]) => [...starting, ...words].map(quoteWord).join(' ');
  const variables = PASSED_ON.flatMap((name) => {
    const value = env[name] ?? '';
    if (value === '' || (isUser && OWN_OF_USERS.includes(name))) return [];
    if (/\/\/[^/]*@/.test(value))
      return [`# ${name} has a password here: set it in a drop-in that others cannot read`];
    return [`Environment=${quoteValue(`${name}=${value}`)}`];
  });
  return `# The embedded engine of bake-ts, as \`bake-ts engine service ${kind}\` printed it.
#   ${file}
#   ${systemctl} daemon-reload && ${systemctl} enable --now bake-ts-engine
${isUser ? '# It ends with your last session, unless: loginctl enable-linger\n' : ''}
[Unit]
Description=BuildKit and containerd of bake-ts
Documentation=https://github.com/moby/buildkit
${isUser ? '' : 'Wants=network-online.target\nAfter=network-online.target\n'}
[Service]
# \`up\` ends when the daemons serve; they keep running in the unit's control group.
Type=oneshot
RemainAfterExit=yes
${[...variables, `ExecStart=${call(['engine', 'up'])}`, `ExecStop=${call(['engine', 'down'])}`].join('\n')}
# \`down\` stops them in order; what is left is killed with the group.
KillMode=control-group
TimeoutStartSec=90
TimeoutStopSec=60
# Containers of builds have their own control groups below this one.
Delegate=yes
TasksMax=infinity
LimitNOFILE=1048576
OOMScoreAdjust=${isUser ? '100' : '-500'}

[Install]
WantedBy=${isUser ? 'default.target' : 'multi-user.target'}
`;
}

/** One word of a command line: quoted, without specifiers and variables (systemd.service(5), "Command lines"). */
function quoteWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(plain) ? plain : `"${plain.replace(/[\\"]/g, '\\$&')}"`;
}

function quoteValue(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** A buildkitd for Kubernetes. */
export interface KubernetesOptions {
  /** Without privileges; steps run without a process sandbox then. */
  readonly rootless?: boolean;
}

/** Service and StatefulSet (Kubernetes 1.30 or newer) of a buildkitd with mutual TLS, in the pinned version. */
export function kubernetesObjects({ rootless = false }: KubernetesOptions = {}): string {
  const version = PACKAGES.find(({ name }) => name === 'buildkit')?.version ?? '';
  const socket = rootless ? '/run/user/1000/buildkit/buildkitd.sock' : '/run/buildkit/buildkitd.sock';
  const state = rootless ? '/home/user/.local/share/buildkit' : '/var/lib/buildkit';
  const probe = (kind: string, more: string) => `          ${kind}:
            exec:
              command: [buildctl, --addr, "unix://${socket}", debug, workers]
${more}            timeoutSeconds: 10
            periodSeconds: 30`;
  return `# A buildkitd for Kubernetes, as \`bake-ts engine service kubernetes${rootless ? ' --rootless' : ''}\` printed it: kubectl apply -f FILE
# It needs a secret with the certificates of the daemon (docs/engine.md shows how to make them):
#   kubectl create secret generic buildkitd-certs --from-file=ca.pem --from-file=cert.pem --from-file=key.pem
# Whoever has a certificate of that authority can build, and so run anything in this pod.
apiVersion: v1
kind: Service
metadata:
  name: buildkitd
  labels: { app: buildkitd }
spec:
  selector: { app: buildkitd }
  ports:
    - { name: buildkitd, port: 1234, targetPort: buildkitd, protocol: TCP }
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: buildkitd
  labels: { app: buildkitd }
spec:
  serviceName: buildkitd
  # Each has its own cache and name: buildkitd-0.buildkitd
  replicas: 1
  podManagementPolicy: Parallel
  selector:
    matchLabels: { app: buildkitd }
  template:
    metadata:
      labels: { app: buildkitd }
    spec:
      # Running builds may finish.
      terminationGracePeriodSeconds: 600
      automountServiceAccountToken: false
${rootless ? '      securityContext: { fsGroup: 1000 }\n' : ''}      containers:
        - name: buildkitd
          image: moby/buildkit:v${version}${rootless ? '-rootless' : ''}
          args:
            - --addr=unix://${socket}
            - --addr=tcp://0.0.0.0:1234
            - --tlscacert=/certs/ca.pem
            - --tlscert=/certs/cert.pem
            - --tlskey=/certs/key.pem
${rootless ? '            - --oci-worker-no-process-sandbox\n' : ''}          ports:
            - { name: buildkitd, containerPort: 1234, protocol: TCP }
${probe('startupProbe', '            failureThreshold: 20\n')}
${probe('readinessProbe', '')}
${probe('livenessProbe', '            failureThreshold: 5\n')}
          securityContext:
${
  rootless
    ? `            seccompProfile: { type: Unconfined }
            appArmorProfile: { type: Unconfined }
            runAsUser: 1000
            runAsGroup: 1000`
    : '            privileged: true'
}
          resources:
            requests: { cpu: "1", memory: 2Gi }
          volumeMounts:
            - { name: state, mountPath: ${state} }
            - { name: certs, mountPath: /certs, readOnly: true }
      volumes:
        - name: certs
          secret: { secretName: buildkitd-certs }
  volumeClaimTemplates:
    - metadata:
        name: state
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests: { storage: 50Gi }
`;
}
