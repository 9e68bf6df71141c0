import assert from 'node:assert/strict';
import { test } from 'node:test';
import { declaredBy, parseDockerfile } from '../../lib/dockerfile/mod.ts';

test('cache mounts have the id that BuildKit gives them: as written, else where they are mounted', () => {
  const text = `FROM a AS one
RUN --mount=type=cache,id=npm,target=/root/.npm --mount=type=cache,dst=/go/pkg true
RUN --mount=type=secret,id=token --mount=from=b,target=/b true
FROM one
ONBUILD RUN --mount=type=CACHE,target=/var/cache/apt true
RUN --mount=type=cache,id=npm,target=/elsewhere true
`;
  const dockerfile = parseDockerfile({ path: 'Dockerfile', text });
  assert(dockerfile.ok);
  const { cacheMounts, secrets } = declaredBy(dockerfile.value);
  assert.deepEqual([...cacheMounts], ['npm', '/go/pkg', '/var/cache/apt']);
  assert.deepEqual([...(secrets ?? [])], ['token']);
});
