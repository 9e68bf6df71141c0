/** What the playground shows first: a few images that need one another, one of them in two versions. */
import type { Files } from './plan-files.ts';

export const EXAMPLE: Files = new Map([
  [
    'builds.yaml',
    `vars:
  REGISTRY: registry.example.com/shop
  TAG: { default: dev, description: what to call the release }

templates:
  image:
    tags: ["\${{ vars.REGISTRY }}/\${{ build.name }}:\${{ vars.TAG }}"]
    push: true

builds:
  base:
    extends: image
    context: images/base

  assets:
    context: web/assets

  api:
    extends: image
    context: services/api
    contexts: { base: build:base }
    matrix: { python: ["3.12", "3.13"] }
    args: { PYTHON: "\${{ matrix.python }}" }

  web:
    extends: image
    context: web
    contexts: { base: build:base, assets: build:assets }
`,
  ],
  [
    'images/base/Dockerfile',
    `FROM debian:12-slim
RUN apt-get update && apt-get install -y ca-certificates
`,
  ],
  [
    'services/api/Dockerfile',
    `ARG PYTHON=3.13
FROM python:\${PYTHON}-slim AS wheels
COPY requirements.txt .
RUN pip wheel -r requirements.txt -w /wheels

FROM base
COPY --from=wheels /wheels /wheels
`,
  ],
  [
    'web/assets/Dockerfile',
    `FROM node:24-alpine
COPY . /src
RUN npm ci --prefix /src && npm run --prefix /src build
`,
  ],
  [
    'web/Dockerfile',
    `FROM base
COPY --from=assets /src/out /srv/www
`,
  ],
]);
