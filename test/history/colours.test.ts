import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colouredText } from '../../lib/history/colours.ts';
import { guardWriter } from '../../lib/report/mod.ts';
import { CONTROL } from '../../lib/util/control-characters.ts';

const ESC = '\u001b';
const SHOWN = new RegExp(String.raw`${ESC}\[(?:1|2|22|39|[39][0-7])m`, 'g');

test('colours, bold and dim stay, and end with the line', () => {
  assert.equal(colouredText('plain'), 'plain');
  assert.equal(colouredText(`${ESC}[32mgood${ESC}[0m!`), `${ESC}[32mgood${ESC}[22m${ESC}[39m!`);
  assert.equal(colouredText(`${ESC}[1;31mbad`), `${ESC}[1m${ESC}[31mbad${ESC}[22m${ESC}[39m`);
  assert.equal(colouredText(`${ESC}[mx`), `${ESC}[22m${ESC}[39mx`);
  assert.equal(colouredText(`over${ESC}[31mwritten\r${ESC}[33mnew\r`), `${ESC}[33mnew${ESC}[22m${ESC}[39m`);
});

test('colours of 256 and of 24 bits become the nearest of the sixteen', () => {
  const first = (text: string) => colouredText(text).slice(2, 4);
  assert.equal(first(`${ESC}[38;5;9mx`), '91');
  assert.equal(first(`${ESC}[38;5;2mx`), '32');
  assert.equal(first(`${ESC}[38;5;46mx`), '92');
  assert.equal(first(`${ESC}[38;2;200;30;40mx`), '31');
  assert.equal(first(`${ESC}[38;5;232mx`), '90');
});

test('nothing else comes through, and the last door of the terminal lets all of it pass', () => {
  const lines = [
    `${ESC}[8mhidden${ESC}[28m`,
    `${ESC}[5;7;48;5;1;4mbox`,
    `${ESC}[2J${ESC}[1;1Hmoved`,
    `${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\`,
    `${ESC}[${ESC}[31mm`,
    `a\u0007\u0008b\u009b31mc\u202e`,
    `${ESC}[38;5mshort${ESC}[38mshorter${ESC}[999;1mmany`,
  ];
  for (const line of lines) {
    const shown = colouredText(line);
    assert.doesNotMatch(shown.replaceAll(SHOWN, ''), CONTROL);
    let written = '';
    guardWriter({ write: (text) => (written += text) }).write(shown);
    assert.equal(written, shown);
  }
});
