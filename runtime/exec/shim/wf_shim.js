// Runs a Node step: binds its inputs as globals, runs its code unchanged, saves its outputs. See wf_shim.py for the
// description in WF_SPEC.
'use strict';
const fs = require('fs');
const vm = require('vm');
const { createRequire } = require('module');

const specText = process.env.WF_SPEC !== undefined ? process.env.WF_SPEC : fs.readFileSync(process.env.WF_SPEC_FILE, 'utf8');
delete process.env.WF_SPEC;
delete process.env.WF_SPEC_FILE;
const spec = JSON.parse(specText);
const units = { w: 604800000, d: 86400000, h: 3600000, m: 60000, s: 1000, ms: 1 };
const sizes = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, PiB: 2 ** 50, EiB: 2 ** 60 };

class OutputError extends Error {}

function event(fields) {
  if (!process.env.WF_EVENTS) return;
  try { fs.appendFileSync(process.env.WF_EVENTS, JSON.stringify(fields) + '\n'); } catch (e) { /* nobody listens */ }
}

function measure(text, table) {
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)([a-zA-Z]+)/g)) sum += Number(n) * table[unit];
  return text.startsWith('-') ? -sum : sum;
}

// A value as the code sees it: durations in milliseconds, sizes in bytes, times as Date, files as paths.
function bind(type, v) {
  switch (type[0]) {
    case 'opt': return v === null || v === undefined ? null : bind(type[1], v);
    case 'bool': return v === true || v === 'true';
    case 'int': return Number.isSafeInteger(Number(v)) ? Number(v) : BigInt(v);
    case 'float': return Number(v);
    case 'duration': return measure(v, units);
    case 'size': return typeof v === 'string' ? measure(v, sizes) : v;
    case 'time': return new Date(v);
    case 'list': return v.map((x) => bind(type[1], x));
    case 'map': return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, bind(type[1], x)]));
    case 'struct': return Object.fromEntries(type[2].map(([name, foreign, t]) => [name, bind(t, v[foreign])]));
    default: return v;
  }
}

function durationText(ms) {
  if (ms === 0) return '0s';
  let text = ms < 0 ? '-' : '';
  let left = Math.abs(Math.round(ms));
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const n = Math.floor(left / units[unit]);
    left %= units[unit];
    if (n > 0) text += n + unit;
  }
  return text;
}

function wrong(where, want, v) {
  let text;
  try { text = JSON.stringify(v); } catch (e) { text = String(v); }
  return new OutputError(`output ${where}: expected ${want}, got ${typeof v} ${String(text).slice(0, 80)}`);
}

function number(where, v) {
  if (!Number.isFinite(v)) throw new OutputError(`output ${where} is ${Number.isNaN(v) ? 'NaN' : 'infinite'}, which is not a value`);
  return v;
}

function exported(type, where, v) {
  switch (type[0]) {
    case 'opt': return v === null || v === undefined ? null : exported(type[1], where, v);
    case 'json':
      if (v === undefined) throw wrong(where, 'a JSON value', v);
      return v;
    case 'bool': if (typeof v === 'boolean') return v; break;
    case 'int': case 'size':
      if (typeof v === 'bigint' || (typeof v === 'number' && Number.isInteger(number(where, v)))) return v;
      if (type[0] === 'size' && typeof v === 'string') return v;
      break;
    case 'float': if (typeof v === 'number') return number(where, v); break;
    case 'string': case 'enum': if (typeof v === 'string') return v; break;
    case 'duration':
      if (typeof v === 'number') return durationText(number(where, v));
      if (typeof v === 'string') return v;
      break;
    case 'time':
      if (v instanceof Date) return v.toISOString();
      if (typeof v === 'string') return v;
      break;
    case 'list': if (v && typeof v[Symbol.iterator] === 'function' && typeof v !== 'string')
      return Array.from(v, (x, i) => exported(type[1], `${where}[${i}]`, x));
      break;
    case 'map': if (v && typeof v === 'object') {
      const entries = v instanceof Map ? [...v] : Object.entries(v);
      return Object.fromEntries(entries.map(([k, x]) => [k, exported(type[1], `${where}[${JSON.stringify(k)}]`, x)]));
    }
      break;
    case 'struct': if (v && typeof v === 'object') {
      const result = {};
      for (const [name, foreign, t] of type[2]) {
        const x = name in v ? v[name] : v[foreign];
        if (x !== undefined) result[foreign] = exported(t, `${where}.${name}`, x);
      }
      return result;
    }
      break;
    default:
  }
  throw wrong(where, type[0] === 'struct' ? type[1] : type[0], v);
}

