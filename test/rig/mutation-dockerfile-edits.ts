/** Random edits of Dockerfiles. */
import { dockerfiles, type Edit, endOf, isAdded, lines, pickIndex } from './mutation-bench.ts';
import { EXTERNAL_BASE } from './mutation-repository.ts';

/** Edits by kind. */
export const DOCKERFILE_EDITS: Readonly<Record<string, Edit>> = {
  'Dockerfile: comment': lines(dockerfiles, (text, { word, random }) => {
    text.splice(random.below(endOf(text)) + 1, 0, `# ${word()}`);
    return 'a comment';
  }),
  'Dockerfile: layout': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, (line) => /^(?:COPY|ENV|ARG|FROM) /.test(line));
    if (index === undefined) return undefined;
    const line = text[index] ?? '';
    text[index] = random.pick([
      `  ${line}`,
      `${line}  `,
      line.replace(/^(\S+) /, '$1   '),
      line.replace(/^\S+/, (word) => word.toLowerCase()),
      line.replace(/^(\S+) /, '$1 \\\n  '),
      `\n${line}`,
    ]);
    return 'layout';
  }),
  'Dockerfile: instruction added': lines(dockerfiles, (text, { word, random }) => {
    const added = `added-${word().replace(/\D/g, '')}`;
    const line =
      random.below(2) === 0
        ? random.pick(['ENV A=', 'LABEL a=', 'WORKDIR /', 'ARG B=', 'USER 1000\nLABEL b=']) + added
        : random.pick([
            `ENV A="${added} \\"quoted\\"" B='${added} $PATH'`,
            `ARG B=${added}\nENV C=\${B:-none} D=\${UNDECLARED:+x}`,
            `COPY <<EOF /${added}\nheld by $A\nEOF`,
            `COPY <<'EOF' <<other /${added}/\n# no comment $A\nEOF\nother\nother`,
            `CMD ["run", "${added}"]`,
            `ENTRYPOINT run ${added}`,
            `EXPOSE 80 8080/udp\nVOLUME /${added}`,
            `STOPSIGNAL SIGINT\nLABEL "${added} x"=1`,
            `HEALTHCHECK --interval=5m CMD check ${added}`,
            `SHELL ["/bin/sh", "-ec"]\nLABEL s=${added}`,
            `ONBUILD ENV TRIGGERED=${added}`,
            `ONBUILD COPY <<EOF /${added}\ntrigger\nEOF`,
            `RUN echo ${added} > /tmp/${added}`,
            `RUN <<EOF\n#!/bin/sh\necho ${added} > /${added}\nEOF`,
            `RUN --mount=type=bind,target=/context find /context > /${added}`,
            `RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/t echo ${added} > /${added}`,
            `COPY --chmod=0640 --chown=12:34 . /${added}/`,
            `ADD --link . /${added}/`,
          ]);
    text.splice(endOf(text), 0, line);
    return line;
  }),
  'Dockerfile: config of a base': lines(dockerfiles, (text, { word, random }) => {
    const value = random.pick(['one', 'two', word()]);
    const line = random.pick([
      `LABEL shared=${value}`,
      `LABEL shared=${value} more.${value}="<${value}>"`,
      `CMD ["run", "${value}"]`,
      `ENTRYPOINT ["${value}"]`,
      `EXPOSE ${8000 + random.below(3)}`,
      `VOLUME /v${random.below(3)}`,
      `STOPSIGNAL ${9 + random.below(3)}`,
      `HEALTHCHECK --retries=${1 + random.below(3)} CMD ${value}`,
      'HEALTHCHECK NONE',
    ]);
    // Often in the place of the same one, so that values change and go, too.
    const verb = line.slice(0, line.indexOf(' '));
    const index = pickIndex(text, random, (one) => one.startsWith(`${verb} `));
    if (index !== undefined && random.below(3) > 0)
      text.splice(index, 1, ...(random.below(4) === 0 ? [] : [line]));
    else text.splice(endOf(text), 0, line);
    return line;
  }),
  'Dockerfile: instruction removed': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, isAdded);
    return index === undefined ? undefined : `without ${text.splice(index, 1)[0]}`;
  }),
  'Dockerfile: reordered': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, (line, at) => isAdded(line) && isAdded(text[at + 1] ?? ''));
    if (index === undefined) return undefined;
    const [line = ''] = text.splice(index, 1);
    text.splice(index + 1, 0, line);
    return `${line} moved down`;
  }),
  'Dockerfile: default of an argument': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line) => /^ARG \w+=/.test(line));
    if (index === undefined) return undefined;
    text[index] = (text[index] ?? '').replace(/=.*/, `=${word()}`);
    return text[index];
  }),
  'Dockerfile: unused stage': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line) => /^FROM /.test(line));
    if (index === undefined) return undefined;
    text.splice(index, 0, `FROM scratch AS unused-${word()}`, 'LABEL unused=1');
    return 'a stage that nothing needs';
  }),
  'Dockerfile: flags of COPY': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, (line) => /^COPY (?!.*<<)/.test(line));
    if (index === undefined) return undefined;
    const line = text[index] ?? '';
    const flag = random.pick([
      '--link',
      '--chmod=755',
      '--chmod=u=rwX,go=rX',
      '--chown=1:2',
      '--exclude=*.tmp',
    ]);
    const [name = ''] = flag.split('=');
    text[index] = line.includes(name)
      ? line.replace(new RegExp(` ${name}(?:=\\S+)?`), '')
      : line.replace(/^COPY/, `COPY ${flag}`);
    return text[index];
  }),
  'Dockerfile: stage in between': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line) => /^FROM /.test(line));
    if (index === undefined) return undefined;
    const name = `between-${word()}`;
    text.splice(index, 0, `FROM scratch AS ${name}`, `COPY <<EOF /${name}`, name, 'EOF');
    text.splice(endOf(text), 0, `COPY --from=${name} /${name} /${name}`);
    return `a stage ${name} that is copied from`;
  }),
  'Dockerfile: text of a heredoc': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line, at) => line === 'EOF' && !/<</.test(text[at - 1] ?? ''));
    if (index === undefined) return undefined;
    text.splice(index, 0, `# ${word()}`);
    return 'a line of a heredoc';
  }),
  'Dockerfile: order of names': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(
      text,
      random,
      (line) => /^COPY (?!.*<<)\S+ \S+ \S/.test(line) && !/ --/.test(line),
    );
    if (index === undefined) return undefined;
    const [keyword = '', ...names] = (text[index] ?? '').split(' ');
    const to = names.pop() ?? '';
    text[index] = [keyword, ...names.reverse(), to].join(' ');
    return text[index];
  }),
  'Dockerfile: ends of lines': lines(dockerfiles, (text) => {
    const isWindows = text.some((line) => line.endsWith('\r'));
    // A heredoc keeps the ends of its lines, and its own end would not be found.
    if (text.some((line) => line.includes('<<'))) return undefined;
    for (const [index, line] of text.entries()) {
      if (line !== '') text[index] = isWindows ? line.replace(/\r$/, '') : `${line}\r`;
    }
    return isWindows ? 'lines end as they do here' : 'lines end as on Windows';
  }),
  'Dockerfile: last line': lines(dockerfiles, (text) => {
    if (text.at(-1) === '') text.pop();
    else text.push('');
    return text.at(-1) === '' ? 'ends with a line' : 'ends within a line';
  }),
  'Dockerfile: name of a stage': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line) => /^FROM \S+ AS build/i.test(line));
    if (index === undefined) return undefined;
    const before = /AS (\S+)/i.exec(text[index] ?? '')?.[1] ?? '';
    const name = `build-${word()}`;
    for (const [at, line] of text.entries()) {
      text[at] = line
        .replace(`AS ${before}`, `AS ${name}`)
        .replace(new RegExp(`from=${before}\\b(?!-)`), `from=${name}`);
    }
    return `stage ${before} is ${name}`;
  }),
  'Dockerfile: another base': lines(dockerfiles, (text, { random, set }) => {
    const external = `${set.host}/${EXTERNAL_BASE.repository}:`;
    const index = pickIndex(
      text,
      random,
      (line) => line.startsWith(`FROM ${external}`) && !line.includes('$'),
    );
    if (index === undefined) return undefined;
    const now = `FROM ${external}${random.pick([EXTERNAL_BASE.tag, ...EXTERNAL_BASE.variants])}`;
    if (text[index] === now) return undefined;
    text[index] = now;
    return now;
  }),
};
