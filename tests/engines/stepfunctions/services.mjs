// Stand-ins for what states call: a container is a process in an empty folder, a bucket a directory, a function a process that
// stays and answers one call after the other, as a warm one does.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StateError } from './interpreter.mjs';

const HOST = fileURLToPath(new URL('function_host.py', import.meta.url));
const MAX_OVERRIDES = { ecs: 8192, batch: 30 * 1024 };
const IMAGE = '/opt/wf/';

const fatal = (cause) => new StateError('States.Runtime', cause, { catchable: false });

export class Services {
  // The files of the image stand in `dir`; `store` is {bucket, prefix}, where the machine keeps its objects.
  constructor({ dir, work, secrets, workflow }, store, log) {
    this.image = `${resolve(dir)}/`;
    this.module = workflow;
    this.work = resolve(work);
    this.buckets = join(this.work, 'buckets');
    this.store = join(this.buckets, store.bucket, store.prefix);
    this.log = log;
    this.running = new Set();
    this.stopped = new Set();
    this.failed = new Set(); // nodes whose expressions had no value
    this.environment = {
      PATH: '/usr/bin:/bin:/usr/local/bin', HOME: this.work, LANG: 'C.UTF-8', TZ: 'UTC', PYTHONDONTWRITEBYTECODE: '1',
      WF_STORE: `file://${this.store}`,
      ...Object.fromEntries(Object.entries(secrets ?? {}).map(([name, value]) => [`WFC_SECRET_${name.toUpperCase()}`, value])),
    };
    this.resources = {
      'arn:aws:states:::ecs:runTask.sync': (p, state) => this.task(p, state),
      'arn:aws:states:::batch:submitJob.sync': (p, state) => this.job(p, state),
      'arn:aws:states:::lambda:invoke': (p) => this.invoke(p),
      'arn:aws:states:::aws-sdk:s3:getObject': (p) => this.getObject(p),
      'arn:aws:states:::aws-sdk:s3:putObject': (p) => this.putObject(p),
    };
  }

  async call(state, resource, parameters) {
    if (this.stopped.has(state)) throw fatal(`${state} stands in what was stopped`);
    const service = this.resources[resource];
    if (!service) throw fatal(`no stand-in for ${resource}`);
    return service(parameters, state);
  }

  // Kills the containers of these states; what they have not ended leaves no outcome.
  stop(states) {
    states.forEach((state) => this.stopped.add(state));
    for (const child of this.running) {
      if (!states.has(child.state)) continue;
      try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has ended */ }
      rmSync(join(this.store, child.call, 'outcome.json'), { force: true });
    }
  }

  close() {
    for (const child of this.running) {
      try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has ended */ }
    }
  }

  async container(command, environment, limit, overrides, state) {
    if (JSON.stringify(overrides).length > limit) throw fatal(`overrides of more than ${limit} characters`);
    for (const { Name, Value } of environment) {
      if (typeof Name !== 'string' || typeof Value !== 'string') throw fatal(`variable ${Name} is not a string`);
    }
    await mkdir(join(this.work, 'containers'), { recursive: true });
    const cwd = await mkdtemp(join(this.work, 'containers', 'c'));
    const env = { ...this.environment, TMPDIR: cwd, ...Object.fromEntries(environment.map((v) => [v.Name, v.Value])) };
    const argv = command.map((word) => (word.startsWith(IMAGE) ? this.image + word.slice(IMAGE.length) : word));
    const child = spawn(argv[0], argv.slice(1), { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.running.add(Object.assign(child, { state, call: env.WF_CALL }));
    const printed = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => printed.push(piece));
    const code = await new Promise((done) => {
      child.on('error', (error) => { printed.push(Buffer.from(String(error))); done(null); });
      child.on('close', (status) => done(status));
    });
    this.running.delete(child);
    const text = Buffer.concat(printed).toString();
    if (text) this.log.push(`${command.join(' ')} printed:\n${text}`);
    return code;
  }

  async task({ Overrides }, state) {
    const [override] = Overrides.ContainerOverrides;
    const code = await this.container(override.Command, override.Environment ?? [], MAX_OVERRIDES.ecs, Overrides, state);
    const containers = [{ Name: override.Name, ExitCode: code }];
    const task = { Containers: containers, LastStatus: 'STOPPED', StoppedReason: 'Essential container in task exited' };
    if (code !== 0) throw new StateError('States.TaskFailed', JSON.stringify(task));
    return task;
  }

  async job({ JobName, ContainerOverrides }, state) {
    const { Command, Environment } = ContainerOverrides;
    const code = await this.container(Command, Environment ?? [], MAX_OVERRIDES.batch, ContainerOverrides, state);
    const job = { JobName, Container: { ExitCode: code }, Status: code === 0 ? 'SUCCEEDED' : 'FAILED' };
    if (code !== 0) throw new StateError('States.TaskFailed', JSON.stringify(job));
    return job;
  }

  object({ Bucket, Key }) {
    const path = resolve(this.buckets, Bucket, Key);
    if (!path.startsWith(`${join(this.buckets, Bucket)}/`)) throw new StateError('S3.S3Exception', `no such key: ${Key}`);
    return path;
  }

  async getObject(parameters) {
    const Body = await readFile(this.object(parameters), 'utf8').catch(() => {
      throw new StateError('S3.NoSuchKeyException', `The specified key does not exist: ${parameters.Key}`);
    });
    return { Body, ContentLength: Buffer.byteLength(Body) };
  }

  // The service writes the Body as JSON, whatever it is.
  async putObject(parameters) {
    const path = this.object(parameters);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(parameters.Body));
    return {};
  }

  async invoke({ Payload }) {
    // The service does not say in which order a distributed Map tells what became of its items.
    if (Payload?.do === 'gather' && Payload.items.every((item) => 'i' in item)) Payload.items.reverse();
    this.host ??= this.startHost();
    const answer = await this.host.ask(Payload ?? {});
    if (answer.printed) this.log.push(answer.printed);
    if ('errorType' in answer) throw new StateError(answer.errorType, JSON.stringify(answer));
    if (Payload?.do === 'compute' && !answer.result.ok) {
      answer.result.failures.forEach((failure) => this.failed.add(failure.step));
    }
    return { ExecutedVersion: '$LATEST', Payload: answer.result, StatusCode: 200 };
  }

  startHost() {
    const options = { cwd: this.work, env: this.environment, detached: true, stdio: ['pipe', 'pipe', 'inherit'] };
    const child = spawn('/usr/bin/python3', [HOST, this.image, this.module], options);
    this.running.add(child);
    const waiting = [];
    createInterface({ input: child.stdout }).on('line', (line) => waiting.shift().resolve(JSON.parse(line)));
    const ended = new StateError('Lambda.Unknown', 'the function has ended');
    child.on('close', () => waiting.splice(0).forEach((one) => one.reject(ended)));
    return {
      ask: (question) => new Promise((done, fail) => {
        waiting.push({ resolve: done, reject: fail });
        child.stdin.write(`${JSON.stringify(question)}\n`);
      }),
    };
  }
}
