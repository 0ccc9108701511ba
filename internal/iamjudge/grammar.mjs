// Reads one document with its kind a line, has iam-policy in the node_modules
// folder given as argument validate it, and answers one line each: a list of
// what is wrong.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join, resolve } from 'node:path'

const require = createRequire(join(resolve(process.argv[2]), 'from-here.js'))
const p = require('@cloud-copilot/iam-policy')

const validators = {
  'identity policy': p.validateIdentityPolicy,
  'trust policy': p.validateTrustPolicy,
  'key policy': p.validateResourcePolicy,
  'resource policy': p.validateResourcePolicy,
  'service control policy': p.validateServiceControlPolicy,
  'resource control policy': p.validateResourceControlPolicy,
  'permissions boundary': p.validateIdentityPolicy,
  'session policy': p.validateSessionPolicy,
}

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, document } = JSON.parse(line)
  console.log(JSON.stringify(validators[kind](document).map((e) => `${e.path}: ${e.message}`)))
}
