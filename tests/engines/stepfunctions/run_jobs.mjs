// run_jobs.mjs JOBS RESULTS: executes emitted state machines and writes what became of them, in the order of the jobs.
//
// A job is {"name", "dir": folder of the emitted files, "workflow", "params", "secrets", "work": scratch folder}, a result
// {"name", "state", "result", "nodes": {PATH: "succeeded" | "failed"}, "log"}. What became of a call is what its container left
// in the store, in RUN/PATH/outcome.json, or that the function found no value for what it needs.
import { readFileSync, readdirSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './interpreter.mjs';
import { statesOf } from './machine.mjs';
import { Services } from './services.mjs';

const RUN = 'run-1';

function* outcomes(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* outcomes(path);
    else if (entry.name === 'outcome.json') yield path;
  }
}

function nodesOf({ buckets, failed }) {
  const nodes = Object.fromEntries([...failed].filter((path) => path !== '').map((path) => [path, 'failed']));
  if (!existsSync(buckets)) return nodes;
  for (const path of outcomes(buckets)) {
    const { node, ok } = JSON.parse(readFileSync(path, 'utf8'));
    nodes[node] = ok ? 'succeeded' : 'failed';
  }
  return nodes;
}

// Where the machine keeps its objects: keys are made by States.Format('PREFIX/{}/...').
function storeOf(machine) {
  for (const [, state] of statesOf(machine)) {
    if (!/s3:(put|get)Object$/.test(state.Resource ?? '')) continue;
    const [, prefix] = state.Parameters['Key.$'].match(/^States\.Format\('([^{]*)/);
    return { bucket: state.Parameters.Bucket, prefix: prefix.replace(/\/$/, '') };
  }
  return { bucket: 'none', prefix: '' };
}

async function run(job) {
  const log = [];
  mkdirSync(job.work, { recursive: true });
  const machine = JSON.parse(readFileSync(join(job.dir, `${job.workflow}.asl.json`), 'utf8'));
  const services = new Services(job, storeOf(machine), log);
  try {
    const end = await execute(machine, job.params ?? {}, RUN, services, log);
    if (end.events) log.push(`${end.events} events`);
    if (end.state === 'failed') log.push(`${end.error}: ${end.cause}`);
    return { name: job.name, state: end.state, result: end.output ?? null, nodes: nodesOf(services), log: log.join('\n') };
  } finally {
    services.close();
  }
}

const [jobs, results] = process.argv.slice(2);
const done = [];
for (const job of JSON.parse(readFileSync(jobs, 'utf8'))) {
  try {
    done.push(await run(job));
  } catch (error) { // not an end of the workflow: the job could not be executed as the service would
    console.error(`${job.name}: ${error.message}`);
    process.exitCode = 1;
    done.push({ name: job.name, state: 'failed', result: null, nodes: {}, log: error.message });
  }
}
writeFileSync(results, `${JSON.stringify(done, null, 1)}\n`);
