// Reads one request with its policies a line, asks iam-simulate in the
// node_modules folder given as argument, and answers one line each:
// {"id": "…", "decision": "…"} or {"id": "…", "error": "…"}.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join, resolve } from 'node:path'

const require = createRequire(join(resolve(process.argv[2]), 'from-here.js'))
const { runSimulation } = require('@cloud-copilot/iam-simulate')

const named = (policies = []) => policies.map((policy, i) => ({ name: `p${i}`, policy }))
const levels = (all = []) =>
  all.map((policies, i) => ({ orgIdentifier: `level-${i}`, policies: named(policies) }))

async function decide({ request: r, policies: p = {} }) {
  const result = await runSimulation(
    {
      request: {
        principal: r.principal,
        action: r.action,
        resource: { resource: r.resource, accountId: r.account },
        contextVariables: r.context ?? {},
      },
      identityPolicies: named(p.identity),
      serviceControlPolicies: levels(p.scp),
      resourceControlPolicies: levels(p.rcp),
      ...(p.boundary && { permissionBoundaryPolicies: named(p.boundary) }),
      ...(p.session && { sessionPolicy: p.session }),
      ...(p.resource && { resourcePolicy: p.resource }),
    },
    { simulationMode: 'Strict' },
  )
  return result.errors ? { error: JSON.stringify(result.errors) } : { decision: result.overallResult }
}

for await (const line of createInterface({ input: process.stdin })) {
  const sample = JSON.parse(line)
  const answer = await decide(sample).catch((e) => ({ error: String(e) }))
  console.log(JSON.stringify({ id: sample.id, ...answer }))
}