// JSON text; JSON.stringify refuses BigInt.
function jsonText(v) {
  if (typeof v === 'bigint') return v.toString();
  if (v && typeof v === 'object' && typeof v.toJSON === 'function') return jsonText(v.toJSON());
  if (Array.isArray(v)) return `[${v.map((x) => (x === undefined ? 'null' : jsonText(x))).join(',')}]`;
  if (v && typeof v === 'object') {
    const entries = Object.entries(v).filter(([, x]) => x !== undefined);
    return `{${entries.map(([k, x]) => `${JSON.stringify(k)}:${jsonText(x)}`).join(',')}}`;
  }
  return JSON.stringify(v);
}

const isDir = (t) => t[0] === 'dir' || (t[0] === 'list' && (t[1][0] === 'file' || t[1][0] === 'dir'));

function saveFile(type, path, where, v) {
  if (v === path) return;
  if (type[1] === 'json') fs.writeFileSync(path, JSON.stringify(v) + '\n');
  else if (type[1] === 'jsonl' && Array.isArray(v)) fs.writeFileSync(path, v.map((x) => JSON.stringify(x) + '\n').join(''));
  else if (typeof v === 'string' || ArrayBuffer.isView(v)) fs.writeFileSync(path, v);
  else throw wrong(where, 'text or bytes', v);
}

function lookup(name) {
  return vm.runInThisContext(`typeof ${name} === 'undefined' ? undefined : ${name}`);
}

function finish([name, declared, path, printed]) {
  if (printed) return;
  const where = '`' + name + '`';
  const v = lookup(name);
  const optional = declared[0] === 'opt';
  const type = optional ? declared[1] : declared;
  if (type[0] === 'file') {
    if (optional && (v === null || v === undefined)) return;
    saveFile(type, path, where, v);
  } else if (!isDir(type)) {
    if (optional && (v === null || v === undefined)) return;
    if (v === undefined) {
      if (fs.existsSync(path)) return;
      throw new OutputError(`the step did not assign its output ${where}`);
    }
    const value = exported(type, where, v);
    fs.writeFileSync(path, (typeof value === 'string' && type[0] !== 'json' ? value : jsonText(value)) + '\n');
  }
}

function failed(error) {
  if (error instanceof OutputError) {
    process.stderr.write(error.message + '\n');
    event({ error: error.message, output: true });
  } else {
    const stack = error && error.stack ? String(error.stack) : String(error);
    process.stderr.write(stack + '\n');
    const at = stack.split('\n').map((s) => s.lastIndexOf(spec.file + ':') >= 0 ? s.slice(s.lastIndexOf(spec.file + ':') + spec.file.length + 1) : '')
      .find((s) => /^\d+/.test(s));
    const line = at ? parseInt(at, 10) - spec.line + 1 : 0;
    event({ error: error && error.name ? `${error.name}: ${error.message}` : String(error), line });
  }
  process.exit(1);
}

const globals = globalThis;
globals.require = createRequire(spec.script);
globals.__filename = spec.script;
globals.module = { exports: {} };
globals.exports = globals.module.exports;
globals.wf = {
  progress: (value) => event({ progress: Number(value) }),
  metric: (name, value) => event({ metric: String(name), value: Number(value) }),
};
for (const [name, type, value] of spec.inputs) globals[name] = value === null ? null : bind(type, value);
for (const [name, type, path, printed] of spec.outputs) {
  const inner = type[0] === 'opt' ? type[1] : type;
  if (!printed && (inner[0] === 'file' || isDir(inner))) globals[name] = path;
}
process.on('uncaughtException', failed);
let finished = false;
process.on('beforeExit', () => {
  if (finished) return;
  finished = true;
  try { spec.outputs.forEach(finish); } catch (error) { failed(error); }
});
try {
  vm.runInThisContext(fs.readFileSync(spec.script, 'utf8'), { filename: spec.file, lineOffset: spec.line - 1 });
} catch (error) {
  failed(error);
}
