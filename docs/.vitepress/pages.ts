/** The pages of the site: where each lies, and in which group of the sidebar it stands. */

/** Pages by their file, relative to the repository, in order. */
interface Group {
  readonly text: string;
  readonly files: readonly string[];
  /** Pages of whole folders come behind those that are named. */
  readonly folders?: readonly string[];
  readonly collapsed?: boolean;
}

/** A name that is not there yet, or no more, is passed over; a page that no group has is among the guides. */
const GROUPS: readonly Group[] = [
  {
    text: 'Start',
    files: [
      'README.md',
      'docs/tutorial.md',
      'docs/install.md',
      'docs/migrate.md',
      'docs/import.md',
      'docs/bake.md',
      'docs/from-buildctl.md',
      'docs/glossary.md',
    ],
  },
  {
    text: 'Guides',
    files: ['docs/ci.md', 'docs/caching.md', 'docs/watch.md', 'docs/scripts.md', 'docs/library.md'],
  },
  {
    text: 'Reference',
    files: [
      'docs/reference/commands.md',
      'docs/reference/builds-yaml.md',
      'docs/cli.md',
      'docs/language.md',
      'docs/events.md',
      'docs/buildctl.md',
    ],
    folders: ['docs/reference', 'docs/api'],
  },
  { text: 'Problem codes', files: ['docs/failures.md'], folders: ['docs/failures'], collapsed: true },
  { text: 'Examples', files: ['examples/README.md'], folders: ['examples'], collapsed: true },
  {
    text: 'Internals',
    files: [
      'docs/architecture.md',
      'docs/decisions.md',
      'docs/keys.md',
      'docs/mutants.md',
      'docs/pool-figures.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
    ],
    collapsed: true,
  },
];

/** An entry of the sidebar before it has a title. */
export interface SidebarGroup {
  readonly text: string;
  readonly files: readonly string[];
  readonly collapsed: boolean;
}

/** The groups, each page once. */
export function makeSidebar(pages: readonly string[]): readonly SidebarGroup[] {
  const left = new Set(pages);
  const take = (file: string): readonly string[] => (left.delete(file) ? [file] : []);
  const groups = GROUPS.map(({ text, files, folders = [], collapsed = false }) => {
    const named = files.flatMap(take);
    const others = folders.flatMap((folder) =>
      pages.filter((file) => file.startsWith(`${folder}/`)).flatMap(take),
    );
    return { text, files: [...named, ...others], collapsed };
  });
  return groups.map((group) =>
    group.text === 'Guides' ? { ...group, files: [...group.files, ...[...left].sort()] } : group,
  );
}

/** Where a page lies on the site: `docs/` is its root, and a README is the page of its folder. */
export function placeOf(file: string): string {
  return file.replace(/^docs\//, '').replace(/(^|\/)README\.md$/, '$1index.md');
}
