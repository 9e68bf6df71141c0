/** The type of a builds file for those who write it as a module (`builds.ts`). */
import type { Json } from '../model/mod.ts';

/** Any scalar; null means "leave it out". Text may hold `${{ … }}`. */
export type Text = string | number | boolean | null | undefined;
/** A list, or one expression that gives it. */
export type TextList = readonly Text[] | string | null;
/** A map of texts, or one expression that gives it. */
export type TextMap = Readonly<Record<string, Text>> | string | null;
/** A short string form or a map with `type` and attributes. */
export type TypedText = string | Readonly<Record<string, Text>> | null;

/** The keys that templates and builds have in common; see docs/language.md. */
export interface TemplateDefinition {
  readonly description?: Text;
  readonly extends?: string | readonly Text[] | null;
  readonly context?: Text;
  readonly dockerfile?: Text;
  readonly 'dockerfile-inline'?: Text;
  readonly frontend?: string | null;
  readonly source?: Text;
  readonly opts?: TextMap;
  readonly 'buildctl-options'?: TextList;
  readonly target?: Text;
  readonly args?: TextMap;
  readonly contexts?: TextMap;
  readonly needs?: TextList;
  readonly platforms?: TextList;
  readonly tags?: TextList;
  readonly push?: boolean | string | null;
  readonly labels?: TextMap;
  readonly annotations?: TextMap;
  readonly outputs?: readonly TypedText[] | string | null;
  readonly attest?: readonly TypedText[] | string | null;
  readonly compression?:
    | string
    | { readonly type?: string; readonly level?: number | string; readonly force?: boolean | string }
    | null;
  readonly reproducible?: boolean | string | null;
  readonly 'source-date-epoch'?: number | string | null;
  readonly cache?:
    | string
    | { readonly repository?: Text; readonly mode?: string; readonly export?: boolean | string }
    | null;
  readonly 'cache-from'?: readonly TypedText[] | string | null;
  readonly 'cache-to'?: readonly TypedText[] | string | null;
  readonly 'no-cache'?: boolean | string | null;
  readonly 'no-cache-filter'?: TextList;
  readonly pull?: boolean | string | null;
  readonly secrets?:
    | readonly (
        | string
        | { readonly id: Text; readonly file?: Text; readonly env?: Text; readonly command?: TextList }
        | null
      )[]
    | string
    | null;
  readonly ssh?:
    | readonly (string | { readonly id?: Text; readonly paths?: TextList } | null)[]
    | string
    | null;
  readonly network?: string | null;
  readonly 'extra-hosts'?: TextMap | readonly Text[];
  readonly ulimits?:
    | Readonly<Record<string, number | string | { readonly soft: number; readonly hard: number } | null>>
    | readonly Text[]
    | string
    | null;
  readonly 'shm-size'?: number | string | null;
  readonly 'cgroup-parent'?: Text;
  readonly entitlements?: TextList;
  readonly timeout?: number | string | null;
}

/** A build. */
export interface BuildDefinition extends TemplateDefinition {
  readonly matrix?: {
    readonly include?: readonly Readonly<Record<string, Json>>[] | string;
    readonly exclude?: readonly Readonly<Record<string, Json>>[] | string;
    readonly when?: string | boolean;
    readonly [axis: string]: Json | undefined;
  } | null;
  readonly name?: Text;
}

/** A variable: a default, or a map that says more. */
export type VariableDefinition =
  | string
  | number
  | boolean
  | readonly Json[]
  | {
      readonly default?: Json;
      readonly type?: 'string' | 'bool' | 'int' | 'number' | 'list' | 'map';
      readonly env?: string | readonly string[] | false;
      readonly required?: boolean;
      readonly oneOf?: readonly (string | number | boolean)[];
      readonly pattern?: string;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly check?: string;
      /** A JSON Schema, draft 2020-12; see docs/language.md. */
      readonly schema?: Readonly<Record<string, Json>>;
      readonly sensitive?: boolean;
      readonly description?: string;
    };

/** A whole builds file. */
export interface BuildsDefinition {
  readonly description?: Text;
  readonly include?: readonly string[];
  readonly vars?: Readonly<Record<string, VariableDefinition>>;
  readonly registries?: Readonly<
    Record<
      string,
      {
        readonly http?: boolean | string;
        readonly ca?: Text;
        readonly cert?: Text;
        readonly key?: Text;
        readonly insecure?: boolean | string;
        readonly mirrors?: TextList;
        readonly concurrency?: number | string;
      }
    >
  >;
  readonly engine?: { readonly address?: Text };
  readonly record?: string;
  readonly publish?: 'each' | 'together';
  readonly immutable?: TextList;
  readonly templates?: Readonly<Record<string, TemplateDefinition>>;
  readonly builds?: Readonly<Record<string, BuildDefinition>>;
  readonly groups?: Readonly<
    Record<string, TextList | { readonly builds: TextList; readonly description?: Text }>
  >;
}

/** What a `builds.ts` that exports a function is called with. */
export interface ModuleContext {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a `builds.ts` exports by default. */
export type BuildsModule =
  | BuildsDefinition
  | ((context: ModuleContext) => BuildsDefinition | Promise<BuildsDefinition>);

/** Gives a `builds.ts` its type: `export default defineBuilds({ builds: { … } })`. Returns what it is given. */
export function defineBuilds<T extends BuildsModule>(definition: T): T {
  return definition;
}
