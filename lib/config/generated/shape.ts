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

function note(found, instancePath, schemaPath, keyword, params, propertyName) {
  const one = { instancePath, schemaPath, keyword, params, ...(propertyName === undefined ? {} : { propertyName }) };
  if (found === null) return [one];
  found.push(one);
  return found;
}

const schema19 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:bake-ts:builds","type":"object","properties":{"$schema":{"type":"string"},"description":{"type":["string","number","boolean","null"]},"include":{"type":["array","null"],"items":{"type":"string"}},"vars":{"type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$"},"additionalProperties":{"$ref":"#/$defs/var"}},"functions":{"type":["object","null"],"propertyNames":{"pattern":"^[A-Za-z_][A-Za-z0-9_]*\\(\\s*(?:[A-Za-z_][A-Za-z0-9_]*(?:\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*)?\\s*\\)$"},"additionalProperties":{}},"registries":{"type":["object","null"],"additionalProperties":{"$ref":"#/$defs/registry"}},"engine":{"type":["object","null"],"properties":{"address":{"type":["string","number","boolean","null"]},"pool":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"address":{"type":["string","number","boolean","null"]},"kubernetes":{"type":["object","string","null"],"pattern":"\\$\\{\\{","properties":{"selector":{"type":["string","number","boolean","null"]},"namespace":{"type":["string","number","boolean","null"]},"container":{"type":["string","number","boolean","null"]},"context":{"type":["string","number","boolean","null"]}},"additionalProperties":false},"platforms":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"jobs":{"type":["integer","string","null"],"minimum":1},"labels":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"tls":{"type":["object","null"],"properties":{"ca":{"type":["string","number","boolean","null"]},"cert":{"type":["string","number","boolean","null"]},"key":{"type":["string","number","boolean","null"]},"serverName":{"type":["string","number","boolean","null"]}},"additionalProperties":false},"scratch":{"type":["string","number","boolean","null"]}},"additionalProperties":false},"record":{"type":["string","null"]},"publish":{"enum":["each","together",null]},"immutable":{"type":["string","number","array","null"],"items":{"type":["string","number","null"]}},"templates":{"type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},"additionalProperties":{"$ref":"#/$defs/template"}},"builds":{"type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},"additionalProperties":{"$ref":"#/$defs/build"}},"groups":{"type":["object","null"],"propertyNames":{"pattern":"^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"},"additionalProperties":{"$ref":"#/$defs/group"}}},"patternProperties":{"^x-":{"description":"Ignored. A place for YAML anchors."}},"additionalProperties":false};
const func1 = Object.prototype.hasOwnProperty;
const pattern3 = new RegExp("^x-", "u");
const pattern4 = new RegExp("^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$", "u");
const pattern6 = new RegExp("^[A-Za-z_][A-Za-z0-9_]*\\(\\s*(?:[A-Za-z_][A-Za-z0-9_]*(?:\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*)?\\s*\\)$", "u");
const pattern5 = new RegExp("\\$\\{\\{", "u");
const pattern14 = new RegExp("^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$", "u");
const schema20 = {"type":["string","number","boolean","array","object","null"],"properties":{"default":{},"type":{"type":"string","enum":["string","bool","int","number","list","map"]},"env":{"type":["string","array","boolean","null"],"items":{"type":"string"}},"required":{"type":["boolean","null"]},"optional":{"type":["boolean","null"]},"oneOf":{"type":["array","null"],"items":{"type":["string","number","boolean"]}},"pattern":{"type":["string","null"]},"minimum":{"type":["number","null"]},"maximum":{"type":["number","null"]},"check":{"type":["string","null"],"pattern":"\\$\\{\\{"},"schema":{"type":["object","null"]},"sensitive":{"type":["boolean","null"]},"description":{"type":["string","number","boolean","null"]}},"additionalProperties":false};

