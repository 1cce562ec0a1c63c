// Runs a state machine in the interpreter, with the limits of the service, which it does not know.
import { randomUUID } from 'node:crypto';
import { differences, statesOf } from './machine.mjs';
import { load } from './packages.mjs';

const { StateMachine } = load('aws-local-stepfunctions');

const MAX_PAYLOAD = 256 * 1024;
const MAX_EVENTS = 25000;
const FOREVER = 24 * 3600;
const PATIENCE = 120000; // of a test with a machine, in milliseconds

// Entries in the history of an execution, by event of the interpreter; a Task is also scheduled, started and submitted.
const HISTORY = { StateEntered: 1, StateExited: 1, StateRetried: 1, MapIterationStarted: 1, MapIterationSucceeded: 1 };
const TASK_HISTORY = 4;

export class StateError extends Error {
  constructor(name, cause, { catchable = true } = {}) {
    super(cause);
    this.name = name;
    this.isCatchable = catchable;
    this.isRetryable = catchable;
  }
}

export function checkPayload(value) {
  const size = Buffer.byteLength(JSON.stringify(value ?? null));
  if (size > MAX_PAYLOAD) {
    const cause = `${size} bytes of data; a state may pass on ${MAX_PAYLOAD}`;
    throw new StateError('States.DataLimitExceeded', cause, { catchable: false });
  }
  return value;
}

// Tasks without a time limit have none on the service, here a minute. Waiting is cut short.
function prepare(machine, items, services, log) {
  const overrides = { taskResourceLocalHandlers: {}, waitTimeOverrides: {}, retryIntervalOverrides: {} };
  for (const [name, state] of statesOf(machine)) {
    if (state.Type === 'Task') {
      if (!('TimeoutSeconds' in state) && !('TimeoutSecondsPath' in state)) state.TimeoutSeconds = FOREVER;
      const run = items.has(name)
        ? (input) => executeItem(items.get(name), input, services, log)
        : (parameters) => services.call(name, state.Resource, checkPayload(parameters));
      overrides.taskResourceLocalHandlers[name] = async (parameters) => checkPayload(await run(parameters));
    }
    if (state.Type === 'Wait') overrides.waitTimeOverrides[name] = 0;
    if (state.Retry) overrides.retryIntervalOverrides[name] = 0;
  }
  return overrides;
}

// The items of a distributed Map are executions that know nothing of the one around them: the interpreter gets a Map with one task,
// which executes an item. Gives the machines of the items by the names of these tasks.
function divide(machine) {
  const items = new Map();
  for (const [name, state] of [...statesOf(machine)]) {
    if (state.ItemProcessor?.ProcessorConfig?.Mode !== 'DISTRIBUTED') continue;
    const task = `${name}: execution`;
    items.set(task, JSON.stringify(state.ItemProcessor));
    state.ItemProcessor = { StartAt: task, States: { [task]: { Type: 'Task', Resource: 'arn:aws:states:::states:startExecution', End: true } } };
  }
  return items;
}

async function executeItem(text, input, services, log) {
  const end = await execute(JSON.parse(text), input, randomUUID(), services, log);
  if (end.state === 'succeeded') return end.output;
  throw new StateError('States.ExceedToleratedFailureThreshold', `${end.error}: ${end.cause}`);
}

// A Map or Parallel that has failed stops what runs in it, which the interpreter leaves alone.
function stopInside(machine, name, services) {
  const [, state] = [...statesOf(machine)].find(([other]) => other === name);
  services.stop(new Set([...statesOf({ States: { [name]: state } })].map(([inner]) => inner)));
}

async function watch(execution, machine, services, log) {
  let events = 0;
  for await (const event of execution.eventLogs) {
    events += HISTORY[event.type] ?? 0;
    if (event.type === 'StateEntered' && event.state.type === 'Task') events += TASK_HISTORY;
    const told = event.Error ? `: ${event.Error}: ${event.Cause?.message ?? event.Cause}` : '';
    if (event.state) log.push(`${event.type} ${event.state.name}${told}`);
    const around = ['Map', 'Parallel'].includes(event.state?.type);
    if (event.type === 'StateFailed' && around) stopInside(machine, event.state.name, services);
    checkPayload(event.state?.input);
    checkPayload(event.state?.output);
    if (events > MAX_EVENTS) throw new StateError('States.Runtime', `more than ${MAX_EVENTS} events`);
  }
  return events;
}

// {state, output | error, cause, events}. Throws when the interpreter cannot tell what the service would do.
export async function execute(machine, input, name, services, log) {
  const found = differences(machine);
  if (found.length) throw new Error(`the interpreter differs from the service:\n  ${found.join('\n  ')}`);
  const overrides = prepare(machine, divide(machine), services, log);
  const context = { Execution: { Id: `arn:aws:states:eu-central-1:123456789012:execution:m:${name}`, Name: name } };
  const options = { validationOptions: { noValidate: true } };
  const execution = new StateMachine(machine, options).run(checkPayload(input), { overrides, context });
  let beyond = null;
  const timer = setTimeout(() => {
    beyond = new Error('the machine has not ended');
    services.close();
    execution.abort();
  }, PATIENCE);
  const watched = watch(execution, machine, services, log).catch((error) => {
    beyond = error;
    execution.abort();
  });
  try {
    const output = await execution.result;
    const events = await watched;
    if (beyond) throw beyond;
    return { state: 'succeeded', output, events };
  } catch (error) {
    const events = await watched;
    const cause = beyond ?? error.cause ?? error;
    return { state: 'failed', error: cause.name, cause: cause.message, events };
  } finally {
    clearTimeout(timer);
  }
}
