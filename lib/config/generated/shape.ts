// @ts-nocheck Made by .ci/generate.mjs from schemas/builds.schema.json with ajv.
// biome-ignore-all lint: generated
// biome-ignore-all format: generated
// biome-ignore-all assist: generated

/** One finding of the check, as ajv has it. */
export interface ShapeError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
}

/** Checks plain data against the schema; what is wrong is in `errors` until the next call. */
export interface ShapeCheck {
  (data: unknown): boolean;
  errors?: readonly ShapeError[] | null;
}

const schema31 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:bake-ts:builds","title":"builds.yaml","type":"object","properties":{"$schema":{"title":"a URL or path","type":"string"},"description":{"type":["string","number","boolean","null"]},"include":{"title":"a list of paths","type":["array","null"],"items":{"title":"a path","type":"string"}},"vars":{"title":"a map","type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$"},"additionalProperties":{"$ref":"#/$defs/var"}},"functions":{"title":"a map","type":["object","null"],"propertyNames":{"pattern":"^[A-Za-z_][A-Za-z0-9_]*\\(\\s*(?:[A-Za-z_][A-Za-z0-9_]*(?:\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*)?\\s*\\)$"},"additionalProperties":{}},"registries":{"title":"a map","type":["object","null"],"additionalProperties":{"$ref":"#/$defs/registry"}},"engine":{"title":"a map","type":["object","null"],"properties":{"address":{"type":["string","number","boolean","null"]}},"additionalProperties":false},"record":{"title":"local, registry, or a reference","type":["string","null"]},"publish":{"title":"each or together","enum":["each","together",null]},"immutable":{"title":"a glob or a list of globs","type":["string","number","array","null"],"items":{"type":["string","number","null"]}},"templates":{"title":"a map","type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},"additionalProperties":{"$ref":"#/$defs/template"}},"builds":{"title":"a map","type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},"additionalProperties":{"$ref":"#/$defs/build"}},"groups":{"title":"a map","type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},"additionalProperties":{"$ref":"#/$defs/group"}}},"patternProperties":{"^x-":{}},"additionalProperties":false,"$defs":{"var":{"title":"a default value, or a map with default, type, env …","type":["string","number","boolean","array","object","null"],"properties":{"default":{},"type":{"title":"string, bool, int, number, list or map","type":"string","enum":["string","bool","int","number","list","map"]},"env":{"title":"a name, a list of names, or false","type":["string","array","boolean","null"],"items":{"type":"string",}},"required":{"title":"true or false","type":["boolean","null"]},"optional":{"title":"true or false","type":["boolean","null"]},"oneOf":{"title":"a list of values","type":["array","null"],"items":{"title":"text, a number, true or false","type":["string","number","boolean"]}},"pattern":{"title":"a regular expression","type":["string","null"]},"minimum":{"title":"a number","type":["number","null"]},"maximum":{"title":"a number","type":["number","null"]},"check":{"title":"one ${{ … }} expression","type":["string","null"],"pattern":"\\$\\{\\{"},"schema":{"title":"a JSON Schema","type":["object","null"]},"sensitive":{"title":"true or false","type":["boolean","null"]},"description":{"type":["string","number","boolean","null"]}},"additionalProperties":false},"registry":{"title":"a map","type":["object","null"],"properties":{"http":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"ca":{"type":["string","number","boolean","null"]},"cert":{"type":["string","number","boolean","null"]},"key":{"type":["string","number","boolean","null"]},"insecure":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"mirrors":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"concurrency":{"title":"an integer","type":["integer","string","null"],"minimum":1}},"additionalProperties":false},"template":{"$ref":"#/$defs/build","properties":{"matrix":false,"name":false}},"build":{"title":"a map","type":["object","null"],"properties":{"description":{"type":["string","number","boolean","null"]},"extends":{"title":"a name or a list of names","type":["string","array","null"],"items":{"type":["string","number","boolean","null"]}},"matrix":{"title":"a map of axes","type":["object","null"],"properties":{"include":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"a map of axis to value","type":["object","string","null"],"pattern":"\\$\\{\\{"}},"exclude":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"a map of axis to value","type":["object","string","null"],"pattern":"\\$\\{\\{"}},"when":{"title":"one ${{ … }} expression","type":["string","boolean","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":{"title":"a list of values","type":["array","string","null"],"pattern":"\\$\\{\\{"}},"name":{"type":["string","number","boolean","null"]},"context":{"type":["string","number","boolean","null"],"examples":[".","services/api","https://github.com/owner/repo.git#main:sub"]},"dockerfile":{"type":["string","number","boolean","null"]},"dockerfile-inline":{"type":["string","number","boolean","null"]},"frontend":{"title":"dockerfile.v0 or gateway.v0","type":["string","null"],"pattern":"^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{"},"source":{"type":["string","number","boolean","null"],"examples":["docker/dockerfile:1"]},"opts":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"buildctl-options":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"target":{"type":["string","number","boolean","null"]},"args":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"contexts":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"needs":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"platforms":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"tags":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"push":{"title":"true, false or always","type":["boolean","string","null"],"pattern":"^always$|\\$\\{\\{"},"labels":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"annotations":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"outputs":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"attest":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"compression":{"title":"uncompressed, gzip, zstd or estargz, or a map with type, level, force","type":["string","object","null"],"pattern":"^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{","properties":{"type":{"title":"uncompressed, gzip, zstd or estargz","type":["string","null"],"pattern":"^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{","examples":["uncompressed","gzip","zstd","estargz"]},"level":{"title":"an integer","type":["integer","string","null"],"pattern":"\\$\\{\\{"},"force":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":false},"reproducible":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"source-date-epoch":{"title":"seconds since 1970","type":["integer","string","null"],"pattern":"^[0-9]+$|\\$\\{\\{"},"cache":{"title":"auto, a repository, or a map","type":["string","object","null"],"properties":{"repository":{"type":["string","number","boolean","null"]},"mode":{"title":"min or max","type":["string","null"],"pattern":"^(?:min|max)$|\\$\\{\\{","examples":["min","max"]},"export":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":false},"cache-from":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"cache-to":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"no-cache":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"no-cache-filter":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"pull":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"secrets":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as id=token,env=TOKEN or a map with `id`","type":["string","object","null"],"properties":{"id":{"type":["string","number","boolean","null"]},"file":{"type":["string","number","boolean","null"]},"env":{"type":["string","number","boolean","null"]},"command":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"ssh":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as default or id=~/.ssh/key, or a map with `id`","type":["string","object","null"],"properties":{"id":{"type":["string","number","boolean","null"]},"paths":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"network":{"title":"default, none or host","type":["string","null"],"pattern":"^(?:default|none|host)?$|\\$\\{\\{","examples":["default","none","host"]},"extra-hosts":{"title":"a map of name to address, or a list of name=address","type":["object","array","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]},"items":{"type":["string","number","boolean","null"]}},"ulimits":{"title":"a map of name to limit, or a list of name=soft[:hard]","type":["object","array","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"title":"a number, soft:hard, or a map with soft and hard","type":["integer","string","object","null"],"properties":{"soft":{"title":"an integer","type":["integer","string","null"]},"hard":{"title":"an integer","type":["integer","string","null"]}},"additionalProperties":false},"items":{"type":["string","number","boolean","null"]}},"shm-size":{"title":"a size such as 64m","type":["integer","string","null"]},"cgroup-parent":{"type":["string","number","boolean","null"]},"timeout":{"title":"a duration such as 20m","type":["integer","string","null"]},"entitlements":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false},"group":{"title":"a list of names, or a map with builds","type":["array","object","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]},"properties":{"builds":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"description":{"type":["string","number","boolean","null"]}},"additionalProperties":false}}};
const schema32 = {"title":"a default value, or a map with default, type, env …","type":["string","number","boolean","array","object","null"],"properties":{"default":{},"type":{"title":"string, bool, int, number, list or map","type":"string","enum":["string","bool","int","number","list","map"]},"env":{"title":"a name, a list of names, or false","type":["string","array","boolean","null"],"items":{"type":"string",}},"required":{"title":"true or false","type":["boolean","null"]},"optional":{"title":"true or false","type":["boolean","null"]},"oneOf":{"title":"a list of values","type":["array","null"],"items":{"title":"text, a number, true or false","type":["string","number","boolean"]}},"pattern":{"title":"a regular expression","type":["string","null"]},"minimum":{"title":"a number","type":["number","null"]},"maximum":{"title":"a number","type":["number","null"]},"check":{"title":"one ${{ … }} expression","type":["string","null"],"pattern":"\\$\\{\\{"},"schema":{"title":"a JSON Schema","type":["object","null"]},"sensitive":{"title":"true or false","type":["boolean","null"]},"description":{"type":["string","number","boolean","null"]}},"additionalProperties":false};
const schema33 = {"title":"a map","type":["object","null"],"properties":{"http":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"ca":{"type":["string","number","boolean","null"]},"cert":{"type":["string","number","boolean","null"]},"key":{"type":["string","number","boolean","null"]},"insecure":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"mirrors":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"concurrency":{"title":"an integer","type":["integer","string","null"],"minimum":1}},"additionalProperties":false};
const schema35 = {"title":"a map","type":["object","null"],"properties":{"description":{"type":["string","number","boolean","null"]},"extends":{"title":"a name or a list of names","type":["string","array","null"],"items":{"type":["string","number","boolean","null"]}},"matrix":{"title":"a map of axes","type":["object","null"],"properties":{"include":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"a map of axis to value","type":["object","string","null"],"pattern":"\\$\\{\\{"}},"exclude":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"a map of axis to value","type":["object","string","null"],"pattern":"\\$\\{\\{"}},"when":{"title":"one ${{ … }} expression","type":["string","boolean","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":{"title":"a list of values","type":["array","string","null"],"pattern":"\\$\\{\\{"}},"name":{"type":["string","number","boolean","null"]},"context":{"type":["string","number","boolean","null"],"examples":[".","services/api","https://github.com/owner/repo.git#main:sub"]},"dockerfile":{"type":["string","number","boolean","null"]},"dockerfile-inline":{"type":["string","number","boolean","null"]},"frontend":{"title":"dockerfile.v0 or gateway.v0","type":["string","null"],"pattern":"^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{"},"source":{"type":["string","number","boolean","null"],"examples":["docker/dockerfile:1"]},"opts":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"buildctl-options":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"target":{"type":["string","number","boolean","null"]},"args":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"contexts":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"needs":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"platforms":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"tags":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"push":{"title":"true, false or always","type":["boolean","string","null"],"pattern":"^always$|\\$\\{\\{"},"labels":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"annotations":{"title":"a map","type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"outputs":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"attest":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"compression":{"title":"uncompressed, gzip, zstd or estargz, or a map with type, level, force","type":["string","object","null"],"pattern":"^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{","properties":{"type":{"title":"uncompressed, gzip, zstd or estargz","type":["string","null"],"pattern":"^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{","examples":["uncompressed","gzip","zstd","estargz"]},"level":{"title":"an integer","type":["integer","string","null"],"pattern":"\\$\\{\\{"},"force":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":false},"reproducible":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"source-date-epoch":{"title":"seconds since 1970","type":["integer","string","null"],"pattern":"^[0-9]+$|\\$\\{\\{"},"cache":{"title":"auto, a repository, or a map","type":["string","object","null"],"properties":{"repository":{"type":["string","number","boolean","null"]},"mode":{"title":"min or max","type":["string","null"],"pattern":"^(?:min|max)$|\\$\\{\\{","examples":["min","max"]},"export":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":false},"cache-from":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"cache-to":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as type=registry,ref=… or a map with `type`","type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"no-cache":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"no-cache-filter":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"pull":{"title":"true or false","type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"secrets":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as id=token,env=TOKEN or a map with `id`","type":["string","object","null"],"properties":{"id":{"type":["string","number","boolean","null"]},"file":{"type":["string","number","boolean","null"]},"env":{"type":["string","number","boolean","null"]},"command":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"ssh":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"title":"text such as default or id=~/.ssh/key, or a map with `id`","type":["string","object","null"],"properties":{"id":{"type":["string","number","boolean","null"]},"paths":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"network":{"title":"default, none or host","type":["string","null"],"pattern":"^(?:default|none|host)?$|\\$\\{\\{","examples":["default","none","host"]},"extra-hosts":{"title":"a map of name to address, or a list of name=address","type":["object","array","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]},"items":{"type":["string","number","boolean","null"]}},"ulimits":{"title":"a map of name to limit, or a list of name=soft[:hard]","type":["object","array","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"title":"a number, soft:hard, or a map with soft and hard","type":["integer","string","object","null"],"properties":{"soft":{"title":"an integer","type":["integer","string","null"]},"hard":{"title":"an integer","type":["integer","string","null"]}},"additionalProperties":false},"items":{"type":["string","number","boolean","null"]}},"shm-size":{"title":"a size such as 64m","type":["integer","string","null"]},"cgroup-parent":{"type":["string","number","boolean","null"]},"timeout":{"title":"a duration such as 20m","type":["integer","string","null"]},"entitlements":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false};
const schema37 = {"title":"a list of names, or a map with builds","type":["array","object","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]},"properties":{"builds":{"title":"a list","type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"description":{"type":["string","number","boolean","null"]}},"additionalProperties":false};
const func1 = Object.prototype.hasOwnProperty;
const pattern4 = new RegExp("^x-", "u");
const pattern5 = new RegExp("^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$", "u");
const pattern6 = new RegExp("\\$\\{\\{", "u");
const pattern7 = new RegExp("^[A-Za-z_][A-Za-z0-9_]*\\(\\s*(?:[A-Za-z_][A-Za-z0-9_]*(?:\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*)?\\s*\\)$", "u");
const pattern11 = new RegExp("^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$", "u");
const pattern18 = new RegExp("^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{", "u");
const pattern26 = new RegExp("^always$|\\$\\{\\{", "u");
const pattern31 = new RegExp("^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{", "u");
const pattern36 = new RegExp("^[0-9]+$|\\$\\{\\{", "u");
const pattern37 = new RegExp("^(?:min|max)$|\\$\\{\\{", "u");
const pattern48 = new RegExp("^(?:default|none|host)?$|\\$\\{\\{", "u");
const schema34 = {"$ref":"#/$defs/build","properties":{"matrix":false,"name":false}};

function validate21(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate21.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if((!(data && typeof data == "object" && !Array.isArray(data))) && (data !== null)){
const err0 = {instancePath,schemaPath:"#/$defs/build/type",keyword:"type",params:{type: schema35.type}};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!(func1.call(schema35.properties, key0))){
const err1 = {instancePath,schemaPath:"#/$defs/build/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.description !== undefined){
let data0 = data.description;
if((((typeof data0 !== "string") && (!((typeof data0 == "number") && (isFinite(data0))))) && (typeof data0 !== "boolean")) && (data0 !== null)){
const err2 = {instancePath:instancePath+"/description",schemaPath:"#/$defs/build/properties/description/type",keyword:"type",params:{type: schema35.properties.description.type}};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.extends !== undefined){
let data1 = data.extends;
if(((typeof data1 !== "string") && (!(Array.isArray(data1)))) && (data1 !== null)){
const err3 = {instancePath:instancePath+"/extends",schemaPath:"#/$defs/build/properties/extends/type",keyword:"type",params:{type: schema35.properties.extends.type}};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
if((((typeof data2 !== "string") && (!((typeof data2 == "number") && (isFinite(data2))))) && (typeof data2 !== "boolean")) && (data2 !== null)){
const err4 = {instancePath:instancePath+"/extends/" + i0,schemaPath:"#/$defs/build/properties/extends/items/type",keyword:"type",params:{type: schema35.properties.extends.items.type}};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
}
}
if(data.matrix !== undefined){
let data3 = data.matrix;
if((!(data3 && typeof data3 == "object" && !Array.isArray(data3))) && (data3 !== null)){
const err5 = {instancePath:instancePath+"/matrix",schemaPath:"#/$defs/build/properties/matrix/type",keyword:"type",params:{type: schema35.properties.matrix.type}};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
for(const key1 in data3){
if(!(((key1 === "include") || (key1 === "exclude")) || (key1 === "when"))){
let data4 = data3[key1];
if(((!(Array.isArray(data4))) && (typeof data4 !== "string")) && (data4 !== null)){
const err6 = {instancePath:instancePath+"/matrix/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/matrix/additionalProperties/type",keyword:"type",params:{type: schema35.properties.matrix.additionalProperties.type}};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
if(typeof data4 === "string"){
if(!pattern6.test(data4)){
const err7 = {instancePath:instancePath+"/matrix/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/matrix/additionalProperties/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
}
}
if(data3.include !== undefined){
let data5 = data3.include;
if(((!(Array.isArray(data5))) && (typeof data5 !== "string")) && (data5 !== null)){
const err8 = {instancePath:instancePath+"/matrix/include",schemaPath:"#/$defs/build/properties/matrix/properties/include/type",keyword:"type",params:{type: schema35.properties.matrix.properties.include.type}};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
if(typeof data5 === "string"){
if(!pattern6.test(data5)){
const err9 = {instancePath:instancePath+"/matrix/include",schemaPath:"#/$defs/build/properties/matrix/properties/include/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(Array.isArray(data5)){
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
let data6 = data5[i1];
if(((!(data6 && typeof data6 == "object" && !Array.isArray(data6))) && (typeof data6 !== "string")) && (data6 !== null)){
const err10 = {instancePath:instancePath+"/matrix/include/" + i1,schemaPath:"#/$defs/build/properties/matrix/properties/include/items/type",keyword:"type",params:{type: schema35.properties.matrix.properties.include.items.type}};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
if(typeof data6 === "string"){
if(!pattern6.test(data6)){
const err11 = {instancePath:instancePath+"/matrix/include/" + i1,schemaPath:"#/$defs/build/properties/matrix/properties/include/items/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
}
}
}
if(data3.exclude !== undefined){
let data7 = data3.exclude;
if(((!(Array.isArray(data7))) && (typeof data7 !== "string")) && (data7 !== null)){
const err12 = {instancePath:instancePath+"/matrix/exclude",schemaPath:"#/$defs/build/properties/matrix/properties/exclude/type",keyword:"type",params:{type: schema35.properties.matrix.properties.exclude.type}};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
if(typeof data7 === "string"){
if(!pattern6.test(data7)){
const err13 = {instancePath:instancePath+"/matrix/exclude",schemaPath:"#/$defs/build/properties/matrix/properties/exclude/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(Array.isArray(data7)){
const len2 = data7.length;
for(let i2=0; i2<len2; i2++){
let data8 = data7[i2];
if(((!(data8 && typeof data8 == "object" && !Array.isArray(data8))) && (typeof data8 !== "string")) && (data8 !== null)){
const err14 = {instancePath:instancePath+"/matrix/exclude/" + i2,schemaPath:"#/$defs/build/properties/matrix/properties/exclude/items/type",keyword:"type",params:{type: schema35.properties.matrix.properties.exclude.items.type}};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
if(typeof data8 === "string"){
if(!pattern6.test(data8)){
const err15 = {instancePath:instancePath+"/matrix/exclude/" + i2,schemaPath:"#/$defs/build/properties/matrix/properties/exclude/items/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
}
}
}
if(data3.when !== undefined){
let data9 = data3.when;
if(((typeof data9 !== "string") && (typeof data9 !== "boolean")) && (data9 !== null)){
const err16 = {instancePath:instancePath+"/matrix/when",schemaPath:"#/$defs/build/properties/matrix/properties/when/type",keyword:"type",params:{type: schema35.properties.matrix.properties.when.type}};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(typeof data9 === "string"){
if(!pattern6.test(data9)){
const err17 = {instancePath:instancePath+"/matrix/when",schemaPath:"#/$defs/build/properties/matrix/properties/when/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
}
}
}
if(data.name !== undefined){
let data10 = data.name;
if((((typeof data10 !== "string") && (!((typeof data10 == "number") && (isFinite(data10))))) && (typeof data10 !== "boolean")) && (data10 !== null)){
const err18 = {instancePath:instancePath+"/name",schemaPath:"#/$defs/build/properties/name/type",keyword:"type",params:{type: schema35.properties.name.type}};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data.context !== undefined){
let data11 = data.context;
if((((typeof data11 !== "string") && (!((typeof data11 == "number") && (isFinite(data11))))) && (typeof data11 !== "boolean")) && (data11 !== null)){
const err19 = {instancePath:instancePath+"/context",schemaPath:"#/$defs/build/properties/context/type",keyword:"type",params:{type: schema35.properties.context.type}};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
if(data.dockerfile !== undefined){
let data12 = data.dockerfile;
if((((typeof data12 !== "string") && (!((typeof data12 == "number") && (isFinite(data12))))) && (typeof data12 !== "boolean")) && (data12 !== null)){
const err20 = {instancePath:instancePath+"/dockerfile",schemaPath:"#/$defs/build/properties/dockerfile/type",keyword:"type",params:{type: schema35.properties.dockerfile.type}};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data["dockerfile-inline"] !== undefined){
let data13 = data["dockerfile-inline"];
if((((typeof data13 !== "string") && (!((typeof data13 == "number") && (isFinite(data13))))) && (typeof data13 !== "boolean")) && (data13 !== null)){
const err21 = {instancePath:instancePath+"/dockerfile-inline",schemaPath:"#/$defs/build/properties/dockerfile-inline/type",keyword:"type",params:{type: schema35.properties["dockerfile-inline"].type}};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data.frontend !== undefined){
let data14 = data.frontend;
if((typeof data14 !== "string") && (data14 !== null)){
const err22 = {instancePath:instancePath+"/frontend",schemaPath:"#/$defs/build/properties/frontend/type",keyword:"type",params:{type: schema35.properties.frontend.type}};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
if(typeof data14 === "string"){
if(!pattern18.test(data14)){
const err23 = {instancePath:instancePath+"/frontend",schemaPath:"#/$defs/build/properties/frontend/pattern",keyword:"pattern",params:{pattern: "^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
}
if(data.source !== undefined){
let data15 = data.source;
if((((typeof data15 !== "string") && (!((typeof data15 == "number") && (isFinite(data15))))) && (typeof data15 !== "boolean")) && (data15 !== null)){
const err24 = {instancePath:instancePath+"/source",schemaPath:"#/$defs/build/properties/source/type",keyword:"type",params:{type: schema35.properties.source.type}};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data.opts !== undefined){
let data16 = data.opts;
if(((!(data16 && typeof data16 == "object" && !Array.isArray(data16))) && (typeof data16 !== "string")) && (data16 !== null)){
const err25 = {instancePath:instancePath+"/opts",schemaPath:"#/$defs/build/properties/opts/type",keyword:"type",params:{type: schema35.properties.opts.type}};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
if(typeof data16 === "string"){
if(!pattern6.test(data16)){
const err26 = {instancePath:instancePath+"/opts",schemaPath:"#/$defs/build/properties/opts/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
for(const key2 in data16){
let data17 = data16[key2];
if((((typeof data17 !== "string") && (!((typeof data17 == "number") && (isFinite(data17))))) && (typeof data17 !== "boolean")) && (data17 !== null)){
const err27 = {instancePath:instancePath+"/opts/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/opts/additionalProperties/type",keyword:"type",params:{type: schema35.properties.opts.additionalProperties.type}};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
}
}
if(data["buildctl-options"] !== undefined){
let data18 = data["buildctl-options"];
if(((!(Array.isArray(data18))) && (typeof data18 !== "string")) && (data18 !== null)){
const err28 = {instancePath:instancePath+"/buildctl-options",schemaPath:"#/$defs/build/properties/buildctl-options/type",keyword:"type",params:{type: schema35.properties["buildctl-options"].type}};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
if(typeof data18 === "string"){
if(!pattern6.test(data18)){
const err29 = {instancePath:instancePath+"/buildctl-options",schemaPath:"#/$defs/build/properties/buildctl-options/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
if(Array.isArray(data18)){
const len3 = data18.length;
for(let i3=0; i3<len3; i3++){
let data19 = data18[i3];
if((((typeof data19 !== "string") && (!((typeof data19 == "number") && (isFinite(data19))))) && (typeof data19 !== "boolean")) && (data19 !== null)){
const err30 = {instancePath:instancePath+"/buildctl-options/" + i3,schemaPath:"#/$defs/build/properties/buildctl-options/items/type",keyword:"type",params:{type: schema35.properties["buildctl-options"].items.type}};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
}
}
if(data.target !== undefined){
let data20 = data.target;
if((((typeof data20 !== "string") && (!((typeof data20 == "number") && (isFinite(data20))))) && (typeof data20 !== "boolean")) && (data20 !== null)){
const err31 = {instancePath:instancePath+"/target",schemaPath:"#/$defs/build/properties/target/type",keyword:"type",params:{type: schema35.properties.target.type}};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
}
if(data.args !== undefined){
let data21 = data.args;
if(((!(data21 && typeof data21 == "object" && !Array.isArray(data21))) && (typeof data21 !== "string")) && (data21 !== null)){
const err32 = {instancePath:instancePath+"/args",schemaPath:"#/$defs/build/properties/args/type",keyword:"type",params:{type: schema35.properties.args.type}};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
if(typeof data21 === "string"){
if(!pattern6.test(data21)){
const err33 = {instancePath:instancePath+"/args",schemaPath:"#/$defs/build/properties/args/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
if(data21 && typeof data21 == "object" && !Array.isArray(data21)){
for(const key3 in data21){
let data22 = data21[key3];
if((((typeof data22 !== "string") && (!((typeof data22 == "number") && (isFinite(data22))))) && (typeof data22 !== "boolean")) && (data22 !== null)){
const err34 = {instancePath:instancePath+"/args/" + key3.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/args/additionalProperties/type",keyword:"type",params:{type: schema35.properties.args.additionalProperties.type}};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
}
}
if(data.contexts !== undefined){
let data23 = data.contexts;
if(((!(data23 && typeof data23 == "object" && !Array.isArray(data23))) && (typeof data23 !== "string")) && (data23 !== null)){
const err35 = {instancePath:instancePath+"/contexts",schemaPath:"#/$defs/build/properties/contexts/type",keyword:"type",params:{type: schema35.properties.contexts.type}};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
if(typeof data23 === "string"){
if(!pattern6.test(data23)){
const err36 = {instancePath:instancePath+"/contexts",schemaPath:"#/$defs/build/properties/contexts/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
if(data23 && typeof data23 == "object" && !Array.isArray(data23)){
for(const key4 in data23){
let data24 = data23[key4];
if((((typeof data24 !== "string") && (!((typeof data24 == "number") && (isFinite(data24))))) && (typeof data24 !== "boolean")) && (data24 !== null)){
const err37 = {instancePath:instancePath+"/contexts/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/contexts/additionalProperties/type",keyword:"type",params:{type: schema35.properties.contexts.additionalProperties.type}};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
}
}
}
if(data.needs !== undefined){
let data25 = data.needs;
if(((!(Array.isArray(data25))) && (typeof data25 !== "string")) && (data25 !== null)){
const err38 = {instancePath:instancePath+"/needs",schemaPath:"#/$defs/build/properties/needs/type",keyword:"type",params:{type: schema35.properties.needs.type}};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
if(typeof data25 === "string"){
if(!pattern6.test(data25)){
const err39 = {instancePath:instancePath+"/needs",schemaPath:"#/$defs/build/properties/needs/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
}
if(Array.isArray(data25)){
const len4 = data25.length;
for(let i4=0; i4<len4; i4++){
let data26 = data25[i4];
if((((typeof data26 !== "string") && (!((typeof data26 == "number") && (isFinite(data26))))) && (typeof data26 !== "boolean")) && (data26 !== null)){
const err40 = {instancePath:instancePath+"/needs/" + i4,schemaPath:"#/$defs/build/properties/needs/items/type",keyword:"type",params:{type: schema35.properties.needs.items.type}};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
}
}
}
if(data.platforms !== undefined){
let data27 = data.platforms;
if(((!(Array.isArray(data27))) && (typeof data27 !== "string")) && (data27 !== null)){
const err41 = {instancePath:instancePath+"/platforms",schemaPath:"#/$defs/build/properties/platforms/type",keyword:"type",params:{type: schema35.properties.platforms.type}};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
if(typeof data27 === "string"){
if(!pattern6.test(data27)){
const err42 = {instancePath:instancePath+"/platforms",schemaPath:"#/$defs/build/properties/platforms/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
}
if(Array.isArray(data27)){
const len5 = data27.length;
for(let i5=0; i5<len5; i5++){
let data28 = data27[i5];
if((((typeof data28 !== "string") && (!((typeof data28 == "number") && (isFinite(data28))))) && (typeof data28 !== "boolean")) && (data28 !== null)){
const err43 = {instancePath:instancePath+"/platforms/" + i5,schemaPath:"#/$defs/build/properties/platforms/items/type",keyword:"type",params:{type: schema35.properties.platforms.items.type}};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
}
}
}
if(data.tags !== undefined){
let data29 = data.tags;
if(((!(Array.isArray(data29))) && (typeof data29 !== "string")) && (data29 !== null)){
const err44 = {instancePath:instancePath+"/tags",schemaPath:"#/$defs/build/properties/tags/type",keyword:"type",params:{type: schema35.properties.tags.type}};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
if(typeof data29 === "string"){
if(!pattern6.test(data29)){
const err45 = {instancePath:instancePath+"/tags",schemaPath:"#/$defs/build/properties/tags/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
}
if(Array.isArray(data29)){
const len6 = data29.length;
for(let i6=0; i6<len6; i6++){
let data30 = data29[i6];
if((((typeof data30 !== "string") && (!((typeof data30 == "number") && (isFinite(data30))))) && (typeof data30 !== "boolean")) && (data30 !== null)){
const err46 = {instancePath:instancePath+"/tags/" + i6,schemaPath:"#/$defs/build/properties/tags/items/type",keyword:"type",params:{type: schema35.properties.tags.items.type}};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
}
}
if(data.push !== undefined){
let data31 = data.push;
if(((typeof data31 !== "boolean") && (typeof data31 !== "string")) && (data31 !== null)){
const err47 = {instancePath:instancePath+"/push",schemaPath:"#/$defs/build/properties/push/type",keyword:"type",params:{type: schema35.properties.push.type}};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
if(typeof data31 === "string"){
if(!pattern26.test(data31)){
const err48 = {instancePath:instancePath+"/push",schemaPath:"#/$defs/build/properties/push/pattern",keyword:"pattern",params:{pattern: "^always$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
}
}
if(data.labels !== undefined){
let data32 = data.labels;
if(((!(data32 && typeof data32 == "object" && !Array.isArray(data32))) && (typeof data32 !== "string")) && (data32 !== null)){
const err49 = {instancePath:instancePath+"/labels",schemaPath:"#/$defs/build/properties/labels/type",keyword:"type",params:{type: schema35.properties.labels.type}};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
if(typeof data32 === "string"){
if(!pattern6.test(data32)){
const err50 = {instancePath:instancePath+"/labels",schemaPath:"#/$defs/build/properties/labels/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
}
if(data32 && typeof data32 == "object" && !Array.isArray(data32)){
for(const key5 in data32){
let data33 = data32[key5];
if((((typeof data33 !== "string") && (!((typeof data33 == "number") && (isFinite(data33))))) && (typeof data33 !== "boolean")) && (data33 !== null)){
const err51 = {instancePath:instancePath+"/labels/" + key5.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/labels/additionalProperties/type",keyword:"type",params:{type: schema35.properties.labels.additionalProperties.type}};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
}
}
}
if(data.annotations !== undefined){
let data34 = data.annotations;
if(((!(data34 && typeof data34 == "object" && !Array.isArray(data34))) && (typeof data34 !== "string")) && (data34 !== null)){
const err52 = {instancePath:instancePath+"/annotations",schemaPath:"#/$defs/build/properties/annotations/type",keyword:"type",params:{type: schema35.properties.annotations.type}};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
if(typeof data34 === "string"){
if(!pattern6.test(data34)){
const err53 = {instancePath:instancePath+"/annotations",schemaPath:"#/$defs/build/properties/annotations/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
}
if(data34 && typeof data34 == "object" && !Array.isArray(data34)){
for(const key6 in data34){
let data35 = data34[key6];
if((((typeof data35 !== "string") && (!((typeof data35 == "number") && (isFinite(data35))))) && (typeof data35 !== "boolean")) && (data35 !== null)){
const err54 = {instancePath:instancePath+"/annotations/" + key6.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/annotations/additionalProperties/type",keyword:"type",params:{type: schema35.properties.annotations.additionalProperties.type}};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
}
}
}
if(data.outputs !== undefined){
let data36 = data.outputs;
if(((!(Array.isArray(data36))) && (typeof data36 !== "string")) && (data36 !== null)){
const err55 = {instancePath:instancePath+"/outputs",schemaPath:"#/$defs/build/properties/outputs/type",keyword:"type",params:{type: schema35.properties.outputs.type}};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
if(typeof data36 === "string"){
if(!pattern6.test(data36)){
const err56 = {instancePath:instancePath+"/outputs",schemaPath:"#/$defs/build/properties/outputs/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
}
if(Array.isArray(data36)){
const len7 = data36.length;
for(let i7=0; i7<len7; i7++){
let data37 = data36[i7];
if(((typeof data37 !== "string") && (!(data37 && typeof data37 == "object" && !Array.isArray(data37)))) && (data37 !== null)){
const err57 = {instancePath:instancePath+"/outputs/" + i7,schemaPath:"#/$defs/build/properties/outputs/items/type",keyword:"type",params:{type: schema35.properties.outputs.items.type}};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
if(data37 && typeof data37 == "object" && !Array.isArray(data37)){
for(const key7 in data37){
if(!(key7 === "type")){
let data38 = data37[key7];
if((((typeof data38 !== "string") && (!((typeof data38 == "number") && (isFinite(data38))))) && (typeof data38 !== "boolean")) && (data38 !== null)){
const err58 = {instancePath:instancePath+"/outputs/" + i7+"/" + key7.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/outputs/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties.outputs.items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
}
}
if(data37.type !== undefined){
let data39 = data37.type;
if((((typeof data39 !== "string") && (!((typeof data39 == "number") && (isFinite(data39))))) && (typeof data39 !== "boolean")) && (data39 !== null)){
const err59 = {instancePath:instancePath+"/outputs/" + i7+"/type",schemaPath:"#/$defs/build/properties/outputs/items/properties/type/type",keyword:"type",params:{type: schema35.properties.outputs.items.properties.type.type}};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
}
}
}
}
}
if(data.attest !== undefined){
let data40 = data.attest;
if(((!(Array.isArray(data40))) && (typeof data40 !== "string")) && (data40 !== null)){
const err60 = {instancePath:instancePath+"/attest",schemaPath:"#/$defs/build/properties/attest/type",keyword:"type",params:{type: schema35.properties.attest.type}};
if(vErrors === null){
vErrors = [err60];
}
else {
vErrors.push(err60);
}
errors++;
}
if(typeof data40 === "string"){
if(!pattern6.test(data40)){
const err61 = {instancePath:instancePath+"/attest",schemaPath:"#/$defs/build/properties/attest/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err61];
}
else {
vErrors.push(err61);
}
errors++;
}
}
if(Array.isArray(data40)){
const len8 = data40.length;
for(let i8=0; i8<len8; i8++){
let data41 = data40[i8];
if(((typeof data41 !== "string") && (!(data41 && typeof data41 == "object" && !Array.isArray(data41)))) && (data41 !== null)){
const err62 = {instancePath:instancePath+"/attest/" + i8,schemaPath:"#/$defs/build/properties/attest/items/type",keyword:"type",params:{type: schema35.properties.attest.items.type}};
if(vErrors === null){
vErrors = [err62];
}
else {
vErrors.push(err62);
}
errors++;
}
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
for(const key8 in data41){
if(!(key8 === "type")){
let data42 = data41[key8];
if((((typeof data42 !== "string") && (!((typeof data42 == "number") && (isFinite(data42))))) && (typeof data42 !== "boolean")) && (data42 !== null)){
const err63 = {instancePath:instancePath+"/attest/" + i8+"/" + key8.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/attest/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties.attest.items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err63];
}
else {
vErrors.push(err63);
}
errors++;
}
}
}
if(data41.type !== undefined){
let data43 = data41.type;
if((((typeof data43 !== "string") && (!((typeof data43 == "number") && (isFinite(data43))))) && (typeof data43 !== "boolean")) && (data43 !== null)){
const err64 = {instancePath:instancePath+"/attest/" + i8+"/type",schemaPath:"#/$defs/build/properties/attest/items/properties/type/type",keyword:"type",params:{type: schema35.properties.attest.items.properties.type.type}};
if(vErrors === null){
vErrors = [err64];
}
else {
vErrors.push(err64);
}
errors++;
}
}
}
}
}
}
if(data.compression !== undefined){
let data44 = data.compression;
if(((typeof data44 !== "string") && (!(data44 && typeof data44 == "object" && !Array.isArray(data44)))) && (data44 !== null)){
const err65 = {instancePath:instancePath+"/compression",schemaPath:"#/$defs/build/properties/compression/type",keyword:"type",params:{type: schema35.properties.compression.type}};
if(vErrors === null){
vErrors = [err65];
}
else {
vErrors.push(err65);
}
errors++;
}
if(typeof data44 === "string"){
if(!pattern31.test(data44)){
const err66 = {instancePath:instancePath+"/compression",schemaPath:"#/$defs/build/properties/compression/pattern",keyword:"pattern",params:{pattern: "^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err66];
}
else {
vErrors.push(err66);
}
errors++;
}
}
if(data44 && typeof data44 == "object" && !Array.isArray(data44)){
for(const key9 in data44){
if(!(((key9 === "type") || (key9 === "level")) || (key9 === "force"))){
const err67 = {instancePath:instancePath+"/compression",schemaPath:"#/$defs/build/properties/compression/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key9}};
if(vErrors === null){
vErrors = [err67];
}
else {
vErrors.push(err67);
}
errors++;
}
}
if(data44.type !== undefined){
let data45 = data44.type;
if((typeof data45 !== "string") && (data45 !== null)){
const err68 = {instancePath:instancePath+"/compression/type",schemaPath:"#/$defs/build/properties/compression/properties/type/type",keyword:"type",params:{type: schema35.properties.compression.properties.type.type}};
if(vErrors === null){
vErrors = [err68];
}
else {
vErrors.push(err68);
}
errors++;
}
if(typeof data45 === "string"){
if(!pattern31.test(data45)){
const err69 = {instancePath:instancePath+"/compression/type",schemaPath:"#/$defs/build/properties/compression/properties/type/pattern",keyword:"pattern",params:{pattern: "^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err69];
}
else {
vErrors.push(err69);
}
errors++;
}
}
}
if(data44.level !== undefined){
let data46 = data44.level;
if(((!(((typeof data46 == "number") && (!(data46 % 1) && !isNaN(data46))) && (isFinite(data46)))) && (typeof data46 !== "string")) && (data46 !== null)){
const err70 = {instancePath:instancePath+"/compression/level",schemaPath:"#/$defs/build/properties/compression/properties/level/type",keyword:"type",params:{type: schema35.properties.compression.properties.level.type}};
if(vErrors === null){
vErrors = [err70];
}
else {
vErrors.push(err70);
}
errors++;
}
if(typeof data46 === "string"){
if(!pattern6.test(data46)){
const err71 = {instancePath:instancePath+"/compression/level",schemaPath:"#/$defs/build/properties/compression/properties/level/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err71];
}
else {
vErrors.push(err71);
}
errors++;
}
}
}
if(data44.force !== undefined){
let data47 = data44.force;
if(((typeof data47 !== "boolean") && (typeof data47 !== "string")) && (data47 !== null)){
const err72 = {instancePath:instancePath+"/compression/force",schemaPath:"#/$defs/build/properties/compression/properties/force/type",keyword:"type",params:{type: schema35.properties.compression.properties.force.type}};
if(vErrors === null){
vErrors = [err72];
}
else {
vErrors.push(err72);
}
errors++;
}
if(typeof data47 === "string"){
if(!pattern6.test(data47)){
const err73 = {instancePath:instancePath+"/compression/force",schemaPath:"#/$defs/build/properties/compression/properties/force/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err73];
}
else {
vErrors.push(err73);
}
errors++;
}
}
}
}
}
if(data.reproducible !== undefined){
let data48 = data.reproducible;
if(((typeof data48 !== "boolean") && (typeof data48 !== "string")) && (data48 !== null)){
const err74 = {instancePath:instancePath+"/reproducible",schemaPath:"#/$defs/build/properties/reproducible/type",keyword:"type",params:{type: schema35.properties.reproducible.type}};
if(vErrors === null){
vErrors = [err74];
}
else {
vErrors.push(err74);
}
errors++;
}
if(typeof data48 === "string"){
if(!pattern6.test(data48)){
const err75 = {instancePath:instancePath+"/reproducible",schemaPath:"#/$defs/build/properties/reproducible/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err75];
}
else {
vErrors.push(err75);
}
errors++;
}
}
}
if(data["source-date-epoch"] !== undefined){
let data49 = data["source-date-epoch"];
if(((!(((typeof data49 == "number") && (!(data49 % 1) && !isNaN(data49))) && (isFinite(data49)))) && (typeof data49 !== "string")) && (data49 !== null)){
const err76 = {instancePath:instancePath+"/source-date-epoch",schemaPath:"#/$defs/build/properties/source-date-epoch/type",keyword:"type",params:{type: schema35.properties["source-date-epoch"].type}};
if(vErrors === null){
vErrors = [err76];
}
else {
vErrors.push(err76);
}
errors++;
}
if(typeof data49 === "string"){
if(!pattern36.test(data49)){
const err77 = {instancePath:instancePath+"/source-date-epoch",schemaPath:"#/$defs/build/properties/source-date-epoch/pattern",keyword:"pattern",params:{pattern: "^[0-9]+$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err77];
}
else {
vErrors.push(err77);
}
errors++;
}
}
}
if(data.cache !== undefined){
let data50 = data.cache;
if(((typeof data50 !== "string") && (!(data50 && typeof data50 == "object" && !Array.isArray(data50)))) && (data50 !== null)){
const err78 = {instancePath:instancePath+"/cache",schemaPath:"#/$defs/build/properties/cache/type",keyword:"type",params:{type: schema35.properties.cache.type}};
if(vErrors === null){
vErrors = [err78];
}
else {
vErrors.push(err78);
}
errors++;
}
if(data50 && typeof data50 == "object" && !Array.isArray(data50)){
for(const key10 in data50){
if(!(((key10 === "repository") || (key10 === "mode")) || (key10 === "export"))){
const err79 = {instancePath:instancePath+"/cache",schemaPath:"#/$defs/build/properties/cache/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key10}};
if(vErrors === null){
vErrors = [err79];
}
else {
vErrors.push(err79);
}
errors++;
}
}
if(data50.repository !== undefined){
let data51 = data50.repository;
if((((typeof data51 !== "string") && (!((typeof data51 == "number") && (isFinite(data51))))) && (typeof data51 !== "boolean")) && (data51 !== null)){
const err80 = {instancePath:instancePath+"/cache/repository",schemaPath:"#/$defs/build/properties/cache/properties/repository/type",keyword:"type",params:{type: schema35.properties.cache.properties.repository.type}};
if(vErrors === null){
vErrors = [err80];
}
else {
vErrors.push(err80);
}
errors++;
}
}
if(data50.mode !== undefined){
let data52 = data50.mode;
if((typeof data52 !== "string") && (data52 !== null)){
const err81 = {instancePath:instancePath+"/cache/mode",schemaPath:"#/$defs/build/properties/cache/properties/mode/type",keyword:"type",params:{type: schema35.properties.cache.properties.mode.type}};
if(vErrors === null){
vErrors = [err81];
}
else {
vErrors.push(err81);
}
errors++;
}
if(typeof data52 === "string"){
if(!pattern37.test(data52)){
const err82 = {instancePath:instancePath+"/cache/mode",schemaPath:"#/$defs/build/properties/cache/properties/mode/pattern",keyword:"pattern",params:{pattern: "^(?:min|max)$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err82];
}
else {
vErrors.push(err82);
}
errors++;
}
}
}
if(data50.export !== undefined){
let data53 = data50.export;
if(((typeof data53 !== "boolean") && (typeof data53 !== "string")) && (data53 !== null)){
const err83 = {instancePath:instancePath+"/cache/export",schemaPath:"#/$defs/build/properties/cache/properties/export/type",keyword:"type",params:{type: schema35.properties.cache.properties.export.type}};
if(vErrors === null){
vErrors = [err83];
}
else {
vErrors.push(err83);
}
errors++;
}
if(typeof data53 === "string"){
if(!pattern6.test(data53)){
const err84 = {instancePath:instancePath+"/cache/export",schemaPath:"#/$defs/build/properties/cache/properties/export/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err84];
}
else {
vErrors.push(err84);
}
errors++;
}
}
}
}
}
if(data["cache-from"] !== undefined){
let data54 = data["cache-from"];
if(((!(Array.isArray(data54))) && (typeof data54 !== "string")) && (data54 !== null)){
const err85 = {instancePath:instancePath+"/cache-from",schemaPath:"#/$defs/build/properties/cache-from/type",keyword:"type",params:{type: schema35.properties["cache-from"].type}};
if(vErrors === null){
vErrors = [err85];
}
else {
vErrors.push(err85);
}
errors++;
}
if(typeof data54 === "string"){
if(!pattern6.test(data54)){
const err86 = {instancePath:instancePath+"/cache-from",schemaPath:"#/$defs/build/properties/cache-from/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err86];
}
else {
vErrors.push(err86);
}
errors++;
}
}
if(Array.isArray(data54)){
const len9 = data54.length;
for(let i9=0; i9<len9; i9++){
let data55 = data54[i9];
if(((typeof data55 !== "string") && (!(data55 && typeof data55 == "object" && !Array.isArray(data55)))) && (data55 !== null)){
const err87 = {instancePath:instancePath+"/cache-from/" + i9,schemaPath:"#/$defs/build/properties/cache-from/items/type",keyword:"type",params:{type: schema35.properties["cache-from"].items.type}};
if(vErrors === null){
vErrors = [err87];
}
else {
vErrors.push(err87);
}
errors++;
}
if(data55 && typeof data55 == "object" && !Array.isArray(data55)){
for(const key11 in data55){
if(!(key11 === "type")){
let data56 = data55[key11];
if((((typeof data56 !== "string") && (!((typeof data56 == "number") && (isFinite(data56))))) && (typeof data56 !== "boolean")) && (data56 !== null)){
const err88 = {instancePath:instancePath+"/cache-from/" + i9+"/" + key11.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/cache-from/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties["cache-from"].items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err88];
}
else {
vErrors.push(err88);
}
errors++;
}
}
}
if(data55.type !== undefined){
let data57 = data55.type;
if((((typeof data57 !== "string") && (!((typeof data57 == "number") && (isFinite(data57))))) && (typeof data57 !== "boolean")) && (data57 !== null)){
const err89 = {instancePath:instancePath+"/cache-from/" + i9+"/type",schemaPath:"#/$defs/build/properties/cache-from/items/properties/type/type",keyword:"type",params:{type: schema35.properties["cache-from"].items.properties.type.type}};
if(vErrors === null){
vErrors = [err89];
}
else {
vErrors.push(err89);
}
errors++;
}
}
}
}
}
}
if(data["cache-to"] !== undefined){
let data58 = data["cache-to"];
if(((!(Array.isArray(data58))) && (typeof data58 !== "string")) && (data58 !== null)){
const err90 = {instancePath:instancePath+"/cache-to",schemaPath:"#/$defs/build/properties/cache-to/type",keyword:"type",params:{type: schema35.properties["cache-to"].type}};
if(vErrors === null){
vErrors = [err90];
}
else {
vErrors.push(err90);
}
errors++;
}
if(typeof data58 === "string"){
if(!pattern6.test(data58)){
const err91 = {instancePath:instancePath+"/cache-to",schemaPath:"#/$defs/build/properties/cache-to/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err91];
}
else {
vErrors.push(err91);
}
errors++;
}
}
if(Array.isArray(data58)){
const len10 = data58.length;
for(let i10=0; i10<len10; i10++){
let data59 = data58[i10];
if(((typeof data59 !== "string") && (!(data59 && typeof data59 == "object" && !Array.isArray(data59)))) && (data59 !== null)){
const err92 = {instancePath:instancePath+"/cache-to/" + i10,schemaPath:"#/$defs/build/properties/cache-to/items/type",keyword:"type",params:{type: schema35.properties["cache-to"].items.type}};
if(vErrors === null){
vErrors = [err92];
}
else {
vErrors.push(err92);
}
errors++;
}
if(data59 && typeof data59 == "object" && !Array.isArray(data59)){
for(const key12 in data59){
if(!(key12 === "type")){
let data60 = data59[key12];
if((((typeof data60 !== "string") && (!((typeof data60 == "number") && (isFinite(data60))))) && (typeof data60 !== "boolean")) && (data60 !== null)){
const err93 = {instancePath:instancePath+"/cache-to/" + i10+"/" + key12.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/cache-to/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties["cache-to"].items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err93];
}
else {
vErrors.push(err93);
}
errors++;
}
}
}
if(data59.type !== undefined){
let data61 = data59.type;
if((((typeof data61 !== "string") && (!((typeof data61 == "number") && (isFinite(data61))))) && (typeof data61 !== "boolean")) && (data61 !== null)){
const err94 = {instancePath:instancePath+"/cache-to/" + i10+"/type",schemaPath:"#/$defs/build/properties/cache-to/items/properties/type/type",keyword:"type",params:{type: schema35.properties["cache-to"].items.properties.type.type}};
if(vErrors === null){
vErrors = [err94];
}
else {
vErrors.push(err94);
}
errors++;
}
}
}
}
}
}
if(data["no-cache"] !== undefined){
let data62 = data["no-cache"];
if(((typeof data62 !== "boolean") && (typeof data62 !== "string")) && (data62 !== null)){
const err95 = {instancePath:instancePath+"/no-cache",schemaPath:"#/$defs/build/properties/no-cache/type",keyword:"type",params:{type: schema35.properties["no-cache"].type}};
if(vErrors === null){
vErrors = [err95];
}
else {
vErrors.push(err95);
}
errors++;
}
if(typeof data62 === "string"){
if(!pattern6.test(data62)){
const err96 = {instancePath:instancePath+"/no-cache",schemaPath:"#/$defs/build/properties/no-cache/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err96];
}
else {
vErrors.push(err96);
}
errors++;
}
}
}
if(data["no-cache-filter"] !== undefined){
let data63 = data["no-cache-filter"];
if(((!(Array.isArray(data63))) && (typeof data63 !== "string")) && (data63 !== null)){
const err97 = {instancePath:instancePath+"/no-cache-filter",schemaPath:"#/$defs/build/properties/no-cache-filter/type",keyword:"type",params:{type: schema35.properties["no-cache-filter"].type}};
if(vErrors === null){
vErrors = [err97];
}
else {
vErrors.push(err97);
}
errors++;
}
if(typeof data63 === "string"){
if(!pattern6.test(data63)){
const err98 = {instancePath:instancePath+"/no-cache-filter",schemaPath:"#/$defs/build/properties/no-cache-filter/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err98];
}
else {
vErrors.push(err98);
}
errors++;
}
}
if(Array.isArray(data63)){
const len11 = data63.length;
for(let i11=0; i11<len11; i11++){
let data64 = data63[i11];
if((((typeof data64 !== "string") && (!((typeof data64 == "number") && (isFinite(data64))))) && (typeof data64 !== "boolean")) && (data64 !== null)){
const err99 = {instancePath:instancePath+"/no-cache-filter/" + i11,schemaPath:"#/$defs/build/properties/no-cache-filter/items/type",keyword:"type",params:{type: schema35.properties["no-cache-filter"].items.type}};
if(vErrors === null){
vErrors = [err99];
}
else {
vErrors.push(err99);
}
errors++;
}
}
}
}
if(data.pull !== undefined){
let data65 = data.pull;
if(((typeof data65 !== "boolean") && (typeof data65 !== "string")) && (data65 !== null)){
const err100 = {instancePath:instancePath+"/pull",schemaPath:"#/$defs/build/properties/pull/type",keyword:"type",params:{type: schema35.properties.pull.type}};
if(vErrors === null){
vErrors = [err100];
}
else {
vErrors.push(err100);
}
errors++;
}
if(typeof data65 === "string"){
if(!pattern6.test(data65)){
const err101 = {instancePath:instancePath+"/pull",schemaPath:"#/$defs/build/properties/pull/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err101];
}
else {
vErrors.push(err101);
}
errors++;
}
}
}
if(data.secrets !== undefined){
let data66 = data.secrets;
if(((!(Array.isArray(data66))) && (typeof data66 !== "string")) && (data66 !== null)){
const err102 = {instancePath:instancePath+"/secrets",schemaPath:"#/$defs/build/properties/secrets/type",keyword:"type",params:{type: schema35.properties.secrets.type}};
if(vErrors === null){
vErrors = [err102];
}
else {
vErrors.push(err102);
}
errors++;
}
if(typeof data66 === "string"){
if(!pattern6.test(data66)){
const err103 = {instancePath:instancePath+"/secrets",schemaPath:"#/$defs/build/properties/secrets/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err103];
}
else {
vErrors.push(err103);
}
errors++;
}
}
if(Array.isArray(data66)){
const len12 = data66.length;
for(let i12=0; i12<len12; i12++){
let data67 = data66[i12];
if(((typeof data67 !== "string") && (!(data67 && typeof data67 == "object" && !Array.isArray(data67)))) && (data67 !== null)){
const err104 = {instancePath:instancePath+"/secrets/" + i12,schemaPath:"#/$defs/build/properties/secrets/items/type",keyword:"type",params:{type: schema35.properties.secrets.items.type}};
if(vErrors === null){
vErrors = [err104];
}
else {
vErrors.push(err104);
}
errors++;
}
if(data67 && typeof data67 == "object" && !Array.isArray(data67)){
for(const key13 in data67){
if(!((((key13 === "id") || (key13 === "file")) || (key13 === "env")) || (key13 === "command"))){
const err105 = {instancePath:instancePath+"/secrets/" + i12,schemaPath:"#/$defs/build/properties/secrets/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key13}};
if(vErrors === null){
vErrors = [err105];
}
else {
vErrors.push(err105);
}
errors++;
}
}
if(data67.id !== undefined){
let data68 = data67.id;
if((((typeof data68 !== "string") && (!((typeof data68 == "number") && (isFinite(data68))))) && (typeof data68 !== "boolean")) && (data68 !== null)){
const err106 = {instancePath:instancePath+"/secrets/" + i12+"/id",schemaPath:"#/$defs/build/properties/secrets/items/properties/id/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.id.type}};
if(vErrors === null){
vErrors = [err106];
}
else {
vErrors.push(err106);
}
errors++;
}
}
if(data67.file !== undefined){
let data69 = data67.file;
if((((typeof data69 !== "string") && (!((typeof data69 == "number") && (isFinite(data69))))) && (typeof data69 !== "boolean")) && (data69 !== null)){
const err107 = {instancePath:instancePath+"/secrets/" + i12+"/file",schemaPath:"#/$defs/build/properties/secrets/items/properties/file/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.file.type}};
if(vErrors === null){
vErrors = [err107];
}
else {
vErrors.push(err107);
}
errors++;
}
}
if(data67.env !== undefined){
let data70 = data67.env;
if((((typeof data70 !== "string") && (!((typeof data70 == "number") && (isFinite(data70))))) && (typeof data70 !== "boolean")) && (data70 !== null)){
const err108 = {instancePath:instancePath+"/secrets/" + i12+"/env",schemaPath:"#/$defs/build/properties/secrets/items/properties/env/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.env.type}};
if(vErrors === null){
vErrors = [err108];
}
else {
vErrors.push(err108);
}
errors++;
}
}
if(data67.command !== undefined){
let data71 = data67.command;
if(((!(Array.isArray(data71))) && (typeof data71 !== "string")) && (data71 !== null)){
const err109 = {instancePath:instancePath+"/secrets/" + i12+"/command",schemaPath:"#/$defs/build/properties/secrets/items/properties/command/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.command.type}};
if(vErrors === null){
vErrors = [err109];
}
else {
vErrors.push(err109);
}
errors++;
}
if(typeof data71 === "string"){
if(!pattern6.test(data71)){
const err110 = {instancePath:instancePath+"/secrets/" + i12+"/command",schemaPath:"#/$defs/build/properties/secrets/items/properties/command/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err110];
}
else {
vErrors.push(err110);
}
errors++;
}
}
if(Array.isArray(data71)){
const len13 = data71.length;
for(let i13=0; i13<len13; i13++){
let data72 = data71[i13];
if((((typeof data72 !== "string") && (!((typeof data72 == "number") && (isFinite(data72))))) && (typeof data72 !== "boolean")) && (data72 !== null)){
const err111 = {instancePath:instancePath+"/secrets/" + i12+"/command/" + i13,schemaPath:"#/$defs/build/properties/secrets/items/properties/command/items/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.command.items.type}};
if(vErrors === null){
vErrors = [err111];
}
else {
vErrors.push(err111);
}
errors++;
}
}
}
}
}
}
}
}
if(data.ssh !== undefined){
let data73 = data.ssh;
if(((!(Array.isArray(data73))) && (typeof data73 !== "string")) && (data73 !== null)){
const err112 = {instancePath:instancePath+"/ssh",schemaPath:"#/$defs/build/properties/ssh/type",keyword:"type",params:{type: schema35.properties.ssh.type}};
if(vErrors === null){
vErrors = [err112];
}
else {
vErrors.push(err112);
}
errors++;
}
if(typeof data73 === "string"){
if(!pattern6.test(data73)){
const err113 = {instancePath:instancePath+"/ssh",schemaPath:"#/$defs/build/properties/ssh/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err113];
}
else {
vErrors.push(err113);
}
errors++;
}
}
if(Array.isArray(data73)){
const len14 = data73.length;
for(let i14=0; i14<len14; i14++){
let data74 = data73[i14];
if(((typeof data74 !== "string") && (!(data74 && typeof data74 == "object" && !Array.isArray(data74)))) && (data74 !== null)){
const err114 = {instancePath:instancePath+"/ssh/" + i14,schemaPath:"#/$defs/build/properties/ssh/items/type",keyword:"type",params:{type: schema35.properties.ssh.items.type}};
if(vErrors === null){
vErrors = [err114];
}
else {
vErrors.push(err114);
}
errors++;
}
if(data74 && typeof data74 == "object" && !Array.isArray(data74)){
for(const key14 in data74){
if(!((key14 === "id") || (key14 === "paths"))){
const err115 = {instancePath:instancePath+"/ssh/" + i14,schemaPath:"#/$defs/build/properties/ssh/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key14}};
if(vErrors === null){
vErrors = [err115];
}
else {
vErrors.push(err115);
}
errors++;
}
}
if(data74.id !== undefined){
let data75 = data74.id;
if((((typeof data75 !== "string") && (!((typeof data75 == "number") && (isFinite(data75))))) && (typeof data75 !== "boolean")) && (data75 !== null)){
const err116 = {instancePath:instancePath+"/ssh/" + i14+"/id",schemaPath:"#/$defs/build/properties/ssh/items/properties/id/type",keyword:"type",params:{type: schema35.properties.ssh.items.properties.id.type}};
if(vErrors === null){
vErrors = [err116];
}
else {
vErrors.push(err116);
}
errors++;
}
}
if(data74.paths !== undefined){
let data76 = data74.paths;
if(((!(Array.isArray(data76))) && (typeof data76 !== "string")) && (data76 !== null)){
const err117 = {instancePath:instancePath+"/ssh/" + i14+"/paths",schemaPath:"#/$defs/build/properties/ssh/items/properties/paths/type",keyword:"type",params:{type: schema35.properties.ssh.items.properties.paths.type}};
if(vErrors === null){
vErrors = [err117];
}
else {
vErrors.push(err117);
}
errors++;
}
if(typeof data76 === "string"){
if(!pattern6.test(data76)){
const err118 = {instancePath:instancePath+"/ssh/" + i14+"/paths",schemaPath:"#/$defs/build/properties/ssh/items/properties/paths/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err118];
}
else {
vErrors.push(err118);
}
errors++;
}
}
if(Array.isArray(data76)){
const len15 = data76.length;
for(let i15=0; i15<len15; i15++){
let data77 = data76[i15];
if((((typeof data77 !== "string") && (!((typeof data77 == "number") && (isFinite(data77))))) && (typeof data77 !== "boolean")) && (data77 !== null)){
const err119 = {instancePath:instancePath+"/ssh/" + i14+"/paths/" + i15,schemaPath:"#/$defs/build/properties/ssh/items/properties/paths/items/type",keyword:"type",params:{type: schema35.properties.ssh.items.properties.paths.items.type}};
if(vErrors === null){
vErrors = [err119];
}
else {
vErrors.push(err119);
}
errors++;
}
}
}
}
}
}
}
}
if(data.network !== undefined){
let data78 = data.network;
if((typeof data78 !== "string") && (data78 !== null)){
const err120 = {instancePath:instancePath+"/network",schemaPath:"#/$defs/build/properties/network/type",keyword:"type",params:{type: schema35.properties.network.type}};
if(vErrors === null){
vErrors = [err120];
}
else {
vErrors.push(err120);
}
errors++;
}
if(typeof data78 === "string"){
if(!pattern48.test(data78)){
const err121 = {instancePath:instancePath+"/network",schemaPath:"#/$defs/build/properties/network/pattern",keyword:"pattern",params:{pattern: "^(?:default|none|host)?$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err121];
}
else {
vErrors.push(err121);
}
errors++;
}
}
}
if(data["extra-hosts"] !== undefined){
let data79 = data["extra-hosts"];
if((typeof data79 != "object") && (typeof data79 !== "string")){
const err122 = {instancePath:instancePath+"/extra-hosts",schemaPath:"#/$defs/build/properties/extra-hosts/type",keyword:"type",params:{type: schema35.properties["extra-hosts"].type}};
if(vErrors === null){
vErrors = [err122];
}
else {
vErrors.push(err122);
}
errors++;
}
if(typeof data79 === "string"){
if(!pattern6.test(data79)){
const err123 = {instancePath:instancePath+"/extra-hosts",schemaPath:"#/$defs/build/properties/extra-hosts/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err123];
}
else {
vErrors.push(err123);
}
errors++;
}
}
if(Array.isArray(data79)){
const len16 = data79.length;
for(let i16=0; i16<len16; i16++){
let data80 = data79[i16];
if((((typeof data80 !== "string") && (!((typeof data80 == "number") && (isFinite(data80))))) && (typeof data80 !== "boolean")) && (data80 !== null)){
const err124 = {instancePath:instancePath+"/extra-hosts/" + i16,schemaPath:"#/$defs/build/properties/extra-hosts/items/type",keyword:"type",params:{type: schema35.properties["extra-hosts"].items.type}};
if(vErrors === null){
vErrors = [err124];
}
else {
vErrors.push(err124);
}
errors++;
}
}
}
if(data79 && typeof data79 == "object" && !Array.isArray(data79)){
for(const key15 in data79){
let data81 = data79[key15];
if((((typeof data81 !== "string") && (!((typeof data81 == "number") && (isFinite(data81))))) && (typeof data81 !== "boolean")) && (data81 !== null)){
const err125 = {instancePath:instancePath+"/extra-hosts/" + key15.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/extra-hosts/additionalProperties/type",keyword:"type",params:{type: schema35.properties["extra-hosts"].additionalProperties.type}};
if(vErrors === null){
vErrors = [err125];
}
else {
vErrors.push(err125);
}
errors++;
}
}
}
}
if(data.ulimits !== undefined){
let data82 = data.ulimits;
if((typeof data82 != "object") && (typeof data82 !== "string")){
const err126 = {instancePath:instancePath+"/ulimits",schemaPath:"#/$defs/build/properties/ulimits/type",keyword:"type",params:{type: schema35.properties.ulimits.type}};
if(vErrors === null){
vErrors = [err126];
}
else {
vErrors.push(err126);
}
errors++;
}
if(typeof data82 === "string"){
if(!pattern6.test(data82)){
const err127 = {instancePath:instancePath+"/ulimits",schemaPath:"#/$defs/build/properties/ulimits/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err127];
}
else {
vErrors.push(err127);
}
errors++;
}
}
if(Array.isArray(data82)){
const len17 = data82.length;
for(let i17=0; i17<len17; i17++){
let data83 = data82[i17];
if((((typeof data83 !== "string") && (!((typeof data83 == "number") && (isFinite(data83))))) && (typeof data83 !== "boolean")) && (data83 !== null)){
const err128 = {instancePath:instancePath+"/ulimits/" + i17,schemaPath:"#/$defs/build/properties/ulimits/items/type",keyword:"type",params:{type: schema35.properties.ulimits.items.type}};
if(vErrors === null){
vErrors = [err128];
}
else {
vErrors.push(err128);
}
errors++;
}
}
}
if(data82 && typeof data82 == "object" && !Array.isArray(data82)){
for(const key16 in data82){
let data84 = data82[key16];
if((((!(((typeof data84 == "number") && (!(data84 % 1) && !isNaN(data84))) && (isFinite(data84)))) && (typeof data84 !== "string")) && (!(data84 && typeof data84 == "object" && !Array.isArray(data84)))) && (data84 !== null)){
const err129 = {instancePath:instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/type",keyword:"type",params:{type: schema35.properties.ulimits.additionalProperties.type}};
if(vErrors === null){
vErrors = [err129];
}
else {
vErrors.push(err129);
}
errors++;
}
if(data84 && typeof data84 == "object" && !Array.isArray(data84)){
for(const key17 in data84){
if(!((key17 === "soft") || (key17 === "hard"))){
const err130 = {instancePath:instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key17}};
if(vErrors === null){
vErrors = [err130];
}
else {
vErrors.push(err130);
}
errors++;
}
}
if(data84.soft !== undefined){
let data85 = data84.soft;
if(((!(((typeof data85 == "number") && (!(data85 % 1) && !isNaN(data85))) && (isFinite(data85)))) && (typeof data85 !== "string")) && (data85 !== null)){
const err131 = {instancePath:instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1")+"/soft",schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/properties/soft/type",keyword:"type",params:{type: schema35.properties.ulimits.additionalProperties.properties.soft.type}};
if(vErrors === null){
vErrors = [err131];
}
else {
vErrors.push(err131);
}
errors++;
}
}
if(data84.hard !== undefined){
let data86 = data84.hard;
if(((!(((typeof data86 == "number") && (!(data86 % 1) && !isNaN(data86))) && (isFinite(data86)))) && (typeof data86 !== "string")) && (data86 !== null)){
const err132 = {instancePath:instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1")+"/hard",schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/properties/hard/type",keyword:"type",params:{type: schema35.properties.ulimits.additionalProperties.properties.hard.type}};
if(vErrors === null){
vErrors = [err132];
}
else {
vErrors.push(err132);
}
errors++;
}
}
}
}
}
}
if(data["shm-size"] !== undefined){
let data87 = data["shm-size"];
if(((!(((typeof data87 == "number") && (!(data87 % 1) && !isNaN(data87))) && (isFinite(data87)))) && (typeof data87 !== "string")) && (data87 !== null)){
const err133 = {instancePath:instancePath+"/shm-size",schemaPath:"#/$defs/build/properties/shm-size/type",keyword:"type",params:{type: schema35.properties["shm-size"].type}};
if(vErrors === null){
vErrors = [err133];
}
else {
vErrors.push(err133);
}
errors++;
}
}
if(data["cgroup-parent"] !== undefined){
let data88 = data["cgroup-parent"];
if((((typeof data88 !== "string") && (!((typeof data88 == "number") && (isFinite(data88))))) && (typeof data88 !== "boolean")) && (data88 !== null)){
const err134 = {instancePath:instancePath+"/cgroup-parent",schemaPath:"#/$defs/build/properties/cgroup-parent/type",keyword:"type",params:{type: schema35.properties["cgroup-parent"].type}};
if(vErrors === null){
vErrors = [err134];
}
else {
vErrors.push(err134);
}
errors++;
}
}
if(data.timeout !== undefined){
let data89 = data.timeout;
if(((!(((typeof data89 == "number") && (!(data89 % 1) && !isNaN(data89))) && (isFinite(data89)))) && (typeof data89 !== "string")) && (data89 !== null)){
const err135 = {instancePath:instancePath+"/timeout",schemaPath:"#/$defs/build/properties/timeout/type",keyword:"type",params:{type: schema35.properties.timeout.type}};
if(vErrors === null){
vErrors = [err135];
}
else {
vErrors.push(err135);
}
errors++;
}
}
if(data.entitlements !== undefined){
let data90 = data.entitlements;
if(((!(Array.isArray(data90))) && (typeof data90 !== "string")) && (data90 !== null)){
const err136 = {instancePath:instancePath+"/entitlements",schemaPath:"#/$defs/build/properties/entitlements/type",keyword:"type",params:{type: schema35.properties.entitlements.type}};
if(vErrors === null){
vErrors = [err136];
}
else {
vErrors.push(err136);
}
errors++;
}
if(typeof data90 === "string"){
if(!pattern6.test(data90)){
const err137 = {instancePath:instancePath+"/entitlements",schemaPath:"#/$defs/build/properties/entitlements/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err137];
}
else {
vErrors.push(err137);
}
errors++;
}
}
if(Array.isArray(data90)){
const len18 = data90.length;
for(let i18=0; i18<len18; i18++){
let data91 = data90[i18];
if((((typeof data91 !== "string") && (!((typeof data91 == "number") && (isFinite(data91))))) && (typeof data91 !== "boolean")) && (data91 !== null)){
const err138 = {instancePath:instancePath+"/entitlements/" + i18,schemaPath:"#/$defs/build/properties/entitlements/items/type",keyword:"type",params:{type: schema35.properties.entitlements.items.type}};
if(vErrors === null){
vErrors = [err138];
}
else {
vErrors.push(err138);
}
errors++;
}
}
}
}
}
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.matrix !== undefined){
const err139 = {instancePath:instancePath+"/matrix",schemaPath:"#/properties/matrix/false schema",keyword:"false schema",params:{}};
if(vErrors === null){
vErrors = [err139];
}
else {
vErrors.push(err139);
}
errors++;
}
if(data.name !== undefined){
const err140 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/false schema",keyword:"false schema",params:{}};
if(vErrors === null){
vErrors = [err140];
}
else {
vErrors.push(err140);
}
errors++;
}
}
validate21.errors = vErrors;
return errors === 0;
}
validate21.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate20(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="urn:bake-ts:builds" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate20.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!((func1.call(schema31.properties, key0)) || (pattern4.test(key0)))){
const err0 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
if(data.$schema !== undefined){
if(typeof data.$schema !== "string"){
const err1 = {instancePath:instancePath+"/$schema",schemaPath:"#/properties/%24schema/type",keyword:"type",params:{type: "string"}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.description !== undefined){
let data1 = data.description;
if((((typeof data1 !== "string") && (!((typeof data1 == "number") && (isFinite(data1))))) && (typeof data1 !== "boolean")) && (data1 !== null)){
const err2 = {instancePath:instancePath+"/description",schemaPath:"#/properties/description/type",keyword:"type",params:{type: schema31.properties.description.type}};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.include !== undefined){
let data2 = data.include;
if((!(Array.isArray(data2))) && (data2 !== null)){
const err3 = {instancePath:instancePath+"/include",schemaPath:"#/properties/include/type",keyword:"type",params:{type: schema31.properties.include.type}};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
if(typeof data2[i0] !== "string"){
const err4 = {instancePath:instancePath+"/include/" + i0,schemaPath:"#/properties/include/items/type",keyword:"type",params:{type: "string"}};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
}
}
if(data.vars !== undefined){
let data4 = data.vars;
if((!(data4 && typeof data4 == "object" && !Array.isArray(data4))) && (data4 !== null)){
const err5 = {instancePath:instancePath+"/vars",schemaPath:"#/properties/vars/type",keyword:"type",params:{type: schema31.properties.vars.type}};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
for(const key1 in data4){
const _errs12 = errors;
if(typeof key1 === "string"){
if(!pattern5.test(key1)){
const err6 = {instancePath:instancePath+"/vars",schemaPath:"#/properties/vars/propertyNames/pattern",keyword:"pattern",params:{pattern: "^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$"},propertyName:key1};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
var valid3 = _errs12 === errors;
if(!valid3){
const err7 = {instancePath:instancePath+"/vars",schemaPath:"#/properties/vars/propertyNames",keyword:"propertyNames",params:{propertyName: key1}};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
for(const key2 in data4){
let data5 = data4[key2];
if((((typeof data5 != "object") && (typeof data5 !== "string")) && (!((typeof data5 == "number") && (isFinite(data5))))) && (typeof data5 !== "boolean")){
const err8 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/var/type",keyword:"type",params:{type: schema32.type}};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
for(const key3 in data5){
if(!(func1.call(schema32.properties, key3))){
const err9 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/var/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3}};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data5.type !== undefined){
let data6 = data5.type;
if(typeof data6 !== "string"){
const err10 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/type",schemaPath:"#/$defs/var/properties/type/type",keyword:"type",params:{type: "string"}};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
if(!((((((data6 === "string") || (data6 === "bool")) || (data6 === "int")) || (data6 === "number")) || (data6 === "list")) || (data6 === "map"))){
const err11 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/type",schemaPath:"#/$defs/var/properties/type/enum",keyword:"enum",params:{allowedValues: schema32.properties.type.enum}};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
if(data5.env !== undefined){
let data7 = data5.env;
if((((typeof data7 !== "string") && (!(Array.isArray(data7)))) && (typeof data7 !== "boolean")) && (data7 !== null)){
const err12 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/env",schemaPath:"#/$defs/var/properties/env/type",keyword:"type",params:{type: schema32.properties.env.type}};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
if(Array.isArray(data7)){
const len1 = data7.length;
for(let i1=0; i1<len1; i1++){
if(typeof data7[i1] !== "string"){
const err13 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/env/" + i1,schemaPath:"#/$defs/var/properties/env/items/type",keyword:"type",params:{type: "string"}};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
}
}
if(data5.required !== undefined){
let data9 = data5.required;
if((typeof data9 !== "boolean") && (data9 !== null)){
const err14 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/required",schemaPath:"#/$defs/var/properties/required/type",keyword:"type",params:{type: schema32.properties.required.type}};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
if(data5.optional !== undefined){
let data10 = data5.optional;
if((typeof data10 !== "boolean") && (data10 !== null)){
const err15 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/optional",schemaPath:"#/$defs/var/properties/optional/type",keyword:"type",params:{type: schema32.properties.optional.type}};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
if(data5.oneOf !== undefined){
let data11 = data5.oneOf;
if((!(Array.isArray(data11))) && (data11 !== null)){
const err16 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/oneOf",schemaPath:"#/$defs/var/properties/oneOf/type",keyword:"type",params:{type: schema32.properties.oneOf.type}};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(Array.isArray(data11)){
const len2 = data11.length;
for(let i2=0; i2<len2; i2++){
let data12 = data11[i2];
if(((typeof data12 !== "string") && (!((typeof data12 == "number") && (isFinite(data12))))) && (typeof data12 !== "boolean")){
const err17 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/oneOf/" + i2,schemaPath:"#/$defs/var/properties/oneOf/items/type",keyword:"type",params:{type: schema32.properties.oneOf.items.type}};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
}
}
if(data5.pattern !== undefined){
let data13 = data5.pattern;
if((typeof data13 !== "string") && (data13 !== null)){
const err18 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/pattern",schemaPath:"#/$defs/var/properties/pattern/type",keyword:"type",params:{type: schema32.properties.pattern.type}};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data5.minimum !== undefined){
let data14 = data5.minimum;
if((!((typeof data14 == "number") && (isFinite(data14)))) && (data14 !== null)){
const err19 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/minimum",schemaPath:"#/$defs/var/properties/minimum/type",keyword:"type",params:{type: schema32.properties.minimum.type}};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
if(data5.maximum !== undefined){
let data15 = data5.maximum;
if((!((typeof data15 == "number") && (isFinite(data15)))) && (data15 !== null)){
const err20 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/maximum",schemaPath:"#/$defs/var/properties/maximum/type",keyword:"type",params:{type: schema32.properties.maximum.type}};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data5.check !== undefined){
let data16 = data5.check;
if((typeof data16 !== "string") && (data16 !== null)){
const err21 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/check",schemaPath:"#/$defs/var/properties/check/type",keyword:"type",params:{type: schema32.properties.check.type}};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
if(typeof data16 === "string"){
if(!pattern6.test(data16)){
const err22 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/check",schemaPath:"#/$defs/var/properties/check/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
}
if(data5.schema !== undefined){
let data17 = data5.schema;
if((!(data17 && typeof data17 == "object" && !Array.isArray(data17))) && (data17 !== null)){
const err23 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/schema",schemaPath:"#/$defs/var/properties/schema/type",keyword:"type",params:{type: schema32.properties.schema.type}};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
if(data5.sensitive !== undefined){
let data18 = data5.sensitive;
if((typeof data18 !== "boolean") && (data18 !== null)){
const err24 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/sensitive",schemaPath:"#/$defs/var/properties/sensitive/type",keyword:"type",params:{type: schema32.properties.sensitive.type}};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data5.description !== undefined){
let data19 = data5.description;
if((((typeof data19 !== "string") && (!((typeof data19 == "number") && (isFinite(data19))))) && (typeof data19 !== "boolean")) && (data19 !== null)){
const err25 = {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/description",schemaPath:"#/$defs/var/properties/description/type",keyword:"type",params:{type: schema32.properties.description.type}};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
}
}
}
}
if(data.functions !== undefined){
let data20 = data.functions;
if((!(data20 && typeof data20 == "object" && !Array.isArray(data20))) && (data20 !== null)){
const err26 = {instancePath:instancePath+"/functions",schemaPath:"#/properties/functions/type",keyword:"type",params:{type: schema31.properties.functions.type}};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
if(data20 && typeof data20 == "object" && !Array.isArray(data20)){
for(const key4 in data20){
const _errs48 = errors;
if(typeof key4 === "string"){
if(!pattern7.test(key4)){
const err27 = {instancePath:instancePath+"/functions",schemaPath:"#/properties/functions/propertyNames/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z_][A-Za-z0-9_]*\\(\\s*(?:[A-Za-z_][A-Za-z0-9_]*(?:\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*)?\\s*\\)$"},propertyName:key4};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
var valid11 = _errs48 === errors;
if(!valid11){
const err28 = {instancePath:instancePath+"/functions",schemaPath:"#/properties/functions/propertyNames",keyword:"propertyNames",params:{propertyName: key4}};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
}
}
}
if(data.registries !== undefined){
let data21 = data.registries;
if((!(data21 && typeof data21 == "object" && !Array.isArray(data21))) && (data21 !== null)){
const err29 = {instancePath:instancePath+"/registries",schemaPath:"#/properties/registries/type",keyword:"type",params:{type: schema31.properties.registries.type}};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
if(data21 && typeof data21 == "object" && !Array.isArray(data21)){
for(const key5 in data21){
let data22 = data21[key5];
if((!(data22 && typeof data22 == "object" && !Array.isArray(data22))) && (data22 !== null)){
const err30 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/registry/type",keyword:"type",params:{type: schema33.type}};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
if(data22 && typeof data22 == "object" && !Array.isArray(data22)){
for(const key6 in data22){
if(!(((((((key6 === "http") || (key6 === "ca")) || (key6 === "cert")) || (key6 === "key")) || (key6 === "insecure")) || (key6 === "mirrors")) || (key6 === "concurrency"))){
const err31 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/registry/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6}};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
}
if(data22.http !== undefined){
let data23 = data22.http;
if(((typeof data23 !== "boolean") && (typeof data23 !== "string")) && (data23 !== null)){
const err32 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/http",schemaPath:"#/$defs/registry/properties/http/type",keyword:"type",params:{type: schema33.properties.http.type}};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
if(typeof data23 === "string"){
if(!pattern6.test(data23)){
const err33 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/http",schemaPath:"#/$defs/registry/properties/http/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
}
if(data22.ca !== undefined){
let data24 = data22.ca;
if((((typeof data24 !== "string") && (!((typeof data24 == "number") && (isFinite(data24))))) && (typeof data24 !== "boolean")) && (data24 !== null)){
const err34 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/ca",schemaPath:"#/$defs/registry/properties/ca/type",keyword:"type",params:{type: schema33.properties.ca.type}};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
if(data22.cert !== undefined){
let data25 = data22.cert;
if((((typeof data25 !== "string") && (!((typeof data25 == "number") && (isFinite(data25))))) && (typeof data25 !== "boolean")) && (data25 !== null)){
const err35 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/cert",schemaPath:"#/$defs/registry/properties/cert/type",keyword:"type",params:{type: schema33.properties.cert.type}};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
if(data22.key !== undefined){
let data26 = data22.key;
if((((typeof data26 !== "string") && (!((typeof data26 == "number") && (isFinite(data26))))) && (typeof data26 !== "boolean")) && (data26 !== null)){
const err36 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/key",schemaPath:"#/$defs/registry/properties/key/type",keyword:"type",params:{type: schema33.properties.key.type}};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
if(data22.insecure !== undefined){
let data27 = data22.insecure;
if(((typeof data27 !== "boolean") && (typeof data27 !== "string")) && (data27 !== null)){
const err37 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/insecure",schemaPath:"#/$defs/registry/properties/insecure/type",keyword:"type",params:{type: schema33.properties.insecure.type}};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
if(typeof data27 === "string"){
if(!pattern6.test(data27)){
const err38 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/insecure",schemaPath:"#/$defs/registry/properties/insecure/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
}
if(data22.mirrors !== undefined){
let data28 = data22.mirrors;
if(((!(Array.isArray(data28))) && (typeof data28 !== "string")) && (data28 !== null)){
const err39 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/mirrors",schemaPath:"#/$defs/registry/properties/mirrors/type",keyword:"type",params:{type: schema33.properties.mirrors.type}};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
if(typeof data28 === "string"){
if(!pattern6.test(data28)){
const err40 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/mirrors",schemaPath:"#/$defs/registry/properties/mirrors/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
}
if(Array.isArray(data28)){
const len3 = data28.length;
for(let i3=0; i3<len3; i3++){
let data29 = data28[i3];
if((((typeof data29 !== "string") && (!((typeof data29 == "number") && (isFinite(data29))))) && (typeof data29 !== "boolean")) && (data29 !== null)){
const err41 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/mirrors/" + i3,schemaPath:"#/$defs/registry/properties/mirrors/items/type",keyword:"type",params:{type: schema33.properties.mirrors.items.type}};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
}
}
}
if(data22.concurrency !== undefined){
let data30 = data22.concurrency;
if(((!(((typeof data30 == "number") && (!(data30 % 1) && !isNaN(data30))) && (isFinite(data30)))) && (typeof data30 !== "string")) && (data30 !== null)){
const err42 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/concurrency",schemaPath:"#/$defs/registry/properties/concurrency/type",keyword:"type",params:{type: schema33.properties.concurrency.type}};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
if((typeof data30 == "number") && (isFinite(data30))){
if(data30 < 1 || isNaN(data30)){
const err43 = {instancePath:instancePath+"/registries/" + key5.replace(/~/g, "~0").replace(/\//g, "~1")+"/concurrency",schemaPath:"#/$defs/registry/properties/concurrency/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
}
}
}
}
}
}
if(data.engine !== undefined){
let data31 = data.engine;
if((!(data31 && typeof data31 == "object" && !Array.isArray(data31))) && (data31 !== null)){
const err44 = {instancePath:instancePath+"/engine",schemaPath:"#/properties/engine/type",keyword:"type",params:{type: schema31.properties.engine.type}};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
if(data31 && typeof data31 == "object" && !Array.isArray(data31)){
for(const key7 in data31){
if(!(key7 === "address")){
const err45 = {instancePath:instancePath+"/engine",schemaPath:"#/properties/engine/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key7}};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
}
if(data31.address !== undefined){
let data32 = data31.address;
if((((typeof data32 !== "string") && (!((typeof data32 == "number") && (isFinite(data32))))) && (typeof data32 !== "boolean")) && (data32 !== null)){
const err46 = {instancePath:instancePath+"/engine/address",schemaPath:"#/properties/engine/properties/address/type",keyword:"type",params:{type: schema31.properties.engine.properties.address.type}};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
}
}
if(data.record !== undefined){
let data33 = data.record;
if((typeof data33 !== "string") && (data33 !== null)){
const err47 = {instancePath:instancePath+"/record",schemaPath:"#/properties/record/type",keyword:"type",params:{type: schema31.properties.record.type}};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
}
if(data.publish !== undefined){
let data34 = data.publish;
if(!(((data34 === "each") || (data34 === "together")) || (data34 === null))){
const err48 = {instancePath:instancePath+"/publish",schemaPath:"#/properties/publish/enum",keyword:"enum",params:{allowedValues: schema31.properties.publish.enum}};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
}
if(data.immutable !== undefined){
let data35 = data.immutable;
if((((typeof data35 !== "string") && (!((typeof data35 == "number") && (isFinite(data35))))) && (!(Array.isArray(data35)))) && (data35 !== null)){
const err49 = {instancePath:instancePath+"/immutable",schemaPath:"#/properties/immutable/type",keyword:"type",params:{type: schema31.properties.immutable.type}};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
if(Array.isArray(data35)){
const len4 = data35.length;
for(let i4=0; i4<len4; i4++){
let data36 = data35[i4];
if(((typeof data36 !== "string") && (!((typeof data36 == "number") && (isFinite(data36))))) && (data36 !== null)){
const err50 = {instancePath:instancePath+"/immutable/" + i4,schemaPath:"#/properties/immutable/items/type",keyword:"type",params:{type: schema31.properties.immutable.items.type}};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
}
}
}
if(data.templates !== undefined){
let data37 = data.templates;
if((!(data37 && typeof data37 == "object" && !Array.isArray(data37))) && (data37 !== null)){
const err51 = {instancePath:instancePath+"/templates",schemaPath:"#/properties/templates/type",keyword:"type",params:{type: schema31.properties.templates.type}};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
if(data37 && typeof data37 == "object" && !Array.isArray(data37)){
for(const key8 in data37){
const _errs87 = errors;
if(typeof key8 === "string"){
if(!pattern11.test(key8)){
const err52 = {instancePath:instancePath+"/templates",schemaPath:"#/properties/templates/propertyNames/pattern",keyword:"pattern",params:{pattern: "^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},propertyName:key8};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
}
var valid20 = _errs87 === errors;
if(!valid20){
const err53 = {instancePath:instancePath+"/templates",schemaPath:"#/properties/templates/propertyNames",keyword:"propertyNames",params:{propertyName: key8}};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
}
for(const key9 in data37){
if(!(validate21(data37[key9], {instancePath:instancePath+"/templates/" + key9.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data37,parentDataProperty:key9,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate21.errors : vErrors.concat(validate21.errors);
errors = vErrors.length;
}
}
}
}
if(data.builds !== undefined){
let data39 = data.builds;
if((!(data39 && typeof data39 == "object" && !Array.isArray(data39))) && (data39 !== null)){
const err54 = {instancePath:instancePath+"/builds",schemaPath:"#/properties/builds/type",keyword:"type",params:{type: schema31.properties.builds.type}};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
if(data39 && typeof data39 == "object" && !Array.isArray(data39)){
for(const key10 in data39){
const _errs92 = errors;
if(typeof key10 === "string"){
if(!pattern11.test(key10)){
const err55 = {instancePath:instancePath+"/builds",schemaPath:"#/properties/builds/propertyNames/pattern",keyword:"pattern",params:{pattern: "^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},propertyName:key10};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
}
var valid22 = _errs92 === errors;
if(!valid22){
const err56 = {instancePath:instancePath+"/builds",schemaPath:"#/properties/builds/propertyNames",keyword:"propertyNames",params:{propertyName: key10}};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
}
for(const key11 in data39){
let data40 = data39[key11];
if((!(data40 && typeof data40 == "object" && !Array.isArray(data40))) && (data40 !== null)){
const err57 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/type",keyword:"type",params:{type: schema35.type}};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
if(data40 && typeof data40 == "object" && !Array.isArray(data40)){
for(const key12 in data40){
if(!(func1.call(schema35.properties, key12))){
const err58 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key12}};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
}
if(data40.description !== undefined){
let data41 = data40.description;
if((((typeof data41 !== "string") && (!((typeof data41 == "number") && (isFinite(data41))))) && (typeof data41 !== "boolean")) && (data41 !== null)){
const err59 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/description",schemaPath:"#/$defs/build/properties/description/type",keyword:"type",params:{type: schema35.properties.description.type}};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
}
if(data40.extends !== undefined){
let data42 = data40.extends;
if(((typeof data42 !== "string") && (!(Array.isArray(data42)))) && (data42 !== null)){
const err60 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/extends",schemaPath:"#/$defs/build/properties/extends/type",keyword:"type",params:{type: schema35.properties.extends.type}};
if(vErrors === null){
vErrors = [err60];
}
else {
vErrors.push(err60);
}
errors++;
}
if(Array.isArray(data42)){
const len5 = data42.length;
for(let i5=0; i5<len5; i5++){
let data43 = data42[i5];
if((((typeof data43 !== "string") && (!((typeof data43 == "number") && (isFinite(data43))))) && (typeof data43 !== "boolean")) && (data43 !== null)){
const err61 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/extends/" + i5,schemaPath:"#/$defs/build/properties/extends/items/type",keyword:"type",params:{type: schema35.properties.extends.items.type}};
if(vErrors === null){
vErrors = [err61];
}
else {
vErrors.push(err61);
}
errors++;
}
}
}
}
if(data40.matrix !== undefined){
let data44 = data40.matrix;
if((!(data44 && typeof data44 == "object" && !Array.isArray(data44))) && (data44 !== null)){
const err62 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix",schemaPath:"#/$defs/build/properties/matrix/type",keyword:"type",params:{type: schema35.properties.matrix.type}};
if(vErrors === null){
vErrors = [err62];
}
else {
vErrors.push(err62);
}
errors++;
}
if(data44 && typeof data44 == "object" && !Array.isArray(data44)){
for(const key13 in data44){
if(!(((key13 === "include") || (key13 === "exclude")) || (key13 === "when"))){
let data45 = data44[key13];
if(((!(Array.isArray(data45))) && (typeof data45 !== "string")) && (data45 !== null)){
const err63 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/" + key13.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/matrix/additionalProperties/type",keyword:"type",params:{type: schema35.properties.matrix.additionalProperties.type}};
if(vErrors === null){
vErrors = [err63];
}
else {
vErrors.push(err63);
}
errors++;
}
if(typeof data45 === "string"){
if(!pattern6.test(data45)){
const err64 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/" + key13.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/matrix/additionalProperties/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err64];
}
else {
vErrors.push(err64);
}
errors++;
}
}
}
}
if(data44.include !== undefined){
let data46 = data44.include;
if(((!(Array.isArray(data46))) && (typeof data46 !== "string")) && (data46 !== null)){
const err65 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/include",schemaPath:"#/$defs/build/properties/matrix/properties/include/type",keyword:"type",params:{type: schema35.properties.matrix.properties.include.type}};
if(vErrors === null){
vErrors = [err65];
}
else {
vErrors.push(err65);
}
errors++;
}
if(typeof data46 === "string"){
if(!pattern6.test(data46)){
const err66 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/include",schemaPath:"#/$defs/build/properties/matrix/properties/include/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err66];
}
else {
vErrors.push(err66);
}
errors++;
}
}
if(Array.isArray(data46)){
const len6 = data46.length;
for(let i6=0; i6<len6; i6++){
let data47 = data46[i6];
if(((!(data47 && typeof data47 == "object" && !Array.isArray(data47))) && (typeof data47 !== "string")) && (data47 !== null)){
const err67 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/include/" + i6,schemaPath:"#/$defs/build/properties/matrix/properties/include/items/type",keyword:"type",params:{type: schema35.properties.matrix.properties.include.items.type}};
if(vErrors === null){
vErrors = [err67];
}
else {
vErrors.push(err67);
}
errors++;
}
if(typeof data47 === "string"){
if(!pattern6.test(data47)){
const err68 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/include/" + i6,schemaPath:"#/$defs/build/properties/matrix/properties/include/items/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err68];
}
else {
vErrors.push(err68);
}
errors++;
}
}
}
}
}
if(data44.exclude !== undefined){
let data48 = data44.exclude;
if(((!(Array.isArray(data48))) && (typeof data48 !== "string")) && (data48 !== null)){
const err69 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/exclude",schemaPath:"#/$defs/build/properties/matrix/properties/exclude/type",keyword:"type",params:{type: schema35.properties.matrix.properties.exclude.type}};
if(vErrors === null){
vErrors = [err69];
}
else {
vErrors.push(err69);
}
errors++;
}
if(typeof data48 === "string"){
if(!pattern6.test(data48)){
const err70 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/exclude",schemaPath:"#/$defs/build/properties/matrix/properties/exclude/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err70];
}
else {
vErrors.push(err70);
}
errors++;
}
}
if(Array.isArray(data48)){
const len7 = data48.length;
for(let i7=0; i7<len7; i7++){
let data49 = data48[i7];
if(((!(data49 && typeof data49 == "object" && !Array.isArray(data49))) && (typeof data49 !== "string")) && (data49 !== null)){
const err71 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/exclude/" + i7,schemaPath:"#/$defs/build/properties/matrix/properties/exclude/items/type",keyword:"type",params:{type: schema35.properties.matrix.properties.exclude.items.type}};
if(vErrors === null){
vErrors = [err71];
}
else {
vErrors.push(err71);
}
errors++;
}
if(typeof data49 === "string"){
if(!pattern6.test(data49)){
const err72 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/exclude/" + i7,schemaPath:"#/$defs/build/properties/matrix/properties/exclude/items/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err72];
}
else {
vErrors.push(err72);
}
errors++;
}
}
}
}
}
if(data44.when !== undefined){
let data50 = data44.when;
if(((typeof data50 !== "string") && (typeof data50 !== "boolean")) && (data50 !== null)){
const err73 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/when",schemaPath:"#/$defs/build/properties/matrix/properties/when/type",keyword:"type",params:{type: schema35.properties.matrix.properties.when.type}};
if(vErrors === null){
vErrors = [err73];
}
else {
vErrors.push(err73);
}
errors++;
}
if(typeof data50 === "string"){
if(!pattern6.test(data50)){
const err74 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/matrix/when",schemaPath:"#/$defs/build/properties/matrix/properties/when/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err74];
}
else {
vErrors.push(err74);
}
errors++;
}
}
}
}
}
if(data40.name !== undefined){
let data51 = data40.name;
if((((typeof data51 !== "string") && (!((typeof data51 == "number") && (isFinite(data51))))) && (typeof data51 !== "boolean")) && (data51 !== null)){
const err75 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/name",schemaPath:"#/$defs/build/properties/name/type",keyword:"type",params:{type: schema35.properties.name.type}};
if(vErrors === null){
vErrors = [err75];
}
else {
vErrors.push(err75);
}
errors++;
}
}
if(data40.context !== undefined){
let data52 = data40.context;
if((((typeof data52 !== "string") && (!((typeof data52 == "number") && (isFinite(data52))))) && (typeof data52 !== "boolean")) && (data52 !== null)){
const err76 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/context",schemaPath:"#/$defs/build/properties/context/type",keyword:"type",params:{type: schema35.properties.context.type}};
if(vErrors === null){
vErrors = [err76];
}
else {
vErrors.push(err76);
}
errors++;
}
}
if(data40.dockerfile !== undefined){
let data53 = data40.dockerfile;
if((((typeof data53 !== "string") && (!((typeof data53 == "number") && (isFinite(data53))))) && (typeof data53 !== "boolean")) && (data53 !== null)){
const err77 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/dockerfile",schemaPath:"#/$defs/build/properties/dockerfile/type",keyword:"type",params:{type: schema35.properties.dockerfile.type}};
if(vErrors === null){
vErrors = [err77];
}
else {
vErrors.push(err77);
}
errors++;
}
}
if(data40["dockerfile-inline"] !== undefined){
let data54 = data40["dockerfile-inline"];
if((((typeof data54 !== "string") && (!((typeof data54 == "number") && (isFinite(data54))))) && (typeof data54 !== "boolean")) && (data54 !== null)){
const err78 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/dockerfile-inline",schemaPath:"#/$defs/build/properties/dockerfile-inline/type",keyword:"type",params:{type: schema35.properties["dockerfile-inline"].type}};
if(vErrors === null){
vErrors = [err78];
}
else {
vErrors.push(err78);
}
errors++;
}
}
if(data40.frontend !== undefined){
let data55 = data40.frontend;
if((typeof data55 !== "string") && (data55 !== null)){
const err79 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/frontend",schemaPath:"#/$defs/build/properties/frontend/type",keyword:"type",params:{type: schema35.properties.frontend.type}};
if(vErrors === null){
vErrors = [err79];
}
else {
vErrors.push(err79);
}
errors++;
}
if(typeof data55 === "string"){
if(!pattern18.test(data55)){
const err80 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/frontend",schemaPath:"#/$defs/build/properties/frontend/pattern",keyword:"pattern",params:{pattern: "^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err80];
}
else {
vErrors.push(err80);
}
errors++;
}
}
}
if(data40.source !== undefined){
let data56 = data40.source;
if((((typeof data56 !== "string") && (!((typeof data56 == "number") && (isFinite(data56))))) && (typeof data56 !== "boolean")) && (data56 !== null)){
const err81 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/source",schemaPath:"#/$defs/build/properties/source/type",keyword:"type",params:{type: schema35.properties.source.type}};
if(vErrors === null){
vErrors = [err81];
}
else {
vErrors.push(err81);
}
errors++;
}
}
if(data40.opts !== undefined){
let data57 = data40.opts;
if(((!(data57 && typeof data57 == "object" && !Array.isArray(data57))) && (typeof data57 !== "string")) && (data57 !== null)){
const err82 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/opts",schemaPath:"#/$defs/build/properties/opts/type",keyword:"type",params:{type: schema35.properties.opts.type}};
if(vErrors === null){
vErrors = [err82];
}
else {
vErrors.push(err82);
}
errors++;
}
if(typeof data57 === "string"){
if(!pattern6.test(data57)){
const err83 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/opts",schemaPath:"#/$defs/build/properties/opts/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err83];
}
else {
vErrors.push(err83);
}
errors++;
}
}
if(data57 && typeof data57 == "object" && !Array.isArray(data57)){
for(const key14 in data57){
let data58 = data57[key14];
if((((typeof data58 !== "string") && (!((typeof data58 == "number") && (isFinite(data58))))) && (typeof data58 !== "boolean")) && (data58 !== null)){
const err84 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/opts/" + key14.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/opts/additionalProperties/type",keyword:"type",params:{type: schema35.properties.opts.additionalProperties.type}};
if(vErrors === null){
vErrors = [err84];
}
else {
vErrors.push(err84);
}
errors++;
}
}
}
}
if(data40["buildctl-options"] !== undefined){
let data59 = data40["buildctl-options"];
if(((!(Array.isArray(data59))) && (typeof data59 !== "string")) && (data59 !== null)){
const err85 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/buildctl-options",schemaPath:"#/$defs/build/properties/buildctl-options/type",keyword:"type",params:{type: schema35.properties["buildctl-options"].type}};
if(vErrors === null){
vErrors = [err85];
}
else {
vErrors.push(err85);
}
errors++;
}
if(typeof data59 === "string"){
if(!pattern6.test(data59)){
const err86 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/buildctl-options",schemaPath:"#/$defs/build/properties/buildctl-options/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err86];
}
else {
vErrors.push(err86);
}
errors++;
}
}
if(Array.isArray(data59)){
const len8 = data59.length;
for(let i8=0; i8<len8; i8++){
let data60 = data59[i8];
if((((typeof data60 !== "string") && (!((typeof data60 == "number") && (isFinite(data60))))) && (typeof data60 !== "boolean")) && (data60 !== null)){
const err87 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/buildctl-options/" + i8,schemaPath:"#/$defs/build/properties/buildctl-options/items/type",keyword:"type",params:{type: schema35.properties["buildctl-options"].items.type}};
if(vErrors === null){
vErrors = [err87];
}
else {
vErrors.push(err87);
}
errors++;
}
}
}
}
if(data40.target !== undefined){
let data61 = data40.target;
if((((typeof data61 !== "string") && (!((typeof data61 == "number") && (isFinite(data61))))) && (typeof data61 !== "boolean")) && (data61 !== null)){
const err88 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/target",schemaPath:"#/$defs/build/properties/target/type",keyword:"type",params:{type: schema35.properties.target.type}};
if(vErrors === null){
vErrors = [err88];
}
else {
vErrors.push(err88);
}
errors++;
}
}
if(data40.args !== undefined){
let data62 = data40.args;
if(((!(data62 && typeof data62 == "object" && !Array.isArray(data62))) && (typeof data62 !== "string")) && (data62 !== null)){
const err89 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/args",schemaPath:"#/$defs/build/properties/args/type",keyword:"type",params:{type: schema35.properties.args.type}};
if(vErrors === null){
vErrors = [err89];
}
else {
vErrors.push(err89);
}
errors++;
}
if(typeof data62 === "string"){
if(!pattern6.test(data62)){
const err90 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/args",schemaPath:"#/$defs/build/properties/args/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err90];
}
else {
vErrors.push(err90);
}
errors++;
}
}
if(data62 && typeof data62 == "object" && !Array.isArray(data62)){
for(const key15 in data62){
let data63 = data62[key15];
if((((typeof data63 !== "string") && (!((typeof data63 == "number") && (isFinite(data63))))) && (typeof data63 !== "boolean")) && (data63 !== null)){
const err91 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/args/" + key15.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/args/additionalProperties/type",keyword:"type",params:{type: schema35.properties.args.additionalProperties.type}};
if(vErrors === null){
vErrors = [err91];
}
else {
vErrors.push(err91);
}
errors++;
}
}
}
}
if(data40.contexts !== undefined){
let data64 = data40.contexts;
if(((!(data64 && typeof data64 == "object" && !Array.isArray(data64))) && (typeof data64 !== "string")) && (data64 !== null)){
const err92 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/contexts",schemaPath:"#/$defs/build/properties/contexts/type",keyword:"type",params:{type: schema35.properties.contexts.type}};
if(vErrors === null){
vErrors = [err92];
}
else {
vErrors.push(err92);
}
errors++;
}
if(typeof data64 === "string"){
if(!pattern6.test(data64)){
const err93 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/contexts",schemaPath:"#/$defs/build/properties/contexts/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err93];
}
else {
vErrors.push(err93);
}
errors++;
}
}
if(data64 && typeof data64 == "object" && !Array.isArray(data64)){
for(const key16 in data64){
let data65 = data64[key16];
if((((typeof data65 !== "string") && (!((typeof data65 == "number") && (isFinite(data65))))) && (typeof data65 !== "boolean")) && (data65 !== null)){
const err94 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/contexts/" + key16.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/contexts/additionalProperties/type",keyword:"type",params:{type: schema35.properties.contexts.additionalProperties.type}};
if(vErrors === null){
vErrors = [err94];
}
else {
vErrors.push(err94);
}
errors++;
}
}
}
}
if(data40.needs !== undefined){
let data66 = data40.needs;
if(((!(Array.isArray(data66))) && (typeof data66 !== "string")) && (data66 !== null)){
const err95 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/needs",schemaPath:"#/$defs/build/properties/needs/type",keyword:"type",params:{type: schema35.properties.needs.type}};
if(vErrors === null){
vErrors = [err95];
}
else {
vErrors.push(err95);
}
errors++;
}
if(typeof data66 === "string"){
if(!pattern6.test(data66)){
const err96 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/needs",schemaPath:"#/$defs/build/properties/needs/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err96];
}
else {
vErrors.push(err96);
}
errors++;
}
}
if(Array.isArray(data66)){
const len9 = data66.length;
for(let i9=0; i9<len9; i9++){
let data67 = data66[i9];
if((((typeof data67 !== "string") && (!((typeof data67 == "number") && (isFinite(data67))))) && (typeof data67 !== "boolean")) && (data67 !== null)){
const err97 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/needs/" + i9,schemaPath:"#/$defs/build/properties/needs/items/type",keyword:"type",params:{type: schema35.properties.needs.items.type}};
if(vErrors === null){
vErrors = [err97];
}
else {
vErrors.push(err97);
}
errors++;
}
}
}
}
if(data40.platforms !== undefined){
let data68 = data40.platforms;
if(((!(Array.isArray(data68))) && (typeof data68 !== "string")) && (data68 !== null)){
const err98 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/platforms",schemaPath:"#/$defs/build/properties/platforms/type",keyword:"type",params:{type: schema35.properties.platforms.type}};
if(vErrors === null){
vErrors = [err98];
}
else {
vErrors.push(err98);
}
errors++;
}
if(typeof data68 === "string"){
if(!pattern6.test(data68)){
const err99 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/platforms",schemaPath:"#/$defs/build/properties/platforms/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err99];
}
else {
vErrors.push(err99);
}
errors++;
}
}
if(Array.isArray(data68)){
const len10 = data68.length;
for(let i10=0; i10<len10; i10++){
let data69 = data68[i10];
if((((typeof data69 !== "string") && (!((typeof data69 == "number") && (isFinite(data69))))) && (typeof data69 !== "boolean")) && (data69 !== null)){
const err100 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/platforms/" + i10,schemaPath:"#/$defs/build/properties/platforms/items/type",keyword:"type",params:{type: schema35.properties.platforms.items.type}};
if(vErrors === null){
vErrors = [err100];
}
else {
vErrors.push(err100);
}
errors++;
}
}
}
}
if(data40.tags !== undefined){
let data70 = data40.tags;
if(((!(Array.isArray(data70))) && (typeof data70 !== "string")) && (data70 !== null)){
const err101 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/tags",schemaPath:"#/$defs/build/properties/tags/type",keyword:"type",params:{type: schema35.properties.tags.type}};
if(vErrors === null){
vErrors = [err101];
}
else {
vErrors.push(err101);
}
errors++;
}
if(typeof data70 === "string"){
if(!pattern6.test(data70)){
const err102 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/tags",schemaPath:"#/$defs/build/properties/tags/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err102];
}
else {
vErrors.push(err102);
}
errors++;
}
}
if(Array.isArray(data70)){
const len11 = data70.length;
for(let i11=0; i11<len11; i11++){
let data71 = data70[i11];
if((((typeof data71 !== "string") && (!((typeof data71 == "number") && (isFinite(data71))))) && (typeof data71 !== "boolean")) && (data71 !== null)){
const err103 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/tags/" + i11,schemaPath:"#/$defs/build/properties/tags/items/type",keyword:"type",params:{type: schema35.properties.tags.items.type}};
if(vErrors === null){
vErrors = [err103];
}
else {
vErrors.push(err103);
}
errors++;
}
}
}
}
if(data40.push !== undefined){
let data72 = data40.push;
if(((typeof data72 !== "boolean") && (typeof data72 !== "string")) && (data72 !== null)){
const err104 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/push",schemaPath:"#/$defs/build/properties/push/type",keyword:"type",params:{type: schema35.properties.push.type}};
if(vErrors === null){
vErrors = [err104];
}
else {
vErrors.push(err104);
}
errors++;
}
if(typeof data72 === "string"){
if(!pattern26.test(data72)){
const err105 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/push",schemaPath:"#/$defs/build/properties/push/pattern",keyword:"pattern",params:{pattern: "^always$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err105];
}
else {
vErrors.push(err105);
}
errors++;
}
}
}
if(data40.labels !== undefined){
let data73 = data40.labels;
if(((!(data73 && typeof data73 == "object" && !Array.isArray(data73))) && (typeof data73 !== "string")) && (data73 !== null)){
const err106 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/labels",schemaPath:"#/$defs/build/properties/labels/type",keyword:"type",params:{type: schema35.properties.labels.type}};
if(vErrors === null){
vErrors = [err106];
}
else {
vErrors.push(err106);
}
errors++;
}
if(typeof data73 === "string"){
if(!pattern6.test(data73)){
const err107 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/labels",schemaPath:"#/$defs/build/properties/labels/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err107];
}
else {
vErrors.push(err107);
}
errors++;
}
}
if(data73 && typeof data73 == "object" && !Array.isArray(data73)){
for(const key17 in data73){
let data74 = data73[key17];
if((((typeof data74 !== "string") && (!((typeof data74 == "number") && (isFinite(data74))))) && (typeof data74 !== "boolean")) && (data74 !== null)){
const err108 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/labels/" + key17.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/labels/additionalProperties/type",keyword:"type",params:{type: schema35.properties.labels.additionalProperties.type}};
if(vErrors === null){
vErrors = [err108];
}
else {
vErrors.push(err108);
}
errors++;
}
}
}
}
if(data40.annotations !== undefined){
let data75 = data40.annotations;
if(((!(data75 && typeof data75 == "object" && !Array.isArray(data75))) && (typeof data75 !== "string")) && (data75 !== null)){
const err109 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/annotations",schemaPath:"#/$defs/build/properties/annotations/type",keyword:"type",params:{type: schema35.properties.annotations.type}};
if(vErrors === null){
vErrors = [err109];
}
else {
vErrors.push(err109);
}
errors++;
}
if(typeof data75 === "string"){
if(!pattern6.test(data75)){
const err110 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/annotations",schemaPath:"#/$defs/build/properties/annotations/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err110];
}
else {
vErrors.push(err110);
}
errors++;
}
}
if(data75 && typeof data75 == "object" && !Array.isArray(data75)){
for(const key18 in data75){
let data76 = data75[key18];
if((((typeof data76 !== "string") && (!((typeof data76 == "number") && (isFinite(data76))))) && (typeof data76 !== "boolean")) && (data76 !== null)){
const err111 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/annotations/" + key18.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/annotations/additionalProperties/type",keyword:"type",params:{type: schema35.properties.annotations.additionalProperties.type}};
if(vErrors === null){
vErrors = [err111];
}
else {
vErrors.push(err111);
}
errors++;
}
}
}
}
if(data40.outputs !== undefined){
let data77 = data40.outputs;
if(((!(Array.isArray(data77))) && (typeof data77 !== "string")) && (data77 !== null)){
const err112 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/outputs",schemaPath:"#/$defs/build/properties/outputs/type",keyword:"type",params:{type: schema35.properties.outputs.type}};
if(vErrors === null){
vErrors = [err112];
}
else {
vErrors.push(err112);
}
errors++;
}
if(typeof data77 === "string"){
if(!pattern6.test(data77)){
const err113 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/outputs",schemaPath:"#/$defs/build/properties/outputs/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err113];
}
else {
vErrors.push(err113);
}
errors++;
}
}
if(Array.isArray(data77)){
const len12 = data77.length;
for(let i12=0; i12<len12; i12++){
let data78 = data77[i12];
if(((typeof data78 !== "string") && (!(data78 && typeof data78 == "object" && !Array.isArray(data78)))) && (data78 !== null)){
const err114 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/outputs/" + i12,schemaPath:"#/$defs/build/properties/outputs/items/type",keyword:"type",params:{type: schema35.properties.outputs.items.type}};
if(vErrors === null){
vErrors = [err114];
}
else {
vErrors.push(err114);
}
errors++;
}
if(data78 && typeof data78 == "object" && !Array.isArray(data78)){
for(const key19 in data78){
if(!(key19 === "type")){
let data79 = data78[key19];
if((((typeof data79 !== "string") && (!((typeof data79 == "number") && (isFinite(data79))))) && (typeof data79 !== "boolean")) && (data79 !== null)){
const err115 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/outputs/" + i12+"/" + key19.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/outputs/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties.outputs.items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err115];
}
else {
vErrors.push(err115);
}
errors++;
}
}
}
if(data78.type !== undefined){
let data80 = data78.type;
if((((typeof data80 !== "string") && (!((typeof data80 == "number") && (isFinite(data80))))) && (typeof data80 !== "boolean")) && (data80 !== null)){
const err116 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/outputs/" + i12+"/type",schemaPath:"#/$defs/build/properties/outputs/items/properties/type/type",keyword:"type",params:{type: schema35.properties.outputs.items.properties.type.type}};
if(vErrors === null){
vErrors = [err116];
}
else {
vErrors.push(err116);
}
errors++;
}
}
}
}
}
}
if(data40.attest !== undefined){
let data81 = data40.attest;
if(((!(Array.isArray(data81))) && (typeof data81 !== "string")) && (data81 !== null)){
const err117 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/attest",schemaPath:"#/$defs/build/properties/attest/type",keyword:"type",params:{type: schema35.properties.attest.type}};
if(vErrors === null){
vErrors = [err117];
}
else {
vErrors.push(err117);
}
errors++;
}
if(typeof data81 === "string"){
if(!pattern6.test(data81)){
const err118 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/attest",schemaPath:"#/$defs/build/properties/attest/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err118];
}
else {
vErrors.push(err118);
}
errors++;
}
}
if(Array.isArray(data81)){
const len13 = data81.length;
for(let i13=0; i13<len13; i13++){
let data82 = data81[i13];
if(((typeof data82 !== "string") && (!(data82 && typeof data82 == "object" && !Array.isArray(data82)))) && (data82 !== null)){
const err119 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/attest/" + i13,schemaPath:"#/$defs/build/properties/attest/items/type",keyword:"type",params:{type: schema35.properties.attest.items.type}};
if(vErrors === null){
vErrors = [err119];
}
else {
vErrors.push(err119);
}
errors++;
}
if(data82 && typeof data82 == "object" && !Array.isArray(data82)){
for(const key20 in data82){
if(!(key20 === "type")){
let data83 = data82[key20];
if((((typeof data83 !== "string") && (!((typeof data83 == "number") && (isFinite(data83))))) && (typeof data83 !== "boolean")) && (data83 !== null)){
const err120 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/attest/" + i13+"/" + key20.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/attest/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties.attest.items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err120];
}
else {
vErrors.push(err120);
}
errors++;
}
}
}
if(data82.type !== undefined){
let data84 = data82.type;
if((((typeof data84 !== "string") && (!((typeof data84 == "number") && (isFinite(data84))))) && (typeof data84 !== "boolean")) && (data84 !== null)){
const err121 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/attest/" + i13+"/type",schemaPath:"#/$defs/build/properties/attest/items/properties/type/type",keyword:"type",params:{type: schema35.properties.attest.items.properties.type.type}};
if(vErrors === null){
vErrors = [err121];
}
else {
vErrors.push(err121);
}
errors++;
}
}
}
}
}
}
if(data40.compression !== undefined){
let data85 = data40.compression;
if(((typeof data85 !== "string") && (!(data85 && typeof data85 == "object" && !Array.isArray(data85)))) && (data85 !== null)){
const err122 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression",schemaPath:"#/$defs/build/properties/compression/type",keyword:"type",params:{type: schema35.properties.compression.type}};
if(vErrors === null){
vErrors = [err122];
}
else {
vErrors.push(err122);
}
errors++;
}
if(typeof data85 === "string"){
if(!pattern31.test(data85)){
const err123 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression",schemaPath:"#/$defs/build/properties/compression/pattern",keyword:"pattern",params:{pattern: "^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err123];
}
else {
vErrors.push(err123);
}
errors++;
}
}
if(data85 && typeof data85 == "object" && !Array.isArray(data85)){
for(const key21 in data85){
if(!(((key21 === "type") || (key21 === "level")) || (key21 === "force"))){
const err124 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression",schemaPath:"#/$defs/build/properties/compression/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key21}};
if(vErrors === null){
vErrors = [err124];
}
else {
vErrors.push(err124);
}
errors++;
}
}
if(data85.type !== undefined){
let data86 = data85.type;
if((typeof data86 !== "string") && (data86 !== null)){
const err125 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression/type",schemaPath:"#/$defs/build/properties/compression/properties/type/type",keyword:"type",params:{type: schema35.properties.compression.properties.type.type}};
if(vErrors === null){
vErrors = [err125];
}
else {
vErrors.push(err125);
}
errors++;
}
if(typeof data86 === "string"){
if(!pattern31.test(data86)){
const err126 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression/type",schemaPath:"#/$defs/build/properties/compression/properties/type/pattern",keyword:"pattern",params:{pattern: "^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err126];
}
else {
vErrors.push(err126);
}
errors++;
}
}
}
if(data85.level !== undefined){
let data87 = data85.level;
if(((!(((typeof data87 == "number") && (!(data87 % 1) && !isNaN(data87))) && (isFinite(data87)))) && (typeof data87 !== "string")) && (data87 !== null)){
const err127 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression/level",schemaPath:"#/$defs/build/properties/compression/properties/level/type",keyword:"type",params:{type: schema35.properties.compression.properties.level.type}};
if(vErrors === null){
vErrors = [err127];
}
else {
vErrors.push(err127);
}
errors++;
}
if(typeof data87 === "string"){
if(!pattern6.test(data87)){
const err128 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression/level",schemaPath:"#/$defs/build/properties/compression/properties/level/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err128];
}
else {
vErrors.push(err128);
}
errors++;
}
}
}
if(data85.force !== undefined){
let data88 = data85.force;
if(((typeof data88 !== "boolean") && (typeof data88 !== "string")) && (data88 !== null)){
const err129 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression/force",schemaPath:"#/$defs/build/properties/compression/properties/force/type",keyword:"type",params:{type: schema35.properties.compression.properties.force.type}};
if(vErrors === null){
vErrors = [err129];
}
else {
vErrors.push(err129);
}
errors++;
}
if(typeof data88 === "string"){
if(!pattern6.test(data88)){
const err130 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/compression/force",schemaPath:"#/$defs/build/properties/compression/properties/force/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err130];
}
else {
vErrors.push(err130);
}
errors++;
}
}
}
}
}
if(data40.reproducible !== undefined){
let data89 = data40.reproducible;
if(((typeof data89 !== "boolean") && (typeof data89 !== "string")) && (data89 !== null)){
const err131 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/reproducible",schemaPath:"#/$defs/build/properties/reproducible/type",keyword:"type",params:{type: schema35.properties.reproducible.type}};
if(vErrors === null){
vErrors = [err131];
}
else {
vErrors.push(err131);
}
errors++;
}
if(typeof data89 === "string"){
if(!pattern6.test(data89)){
const err132 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/reproducible",schemaPath:"#/$defs/build/properties/reproducible/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err132];
}
else {
vErrors.push(err132);
}
errors++;
}
}
}
if(data40["source-date-epoch"] !== undefined){
let data90 = data40["source-date-epoch"];
if(((!(((typeof data90 == "number") && (!(data90 % 1) && !isNaN(data90))) && (isFinite(data90)))) && (typeof data90 !== "string")) && (data90 !== null)){
const err133 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/source-date-epoch",schemaPath:"#/$defs/build/properties/source-date-epoch/type",keyword:"type",params:{type: schema35.properties["source-date-epoch"].type}};
if(vErrors === null){
vErrors = [err133];
}
else {
vErrors.push(err133);
}
errors++;
}
if(typeof data90 === "string"){
if(!pattern36.test(data90)){
const err134 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/source-date-epoch",schemaPath:"#/$defs/build/properties/source-date-epoch/pattern",keyword:"pattern",params:{pattern: "^[0-9]+$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err134];
}
else {
vErrors.push(err134);
}
errors++;
}
}
}
if(data40.cache !== undefined){
let data91 = data40.cache;
if(((typeof data91 !== "string") && (!(data91 && typeof data91 == "object" && !Array.isArray(data91)))) && (data91 !== null)){
const err135 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache",schemaPath:"#/$defs/build/properties/cache/type",keyword:"type",params:{type: schema35.properties.cache.type}};
if(vErrors === null){
vErrors = [err135];
}
else {
vErrors.push(err135);
}
errors++;
}
if(data91 && typeof data91 == "object" && !Array.isArray(data91)){
for(const key22 in data91){
if(!(((key22 === "repository") || (key22 === "mode")) || (key22 === "export"))){
const err136 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache",schemaPath:"#/$defs/build/properties/cache/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key22}};
if(vErrors === null){
vErrors = [err136];
}
else {
vErrors.push(err136);
}
errors++;
}
}
if(data91.repository !== undefined){
let data92 = data91.repository;
if((((typeof data92 !== "string") && (!((typeof data92 == "number") && (isFinite(data92))))) && (typeof data92 !== "boolean")) && (data92 !== null)){
const err137 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache/repository",schemaPath:"#/$defs/build/properties/cache/properties/repository/type",keyword:"type",params:{type: schema35.properties.cache.properties.repository.type}};
if(vErrors === null){
vErrors = [err137];
}
else {
vErrors.push(err137);
}
errors++;
}
}
if(data91.mode !== undefined){
let data93 = data91.mode;
if((typeof data93 !== "string") && (data93 !== null)){
const err138 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache/mode",schemaPath:"#/$defs/build/properties/cache/properties/mode/type",keyword:"type",params:{type: schema35.properties.cache.properties.mode.type}};
if(vErrors === null){
vErrors = [err138];
}
else {
vErrors.push(err138);
}
errors++;
}
if(typeof data93 === "string"){
if(!pattern37.test(data93)){
const err139 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache/mode",schemaPath:"#/$defs/build/properties/cache/properties/mode/pattern",keyword:"pattern",params:{pattern: "^(?:min|max)$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err139];
}
else {
vErrors.push(err139);
}
errors++;
}
}
}
if(data91.export !== undefined){
let data94 = data91.export;
if(((typeof data94 !== "boolean") && (typeof data94 !== "string")) && (data94 !== null)){
const err140 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache/export",schemaPath:"#/$defs/build/properties/cache/properties/export/type",keyword:"type",params:{type: schema35.properties.cache.properties.export.type}};
if(vErrors === null){
vErrors = [err140];
}
else {
vErrors.push(err140);
}
errors++;
}
if(typeof data94 === "string"){
if(!pattern6.test(data94)){
const err141 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache/export",schemaPath:"#/$defs/build/properties/cache/properties/export/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err141];
}
else {
vErrors.push(err141);
}
errors++;
}
}
}
}
}
if(data40["cache-from"] !== undefined){
let data95 = data40["cache-from"];
if(((!(Array.isArray(data95))) && (typeof data95 !== "string")) && (data95 !== null)){
const err142 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-from",schemaPath:"#/$defs/build/properties/cache-from/type",keyword:"type",params:{type: schema35.properties["cache-from"].type}};
if(vErrors === null){
vErrors = [err142];
}
else {
vErrors.push(err142);
}
errors++;
}
if(typeof data95 === "string"){
if(!pattern6.test(data95)){
const err143 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-from",schemaPath:"#/$defs/build/properties/cache-from/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err143];
}
else {
vErrors.push(err143);
}
errors++;
}
}
if(Array.isArray(data95)){
const len14 = data95.length;
for(let i14=0; i14<len14; i14++){
let data96 = data95[i14];
if(((typeof data96 !== "string") && (!(data96 && typeof data96 == "object" && !Array.isArray(data96)))) && (data96 !== null)){
const err144 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-from/" + i14,schemaPath:"#/$defs/build/properties/cache-from/items/type",keyword:"type",params:{type: schema35.properties["cache-from"].items.type}};
if(vErrors === null){
vErrors = [err144];
}
else {
vErrors.push(err144);
}
errors++;
}
if(data96 && typeof data96 == "object" && !Array.isArray(data96)){
for(const key23 in data96){
if(!(key23 === "type")){
let data97 = data96[key23];
if((((typeof data97 !== "string") && (!((typeof data97 == "number") && (isFinite(data97))))) && (typeof data97 !== "boolean")) && (data97 !== null)){
const err145 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-from/" + i14+"/" + key23.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/cache-from/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties["cache-from"].items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err145];
}
else {
vErrors.push(err145);
}
errors++;
}
}
}
if(data96.type !== undefined){
let data98 = data96.type;
if((((typeof data98 !== "string") && (!((typeof data98 == "number") && (isFinite(data98))))) && (typeof data98 !== "boolean")) && (data98 !== null)){
const err146 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-from/" + i14+"/type",schemaPath:"#/$defs/build/properties/cache-from/items/properties/type/type",keyword:"type",params:{type: schema35.properties["cache-from"].items.properties.type.type}};
if(vErrors === null){
vErrors = [err146];
}
else {
vErrors.push(err146);
}
errors++;
}
}
}
}
}
}
if(data40["cache-to"] !== undefined){
let data99 = data40["cache-to"];
if(((!(Array.isArray(data99))) && (typeof data99 !== "string")) && (data99 !== null)){
const err147 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-to",schemaPath:"#/$defs/build/properties/cache-to/type",keyword:"type",params:{type: schema35.properties["cache-to"].type}};
if(vErrors === null){
vErrors = [err147];
}
else {
vErrors.push(err147);
}
errors++;
}
if(typeof data99 === "string"){
if(!pattern6.test(data99)){
const err148 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-to",schemaPath:"#/$defs/build/properties/cache-to/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err148];
}
else {
vErrors.push(err148);
}
errors++;
}
}
if(Array.isArray(data99)){
const len15 = data99.length;
for(let i15=0; i15<len15; i15++){
let data100 = data99[i15];
if(((typeof data100 !== "string") && (!(data100 && typeof data100 == "object" && !Array.isArray(data100)))) && (data100 !== null)){
const err149 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-to/" + i15,schemaPath:"#/$defs/build/properties/cache-to/items/type",keyword:"type",params:{type: schema35.properties["cache-to"].items.type}};
if(vErrors === null){
vErrors = [err149];
}
else {
vErrors.push(err149);
}
errors++;
}
if(data100 && typeof data100 == "object" && !Array.isArray(data100)){
for(const key24 in data100){
if(!(key24 === "type")){
let data101 = data100[key24];
if((((typeof data101 !== "string") && (!((typeof data101 == "number") && (isFinite(data101))))) && (typeof data101 !== "boolean")) && (data101 !== null)){
const err150 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-to/" + i15+"/" + key24.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/cache-to/items/additionalProperties/type",keyword:"type",params:{type: schema35.properties["cache-to"].items.additionalProperties.type}};
if(vErrors === null){
vErrors = [err150];
}
else {
vErrors.push(err150);
}
errors++;
}
}
}
if(data100.type !== undefined){
let data102 = data100.type;
if((((typeof data102 !== "string") && (!((typeof data102 == "number") && (isFinite(data102))))) && (typeof data102 !== "boolean")) && (data102 !== null)){
const err151 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cache-to/" + i15+"/type",schemaPath:"#/$defs/build/properties/cache-to/items/properties/type/type",keyword:"type",params:{type: schema35.properties["cache-to"].items.properties.type.type}};
if(vErrors === null){
vErrors = [err151];
}
else {
vErrors.push(err151);
}
errors++;
}
}
}
}
}
}
if(data40["no-cache"] !== undefined){
let data103 = data40["no-cache"];
if(((typeof data103 !== "boolean") && (typeof data103 !== "string")) && (data103 !== null)){
const err152 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/no-cache",schemaPath:"#/$defs/build/properties/no-cache/type",keyword:"type",params:{type: schema35.properties["no-cache"].type}};
if(vErrors === null){
vErrors = [err152];
}
else {
vErrors.push(err152);
}
errors++;
}
if(typeof data103 === "string"){
if(!pattern6.test(data103)){
const err153 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/no-cache",schemaPath:"#/$defs/build/properties/no-cache/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err153];
}
else {
vErrors.push(err153);
}
errors++;
}
}
}
if(data40["no-cache-filter"] !== undefined){
let data104 = data40["no-cache-filter"];
if(((!(Array.isArray(data104))) && (typeof data104 !== "string")) && (data104 !== null)){
const err154 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/no-cache-filter",schemaPath:"#/$defs/build/properties/no-cache-filter/type",keyword:"type",params:{type: schema35.properties["no-cache-filter"].type}};
if(vErrors === null){
vErrors = [err154];
}
else {
vErrors.push(err154);
}
errors++;
}
if(typeof data104 === "string"){
if(!pattern6.test(data104)){
const err155 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/no-cache-filter",schemaPath:"#/$defs/build/properties/no-cache-filter/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err155];
}
else {
vErrors.push(err155);
}
errors++;
}
}
if(Array.isArray(data104)){
const len16 = data104.length;
for(let i16=0; i16<len16; i16++){
let data105 = data104[i16];
if((((typeof data105 !== "string") && (!((typeof data105 == "number") && (isFinite(data105))))) && (typeof data105 !== "boolean")) && (data105 !== null)){
const err156 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/no-cache-filter/" + i16,schemaPath:"#/$defs/build/properties/no-cache-filter/items/type",keyword:"type",params:{type: schema35.properties["no-cache-filter"].items.type}};
if(vErrors === null){
vErrors = [err156];
}
else {
vErrors.push(err156);
}
errors++;
}
}
}
}
if(data40.pull !== undefined){
let data106 = data40.pull;
if(((typeof data106 !== "boolean") && (typeof data106 !== "string")) && (data106 !== null)){
const err157 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/pull",schemaPath:"#/$defs/build/properties/pull/type",keyword:"type",params:{type: schema35.properties.pull.type}};
if(vErrors === null){
vErrors = [err157];
}
else {
vErrors.push(err157);
}
errors++;
}
if(typeof data106 === "string"){
if(!pattern6.test(data106)){
const err158 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/pull",schemaPath:"#/$defs/build/properties/pull/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err158];
}
else {
vErrors.push(err158);
}
errors++;
}
}
}
if(data40.secrets !== undefined){
let data107 = data40.secrets;
if(((!(Array.isArray(data107))) && (typeof data107 !== "string")) && (data107 !== null)){
const err159 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets",schemaPath:"#/$defs/build/properties/secrets/type",keyword:"type",params:{type: schema35.properties.secrets.type}};
if(vErrors === null){
vErrors = [err159];
}
else {
vErrors.push(err159);
}
errors++;
}
if(typeof data107 === "string"){
if(!pattern6.test(data107)){
const err160 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets",schemaPath:"#/$defs/build/properties/secrets/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err160];
}
else {
vErrors.push(err160);
}
errors++;
}
}
if(Array.isArray(data107)){
const len17 = data107.length;
for(let i17=0; i17<len17; i17++){
let data108 = data107[i17];
if(((typeof data108 !== "string") && (!(data108 && typeof data108 == "object" && !Array.isArray(data108)))) && (data108 !== null)){
const err161 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17,schemaPath:"#/$defs/build/properties/secrets/items/type",keyword:"type",params:{type: schema35.properties.secrets.items.type}};
if(vErrors === null){
vErrors = [err161];
}
else {
vErrors.push(err161);
}
errors++;
}
if(data108 && typeof data108 == "object" && !Array.isArray(data108)){
for(const key25 in data108){
if(!((((key25 === "id") || (key25 === "file")) || (key25 === "env")) || (key25 === "command"))){
const err162 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17,schemaPath:"#/$defs/build/properties/secrets/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key25}};
if(vErrors === null){
vErrors = [err162];
}
else {
vErrors.push(err162);
}
errors++;
}
}
if(data108.id !== undefined){
let data109 = data108.id;
if((((typeof data109 !== "string") && (!((typeof data109 == "number") && (isFinite(data109))))) && (typeof data109 !== "boolean")) && (data109 !== null)){
const err163 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17+"/id",schemaPath:"#/$defs/build/properties/secrets/items/properties/id/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.id.type}};
if(vErrors === null){
vErrors = [err163];
}
else {
vErrors.push(err163);
}
errors++;
}
}
if(data108.file !== undefined){
let data110 = data108.file;
if((((typeof data110 !== "string") && (!((typeof data110 == "number") && (isFinite(data110))))) && (typeof data110 !== "boolean")) && (data110 !== null)){
const err164 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17+"/file",schemaPath:"#/$defs/build/properties/secrets/items/properties/file/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.file.type}};
if(vErrors === null){
vErrors = [err164];
}
else {
vErrors.push(err164);
}
errors++;
}
}
if(data108.env !== undefined){
let data111 = data108.env;
if((((typeof data111 !== "string") && (!((typeof data111 == "number") && (isFinite(data111))))) && (typeof data111 !== "boolean")) && (data111 !== null)){
const err165 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17+"/env",schemaPath:"#/$defs/build/properties/secrets/items/properties/env/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.env.type}};
if(vErrors === null){
vErrors = [err165];
}
else {
vErrors.push(err165);
}
errors++;
}
}
if(data108.command !== undefined){
let data112 = data108.command;
if(((!(Array.isArray(data112))) && (typeof data112 !== "string")) && (data112 !== null)){
const err166 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17+"/command",schemaPath:"#/$defs/build/properties/secrets/items/properties/command/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.command.type}};
if(vErrors === null){
vErrors = [err166];
}
else {
vErrors.push(err166);
}
errors++;
}
if(typeof data112 === "string"){
if(!pattern6.test(data112)){
const err167 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17+"/command",schemaPath:"#/$defs/build/properties/secrets/items/properties/command/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err167];
}
else {
vErrors.push(err167);
}
errors++;
}
}
if(Array.isArray(data112)){
const len18 = data112.length;
for(let i18=0; i18<len18; i18++){
let data113 = data112[i18];
if((((typeof data113 !== "string") && (!((typeof data113 == "number") && (isFinite(data113))))) && (typeof data113 !== "boolean")) && (data113 !== null)){
const err168 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/secrets/" + i17+"/command/" + i18,schemaPath:"#/$defs/build/properties/secrets/items/properties/command/items/type",keyword:"type",params:{type: schema35.properties.secrets.items.properties.command.items.type}};
if(vErrors === null){
vErrors = [err168];
}
else {
vErrors.push(err168);
}
errors++;
}
}
}
}
}
}
}
}
if(data40.ssh !== undefined){
let data114 = data40.ssh;
if(((!(Array.isArray(data114))) && (typeof data114 !== "string")) && (data114 !== null)){
const err169 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh",schemaPath:"#/$defs/build/properties/ssh/type",keyword:"type",params:{type: schema35.properties.ssh.type}};
if(vErrors === null){
vErrors = [err169];
}
else {
vErrors.push(err169);
}
errors++;
}
if(typeof data114 === "string"){
if(!pattern6.test(data114)){
const err170 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh",schemaPath:"#/$defs/build/properties/ssh/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err170];
}
else {
vErrors.push(err170);
}
errors++;
}
}
if(Array.isArray(data114)){
const len19 = data114.length;
for(let i19=0; i19<len19; i19++){
let data115 = data114[i19];
if(((typeof data115 !== "string") && (!(data115 && typeof data115 == "object" && !Array.isArray(data115)))) && (data115 !== null)){
const err171 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh/" + i19,schemaPath:"#/$defs/build/properties/ssh/items/type",keyword:"type",params:{type: schema35.properties.ssh.items.type}};
if(vErrors === null){
vErrors = [err171];
}
else {
vErrors.push(err171);
}
errors++;
}
if(data115 && typeof data115 == "object" && !Array.isArray(data115)){
for(const key26 in data115){
if(!((key26 === "id") || (key26 === "paths"))){
const err172 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh/" + i19,schemaPath:"#/$defs/build/properties/ssh/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key26}};
if(vErrors === null){
vErrors = [err172];
}
else {
vErrors.push(err172);
}
errors++;
}
}
if(data115.id !== undefined){
let data116 = data115.id;
if((((typeof data116 !== "string") && (!((typeof data116 == "number") && (isFinite(data116))))) && (typeof data116 !== "boolean")) && (data116 !== null)){
const err173 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh/" + i19+"/id",schemaPath:"#/$defs/build/properties/ssh/items/properties/id/type",keyword:"type",params:{type: schema35.properties.ssh.items.properties.id.type}};
if(vErrors === null){
vErrors = [err173];
}
else {
vErrors.push(err173);
}
errors++;
}
}
if(data115.paths !== undefined){
let data117 = data115.paths;
if(((!(Array.isArray(data117))) && (typeof data117 !== "string")) && (data117 !== null)){
const err174 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh/" + i19+"/paths",schemaPath:"#/$defs/build/properties/ssh/items/properties/paths/type",keyword:"type",params:{type: schema35.properties.ssh.items.properties.paths.type}};
if(vErrors === null){
vErrors = [err174];
}
else {
vErrors.push(err174);
}
errors++;
}
if(typeof data117 === "string"){
if(!pattern6.test(data117)){
const err175 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh/" + i19+"/paths",schemaPath:"#/$defs/build/properties/ssh/items/properties/paths/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err175];
}
else {
vErrors.push(err175);
}
errors++;
}
}
if(Array.isArray(data117)){
const len20 = data117.length;
for(let i20=0; i20<len20; i20++){
let data118 = data117[i20];
if((((typeof data118 !== "string") && (!((typeof data118 == "number") && (isFinite(data118))))) && (typeof data118 !== "boolean")) && (data118 !== null)){
const err176 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ssh/" + i19+"/paths/" + i20,schemaPath:"#/$defs/build/properties/ssh/items/properties/paths/items/type",keyword:"type",params:{type: schema35.properties.ssh.items.properties.paths.items.type}};
if(vErrors === null){
vErrors = [err176];
}
else {
vErrors.push(err176);
}
errors++;
}
}
}
}
}
}
}
}
if(data40.network !== undefined){
let data119 = data40.network;
if((typeof data119 !== "string") && (data119 !== null)){
const err177 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/network",schemaPath:"#/$defs/build/properties/network/type",keyword:"type",params:{type: schema35.properties.network.type}};
if(vErrors === null){
vErrors = [err177];
}
else {
vErrors.push(err177);
}
errors++;
}
if(typeof data119 === "string"){
if(!pattern48.test(data119)){
const err178 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/network",schemaPath:"#/$defs/build/properties/network/pattern",keyword:"pattern",params:{pattern: "^(?:default|none|host)?$|\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err178];
}
else {
vErrors.push(err178);
}
errors++;
}
}
}
if(data40["extra-hosts"] !== undefined){
let data120 = data40["extra-hosts"];
if((typeof data120 != "object") && (typeof data120 !== "string")){
const err179 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/extra-hosts",schemaPath:"#/$defs/build/properties/extra-hosts/type",keyword:"type",params:{type: schema35.properties["extra-hosts"].type}};
if(vErrors === null){
vErrors = [err179];
}
else {
vErrors.push(err179);
}
errors++;
}
if(typeof data120 === "string"){
if(!pattern6.test(data120)){
const err180 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/extra-hosts",schemaPath:"#/$defs/build/properties/extra-hosts/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err180];
}
else {
vErrors.push(err180);
}
errors++;
}
}
if(Array.isArray(data120)){
const len21 = data120.length;
for(let i21=0; i21<len21; i21++){
let data121 = data120[i21];
if((((typeof data121 !== "string") && (!((typeof data121 == "number") && (isFinite(data121))))) && (typeof data121 !== "boolean")) && (data121 !== null)){
const err181 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/extra-hosts/" + i21,schemaPath:"#/$defs/build/properties/extra-hosts/items/type",keyword:"type",params:{type: schema35.properties["extra-hosts"].items.type}};
if(vErrors === null){
vErrors = [err181];
}
else {
vErrors.push(err181);
}
errors++;
}
}
}
if(data120 && typeof data120 == "object" && !Array.isArray(data120)){
for(const key27 in data120){
let data122 = data120[key27];
if((((typeof data122 !== "string") && (!((typeof data122 == "number") && (isFinite(data122))))) && (typeof data122 !== "boolean")) && (data122 !== null)){
const err182 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/extra-hosts/" + key27.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/extra-hosts/additionalProperties/type",keyword:"type",params:{type: schema35.properties["extra-hosts"].additionalProperties.type}};
if(vErrors === null){
vErrors = [err182];
}
else {
vErrors.push(err182);
}
errors++;
}
}
}
}
if(data40.ulimits !== undefined){
let data123 = data40.ulimits;
if((typeof data123 != "object") && (typeof data123 !== "string")){
const err183 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits",schemaPath:"#/$defs/build/properties/ulimits/type",keyword:"type",params:{type: schema35.properties.ulimits.type}};
if(vErrors === null){
vErrors = [err183];
}
else {
vErrors.push(err183);
}
errors++;
}
if(typeof data123 === "string"){
if(!pattern6.test(data123)){
const err184 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits",schemaPath:"#/$defs/build/properties/ulimits/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err184];
}
else {
vErrors.push(err184);
}
errors++;
}
}
if(Array.isArray(data123)){
const len22 = data123.length;
for(let i22=0; i22<len22; i22++){
let data124 = data123[i22];
if((((typeof data124 !== "string") && (!((typeof data124 == "number") && (isFinite(data124))))) && (typeof data124 !== "boolean")) && (data124 !== null)){
const err185 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits/" + i22,schemaPath:"#/$defs/build/properties/ulimits/items/type",keyword:"type",params:{type: schema35.properties.ulimits.items.type}};
if(vErrors === null){
vErrors = [err185];
}
else {
vErrors.push(err185);
}
errors++;
}
}
}
if(data123 && typeof data123 == "object" && !Array.isArray(data123)){
for(const key28 in data123){
let data125 = data123[key28];
if((((!(((typeof data125 == "number") && (!(data125 % 1) && !isNaN(data125))) && (isFinite(data125)))) && (typeof data125 !== "string")) && (!(data125 && typeof data125 == "object" && !Array.isArray(data125)))) && (data125 !== null)){
const err186 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits/" + key28.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/type",keyword:"type",params:{type: schema35.properties.ulimits.additionalProperties.type}};
if(vErrors === null){
vErrors = [err186];
}
else {
vErrors.push(err186);
}
errors++;
}
if(data125 && typeof data125 == "object" && !Array.isArray(data125)){
for(const key29 in data125){
if(!((key29 === "soft") || (key29 === "hard"))){
const err187 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits/" + key28.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key29}};
if(vErrors === null){
vErrors = [err187];
}
else {
vErrors.push(err187);
}
errors++;
}
}
if(data125.soft !== undefined){
let data126 = data125.soft;
if(((!(((typeof data126 == "number") && (!(data126 % 1) && !isNaN(data126))) && (isFinite(data126)))) && (typeof data126 !== "string")) && (data126 !== null)){
const err188 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits/" + key28.replace(/~/g, "~0").replace(/\//g, "~1")+"/soft",schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/properties/soft/type",keyword:"type",params:{type: schema35.properties.ulimits.additionalProperties.properties.soft.type}};
if(vErrors === null){
vErrors = [err188];
}
else {
vErrors.push(err188);
}
errors++;
}
}
if(data125.hard !== undefined){
let data127 = data125.hard;
if(((!(((typeof data127 == "number") && (!(data127 % 1) && !isNaN(data127))) && (isFinite(data127)))) && (typeof data127 !== "string")) && (data127 !== null)){
const err189 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/ulimits/" + key28.replace(/~/g, "~0").replace(/\//g, "~1")+"/hard",schemaPath:"#/$defs/build/properties/ulimits/additionalProperties/properties/hard/type",keyword:"type",params:{type: schema35.properties.ulimits.additionalProperties.properties.hard.type}};
if(vErrors === null){
vErrors = [err189];
}
else {
vErrors.push(err189);
}
errors++;
}
}
}
}
}
}
if(data40["shm-size"] !== undefined){
let data128 = data40["shm-size"];
if(((!(((typeof data128 == "number") && (!(data128 % 1) && !isNaN(data128))) && (isFinite(data128)))) && (typeof data128 !== "string")) && (data128 !== null)){
const err190 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/shm-size",schemaPath:"#/$defs/build/properties/shm-size/type",keyword:"type",params:{type: schema35.properties["shm-size"].type}};
if(vErrors === null){
vErrors = [err190];
}
else {
vErrors.push(err190);
}
errors++;
}
}
if(data40["cgroup-parent"] !== undefined){
let data129 = data40["cgroup-parent"];
if((((typeof data129 !== "string") && (!((typeof data129 == "number") && (isFinite(data129))))) && (typeof data129 !== "boolean")) && (data129 !== null)){
const err191 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/cgroup-parent",schemaPath:"#/$defs/build/properties/cgroup-parent/type",keyword:"type",params:{type: schema35.properties["cgroup-parent"].type}};
if(vErrors === null){
vErrors = [err191];
}
else {
vErrors.push(err191);
}
errors++;
}
}
if(data40.timeout !== undefined){
let data130 = data40.timeout;
if(((!(((typeof data130 == "number") && (!(data130 % 1) && !isNaN(data130))) && (isFinite(data130)))) && (typeof data130 !== "string")) && (data130 !== null)){
const err192 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/timeout",schemaPath:"#/$defs/build/properties/timeout/type",keyword:"type",params:{type: schema35.properties.timeout.type}};
if(vErrors === null){
vErrors = [err192];
}
else {
vErrors.push(err192);
}
errors++;
}
}
if(data40.entitlements !== undefined){
let data131 = data40.entitlements;
if(((!(Array.isArray(data131))) && (typeof data131 !== "string")) && (data131 !== null)){
const err193 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/entitlements",schemaPath:"#/$defs/build/properties/entitlements/type",keyword:"type",params:{type: schema35.properties.entitlements.type}};
if(vErrors === null){
vErrors = [err193];
}
else {
vErrors.push(err193);
}
errors++;
}
if(typeof data131 === "string"){
if(!pattern6.test(data131)){
const err194 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/entitlements",schemaPath:"#/$defs/build/properties/entitlements/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err194];
}
else {
vErrors.push(err194);
}
errors++;
}
}
if(Array.isArray(data131)){
const len23 = data131.length;
for(let i23=0; i23<len23; i23++){
let data132 = data131[i23];
if((((typeof data132 !== "string") && (!((typeof data132 == "number") && (isFinite(data132))))) && (typeof data132 !== "boolean")) && (data132 !== null)){
const err195 = {instancePath:instancePath+"/builds/" + key11.replace(/~/g, "~0").replace(/\//g, "~1")+"/entitlements/" + i23,schemaPath:"#/$defs/build/properties/entitlements/items/type",keyword:"type",params:{type: schema35.properties.entitlements.items.type}};
if(vErrors === null){
vErrors = [err195];
}
else {
vErrors.push(err195);
}
errors++;
}
}
}
}
}
}
}
}
if(data.groups !== undefined){
let data133 = data.groups;
if((!(data133 && typeof data133 == "object" && !Array.isArray(data133))) && (data133 !== null)){
const err196 = {instancePath:instancePath+"/groups",schemaPath:"#/properties/groups/type",keyword:"type",params:{type: schema31.properties.groups.type}};
if(vErrors === null){
vErrors = [err196];
}
else {
vErrors.push(err196);
}
errors++;
}
if(data133 && typeof data133 == "object" && !Array.isArray(data133)){
for(const key30 in data133){
const _errs301 = errors;
if(typeof key30 === "string"){
if(!pattern11.test(key30)){
const err197 = {instancePath:instancePath+"/groups",schemaPath:"#/properties/groups/propertyNames/pattern",keyword:"pattern",params:{pattern: "^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},propertyName:key30};
if(vErrors === null){
vErrors = [err197];
}
else {
vErrors.push(err197);
}
errors++;
}
}
var valid86 = _errs301 === errors;
if(!valid86){
const err198 = {instancePath:instancePath+"/groups",schemaPath:"#/properties/groups/propertyNames",keyword:"propertyNames",params:{propertyName: key30}};
if(vErrors === null){
vErrors = [err198];
}
else {
vErrors.push(err198);
}
errors++;
}
}
for(const key31 in data133){
let data134 = data133[key31];
if((typeof data134 != "object") && (typeof data134 !== "string")){
const err199 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/group/type",keyword:"type",params:{type: schema37.type}};
if(vErrors === null){
vErrors = [err199];
}
else {
vErrors.push(err199);
}
errors++;
}
if(typeof data134 === "string"){
if(!pattern6.test(data134)){
const err200 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/group/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err200];
}
else {
vErrors.push(err200);
}
errors++;
}
}
if(Array.isArray(data134)){
const len24 = data134.length;
for(let i24=0; i24<len24; i24++){
let data135 = data134[i24];
if((((typeof data135 !== "string") && (!((typeof data135 == "number") && (isFinite(data135))))) && (typeof data135 !== "boolean")) && (data135 !== null)){
const err201 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i24,schemaPath:"#/$defs/group/items/type",keyword:"type",params:{type: schema37.items.type}};
if(vErrors === null){
vErrors = [err201];
}
else {
vErrors.push(err201);
}
errors++;
}
}
}
if(data134 && typeof data134 == "object" && !Array.isArray(data134)){
for(const key32 in data134){
if(!((key32 === "builds") || (key32 === "description"))){
const err202 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/$defs/group/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key32}};
if(vErrors === null){
vErrors = [err202];
}
else {
vErrors.push(err202);
}
errors++;
}
}
if(data134.builds !== undefined){
let data136 = data134.builds;
if(((!(Array.isArray(data136))) && (typeof data136 !== "string")) && (data136 !== null)){
const err203 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1")+"/builds",schemaPath:"#/$defs/group/properties/builds/type",keyword:"type",params:{type: schema37.properties.builds.type}};
if(vErrors === null){
vErrors = [err203];
}
else {
vErrors.push(err203);
}
errors++;
}
if(typeof data136 === "string"){
if(!pattern6.test(data136)){
const err204 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1")+"/builds",schemaPath:"#/$defs/group/properties/builds/pattern",keyword:"pattern",params:{pattern: "\\$\\{\\{"}};
if(vErrors === null){
vErrors = [err204];
}
else {
vErrors.push(err204);
}
errors++;
}
}
if(Array.isArray(data136)){
const len25 = data136.length;
for(let i25=0; i25<len25; i25++){
let data137 = data136[i25];
if((((typeof data137 !== "string") && (!((typeof data137 == "number") && (isFinite(data137))))) && (typeof data137 !== "boolean")) && (data137 !== null)){
const err205 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1")+"/builds/" + i25,schemaPath:"#/$defs/group/properties/builds/items/type",keyword:"type",params:{type: schema37.properties.builds.items.type}};
if(vErrors === null){
vErrors = [err205];
}
else {
vErrors.push(err205);
}
errors++;
}
}
}
}
if(data134.description !== undefined){
let data138 = data134.description;
if((((typeof data138 !== "string") && (!((typeof data138 == "number") && (isFinite(data138))))) && (typeof data138 !== "boolean")) && (data138 !== null)){
const err206 = {instancePath:instancePath+"/groups/" + key31.replace(/~/g, "~0").replace(/\//g, "~1")+"/description",schemaPath:"#/$defs/group/properties/description/type",keyword:"type",params:{type: schema37.properties.description.type}};
if(vErrors === null){
vErrors = [err206];
}
else {
vErrors.push(err206);
}
errors++;
}
}
}
}
}
}
}
else {
const err207 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
if(vErrors === null){
vErrors = [err207];
}
else {
vErrors.push(err207);
}
errors++;
}
validate20.errors = vErrors;
return errors === 0;
}
validate20.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

/** See {@link ShapeCheck}. */
export const checkShape: ShapeCheck = validate20 as unknown as ShapeCheck;
