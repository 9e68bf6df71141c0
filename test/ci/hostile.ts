/** Texts that want to be more than text, for whatever writes Markdown, HTML, workflow commands or files of a CI system. */
export const HOSTILE: readonly string[] = [
  '</pre></details><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[click](javascript:alert(1))',
  '![x](http://evil.example/x.png)',
  '```\n# heading\n```',
  '`code` ``more`` ```',
  '| a | b |\\| c \\\\| d',
  '\n\n## heading\n\n- list\n1. list\n> quote\n---\n',
  '&lt;b&gt; &amp; &#60;i&#62;',
  '*bold* _it_ ~~no~~ $x$ @user #1 www.evil.example http://evil.example <http://evil.example>',
  '::error file=x::forged\n##[add-mask]x\n  ::set-output name=images::x',
  '\u001b[31mred\u001b[0m\u202e\u0000\u0007',
  'name<<EOF\nEOF\nimages=forged\n',
  '\\`\\<\\[\\',
  'end\\',
];
