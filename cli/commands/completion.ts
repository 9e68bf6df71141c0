import { problem } from '../../lib/model/mod.ts';
import type { ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';

/** Each script calls the command that is being typed, so `./node_modules/.bin/bake-ts` completes itself. */
const SCRIPTS: ReadonlyMap<string, string> = new Map([
  [
    'bash',
    `# bash completion for bake-ts. In ~/.bashrc: source <(bake-ts completion bash)
_bake_ts() {
  local line directive='' current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $directive ]]; then
      directive=$line
    else
      COMPREPLY+=("$line")
    fi
  done < <("\${COMP_WORDS[0]}" __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
  case $directive in
    nospace)
      compopt -o nospace 2>/dev/null
      ;;
    files)
      [[ $current == '=' ]] && current=''
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
      ;;
  esac
}
complete -F _bake_ts bake-ts
`,
  ],
  [
    'zsh',
    `#compdef bake-ts
# zsh completion for bake-ts. In ~/.zshrc, after compinit: source <(bake-ts completion zsh)
_bake_ts() {
  local -a lines texts shown
  local line directive
  lines=("\${(@f)$("\${words[1]}" __complete zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  directive=\${lines[1]}
  for line in "\${(@)lines[2,-1]}"; do
    [[ -z $line ]] && continue
    texts+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  case $directive in
    files)
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      ;;
    nospace) compadd -Q -S '' -l -d shown -a texts ;;
    *) compadd -Q -l -d shown -a texts ;;
  esac
}
if [[ \${funcstack[1]} == _bake_ts ]]; then
  _bake_ts "$@"
else
  compdef _bake_ts bake-ts
fi
`,
  ],
  [
    'fish',
    `# fish completion for bake-ts. In ~/.config/fish/completions/bake-ts.fish: bake-ts completion fish | source
function __bake_ts_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete fish $words[2..-1] "$current" 2>/dev/null </dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (string replace -r '^--[a-z-]+=' '' -- "$current")
        case '*'
            printf '%s\\n' $lines[2..-1]
    end
end
complete -c bake-ts -f -a '(__bake_ts_complete)'
`,
  ],
]);

/** `bake-ts completion <shell>` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [shell = ''] = args.positionals;
  const script = SCRIPTS.get(shell);
  if (script === undefined) {
    const message =
      shell === '' ? '"completion" needs the name of a shell' : `there is no completion for "${shell}"`;
    const hint = `Use one of ${[...SCRIPTS.keys()].join(', ')}: source <(bake-ts completion bash)`;
    return reportProblems([problem('cli/bad-value', message, { hint })], args, io);
  }
  io.stdout.write(script);
  return EXIT.ok;
}
