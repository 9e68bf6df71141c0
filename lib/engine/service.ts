/**
 * Text that keeps an engine running beyond a login: systemd units for the embedded engine, and a StatefulSet for Kubernetes.
 * Nothing is installed here.
 *
 * The daemons of the embedded engine have their own sessions, but stay in the unit's control group. So `up` is a `oneshot` job of
 * a unit that remains active, `down` ends the daemons in order, and anything left is killed with the control group.
 */
import type { Environment } from '../model/mod.ts';
import { PACKAGES } from './versions.ts';

/** Kinds of services. */
export type ServiceKind = 'systemd' | 'systemd-user' | 'kubernetes';

/** Options of a systemd unit. */
export interface UnitOptions {
  /** The command of bake-ts: an absolute path and arguments. */
  readonly program: readonly string[];
  /** The engine's home, proxies and other variables are copied from here. */
  readonly env: Environment;
}

/** Variables that determine the engine's paths, and those that its daemons need. */
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

/** Not copied for a user's unit in `~/.config/systemd/user`, where systemd sets it. */
const OWN_OF_USERS: readonly string[] = ['HOME'];

/** A systemd unit (systemd.service(5), systemd.exec(5)). Proxies with passwords are left out; whoever installs it adds them. */
export function systemdUnit(kind: 'systemd' | 'systemd-user', { program, env }: UnitOptions): string {
  const isUser = kind === 'systemd-user';
  const file = isUser
    ? '~/.config/systemd/user/bake-ts-engine.service'
    : '/etc/systemd/system/bake-ts-engine.service';
  const systemctl = isUser ? 'systemctl --user' : 'systemctl';
  // systemd accepts only plain names as the program.
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

/** Quotes one argument, with specifiers and variables escaped (systemd.service(5), "Command lines"). */
function quoteWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(plain) ? plain : `"${plain.replace(/[\\"]/g, '\\$&')}"`;
}

function quoteValue(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** A buildkitd for Kubernetes. */
export interface KubernetesOptions {
  /** Without privileges; then steps run without a process sandbox. */
  readonly rootless?: boolean;
}

/** Service and StatefulSet (Kubernetes 1.30 or newer) for the pinned buildkitd with mutual TLS. */
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
