// validate.mjs FILE...: what three validators find in state machines (*.asl.json), as lines `file: validator: fault`; exit code 1
// if anything. Other files need only be JSON.
// Each misses faults that another sees, and none knows the limits of the service, which are added here.
import { readFileSync } from 'node:fs';
import { load } from './packages.mjs';
import { statesOf } from './machine.mjs';

const aslValidator = load('asl-validator');
const statelint = load('@wmfs/statelint')();
const { getLanguageService } = load('amazon-states-language-service');
const { TextDocument } = load('vscode-languageserver-textdocument');
const service = getLanguageService({});

const LIMITS = { machine: 1 << 20, name: 80 };

// It writes defaults into the machine that it is given.
function byAslValidator(text) {
  const found = aslValidator(JSON.parse(text), { checkPaths: true, checkArn: true });
  return found.isValid ? [] : found.errorsText('\n').split('\n');
}

function byStatelint(text, machine) {
  return statelint.validate(machine);
}

async function byLanguageService(text) {
  const document = TextDocument.create('machine.asl.json', 'json', 1, text);
  const found = await service.doValidation(document, service.parseJSONDocument(document));
  return found.map((d) => `${d.range.start.line + 1}: ${d.message}`);
}

function byLimits(text, machine) {
  const faults = [];
  const seen = new Set();
  if (Buffer.byteLength(text) > LIMITS.machine) faults.push('the definition is larger than 1 MiB');
  for (const [name] of statesOf(machine)) {
    if ([...name].length > LIMITS.name) faults.push(`the name of state ${name} is longer than 80 characters`);
    if (seen.has(name)) faults.push(`two states are named ${name}`);
    seen.add(name);
  }
  return faults;
}

const CHECKS = {
  'asl-validator': byAslValidator,
  statelint: byStatelint,
  'language-service': byLanguageService,
  limits: byLimits,
};

let faults = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  const machine = JSON.parse(text);
  if (!file.endsWith('.asl.json')) continue;
  for (const [name, check] of Object.entries(CHECKS)) {
    for (const fault of await check(text, machine)) {
      console.log(`${file}: ${name}: ${fault}`);
      faults++;
    }
  }
}
process.exitCode = faults ? 1 : 0;