function validate53(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate53.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if((((typeof data != "object") && (typeof data !== "string")) && (!((typeof data == "number") && (isFinite(data))))) && (typeof data !== "boolean")){
vErrors = note(vErrors, instancePath, "#/$defs/var/type", "type", {type: schema20.type});
errors++;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!(func1.call(schema20.properties, key0))){
vErrors = note(vErrors, instancePath, "#/$defs/var/additionalProperties", "additionalProperties", {additionalProperty: key0});
errors++;
}
}
if(data.type !== undefined){
let data0 = data.type;
if(typeof data0 !== "string"){
vErrors = note(vErrors, instancePath+"/type", "#/$defs/var/properties/type/type", "type", {type: "string"});
errors++;
}
if(!((((((data0 === "string") || (data0 === "bool")) || (data0 === "int")) || (data0 === "number")) || (data0 === "list")) || (data0 === "map"))){
vErrors = note(vErrors, instancePath+"/type", "#/$defs/var/properties/type/enum", "enum", {allowedValues: schema20.properties.type.enum});
errors++;
}
}
if(data.env !== undefined){
let data1 = data.env;
if((((typeof data1 !== "string") && (!(Array.isArray(data1)))) && (typeof data1 !== "boolean")) && (data1 !== null)){
vErrors = note(vErrors, instancePath+"/env", "#/$defs/var/properties/env/type", "type", {type: schema20.properties.env.type});
errors++;
}
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
if(typeof data1[i0] !== "string"){
vErrors = note(vErrors, instancePath+"/env/" + i0, "#/$defs/var/properties/env/items/type", "type", {type: "string"});
errors++;
}
}
}
}
if(data.required !== undefined){
let data3 = data.required;
if((typeof data3 !== "boolean") && (data3 !== null)){
vErrors = note(vErrors, instancePath+"/required", "#/$defs/var/properties/required/type", "type", {type: schema20.properties.required.type});
errors++;
}
}
if(data.optional !== undefined){
let data4 = data.optional;
if((typeof data4 !== "boolean") && (data4 !== null)){
vErrors = note(vErrors, instancePath+"/optional", "#/$defs/var/properties/optional/type", "type", {type: schema20.properties.optional.type});
errors++;
}
}
if(data.oneOf !== undefined){
let data5 = data.oneOf;
if((!(Array.isArray(data5))) && (data5 !== null)){
vErrors = note(vErrors, instancePath+"/oneOf", "#/$defs/var/properties/oneOf/type", "type", {type: schema20.properties.oneOf.type});
errors++;
}
if(Array.isArray(data5)){
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
let data6 = data5[i1];
if(((typeof data6 !== "string") && (!((typeof data6 == "number") && (isFinite(data6))))) && (typeof data6 !== "boolean")){
vErrors = note(vErrors, instancePath+"/oneOf/" + i1, "#/$defs/var/properties/oneOf/items/type", "type", {type: schema20.properties.oneOf.items.type});
errors++;
}
}
}
}
if(data.pattern !== undefined){
let data7 = data.pattern;
if((typeof data7 !== "string") && (data7 !== null)){
vErrors = note(vErrors, instancePath+"/pattern", "#/$defs/var/properties/pattern/type", "type", {type: schema20.properties.pattern.type});
errors++;
}
}
if(data.minimum !== undefined){
let data8 = data.minimum;
if((!((typeof data8 == "number") && (isFinite(data8)))) && (data8 !== null)){
vErrors = note(vErrors, instancePath+"/minimum", "#/$defs/var/properties/minimum/type", "type", {type: schema20.properties.minimum.type});
errors++;
}
}
if(data.maximum !== undefined){
let data9 = data.maximum;
if((!((typeof data9 == "number") && (isFinite(data9)))) && (data9 !== null)){
vErrors = note(vErrors, instancePath+"/maximum", "#/$defs/var/properties/maximum/type", "type", {type: schema20.properties.maximum.type});
errors++;
}
}
if(data.check !== undefined){
let data10 = data.check;
if((typeof data10 !== "string") && (data10 !== null)){
vErrors = note(vErrors, instancePath+"/check", "#/$defs/var/properties/check/type", "type", {type: schema20.properties.check.type});
errors++;
}
if(typeof data10 === "string"){
if(!pattern5.test(data10)){
vErrors = note(vErrors, instancePath+"/check", "#/$defs/var/properties/check/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data.schema !== undefined){
let data11 = data.schema;
if((!(data11 && typeof data11 == "object" && !Array.isArray(data11))) && (data11 !== null)){
vErrors = note(vErrors, instancePath+"/schema", "#/$defs/var/properties/schema/type", "type", {type: schema20.properties.schema.type});
errors++;
}
}
if(data.sensitive !== undefined){
let data12 = data.sensitive;
if((typeof data12 !== "boolean") && (data12 !== null)){
vErrors = note(vErrors, instancePath+"/sensitive", "#/$defs/var/properties/sensitive/type", "type", {type: schema20.properties.sensitive.type});
errors++;
}
}
if(data.description !== undefined){
let data13 = data.description;
if((((typeof data13 !== "string") && (!((typeof data13 == "number") && (isFinite(data13))))) && (typeof data13 !== "boolean")) && (data13 !== null)){
vErrors = note(vErrors, instancePath+"/description", "#/$defs/var/properties/description/type", "type", {type: schema20.properties.description.type});
errors++;
}
}
}
validate53.errors = vErrors;
return errors === 0;
}
validate53.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema21 = {"type":["object","null"],"properties":{"http":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"ca":{"type":["string","number","boolean","null"]},"cert":{"type":["string","number","boolean","null"]},"key":{"type":["string","number","boolean","null"]},"insecure":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"mirrors":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"concurrency":{"type":["integer","string","null"],"minimum":1}},"additionalProperties":false};

function validate55(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate55.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if((!(data && typeof data == "object" && !Array.isArray(data))) && (data !== null)){
vErrors = note(vErrors, instancePath, "#/$defs/registry/type", "type", {type: schema21.type});
errors++;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!(((((((key0 === "http") || (key0 === "ca")) || (key0 === "cert")) || (key0 === "key")) || (key0 === "insecure")) || (key0 === "mirrors")) || (key0 === "concurrency"))){
vErrors = note(vErrors, instancePath, "#/$defs/registry/additionalProperties", "additionalProperties", {additionalProperty: key0});
errors++;
}
}
if(data.http !== undefined){
let data0 = data.http;
if(((typeof data0 !== "boolean") && (typeof data0 !== "string")) && (data0 !== null)){
vErrors = note(vErrors, instancePath+"/http", "#/$defs/registry/properties/http/type", "type", {type: schema21.properties.http.type});
errors++;
}
if(typeof data0 === "string"){
if(!pattern5.test(data0)){
vErrors = note(vErrors, instancePath+"/http", "#/$defs/registry/properties/http/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data.ca !== undefined){
let data1 = data.ca;
if((((typeof data1 !== "string") && (!((typeof data1 == "number") && (isFinite(data1))))) && (typeof data1 !== "boolean")) && (data1 !== null)){
vErrors = note(vErrors, instancePath+"/ca", "#/$defs/registry/properties/ca/type", "type", {type: schema21.properties.ca.type});
errors++;
}
}
if(data.cert !== undefined){
let data2 = data.cert;
if((((typeof data2 !== "string") && (!((typeof data2 == "number") && (isFinite(data2))))) && (typeof data2 !== "boolean")) && (data2 !== null)){
vErrors = note(vErrors, instancePath+"/cert", "#/$defs/registry/properties/cert/type", "type", {type: schema21.properties.cert.type});
errors++;
}
}
if(data.key !== undefined){
let data3 = data.key;
if((((typeof data3 !== "string") && (!((typeof data3 == "number") && (isFinite(data3))))) && (typeof data3 !== "boolean")) && (data3 !== null)){
vErrors = note(vErrors, instancePath+"/key", "#/$defs/registry/properties/key/type", "type", {type: schema21.properties.key.type});
errors++;
}
}
if(data.insecure !== undefined){
let data4 = data.insecure;
if(((typeof data4 !== "boolean") && (typeof data4 !== "string")) && (data4 !== null)){
vErrors = note(vErrors, instancePath+"/insecure", "#/$defs/registry/properties/insecure/type", "type", {type: schema21.properties.insecure.type});
errors++;
}
if(typeof data4 === "string"){
if(!pattern5.test(data4)){
vErrors = note(vErrors, instancePath+"/insecure", "#/$defs/registry/properties/insecure/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data.mirrors !== undefined){
let data5 = data.mirrors;
if(((!(Array.isArray(data5))) && (typeof data5 !== "string")) && (data5 !== null)){
vErrors = note(vErrors, instancePath+"/mirrors", "#/$defs/registry/properties/mirrors/type", "type", {type: schema21.properties.mirrors.type});
errors++;
}
if(typeof data5 === "string"){
if(!pattern5.test(data5)){
vErrors = note(vErrors, instancePath+"/mirrors", "#/$defs/registry/properties/mirrors/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data5)){
const len0 = data5.length;
for(let i0=0; i0<len0; i0++){
let data6 = data5[i0];
if((((typeof data6 !== "string") && (!((typeof data6 == "number") && (isFinite(data6))))) && (typeof data6 !== "boolean")) && (data6 !== null)){
vErrors = note(vErrors, instancePath+"/mirrors/" + i0, "#/$defs/registry/properties/mirrors/items/type", "type", {type: schema21.properties.mirrors.items.type});
errors++;
}
}
}
}
if(data.concurrency !== undefined){
let data7 = data.concurrency;
if(((!(((typeof data7 == "number") && (!(data7 % 1) && !isNaN(data7))) && (isFinite(data7)))) && (typeof data7 !== "string")) && (data7 !== null)){
vErrors = note(vErrors, instancePath+"/concurrency", "#/$defs/registry/properties/concurrency/type", "type", {type: schema21.properties.concurrency.type});
errors++;
}
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 < 1 || isNaN(data7)){
vErrors = note(vErrors, instancePath+"/concurrency", "#/$defs/registry/properties/concurrency/minimum", "minimum", {comparison: ">=", limit: 1});
errors++;
}
}
}
}
validate55.errors = vErrors;
return errors === 0;
}
validate55.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema22 = {"$ref":"#/$defs/build","properties":{"matrix":false,"name":false}};
const schema23 = {"type":["object","null"],"properties":{"description":{"type":["string","number","boolean","null"]},"extends":{"type":["string","array","null"],"items":{"type":["string","number","boolean","null"]}},"matrix":{"type":["object","null"],"properties":{"include":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["object","string","null"],"pattern":"\\$\\{\\{"}},"exclude":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["object","string","null"],"pattern":"\\$\\{\\{"}},"when":{"type":["string","boolean","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":{"type":["array","string","null"],"pattern":"\\$\\{\\{"}},"name":{"type":["string","number","boolean","null"]},"context":{"type":["string","number","boolean","null"]},"dockerfile":{"type":["string","number","boolean","null"]},"dockerfile-inline":{"type":["string","number","boolean","null"]},"frontend":{"type":["string","null"],"pattern":"^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{"},"source":{"type":["string","number","boolean","null"]},"opts":{"type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"buildctl-options":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"target":{"type":["string","number","boolean","null"]},"args":{"type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"contexts":{"type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"needs":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"platforms":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"tags":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"push":{"type":["boolean","string","null"],"pattern":"^always$|\\$\\{\\{"},"labels":{"type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"annotations":{"type":["object","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]}},"outputs":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"attest":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"compression":{"type":["string","object","null"],"pattern":"^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{","properties":{"type":{"type":["string","null"],"pattern":"^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"},"level":{"type":["integer","string","null"],"pattern":"\\$\\{\\{"},"force":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":false},"reproducible":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"source-date-epoch":{"type":["integer","string","null"],"pattern":"^[0-9]+$|\\$\\{\\{"},"cache":{"type":["string","object","null"],"properties":{"repository":{"type":["string","number","boolean","null"]},"mode":{"type":["string","null"],"pattern":"^(?:min|max)$|\\$\\{\\{"},"export":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"}},"additionalProperties":false},"cache-from":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"cache-to":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"type":{"type":["string","number","boolean","null"]}},"additionalProperties":{"type":["string","number","boolean","null"]}}},"no-cache":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"no-cache-filter":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"pull":{"type":["boolean","string","null"],"pattern":"\\$\\{\\{"},"secrets":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"id":{"type":["string","number","boolean","null"]},"file":{"type":["string","number","boolean","null"]},"env":{"type":["string","number","boolean","null"]},"command":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"ssh":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","object","null"],"properties":{"id":{"type":["string","number","boolean","null"]},"paths":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false}},"network":{"type":["string","null"],"pattern":"^(?:default|none|host)?$|\\$\\{\\{"},"extra-hosts":{"type":["object","array","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["string","number","boolean","null"]},"items":{"type":["string","number","boolean","null"]}},"ulimits":{"type":["object","array","string","null"],"pattern":"\\$\\{\\{","additionalProperties":{"type":["integer","string","object","null"],"properties":{"soft":{"type":["integer","string","null"]},"hard":{"type":["integer","string","null"]}},"additionalProperties":false},"items":{"type":["string","number","boolean","null"]}},"shm-size":{"type":["integer","string","null"]},"cgroup-parent":{"type":["string","number","boolean","null"]},"engine":{"type":["object","string","null"],"pattern":"\\$\\{\\{","properties":{"labels":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false},"timeout":{"type":["integer","string","null"]},"entitlements":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}}},"additionalProperties":false};
const pattern21 = new RegExp("^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{", "u");
const pattern29 = new RegExp("^always$|\\$\\{\\{", "u");
const pattern34 = new RegExp("^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{", "u");
const pattern39 = new RegExp("^[0-9]+$|\\$\\{\\{", "u");
const pattern40 = new RegExp("^(?:min|max)$|\\$\\{\\{", "u");
const pattern51 = new RegExp("^(?:default|none|host)?$|\\$\\{\\{", "u");

function validate58(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate58.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if((!(data && typeof data == "object" && !Array.isArray(data))) && (data !== null)){
vErrors = note(vErrors, instancePath, "#/$defs/build/type", "type", {type: schema23.type});
errors++;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!(func1.call(schema23.properties, key0))){
vErrors = note(vErrors, instancePath, "#/$defs/build/additionalProperties", "additionalProperties", {additionalProperty: key0});
errors++;
}
}
if(data.description !== undefined){
let data0 = data.description;
if((((typeof data0 !== "string") && (!((typeof data0 == "number") && (isFinite(data0))))) && (typeof data0 !== "boolean")) && (data0 !== null)){
vErrors = note(vErrors, instancePath+"/description", "#/$defs/build/properties/description/type", "type", {type: schema23.properties.description.type});
errors++;
}
}
if(data.extends !== undefined){
let data1 = data.extends;
if(((typeof data1 !== "string") && (!(Array.isArray(data1)))) && (data1 !== null)){
vErrors = note(vErrors, instancePath+"/extends", "#/$defs/build/properties/extends/type", "type", {type: schema23.properties.extends.type});
errors++;
}
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
if((((typeof data2 !== "string") && (!((typeof data2 == "number") && (isFinite(data2))))) && (typeof data2 !== "boolean")) && (data2 !== null)){
vErrors = note(vErrors, instancePath+"/extends/" + i0, "#/$defs/build/properties/extends/items/type", "type", {type: schema23.properties.extends.items.type});
errors++;
}
}
}
}
if(data.matrix !== undefined){
let data3 = data.matrix;
if((!(data3 && typeof data3 == "object" && !Array.isArray(data3))) && (data3 !== null)){
vErrors = note(vErrors, instancePath+"/matrix", "#/$defs/build/properties/matrix/type", "type", {type: schema23.properties.matrix.type});
errors++;
}
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
for(const key1 in data3){
if(!(((key1 === "include") || (key1 === "exclude")) || (key1 === "when"))){
let data4 = data3[key1];
if(((!(Array.isArray(data4))) && (typeof data4 !== "string")) && (data4 !== null)){
vErrors = note(vErrors, instancePath+"/matrix/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/matrix/additionalProperties/type", "type", {type: schema23.properties.matrix.additionalProperties.type});
errors++;
}
if(typeof data4 === "string"){
if(!pattern5.test(data4)){
vErrors = note(vErrors, instancePath+"/matrix/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/matrix/additionalProperties/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
}
if(data3.include !== undefined){
let data5 = data3.include;
if(((!(Array.isArray(data5))) && (typeof data5 !== "string")) && (data5 !== null)){
vErrors = note(vErrors, instancePath+"/matrix/include", "#/$defs/build/properties/matrix/properties/include/type", "type", {type: schema23.properties.matrix.properties.include.type});
errors++;
}
if(typeof data5 === "string"){
if(!pattern5.test(data5)){
vErrors = note(vErrors, instancePath+"/matrix/include", "#/$defs/build/properties/matrix/properties/include/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data5)){
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
let data6 = data5[i1];
if(((!(data6 && typeof data6 == "object" && !Array.isArray(data6))) && (typeof data6 !== "string")) && (data6 !== null)){
vErrors = note(vErrors, instancePath+"/matrix/include/" + i1, "#/$defs/build/properties/matrix/properties/include/items/type", "type", {type: schema23.properties.matrix.properties.include.items.type});
errors++;
}
if(typeof data6 === "string"){
if(!pattern5.test(data6)){
vErrors = note(vErrors, instancePath+"/matrix/include/" + i1, "#/$defs/build/properties/matrix/properties/include/items/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
}
}
if(data3.exclude !== undefined){
let data7 = data3.exclude;
if(((!(Array.isArray(data7))) && (typeof data7 !== "string")) && (data7 !== null)){
vErrors = note(vErrors, instancePath+"/matrix/exclude", "#/$defs/build/properties/matrix/properties/exclude/type", "type", {type: schema23.properties.matrix.properties.exclude.type});
errors++;
}
if(typeof data7 === "string"){
if(!pattern5.test(data7)){
vErrors = note(vErrors, instancePath+"/matrix/exclude", "#/$defs/build/properties/matrix/properties/exclude/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data7)){
const len2 = data7.length;
for(let i2=0; i2<len2; i2++){
let data8 = data7[i2];
if(((!(data8 && typeof data8 == "object" && !Array.isArray(data8))) && (typeof data8 !== "string")) && (data8 !== null)){
vErrors = note(vErrors, instancePath+"/matrix/exclude/" + i2, "#/$defs/build/properties/matrix/properties/exclude/items/type", "type", {type: schema23.properties.matrix.properties.exclude.items.type});
errors++;
}
if(typeof data8 === "string"){
if(!pattern5.test(data8)){
vErrors = note(vErrors, instancePath+"/matrix/exclude/" + i2, "#/$defs/build/properties/matrix/properties/exclude/items/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
}
}
if(data3.when !== undefined){
let data9 = data3.when;
if(((typeof data9 !== "string") && (typeof data9 !== "boolean")) && (data9 !== null)){
vErrors = note(vErrors, instancePath+"/matrix/when", "#/$defs/build/properties/matrix/properties/when/type", "type", {type: schema23.properties.matrix.properties.when.type});
errors++;
}
if(typeof data9 === "string"){
if(!pattern5.test(data9)){
vErrors = note(vErrors, instancePath+"/matrix/when", "#/$defs/build/properties/matrix/properties/when/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
}
}
if(data.name !== undefined){
let data10 = data.name;
if((((typeof data10 !== "string") && (!((typeof data10 == "number") && (isFinite(data10))))) && (typeof data10 !== "boolean")) && (data10 !== null)){
vErrors = note(vErrors, instancePath+"/name", "#/$defs/build/properties/name/type", "type", {type: schema23.properties.name.type});
errors++;
}
}
if(data.context !== undefined){
let data11 = data.context;
if((((typeof data11 !== "string") && (!((typeof data11 == "number") && (isFinite(data11))))) && (typeof data11 !== "boolean")) && (data11 !== null)){
vErrors = note(vErrors, instancePath+"/context", "#/$defs/build/properties/context/type", "type", {type: schema23.properties.context.type});
errors++;
}
}
if(data.dockerfile !== undefined){
let data12 = data.dockerfile;
if((((typeof data12 !== "string") && (!((typeof data12 == "number") && (isFinite(data12))))) && (typeof data12 !== "boolean")) && (data12 !== null)){
vErrors = note(vErrors, instancePath+"/dockerfile", "#/$defs/build/properties/dockerfile/type", "type", {type: schema23.properties.dockerfile.type});
errors++;
}
}
if(data["dockerfile-inline"] !== undefined){
let data13 = data["dockerfile-inline"];
if((((typeof data13 !== "string") && (!((typeof data13 == "number") && (isFinite(data13))))) && (typeof data13 !== "boolean")) && (data13 !== null)){
vErrors = note(vErrors, instancePath+"/dockerfile-inline", "#/$defs/build/properties/dockerfile-inline/type", "type", {type: schema23.properties["dockerfile-inline"].type});
errors++;
}
}
if(data.frontend !== undefined){
let data14 = data.frontend;
if((typeof data14 !== "string") && (data14 !== null)){
vErrors = note(vErrors, instancePath+"/frontend", "#/$defs/build/properties/frontend/type", "type", {type: schema23.properties.frontend.type});
errors++;
}
if(typeof data14 === "string"){
if(!pattern21.test(data14)){
vErrors = note(vErrors, instancePath+"/frontend", "#/$defs/build/properties/frontend/pattern", "pattern", {pattern: "^(?:(?:dockerfile|gateway)\\.v0)?$|\\$\\{\\{"});
errors++;
}
}
}
if(data.source !== undefined){
let data15 = data.source;
if((((typeof data15 !== "string") && (!((typeof data15 == "number") && (isFinite(data15))))) && (typeof data15 !== "boolean")) && (data15 !== null)){
vErrors = note(vErrors, instancePath+"/source", "#/$defs/build/properties/source/type", "type", {type: schema23.properties.source.type});
errors++;
}
}
if(data.opts !== undefined){
let data16 = data.opts;
if(((!(data16 && typeof data16 == "object" && !Array.isArray(data16))) && (typeof data16 !== "string")) && (data16 !== null)){
vErrors = note(vErrors, instancePath+"/opts", "#/$defs/build/properties/opts/type", "type", {type: schema23.properties.opts.type});
errors++;
}
if(typeof data16 === "string"){
if(!pattern5.test(data16)){
vErrors = note(vErrors, instancePath+"/opts", "#/$defs/build/properties/opts/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
for(const key2 in data16){
let data17 = data16[key2];
if((((typeof data17 !== "string") && (!((typeof data17 == "number") && (isFinite(data17))))) && (typeof data17 !== "boolean")) && (data17 !== null)){
vErrors = note(vErrors, instancePath+"/opts/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/opts/additionalProperties/type", "type", {type: schema23.properties.opts.additionalProperties.type});
errors++;
}
}
}
}
if(data["buildctl-options"] !== undefined){
let data18 = data["buildctl-options"];
if(((!(Array.isArray(data18))) && (typeof data18 !== "string")) && (data18 !== null)){
vErrors = note(vErrors, instancePath+"/buildctl-options", "#/$defs/build/properties/buildctl-options/type", "type", {type: schema23.properties["buildctl-options"].type});
errors++;
}
if(typeof data18 === "string"){
if(!pattern5.test(data18)){
vErrors = note(vErrors, instancePath+"/buildctl-options", "#/$defs/build/properties/buildctl-options/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data18)){
const len3 = data18.length;
for(let i3=0; i3<len3; i3++){
let data19 = data18[i3];
if((((typeof data19 !== "string") && (!((typeof data19 == "number") && (isFinite(data19))))) && (typeof data19 !== "boolean")) && (data19 !== null)){
vErrors = note(vErrors, instancePath+"/buildctl-options/" + i3, "#/$defs/build/properties/buildctl-options/items/type", "type", {type: schema23.properties["buildctl-options"].items.type});
errors++;
}
}
}
}
if(data.target !== undefined){
let data20 = data.target;
if((((typeof data20 !== "string") && (!((typeof data20 == "number") && (isFinite(data20))))) && (typeof data20 !== "boolean")) && (data20 !== null)){
vErrors = note(vErrors, instancePath+"/target", "#/$defs/build/properties/target/type", "type", {type: schema23.properties.target.type});
errors++;
}
}
if(data.args !== undefined){
let data21 = data.args;
if(((!(data21 && typeof data21 == "object" && !Array.isArray(data21))) && (typeof data21 !== "string")) && (data21 !== null)){
vErrors = note(vErrors, instancePath+"/args", "#/$defs/build/properties/args/type", "type", {type: schema23.properties.args.type});
errors++;
}
if(typeof data21 === "string"){
if(!pattern5.test(data21)){
vErrors = note(vErrors, instancePath+"/args", "#/$defs/build/properties/args/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data21 && typeof data21 == "object" && !Array.isArray(data21)){
for(const key3 in data21){
let data22 = data21[key3];
if((((typeof data22 !== "string") && (!((typeof data22 == "number") && (isFinite(data22))))) && (typeof data22 !== "boolean")) && (data22 !== null)){
vErrors = note(vErrors, instancePath+"/args/" + key3.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/args/additionalProperties/type", "type", {type: schema23.properties.args.additionalProperties.type});
errors++;
}
}
}
}
if(data.contexts !== undefined){
let data23 = data.contexts;
if(((!(data23 && typeof data23 == "object" && !Array.isArray(data23))) && (typeof data23 !== "string")) && (data23 !== null)){
vErrors = note(vErrors, instancePath+"/contexts", "#/$defs/build/properties/contexts/type", "type", {type: schema23.properties.contexts.type});
errors++;
}
if(typeof data23 === "string"){
if(!pattern5.test(data23)){
vErrors = note(vErrors, instancePath+"/contexts", "#/$defs/build/properties/contexts/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data23 && typeof data23 == "object" && !Array.isArray(data23)){
for(const key4 in data23){
let data24 = data23[key4];
if((((typeof data24 !== "string") && (!((typeof data24 == "number") && (isFinite(data24))))) && (typeof data24 !== "boolean")) && (data24 !== null)){
vErrors = note(vErrors, instancePath+"/contexts/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/contexts/additionalProperties/type", "type", {type: schema23.properties.contexts.additionalProperties.type});
errors++;
}
}
}
}
if(data.needs !== undefined){
let data25 = data.needs;
if(((!(Array.isArray(data25))) && (typeof data25 !== "string")) && (data25 !== null)){
vErrors = note(vErrors, instancePath+"/needs", "#/$defs/build/properties/needs/type", "type", {type: schema23.properties.needs.type});
errors++;
}
if(typeof data25 === "string"){
if(!pattern5.test(data25)){
vErrors = note(vErrors, instancePath+"/needs", "#/$defs/build/properties/needs/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data25)){
const len4 = data25.length;
for(let i4=0; i4<len4; i4++){
let data26 = data25[i4];
if((((typeof data26 !== "string") && (!((typeof data26 == "number") && (isFinite(data26))))) && (typeof data26 !== "boolean")) && (data26 !== null)){
vErrors = note(vErrors, instancePath+"/needs/" + i4, "#/$defs/build/properties/needs/items/type", "type", {type: schema23.properties.needs.items.type});
errors++;
}
}
}
}
if(data.platforms !== undefined){
let data27 = data.platforms;
if(((!(Array.isArray(data27))) && (typeof data27 !== "string")) && (data27 !== null)){
vErrors = note(vErrors, instancePath+"/platforms", "#/$defs/build/properties/platforms/type", "type", {type: schema23.properties.platforms.type});
errors++;
}
if(typeof data27 === "string"){
if(!pattern5.test(data27)){
vErrors = note(vErrors, instancePath+"/platforms", "#/$defs/build/properties/platforms/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data27)){
const len5 = data27.length;
for(let i5=0; i5<len5; i5++){
let data28 = data27[i5];
if((((typeof data28 !== "string") && (!((typeof data28 == "number") && (isFinite(data28))))) && (typeof data28 !== "boolean")) && (data28 !== null)){
vErrors = note(vErrors, instancePath+"/platforms/" + i5, "#/$defs/build/properties/platforms/items/type", "type", {type: schema23.properties.platforms.items.type});
errors++;
}
}
}
}
if(data.tags !== undefined){
let data29 = data.tags;
if(((!(Array.isArray(data29))) && (typeof data29 !== "string")) && (data29 !== null)){
vErrors = note(vErrors, instancePath+"/tags", "#/$defs/build/properties/tags/type", "type", {type: schema23.properties.tags.type});
errors++;
}
if(typeof data29 === "string"){
if(!pattern5.test(data29)){
vErrors = note(vErrors, instancePath+"/tags", "#/$defs/build/properties/tags/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data29)){
const len6 = data29.length;
for(let i6=0; i6<len6; i6++){
let data30 = data29[i6];
if((((typeof data30 !== "string") && (!((typeof data30 == "number") && (isFinite(data30))))) && (typeof data30 !== "boolean")) && (data30 !== null)){
vErrors = note(vErrors, instancePath+"/tags/" + i6, "#/$defs/build/properties/tags/items/type", "type", {type: schema23.properties.tags.items.type});
errors++;
}
}
}
}
if(data.push !== undefined){
let data31 = data.push;
if(((typeof data31 !== "boolean") && (typeof data31 !== "string")) && (data31 !== null)){
vErrors = note(vErrors, instancePath+"/push", "#/$defs/build/properties/push/type", "type", {type: schema23.properties.push.type});
errors++;
}
if(typeof data31 === "string"){
if(!pattern29.test(data31)){
vErrors = note(vErrors, instancePath+"/push", "#/$defs/build/properties/push/pattern", "pattern", {pattern: "^always$|\\$\\{\\{"});
errors++;
}
}
}
if(data.labels !== undefined){
let data32 = data.labels;
if(((!(data32 && typeof data32 == "object" && !Array.isArray(data32))) && (typeof data32 !== "string")) && (data32 !== null)){
vErrors = note(vErrors, instancePath+"/labels", "#/$defs/build/properties/labels/type", "type", {type: schema23.properties.labels.type});
errors++;
}
if(typeof data32 === "string"){
if(!pattern5.test(data32)){
vErrors = note(vErrors, instancePath+"/labels", "#/$defs/build/properties/labels/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data32 && typeof data32 == "object" && !Array.isArray(data32)){
for(const key5 in data32){
let data33 = data32[key5];
if((((typeof data33 !== "string") && (!((typeof data33 == "number") && (isFinite(data33))))) && (typeof data33 !== "boolean")) && (data33 !== null)){
vErrors = note(vErrors, instancePath+"/labels/" + key5.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/labels/additionalProperties/type", "type", {type: schema23.properties.labels.additionalProperties.type});
errors++;
}
}
}
}
if(data.annotations !== undefined){
let data34 = data.annotations;
if(((!(data34 && typeof data34 == "object" && !Array.isArray(data34))) && (typeof data34 !== "string")) && (data34 !== null)){
vErrors = note(vErrors, instancePath+"/annotations", "#/$defs/build/properties/annotations/type", "type", {type: schema23.properties.annotations.type});
errors++;
}
if(typeof data34 === "string"){
if(!pattern5.test(data34)){
vErrors = note(vErrors, instancePath+"/annotations", "#/$defs/build/properties/annotations/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data34 && typeof data34 == "object" && !Array.isArray(data34)){
for(const key6 in data34){
let data35 = data34[key6];
if((((typeof data35 !== "string") && (!((typeof data35 == "number") && (isFinite(data35))))) && (typeof data35 !== "boolean")) && (data35 !== null)){
vErrors = note(vErrors, instancePath+"/annotations/" + key6.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/annotations/additionalProperties/type", "type", {type: schema23.properties.annotations.additionalProperties.type});
errors++;
}
}
}
}
if(data.outputs !== undefined){
let data36 = data.outputs;
if(((!(Array.isArray(data36))) && (typeof data36 !== "string")) && (data36 !== null)){
vErrors = note(vErrors, instancePath+"/outputs", "#/$defs/build/properties/outputs/type", "type", {type: schema23.properties.outputs.type});
errors++;
}
if(typeof data36 === "string"){
if(!pattern5.test(data36)){
vErrors = note(vErrors, instancePath+"/outputs", "#/$defs/build/properties/outputs/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data36)){
const len7 = data36.length;
for(let i7=0; i7<len7; i7++){
let data37 = data36[i7];
if(((typeof data37 !== "string") && (!(data37 && typeof data37 == "object" && !Array.isArray(data37)))) && (data37 !== null)){
vErrors = note(vErrors, instancePath+"/outputs/" + i7, "#/$defs/build/properties/outputs/items/type", "type", {type: schema23.properties.outputs.items.type});
errors++;
}
if(data37 && typeof data37 == "object" && !Array.isArray(data37)){
for(const key7 in data37){
if(!(key7 === "type")){
let data38 = data37[key7];
if((((typeof data38 !== "string") && (!((typeof data38 == "number") && (isFinite(data38))))) && (typeof data38 !== "boolean")) && (data38 !== null)){
vErrors = note(vErrors, instancePath+"/outputs/" + i7+"/" + key7.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/outputs/items/additionalProperties/type", "type", {type: schema23.properties.outputs.items.additionalProperties.type});
errors++;
}
}
}
if(data37.type !== undefined){
let data39 = data37.type;
if((((typeof data39 !== "string") && (!((typeof data39 == "number") && (isFinite(data39))))) && (typeof data39 !== "boolean")) && (data39 !== null)){
vErrors = note(vErrors, instancePath+"/outputs/" + i7+"/type", "#/$defs/build/properties/outputs/items/properties/type/type", "type", {type: schema23.properties.outputs.items.properties.type.type});
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
vErrors = note(vErrors, instancePath+"/attest", "#/$defs/build/properties/attest/type", "type", {type: schema23.properties.attest.type});
errors++;
}
if(typeof data40 === "string"){
if(!pattern5.test(data40)){
vErrors = note(vErrors, instancePath+"/attest", "#/$defs/build/properties/attest/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data40)){
const len8 = data40.length;
for(let i8=0; i8<len8; i8++){
let data41 = data40[i8];
if(((typeof data41 !== "string") && (!(data41 && typeof data41 == "object" && !Array.isArray(data41)))) && (data41 !== null)){
vErrors = note(vErrors, instancePath+"/attest/" + i8, "#/$defs/build/properties/attest/items/type", "type", {type: schema23.properties.attest.items.type});
errors++;
}
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
for(const key8 in data41){
if(!(key8 === "type")){
let data42 = data41[key8];
if((((typeof data42 !== "string") && (!((typeof data42 == "number") && (isFinite(data42))))) && (typeof data42 !== "boolean")) && (data42 !== null)){
vErrors = note(vErrors, instancePath+"/attest/" + i8+"/" + key8.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/attest/items/additionalProperties/type", "type", {type: schema23.properties.attest.items.additionalProperties.type});
errors++;
}
}
}
if(data41.type !== undefined){
let data43 = data41.type;
if((((typeof data43 !== "string") && (!((typeof data43 == "number") && (isFinite(data43))))) && (typeof data43 !== "boolean")) && (data43 !== null)){
vErrors = note(vErrors, instancePath+"/attest/" + i8+"/type", "#/$defs/build/properties/attest/items/properties/type/type", "type", {type: schema23.properties.attest.items.properties.type.type});
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
vErrors = note(vErrors, instancePath+"/compression", "#/$defs/build/properties/compression/type", "type", {type: schema23.properties.compression.type});
errors++;
}
if(typeof data44 === "string"){
if(!pattern34.test(data44)){
vErrors = note(vErrors, instancePath+"/compression", "#/$defs/build/properties/compression/pattern", "pattern", {pattern: "^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"});
errors++;
}
}
if(data44 && typeof data44 == "object" && !Array.isArray(data44)){
for(const key9 in data44){
if(!(((key9 === "type") || (key9 === "level")) || (key9 === "force"))){
vErrors = note(vErrors, instancePath+"/compression", "#/$defs/build/properties/compression/additionalProperties", "additionalProperties", {additionalProperty: key9});
errors++;
}
}
if(data44.type !== undefined){
let data45 = data44.type;
if((typeof data45 !== "string") && (data45 !== null)){
vErrors = note(vErrors, instancePath+"/compression/type", "#/$defs/build/properties/compression/properties/type/type", "type", {type: schema23.properties.compression.properties.type.type});
errors++;
}
if(typeof data45 === "string"){
if(!pattern34.test(data45)){
vErrors = note(vErrors, instancePath+"/compression/type", "#/$defs/build/properties/compression/properties/type/pattern", "pattern", {pattern: "^(?:uncompressed|gzip|zstd|estargz)$|\\$\\{\\{"});
errors++;
}
}
}
if(data44.level !== undefined){
let data46 = data44.level;
if(((!(((typeof data46 == "number") && (!(data46 % 1) && !isNaN(data46))) && (isFinite(data46)))) && (typeof data46 !== "string")) && (data46 !== null)){
vErrors = note(vErrors, instancePath+"/compression/level", "#/$defs/build/properties/compression/properties/level/type", "type", {type: schema23.properties.compression.properties.level.type});
errors++;
}
if(typeof data46 === "string"){
if(!pattern5.test(data46)){
vErrors = note(vErrors, instancePath+"/compression/level", "#/$defs/build/properties/compression/properties/level/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data44.force !== undefined){
let data47 = data44.force;
if(((typeof data47 !== "boolean") && (typeof data47 !== "string")) && (data47 !== null)){
vErrors = note(vErrors, instancePath+"/compression/force", "#/$defs/build/properties/compression/properties/force/type", "type", {type: schema23.properties.compression.properties.force.type});
errors++;
}
if(typeof data47 === "string"){
if(!pattern5.test(data47)){
vErrors = note(vErrors, instancePath+"/compression/force", "#/$defs/build/properties/compression/properties/force/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
}
}
if(data.reproducible !== undefined){
let data48 = data.reproducible;
if(((typeof data48 !== "boolean") && (typeof data48 !== "string")) && (data48 !== null)){
vErrors = note(vErrors, instancePath+"/reproducible", "#/$defs/build/properties/reproducible/type", "type", {type: schema23.properties.reproducible.type});
errors++;
}
if(typeof data48 === "string"){
if(!pattern5.test(data48)){
vErrors = note(vErrors, instancePath+"/reproducible", "#/$defs/build/properties/reproducible/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data["source-date-epoch"] !== undefined){
let data49 = data["source-date-epoch"];
if(((!(((typeof data49 == "number") && (!(data49 % 1) && !isNaN(data49))) && (isFinite(data49)))) && (typeof data49 !== "string")) && (data49 !== null)){
vErrors = note(vErrors, instancePath+"/source-date-epoch", "#/$defs/build/properties/source-date-epoch/type", "type", {type: schema23.properties["source-date-epoch"].type});
errors++;
}
if(typeof data49 === "string"){
if(!pattern39.test(data49)){
vErrors = note(vErrors, instancePath+"/source-date-epoch", "#/$defs/build/properties/source-date-epoch/pattern", "pattern", {pattern: "^[0-9]+$|\\$\\{\\{"});
errors++;
}
}
}
if(data.cache !== undefined){
let data50 = data.cache;
if(((typeof data50 !== "string") && (!(data50 && typeof data50 == "object" && !Array.isArray(data50)))) && (data50 !== null)){
vErrors = note(vErrors, instancePath+"/cache", "#/$defs/build/properties/cache/type", "type", {type: schema23.properties.cache.type});
errors++;
}
if(data50 && typeof data50 == "object" && !Array.isArray(data50)){
for(const key10 in data50){
if(!(((key10 === "repository") || (key10 === "mode")) || (key10 === "export"))){
vErrors = note(vErrors, instancePath+"/cache", "#/$defs/build/properties/cache/additionalProperties", "additionalProperties", {additionalProperty: key10});
errors++;
}
}
if(data50.repository !== undefined){
let data51 = data50.repository;
if((((typeof data51 !== "string") && (!((typeof data51 == "number") && (isFinite(data51))))) && (typeof data51 !== "boolean")) && (data51 !== null)){
vErrors = note(vErrors, instancePath+"/cache/repository", "#/$defs/build/properties/cache/properties/repository/type", "type", {type: schema23.properties.cache.properties.repository.type});
errors++;
}
}
if(data50.mode !== undefined){
let data52 = data50.mode;
if((typeof data52 !== "string") && (data52 !== null)){
vErrors = note(vErrors, instancePath+"/cache/mode", "#/$defs/build/properties/cache/properties/mode/type", "type", {type: schema23.properties.cache.properties.mode.type});
errors++;
}
if(typeof data52 === "string"){
if(!pattern40.test(data52)){
vErrors = note(vErrors, instancePath+"/cache/mode", "#/$defs/build/properties/cache/properties/mode/pattern", "pattern", {pattern: "^(?:min|max)$|\\$\\{\\{"});
errors++;
}
}
}
if(data50.export !== undefined){
let data53 = data50.export;
if(((typeof data53 !== "boolean") && (typeof data53 !== "string")) && (data53 !== null)){
vErrors = note(vErrors, instancePath+"/cache/export", "#/$defs/build/properties/cache/properties/export/type", "type", {type: schema23.properties.cache.properties.export.type});
errors++;
}
if(typeof data53 === "string"){
if(!pattern5.test(data53)){
vErrors = note(vErrors, instancePath+"/cache/export", "#/$defs/build/properties/cache/properties/export/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
}
}
if(data["cache-from"] !== undefined){
let data54 = data["cache-from"];
if(((!(Array.isArray(data54))) && (typeof data54 !== "string")) && (data54 !== null)){
vErrors = note(vErrors, instancePath+"/cache-from", "#/$defs/build/properties/cache-from/type", "type", {type: schema23.properties["cache-from"].type});
errors++;
}
if(typeof data54 === "string"){
if(!pattern5.test(data54)){
vErrors = note(vErrors, instancePath+"/cache-from", "#/$defs/build/properties/cache-from/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data54)){
const len9 = data54.length;
for(let i9=0; i9<len9; i9++){
let data55 = data54[i9];
if(((typeof data55 !== "string") && (!(data55 && typeof data55 == "object" && !Array.isArray(data55)))) && (data55 !== null)){
vErrors = note(vErrors, instancePath+"/cache-from/" + i9, "#/$defs/build/properties/cache-from/items/type", "type", {type: schema23.properties["cache-from"].items.type});
errors++;
}
if(data55 && typeof data55 == "object" && !Array.isArray(data55)){
for(const key11 in data55){
if(!(key11 === "type")){
let data56 = data55[key11];
if((((typeof data56 !== "string") && (!((typeof data56 == "number") && (isFinite(data56))))) && (typeof data56 !== "boolean")) && (data56 !== null)){
vErrors = note(vErrors, instancePath+"/cache-from/" + i9+"/" + key11.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/cache-from/items/additionalProperties/type", "type", {type: schema23.properties["cache-from"].items.additionalProperties.type});
errors++;
}
}
}
if(data55.type !== undefined){
let data57 = data55.type;
if((((typeof data57 !== "string") && (!((typeof data57 == "number") && (isFinite(data57))))) && (typeof data57 !== "boolean")) && (data57 !== null)){
vErrors = note(vErrors, instancePath+"/cache-from/" + i9+"/type", "#/$defs/build/properties/cache-from/items/properties/type/type", "type", {type: schema23.properties["cache-from"].items.properties.type.type});
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
vErrors = note(vErrors, instancePath+"/cache-to", "#/$defs/build/properties/cache-to/type", "type", {type: schema23.properties["cache-to"].type});
errors++;
}
if(typeof data58 === "string"){
if(!pattern5.test(data58)){
vErrors = note(vErrors, instancePath+"/cache-to", "#/$defs/build/properties/cache-to/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data58)){
const len10 = data58.length;
for(let i10=0; i10<len10; i10++){
let data59 = data58[i10];
if(((typeof data59 !== "string") && (!(data59 && typeof data59 == "object" && !Array.isArray(data59)))) && (data59 !== null)){
vErrors = note(vErrors, instancePath+"/cache-to/" + i10, "#/$defs/build/properties/cache-to/items/type", "type", {type: schema23.properties["cache-to"].items.type});
errors++;
}
if(data59 && typeof data59 == "object" && !Array.isArray(data59)){
for(const key12 in data59){
if(!(key12 === "type")){
let data60 = data59[key12];
if((((typeof data60 !== "string") && (!((typeof data60 == "number") && (isFinite(data60))))) && (typeof data60 !== "boolean")) && (data60 !== null)){
vErrors = note(vErrors, instancePath+"/cache-to/" + i10+"/" + key12.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/cache-to/items/additionalProperties/type", "type", {type: schema23.properties["cache-to"].items.additionalProperties.type});
errors++;
}
}
}
if(data59.type !== undefined){
let data61 = data59.type;
if((((typeof data61 !== "string") && (!((typeof data61 == "number") && (isFinite(data61))))) && (typeof data61 !== "boolean")) && (data61 !== null)){
vErrors = note(vErrors, instancePath+"/cache-to/" + i10+"/type", "#/$defs/build/properties/cache-to/items/properties/type/type", "type", {type: schema23.properties["cache-to"].items.properties.type.type});
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
vErrors = note(vErrors, instancePath+"/no-cache", "#/$defs/build/properties/no-cache/type", "type", {type: schema23.properties["no-cache"].type});
errors++;
}
if(typeof data62 === "string"){
if(!pattern5.test(data62)){
vErrors = note(vErrors, instancePath+"/no-cache", "#/$defs/build/properties/no-cache/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data["no-cache-filter"] !== undefined){
let data63 = data["no-cache-filter"];
if(((!(Array.isArray(data63))) && (typeof data63 !== "string")) && (data63 !== null)){
vErrors = note(vErrors, instancePath+"/no-cache-filter", "#/$defs/build/properties/no-cache-filter/type", "type", {type: schema23.properties["no-cache-filter"].type});
errors++;
}
if(typeof data63 === "string"){
if(!pattern5.test(data63)){
vErrors = note(vErrors, instancePath+"/no-cache-filter", "#/$defs/build/properties/no-cache-filter/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data63)){
const len11 = data63.length;
for(let i11=0; i11<len11; i11++){
let data64 = data63[i11];
if((((typeof data64 !== "string") && (!((typeof data64 == "number") && (isFinite(data64))))) && (typeof data64 !== "boolean")) && (data64 !== null)){
vErrors = note(vErrors, instancePath+"/no-cache-filter/" + i11, "#/$defs/build/properties/no-cache-filter/items/type", "type", {type: schema23.properties["no-cache-filter"].items.type});
errors++;
}
}
}
}
if(data.pull !== undefined){
let data65 = data.pull;
if(((typeof data65 !== "boolean") && (typeof data65 !== "string")) && (data65 !== null)){
vErrors = note(vErrors, instancePath+"/pull", "#/$defs/build/properties/pull/type", "type", {type: schema23.properties.pull.type});
errors++;
}
if(typeof data65 === "string"){
if(!pattern5.test(data65)){
vErrors = note(vErrors, instancePath+"/pull", "#/$defs/build/properties/pull/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
}
if(data.secrets !== undefined){
let data66 = data.secrets;
if(((!(Array.isArray(data66))) && (typeof data66 !== "string")) && (data66 !== null)){
vErrors = note(vErrors, instancePath+"/secrets", "#/$defs/build/properties/secrets/type", "type", {type: schema23.properties.secrets.type});
errors++;
}
if(typeof data66 === "string"){
if(!pattern5.test(data66)){
vErrors = note(vErrors, instancePath+"/secrets", "#/$defs/build/properties/secrets/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data66)){
const len12 = data66.length;
for(let i12=0; i12<len12; i12++){
let data67 = data66[i12];
if(((typeof data67 !== "string") && (!(data67 && typeof data67 == "object" && !Array.isArray(data67)))) && (data67 !== null)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12, "#/$defs/build/properties/secrets/items/type", "type", {type: schema23.properties.secrets.items.type});
errors++;
}
if(data67 && typeof data67 == "object" && !Array.isArray(data67)){
for(const key13 in data67){
if(!((((key13 === "id") || (key13 === "file")) || (key13 === "env")) || (key13 === "command"))){
vErrors = note(vErrors, instancePath+"/secrets/" + i12, "#/$defs/build/properties/secrets/items/additionalProperties", "additionalProperties", {additionalProperty: key13});
errors++;
}
}
if(data67.id !== undefined){
let data68 = data67.id;
if((((typeof data68 !== "string") && (!((typeof data68 == "number") && (isFinite(data68))))) && (typeof data68 !== "boolean")) && (data68 !== null)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12+"/id", "#/$defs/build/properties/secrets/items/properties/id/type", "type", {type: schema23.properties.secrets.items.properties.id.type});
errors++;
}
}
if(data67.file !== undefined){
let data69 = data67.file;
if((((typeof data69 !== "string") && (!((typeof data69 == "number") && (isFinite(data69))))) && (typeof data69 !== "boolean")) && (data69 !== null)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12+"/file", "#/$defs/build/properties/secrets/items/properties/file/type", "type", {type: schema23.properties.secrets.items.properties.file.type});
errors++;
}
}
if(data67.env !== undefined){
let data70 = data67.env;
if((((typeof data70 !== "string") && (!((typeof data70 == "number") && (isFinite(data70))))) && (typeof data70 !== "boolean")) && (data70 !== null)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12+"/env", "#/$defs/build/properties/secrets/items/properties/env/type", "type", {type: schema23.properties.secrets.items.properties.env.type});
errors++;
}
}
if(data67.command !== undefined){
let data71 = data67.command;
if(((!(Array.isArray(data71))) && (typeof data71 !== "string")) && (data71 !== null)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12+"/command", "#/$defs/build/properties/secrets/items/properties/command/type", "type", {type: schema23.properties.secrets.items.properties.command.type});
errors++;
}
if(typeof data71 === "string"){
if(!pattern5.test(data71)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12+"/command", "#/$defs/build/properties/secrets/items/properties/command/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data71)){
const len13 = data71.length;
for(let i13=0; i13<len13; i13++){
let data72 = data71[i13];
if((((typeof data72 !== "string") && (!((typeof data72 == "number") && (isFinite(data72))))) && (typeof data72 !== "boolean")) && (data72 !== null)){
vErrors = note(vErrors, instancePath+"/secrets/" + i12+"/command/" + i13, "#/$defs/build/properties/secrets/items/properties/command/items/type", "type", {type: schema23.properties.secrets.items.properties.command.items.type});
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
vErrors = note(vErrors, instancePath+"/ssh", "#/$defs/build/properties/ssh/type", "type", {type: schema23.properties.ssh.type});
errors++;
}
if(typeof data73 === "string"){
if(!pattern5.test(data73)){
vErrors = note(vErrors, instancePath+"/ssh", "#/$defs/build/properties/ssh/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data73)){
const len14 = data73.length;
for(let i14=0; i14<len14; i14++){
let data74 = data73[i14];
if(((typeof data74 !== "string") && (!(data74 && typeof data74 == "object" && !Array.isArray(data74)))) && (data74 !== null)){
vErrors = note(vErrors, instancePath+"/ssh/" + i14, "#/$defs/build/properties/ssh/items/type", "type", {type: schema23.properties.ssh.items.type});
errors++;
}
if(data74 && typeof data74 == "object" && !Array.isArray(data74)){
for(const key14 in data74){
if(!((key14 === "id") || (key14 === "paths"))){
vErrors = note(vErrors, instancePath+"/ssh/" + i14, "#/$defs/build/properties/ssh/items/additionalProperties", "additionalProperties", {additionalProperty: key14});
errors++;
}
}
if(data74.id !== undefined){
let data75 = data74.id;
if((((typeof data75 !== "string") && (!((typeof data75 == "number") && (isFinite(data75))))) && (typeof data75 !== "boolean")) && (data75 !== null)){
vErrors = note(vErrors, instancePath+"/ssh/" + i14+"/id", "#/$defs/build/properties/ssh/items/properties/id/type", "type", {type: schema23.properties.ssh.items.properties.id.type});
errors++;
}
}
if(data74.paths !== undefined){
let data76 = data74.paths;
if(((!(Array.isArray(data76))) && (typeof data76 !== "string")) && (data76 !== null)){
vErrors = note(vErrors, instancePath+"/ssh/" + i14+"/paths", "#/$defs/build/properties/ssh/items/properties/paths/type", "type", {type: schema23.properties.ssh.items.properties.paths.type});
errors++;
}
if(typeof data76 === "string"){
if(!pattern5.test(data76)){
vErrors = note(vErrors, instancePath+"/ssh/" + i14+"/paths", "#/$defs/build/properties/ssh/items/properties/paths/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data76)){
const len15 = data76.length;
for(let i15=0; i15<len15; i15++){
let data77 = data76[i15];
if((((typeof data77 !== "string") && (!((typeof data77 == "number") && (isFinite(data77))))) && (typeof data77 !== "boolean")) && (data77 !== null)){
vErrors = note(vErrors, instancePath+"/ssh/" + i14+"/paths/" + i15, "#/$defs/build/properties/ssh/items/properties/paths/items/type", "type", {type: schema23.properties.ssh.items.properties.paths.items.type});
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
vErrors = note(vErrors, instancePath+"/network", "#/$defs/build/properties/network/type", "type", {type: schema23.properties.network.type});
errors++;
}
if(typeof data78 === "string"){
if(!pattern51.test(data78)){
vErrors = note(vErrors, instancePath+"/network", "#/$defs/build/properties/network/pattern", "pattern", {pattern: "^(?:default|none|host)?$|\\$\\{\\{"});
errors++;
}
}
}
if(data["extra-hosts"] !== undefined){
let data79 = data["extra-hosts"];
if((typeof data79 != "object") && (typeof data79 !== "string")){
vErrors = note(vErrors, instancePath+"/extra-hosts", "#/$defs/build/properties/extra-hosts/type", "type", {type: schema23.properties["extra-hosts"].type});
errors++;
}
if(typeof data79 === "string"){
if(!pattern5.test(data79)){
vErrors = note(vErrors, instancePath+"/extra-hosts", "#/$defs/build/properties/extra-hosts/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data79)){
const len16 = data79.length;
for(let i16=0; i16<len16; i16++){
let data80 = data79[i16];
if((((typeof data80 !== "string") && (!((typeof data80 == "number") && (isFinite(data80))))) && (typeof data80 !== "boolean")) && (data80 !== null)){
vErrors = note(vErrors, instancePath+"/extra-hosts/" + i16, "#/$defs/build/properties/extra-hosts/items/type", "type", {type: schema23.properties["extra-hosts"].items.type});
errors++;
}
}
}
if(data79 && typeof data79 == "object" && !Array.isArray(data79)){
for(const key15 in data79){
let data81 = data79[key15];
if((((typeof data81 !== "string") && (!((typeof data81 == "number") && (isFinite(data81))))) && (typeof data81 !== "boolean")) && (data81 !== null)){
vErrors = note(vErrors, instancePath+"/extra-hosts/" + key15.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/extra-hosts/additionalProperties/type", "type", {type: schema23.properties["extra-hosts"].additionalProperties.type});
errors++;
}
}
}
}
if(data.ulimits !== undefined){
let data82 = data.ulimits;
if((typeof data82 != "object") && (typeof data82 !== "string")){
vErrors = note(vErrors, instancePath+"/ulimits", "#/$defs/build/properties/ulimits/type", "type", {type: schema23.properties.ulimits.type});
errors++;
}
if(typeof data82 === "string"){
if(!pattern5.test(data82)){
vErrors = note(vErrors, instancePath+"/ulimits", "#/$defs/build/properties/ulimits/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data82)){
const len17 = data82.length;
for(let i17=0; i17<len17; i17++){
let data83 = data82[i17];
if((((typeof data83 !== "string") && (!((typeof data83 == "number") && (isFinite(data83))))) && (typeof data83 !== "boolean")) && (data83 !== null)){
vErrors = note(vErrors, instancePath+"/ulimits/" + i17, "#/$defs/build/properties/ulimits/items/type", "type", {type: schema23.properties.ulimits.items.type});
errors++;
}
}
}
if(data82 && typeof data82 == "object" && !Array.isArray(data82)){
for(const key16 in data82){
let data84 = data82[key16];
if((((!(((typeof data84 == "number") && (!(data84 % 1) && !isNaN(data84))) && (isFinite(data84)))) && (typeof data84 !== "string")) && (!(data84 && typeof data84 == "object" && !Array.isArray(data84)))) && (data84 !== null)){
vErrors = note(vErrors, instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/ulimits/additionalProperties/type", "type", {type: schema23.properties.ulimits.additionalProperties.type});
errors++;
}
if(data84 && typeof data84 == "object" && !Array.isArray(data84)){
for(const key17 in data84){
if(!((key17 === "soft") || (key17 === "hard"))){
vErrors = note(vErrors, instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1"), "#/$defs/build/properties/ulimits/additionalProperties/additionalProperties", "additionalProperties", {additionalProperty: key17});
errors++;
}
}
if(data84.soft !== undefined){
let data85 = data84.soft;
if(((!(((typeof data85 == "number") && (!(data85 % 1) && !isNaN(data85))) && (isFinite(data85)))) && (typeof data85 !== "string")) && (data85 !== null)){
vErrors = note(vErrors, instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1")+"/soft", "#/$defs/build/properties/ulimits/additionalProperties/properties/soft/type", "type", {type: schema23.properties.ulimits.additionalProperties.properties.soft.type});
errors++;
}
}
if(data84.hard !== undefined){
let data86 = data84.hard;
if(((!(((typeof data86 == "number") && (!(data86 % 1) && !isNaN(data86))) && (isFinite(data86)))) && (typeof data86 !== "string")) && (data86 !== null)){
vErrors = note(vErrors, instancePath+"/ulimits/" + key16.replace(/~/g, "~0").replace(/\//g, "~1")+"/hard", "#/$defs/build/properties/ulimits/additionalProperties/properties/hard/type", "type", {type: schema23.properties.ulimits.additionalProperties.properties.hard.type});
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
vErrors = note(vErrors, instancePath+"/shm-size", "#/$defs/build/properties/shm-size/type", "type", {type: schema23.properties["shm-size"].type});
errors++;
}
}
if(data["cgroup-parent"] !== undefined){
let data88 = data["cgroup-parent"];
if((((typeof data88 !== "string") && (!((typeof data88 == "number") && (isFinite(data88))))) && (typeof data88 !== "boolean")) && (data88 !== null)){
vErrors = note(vErrors, instancePath+"/cgroup-parent", "#/$defs/build/properties/cgroup-parent/type", "type", {type: schema23.properties["cgroup-parent"].type});
errors++;
}
}
if(data.engine !== undefined){
let data89 = data.engine;
if(((!(data89 && typeof data89 == "object" && !Array.isArray(data89))) && (typeof data89 !== "string")) && (data89 !== null)){
vErrors = note(vErrors, instancePath+"/engine", "#/$defs/build/properties/engine/type", "type", {type: schema23.properties.engine.type});
errors++;
}
if(typeof data89 === "string"){
if(!pattern5.test(data89)){
vErrors = note(vErrors, instancePath+"/engine", "#/$defs/build/properties/engine/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data89 && typeof data89 == "object" && !Array.isArray(data89)){
for(const key18 in data89){
if(!(key18 === "labels")){
vErrors = note(vErrors, instancePath+"/engine", "#/$defs/build/properties/engine/additionalProperties", "additionalProperties", {additionalProperty: key18});
errors++;
}
}
if(data89.labels !== undefined){
let data90 = data89.labels;
if(((!(Array.isArray(data90))) && (typeof data90 !== "string")) && (data90 !== null)){
vErrors = note(vErrors, instancePath+"/engine/labels", "#/$defs/build/properties/engine/properties/labels/type", "type", {type: schema23.properties.engine.properties.labels.type});
errors++;
}
if(typeof data90 === "string"){
if(!pattern5.test(data90)){
vErrors = note(vErrors, instancePath+"/engine/labels", "#/$defs/build/properties/engine/properties/labels/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data90)){
const len18 = data90.length;
for(let i18=0; i18<len18; i18++){
let data91 = data90[i18];
if((((typeof data91 !== "string") && (!((typeof data91 == "number") && (isFinite(data91))))) && (typeof data91 !== "boolean")) && (data91 !== null)){
vErrors = note(vErrors, instancePath+"/engine/labels/" + i18, "#/$defs/build/properties/engine/properties/labels/items/type", "type", {type: schema23.properties.engine.properties.labels.items.type});
errors++;
}
}
}
}
}
}
if(data.timeout !== undefined){
let data92 = data.timeout;
if(((!(((typeof data92 == "number") && (!(data92 % 1) && !isNaN(data92))) && (isFinite(data92)))) && (typeof data92 !== "string")) && (data92 !== null)){
vErrors = note(vErrors, instancePath+"/timeout", "#/$defs/build/properties/timeout/type", "type", {type: schema23.properties.timeout.type});
errors++;
}
}
if(data.entitlements !== undefined){
let data93 = data.entitlements;
if(((!(Array.isArray(data93))) && (typeof data93 !== "string")) && (data93 !== null)){
vErrors = note(vErrors, instancePath+"/entitlements", "#/$defs/build/properties/entitlements/type", "type", {type: schema23.properties.entitlements.type});
errors++;
}
if(typeof data93 === "string"){
if(!pattern5.test(data93)){
vErrors = note(vErrors, instancePath+"/entitlements", "#/$defs/build/properties/entitlements/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data93)){
const len19 = data93.length;
for(let i19=0; i19<len19; i19++){
let data94 = data93[i19];
if((((typeof data94 !== "string") && (!((typeof data94 == "number") && (isFinite(data94))))) && (typeof data94 !== "boolean")) && (data94 !== null)){
vErrors = note(vErrors, instancePath+"/entitlements/" + i19, "#/$defs/build/properties/entitlements/items/type", "type", {type: schema23.properties.entitlements.items.type});
errors++;
}
}
}
}
}
validate58.errors = vErrors;
return errors === 0;
}
validate58.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate57(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate57.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(!(validate58(data, {instancePath,parentData,parentDataProperty,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate58.errors : vErrors.concat(validate58.errors);
errors = vErrors.length;
}
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.matrix !== undefined){
vErrors = note(vErrors, instancePath+"/matrix", "#/$defs/template/properties/matrix/false schema", "false schema", {});
errors++;
}
if(data.name !== undefined){
vErrors = note(vErrors, instancePath+"/name", "#/$defs/template/properties/name/false schema", "false schema", {});
errors++;
}
}
validate57.errors = vErrors;
return errors === 0;
}
validate57.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema24 = {"type":["array","object","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]},"properties":{"builds":{"type":["array","string","null"],"pattern":"\\$\\{\\{","items":{"type":["string","number","boolean","null"]}},"description":{"type":["string","number","boolean","null"]}},"additionalProperties":false};

function validate62(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate62.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if((typeof data != "object") && (typeof data !== "string")){
vErrors = note(vErrors, instancePath, "#/$defs/group/type", "type", {type: schema24.type});
errors++;
}
if(typeof data === "string"){
if(!pattern5.test(data)){
vErrors = note(vErrors, instancePath, "#/$defs/group/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data)){
const len0 = data.length;
for(let i0=0; i0<len0; i0++){
let data0 = data[i0];
if((((typeof data0 !== "string") && (!((typeof data0 == "number") && (isFinite(data0))))) && (typeof data0 !== "boolean")) && (data0 !== null)){
vErrors = note(vErrors, instancePath+"/" + i0, "#/$defs/group/items/type", "type", {type: schema24.items.type});
errors++;
}
}
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!((key0 === "builds") || (key0 === "description"))){
vErrors = note(vErrors, instancePath, "#/$defs/group/additionalProperties", "additionalProperties", {additionalProperty: key0});
errors++;
}
}
if(data.builds !== undefined){
let data1 = data.builds;
if(((!(Array.isArray(data1))) && (typeof data1 !== "string")) && (data1 !== null)){
vErrors = note(vErrors, instancePath+"/builds", "#/$defs/group/properties/builds/type", "type", {type: schema24.properties.builds.type});
errors++;
}
if(typeof data1 === "string"){
if(!pattern5.test(data1)){
vErrors = note(vErrors, instancePath+"/builds", "#/$defs/group/properties/builds/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data1)){
const len1 = data1.length;
for(let i1=0; i1<len1; i1++){
let data2 = data1[i1];
if((((typeof data2 !== "string") && (!((typeof data2 == "number") && (isFinite(data2))))) && (typeof data2 !== "boolean")) && (data2 !== null)){
vErrors = note(vErrors, instancePath+"/builds/" + i1, "#/$defs/group/properties/builds/items/type", "type", {type: schema24.properties.builds.items.type});
errors++;
}
}
}
}
if(data.description !== undefined){
let data3 = data.description;
if((((typeof data3 !== "string") && (!((typeof data3 == "number") && (isFinite(data3))))) && (typeof data3 !== "boolean")) && (data3 !== null)){
vErrors = note(vErrors, instancePath+"/description", "#/$defs/group/properties/description/type", "type", {type: schema24.properties.description.type});
errors++;
}
}
}
validate62.errors = vErrors;
return errors === 0;
}
validate62.evaluated = {"props":true,"items":true,"dynamicProps":false,"dynamicItems":false};


function validate52(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="urn:bake-ts:builds" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate52.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!((func1.call(schema19.properties, key0)) || (pattern3.test(key0)))){
vErrors = note(vErrors, instancePath, "#/additionalProperties", "additionalProperties", {additionalProperty: key0});
errors++;
}
}
if(data.$schema !== undefined){
if(typeof data.$schema !== "string"){
vErrors = note(vErrors, instancePath+"/$schema", "#/properties/%24schema/type", "type", {type: "string"});
errors++;
}
}
if(data.description !== undefined){
let data1 = data.description;
if((((typeof data1 !== "string") && (!((typeof data1 == "number") && (isFinite(data1))))) && (typeof data1 !== "boolean")) && (data1 !== null)){
vErrors = note(vErrors, instancePath+"/description", "#/properties/description/type", "type", {type: schema19.properties.description.type});
errors++;
}
}
if(data.include !== undefined){
let data2 = data.include;
if((!(Array.isArray(data2))) && (data2 !== null)){
vErrors = note(vErrors, instancePath+"/include", "#/properties/include/type", "type", {type: schema19.properties.include.type});
errors++;
}
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
if(typeof data2[i0] !== "string"){
vErrors = note(vErrors, instancePath+"/include/" + i0, "#/properties/include/items/type", "type", {type: "string"});
errors++;
}
}
}
}
if(data.vars !== undefined){
let data4 = data.vars;
if((!(data4 && typeof data4 == "object" && !Array.isArray(data4))) && (data4 !== null)){
vErrors = note(vErrors, instancePath+"/vars", "#/properties/vars/type", "type", {type: schema19.properties.vars.type});
errors++;
}
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
for(const key1 in data4){
const _errs12 = errors;
if(typeof key1 === "string"){
if(!pattern4.test(key1)){
vErrors = note(vErrors, instancePath+"/vars", "#/properties/vars/propertyNames/pattern", "pattern", {pattern: "^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$"}, key1);
errors++;
}
}
var valid3 = _errs12 === errors;
if(!valid3){
vErrors = note(vErrors, instancePath+"/vars", "#/properties/vars/propertyNames", "propertyNames", {propertyName: key1});
errors++;
}
}
for(const key2 in data4){
if(!(validate53(data4[key2], {instancePath:instancePath+"/vars/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data4,parentDataProperty:key2,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate53.errors : vErrors.concat(validate53.errors);
errors = vErrors.length;
}
}
}
}
if(data.functions !== undefined){
let data6 = data.functions;
if((!(data6 && typeof data6 == "object" && !Array.isArray(data6))) && (data6 !== null)){
vErrors = note(vErrors, instancePath+"/functions", "#/properties/functions/type", "type", {type: schema19.properties.functions.type});
errors++;
}
if(data6 && typeof data6 == "object" && !Array.isArray(data6)){
for(const key3 in data6){
const _errs17 = errors;
if(typeof key3 === "string"){
if(!pattern6.test(key3)){
vErrors = note(vErrors, instancePath+"/functions", "#/properties/functions/propertyNames/pattern", "pattern", {pattern: "^[A-Za-z_][A-Za-z0-9_]*\\(\\s*(?:[A-Za-z_][A-Za-z0-9_]*(?:\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*)?\\s*\\)$"}, key3);
errors++;
}
}
var valid5 = _errs17 === errors;
if(!valid5){
vErrors = note(vErrors, instancePath+"/functions", "#/properties/functions/propertyNames", "propertyNames", {propertyName: key3});
errors++;
}
}
}
}
if(data.registries !== undefined){
let data7 = data.registries;
if((!(data7 && typeof data7 == "object" && !Array.isArray(data7))) && (data7 !== null)){
vErrors = note(vErrors, instancePath+"/registries", "#/properties/registries/type", "type", {type: schema19.properties.registries.type});
errors++;
}
if(data7 && typeof data7 == "object" && !Array.isArray(data7)){
for(const key4 in data7){
if(!(validate55(data7[key4], {instancePath:instancePath+"/registries/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data7,parentDataProperty:key4,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate55.errors : vErrors.concat(validate55.errors);
errors = vErrors.length;
}
}
}
}
if(data.engine !== undefined){
let data9 = data.engine;
if((!(data9 && typeof data9 == "object" && !Array.isArray(data9))) && (data9 !== null)){
vErrors = note(vErrors, instancePath+"/engine", "#/properties/engine/type", "type", {type: schema19.properties.engine.type});
errors++;
}
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
for(const key5 in data9){
if(!((((key5 === "address") || (key5 === "pool")) || (key5 === "tls")) || (key5 === "scratch"))){
vErrors = note(vErrors, instancePath+"/engine", "#/properties/engine/additionalProperties", "additionalProperties", {additionalProperty: key5});
errors++;
}
}
if(data9.address !== undefined){
let data10 = data9.address;
if((((typeof data10 !== "string") && (!((typeof data10 == "number") && (isFinite(data10))))) && (typeof data10 !== "boolean")) && (data10 !== null)){
vErrors = note(vErrors, instancePath+"/engine/address", "#/properties/engine/properties/address/type", "type", {type: schema19.properties.engine.properties.address.type});
errors++;
}
}
if(data9.pool !== undefined){
let data11 = data9.pool;
if(((!(Array.isArray(data11))) && (typeof data11 !== "string")) && (data11 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool", "#/properties/engine/properties/pool/type", "type", {type: schema19.properties.engine.properties.pool.type});
errors++;
}
if(typeof data11 === "string"){
if(!pattern5.test(data11)){
vErrors = note(vErrors, instancePath+"/engine/pool", "#/properties/engine/properties/pool/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data11)){
const len1 = data11.length;
for(let i1=0; i1<len1; i1++){
let data12 = data11[i1];
if(((typeof data12 !== "string") && (!(data12 && typeof data12 == "object" && !Array.isArray(data12)))) && (data12 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1, "#/properties/engine/properties/pool/items/type", "type", {type: schema19.properties.engine.properties.pool.items.type});
errors++;
}
if(data12 && typeof data12 == "object" && !Array.isArray(data12)){
for(const key6 in data12){
if(!(((((key6 === "address") || (key6 === "kubernetes")) || (key6 === "platforms")) || (key6 === "jobs")) || (key6 === "labels"))){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1, "#/properties/engine/properties/pool/items/additionalProperties", "additionalProperties", {additionalProperty: key6});
errors++;
}
}
if(data12.address !== undefined){
let data13 = data12.address;
if((((typeof data13 !== "string") && (!((typeof data13 == "number") && (isFinite(data13))))) && (typeof data13 !== "boolean")) && (data13 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/address", "#/properties/engine/properties/pool/items/properties/address/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.address.type});
errors++;
}
}
if(data12.kubernetes !== undefined){
let data14 = data12.kubernetes;
if(((!(data14 && typeof data14 == "object" && !Array.isArray(data14))) && (typeof data14 !== "string")) && (data14 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes", "#/properties/engine/properties/pool/items/properties/kubernetes/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.kubernetes.type});
errors++;
}
if(typeof data14 === "string"){
if(!pattern5.test(data14)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes", "#/properties/engine/properties/pool/items/properties/kubernetes/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(data14 && typeof data14 == "object" && !Array.isArray(data14)){
for(const key7 in data14){
if(!((((key7 === "selector") || (key7 === "namespace")) || (key7 === "container")) || (key7 === "context"))){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes", "#/properties/engine/properties/pool/items/properties/kubernetes/additionalProperties", "additionalProperties", {additionalProperty: key7});
errors++;
}
}
if(data14.selector !== undefined){
let data15 = data14.selector;
if((((typeof data15 !== "string") && (!((typeof data15 == "number") && (isFinite(data15))))) && (typeof data15 !== "boolean")) && (data15 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes/selector", "#/properties/engine/properties/pool/items/properties/kubernetes/properties/selector/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.kubernetes.properties.selector.type});
errors++;
}
}
if(data14.namespace !== undefined){
let data16 = data14.namespace;
if((((typeof data16 !== "string") && (!((typeof data16 == "number") && (isFinite(data16))))) && (typeof data16 !== "boolean")) && (data16 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes/namespace", "#/properties/engine/properties/pool/items/properties/kubernetes/properties/namespace/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.kubernetes.properties.namespace.type});
errors++;
}
}
if(data14.container !== undefined){
let data17 = data14.container;
if((((typeof data17 !== "string") && (!((typeof data17 == "number") && (isFinite(data17))))) && (typeof data17 !== "boolean")) && (data17 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes/container", "#/properties/engine/properties/pool/items/properties/kubernetes/properties/container/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.kubernetes.properties.container.type});
errors++;
}
}
if(data14.context !== undefined){
let data18 = data14.context;
if((((typeof data18 !== "string") && (!((typeof data18 == "number") && (isFinite(data18))))) && (typeof data18 !== "boolean")) && (data18 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/kubernetes/context", "#/properties/engine/properties/pool/items/properties/kubernetes/properties/context/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.kubernetes.properties.context.type});
errors++;
}
}
}
}
if(data12.platforms !== undefined){
let data19 = data12.platforms;
if(((!(Array.isArray(data19))) && (typeof data19 !== "string")) && (data19 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/platforms", "#/properties/engine/properties/pool/items/properties/platforms/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.platforms.type});
errors++;
}
if(typeof data19 === "string"){
if(!pattern5.test(data19)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/platforms", "#/properties/engine/properties/pool/items/properties/platforms/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data19)){
const len2 = data19.length;
for(let i2=0; i2<len2; i2++){
let data20 = data19[i2];
if((((typeof data20 !== "string") && (!((typeof data20 == "number") && (isFinite(data20))))) && (typeof data20 !== "boolean")) && (data20 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/platforms/" + i2, "#/properties/engine/properties/pool/items/properties/platforms/items/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.platforms.items.type});
errors++;
}
}
}
}
if(data12.jobs !== undefined){
let data21 = data12.jobs;
if(((!(((typeof data21 == "number") && (!(data21 % 1) && !isNaN(data21))) && (isFinite(data21)))) && (typeof data21 !== "string")) && (data21 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/jobs", "#/properties/engine/properties/pool/items/properties/jobs/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.jobs.type});
errors++;
}
if((typeof data21 == "number") && (isFinite(data21))){
if(data21 < 1 || isNaN(data21)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/jobs", "#/properties/engine/properties/pool/items/properties/jobs/minimum", "minimum", {comparison: ">=", limit: 1});
errors++;
}
}
}
if(data12.labels !== undefined){
let data22 = data12.labels;
if(((!(Array.isArray(data22))) && (typeof data22 !== "string")) && (data22 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/labels", "#/properties/engine/properties/pool/items/properties/labels/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.labels.type});
errors++;
}
if(typeof data22 === "string"){
if(!pattern5.test(data22)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/labels", "#/properties/engine/properties/pool/items/properties/labels/pattern", "pattern", {pattern: "\\$\\{\\{"});
errors++;
}
}
if(Array.isArray(data22)){
const len3 = data22.length;
for(let i3=0; i3<len3; i3++){
let data23 = data22[i3];
if((((typeof data23 !== "string") && (!((typeof data23 == "number") && (isFinite(data23))))) && (typeof data23 !== "boolean")) && (data23 !== null)){
vErrors = note(vErrors, instancePath+"/engine/pool/" + i1+"/labels/" + i3, "#/properties/engine/properties/pool/items/properties/labels/items/type", "type", {type: schema19.properties.engine.properties.pool.items.properties.labels.items.type});
errors++;
}
}
}
}
}
}
}
}
if(data9.tls !== undefined){
let data24 = data9.tls;
if((!(data24 && typeof data24 == "object" && !Array.isArray(data24))) && (data24 !== null)){
vErrors = note(vErrors, instancePath+"/engine/tls", "#/properties/engine/properties/tls/type", "type", {type: schema19.properties.engine.properties.tls.type});
errors++;
}
if(data24 && typeof data24 == "object" && !Array.isArray(data24)){
for(const key8 in data24){
if(!((((key8 === "ca") || (key8 === "cert")) || (key8 === "key")) || (key8 === "serverName"))){
vErrors = note(vErrors, instancePath+"/engine/tls", "#/properties/engine/properties/tls/additionalProperties", "additionalProperties", {additionalProperty: key8});
errors++;
}
}
if(data24.ca !== undefined){
let data25 = data24.ca;
if((((typeof data25 !== "string") && (!((typeof data25 == "number") && (isFinite(data25))))) && (typeof data25 !== "boolean")) && (data25 !== null)){
vErrors = note(vErrors, instancePath+"/engine/tls/ca", "#/properties/engine/properties/tls/properties/ca/type", "type", {type: schema19.properties.engine.properties.tls.properties.ca.type});
errors++;
}
}
if(data24.cert !== undefined){
let data26 = data24.cert;
if((((typeof data26 !== "string") && (!((typeof data26 == "number") && (isFinite(data26))))) && (typeof data26 !== "boolean")) && (data26 !== null)){
vErrors = note(vErrors, instancePath+"/engine/tls/cert", "#/properties/engine/properties/tls/properties/cert/type", "type", {type: schema19.properties.engine.properties.tls.properties.cert.type});
errors++;
}
}
if(data24.key !== undefined){
let data27 = data24.key;
if((((typeof data27 !== "string") && (!((typeof data27 == "number") && (isFinite(data27))))) && (typeof data27 !== "boolean")) && (data27 !== null)){
vErrors = note(vErrors, instancePath+"/engine/tls/key", "#/properties/engine/properties/tls/properties/key/type", "type", {type: schema19.properties.engine.properties.tls.properties.key.type});
errors++;
}
}
if(data24.serverName !== undefined){
let data28 = data24.serverName;
if((((typeof data28 !== "string") && (!((typeof data28 == "number") && (isFinite(data28))))) && (typeof data28 !== "boolean")) && (data28 !== null)){
vErrors = note(vErrors, instancePath+"/engine/tls/serverName", "#/properties/engine/properties/tls/properties/serverName/type", "type", {type: schema19.properties.engine.properties.tls.properties.serverName.type});
errors++;
}
}
}
}
if(data9.scratch !== undefined){
let data29 = data9.scratch;
if((((typeof data29 !== "string") && (!((typeof data29 == "number") && (isFinite(data29))))) && (typeof data29 !== "boolean")) && (data29 !== null)){
vErrors = note(vErrors, instancePath+"/engine/scratch", "#/properties/engine/properties/scratch/type", "type", {type: schema19.properties.engine.properties.scratch.type});
errors++;
}
}
}
}
if(data.record !== undefined){
let data30 = data.record;
if((typeof data30 !== "string") && (data30 !== null)){
vErrors = note(vErrors, instancePath+"/record", "#/properties/record/type", "type", {type: schema19.properties.record.type});
errors++;
}
}
if(data.publish !== undefined){
let data31 = data.publish;
if(!(((data31 === "each") || (data31 === "together")) || (data31 === null))){
vErrors = note(vErrors, instancePath+"/publish", "#/properties/publish/enum", "enum", {allowedValues: schema19.properties.publish.enum});
errors++;
}
}
if(data.immutable !== undefined){
let data32 = data.immutable;
if((((typeof data32 !== "string") && (!((typeof data32 == "number") && (isFinite(data32))))) && (!(Array.isArray(data32)))) && (data32 !== null)){
vErrors = note(vErrors, instancePath+"/immutable", "#/properties/immutable/type", "type", {type: schema19.properties.immutable.type});
errors++;
}
if(Array.isArray(data32)){
const len4 = data32.length;
for(let i4=0; i4<len4; i4++){
let data33 = data32[i4];
if(((typeof data33 !== "string") && (!((typeof data33 == "number") && (isFinite(data33))))) && (data33 !== null)){
vErrors = note(vErrors, instancePath+"/immutable/" + i4, "#/properties/immutable/items/type", "type", {type: schema19.properties.immutable.items.type});
errors++;
}
}
}
}
if(data.templates !== undefined){
let data34 = data.templates;
if((!(data34 && typeof data34 == "object" && !Array.isArray(data34))) && (data34 !== null)){
vErrors = note(vErrors, instancePath+"/templates", "#/properties/templates/type", "type", {type: schema19.properties.templates.type});
errors++;
}
if(data34 && typeof data34 == "object" && !Array.isArray(data34)){
for(const key9 in data34){
const _errs78 = errors;
if(typeof key9 === "string"){
if(!pattern14.test(key9)){
vErrors = note(vErrors, instancePath+"/templates", "#/properties/templates/propertyNames/pattern", "pattern", {pattern: "^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"}, key9);
errors++;
}
}
var valid19 = _errs78 === errors;
if(!valid19){
vErrors = note(vErrors, instancePath+"/templates", "#/properties/templates/propertyNames", "propertyNames", {propertyName: key9});
errors++;
}
}
for(const key10 in data34){
if(!(validate57(data34[key10], {instancePath:instancePath+"/templates/" + key10.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data34,parentDataProperty:key10,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate57.errors : vErrors.concat(validate57.errors);
errors = vErrors.length;
}
}
}
}
if(data.builds !== undefined){
let data36 = data.builds;
if((!(data36 && typeof data36 == "object" && !Array.isArray(data36))) && (data36 !== null)){
vErrors = note(vErrors, instancePath+"/builds", "#/properties/builds/type", "type", {type: schema19.properties.builds.type});
errors++;
}
if(data36 && typeof data36 == "object" && !Array.isArray(data36)){
for(const key11 in data36){
const _errs83 = errors;
if(typeof key11 === "string"){
if(!pattern14.test(key11)){
vErrors = note(vErrors, instancePath+"/builds", "#/properties/builds/propertyNames/pattern", "pattern", {pattern: "^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"}, key11);
errors++;
}
}
var valid21 = _errs83 === errors;
if(!valid21){
vErrors = note(vErrors, instancePath+"/builds", "#/properties/builds/propertyNames", "propertyNames", {propertyName: key11});
errors++;
}
}
for(const key12 in data36){
if(!(validate58(data36[key12], {instancePath:instancePath+"/builds/" + key12.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data36,parentDataProperty:key12,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate58.errors : vErrors.concat(validate58.errors);
errors = vErrors.length;
}
}
}
}
if(data.groups !== undefined){
let data38 = data.groups;
if((!(data38 && typeof data38 == "object" && !Array.isArray(data38))) && (data38 !== null)){
vErrors = note(vErrors, instancePath+"/groups", "#/properties/groups/type", "type", {type: schema19.properties.groups.type});
errors++;
}
if(data38 && typeof data38 == "object" && !Array.isArray(data38)){
for(const key13 in data38){
const _errs88 = errors;
if(typeof key13 === "string"){
if(!pattern14.test(key13)){
vErrors = note(vErrors, instancePath+"/groups", "#/properties/groups/propertyNames/pattern", "pattern", {pattern: "^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$"}, key13);
errors++;
}
}
var valid23 = _errs88 === errors;
if(!valid23){
vErrors = note(vErrors, instancePath+"/groups", "#/properties/groups/propertyNames", "propertyNames", {propertyName: key13});
errors++;
}
}
for(const key14 in data38){
if(!(validate62(data38[key14], {instancePath:instancePath+"/groups/" + key14.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data38,parentDataProperty:key14,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate62.errors : vErrors.concat(validate62.errors);
errors = vErrors.length;
}
}
}
}
}
else {
vErrors = note(vErrors, instancePath, "#/type", "type", {type: "object"});
errors++;
}
validate52.errors = vErrors;
return errors === 0;
}
validate52.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

/** See {@link ShapeCheck}. */
export const checkShape: ShapeCheck = validate52 as unknown as ShapeCheck;
