// What a state machine is made of, and which of it the interpreter does as the service would.

export function* statesOf(machine, top = true) {
  for (const [name, state] of Object.entries(machine.States ?? {})) {
    yield [name, state, top];
    for (const inner of state.Branches ?? []) yield* statesOf(inner, false);
    const items = state.ItemProcessor ?? state.Iterator;
    if (items) yield* statesOf(items, false);
  }
}

// Fields that the interpreter ignores without a word.
const IGNORED = ['Assign', 'Arguments', 'Output', 'Items', 'ItemReader', 'ItemBatcher', 'ResultWriter', 'Label', 'Credentials',
  'ToleratedFailureCount', 'ToleratedFailureCountPath', 'ToleratedFailurePercentage', 'ToleratedFailurePercentagePath',
  'HeartbeatSeconds', 'HeartbeatSecondsPath'];

// Strings that are evaluated, each with the name of its field.
function* evaluated(value, key = '') {
  if (typeof value === 'string' && (key.endsWith('.$') || key.endsWith('Path') || key === 'Variable')) yield [key, value];
  if (value === null || typeof value !== 'object') return;
  for (const [name, inner] of Object.entries(value)) {
    if (['States', 'Branches', 'ItemProcessor', 'Iterator', 'Result'].includes(name)) continue;
    yield* evaluated(inner, Array.isArray(value) ? key : name);
  }
}

function* rulesOf(rule) {
  yield rule;
  for (const inner of [...(rule.And ?? []), ...(rule.Or ?? []), ...(rule.Not ? [rule.Not] : [])]) yield* rulesOf(inner);
}

function* pathDifferences(state, top) {
  for (const [key, text] of evaluated(state)) {
    const open = /\$[^$']*(\.\.|\[\?|:)/.test(text);
    if (open) yield `${key} ${text}: a path that may match nothing gives an error here, a list there`;
    if (text.includes('States.JsonToString')) yield `${key}: JsonToString loses backslashes here`;
    for (const [path] of text.matchAll(/\$\$[\w.]*/g)) {
      const known = /^\$\$\.Execution\.(Id|Name)$/.test(path)
        || (top && /^\$\$\.Execution\.(Input|StartTime)$/.test(path))
        || (state.Type === 'Map' && /^\$\$\.Map\.Item\.(Index|Value(\.\w+)?)$/.test(path));
      if (!known) yield `${key}: ${path} is not what it would be there`;
    }
  }
}

function* stateDifferences(state, top) {
  for (const field of IGNORED) if (field in state) yield `${field} is ignored here`;
  if (state.QueryLanguage === 'JSONata') yield 'JSONata is not evaluated here';
  if (/waitForTaskToken/.test(state.Resource ?? '')) yield 'no task tokens here';
  if ('Result' in state && !state.Result) yield 'a Result that counts as false is ignored here';
  if (state.ResultPath === '$') yield 'ResultPath $ makes a field here';
  if (state.Type === 'Map' && 'Parameters' in state) yield 'Parameters of a Map: write ItemSelector';
  for (const rule of (state.Choices ?? []).flatMap((choice) => [...rulesOf(choice)])) {
    for (const [name, value] of Object.entries(rule)) {
      if (/^Is[A-Z]/.test(name) && value === false) yield `${name}: false never matches here: write Not`;
    }
  }
  yield* pathDifferences(state, top);
}

// What of the machine would run otherwise here than on the service.
export function differences(machine) {
  const found = machine.QueryLanguage === 'JSONata' ? ['JSONata is not evaluated here'] : [];
  for (const [name, state, top] of statesOf(machine)) {
    for (const difference of stateDifferences(state, top)) found.push(`state ${name}: ${difference}`);
  }
  return found;
}
