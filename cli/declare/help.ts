/** Commands that help with bake-ts itself. */
import { type Declare, lazily } from './shared.ts';

/** `docs`, `why`, `completion`. */
export function declareHelp(command: Declare): void {
  command('docs [...topic]', 'Show the documentation: a page, a section, or what matches words', 'cli#docs')
    .example('  bake-ts docs                      the list of pages')
    .example('  bake-ts docs proxy                a page')
    .example('  bake-ts docs cli#exit-codes       a section of a page')
    .example('  bake-ts docs exit codes           what has these words in its name or heading')
    .example('  bake-ts docs language > language.md')
    .action(lazily(() => import('../commands/docs.ts')));
  command('why <...codes>', 'Explain problem codes and what to do about them', 'failures')
    .example('  bake-ts why registry/unauthorized')
    .action(lazily(() => import('../commands/why.ts')));
  command('completion <shell>', 'Print a completion script for bash, zsh or fish', 'cli#completion')
    .example('  source <(bake-ts completion bash)                 in ~/.bashrc')
    .example('  source <(bake-ts completion zsh)                  in ~/.zshrc, after compinit')
    .example('  bake-ts completion fish | source                  in config.fish')
    .action(lazily(() => import('../commands/completion.ts')));
}
