/** Which configs of images are understood: those that come out as they were when they are written again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlainText, readImageConfig, readIndented, writeImageConfig } from '../../lib/inputs/image-json.ts';

const history = '[{"created":"t","created_by":"a","author":"b","comment":"c","empty_layer":true}]';
const rootfs = '{"type":"layers","diff_ids":["sha256:1"]}';
const text = (config: string, more = '') =>
  `{"architecture":"amd64","author":"x","config":{${config}},"created":"t","history":${history},"os":"linux","os.features":["f"],"os.version":"1","rootfs":${rootfs},"variant":"v8"${more}}`;
const ALL =
  '"User":"u","ExposedPorts":{"1/tcp":{},"2/tcp":{}},"Env":["A=b"],"Entrypoint":["e"],"Cmd":["c"],"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"a":"1","b":"\\u0026"},"StopSignal":"9","ArgsEscaped":true,"Healthcheck":{"Test":["t"],"Interval":1,"Timeout":2,"StartPeriod":3,"StartInterval":4,"Retries":5},"OnBuild":["o"],"Shell":["s"]';

test('a config with every field that is known comes out as it was', () => {
  const names = '"Labels":{"a":"1","a.b":"2","a.b.c":"3","b":"4"}';
  for (const config of ['', ALL, '"Cmd":null', '"Healthcheck":{"Test":["NONE"]}', names]) {
    const read = readImageConfig(text(config));
    assert(read !== undefined, config);
    assert.equal(writeImageConfig(read), text(config));
    assert.deepEqual(read.diffIds, ['sha256:1']);
    assert.equal(read.history[0]?.created_by, 'a');
  }
});

test('maps are written in the order of their bytes, whatever order they have', () => {
  const read = readImageConfig(text(''));
  assert(read !== undefined);
  const labels = { 'a.b.c': '3', b: '4', 'a.b': '2', a: '1' };
  assert.equal(
    writeImageConfig({ ...read, config: { Labels: labels } }),
    text('"Labels":{"a":"1","a.b":"2","a.b.c":"3","b":"4"}'),
  );
});

test('a config of another form is not understood', () => {
  const good = text(ALL);
  const rows: readonly (readonly [string, string])[] = [
    ['', ''],
    ['null', 'null'],
    ['a list', `[${good}]`],
    ['spaces', ` ${good}`],
    ['a field more', text(ALL, ',"x":1')],
    ['a setting more', text(`${ALL},"X":1`)],
    ['an order of its own', text('"Cmd":["c"],"User":"u"')],
    ['labels in another order', text('"Labels":{"b":"1","a":"2"}')],
    ['ports that are a list', text('"ExposedPorts":[]')],
    ['volumes that are a text', text('"Volumes":"v"')],
    ['labels that are null', text('"Labels":null')],
    ['a health check that is a list', text('"Healthcheck":[]')],
    ['a health check with a field more', text('"Healthcheck":{"X":1}')],
    ['a sign that is not escaped', text('"User":"<"')],
    ['a number that does not come out', text('"Healthcheck":{"Interval":1.0}')],
    ['no config', good.replace(`"config":{${ALL}},`, '')],
    ['a config that is a list', good.replace(`{${ALL}}`, '[]')],
    ['no history', good.replace(`"history":${history},`, '')],
    ['a history of no time', good.replace('"created":"t","created_by"', '"created_by"')],
    [
      'a history with one entry of no time',
      good.replace(history, `${history.slice(0, -1)},{"comment":"c"}]`),
    ],
    ['a history with a text', good.replace(history, '["x"]')],
    ['a history with a field more', good.replace('"empty_layer":true', '"empty_layer":true,"x":1')],
    ['no layers', good.replace(`"rootfs":${rootfs},`, '')],
    ['layers that are a list', good.replace(rootfs, '[]')],
    ['layers with a number', good.replace('"sha256:1"', '"sha256:1",1')],
    ['layers without digests', good.replace('"diff_ids":["sha256:1"]', '"diff_ids":"x"')],
    ['layers with a field more', good.replace(rootfs, rootfs.replace('}', ',"x":1}'))],
  ];
  for (const [name, odd] of rows) {
    assert.notEqual(odd, good, name);
    assert.equal(readImageConfig(odd), undefined, name);
  }
});

test('manifests are understood as BuildKit writes them, and texts where every Go writes them alike', () => {
  assert.deepEqual(readIndented('{\n  "a": "\\u003c"\n}'), { a: '<' });
  for (const odd of ['{"a":1}', '[]', '{', '{\n  "a": "<"\n}']) assert.equal(readIndented(odd), undefined);
  for (const plain of ['', 'a', 'é', '😀', '\n', '\t']) assert.equal(isPlainText(plain), true);
  for (const odd of ['\b', 'a\fb', '\ud83d', 'a\ude00']) assert.equal(isPlainText(odd), false);
});
